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
}
