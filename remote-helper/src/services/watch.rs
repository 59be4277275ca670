//! How long a unit is watched after an action, and what happened to it meanwhile: both pure.

use protocol::services::{Moment, MomentKind, ServiceAction};

use super::seen::Seen;

/// A service that is up this long after its start is taken to run.
const WATCH_MS: u64 = 2_000;
/// No outcome is waited for longer than this after systemctl came back.
const WATCH_LIMIT_MS: u64 = 15_000;
/// A state that is the end of the matter is looked at this long, since newer versions of systemd
/// pass through it on the way to a restart.
const CONFIRM_MS: u64 = 200;
/// What was stopped is looked at this long, for what starts it again at once.
const STOPPED_MS: u64 = 500;
/// A unit that crashed since it was last started by hand, and has been up no longer than this, is
/// watched for `CRASHED_WATCH_MS`.
const CRASHED_LATELY_US: u64 = 60_000_000;
const CRASHED_WATCH_MS: u64 = 10_000;
/// More moments of a crash loop tell nothing new.
const MOMENTS_LIMIT: usize = 24;

/// How long a unit that is up is watched, by what it did before.
pub(super) fn watch_ms(before: &Seen, now_us: u64) -> u64 {
    let mut watch_ms = WATCH_MS;
    if before.restarts.is_some_and(|count| count > 0)
        && before.is_up()
        && now_us.saturating_sub(before.started_us) < CRASHED_LATELY_US
    {
        watch_ms = watch_ms.max(CRASHED_WATCH_MS);
    }
    let died = before.active_state == "failed" || before.waits_to_restart();
    let life_ms = before.ended_us.saturating_sub(before.started_us) / 1_000;
    let longer_ms = life_ms + life_ms / 2;
    if died && longer_ms <= WATCH_LIMIT_MS {
        watch_ms = watch_ms.max(longer_ms);
    }
    watch_ms
}

/// True if what is seen now will stay so, or has been watched long enough. `command_ms` is when
/// systemctl came back.
pub(super) fn is_settled(
    action: ServiceAction,
    seen: &[Seen],
    command_ms: u64,
    watch_ms: u64,
    now_ms: u64,
) -> bool {
    let after_ms = now_ms.saturating_sub(command_ms);
    if after_ms >= WATCH_LIMIT_MS {
        return true;
    }
    let Some(last) = seen.last().filter(|last| last.until_ms >= command_ms) else { return false };
    let still_ms = last.until_ms.saturating_sub(last.at_ms.max(command_ms));
    match action {
        ServiceAction::Enable | ServiceAction::Disable => true,
        _ if last.has_job => false,
        ServiceAction::Stop => last.is_down() && after_ms >= STOPPED_MS && still_ms >= CONFIRM_MS,
        ServiceAction::Start | ServiceAction::Restart | ServiceAction::Reload => {
            if last.is_down() || (last.is_up() && last.sub_state == "exited") {
                return still_ms >= CONFIRM_MS;
            }
            if last.is_up() && last.kind.is_empty() {
                return after_ms >= STOPPED_MS;
            }
            // A restart that is further away than the limit is not waited for.
            let restart_ms = last.restart_delay_us / 1_000 + 1_000;
            let crash_ms = if restart_ms < WATCH_LIMIT_MS { restart_ms.max(WATCH_MS) } else { WATCH_MS };
            if last.waits_to_restart() {
                return after_ms >= crash_ms;
            }
            last.is_up() && after_ms >= watch_ms
        }
    }
}

/// What happened, in order of time. `asked_us` is the time of the request.
pub(super) fn list_moments(before: &Seen, seen: &[Seen], asked_us: u64) -> Vec<Moment> {
    let mut moments = vec![Moment { at_ms: 0, what: MomentKind::Asked, subject: None }];
    let mut alive = before.main_pid;
    let mut started_us = before.started_us;
    let mut was_failed = before.active_state == "failed" || before.waits_to_restart();
    for one in seen {
        // systemd's own time is finer than ours, unless its clock is not the one that we see.
        let exact = |us: u64| match us.checked_sub(asked_us) {
            Some(after) if us > 0 && after / 1_000 <= one.until_ms => after / 1_000,
            Some(_) | None => one.at_ms,
        };
        let mut add = |at_ms: u64, what: MomentKind, pid: Option<u32>| {
            moments.push(Moment { at_ms, what, subject: pid.map(|pid| pid.to_string()) });
        };
        let is_new = one.started_us > started_us && one.last_pid.is_some();
        if alive.is_some() && (is_new || one.main_pid != alive) {
            // Its end was not seen itself if another process has started already.
            add(exact(if is_new { one.started_us } else { one.ended_us }), MomentKind::Ended, alive);
            alive = None;
        }
        if is_new {
            started_us = one.started_us;
            add(exact(one.started_us), MomentKind::Started, one.last_pid);
            alive = one.main_pid;
            if alive.is_none() && one.ended_us > 0 {
                add(exact(one.ended_us), MomentKind::Ended, one.last_pid);
            }
        }
        let is_failed = one.active_state == "failed" || one.waits_to_restart();
        if is_failed && !was_failed {
            add(exact(one.ended_us.max(one.changed_us)), MomentKind::Failed, None);
        }
        was_failed = is_failed;
    }
    moments.sort_by_key(|moment| moment.at_ms);
    moments.truncate(MOMENTS_LIMIT);
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceAction::{Start, Stop};

    fn seen(active_state: &str, sub_state: &str, at_ms: u64, until_ms: u64) -> Seen {
        Seen {
            active_state: active_state.into(),
            sub_state: sub_state.into(),
            kind: "simple".into(),
            at_ms,
            until_ms,
            ..Seen::default()
        }
    }

    #[test]
    fn a_healthy_service_is_watched_two_seconds() {
        let up = [seen("active", "running", 60, 1_900)];
        assert!(!is_settled(Start, &up, 50, 2_000, 1_900));
        assert!(is_settled(Start, &[seen("active", "running", 60, 2_100)], 50, 2_000, 2_100));
    }

    #[test]
    fn a_failed_service_is_told_soon_and_one_with_a_job_is_not() {
        assert!(is_settled(Start, &[seen("failed", "failed", 300, 600)], 50, 2_000, 600));
        assert!(!is_settled(Start, &[seen("failed", "failed", 300, 350)], 50, 2_000, 350));
        let job = Seen { has_job: true, ..seen("failed", "failed", 300, 900) };
        assert!(!is_settled(Start, &[job], 50, 2_000, 900));
    }

    #[test]
    fn a_restart_to_come_is_waited_for_unless_it_is_too_far_away() {
        let waits = |delay_s: u64, until_ms| {
            [Seen {
                restart_delay_us: delay_s * 1_000_000,
                ..seen("activating", "auto-restart", 300, until_ms)
            }]
        };
        assert!(!is_settled(Start, &waits(3, 3_500), 50, 2_000, 3_500));
        assert!(is_settled(Start, &waits(3, 4_200), 50, 2_000, 4_200));
        assert!(is_settled(Start, &waits(30, 2_100), 50, 2_000, 2_100));
    }

    #[test]
    fn nothing_is_watched_for_ever() {
        let hangs = [seen("deactivating", "stop-sigterm", 60, 15_100)];
        assert!(is_settled(Stop, &hangs, 50, 2_000, 15_100));
        assert!(!is_settled(Start, &[], 50, 2_000, 15_000));
        assert!(is_settled(Start, &[], 50, 2_000, 15_100), "systemd may not answer at all");
    }

    #[test]
    fn a_stop_is_watched_for_what_starts_it_again() {
        assert!(!is_settled(Stop, &[seen("inactive", "dead", 60, 400)], 50, 2_000, 400));
        assert!(is_settled(Stop, &[seen("inactive", "dead", 60, 600)], 50, 2_000, 600));
    }

    #[test]
    fn a_unit_that_died_before_is_watched_longer_than_it_lived() {
        let life = |state: &str, life_us: u64| Seen {
            started_us: 1,
            ended_us: 1 + life_us,
            ..seen(state, "x", 0, 0)
        };
        assert_eq!(watch_ms(&life("failed", 4_000_000), 0), 6_000);
        assert_eq!(watch_ms(&life("failed", 100_000_000), 0), 2_000, "too long to be seen here anyway");
        assert_eq!(watch_ms(&life("inactive", 4_000_000), 0), 2_000, "it was stopped, it did not die");
        let crashed = Seen { restarts: Some(2), started_us: 5, ..seen("active", "running", 0, 0) };
        assert_eq!(watch_ms(&crashed, 1_000_000), 10_000);
        assert_eq!(watch_ms(&crashed, 100_000_000), 2_000);
    }

    #[test]
    fn a_restart_tells_the_end_of_the_old_process_and_the_start_of_the_new() {
        let up = |pid, started_us, at_ms| Seen {
            main_pid: Some(pid),
            last_pid: Some(pid),
            started_us,
            ..seen("active", "running", at_ms, at_ms + 100)
        };
        let between = Seen { ended_us: 1_020_000, last_pid: Some(7), ..seen("deactivating", "stop", 30, 30) };
        let moments =
            list_moments(&up(7, 500, 0), &[up(7, 500, 10), between, up(9, 1_060_000, 100)], 1_000_000);
        let rows: Vec<_> = moments.iter().map(|m| (m.at_ms, m.what, m.subject.as_deref())).collect();
        assert_eq!(
            rows,
            [
                (0, MomentKind::Asked, None),
                (20, MomentKind::Ended, Some("7")),
                (60, MomentKind::Started, Some("9")),
            ]
        );
    }

    #[test]
    fn a_process_that_lived_between_two_looks_is_told_too() {
        let done = Seen {
            last_pid: Some(9),
            started_us: 1_010_000,
            ended_us: 1_015_000,
            changed_us: 1_015_500,
            ..seen("failed", "failed", 100, 300)
        };
        let moments = list_moments(&seen("inactive", "dead", 0, 0), &[done], 1_000_000);
        let rows: Vec<_> = moments.iter().map(|m| (m.at_ms, m.what)).collect();
        assert_eq!(
            rows,
            [
                (0, MomentKind::Asked),
                (10, MomentKind::Started),
                (15, MomentKind::Ended),
                (15, MomentKind::Failed)
            ]
        );
    }
}
