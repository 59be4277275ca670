//! One netlink dump: a request, and every message of its answer (netlink(7)).
//!
//! Just enough for sock_diag(7) and rtnetlink(7). Lengths come from the kernel and are checked all
//! the same: a message that does not fit ends the reading, it is never read past.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

const HEADER_BYTES: usize = 16;
const REQUEST_DUMP: u16 = 0x301;
const TYPE_ERROR: u16 = 2;
const TYPE_DONE: u16 = 3;
/// The kernel fills up to this much a message where the reader has room for it.
const BUFFER_BYTES: usize = 32 << 10;

/// An open netlink socket with its buffer.
pub(crate) struct Netlink {
    fd: OwnedFd,
    buffer: Vec<u8>,
    seq: u32,
}

impl Netlink {
    /// `None` is NETLINK_ROUTE, whose number is 0.
    pub(crate) fn open(protocol: Option<Protocol>) -> std::io::Result<Self> {
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        // The kernel answers at once or never.
        set_socket_timeout(&fd, Timeout::Recv, Some(std::time::Duration::from_secs(5)))?;
        Ok(Self { fd, buffer: vec![0; BUFFER_BYTES], seq: 0 })
    }

    /// Sends a dump request of a kind and gives the type and payload of each message.
    pub(crate) fn dump(
        &mut self,
        kind: u16,
        body: &[u8],
        mut take: impl FnMut(u16, &[u8]),
    ) -> std::io::Result<()> {
        self.seq += 1;
        let mut request = Vec::with_capacity(HEADER_BYTES + body.len());
        request.extend_from_slice(&u32::try_from(HEADER_BYTES + body.len()).unwrap_or(0).to_ne_bytes());
        request.extend_from_slice(&kind.to_ne_bytes());
        request.extend_from_slice(&REQUEST_DUMP.to_ne_bytes());
        request.extend_from_slice(&self.seq.to_ne_bytes());
        request.extend_from_slice(&0u32.to_ne_bytes());
        request.extend_from_slice(body);
        sendto(&self.fd, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        loop {
            let count = match recv(&self.fd, self.buffer.as_mut_slice(), RecvFlags::empty()) {
                Ok((count, _)) => count,
                Err(Errno::INTR) => continue,
                Err(cause) => return Err(cause.into()),
            };
            let mut rest = self.buffer.get(..count).unwrap_or_default();
            if rest.is_empty() {
                return Err(Errno::PIPE.into());
            }
            while let Some((kind, seq, payload, after)) = split_message(rest) {
                rest = after;
                match kind {
                    // An answer to an earlier request that was given up.
                    _ if seq != self.seq => {}
                    TYPE_DONE => return Ok(()),
                    TYPE_ERROR => {
                        let code = read_u32(payload, 0).map_or(0, |raw| raw.cast_signed());
                        return Err(std::io::Error::from_raw_os_error(code.saturating_neg()));
                    }
                    kind => take(kind, payload),
                }
            }
        }
    }
}

/// Splits off one message: type, sequence number, payload, the rest.
fn split_message(bytes: &[u8]) -> Option<(u16, u32, &[u8], &[u8])> {
    let length = usize::try_from(read_u32(bytes, 0)?).ok()?;
    let payload = bytes.get(HEADER_BYTES..length)?;
    let after = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((read_u16(bytes, 4)?, read_u32(bytes, 8)?, payload, after))
}

/// Splits a chain of attributes: type and value of each (struct rtattr).
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(read_u16(bytes, 0)?);
        let kind = read_u16(bytes, 2)?;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub(crate) fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(crate) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// What holds whatever an answer says.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn check(bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((_, _, _, after)) = split_message(rest) {
        assert!(after.len() < rest.len());
        rest = after;
    }
    assert!(attributes(bytes).count() <= bytes.len() / 4);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_split_or_refused_but_never_read_past(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check(&bytes);
        }
    }
}
