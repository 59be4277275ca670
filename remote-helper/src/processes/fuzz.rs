//! What the parsers of `/proc/PID` must hold whatever a process calls itself.

use super::{Units, detail, facts, parse_stat};
use crate::fuzz::Target;

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "pid_stat",
        seeds: &[
            b"812 (cron) S 1 812 812 0 -1 4194560 1017 1543 0 2 3 4 5 6 20 0 1 0 3117 9023488 1024 18446744073709551615 1 1 0\n",
            b"7 () R 1 (\n) R 1 7 7 0 -1 0 0 0 0 0 1 1 -1 -1 39 -20 4294967295 0 99 0 -5 0\n",
        ],
        run: |bytes| {
            if let Some(stat) = parse_stat(bytes) {
                assert!(stat.comm.len() < bytes.len(), "the name is a part of the line");
                assert!(!bytes.ends_with(b")"), "something follows the name");
            }
        },
    },
    Target {
        name: "pid_files",
        seeds: &[
            b"Name:\tcron\nState:\tS\nUid:\t1000\t33\t33\t33\nThreads:\t1\n",
            b"nginx: worker process\0\0\0",
            b"12:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/user.slice/user-1000.slice/user@1000.service/a.scope\n",
            b"rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\n",
        ],
        run: |bytes| {
            let _ = facts::parse_uid(bytes);
            facts::check_cmdline(bytes);
            let _ = detail::parse_io(bytes);
            if let Some(unit) = Units::default().parse_unit(bytes) {
                assert!(protocol::services::is_unit_name(&unit), "{unit}");
            }
        },
    },
];
