//! `Seen`: a unit as it was found at one moment of an action.

use protocol::services::UnitState;

use super::show::{Properties, show};
use super::times::parse_span_us;
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

const KEYS: &str = "Id,LoadState,ActiveState,SubState,UnitFileState,Result,Type,Restart,RestartUSec,NRestarts,\
    InvocationID,MainPID,ExecMainPID,ExecMainCode,ExecMainStatus,ExecMainStartTimestampMonotonic,\
    ExecMainExitTimestampMonotonic,ConditionResult,ConditionTimestampMonotonic,AssertResult,\
    AssertTimestampMonotonic,StateChangeTimestampMonotonic,Job";

/// The kind of a service that is none of systemd's: only its state and its process are known.
pub(super) const SCRIPT: &str = "script";

/// Times are microseconds of CLOCK_MONOTONIC, 0 for never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Milliseconds since the request: found so first, and last.
    pub(super) at_ms: u64,
    pub(super) until_ms: u64,
    pub(super) id: String,
    pub(super) load_state: String,
    pub(super) active_state: String,
    pub(super) sub_state: String,
    pub(super) enabled_state: Option<String>,
    pub(super) result: String,
    /// `simple`, `oneshot`, ...; empty for units that are no services.
    pub(super) kind: String,
    pub(super) restarts_itself: bool,
    pub(super) restart_delay_us: u64,
    /// Restarts by systemd itself; `None` before systemd 235.
    pub(super) restarts: Option<u32>,
    /// Changes at each start; `None` before systemd 232.
    pub(super) invocation: Option<String>,
    pub(super) main_pid: Option<u32>,
    /// The last main process, also when it has ended.
    pub(super) last_pid: Option<u32>,
    pub(super) started_us: u64,
    /// 0 while it runs.
    pub(super) ended_us: u64,
    pub(super) ended_how: Option<EndedHow>,
    pub(super) status: Option<i32>,
    pub(super) condition: Check,
    pub(super) assertion: Check,
    pub(super) changed_us: u64,
    pub(super) has_job: bool,
}

/// The way the main process ended (siginfo_t's `si_code` of SIGCHLD).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedHow {
    Exited,
    Killed,
    Dumped,
}

/// The last check of the unit's conditions or assertions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) at_us: u64,
    pub(super) failed: bool,
}

impl Seen {
    pub(super) fn of(unit: &Properties, at_ms: u64) -> Self {
        let text = |key: &str| unit.text(key).unwrap_or_default().to_owned();
        let time = |key: &str| unit.number(key).unwrap_or(0);
        let check = |result: &str, at: &str| {
            let at_us = time(at);
            // Before the first check systemd says "no" as well.
            Check { at_us, failed: at_us > 0 && unit.is_no(result) }
        };
        let ended_how = match unit.number("ExecMainCode") {
            Some(1) => Some(EndedHow::Exited),
            Some(2) => Some(EndedHow::Killed),
            Some(3) => Some(EndedHow::Dumped),
            Some(_) | None => None,
        };
        Self {
            at_ms,
            until_ms: at_ms,
            id: text("Id"),
            load_state: text("LoadState"),
            active_state: text("ActiveState"),
            sub_state: text("SubState"),
            enabled_state: unit.text("UnitFileState").map(str::to_owned),
            result: text("Result"),
            kind: text("Type"),
            restarts_itself: unit.text("Restart").is_some_and(|restart| restart != "no"),
            restart_delay_us: unit.text("RestartUSec").and_then(parse_span_us).unwrap_or(0),
            restarts: unit.number("NRestarts").and_then(|count| u32::try_from(count).ok()),
            invocation: unit.text("InvocationID").map(str::to_owned),
            main_pid: unit.pid("MainPID"),
            last_pid: unit.pid("ExecMainPID"),
            started_us: time("ExecMainStartTimestampMonotonic"),
            ended_us: time("ExecMainExitTimestampMonotonic"),
            ended_how,
            status: ended_how.and(unit.text("ExecMainStatus")).and_then(|status| status.parse().ok()),
            condition: check("ConditionResult", "ConditionTimestampMonotonic"),
            assertion: check("AssertResult", "AssertTimestampMonotonic"),
            changed_us: time("StateChangeTimestampMonotonic"),
            has_job: unit.text("Job").is_some_and(|job| job != "0"),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.active_state.as_str(), "active" | "reloading" | "refreshing")
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.active_state.as_str(), "inactive" | "failed")
    }

    /// Between the death of its process and the next start.
    pub(super) fn waits_to_restart(&self) -> bool {
        // supervisord calls it by another name.
        self.sub_state.starts_with("auto-restart") || (self.kind == SCRIPT && self.sub_state == "backoff")
    }

    /// The same but for the time it was found.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Self { at_ms: 0, until_ms: 0, ..self.clone() } == Self { at_ms: 0, until_ms: 0, ..other.clone() }
    }

    pub(super) fn state(&self, listens: Vec<String>) -> UnitState {
        let how = self.ended_how.map(|how| match how {
            EndedHow::Exited => "exited",
            EndedHow::Killed => "killed",
            EndedHow::Dumped => "dumped",
        });
        UnitState {
            load_state: self.load_state.clone(),
            active_state: self.active_state.clone(),
            sub_state: self.sub_state.clone(),
            enabled_state: self.enabled_state.clone(),
            result: self.result.clone(),
            main_pid: self.main_pid,
            listens,
            exec_main_status: self.status,
            exec_main_code: how.map(str::to_owned),
            restarts: self.restarts,
            condition_failed: self.condition.failed || self.assertion.failed,
        }
    }
}

/// Looks at a unit now.
pub(super) fn look(root: &Root, unit: &str, at_ms: u64, stop: &Stop) -> Result<Seen, Error> {
    let shown = show(root, KEYS, &[unit], stop)?;
    let unit = shown
        .first()
        .ok_or_else(|| Error::ToolSaid { tool: "systemctl".into(), said: format!("nothing about {unit}") })?;
    Ok(Seen::of(unit, at_ms))
}

#[cfg(test)]
mod tests {
    use super::super::show::parse_stanzas;
    use super::*;

    /// systemd 252: a unit that was never started.
    const NEVER: &str = "Type=simple\nRestart=always\nRestartUSec=100ms\nMainPID=0\nResult=success\nNRestarts=0\n\
        ExecMainStartTimestampMonotonic=0\nExecMainExitTimestampMonotonic=0\nExecMainPID=0\nExecMainCode=0\nExecMainStatus=0\n\
        Id=a.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=disabled\nConditionResult=no\n\
        AssertResult=no\nConditionTimestampMonotonic=0\nAssertTimestampMonotonic=0\nInvocationID=\nStateChangeTimestampMonotonic=0\n";

    #[test]
    fn a_unit_that_was_never_started_has_no_failed_condition() {
        let seen = Seen::of(&parse_stanzas(NEVER)[0], 0);
        assert!(!seen.state(Vec::new()).condition_failed, "systemd says no before the first check too");
        assert_eq!((seen.invocation.clone(), seen.restarts, seen.status), (None, Some(0), None));
        assert_eq!(seen.restart_delay_us, 100_000);
        assert!(seen.is_down() && seen.restarts_itself && !seen.has_job);
    }

    #[test]
    fn an_old_systemd_tells_less_and_that_is_none() {
        let seen = Seen::of(&parse_stanzas("Id=a.service\nActiveState=active\nMainPID=7\n")[0], 0);
        assert_eq!((seen.restarts, seen.invocation, seen.main_pid), (None, None, Some(7)));
    }
}
