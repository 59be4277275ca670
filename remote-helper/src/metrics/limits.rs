//! What a container may use at most, and what it uses: the control group that is its root
//! (cgroups(7)).
//!
//! `/proc/meminfo` and `/proc/stat` of a container are those of the whole machine. Its own group
//! tells what of that it has. The group at the top of a machine is no container's: the kernel gives
//! it other files.

use std::path::{Path, PathBuf};

use protocol::metrics::Limits;

use crate::root::{Root, read_text, read_word};

/// `None` where this host is no container and nothing is limited. `total_bytes` is the memory of the
/// machine.
pub(super) fn read_limits(root: &Root, total_bytes: u64) -> Option<Limits> {
    let top = top(root);
    let mut limits = if is_v2(&top) { read_v2(&top) } else { read_v1(&top) };
    limits.memory_bytes = limits.memory_bytes.filter(|&bytes| bytes < total_bytes);
    if limits.memory_bytes.is_none() && !is_inner(&top) {
        limits.memory_used_bytes = None;
    }
    (limits != Limits::default()).then_some(limits)
}

/// CPU time that a container has used, in nanoseconds; `None` on a machine, where `/proc/stat` tells.
pub(super) fn read_used_ns(root: &Root) -> Option<u64> {
    let top = top(root);
    if !is_inner(&top) {
        return None;
    }
    if is_v2(&top) {
        let stat = read_text(&top.join("cpu.stat")).ok()?;
        let used_us: u64 = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())?;
        return used_us.checked_mul(1_000);
    }
    read_number(&top.join("cpuacct/cpuacct.usage"))
}

fn top(root: &Root) -> PathBuf {
    root.sys.join("fs/cgroup")
}

fn is_v2(top: &Path) -> bool {
    top.join("cgroup.controllers").exists()
}

/// True for a group that is not the top of the machine: only such a one has events in version 2, and
/// only the other one has an agent in version 1.
fn is_inner(top: &Path) -> bool {
    if is_v2(top) {
        return top.join("cgroup.events").exists();
    }
    let accounts = top.join("cpuacct");
    accounts.join("cgroup.procs").exists() && !accounts.join("release_agent").exists()
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
        cpus_used: None,
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
        cpus_used: None,
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

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join("sys/fs/cgroup").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    fn limits(files: &[(&str, &str)]) -> Option<Limits> {
        read_limits(&Root::captured(tree(files).path()), TOTAL)
    }

    fn used_ns(files: &[(&str, &str)]) -> Option<u64> {
        read_used_ns(&Root::captured(tree(files).path()))
    }

    #[test]
    fn a_container_tells_what_it_uses_and_a_machine_does_not() {
        let stat = ("cpu.stat", "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n");
        let machine = [("cgroup.controllers", "cpu\n"), stat];
        assert_eq!(used_ns(&machine), None);
        let container = [machine[0], stat, ("cgroup.events", "populated 1\n")];
        assert_eq!(used_ns(&container), Some(2_500_000));
        let unlimited = [container[0], container[2], ("memory.max", "max\n"), ("memory.current", "4096\n")];
        assert_eq!(limits(&unlimited).and_then(|limits| limits.memory_used_bytes), Some(4_096));
        let old = [("cpuacct/cpuacct.usage", "2500000\n"), ("cpuacct/cgroup.procs", "1\n")];
        assert_eq!(used_ns(&old), Some(2_500_000));
        assert_eq!(used_ns(&[old[0], old[1], ("cpuacct/release_agent", "\n")]), None);
        assert_eq!(used_ns(&[container[0], container[2], ("cpu.stat", "usage_usec x\n")]), None);
    }

    #[test]
    fn a_container_tells_what_it_may_use_in_both_layouts() {
        let wanted = Some(Limits {
            memory_bytes: Some(512 << 20),
            memory_used_bytes: Some(90_000_000),
            cpus: Some(1.5),
            cpus_used: None,
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
