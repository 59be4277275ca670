//! sockets: TCP and UDP of IPv4 and IPv6, and unix sockets on request, with the processes that hold
//! them, as ss(8) shows them.
//!
//! The kernel is asked by sock_diag(7); where it does not answer, `/proc/net` is read instead.
//! Who holds a socket is kept between readings (`owners`), since looking it up costs more than
//! all the rest. A socket whose owner this user may not see is counted, never left out.

mod diag;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod owners;
mod proc_net;
mod seen;
mod unix;

use std::time::Instant;

use protocol::delta::{Row, Source};
use protocol::sockets::{Protocol, Socket, SocketState, SocketTable, UNKNOWN_UID};

use crate::clock;
use crate::error::Error;
use crate::root::Root;
use crate::users::Users;

pub(crate) use owners::Owners;
pub(crate) use seen::Seen;

/// More rows are counted, not sent: a line has a limit (`wire::LINE_LIMIT_BYTES`).
const ROWS_LIMIT: usize = 50_000;

/// Which sockets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Unix sockets too.
    WithUnix,
    /// Those that a client could reach.
    Listening,
}

impl Which {
    pub(crate) fn asked(unix: bool) -> Self {
        if unix { Self::WithUnix } else { Self::All }
    }
}

/// Reads the sockets without their owners, in no order.
pub(crate) fn read_sockets(root: &Root, which: Which) -> Result<Vec<Socket>, Error> {
    Ok(read_seen(root, which)?.iter().map(Source::to_row).collect())
}

fn read_seen(root: &Root, which: Which) -> Result<Vec<Seen>, Error> {
    let mut sockets = Vec::new();
    let mut netlink = root.is_live().then(diag::open).and_then(Result::ok);
    let tcp = netlink.as_mut().map(|netlink| diag::dump_tcp(netlink, which, &mut sockets));
    let one_by_one: &[Protocol] = if matches!(tcp, Some(Ok(()))) {
        &[Protocol::Udp, Protocol::Udp6]
    } else {
        sockets.clear();
        &[Protocol::Tcp, Protocol::Tcp6, Protocol::Udp, Protocol::Udp6]
    };
    for &protocol in one_by_one {
        let before = sockets.len();
        let asked = netlink.as_mut().map(|netlink| diag::dump(netlink, protocol, which, &mut sockets));
        if !matches!(asked, Some(Ok(()))) {
            sockets.truncate(before);
            proc_net::read_table(root, protocol, &mut sockets)?;
        }
    }
    match which {
        Which::All => {}
        Which::WithUnix => unix::read_table(root, netlink.as_mut(), &mut sockets)?,
        Which::Listening => sockets.retain(Seen::is_listening),
    }
    Ok(sockets)
}

/// Reads all with their owners, by inode, and the table that they make without its rows. Of very
/// many only so many are given, and the others counted.
pub(crate) fn read_held(
    root: &Root,
    which: Which,
    owners: &mut Owners,
    users: &mut Users,
) -> Result<(SocketTable, Vec<Seen>), Error> {
    let started = Instant::now();
    let mut sockets = by_inode(read_seen(root, which)?);
    owners.refresh(root, &sockets);
    owners.fill(&mut sockets);
    users.refresh();
    let mut last = (UNKNOWN_UID, None);
    for socket in &mut sockets {
        if socket.uid != last.0 {
            last = (socket.uid, users.shared(socket.uid));
        }
        socket.user.clone_from(&last.1);
    }
    let left_out = sockets.len().saturating_sub(ROWS_LIMIT);
    if left_out > 0 {
        // What a client could reach is what people look for.
        sockets.sort_by_key(|socket| !socket.is_listening());
        sockets.truncate(ROWS_LIMIT);
        sockets = by_inode(sockets);
    }
    let head = SocketTable {
        at_ms: clock::now_ms(),
        owner_hidden: count(sockets.iter().filter(|socket| socket.is_hidden()).count()),
        left_out: count(left_out),
        sockets: Vec::new(),
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    Ok((head, sockets))
}

/// Reads the whole table with owners, sorted.
pub(crate) fn read_table(
    root: &Root,
    which: Which,
    owners: &mut Owners,
    users: &mut Users,
) -> Result<SocketTable, Error> {
    let (mut table, sockets) = read_held(root, which, owners, users)?;
    table.sockets = sockets.iter().map(Source::to_row).collect();
    table.sockets.sort_by(Row::by_place);
    Ok(table)
}

/// Sockets on which processes of a unit listen, as far as this user may see them.
pub(crate) fn read_listeners_of(root: &Root, owners: &mut Owners, unit: &str) -> Result<Vec<Socket>, Error> {
    read_listeners(root, owners, |owner| owner.unit.as_deref() == Some(unit))
}

/// Sockets on which these processes listen, as far as this user may see them. The PIDs ascend.
pub(crate) fn read_listeners_held_by(
    root: &Root,
    owners: &mut Owners,
    pids: &[u32],
) -> Result<Vec<Socket>, Error> {
    read_listeners(root, owners, |owner| pids.binary_search(&owner.pid).is_ok())
}

fn read_listeners(
    root: &Root,
    owners: &mut Owners,
    is_meant: impl Fn(&seen::Owner) -> bool,
) -> Result<Vec<Socket>, Error> {
    let sockets = by_inode(read_seen(root, Which::All)?);
    owners.refresh(root, &sockets);
    let listening =
        sockets.iter().filter(|one| one.is_listening() && owners.is_held_by(one.inode, &is_meant));
    Ok(listening.map(Source::to_row).collect())
}

/// Sorts them. Rows are large: only their numbers are moved about, and each row once.
fn by_inode(sockets: Vec<Seen>) -> Vec<Seen> {
    let mut order: Vec<(u64, u32)> = sockets.iter().map(|socket| socket.inode).zip(0..).collect();
    order.sort_unstable();
    let mut sockets: Vec<Option<Seen>> = sockets.into_iter().map(Some).collect();
    let in_order = order.into_iter().filter_map(|(_, at)| sockets.get_mut(at as usize)?.take());
    in_order.collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The user of a socket. One that has no inode any more, such as in TIME-WAIT, belongs to nobody: the
/// kernel then says 0, which is not root.
fn owner(uid: u32, inode: u64) -> u32 {
    if inode == 0 { UNKNOWN_UID } else { uid }
}

/// The state by the kernel's number. A UDP socket without a peer is in the kernel's state CLOSE,
/// which ss(8) calls UNCONN.
fn state_of(number: u8) -> SocketState {
    match number {
        1 => SocketState::Estab,
        2 => SocketState::SynSent,
        3 | 12 => SocketState::SynRecv,
        4 => SocketState::FinWait1,
        5 => SocketState::FinWait2,
        6 => SocketState::TimeWait,
        7 => SocketState::Unconn,
        8 => SocketState::CloseWait,
        9 => SocketState::LastAck,
        10 => SocketState::Listen,
        11 => SocketState::Closing,
        _ => SocketState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    fn read(owners: &mut Owners) -> SocketTable {
        let root = Root::live();
        read_table(&root, Which::All, owners, &mut Users::of(&root)).unwrap()
    }

    #[test]
    fn a_listener_and_both_ends_of_a_connection_are_there_with_this_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (_server, _) = listener.accept().unwrap();
        let udp = UdpSocket::bind("[::1]:0").unwrap();
        let udp_port = udp.local_addr().unwrap().port();
        let mut owners = Owners::default();
        let table = read(&mut owners);
        let mine = |port: u16| -> Vec<&Socket> {
            table.sockets.iter().filter(|s| s.local_port == port || s.peer_port == port).collect()
        };
        let tcp = mine(port);
        assert_eq!(tcp.len(), 3, "{tcp:?}");
        assert!(tcp.iter().all(|s| s.pid == Some(std::process::id())), "{tcp:?}");
        assert_eq!(tcp[0].state, SocketState::Listen, "what listens comes first");
        let udp = mine(udp_port);
        assert_eq!((udp[0].protocol, udp[0].state), (Protocol::Udp6, SocketState::Unconn));
        drop(client);
        let late = UdpSocket::bind("127.0.0.1:0").unwrap();
        let late_port = late.local_addr().unwrap().port();
        // One was closed and one opened, which the number of open files does not show: all links are
        // read for it, as soon as they may be read again.
        let until = Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let again = read(&mut owners);
            let late =
                again.sockets.iter().find(|s| s.local_port == late_port && s.protocol == Protocol::Udp);
            if late.unwrap().pid == Some(std::process::id()) {
                break;
            }
            assert!(Instant::now() < until, "a new socket is found by kept owners too");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    #[test]
    fn sock_diag_and_proc_net_tell_the_same() {
        let listener = TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let client_port = client.local_addr().unwrap().port();
        let (_server, _) = listener.accept().unwrap();
        // Another program's connection may have one of the two numbers too, but not both.
        let ends = [(port, 0), (port, client_port), (client_port, port)];
        let pick = |sockets: Vec<Socket>| {
            let mut mine: Vec<Socket> =
                sockets.into_iter().filter(|s| ends.contains(&(s.local_port, s.peer_port))).collect();
            mine.sort_by(Row::by_place);
            // Only sock_diag tells the length of the queue of a listener.
            mine.iter_mut().for_each(|s| (s.recv_q, s.send_q) = (0, 0));
            mine
        };
        let diag = pick(read_sockets(&Root::live(), Which::All).unwrap());
        let files = pick(read_sockets(&Root::captured(std::path::Path::new("/")), Which::All).unwrap());
        assert_eq!(diag, files);
        assert_eq!(diag.len(), 3, "listener, client over IPv4, server over a mapped address");
        assert!(diag.iter().any(|s| s.local() == format!("[::ffff:127.0.0.1]:{port}")), "{diag:?}");
    }
}
