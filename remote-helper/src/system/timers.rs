//! Scheduled jobs of systemd: its timers with their next and last run.

use std::time::Duration;

use protocol::services::is_unit_name;
use protocol::system::ScheduledJob;

use crate::children::{find_tool, run_tool, tool_command};
use crate::clock;
use crate::root::Root;
use crate::services::{Properties, parse_span_us, parse_utc_ms, show};
use crate::stop::Stop;

const KEYS: &str =
    "Id,Unit,TimersCalendar,TimersMonotonic,NextElapseUSecRealtime,NextElapseUSecMonotonic,LastTriggerUSec";

/// The loaded timers; none where systemd does not run the host or does not answer.
pub(super) fn read_timers(root: &Root, stop: &Stop) -> Vec<ScheduledJob> {
    if !root.is_live() || !root.has_systemd() {
        return Vec::new();
    }
    let Ok(path) = find_tool("systemctl") else { return Vec::new() };
    let mut list = tool_command(&path);
    list.args(["list-units", "--all", "--type=timer", "--plain", "--no-legend", "--no-pager", "--full"]);
    let Ok(said) = run_tool(list, Duration::from_secs(5), stop) else { return Vec::new() };
    let names: Vec<&str> = said
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.ends_with(".timer")))
        .filter(|name| is_unit_name(name))
        .collect();
    let shown = if names.is_empty() { Ok(Vec::new()) } else { show(root, KEYS, &names, stop) };
    let (now_ms, monotonic_us) = (clock::now_ms(), clock::monotonic_us());
    shown.unwrap_or_default().iter().filter_map(|timer| to_job(timer, now_ms, monotonic_us)).collect()
}

fn to_job(timer: &Properties, now_ms: i64, monotonic_us: u64) -> Option<ScheduledJob> {
    // Since boot, by a clock that a sleeping host stops.
    let by_monotonic = timer.text("NextElapseUSecMonotonic").and_then(parse_span_us).filter(|&us| us > 0);
    let ahead_ms = by_monotonic.and_then(|us| i64::try_from(us.saturating_sub(monotonic_us) / 1000).ok());
    let by_calendar = timer.text("NextElapseUSecRealtime").and_then(parse_utc_ms);
    let next_ms = [by_calendar, ahead_ms.map(|ahead| now_ms + ahead)].into_iter().flatten().min();
    let calendar: Vec<&str> = timer.all("TimersCalendar").filter_map(parse_spec).collect();
    let monotonic: Vec<&str> = timer.all("TimersMonotonic").filter_map(parse_spec).collect();
    let schedule = [calendar, monotonic].concat().join("; ");
    Some(ScheduledJob {
        kind: "timer".into(),
        source: timer.text("Id")?.to_owned(),
        schedule: (!schedule.is_empty()).then_some(schedule),
        user: None,
        time_zone: None,
        runs: timer.text("Unit").unwrap_or_default().to_owned(),
        next_ms,
        last_ms: timer.text("LastTriggerUSec").and_then(parse_utc_ms),
    })
}

/// `{ OnCalendar=*-*-* 06:00:00 ; next_elapse=... }`: what stands before the semicolon.
fn parse_spec(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix('{')?.split(" ; ").next()?.trim();
    (!inner.is_empty()).then(|| inner.strip_prefix("OnCalendar=").unwrap_or(inner))
}

/// What holds whatever systemctl says of a timer.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(text: &str) {
    assert!(parse_spec(text).is_none_or(|spec| spec.len() < text.len()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::parse_stanzas;

    #[test]
    fn calendar_and_monotonic_timers_tell_their_next_run() {
        let text = "Unit=apt-daily.service\nNextElapseUSecRealtime=Thu 1970-01-01 01:00:00 UTC\nNextElapseUSecMonotonic=0\n\
            LastTriggerUSec=n/a\nTimersCalendar={ OnCalendar=*-*-* 06,18:00:00 ; next_elapse=Thu 1970-01-01 01:00:00 UTC }\nId=apt-daily.timer\n\n\
            Unit=systemd-tmpfiles-clean.service\nNextElapseUSecRealtime=\nNextElapseUSecMonotonic=15min 2s\n\
            LastTriggerUSec=Thu 1970-01-01 00:00:09 UTC\nTimersMonotonic={ OnUnitActiveUSec=1d ; next_elapse=1d 15min }\n\
            TimersMonotonic={ OnBootUSec=15min ; next_elapse=15min }\nId=systemd-tmpfiles-clean.timer\n";
        let jobs: Vec<_> =
            parse_stanzas(text).iter().filter_map(|timer| to_job(timer, 1_000_000, 2_000_000)).collect();
        assert_eq!(jobs[0].schedule.as_deref(), Some("*-*-* 06,18:00:00"));
        assert_eq!((jobs[0].next_ms, jobs[0].last_ms), (Some(3_600_000), None));
        assert_eq!(jobs[1].schedule.as_deref(), Some("OnUnitActiveUSec=1d; OnBootUSec=15min"));
        assert_eq!((jobs[1].next_ms, jobs[1].last_ms), (Some(1_900_000), Some(9_000)));
        assert_eq!(jobs[1].runs, "systemd-tmpfiles-clean.service");
    }
}
