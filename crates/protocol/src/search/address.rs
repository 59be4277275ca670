//! What an address is asked to be: one address, a network, or how it begins, with a port or without.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which ends of sockets are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressMask {
    /// Addresses that have the first bits of this one. An IPv4 address and the same one written as IPv6
    /// are one address.
    Net { first: IpAddr, bits: u8, port: Option<u16> },
    /// A part of the path of a unix socket.
    Path(String),
}

impl AddressMask {
    /// `10.0.0.5`, `10.0.0.5:80`, `10.0.0.0/24`, `10.0.` or `10.0.*`, `::1`, `[::1]:22`, `fe80:*`; else a
    /// part of a path. `None` for what looks like an address and is none, or none yet.
    pub fn parse(text: &str) -> Option<Self> {
        if !is_address_like(text) {
            return Some(AddressMask::Path(text.to_owned()));
        }
        let (address, port) = split_port(text)?;
        let (first, bits) = net_of(address)?;
        Some(AddressMask::Net { first, bits, port })
    }

    /// True if this end of a socket of the network is meant.
    pub fn takes(&self, address: &str, port: u16) -> bool {
        let AddressMask::Net { first, bits, port: wanted } = self else { return false };
        let address = address.split('%').next().unwrap_or_default();
        wanted.is_none_or(|wanted| wanted == port)
            && address.parse::<IpAddr>().is_ok_and(|address| {
                let (one, same_family) = bits_of(address.to_canonical());
                let (other, family) = bits_of(*first);
                same_family == family
                    && one.checked_shr(128 - u32::from(*bits)) == other.checked_shr(128 - u32::from(*bits))
            })
    }
}

/// The bits of an address from the left, and how many it has.
fn bits_of(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

fn is_address_like(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '*' | '/' | '[' | ']');
    let begins = |c: char| c.is_ascii_digit() || c == '[' || c == ':';
    text.contains("::") || (text.chars().all(is_part) && (text.starts_with(begins) || text.contains(':')))
}

/// The address and the port behind it.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).map(Some);
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(number) => Some((address, port(number)?)),
            None => rest.is_empty().then_some((address, None)),
        };
    }
    match text.split_once(':') {
        Some((address, number)) if address.contains('.') && !number.contains(':') => {
            Some((address, port(number)?))
        }
        _ => Some((text, None)),
    }
}

/// The first address of a network, and how many bits all of it have.
fn net_of(text: &str) -> Option<(IpAddr, u8)> {
    let (first, bits) = if let Some((address, bits)) = text.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        (address, Some(bits).filter(|bits| *bits <= bits_of(address).1)?)
    } else if let Ok(address) = text.parse::<IpAddr>() {
        (address, bits_of(address).1)
    } else {
        beginning(text.strip_suffix('*').unwrap_or(text))?
    };
    // An IPv4 address written as IPv6.
    match (first.to_canonical(), first, bits.checked_sub(96)) {
        (IpAddr::V4(address), IpAddr::V6(_), Some(bits)) => Some((address.into(), bits)),
        _ => Some((first, bits)),
    }
}

/// `10.0.` as a network: how its addresses begin.
fn beginning(text: &str) -> Option<(IpAddr, u8)> {
    if let Some(octets) = text.strip_suffix('.') {
        let mut all = [0_u8; 4];
        let count = fill(&mut all, octets.split('.').map(|octet| octet.parse().ok()))?;
        return (count < 4).then(|| (Ipv4Addr::from(all).into(), count * 8));
    }
    let groups = text.strip_suffix(':')?;
    let mut all = [0_u16; 8];
    let count = fill(&mut all, groups.split(':').map(|group| u16::from_str_radix(group, 16).ok()))?;
    (count < 8).then(|| (Ipv6Addr::from(all).into(), count * 16))
}

/// Puts parts in their places, and tells how many they are.
fn fill<T>(places: &mut [T], parts: impl Iterator<Item = Option<T>>) -> Option<u8> {
    let mut count = 0_u8;
    for part in parts {
        *places.get_mut(usize::from(count))? = part?;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(mask: &str, address: &str, port: u16) -> bool {
        AddressMask::parse(mask).unwrap().takes(address, port)
    }

    #[test]
    fn an_address_is_meant_as_a_whole() {
        assert!(takes("10.0.0.5", "10.0.0.5", 80));
        assert!(!takes("10.0.0.5", "10.0.0.50", 80));
        assert!(!takes("10.0.0.5", "110.0.0.5", 80));
        assert!(takes("2001:db8::1", "2001:0db8:0:0::1", 443), "however it is written");
        assert!(!takes("0.0.0.0", "::", 80));
        assert!(!takes("10.0.0.5", "", 0));
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_same() {
        assert!(takes("10.0.0.5", "::ffff:10.0.0.5", 80));
        assert!(takes("::ffff:10.0.0.5", "10.0.0.5", 80));
        assert!(takes("::ffff:10.0.0.0/120", "10.0.0.77", 80));
        assert!(!takes("::ffff:10.0.0.0/120", "10.0.1.77", 80));
        assert!(takes("10.0.0.0/8", "::ffff:10.9.9.9", 80));
    }

    #[test]
    fn a_port_behind_the_address_must_be_that() {
        assert!(takes("10.0.0.5:80", "10.0.0.5", 80));
        assert!(!takes("10.0.0.5:80", "10.0.0.5", 8080));
        assert!(takes("[::1]:22", "::1", 22) && !takes("[::1]:22", "::1", 23));
        assert!(takes("[::1]", "::1", 23));
        assert!(takes("10.0.0.0/24:443", "10.0.0.9", 443));
    }

    #[test]
    fn a_network_or_a_beginning_takes_all_within() {
        assert!(takes("10.0.0.0/24", "10.0.0.255", 1) && !takes("10.0.0.0/24", "10.0.1.0", 1));
        assert!(takes("10.0.0.0/0", "203.0.113.9", 1) && !takes("10.0.0.0/0", "::1", 1));
        for begins in ["10.1.", "10.1.*"] {
            assert!(takes(begins, "10.1.200.3", 1), "{begins}");
            assert!(!takes(begins, "10.11.0.1", 1), "{begins}: an octet is whole");
            assert!(!takes(begins, "110.1.0.1", 1), "{begins}");
        }
        assert!(takes("fe80:*", "fe80::1%eth0", 1) && !takes("fe80:*", "fe81::1", 1));
        assert!(takes("2001:db8::/32", "2001:db8:ffff::1", 1) && !takes("2001:db8::/32", "2001:db9::1", 1));
    }

    #[test]
    fn half_an_address_is_none_and_another_word_is_a_path() {
        for text in ["1", "10", "10.0", "10.0.0.256", "10.0.0.0/33", "10.0.0.5:", "[::1", "::1::"] {
            assert_eq!(AddressMask::parse(text), None, "{text}");
        }
        for text in ["/run/docker.sock", "docker.sock", "cafe", "@abstract"] {
            assert_eq!(AddressMask::parse(text), Some(AddressMask::Path(text.into())), "{text}");
        }
        assert!(!takes("/run/docker.sock", "/run/docker.sock", 0), "the network has no paths");
    }
}
