//! The one file of the helper that asks the time, and in what the kernel counts it.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::root::{Root, read_text};

/// Ticks a second and bytes of a page of the machine that a tree was read from.
static OTHER_UNITS: OnceLock<(u64, u64)> = OnceLock::new();

/// From here on `/proc` is counted in the units of another machine.
pub(crate) fn count_in(ticks_per_s: u64, page_bytes: u64) {
    // The first machine counts: a helper that reads trees reads those of one.
    let _ = OTHER_UNITS.set((ticks_per_s.max(1), page_bytes.max(1)));
}

/// The moment at which a machine is read, to compare it with another one.
pub(crate) fn moment(root: &Root) -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    match root.since_boot() {
        Some(since_boot) => {
            let base = *BASE.get_or_init(Instant::now);
            base.checked_add(since_boot).unwrap_or(base)
        }
        None => Instant::now(),
    }
}

/// Clock ticks after boot at which a machine is read; `None` for a tree without an age.
pub(crate) fn ticks_of(root: &Root) -> Option<u64> {
    match root.since_boot() {
        Some(since_boot) => {
            u64::try_from(since_boot.as_millis()).ok().map(|ms| ms.saturating_mul(ticks_per_s()) / 1_000)
        }
        None => root.is_live().then(boot_ticks),
    }
}

/// Milliseconds since 1970 UTC at which a tree was read, by the clock of its machine.
pub(crate) fn pulled_ms(root: &Root) -> Option<i64> {
    let since_boot_ms = i64::try_from(root.since_boot()?.as_millis()).ok()?;
    Some(boot_ms(root)?.saturating_add(since_boot_ms))
}

fn boot_ms(root: &Root) -> Option<i64> {
    let stat = read_text(&root.proc.join("stat")).ok()?;
    let seconds: i64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1_000))
}

/// When a process of a machine began, in milliseconds since 1970 UTC; `None` for a tree without an age.
pub(crate) fn began_ms(root: &Root, start_ticks: u64) -> Option<i64> {
    match root.since_boot() {
        Some(_) => {
            let after_boot_ms = i64::try_from(since_start(start_ticks).as_millis()).ok()?;
            Some(boot_ms(root)?.saturating_add(after_boot_ms))
        }
        None => root.is_live().then(|| wall_ms_of(start_ticks)),
    }
}

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
    OTHER_UNITS.get().map_or_else(|| rustix::param::clock_ticks_per_second().max(1), |units| units.0)
}

/// Bytes of a page, in which `/proc/PID/stat` counts memory.
pub(crate) fn page_bytes() -> u64 {
    let own = || u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    OTHER_UNITS.get().map_or_else(own, |units| units.1)
}

/// Time since boot with sleep, the clock of start times of processes.
fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Clock ticks since boot.
fn boot_ticks() -> u64 {
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
