//! Unix sockets by sock_diag(7) (struct unix_diag_msg), or from `/proc/net/unix` (proc_pid_net(5))
//! where the kernel does not answer, and for captured trees.
//!
//! A path is what some program bound: any bytes but NUL. The NUL that an abstract name begins with is
//! shown as `@`, as ss(8) does.

use std::io::ErrorKind;

use protocol::sockets::{Protocol, UNKNOWN_UID};

use super::seen::{Address, Seen};
use super::{diag, state_of};
use crate::error::Error;
use crate::netlink::{Netlink, attributes, read_u32};
use crate::root::{Root, lossy, read_bytes};

const AF_UNIX: u8 = 1;
const HEADER_BYTES: usize = 16;
/// Name, peer, lengths of the queues, user (the last since Linux 5.3).
const SHOW: u32 = 0x01 | 0x04 | 0x10 | 0x40;
const NAME: u16 = 0;
const PEER: u16 = 2;
const QUEUES: u16 = 4;
const UID: u16 = 7;
/// `__SO_ACCEPTCON` in the flags of `/proc/net/unix`.
const LISTENS: u32 = 1 << 16;

/// A socket and the inode of the one it is connected to.
type Linked = (Seen, Option<u64>);

/// Adds all unix sockets, each with the name of its peer.
pub(super) fn read_table(
    root: &Root,
    netlink: Option<&mut Netlink>,
    sockets: &mut Vec<Seen>,
) -> Result<(), Error> {
    let mut seen: Vec<Linked> = Vec::new();
    let asked = netlink.map(|netlink| dump(netlink, &mut seen));
    if !matches!(asked, Some(Ok(()))) {
        seen = read_file(root)?;
    }
    sockets.extend(with_peers(seen));
    Ok(())
}

fn dump(netlink: &mut Netlink, seen: &mut Vec<Linked>) -> std::io::Result<()> {
    let mut body = [0u8; 24];
    body[0] = AF_UNIX;
    body[4..8].copy_from_slice(&u32::MAX.to_ne_bytes());
    body[12..16].copy_from_slice(&SHOW.to_ne_bytes());
    netlink.dump(diag::SOCK_DIAG_BY_FAMILY, &body, |kind, payload| {
        if kind == diag::SOCK_DIAG_BY_FAMILY {
            seen.extend(parse_message(payload));
        }
    })
}

/// Parses struct unix_diag_msg and its attributes.
pub(super) fn parse_message(bytes: &[u8]) -> Option<Linked> {
    let protocol = protocol_of(u32::from(*bytes.get(1)?))?;
    let mut socket = unnamed(protocol, *bytes.get(2)?, u64::from(read_u32(bytes, 4)?));
    let mut peer = None;
    for (kind, value) in attributes(bytes.get(HEADER_BYTES..)?) {
        match kind {
            NAME => socket.local = Address::Path(name_of(value).into()),
            PEER => peer = read_u32(value, 0).map(u64::from),
            QUEUES => {
                (socket.recv_q, socket.send_q) =
                    (read_u32(value, 0).unwrap_or(0), read_u32(value, 4).unwrap_or(0));
            }
            UID => socket.uid = read_u32(value, 0).unwrap_or(UNKNOWN_UID),
            _ => {}
        }
    }
    Some((socket, peer))
}

fn unnamed(protocol: Protocol, state: u8, inode: u64) -> Seen {
    Seen {
        inode,
        protocol,
        state: state_of(state),
        recv_q: 0,
        send_q: 0,
        local: Address::Path("".into()),
        local_port: 0,
        peer: Address::Path("".into()),
        peer_port: 0,
        uid: UNKNOWN_UID,
        user: None,
        owner: None,
        holders: 0,
    }
}

fn protocol_of(kind: u32) -> Option<Protocol> {
    match kind {
        1 => Some(Protocol::UnixStream),
        2 => Some(Protocol::UnixDatagram),
        5 => Some(Protocol::UnixSeqPacket),
        _ => None,
    }
}

fn name_of(bytes: &[u8]) -> String {
    // A path ends with its NUL; an abstract name begins with one and may hold more.
    let bytes = match bytes.first() {
        Some(0) => bytes,
        _ => bytes.strip_suffix(&[0]).unwrap_or(bytes),
    };
    lossy(bytes.iter().map(|&byte| if byte == 0 { b'@' } else { byte }).collect())
}

fn read_file(root: &Root) -> Result<Vec<Linked>, Error> {
    match read_bytes(&root.proc.join("net/unix")) {
        Ok(bytes) => Ok(bytes.split(|&byte| byte == b'\n').skip(1).filter_map(parse_line).collect()),
        Err(Error::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// `Num RefCount Protocol Flags Type St Inode Path`; the path may hold spaces. Users and queues are
/// not told here.
pub(super) fn parse_line(line: &[u8]) -> Option<Linked> {
    let mut rest = line;
    let mut word = || -> Option<&str> {
        let from = rest.iter().position(|&byte| byte != b' ')?;
        let word = rest.get(from..)?.split(|&byte| byte == b' ').next()?;
        rest = rest.get(from + word.len()..)?;
        std::str::from_utf8(word).ok()
    };
    let (_, _, _) = (word()?, word()?, word()?);
    let flags = u32::from_str_radix(word()?, 16).ok()?;
    let protocol = protocol_of(u32::from_str_radix(word()?, 16).ok()?)?;
    let state = u8::from_str_radix(word()?, 16).ok()?;
    let inode = word()?.parse().ok()?;
    // The states here are those of the socket, not of the connection (SS_CONNECTED is 3).
    let state = match (flags & LISTENS != 0, state) {
        (true, _) => 10,
        (false, 3) => 1,
        (false, _) => 7,
    };
    let mut socket = unnamed(protocol, state, inode);
    socket.local = Address::Path(lossy(rest.strip_prefix(b" ").unwrap_or_default().to_vec()).into());
    Some((socket, None))
}

fn with_peers(seen: Vec<Linked>) -> Vec<Seen> {
    let mut names: Vec<(u64, Address)> = seen
        .iter()
        .filter(|(socket, _)| !matches!(&socket.local, Address::Path(path) if path.is_empty()))
        .map(|(socket, _)| (socket.inode, socket.local.clone()))
        .collect();
    names.sort_unstable();
    let named = |(mut socket, peer): Linked| {
        let place = peer.and_then(|peer| names.binary_search_by_key(&peer, |(inode, _)| *inode).ok());
        if let Some((_, name)) = place.and_then(|at| names.get(at)) {
            socket.peer = name.clone();
        }
        socket
    };
    seen.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::delta::Source;
    use protocol::sockets::SocketState;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    #[test]
    fn a_line_of_the_file_is_read_whatever_its_path_holds() {
        let (socket, _) =
            parse_line(b"0000000000000000: 00000002 00000000 00010000 0001 01 36731 /run/a b\xff").unwrap();
        assert_eq!((socket.protocol, socket.state), (Protocol::UnixStream, SocketState::Listen));
        assert_eq!((socket.inode, socket.to_row().local()), (36_731, "/run/a b\u{fffd}".into()));
        let (open, _) = parse_line(b"0000000000000000: 00000003 00000000 00000000 0005 03   912").unwrap();
        let open = open.to_row();
        assert_eq!((open.protocol, open.state), (Protocol::UnixSeqPacket, SocketState::Estab));
        assert_eq!((open.local(), open.owner()), ("*".into(), None), "neither name nor user are invented");
        for odd in [&b""[..], b"x", b"0: 1 2 zz 1 1 1", b"0: 1 2 0 9 1 1", b"0: 1 2 0 1 1 x"] {
            assert_eq!(parse_line(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn the_kernel_tells_names_peers_and_users() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a socket");
        let listener = UnixListener::bind(&path).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        let _server = listener.accept().unwrap();
        let _datagram = UnixDatagram::bind(dir.path().join("d")).unwrap();
        let read = |root: &Root, netlink: Option<Netlink>| {
            let mut sockets = Vec::new();
            let mut netlink = netlink;
            read_table(root, netlink.as_mut(), &mut sockets).unwrap();
            let mut sockets: Vec<_> = sockets.iter().map(Source::to_row).collect();
            let here = dir.path().to_str().unwrap().to_owned();
            sockets.retain(|one| one.local_address.starts_with(&here) || one.peer_address.starts_with(&here));
            sockets.sort_by_key(|one| (one.state, one.protocol));
            sockets
        };
        let told = read(&Root::live(), Some(diag::open().unwrap()));
        let states: Vec<_> = told.iter().map(|one| (one.protocol, one.state)).collect();
        assert_eq!(
            states,
            [
                (Protocol::UnixStream, SocketState::Estab),
                (Protocol::UnixStream, SocketState::Estab),
                (Protocol::UnixDatagram, SocketState::Unconn),
                (Protocol::UnixStream, SocketState::Listen),
            ],
            "{told:?}"
        );
        let uid = rustix::process::geteuid().as_raw();
        assert!(told.iter().all(|one| one.uid == uid && one.inode > 0), "{told:?}");
        assert_eq!(told.iter().filter(|one| one.peer() == path.to_str().unwrap()).count(), 1, "the client");
        let from_file = read(&Root::captured(std::path::Path::new("/")), None);
        assert_eq!(from_file.len(), 3, "the file does not tell who is connected to whom: {from_file:?}");
    }
}
