//! What the parsers of metrics must hold whatever the kernel's files say.

use std::time::Duration;

use super::{cpu, devices, disks, load, memory, networks, pressure};
use crate::fuzz::Target;

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "proc_stat",
        seeds: &[b"cpu  4705 150 1120 1644013 1020 0 210 15 400 10\ncpu0 2300 70 560 822000 500 0 200 8 200 5\nintr 1\nbtime 1062191376\n"],
        run: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
            for now in [&*text, first, second] {
                let (Some(last), Some(now)) = (cpu::parse_ticks(&text), cpu::parse_ticks(now)) else { continue };
                if let Some(shares) = cpu::shares(&last.all, &now.all) {
                    assert!((0.0..=100.0).contains(&shares.busy_pct()) && shares.us_pct.is_finite());
                }
                assert!(cpu::core_shares(&last, &now).len() <= now.cores.len());
            }
        },
    },
    Target {
        name: "meminfo",
        seeds: &[b"MemTotal: 2014504 kB\nMemFree: 171220 kB\nMemAvailable: 1431644 kB\nBuffers: 52156 kB\nCached: 1258456 kB\nSwapTotal: 998396 kB\nSwapFree: 996348 kB\nSReclaimable: 124544 kB\n"],
        run: |bytes| {
            if let Some(memory) = memory::parse_meminfo(&String::from_utf8_lossy(bytes)) {
                assert!(memory.used_bytes <= memory.total_bytes && memory.swap_used_bytes <= memory.swap_total_bytes);
            }
        },
    },
    Target {
        name: "diskstats",
        seeds: &[
            b" 254       0 vda 15431 1266 1264118 5224 32918 24415 2413216 26184 0 15072 33540 0 0 0 0 2418 2131\n",
            b"   8       0 sda 100 0 800 10 200 0 1600 20 0 30 30\n",
        ],
        run: |bytes| {
            let rows = devices::parse_diskstats(&String::from_utf8_lossy(bytes));
            for rate in devices::rates(&rows, &rows, Duration::from_secs(1)) {
                assert!((0.0..=100.0).contains(&rate.busy_pct) && rate.read_bytes_per_s >= 0.0, "{rate:?}");
            }
        },
    },
    Target {
        name: "net_dev",
        seeds: &[b"Inter-|   Receive\n face |bytes\n    lo: 2776770   11307    0    0    0     0          0         0  2776770   11307    0    0    0     0       0          0\n  eth0:1000 10 1 2 0 0 0 0 3000 30 3 4 0 0 0 0\n"],
        run: |bytes| {
            let rows = networks::parse_net_dev(&String::from_utf8_lossy(bytes));
            for rate in networks::rates(&rows, &rows, Duration::from_secs(1)) {
                assert!(rate.interface != "lo" && rate.in_bytes_per_s >= 0.0, "{rate:?}");
            }
        },
    },
    Target {
        name: "mountinfo",
        seeds: &[b"27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard\n33 27 0:50 / /mnt/nfs rw - nfs4 srv:/x rw\n34 27 254:16 / /var/lib/my\\040data ro,relatime - xfs /dev/vdb rw\n2 1 0:31 /@home /home rw - btrfs /dev/sda2 rw\n"],
        run: |bytes| disks::check(&String::from_utf8_lossy(bytes)),
    },
    Target {
        name: "load",
        seeds: &[b"0.20 0.18 0.12 1/80 11206\n", b"350735.47 234388.90\n", b"some avg10=1.25 avg60=0.50 avg300=0.10 total=123\nfull avg10=0.75 avg60=0.00 avg300=0.00 total=4\n"],
        run: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let load = load::parse_loadavg(&text).unwrap_or_default();
            assert!(load.iter().all(|load| load.is_finite() && *load >= 0.0));
            let _ = load::parse_uptime(&text);
            for kind in ["some", "full"] {
                assert!(pressure::parse_avg10(&text, kind).is_none_or(|pct| (0.0..=100.0).contains(&pct)));
            }
        },
    },
];
