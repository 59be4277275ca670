//! Network interfaces with their addresses, by rtnetlink(7).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use protocol::system::Interface;

use crate::netlink::{Netlink, attributes, read_u32};
use crate::root::Root;

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
/// Our own address where `IFA_ADDRESS` is the peer's, on point-to-point links.
const IFA_LOCAL: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Interfaces in the kernel's order; none if the kernel cannot be asked.
pub(super) fn read_interfaces(root: &Root) -> Vec<Interface> {
    let mut interfaces: BTreeMap<u32, Interface> = BTreeMap::new();
    if !root.is_live() {
        return Vec::new();
    }
    let ask = |interfaces: &mut BTreeMap<u32, Interface>| -> std::io::Result<()> {
        let mut netlink = Netlink::open(None)?;
        netlink.dump(RTM_GETLINK, &[0; 16], |kind, payload| {
            if kind == RTM_NEWLINK
                && let Some((index, name)) = parse_link(payload)
            {
                interfaces.entry(index).or_default().name = name;
            }
        })?;
        netlink.dump(RTM_GETADDR, &[0; 8], |kind, payload| {
            if kind == RTM_NEWADDR
                && let Some((index, address)) = parse_address(payload)
                && let Some(interface) = interfaces.get_mut(&index)
            {
                interface.addresses.push(address);
            }
        })
    };
    if let Err(cause) = ask(&mut interfaces) {
        crate::log::warn(&format!("the network interfaces cannot be read: {cause}"));
    }
    interfaces.into_values().collect()
}

/// struct ifinfomsg: the index is at 4, attributes follow at 16.
fn parse_link(payload: &[u8]) -> Option<(u32, String)> {
    let index = read_u32(payload, 4)?;
    let (_, name) = attributes(payload.get(16..)?).find(|(kind, _)| *kind == IFLA_IFNAME)?;
    let name = name.split(|&b| b == 0).next()?;
    Some((index, String::from_utf8_lossy(name).into_owned()))
}

/// struct ifaddrmsg: family, prefix length, flags, scope, index; attributes follow at 8.
fn parse_address(payload: &[u8]) -> Option<(u32, String)> {
    let (family, prefix) = (*payload.first()?, *payload.get(1)?);
    let index = read_u32(payload, 4)?;
    let all = payload.get(8..)?;
    let value = |wanted: u16| attributes(all).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    let bytes = value(IFA_LOCAL).or_else(|| value(IFA_ADDRESS))?;
    let address = match family {
        AF_INET => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string(),
        AF_INET6 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string(),
        _ => return None,
    };
    Some((index, format!("{address}/{prefix}")))
}

/// What holds whatever the kernel says.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(bytes: &[u8]) {
    assert!(parse_link(bytes).is_none_or(|(_, name)| !name.contains('\0')));
    if let Some((_, address)) = parse_address(bytes) {
        let ip = address.split('/').next().and_then(|ip| ip.parse::<std::net::IpAddr>().ok());
        assert!(ip.is_some(), "{address}");
    }
}
