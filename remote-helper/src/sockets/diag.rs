//! sock_diag(7): a dump for each protocol and address family, 72 bytes each way (struct inet_diag).
//!
//! TCP of both families comes by one dump, of the kind that was there before sock_diag and that ss(8)
//! asks for as well: a dump walks the whole table of connections, whatever of it is wanted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use protocol::sockets::Protocol;
use rustix::net::netlink::SOCK_DIAG;

use super::seen::{Address, Seen};
use super::{Which, owner, state_of};
use crate::netlink::{Netlink, read_u32};

pub(super) const SOCK_DIAG_BY_FAMILY: u16 = 20;
const TCPDIAG_GETSOCK: u16 = 18;
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

/// Adds the sockets of TCP of both families. On an error the rows added so far are not whole.
pub(super) fn dump_tcp(netlink: &mut Netlink, which: Which, sockets: &mut Vec<Seen>) -> std::io::Result<()> {
    // struct inet_diag_req: the states follow 4 bytes and the address of a socket.
    let mut body = [0u8; 60];
    body[52..56].copy_from_slice(&states(which).to_ne_bytes());
    netlink.dump(TCPDIAG_GETSOCK, &body, |kind, payload| {
        if kind == TCPDIAG_GETSOCK {
            let protocol = match payload.first() {
                Some(&AF_INET6) => Protocol::Tcp6,
                _ => Protocol::Tcp,
            };
            sockets.extend(parse_message(payload, protocol));
        }
    })
}

fn states(which: Which) -> u32 {
    if which == Which::Listening { LISTENING_STATES } else { ALL_STATES }
}

/// Adds the sockets of one protocol. On an error the rows added so far are not whole.
pub(super) fn dump(
    netlink: &mut Netlink,
    protocol: Protocol,
    which: Which,
    sockets: &mut Vec<Seen>,
) -> std::io::Result<()> {
    let family = if matches!(protocol, Protocol::Tcp6 | Protocol::Udp6) { AF_INET6 } else { AF_INET };
    let mut body = [0u8; 56];
    body[0] = family;
    body[1] = if protocol.is_udp() { IPPROTO_UDP } else { IPPROTO_TCP };
    body[4..8].copy_from_slice(&states(which).to_ne_bytes());
    netlink.dump(SOCK_DIAG_BY_FAMILY, &body, |kind, payload| {
        if kind == SOCK_DIAG_BY_FAMILY {
            sockets.extend(parse_message(payload, protocol));
        }
    })
}

/// Parses struct inet_diag_msg; ports and addresses are in network order, the rest in the host's.
pub(super) fn parse_message(bytes: &[u8], protocol: Protocol) -> Option<Seen> {
    let port =
        |at: usize| -> Option<u16> { Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)) };
    let v6 = bytes.first()? == &AF_INET6;
    let address = |at: usize| -> Option<Address> {
        if v6 {
            let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
            return Some(Address::Ip(IpAddr::V6(Ipv6Addr::from(octets))));
        }
        let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Address::Ip(IpAddr::V4(Ipv4Addr::from(octets))))
    };
    let inode = u64::from(read_u32(bytes, 68)?);
    Some(Seen {
        protocol,
        state: state_of(*bytes.get(1)?),
        local_port: port(4)?,
        peer_port: port(6)?,
        local: address(8)?,
        peer: address(24)?,
        recv_q: read_u32(bytes, 56)?,
        send_q: read_u32(bytes, 60)?,
        uid: owner(read_u32(bytes, 64)?, inode),
        inode,
        user: None,
        owner: None,
        holders: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_socket_or_none_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            prop_assert_eq!(parse_message(&bytes, Protocol::Tcp).is_some(), bytes.len() >= 72);
        }
    }
}
