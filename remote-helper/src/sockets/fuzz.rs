//! What the parsers of sockets must hold whatever the kernel's answers and files say.

use protocol::delta::Source;
use protocol::sockets::Protocol;

use super::{diag, owners, proc_net, unix};
use crate::fuzz::Target;
use crate::netlink;

/// struct inet_diag_msg of a listener on port 22, and struct unix_diag_msg with a name and a peer.
const INET: &[u8] = b"\x02\x0a\x00\x00\x00\x16\x00\x00\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\xe8\x03\x00\x00\x39\x30\x00\x00";
const UNIX: &[u8] = b"\x01\x01\x01\x00\x39\x30\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x00/run/x\x00\x00\x08\x00\x02\x00\x3a\x30\x00\x00\x0c\x00\x04\x00\x01\x00\x00\x00\x02\x00\x00\x00\x08\x00\x07\x00\x21\x00\x00\x00";

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "inet_diag",
        seeds: &[INET],
        run: |bytes| {
            let row = diag::parse_message(bytes, Protocol::Tcp).map(|seen| seen.to_row());
            assert_eq!(row.is_some(), bytes.len() >= 72, "all of it or nothing");
        },
    },
    Target {
        name: "unix_diag",
        seeds: &[UNIX],
        run: |bytes| {
            if let Some((seen, _)) = unix::parse_message(bytes) {
                assert!(!seen.to_row().local_address.contains('\0'));
            }
            netlink::check(bytes);
        },
    },
    Target {
        name: "proc_net",
        seeds: &[
            b"   0: 0100007F:1F90 0200000A:C350 01 00000001:00000002 00:00000000 00000000  1000        0 36731 1 0000 100 0 0 10 0",
            b"   1: 0000000000000000FFFF00000100007F:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 99 1 0 100 0 0 10 0",
        ],
        run: |bytes| {
            if let Some(seen) = proc_net::parse_line(&String::from_utf8_lossy(bytes), Protocol::Tcp) {
                let row = seen.to_row();
                assert!(row.local_address.parse::<std::net::IpAddr>().is_ok(), "{row:?}");
            }
        },
    },
    Target {
        name: "proc_net_unix",
        seeds: &[b"0000000000000000: 00000002 00000000 00010000 0001 01 36731 /run/a b", b"socket:[36731]"],
        run: |bytes| {
            if let Some((seen, peer)) = unix::parse_line(bytes) {
                assert!(peer.is_none() && seen.to_row().protocol.is_unix());
            }
            let _ = owners::parse_link(bytes);
        },
    },
];
