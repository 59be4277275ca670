//! What truly came of an action, told from what the unit did: a pure function, with one test for
//! each way in which the exit status of systemctl(1) says something else.

use protocol::services::{Outcome, ServiceAction};

use super::seen::{EndedHow, SCRIPT, Seen};

/// An action with all that was seen of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) action: ServiceAction,
    pub(super) before: &'a Seen,
    /// In order of time, each different from the one before it.
    pub(super) seen: &'a [Seen],
    /// Of systemctl; `None` if it did not come to an end.
    pub(super) exit_code: Option<i32>,
    pub(super) output: &'a str,
    /// What systemd said of its job, if that was heard.
    pub(super) job_result: Option<&'a str>,
    /// When systemctl came back.
    pub(super) command_ms: u64,
}

pub(super) fn judge(case: &Case<'_>) -> Outcome {
    let Some(last) = case.seen.last() else { return Outcome::Unknown };
    match case.action {
        ServiceAction::Start | ServiceAction::Restart => judge_start(case, last),
        ServiceAction::Stop => judge_stop(case, last),
        ServiceAction::Reload => judge_reload(case, last),
        ServiceAction::Enable | ServiceAction::Disable => judge_enable(case, last),
    }
}

fn judge_start(case: &Case<'_>, last: &Seen) -> Outcome {
    if case.was_cancelled() {
        return Outcome::Replaced;
    }
    let before = case.before;
    let not_met = (last.condition.failed && last.condition.at_us > before.condition.at_us)
        || (last.assertion.failed && last.assertion.at_us > before.assertion.at_us)
        || case.failed_assertion();
    if not_met && last.is_down() {
        return Outcome::NotRun;
    }
    match last.active_state.as_str() {
        "failed" => Outcome::Failed,
        "active" | "reloading" | "refreshing" => {
            // systemd before 232 has no invocations; there the time of the start tells them apart.
            let is_old = last.invocation == before.invocation
                && (last.invocation.is_some()
                    || before.is_up() && last.started_us > 0 && last.started_us == before.started_us);
            if case.restarted_by_itself() {
                Outcome::KeepsCrashing
            } else if is_old
                && case.action == ServiceAction::Restart
                && (case.exit_code != Some(0) || last.kind == SCRIPT)
            {
                // Refused: what ran before runs on, and that was not asked for. A script may do so and
                // call it done.
                Outcome::Failed
            } else if case.was_started_by_another() {
                Outcome::Replaced
            } else if last.sub_state == "exited" {
                Outcome::RanAndEnded
            } else {
                Outcome::Running
            }
        }
        "activating" if last.waits_to_restart() || case.restarted_by_itself() => Outcome::KeepsCrashing,
        "inactive" => judge_ended(case, last),
        _ => Outcome::Unknown,
    }
}

/// It is inactive after a start: it ran and ended, or somebody ended it, or it never ran.
fn judge_ended(case: &Case<'_>, last: &Seen) -> Outcome {
    if last.kind == SCRIPT && case.exit_code == Some(0) {
        // How it ended is not told. A program may have done its work; a script was to start a daemon.
        return if last.sub_state == "exited" { Outcome::Unknown } else { Outcome::Failed };
    }
    let ran = last.started_us > case.before.started_us || last.invocation != case.before.invocation;
    match (case.exit_code, ran, last.result.as_str(), last.ended_how) {
        (Some(0), true, "success", Some(EndedHow::Killed | EndedHow::Dumped)) => Outcome::Replaced,
        (Some(0), true, "success", _) => Outcome::RanAndEnded,
        (Some(0), false, ..) => Outcome::Unknown,
        (Some(_), ..) | (None, true, ..) => Outcome::Failed,
        (None, false, ..) => Outcome::Unknown,
    }
}

fn judge_stop(case: &Case<'_>, last: &Seen) -> Outcome {
    if case.was_cancelled() {
        return Outcome::Replaced;
    }
    let before = case.before;
    match last.active_state.as_str() {
        "inactive" => Outcome::Stopped,
        // It had failed before, and stopping changed nothing about that.
        "failed" if before.active_state == "failed" && before.ended_us == last.ended_us => Outcome::Stopped,
        "failed" => Outcome::Failed,
        "active" | "reloading" | "refreshing" | "activating" => {
            if last.invocation == before.invocation {
                Outcome::Failed
            } else {
                Outcome::Replaced
            }
        }
        _ => Outcome::Unknown,
    }
}

/// A reload is done by the process that runs: it must have been there, stay, and not be another.
fn judge_reload(case: &Case<'_>, last: &Seen) -> Outcome {
    if case.was_cancelled() {
        return Outcome::Replaced;
    }
    match last.active_state.as_str() {
        "active" if last.invocation != case.before.invocation => {
            if case.restarted_by_itself() {
                Outcome::KeepsCrashing
            } else {
                Outcome::Replaced
            }
        }
        "active" if case.exit_code == Some(0) => Outcome::Reloaded,
        "active" | "failed" | "inactive" => Outcome::Failed,
        _ if last.waits_to_restart() => Outcome::KeepsCrashing,
        _ => Outcome::Unknown,
    }
}

/// `enable` of a static unit says 0 and changes nothing: only the state tells.
fn judge_enable(case: &Case<'_>, last: &Seen) -> Outcome {
    let state = last.enabled_state.as_deref().unwrap_or_default();
    let is_enabled = matches!(state, "enabled" | "enabled-runtime");
    match case.action {
        ServiceAction::Enable if is_enabled => Outcome::Enabled,
        ServiceAction::Disable if state == "disabled" => Outcome::Disabled,
        // The unit itself has nothing to enable, but the units that it names with `Also=` do.
        ServiceAction::Enable if state == "indirect" && case.exit_code == Some(0) => Outcome::Enabled,
        ServiceAction::Disable if state == "indirect" && case.exit_code == Some(0) => Outcome::Disabled,
        // A script of SysV init is enabled by links that systemd does not count.
        _ if state == "generated" && case.exit_code == Some(0) => Outcome::Unknown,
        _ => Outcome::Failed,
    }
}

impl Case<'_> {
    /// `Job for x.service canceled.`: another job took the place of this one.
    fn was_cancelled(&self) -> bool {
        if let Some(result) = self.job_result {
            return result == "canceled";
        }
        self.exit_code != Some(0) && self.output.lines().any(|line| line.trim_end().ends_with(" canceled."))
    }

    /// `Assertion failed on job for x.service.`; a unit that nobody holds forgets it at once.
    fn failed_assertion(&self) -> bool {
        match self.job_result {
            Some(result) => result == "assert",
            None => self.output.starts_with("Assertion failed on job"),
        }
    }

    /// What was seen of the start that was asked for, not of what was there before it.
    fn fresh(&self) -> impl Iterator<Item = &Seen> {
        self.seen
            .iter()
            .filter(|seen| seen.until_ms >= self.command_ms || seen.invocation != self.before.invocation)
    }

    /// True if systemd itself started it again since.
    pub(super) fn restarted_by_itself(&self) -> bool {
        if self.fresh().any(Seen::waits_to_restart) {
            return true;
        }
        let counts: Vec<u32> = self.fresh().filter_map(|seen| seen.restarts).collect();
        if let (Some(&first), Some(&last)) = (counts.first(), counts.last()) {
            // A start by hand sets the count to 0, so another number was counted since.
            return last != first || (first != 0 && Some(first) != self.before.restarts);
        }
        // Before systemd 235: more than one process since the command came back.
        let mut starts: Vec<u64> = self
            .fresh()
            .filter(|seen| seen.restarts_itself && seen.started_us > self.before.started_us)
            .map(|seen| seen.started_us)
            .collect();
        starts.dedup();
        starts.len() > 1
    }

    /// True if it was started anew after the command had come back, and not by its own restart.
    fn was_started_by_another(&self) -> bool {
        let mut after =
            self.seen.iter().filter(|seen| seen.until_ms >= self.command_ms && seen.invocation.is_some());
        let first = after.next().map(|seen| &seen.invocation);
        after.next_back().is_some_and(|last| Some(&last.invocation) != first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::seen::Check;
    use ServiceAction::{Disable, Enable, Reload, Restart, Start, Stop};

    fn unit(active_state: &str, sub_state: &str) -> Seen {
        Seen {
            id: "a.service".into(),
            load_state: "loaded".into(),
            active_state: active_state.into(),
            sub_state: sub_state.into(),
            result: "success".into(),
            kind: "simple".into(),
            restarts: Some(0),
            ..Seen::default()
        }
    }

    fn dead() -> Seen {
        unit("inactive", "dead")
    }

    /// The unit with a process of this start: number and time of start follow from its number.
    fn run(mut seen: Seen, number: u64) -> Seen {
        seen.invocation = Some(format!("start-{number}"));
        seen.started_us = number * 1_000_000;
        seen.last_pid = u32::try_from(100 + number).ok();
        seen.main_pid = seen.last_pid.filter(|_| seen.is_up());
        seen
    }

    fn ended(mut seen: Seen, how: EndedHow, status: i32, result: &str) -> Seen {
        seen.ended_us = seen.started_us + 300_000;
        (seen.ended_how, seen.status, seen.result) = (Some(how), Some(status), result.into());
        seen
    }

    fn at(mut seen: Seen, at_ms: u64, until_ms: u64) -> Seen {
        (seen.at_ms, seen.until_ms) = (at_ms, until_ms);
        seen
    }

    fn restarts(mut seen: Seen, count: u32) -> Seen {
        seen.restarts = Some(count);
        seen
    }

    #[track_caller]
    fn check(action: ServiceAction, before: &Seen, seen: &[Seen], rc: i32, output: &str, outcome: Outcome) {
        let case =
            Case { action, before, seen, exit_code: Some(rc), output, job_result: None, command_ms: 50 };
        assert_eq!(judge(&case), outcome);
    }

    fn running() -> Seen {
        run(unit("active", "running"), 1)
    }

    #[test]
    fn a_service_that_stays_up_is_running() {
        check(Start, &dead(), &[at(dead(), 0, 40), at(running(), 60, 2_100)], 0, "", Outcome::Running);
        let again = run(unit("active", "running"), 2);
        check(Restart, &running(), &[at(running(), 0, 40), at(again, 60, 2_100)], 0, "", Outcome::Running);
    }

    #[test]
    fn a_start_of_what_runs_already_is_running() {
        check(Start, &running(), &[at(running(), 0, 2_100)], 0, "", Outcome::Running);
        let crashed_once = restarts(running(), 3);
        check(Start, &crashed_once, &[at(crashed_once.clone(), 0, 2_100)], 0, "", Outcome::Running);
    }

    #[test]
    fn a_simple_service_without_its_program_failed_though_the_command_said_0() {
        let failed = ended(run(unit("failed", "failed"), 1), EndedHow::Exited, 203, "exit-code");
        check(Start, &dead(), &[at(failed, 60, 400)], 0, "", Outcome::Failed);
    }

    #[test]
    fn a_simple_service_that_dies_after_the_command_came_back_failed() {
        let failed = ended(run(unit("failed", "failed"), 1), EndedHow::Exited, 7, "exit-code");
        check(Start, &dead(), &[at(running(), 60, 300), at(failed, 350, 700)], 0, "", Outcome::Failed);
    }

    #[test]
    fn a_condition_that_is_not_met_is_not_run() {
        let skipped = Seen { condition: Check { at_us: 9, failed: true }, ..dead() };
        check(Start, &dead(), &[at(skipped, 60, 300)], 0, "", Outcome::NotRun);
    }

    #[test]
    fn a_condition_that_was_not_met_long_ago_does_not_count() {
        let long_ago = Seen { condition: Check { at_us: 9, failed: true }, ..dead() };
        let up = Seen { condition: Check { at_us: 99, failed: false }, ..running() };
        check(Start, &long_ago, &[at(long_ago.clone(), 0, 40), at(up, 60, 2_100)], 0, "", Outcome::Running);
    }

    #[test]
    fn an_assertion_that_is_not_met_is_not_run() {
        let skipped = Seen { assertion: Check { at_us: 9, failed: true }, ..dead() };
        check(
            Start,
            &dead(),
            &[at(skipped, 60, 300)],
            1,
            "Assertion failed on job for a.service.",
            Outcome::NotRun,
        );
    }

    #[test]
    fn an_assertion_that_is_not_met_is_told_by_systemctl_where_the_unit_has_forgotten_it() {
        let words = "Assertion failed on job for a.service.\n";
        check(Start, &dead(), &[at(dead(), 0, 300)], 1, words, Outcome::NotRun);
    }

    #[test]
    fn a_crash_loop_is_told_even_when_it_is_up_at_the_last_look() {
        let waits = |number, count| restarts(run(unit("activating", "auto-restart"), number), count);
        let up = |number, count| restarts(run(unit("active", "running"), number), count);
        let seen = [
            at(up(1, 0), 60, 200),
            at(waits(1, 0), 260, 260),
            at(up(2, 1), 360, 500),
            at(up(3, 2), 660, 800),
        ];
        check(Start, &dead(), &seen, 0, "", Outcome::KeepsCrashing);
        check(
            Start,
            &dead(),
            &[at(up(1, 0), 60, 200), at(up(3, 2), 660, 800)],
            0,
            "",
            Outcome::KeepsCrashing,
        );
        check(Start, &dead(), &[at(up(3, 2), 660, 800)], 0, "", Outcome::KeepsCrashing);
        check(Start, &dead(), &[at(waits(3, 2), 660, 800)], 0, "", Outcome::KeepsCrashing);
    }

    #[test]
    fn a_crash_loop_from_before_does_not_count_against_the_unit_as_mended() {
        let looping = restarts(run(unit("activating", "auto-restart"), 8), 7);
        let mended = run(unit("active", "running"), 9);
        check(
            Restart,
            &looping,
            &[at(looping.clone(), 0, 40), at(mended, 60, 2_100)],
            0,
            "",
            Outcome::Running,
        );
    }

    #[test]
    fn a_crash_loop_is_told_by_a_systemd_that_does_not_count() {
        let up =
            |number| Seen { restarts: None, restarts_itself: true, ..run(unit("active", "running"), number) };
        let before = Seen { restarts: None, ..dead() };
        check(Start, &before, &[at(up(1), 60, 200), at(up(2), 300, 500)], 0, "", Outcome::KeepsCrashing);
        check(Start, &before, &[at(up(1), 60, 2_100)], 0, "", Outcome::Running);
    }

    #[test]
    fn a_loop_that_hit_its_limit_failed() {
        let failed = ended(run(unit("failed", "failed"), 5), EndedHow::Exited, 1, "start-limit-hit");
        check(Start, &dead(), &[at(restarts(failed, 5), 300, 900)], 0, "", Outcome::Failed);
    }

    #[test]
    fn a_main_process_that_exits_with_0_ran_and_ended() {
        let done = ended(run(dead(), 1), EndedHow::Exited, 0, "success");
        check(Start, &dead(), &[at(running(), 60, 80), at(done, 100, 400)], 0, "", Outcome::RanAndEnded);
    }

    #[test]
    fn a_service_that_another_stops_during_the_watch_was_replaced() {
        let stopped = ended(run(dead(), 1), EndedHow::Killed, 15, "success");
        check(Start, &dead(), &[at(running(), 60, 900), at(stopped, 1_000, 1_300)], 0, "", Outcome::Replaced);
    }

    #[test]
    fn a_service_that_another_starts_anew_during_the_watch_was_replaced() {
        let other = run(unit("active", "running"), 2);
        check(Start, &dead(), &[at(running(), 60, 900), at(other, 1_000, 2_100)], 0, "", Outcome::Replaced);
    }

    #[test]
    fn what_systemctl_itself_calls_a_failure_is_one() {
        let no_exec = ended(run(unit("failed", "failed"), 1), EndedHow::Exited, 203, "exit-code");
        check(Start, &dead(), &[at(no_exec, 60, 300)], 1, "Job for a.service failed.", Outcome::Failed);
        let never_forked = ended(run(unit("failed", "failed"), 1), EndedHow::Killed, 15, "timeout");
        check(Start, &dead(), &[at(never_forked, 60, 300)], 1, "Job for a.service failed.", Outcome::Failed);
        let words = "A dependency job for a.service failed. See 'journalctl -xe' for details.";
        check(Start, &dead(), &[at(dead(), 0, 300)], 1, words, Outcome::Failed);
        check(Start, &dead(), &[at(dead(), 0, 300)], 1, "Unit a.service is masked.", Outcome::Failed);
    }

    #[test]
    fn a_start_that_a_stop_cut_was_replaced() {
        let cut = ended(run(dead(), 1), EndedHow::Killed, 15, "success");
        check(Start, &dead(), &[at(cut, 60, 300)], 1, "Job for a.service canceled.\n", Outcome::Replaced);
    }

    #[test]
    fn the_result_of_the_job_counts_more_than_the_words_of_systemctl() {
        let cut = ended(run(dead(), 1), EndedHow::Killed, 15, "success");
        let case = |job_result| {
            let seen = [at(cut.clone(), 60, 300)];
            judge(&Case {
                action: Start,
                before: &dead(),
                seen: &seen,
                exit_code: Some(1),
                output: "",
                job_result,
                command_ms: 50,
            })
        };
        assert_eq!(case(Some("canceled")), Outcome::Replaced);
        assert_eq!(case(Some("timeout")), Outcome::Failed);
        assert_eq!(case(None), Outcome::Failed);
    }

    #[test]
    fn a_oneshot_that_ends_well_ran_and_ended_with_and_without_remaining() {
        let done = ended(run(dead(), 1), EndedHow::Exited, 0, "success");
        check(Start, &dead(), &[at(done, 60, 300)], 0, "", Outcome::RanAndEnded);
        let remains = ended(run(unit("active", "exited"), 1), EndedHow::Exited, 0, "success");
        check(Start, &dead(), &[at(remains.clone(), 60, 300)], 0, "", Outcome::RanAndEnded);
        check(Start, &remains, &[at(remains.clone(), 0, 300)], 0, "", Outcome::RanAndEnded);
        let bad = ended(run(unit("failed", "failed"), 1), EndedHow::Exited, 4, "exit-code");
        check(Start, &dead(), &[at(bad, 60, 300)], 1, "Job for a.service failed.", Outcome::Failed);
    }

    #[test]
    fn a_restart_that_was_refused_failed_though_the_service_runs() {
        let words = "Failed to restart a.service: Operation refused.";
        check(Restart, &running(), &[at(running(), 0, 300)], 4, words, Outcome::Failed);
        // systemd of before 2016 gives no invocation: the time of the start says the same.
        let mut old = running();
        old.invocation = None;
        check(Restart, &old, &[at(old.clone(), 0, 300)], 1, words, Outcome::Failed);
    }

    #[test]
    fn a_start_of_which_nothing_was_seen_is_unknown() {
        check(Start, &dead(), &[], 0, "", Outcome::Unknown);
        check(Start, &dead(), &[at(dead(), 0, 300)], 0, "", Outcome::Unknown);
        check(Start, &dead(), &[at(unit("activating", "start"), 60, 300)], 0, "", Outcome::Unknown);
        check(
            Restart,
            &running(),
            &[at(unit("deactivating", "stop-sigterm"), 60, 300)],
            0,
            "",
            Outcome::Unknown,
        );
    }

    #[test]
    fn a_stop_is_stopped_only_if_it_ended_as_asked() {
        let stopped = ended(run(dead(), 1), EndedHow::Killed, 15, "success");
        check(Stop, &running(), &[at(stopped, 60, 300)], 0, "", Outcome::Stopped);
        check(Stop, &dead(), &[at(dead(), 0, 300)], 0, "", Outcome::Stopped);
        let killed = ended(run(unit("failed", "failed"), 1), EndedHow::Killed, 9, "timeout");
        check(Stop, &running(), &[at(killed.clone(), 60, 300)], 0, "", Outcome::Failed);
        check(Stop, &killed, &[at(killed.clone(), 0, 300)], 0, "", Outcome::Stopped);
        check(Stop, &running(), &[at(running(), 0, 300)], 1, "refused", Outcome::Failed);
        let again = run(unit("active", "running"), 2);
        check(Stop, &running(), &[at(again, 60, 300)], 0, "", Outcome::Replaced);
        check(Stop, &running(), &[at(running(), 0, 9)], 1, "Job for a.service canceled.", Outcome::Replaced);
        check(
            Stop,
            &running(),
            &[at(unit("deactivating", "stop-sigterm"), 60, 300)],
            0,
            "",
            Outcome::Unknown,
        );
    }

    #[test]
    fn a_service_of_another_manager_is_judged_by_its_state_and_process() {
        let script = |mut seen: Seen| {
            (seen.kind, seen.result, seen.restarts) = (SCRIPT.into(), String::new(), None);
            seen
        };
        let (up, again) = (script(running()), script(run(unit("active", "running"), 2)));
        let stopped = script(unit("inactive", "stopped"));
        check(Start, &stopped, &[at(up.clone(), 60, 2_100)], 0, "", Outcome::Running);
        check(Restart, &up, &[at(up.clone(), 0, 40), at(again.clone(), 60, 2_100)], 0, "", Outcome::Running);
        check(Restart, &up, &[at(up.clone(), 0, 2_100)], 0, "", Outcome::Failed);
        check(Start, &stopped, &[at(stopped.clone(), 60, 400)], 0, "", Outcome::Failed);
        check(Start, &stopped, &[at(script(unit("inactive", "exited")), 60, 400)], 0, "", Outcome::Unknown);
        check(Start, &stopped, &[at(script(unit("failed", "crashed")), 60, 400)], 0, "", Outcome::Failed);
        check(Start, &stopped, &[at(script(unit("unknown", "no status")), 60, 400)], 0, "", Outcome::Unknown);
        check(Stop, &up, &[at(stopped.clone(), 60, 400)], 0, "", Outcome::Stopped);
        check(Stop, &up, &[at(up.clone(), 60, 400)], 0, "", Outcome::Failed);
        let restarting = |seen| Seen { restarts_itself: true, ..script(seen) };
        let loops =
            [at(restarting(running()), 60, 200), at(restarting(run(unit("active", "running"), 2)), 300, 500)];
        check(Start, &stopped, &loops, 0, "", Outcome::KeepsCrashing);
        let backoff = script(unit("activating", "backoff"));
        check(Start, &stopped, &[at(backoff, 60, 2_400)], 0, "", Outcome::KeepsCrashing);
    }

    #[test]
    fn a_reload_is_done_only_if_the_same_service_runs_on() {
        let ran = |seen: Seen, rc, words, outcome| {
            check(Reload, &running(), &[at(seen, 0, 2_100)], rc, words, outcome)
        };
        ran(running(), 0, "", Outcome::Reloaded);
        // A reload by exec(2) or by a new main process keeps the invocation.
        ran(Seen { main_pid: Some(777), ..running() }, 0, "", Outcome::Reloaded);
        ran(running(), 1, "Job type reload is not applicable for unit a.service.", Outcome::Failed);
        ran(running(), 1, "Job for a.service canceled.", Outcome::Replaced);
        // systemd takes a death by SIGHUP for an end that is well: nothing was reloaded.
        ran(ended(run(dead(), 1), EndedHow::Killed, 1, "success"), 0, "", Outcome::Failed);
        ran(
            ended(run(unit("failed", "failed"), 1), EndedHow::Exited, 2, "exit-code"),
            0,
            "",
            Outcome::Failed,
        );
        ran(restarts(run(unit("active", "running"), 2), 1), 0, "", Outcome::KeepsCrashing);
        ran(run(unit("active", "running"), 2), 0, "", Outcome::Replaced);
        ran(unit("reloading", "reload"), 0, "", Outcome::Unknown);
        check(
            Reload,
            &dead(),
            &[at(dead(), 0, 300)],
            1,
            "a.service is not active, cannot reload.",
            Outcome::Failed,
        );
    }

    #[test]
    fn enabled_is_what_the_unit_file_says_and_not_the_exit_status() {
        let file = |state: Option<&str>| Seen { enabled_state: state.map(str::to_owned), ..dead() };
        for (action, state, rc, outcome) in [
            (Enable, Some("enabled"), 0, Outcome::Enabled),
            (Enable, Some("static"), 0, Outcome::Failed),
            (Enable, Some("masked"), 1, Outcome::Failed),
            (Enable, Some("indirect"), 0, Outcome::Enabled),
            (Enable, Some("generated"), 0, Outcome::Unknown),
            (Enable, None, 1, Outcome::Failed),
            (Disable, Some("disabled"), 0, Outcome::Disabled),
            (Disable, Some("enabled"), 0, Outcome::Failed),
            (Disable, Some("static"), 0, Outcome::Failed),
        ] {
            check(action, &dead(), &[at(file(state), 0, 9)], rc, "", outcome);
        }
    }
}
