//! A socket as it is kept between readings: a third of the size of a row, and without a text of its
//! own. Rows are made of what changed alone.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use protocol::delta::Source;
use protocol::sockets::{Protocol, Socket, SocketState};

/// The process that holds a socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(super) pid: u32,
    pub(super) program: String,
    pub(super) unit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    Ip(IpAddr),
    /// Of a unix socket; it may be empty.
    Path(Arc<str>),
}

impl Address {
    fn text(&self) -> String {
        match self {
            Address::Ip(IpAddr::V4(address)) => dotted(address.octets()),
            Address::Ip(address) => address.to_string(),
            Address::Path(path) => path.to_string(),
        }
    }
}

/// A socket, its user and the process that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(super) inode: u64,
    pub(super) protocol: Protocol,
    pub(super) state: SocketState,
    pub(super) recv_q: u32,
    pub(super) send_q: u32,
    pub(super) local: Address,
    pub(super) local_port: u16,
    pub(super) peer: Address,
    pub(super) peer_port: u16,
    pub(super) uid: u32,
    pub(super) user: Option<Arc<str>>,
    pub(super) owner: Option<Arc<Owner>>,
    pub(super) holders: u32,
}

impl Seen {
    pub(super) fn is_listening(&self) -> bool {
        self.state == SocketState::Listen || (self.state == SocketState::Unconn && self.protocol.is_udp())
    }

    /// True if somebody holds it whom this user may not see.
    pub(super) fn is_hidden(&self) -> bool {
        self.owner.is_none() && self.inode != 0 && self.state != SocketState::TimeWait
    }

    fn ends(&self) -> (&Address, u16, &Address, u16) {
        (&self.local, self.local_port, &self.peer, self.peer_port)
    }
}

impl Source<Socket> for Seen {
    fn rank(&self) -> u64 {
        if self.inode == 0 {
            u64::from(self.local_port) << 16 | u64::from(self.peer_port)
        } else {
            self.inode
        }
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        let ends = || if self.inode == 0 { self.ends().cmp(&other.ends()) } else { Ordering::Equal };
        (self.inode, self.protocol).cmp(&(other.inode, other.protocol)).then_with(ends)
    }

    fn to_row(&self) -> Socket {
        let owner = self.owner.as_deref();
        Socket {
            protocol: self.protocol,
            state: self.state,
            recv_q: self.recv_q,
            send_q: self.send_q,
            local_address: self.local.text(),
            local_port: self.local_port,
            peer_address: self.peer.text(),
            peer_port: self.peer_port,
            inode: self.inode,
            uid: self.uid,
            user: self.user.as_deref().map(str::to_owned),
            pid: owner.map(|owner| owner.pid),
            program: owner.map(|owner| owner.program.clone()),
            holders: self.holders,
            unit: owner.and_then(|owner| owner.unit.clone()),
        }
    }
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
}
