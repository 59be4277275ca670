//! Time, processor time and memory, as the kernel counts them.

use std::fs;
use std::time::Duration;

use crate::linked::TICKS_PER_S;

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A line of a table: what was measured, and the figure with its unit.
pub(crate) fn line(what: &str, figure: &str) {
    println!("{what:<60} {figure:>14}");
}

/// Processor time that this program spent in the kernel.
pub(crate) fn kernel_ms() -> f64 {
    stat_ms(&[12])
}

/// Processor time of this program, in the kernel and out of it.
pub(crate) fn own_ms() -> f64 {
    stat_ms(&[11, 12])
}

/// Processor time of all children that ended.
pub(crate) fn children_ms() -> f64 {
    stat_ms(&[13, 14])
}

/// Fields 14 to 17 of proc_pid_stat(5) are times; they are counted from the third here.
fn stat_ms(fields: &[usize]) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let all: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields.iter().map(|at| all[*at].parse::<f64>().unwrap() * 1000.0 / TICKS_PER_S).sum()
}

/// A memory figure of `/proc/self/status`, in MiB.
pub(crate) fn own_memory_mib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}
