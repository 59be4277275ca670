//! I/O of block devices from `/proc/diskstats` (kernel: admin-guide/iostats).

use std::time::Duration;

use protocol::metrics::DeviceRates;

use super::{rate, round2};
use crate::root::Root;

/// The kernel counts in sectors of this size, whatever the device's own.
const SECTOR_BYTES: u64 = 512;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    device: String,
    reads: u64,
    read_sectors: u64,
    writes: u64,
    write_sectors: u64,
    busy_ms: u64,
}

pub(super) fn parse_diskstats(text: &str) -> Vec<Counters> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Counters> {
    let mut words = line.split_ascii_whitespace().skip(2);
    let device = words.next()?.to_owned();
    let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
    let &[reads, _, read_sectors, _, writes, _, write_sectors, _, _, busy_ms, ..] = numbers.as_slice() else {
        return None;
    };
    Some(Counters { device, reads, read_sectors, writes, write_sectors, busy_ms })
}

/// Leaves out partitions, whose I/O is their disk's too, RAM disks and loops, whose I/O is that of
/// the disk below, and devices that were never used.
pub(super) fn only_whole(root: &Root, all: Vec<Counters>) -> Vec<Counters> {
    let block = root.sys.join("block");
    let known = block.is_dir();
    all.into_iter()
        .filter(|counters| {
            let name = counters.device.as_str();
            !["loop", "ram", "zram", "fd", "sr"].iter().any(|kind| is_numbered(name, kind))
                && counters.reads + counters.writes > 0
                // sysfs writes `cciss/c0d0` as `cciss!c0d0`.
                && (!known || block.join(name.replace('/', "!")).exists())
        })
        .collect()
}

fn is_numbered(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Rates of the devices that were there both times and whose counters only grew.
pub(super) fn rates(last: &[Counters], now: &[Counters], over: Duration) -> Vec<DeviceRates> {
    now.iter()
        .filter_map(|now| {
            let last = last.iter().find(|last| last.device == now.device)?;
            let bytes = |last: u64, now: u64| rate(last, now, over).map(|per_s| per_s * SECTOR_BYTES as f64);
            let busy_ms = now.busy_ms.checked_sub(last.busy_ms)?;
            let busy_pct = busy_ms as f64 / 10.0 / over.as_secs_f64();
            Some(DeviceRates {
                device: now.device.clone(),
                read_bytes_per_s: bytes(last.read_sectors, now.read_sectors)?,
                write_bytes_per_s: bytes(last.write_sectors, now.write_sectors)?,
                reads_per_s: rate(last.reads, now.reads, over)?,
                writes_per_s: rate(last.writes, now.writes, over)?,
                // The kernel adds up at each end of I/O, so a sample may hold a little of the last.
                busy_pct: round2(busy_pct.min(100.0)),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX_6: &str = " 254       0 vda 15431 1266 1264118 5224 32918 24415 2413216 26184 0 15072 33540 0 0 0 0 2418 2131\n\
        \x20254       1 vda1 10 0 80 1 0 0 0 0 0 1 1 0 0 0 0 0 0\n   7       0 loop0 4 0 8 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n";
    const LINUX_3_10: &str = "   8       0 sda 100 0 800 10 200 0 1600 20 0 30 30\n";

    #[test]
    fn bytes_and_operations_per_second_come_from_two_samples() {
        let last = parse_diskstats(LINUX_3_10);
        let now = parse_diskstats("   8       0 sda 110 0 1000 10 220 0 2000 20 0 1030 30\n");
        let rates = rates(&last, &now, Duration::from_secs(2));
        assert_eq!(
            rates,
            [DeviceRates {
                device: "sda".into(),
                read_bytes_per_s: 51_200.0,
                write_bytes_per_s: 102_400.0,
                reads_per_s: 5.0,
                writes_per_s: 10.0,
                busy_pct: 50.0,
            }]
        );
    }

    #[test]
    fn a_device_whose_counters_went_back_has_no_rate() {
        let last = parse_diskstats(LINUX_6);
        let now = parse_diskstats(&LINUX_6.replace("1264118", "1264117"));
        let names: Vec<_> =
            rates(&last, &now, Duration::from_secs(1)).into_iter().map(|rate| rate.device).collect();
        assert_eq!(names, ["vda1", "loop0"]);
    }

    #[test]
    fn partitions_loops_and_idle_devices_are_left_out() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("sys/block/vda")).unwrap();
        let left = only_whole(&Root::captured(tree.path()), parse_diskstats(LINUX_6));
        assert_eq!(left.iter().map(|counters| counters.device.as_str()).collect::<Vec<_>>(), ["vda"]);
    }

    #[test]
    fn a_cut_line_is_left_out() {
        assert!(parse_diskstats("8 0 sda 1 2 3\n\n8 0\n").is_empty());
    }
}
