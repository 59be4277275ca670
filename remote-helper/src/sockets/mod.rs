//! sockets: TCP and UDP of IPv4 and IPv6, and unix sockets on request, with the processes that hold
//! them, as ss(8) shows them.
//!
//! The kernel is asked by sock_diag(7); where it does not answer, `/proc/net` is read instead.
//! Who holds a socket is kept between readings (`owners`), since looking it up costs more than
//! all the rest. A socket whose owner this user may not see is counted, never left out.

mod diag;
mod owners;
mod proc_net;
mod unix;

use std::time::Instant;

use protocol::delta::Row;
use protocol::sockets::{Protocol, Socket, SocketState, SocketTable, UNKNOWN_UID};

use crate::clock;
use crate::error::Error;
use crate::root::Root;
use crate::users::Users;

pub(crate) use owners::Owners;

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
    let mut sockets = Vec::new();
    let mut netlink = root.is_live().then(diag::open).and_then(Result::ok);
    for protocol in [Protocol::Tcp, Protocol::Tcp6, Protocol::Udp, Protocol::Udp6] {
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
        Which::Listening => sockets.retain(Socket::is_listening),
    }
    Ok(sockets)
}

/// Reads the whole table with owners, in no order: who receives it by what changed sorts it there.
pub(crate) fn read_table(
    root: &Root,
    which: Which,
    owners: &mut Owners,
    users: &mut Users,
) -> Result<SocketTable, Error> {
    let started = Instant::now();
    let mut sockets = read_sockets(root, which)?;
    owners.refresh(root, &sockets);
    users.refresh();
    for socket in &mut sockets {
        socket.user = users.name(socket.uid).map(str::to_owned);
        owners.fill(socket);
    }
    let left_out = sockets.len().saturating_sub(ROWS_LIMIT);
    if left_out > 0 {
        // What listens is worth more than the rest.
        sockets.sort_by(Row::by_place);
        sockets.truncate(ROWS_LIMIT);
    }
    let hidden =
        |socket: &&Socket| socket.pid.is_none() && socket.inode != 0 && socket.state != SocketState::TimeWait;
    Ok(SocketTable {
        at_ms: clock::now_ms(),
        owner_hidden: count(sockets.iter().filter(hidden).count()),
        left_out: count(left_out),
        sockets,
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
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
        let mut table = read_table(&root, Which::All, owners, &mut Users::of(&root)).unwrap();
        table.sockets.sort_by(Row::by_place);
        table
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
        let again = read(&mut owners);
        let late_port = late.local_addr().unwrap().port();
        let late = again.sockets.iter().find(|s| s.local_port == late_port && s.protocol == Protocol::Udp);
        assert_eq!(late.unwrap().pid, Some(std::process::id()), "a new socket is found by kept owners too");
    }

    #[test]
    fn sock_diag_and_proc_net_tell_the_same() {
        let listener = TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (_server, _) = listener.accept().unwrap();
        let pick = |sockets: Vec<Socket>| {
            let mut mine: Vec<Socket> =
                sockets.into_iter().filter(|s| s.local_port == port || s.peer_port == port).collect();
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
