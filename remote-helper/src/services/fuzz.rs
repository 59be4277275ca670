//! What the parsers of units must hold whatever systemctl and the bus say.

use super::message::{HEAD_BYTES, parse_head, parse_message};
use super::script::parse_script;
use super::show::parse_stanzas;
use super::supervisor::parse_status;
use super::{list, openrc, parse_span_us, parse_utc_ms, sysv};
use crate::fuzz::Target;

/// The head of a signal `UnitNew` with an empty body.
const SIGNAL: &[u8] = b"l\x04\x01\x01\x00\x00\x00\x00\x02\x00\x00\x00\x28\x00\x00\x00\x01\x01o\x00\x04\x00\x00\x00/org\x00\x00\x00\x00\x02\x01s\x00\x01\x00\x00\x00a\x00\x00\x00\x03\x01s\x00\x01\x00\x00\x00b\x00\x00\x00";

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "systemctl",
        seeds: &[
            b"Id=cron.service\nMainPID=77\nMemoryCurrent=18446744073709551615\nDescription=a = b\n\nId=x.timer\nMainPID=0\nMemoryCurrent=[not set]\n",
            b"Fri 2026-11-20 10:26:52 UTC",
            b"1d 2h 3min 4.5s",
        ],
        run: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for unit in parse_stanzas(&text) {
                assert!(unit.pid("MainPID").is_none_or(|pid| pid > 0));
                assert!(unit.number("MemoryCurrent") != Some(u64::MAX), "not set is no number");
            }
            assert!(parse_utc_ms(&text).is_none_or(|at_ms| at_ms >= 0));
            assert!(parse_span_us(&text).is_none_or(|us| us < 1 << 63));
        },
    },
    Target {
        name: "units",
        seeds: &[
            "● cron.service loaded active running Regular background program\n  x.socket not-found inactive dead x\n".as_bytes(),
            b"cron.service enabled enabled\ngetty@.service enabled enabled\nsshd.service alias -\nx.timer static -\n",
            b"S03cron\nK01x\nS20\n",
            b"exec=/usr/sbin/crond\npidfile=/run/crond.pid\n",
        ],
        run: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            list::check(&text);
            sysv::check(&text);
            openrc::check(&text);
        },
    },
    Target {
        name: "managers",
        seeds: &[
            b"#!/bin/sh\n### BEGIN INIT INFO\n# Short-Description: Jobs\n### END INIT INFO\nPIDFILE=/run/crond.pid\nstatus)\n",
            b"#!/sbin/openrc-run\ndescription=\"A daemon\"\npidfile=\"/run/$RC_SVCNAME.pid\"\n",
            b"web:worker_00    RUNNING   pid 812, uptime 1 day, 0:01:02\ngone    FATAL     can't find command '/no/such'\n",
        ],
        run: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert!(parse_script(&text).description.len() <= text.len());
            for program in parse_status(&text) {
                assert!(!program.name.contains(char::is_whitespace) && !program.state.is_empty());
            }
        },
    },
    Target {
        name: "dbus",
        seeds: &[SIGNAL],
        run: |bytes| {
            let Some((fixed, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else { return };
            if let Some(head) = parse_head(fixed) {
                let limit_bytes = 1 << 28;
                assert!(head.rest_bytes() < limit_bytes, "no reader sets aside so much");
                let _ = parse_message(head, rest);
            }
        },
    },
];
