//! What a container may use at most: the limits of the control group that is its root (cgroups(7)).
//!
//! `/proc/meminfo` and `/proc/stat` of a container are those of the whole machine. Its own group
//! tells what of that it may have. On a machine itself the root group has no limits, and no such
//! files, or ones that are larger than the machine.

use std::path::Path;

use protocol::metrics::Limits;

use crate::root::{Root, read_text, read_word};

/// `None` where nothing is limited. `total_bytes` is the memory of the machine.
pub(super) fn read_limits(root: &Root, total_bytes: u64) -> Option<Limits> {
    let top = root.sys.join("fs/cgroup");
    let mut limits = if top.join("cgroup.controllers").exists() { read_v2(&top) } else { read_v1(&top) };
    limits.memory_bytes = limits.memory_bytes.filter(|&bytes| bytes < total_bytes);
    if limits.memory_bytes.is_none() {
        limits.memory_used_bytes = None;
    }
    (limits != Limits::default()).then_some(limits)
}

fn read_v2(top: &Path) -> Limits {
    let cpus = read_word(&top.join("cpu.max")).and_then(|text| {
        let (quota, period) = text.split_once(' ')?;
        share(quota, period)
    });
    Limits {
        memory_bytes: read_number(&top.join("memory.max")),
        memory_used_bytes: read_used(top, "memory.current", "inactive_file"),
        cpus,
    }
}

fn read_v1(top: &Path) -> Limits {
    let (memory, cpu) = (top.join("memory"), top.join("cpu"));
    let word = |file: &str| read_word(&cpu.join(file));
    let cpus = word("cpu.cfs_quota_us").zip(word("cpu.cfs_period_us"));
    Limits {
        memory_bytes: read_number(&memory.join("memory.limit_in_bytes")),
        memory_used_bytes: read_used(&memory, "memory.usage_in_bytes", "total_inactive_file"),
        cpus: cpus.and_then(|(quota, period)| share(&quota, &period)),
    }
}

/// `max` and `-1` are no limit.
fn share(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0).then(|| super::round2(quota as f64 / period as f64))
}

fn read_number(path: &Path) -> Option<u64> {
    read_word(path)?.parse().ok()
}

fn read_used(group: &Path, used: &str, cache: &str) -> Option<u64> {
    let used = read_number(&group.join(used))?;
    let stat = read_text(&group.join("memory.stat")).unwrap_or_default();
    let cache = stat.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse().ok()).unwrap_or(0u64);
    Some(used.saturating_sub(cache))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: u64 = 16 << 30;

    fn limits(files: &[(&str, &str)]) -> Option<Limits> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join("sys/fs/cgroup").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        read_limits(&Root::captured(dir.path()), TOTAL)
    }

    #[test]
    fn a_container_tells_what_it_may_use_in_both_layouts() {
        let wanted = Some(Limits {
            memory_bytes: Some(512 << 20),
            memory_used_bytes: Some(90_000_000),
            cpus: Some(1.5),
        });
        let new = [
            ("cgroup.controllers", "cpu memory\n"),
            ("memory.max", "536870912\n"),
            ("memory.current", "100000000\n"),
            ("memory.stat", "anon 5\ninactive_file 10000000\n"),
            ("cpu.max", "150000 100000\n"),
        ];
        assert_eq!(limits(&new), wanted);
        let old = [
            ("memory/memory.limit_in_bytes", "536870912\n"),
            ("memory/memory.usage_in_bytes", "100000000\n"),
            ("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 10000000\n"),
            ("cpu/cpu.cfs_quota_us", "150000\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(limits(&old), wanted);
    }

    #[test]
    fn what_is_not_limited_is_not_told_as_a_limit() {
        assert_eq!(limits(&[]), None);
        let machine =
            [("memory/memory.limit_in_bytes", "9223372036854771712\n"), ("cpu/cpu.cfs_quota_us", "-1\n")];
        assert_eq!(limits(&machine), None);
        let open = [("cgroup.controllers", ""), ("memory.max", "max\n"), ("cpu.max", "max 100000\n")];
        assert_eq!(limits(&open), None);
    }
}
