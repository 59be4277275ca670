//! sockets: TCP, UDP and unix sockets of a host with their owners, as ss(8) shows them.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::delta::{Row, Table, changes};
use crate::link::Rights;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketTable {
    pub at_ms: i64,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub sockets: Vec<Socket>,
    /// Sockets in the list whose owner this user may not see; root would.
    pub owner_hidden: u32,
    /// Sockets that the kernel has and that were left out, if a cap was reached.
    pub left_out: u32,
    /// Time the host took to read them.
    pub took_ms: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Socket {
    pub protocol: Protocol,
    pub state: SocketState,
    pub recv_q: u32,
    pub send_q: u32,
    /// IP address without brackets; `0.0.0.0` and `::` listen on every address. Of a unix socket its
    /// path, with `@` for the NUL of an abstract name, or nothing.
    pub local_address: String,
    pub local_port: u16,
    pub peer_address: String,
    /// 0 where there is no peer.
    pub peer_port: u16,
    pub inode: u64,
    /// `UNKNOWN_UID` where the kernel does not say.
    pub uid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A process that holds it; the one with the lowest PID if several do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// How many processes hold it.
    pub holders: u32,
    /// systemd unit of that process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Socket {
    pub fn is_listening(&self) -> bool {
        self.state == SocketState::Listen || (self.state == SocketState::Unconn && self.protocol.is_udp())
    }

    /// `10.0.0.11:443`, `[::]:443`, `/run/dbus/system_bus_socket`; `*` for a unix socket without a
    /// name.
    pub fn local(&self) -> String {
        if self.protocol.is_unix() {
            return name_or_star(&self.local_address);
        }
        endpoint(&self.local_address, self.local_port)
    }

    fn ends(&self) -> (&str, u16, &str, u16) {
        (&self.local_address, self.local_port, &self.peer_address, self.peer_port)
    }

    /// `*` where there is no peer, or a unix socket as peer has no name.
    pub fn peer(&self) -> String {
        if self.protocol.is_unix() {
            return name_or_star(&self.peer_address);
        }
        if self.peer_port == 0 { "*".into() } else { endpoint(&self.peer_address, self.peer_port) }
    }

    /// The name of its user, or the number where the host's list of users has no name for it.
    pub fn owner(&self) -> Option<String> {
        let number = (self.uid != UNKNOWN_UID).then(|| self.uid.to_string());
        self.user.clone().or(number)
    }
}

/// The user of a socket that belongs to nobody any more, or whose kernel does not tell.
pub const UNKNOWN_UID: u32 = u32::MAX;

fn name_or_star(path: &str) -> String {
    if path.is_empty() { "*".into() } else { path.to_owned() }
}

changes! {
    SocketChange of Socket {
        protocol: Protocol,
        state: SocketState,
        recv_q: u32,
        send_q: u32,
        local_address: String,
        local_port: u16,
        peer_address: String,
        peer_port: u16,
        inode: u64,
        uid: u32,
        user: Option<String>,
        pid: Option<u32>,
        program: Option<String>,
        holders: u32,
        unit: Option<String>,
    }
}

impl Row for Socket {
    /// The kernel's number of it. One that no process holds any more has none: it is its two ends.
    fn rank(&self) -> u64 {
        if self.inode == 0 {
            u64::from(self.local_port) << 16 | u64::from(self.peer_port)
        } else {
            self.inode
        }
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        (self.inode, self.protocol)
            .cmp(&(other.inode, other.protocol))
            .then_with(|| if self.inode == 0 { self.ends().cmp(&other.ends()) } else { Ordering::Equal })
    }

    /// What listens first, then by protocol, local port and peer.
    fn by_place(&self, other: &Self) -> Ordering {
        let key = |socket: &Self| (!socket.is_listening(), socket.protocol, socket.local_port);
        key(self).cmp(&key(other)).then_with(|| {
            (&self.local_address, &self.peer_address, self.peer_port, self.inode).cmp(&(
                &other.local_address,
                &other.peer_address,
                other.peer_port,
                other.inode,
            ))
        })
    }

    fn text_bytes(&self) -> usize {
        let some: usize =
            [&self.user, &self.program, &self.unit].into_iter().flatten().map(String::len).sum();
        self.local_address.len() + self.peer_address.len() + some
    }
}

impl Table for SocketTable {
    type Row = Socket;

    fn rows(&self) -> &Vec<Socket> {
        &self.sockets
    }

    fn rows_mut(&mut self) -> &mut Vec<Socket> {
        &mut self.sockets
    }

    fn leave_out(&mut self, rows: u32) {
        self.left_out = self.left_out.saturating_add(rows);
    }
}

/// Address and port as people write them, an IPv6 address in brackets.
pub fn endpoint(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Tcp,
    Tcp6,
    Udp,
    Udp6,
    /// Unix sockets by their kind, with ss(8)'s words.
    #[serde(rename = "u_str")]
    UnixStream,
    #[serde(rename = "u_dgr")]
    UnixDatagram,
    #[serde(rename = "u_seq")]
    UnixSeqPacket,
    #[serde(other)]
    Unknown,
}

impl Protocol {
    pub fn is_udp(self) -> bool {
        matches!(self, Protocol::Udp | Protocol::Udp6)
    }

    pub fn is_unix(self) -> bool {
        matches!(self, Protocol::UnixStream | Protocol::UnixDatagram | Protocol::UnixSeqPacket)
    }

    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Tcp6 => "tcp6",
            Protocol::Udp => "udp",
            Protocol::Udp6 => "udp6",
            Protocol::UnixStream => "u_str",
            Protocol::UnixDatagram => "u_dgr",
            Protocol::UnixSeqPacket => "u_seq",
            Protocol::Unknown => "?",
        }
    }
}

/// States of a socket, in ss(8)'s words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketState {
    Estab,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    #[default]
    Unconn,
    CloseWait,
    LastAck,
    Listen,
    Closing,
    #[serde(other)]
    Unknown,
}

impl SocketState {
    /// The word of ss(8).
    pub fn name(self) -> &'static str {
        use SocketState::*;
        match self {
            Estab => "ESTAB",
            SynSent => "SYN-SENT",
            SynRecv => "SYN-RECV",
            FinWait1 => "FIN-WAIT-1",
            FinWait2 => "FIN-WAIT-2",
            TimeWait => "TIME-WAIT",
            Unconn => "UNCONN",
            CloseWait => "CLOSE-WAIT",
            LastAck => "LAST-ACK",
            Listen => "LISTEN",
            Closing => "CLOSING",
            Unknown => "?",
        }
    }
}

/// What a person asks of the socket table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketQuery {
    /// Words, each of which must match program, unit, user, address, port, state or PID.
    pub text: String,
    pub listening: bool,
    /// Unix sockets too. They are not kept in a snapshot.
    pub unix: bool,
    /// Connects if there is no link. Without it the last snapshot answers, marked as stale.
    pub connect: bool,
    /// It will be asked again within seconds: the host keeps the table up to date here meanwhile.
    pub watch: bool,
}

/// The answer, best matches first where text was given, else in the table's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketAnswer {
    pub at_ms: i64,
    /// True if the rows are from the last snapshot and the host was not asked.
    pub stale: bool,
    pub rows: Vec<Arc<SocketRow>>,
    /// All sockets of the host, before the query.
    pub total: u32,
    pub listening: u32,
    pub owner_hidden: u32,
    pub rights: Rights,
    pub left_out: u32,
    pub took_ms: u64,
}

/// A socket with the letters that the query matched, as character positions in each field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketRow {
    pub socket: Socket,
    /// Name of the saved host at the peer address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_host: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
}

changes! {
    SocketRowChange of SocketRow {
        peer_host: Option<String>,
        matched: Vec<Matched>,
    } within socket: Socket
}

impl Row for SocketRow {
    fn rank(&self) -> u64 {
        Row::rank(&self.socket)
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        Row::by_rest(&self.socket, &other.socket)
    }

    fn by_place(&self, other: &Self) -> Ordering {
        self.socket.by_place(&other.socket)
    }

    fn text_bytes(&self) -> usize {
        let peer = self.peer_host.as_ref().map_or(0, String::len);
        self.socket.text_bytes() + peer + matched_bytes(&self.matched)
    }
}

impl Table for SocketAnswer {
    type Row = Arc<SocketRow>;

    fn rows(&self) -> &Vec<Arc<SocketRow>> {
        &self.rows
    }

    fn rows_mut(&mut self) -> &mut Vec<Arc<SocketRow>> {
        &mut self.rows
    }

    fn leave_out(&mut self, rows: u32) {
        self.left_out = self.left_out.saturating_add(rows);
    }
}

/// Letters of one column that a query matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Matched {
    /// Name of the column: `program`, `unit`, `user`, `local`, `peer`, `peer_host`, `state`, `pid`,
    /// `protocol`, `name`, `command`, `description`.
    pub column: String,
    /// Positions of characters, ascending.
    pub at: Vec<u32>,
}

/// Bytes that the letters of a row take.
pub(crate) fn matched_bytes(matched: &[Matched]) -> usize {
    matched
        .iter()
        .map(|matched| size_of::<Matched>() + matched.column.len() + size_of_val(matched.at.as_slice()))
        .sum()
}
