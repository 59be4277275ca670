//! What the parsers of logs must hold whatever a program wrote there.

use super::syslog::Hints;
use super::{MESSAGE_LIMIT_BYTES, entry, syslog};
use crate::fuzz::Target;

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "journal_line",
        seeds: &[
            br#"{"_COMM":"cron","PRIORITY":"6","__CURSOR":"s=b2a4;i=1f3","_PID":"77","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"(root) CMD (run-parts \"/etc/cron.hourly\")","__REALTIME_TIMESTAMP":"1763632801123456"}"#,
            br#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1763632801000000","MESSAGE":["first",[115,101,99],null],"PRIORITY":["3","4"]}"#,
        ],
        run: |bytes| {
            if let Some(entry) = entry::parse_entry(bytes) {
                assert!(protocol::journal::is_cursor(&entry.cursor), "{entry:?}");
                assert!(entry.priority.is_none_or(|priority| priority < 8));
                assert!(entry.message.len() <= 3 * MESSAGE_LIMIT_BYTES);
            }
        },
    },
    Target {
        name: "syslog_line",
        seeds: &[
            b"2026-11-20T10:00:00.123456+00:00 web-1 CRON[77]: (root) CMD (x)",
            b"Nov 20 12:00:00 web-1 sshd[9]: Accepted publickey: x",
            b"2039-9-4t10:09:00+0020777773886388888:+00 x y",
            b"Nov 20 12:00:00 alpine daemon.err crond[3]: no such user",
        ],
        run: |bytes| {
            let hints = Hints { written_ms: 1_795_176_000_000, offset_s: 7_200 };
            let entry = syslog::parse_line(bytes.to_vec(), hints, 42);
            assert!(entry.priority.is_none_or(|priority| priority < 8));
            assert!(entry.identifier.is_none_or(|name| name.len() <= 128));
        },
    },
];
