//! The order of the socket table, and what makes two rows the same socket.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use protocol::delta::settle;
use protocol::sockets::{Socket, SocketRow, SocketState};
use protocol::text::printable;

use crate::components::columns::{self, Columns};
use crate::components::sort::Sort;

/// Shared by the answer, the order and the screen.
pub(crate) type Row = Arc<SocketRow>;

/// Columns in their order on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    Protocol,
    RecvQ,
    SendQ,
    Local,
    Peer,
    State,
    Pid,
    Program,
    User,
    Unit,
}

impl Columns for Column {
    type Row = Row;
    const ALL: &'static [Self] = &[
        Column::Protocol,
        Column::RecvQ,
        Column::SendQ,
        Column::Local,
        Column::Peer,
        Column::State,
        Column::Pid,
        Column::Program,
        Column::User,
        Column::Unit,
    ];

    fn id(self) -> &'static str {
        match self {
            Column::Protocol => "protocol",
            Column::RecvQ => "recv_q",
            Column::SendQ => "send_q",
            Column::Local => "local",
            Column::Peer => "peer",
            Column::State => "state",
            Column::Pid => "pid",
            Column::Program => "program",
            Column::User => "user",
            Column::Unit => "unit",
        }
    }

    fn is_numeric(self) -> bool {
        matches!(self, Column::RecvQ | Column::SendQ | Column::Pid)
    }

    /// Protocols and addresses begin alike; who holds a socket tells it from others.
    fn naming() -> Option<Self> {
        Some(Column::Program)
    }

    fn text(self, row: &Row) -> String {
        let socket = &row.socket;
        let optional = |text: &Option<String>| printable(text.as_deref().unwrap_or_default()).into_owned();
        match self {
            Column::Protocol => socket.protocol.name().to_owned(),
            Column::RecvQ => socket.recv_q.to_string(),
            Column::SendQ => socket.send_q.to_string(),
            Column::Local => printable(&socket.local()).into_owned(),
            Column::Peer => printable(&socket.peer()).into_owned(),
            Column::State => socket.state.name().to_owned(),
            Column::Pid => socket.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            Column::Program => optional(&socket.program),
            Column::User => optional(&socket.owner()),
            Column::Unit => optional(&socket.unit),
        }
    }

    /// An address is read once for each row, and not for each two that are compared.
    fn arrange(rows: &mut Vec<Row>, by: Sort) {
        let end: fn(&Socket) -> Option<Address<'_>> = match Column::of(by.column) {
            Some(Column::Local) => |socket| Some(address(&socket.local_address, socket.local_port)),
            Some(Column::Peer) => peer,
            _ => return settle(rows, columns::order::<Self>(by)),
        };
        let mut ends: Vec<_> = rows.iter().map(|row| (end(&row.socket), &row.socket, row)).collect();
        settle(&mut ends, |(a, a_row, _), (b, b_row, _)| {
            by.missing_last(a.as_ref(), b.as_ref(), |a, b| a.cmp(b)).then_with(|| natural(a_row, b_row))
        });
        *rows = ends.into_iter().map(|(_, _, row)| row.clone()).collect();
    }

    fn compare(self, a: &Row, b: &Row, by: Sort) -> Ordering {
        let (a, b) = (&a.socket, &b.socket);
        match self {
            Column::Protocol => by.turn(a.protocol.cmp(&b.protocol)),
            Column::RecvQ => by.turn(a.recv_q.cmp(&b.recv_q)),
            Column::SendQ => by.turn(a.send_q.cmp(&b.send_q)),
            Column::Local => {
                by.turn(address(&a.local_address, a.local_port).cmp(&address(&b.local_address, b.local_port)))
            }
            Column::Peer => by.missing_last(peer(a), peer(b), Ord::cmp),
            Column::State => by.turn(rank(a).cmp(&rank(b))),
            Column::Pid => by.missing_last(a.pid, b.pid, Ord::cmp),
            Column::Program => by.missing_last(a.program.as_deref(), b.program.as_deref(), Ord::cmp),
            Column::User => by.missing_last(owner(a), owner(b), Ord::cmp),
            Column::Unit => by.missing_last(a.unit.as_deref(), b.unit.as_deref(), Ord::cmp),
        }
        .then_with(|| natural(a, b))
    }
}

/// What stays the same while a socket lives: the selection and the rows hold on to it.
///
/// Sockets in TIME-WAIT have no inode, so the addresses belong to it; several listeners on one
/// port differ by their inode alone.
pub(crate) fn key(row: &Row) -> String {
    let socket = &row.socket;
    key_of(socket.protocol.name(), &socket.local(), &socket.peer(), socket.inode)
}

pub(crate) fn key_of(protocol: &str, local: &str, peer: &str, inode: u64) -> String {
    format!("{protocol} {local} {peer} {inode}")
}

/// Listeners first, then connections, then what is on its way out; then by local address.
fn natural(a: &Socket, b: &Socket) -> Ordering {
    rank(a)
        .cmp(&rank(b))
        .then_with(|| a.local_port.cmp(&b.local_port))
        .then_with(|| a.protocol.cmp(&b.protocol))
        .then_with(|| a.local_address.cmp(&b.local_address))
        .then_with(|| a.peer_address.cmp(&b.peer_address))
        .then_with(|| a.peer_port.cmp(&b.peer_port))
        .then_with(|| a.inode.cmp(&b.inode))
}

fn rank(socket: &Socket) -> u8 {
    use SocketState::*;
    match socket.state {
        Listen => 0,
        Unconn => 1,
        Estab => 2,
        CloseWait => 3,
        SynSent => 4,
        SynRecv => 5,
        FinWait1 => 6,
        FinWait2 => 7,
        LastAck => 8,
        Closing => 9,
        TimeWait => 10,
        Unknown => 11,
    }
}

/// Numbers of an address compare as numbers: 10.0.0.9 is before 10.0.0.10. What is no address comes first.
type Address<'a> = (Option<IpAddr>, &'a str, u16);

fn address(text: &str, port: u16) -> Address<'_> {
    (text.parse().ok(), text, port)
}

fn peer(socket: &Socket) -> Option<Address<'_>> {
    (socket.peer_port != 0).then(|| address(&socket.peer_address, socket.peer_port))
}

/// Its user as it is shown: the name, or the number where there is none.
fn owner(socket: &Socket) -> Option<Cow<'_, str>> {
    match &socket.user {
        Some(user) => Some(user.into()),
        None => socket.owner().map(Cow::Owned),
    }
}

/// A queue as it fits into its column: `511`, `18.4 k`.
pub(crate) fn queue(bytes: u32) -> String {
    match bytes {
        0..10_000 => bytes.to_string(),
        10_000..1_000_000 => format!("{:.1} k", f64::from(bytes) / 1e3),
        _ => format!("{:.1} M", f64::from(bytes) / 1e6),
    }
}

/// A queue that a person should look at. For a listener the queues are its backlog: only waiting
/// connections count, not its size.
pub(crate) fn is_queue_high(socket: &Socket, column: Column) -> bool {
    match column {
        Column::RecvQ => socket.recv_q > 0 && (socket.is_listening() || socket.recv_q >= 256),
        Column::SendQ => !socket.is_listening() && socket.send_q >= 10_000,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::sockets::Protocol;

    fn row(local: &str, port: u16, state: SocketState, pid: Option<u32>) -> Row {
        let socket = Socket {
            protocol: Protocol::Tcp,
            state,
            local_address: local.into(),
            local_port: port,
            pid,
            ..Socket::default()
        };
        Arc::new(SocketRow { socket, ..SocketRow::default() })
    }

    fn sort(rows: &mut [Row], column: Column, descending: bool) {
        let by = Sort { column: column.id(), descending };
        rows.sort_by(|a, b| column.compare(a, b, by));
    }

    fn ports(rows: &[Row]) -> Vec<u16> {
        rows.iter().map(|row| row.socket.local_port).collect()
    }

    #[test]
    fn addresses_are_sorted_as_numbers() {
        let mut rows = vec![
            row("10.0.0.10", 1, SocketState::Estab, None),
            row("10.0.0.9", 2, SocketState::Estab, None),
            row("::1", 3, SocketState::Estab, None),
            row("10.0.0.9", 1, SocketState::Estab, None),
        ];
        sort(&mut rows, Column::Local, false);
        let shown = |rows: &[Row]| rows.iter().map(|row| row.socket.local()).collect::<Vec<_>>();
        assert_eq!(shown(&rows), ["10.0.0.9:1", "10.0.0.9:2", "10.0.0.10:1", "[::1]:3"]);
        rows.reverse();
        Column::arrange(&mut rows, Sort::by(Column::Local.id()));
        assert_eq!(shown(&rows), ["10.0.0.9:1", "10.0.0.9:2", "10.0.0.10:1", "[::1]:3"], "and all at once");
    }

    #[test]
    fn all_at_once_are_in_the_order_that_two_of_them_have() {
        let ends = [("10.0.0.10", 5), ("10.0.0.9", 7), ("", 0), ("::1", 3), ("10.0.0.9", 6), ("fe80::9", 1)];
        let rows: Vec<Row> = (1..)
            .zip(ends)
            .map(|(local, (peer, peer_port))| {
                let mut row = row("10.0.0.1", local, SocketState::Estab, None);
                let socket = &mut Arc::make_mut(&mut row).socket;
                (socket.peer_address, socket.peer_port) = (peer.into(), peer_port);
                row
            })
            .collect();
        for column in [Column::Local, Column::Peer] {
            for descending in [false, true] {
                let (mut arranged, mut sorted) = (rows.clone(), rows.clone());
                Column::arrange(&mut arranged, Sort { column: column.id(), descending });
                sort(&mut sorted, column, descending);
                assert_eq!(ports(&arranged), ports(&sorted), "{column:?}, descending {descending}");
            }
        }
    }

    #[test]
    fn a_user_without_a_name_stands_where_its_number_does() {
        let mut rows = vec![
            row("0.0.0.0", 1, SocketState::Listen, None),
            row("0.0.0.0", 2, SocketState::Listen, None),
            row("0.0.0.0", 3, SocketState::Listen, None),
        ];
        for (row, (uid, user)) in rows.iter_mut().zip([
            (33, Some("www-data")),
            (protocol::sockets::UNKNOWN_UID, None),
            (1_001, None),
        ]) {
            let socket = &mut Arc::make_mut(row).socket;
            (socket.uid, socket.user) = (uid, user.map(str::to_owned));
        }
        sort(&mut rows, Column::User, false);
        assert_eq!(ports(&rows), [3, 1, 2], "1001, www-data, and nobody last");
    }

    #[test]
    fn a_missing_pid_is_last_in_both_directions() {
        let mut rows = vec![
            row("0.0.0.0", 1, SocketState::Listen, None),
            row("0.0.0.0", 2, SocketState::Listen, Some(7)),
            row("0.0.0.0", 3, SocketState::Listen, Some(9)),
        ];
        sort(&mut rows, Column::Pid, false);
        assert_eq!(ports(&rows), [2, 3, 1]);
        sort(&mut rows, Column::Pid, true);
        assert_eq!(ports(&rows), [3, 2, 1]);
    }

    #[test]
    fn equal_rows_keep_one_order_whatever_order_they_came_in() {
        let rows: Vec<_> = (1..20).map(|port| row("0.0.0.0", port, SocketState::Listen, None)).collect();
        let mut there = rows.clone();
        let mut back: Vec<_> = rows.into_iter().rev().collect();
        sort(&mut there, Column::State, true);
        sort(&mut back, Column::State, true);
        assert_eq!(ports(&there), ports(&back));
    }

    #[test]
    fn listeners_come_first_by_state() {
        let mut rows = vec![
            row("10.0.0.1", 1, SocketState::TimeWait, None),
            row("10.0.0.1", 2, SocketState::Estab, None),
            row("0.0.0.0", 3, SocketState::Listen, None),
        ];
        sort(&mut rows, Column::State, false);
        assert_eq!(ports(&rows), [3, 2, 1]);
    }

    #[test]
    fn a_socket_is_the_same_while_its_numbers_change() {
        let first = row("10.0.0.1", 22, SocketState::Estab, Some(1));
        let mut later = first.clone();
        let socket = &mut Arc::make_mut(&mut later).socket;
        (socket.recv_q, socket.state) = (9, SocketState::CloseWait);
        assert_eq!(key(&first), key(&later));
        Arc::make_mut(&mut later).socket.inode = 5;
        assert_ne!(key(&first), key(&later), "one port may have several listeners");
    }

    #[test]
    fn queues_fit_into_their_column() {
        assert_eq!(queue(0), "0");
        assert_eq!(queue(4_096), "4096");
        assert_eq!(queue(18_400), "18.4 k");
        assert_eq!(queue(u32::MAX), "4295.0 M");
    }

    #[test]
    fn the_size_of_a_backlog_is_no_warning_but_waiting_connections_are() {
        let listener = Socket { state: SocketState::Listen, send_q: 65_535, ..Socket::default() };
        assert!(!is_queue_high(&listener, Column::SendQ));
        assert!(is_queue_high(&Socket { recv_q: 1, ..listener }, Column::RecvQ));
        let busy = Socket { state: SocketState::Estab, send_q: 18_400, recv_q: 20, ..Socket::default() };
        assert!(is_queue_high(&busy, Column::SendQ));
        assert!(!is_queue_high(&busy, Column::RecvQ));
    }
}
