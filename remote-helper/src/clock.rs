//! The one file of the helper that asks the time, and in what the kernel counts it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since 1970 UTC by this host's clock.
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// Microseconds of CLOCK_MONOTONIC, the clock of systemd's `...Monotonic` properties.
pub(crate) fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000
}

/// Clock ticks a second, in which `/proc/PID/stat` counts (USER_HZ).
pub(crate) fn ticks_per_s() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

/// Bytes of a page, in which `/proc/PID/stat` counts memory.
pub(crate) fn page_bytes() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

/// Time since boot with sleep, the clock of start times of processes.
fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Clock ticks since boot.
pub(crate) fn boot_ticks() -> u64 {
    let ticks = since_boot().as_nanos() * u128::from(ticks_per_s()) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// How long ago a process began.
pub(crate) fn age_of(start_ticks: u64) -> Duration {
    since_boot().saturating_sub(since_start(start_ticks))
}

/// When a process began, in milliseconds since 1970 UTC by this host's clock as it is now.
pub(crate) fn wall_ms_of(start_ticks: u64) -> i64 {
    let age_ms = i64::try_from(age_of(start_ticks).as_millis()).unwrap_or(i64::MAX);
    now_ms().saturating_sub(age_ms)
}

fn since_start(start_ticks: u64) -> Duration {
    Duration::from_millis(start_ticks.saturating_mul(1_000) / ticks_per_s())
}
