//! `/proc/net/{tcp,tcp6,udp,udp6}` (proc_pid_net(5)), for kernels without sock_diag and for
//! captured trees.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use protocol::sockets::Protocol;

use super::seen::{Address, Seen};
use super::{owner, state_of};
use crate::error::Error;
use crate::root::{Root, read_text};

/// Adds the sockets of one table. A table that this kernel does not have is empty.
pub(super) fn read_table(root: &Root, protocol: Protocol, sockets: &mut Vec<Seen>) -> Result<(), Error> {
    let file = root.proc.join("net").join(protocol.name());
    match read_text(&file) {
        Ok(text) => {
            sockets.extend(text.lines().skip(1).filter_map(|line| parse_line(line, protocol)));
            Ok(())
        }
        Err(Error::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn parse_line(line: &str, protocol: Protocol) -> Option<Seen> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, local_port) = parse_endpoint(words.next()?)?;
    let (peer, peer_port) = parse_endpoint(words.next()?)?;
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let (send_q, recv_q) = words.next()?.split_once(':')?;
    let hex = |word: &str| u32::from_str_radix(word, 16).ok();
    let mut words = words.skip(2);
    let uid = words.next()?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    let uid = owner(uid, inode);
    Some(Seen {
        protocol,
        state: state_of(state),
        recv_q: hex(recv_q)?,
        send_q: hex(send_q)?,
        local,
        local_port,
        peer,
        peer_port,
        inode,
        uid,
        user: None,
        owner: None,
        holders: 0,
    })
}

/// `0100007F:1F90`: words of the host's byte order, so an aarch64 or x86_64 capture has them
/// little-endian.
fn parse_endpoint(text: &str) -> Option<(Address, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if !address.is_ascii() {
        return None;
    }
    let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut octets = [0u8; 16];
            for (part, at) in octets.chunks_exact_mut(4).zip([0, 8, 16, 24]) {
                part.copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some((Address::Ip(address), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::delta::Source;
    use protocol::sockets::SocketState;

    #[test]
    fn a_line_of_the_tcp_table_is_read() {
        let line = "   0: 0100007F:1F90 0200000A:C350 01 00000001:00000002 00:00000000 00000000  1000        0 36731 1 0000 100 0 0 10 0";
        let socket = parse_line(line, Protocol::Tcp).unwrap().to_row();
        assert_eq!((socket.local(), socket.peer()), ("127.0.0.1:8080".into(), "10.0.0.2:50000".into()));
        assert_eq!((socket.recv_q, socket.send_q, socket.uid, socket.inode), (2, 1, 1000, 36_731));
        assert_eq!(socket.state, SocketState::Estab);
    }

    #[test]
    fn addresses_of_ipv6_are_read_word_by_word() {
        let parse = |text| parse_endpoint(text).unwrap();
        let ip = |text: &str| Address::Ip(text.parse().unwrap());
        assert_eq!(parse("00000000000000000000000001000000:0016"), (ip("::1"), 22));
        assert_eq!(parse("0000000000000000FFFF00000100007F:0016").0, ip("::ffff:127.0.0.1"));
    }

    #[test]
    fn odd_lines_are_left_out() {
        for line in [
            "",
            "0: x",
            "0: 0100007F:1F90 0200000A:C350 01",
            "0: é00007F:1F90 0200000A:C350 01 0:0 0 0 0 0 1",
        ] {
            assert_eq!(parse_line(line, Protocol::Tcp), None, "{line:?}");
        }
    }
}
