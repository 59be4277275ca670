//! sock_diag(7): one dump per protocol and address family, 72 bytes each way (struct inet_diag).

use std::net::Ipv6Addr;

use protocol::sockets::{Protocol, Socket};
use rustix::net::netlink::SOCK_DIAG;

use super::{Which, owner, state_of};
use crate::netlink::{Netlink, read_u32};

pub(super) const SOCK_DIAG_BY_FAMILY: u16 = 20;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
/// The states that ss(8) asks for; newer kernels have a further one for sockets that are bound and
/// no more, which ss does not show either.
const ALL_STATES: u32 = 0xfff;
/// CLOSE (UDP without a peer) and LISTEN.
const LISTENING_STATES: u32 = 1 << 7 | 1 << 10;

pub(super) fn open() -> std::io::Result<Netlink> {
    Netlink::open(Some(SOCK_DIAG))
}

/// Adds the sockets of one protocol. On an error the rows added so far are not whole.
pub(super) fn dump(
    netlink: &mut Netlink,
    protocol: Protocol,
    which: Which,
    sockets: &mut Vec<Socket>,
) -> std::io::Result<()> {
    let family = if matches!(protocol, Protocol::Tcp6 | Protocol::Udp6) { AF_INET6 } else { AF_INET };
    let mut body = [0u8; 56];
    body[0] = family;
    body[1] = if protocol.is_udp() { IPPROTO_UDP } else { IPPROTO_TCP };
    let states = if which == Which::Listening { LISTENING_STATES } else { ALL_STATES };
    body[4..8].copy_from_slice(&states.to_ne_bytes());
    netlink.dump(SOCK_DIAG_BY_FAMILY, &body, |kind, payload| {
        if kind == SOCK_DIAG_BY_FAMILY {
            sockets.extend(parse_message(payload, protocol));
        }
    })
}

/// Parses struct inet_diag_msg; ports and addresses are in network order, the rest in the host's.
fn parse_message(bytes: &[u8], protocol: Protocol) -> Option<Socket> {
    let port =
        |at: usize| -> Option<u16> { Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)) };
    let v6 = bytes.first()? == &AF_INET6;
    let address = |at: usize| -> Option<String> {
        if v6 {
            let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
            return Some(Ipv6Addr::from(octets).to_string());
        }
        let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(dotted(octets))
    };
    let inode = u64::from(read_u32(bytes, 68)?);
    Some(Socket {
        protocol,
        state: state_of(*bytes.get(1)?),
        local_port: port(4)?,
        peer_port: port(6)?,
        local_address: address(8)?,
        peer_address: address(24)?,
        recv_q: read_u32(bytes, 56)?,
        send_q: read_u32(bytes, 60)?,
        uid: owner(read_u32(bytes, 64)?, inode),
        inode,
        ..Socket::default()
    })
}

/// `10.0.0.11`. The general way to write numbers took a quarter of the time of a refresh.
fn dotted(octets: [u8; 4]) -> String {
    let mut text = String::with_capacity(15);
    for (at, octet) in octets.into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        for (over, part) in [(100, octet / 100), (10, octet / 10 % 10), (0, octet % 10)] {
            if octet >= over {
                text.push(char::from(b'0' + part));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn an_address_is_written_as_everybody_writes_it() {
        for number in (0..=255).flat_map(|one| [0, 9, 10, 99, 100, 255].map(|other| [one, other, other, one]))
        {
            assert_eq!(dotted(number), Ipv4Addr::from(number).to_string());
        }
    }

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_socket_or_none_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            prop_assert_eq!(parse_message(&bytes, Protocol::Tcp).is_some(), bytes.len() >= 72);
        }
    }
}
