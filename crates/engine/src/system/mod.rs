//! system: what this computer adds to the facts that a host tells about itself.
//!
//! A host does not know how wrong its clock is, and its helper is too small for the rules of time
//! zones, so both are worked out here.

mod cron;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use protocol::system::System;

/// Adds the state of the host's clock and the next run of each job of cron. `sent_ms` is when the
/// host was asked, by the clock of this computer.
pub(crate) fn complete(mut system: System, sent_ms: i64) -> System {
    system.clock_ahead_ms = (system.at_ms != 0).then(|| system.at_ms.saturating_sub(sent_ms));
    let zone = zone_of(&system);
    let now = Timestamp::from_millisecond(system.at_ms).ok();
    for job in system.jobs.iter_mut().filter(|job| job.kind == "cron" && job.time_zone.is_none()) {
        let next = job.schedule.as_deref().zip(zone.as_ref()).zip(now);
        job.next_ms = next.and_then(|((schedule, zone), now)| cron::next_run(schedule, zone, now));
    }
    system
}

/// A host was started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StartedAnew {
    /// When, by the clock of this computer, where that is known.
    pub(crate) since_ms: Option<i64>,
}

/// Whether a host was started anew between two looks at it. Another computer under its name was not.
pub(crate) fn started_anew(before: &System, now: &System) -> Option<StartedAnew> {
    let differ = |id: fn(&System) -> &Option<String>| {
        id(before).as_ref().zip(id(now).as_ref()).is_some_and(|(before, now)| before != now)
    };
    if !differ(|system| &system.boot_id) || differ(|system| &system.machine_id) {
        return None;
    }
    // A container tells when the kernel under it was started.
    let boot_ms = now.boot_ms.filter(|boot_ms| *boot_ms > before.at_ms);
    let since_ms =
        boot_ms.zip(now.clock_ahead_ms).map(|(boot_ms, ahead_ms)| boot_ms.saturating_sub(ahead_ms));
    Some(StartedAnew { since_ms })
}

/// The host's zone by its name; by its offset of now where the name is not known here.
fn zone_of(system: &System) -> Option<TimeZone> {
    let named = system.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    let offset = || Offset::from_seconds(system.utc_offset_s?).ok().map(TimeZone::fixed);
    named.or_else(offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::system::ScheduledJob;

    fn job(kind: &str, schedule: &str) -> ScheduledJob {
        ScheduledJob { kind: kind.into(), schedule: Some(schedule.into()), ..ScheduledJob::default() }
    }

    #[test]
    fn jobs_of_cron_get_their_next_run_and_those_of_systemd_keep_theirs() {
        // 2026-11-20T12:00:00Z.
        let at_ms = 1_795_176_000_000;
        let elsewhere = ScheduledJob { time_zone: Some("UTC".into()), ..job("cron", "0 6 * * *") };
        let timer = ScheduledJob { next_ms: Some(7), ..job("timer", "*-*-* 06:00:00") };
        let system = System {
            at_ms,
            time_zone: Some("Asia/Shanghai".into()),
            utc_offset_s: Some(28_800),
            jobs: vec![job("cron", "30 20 * * *"), elsewhere, timer, job("cron", "every 7 days")],
            ..System::default()
        };
        let told = complete(system.clone(), at_ms - 90_000);
        let next: Vec<_> = told.jobs.iter().map(|job| job.next_ms).collect();
        assert_eq!(next, [Some(at_ms + 30 * 60_000), None, Some(7), None], "20:30 there is 12:30 UTC");
        assert_eq!(told.clock_ahead_ms, Some(90_000));
        let unknown = System { time_zone: Some("Mars/Olympus".into()), ..system.clone() };
        assert_eq!(complete(unknown, at_ms).jobs[0].next_ms, told.jobs[0].next_ms, "by the offset");
        let nowhere = System { time_zone: None, utc_offset_s: None, ..system };
        assert_eq!(complete(nowhere, at_ms).jobs[0].next_ms, None, "a zone is not guessed");
    }

    fn boot(boot: &str, machine: &str, at_ms: i64, boot_ms: Option<i64>) -> System {
        System {
            at_ms,
            boot_id: Some(boot.into()),
            machine_id: Some(machine.into()),
            boot_ms,
            clock_ahead_ms: Some(500),
            ..System::default()
        }
    }

    #[test]
    fn another_boot_of_the_same_computer_is_one_that_was_started_anew() {
        let before = boot("a", "m", 10_000, Some(1_000));
        assert_eq!(started_anew(&before, &before), None);
        let later = boot("a", "m", 90_000, Some(1_200));
        assert_eq!(started_anew(&before, &later), None, "its clock was set");
        let anew = boot("b", "m", 90_000, Some(60_000));
        assert_eq!(started_anew(&before, &anew), Some(StartedAnew { since_ms: Some(59_500) }));
        assert_eq!(started_anew(&before, &boot("b", "other", 90_000, Some(60_000))), None);
        let silent = System { boot_id: None, ..anew.clone() };
        assert_eq!((started_anew(&before, &silent), started_anew(&silent, &anew)), (None, None));
        let nameless = System { machine_id: None, ..anew };
        assert!(started_anew(&before, &nameless).is_some());
    }

    #[test]
    fn a_time_that_cannot_be_that_of_the_start_is_not_told() {
        let before = boot("a", "m", 10_000, Some(1_000));
        let unknown = Some(StartedAnew { since_ms: None });
        assert_eq!(started_anew(&before, &boot("b", "m", 90_000, Some(1_000))), unknown, "a container");
        assert_eq!(started_anew(&before, &boot("b", "m", 90_000, None)), unknown);
    }
}
