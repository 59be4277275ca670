//! Before and after an action: which lines are worth a place, and which of them changed.

use protocol::services::UnitState;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    State,
    MainPid,
    ListensOn,
    AtBoot,
    Restarts,
    ExitStatus,
}

/// One line of before > after. `None` is what is not known or not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) fact: Fact,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    /// True if it went from something to nothing or to a failure.
    pub(crate) is_bad: bool,
}

impl Change {
    pub(crate) fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

/// State, PID and ports always; the rest where it says something.
pub(crate) fn changes(before: &UnitState, after: &UnitState) -> Vec<Change> {
    let pid = |state: &UnitState| state.main_pid.filter(|pid| *pid != 0).map(|pid| pid.to_string());
    let ports = |state: &UnitState| (!state.listens.is_empty()).then(|| state.listens.join(" "));
    let mut list = vec![
        Change {
            fact: Fact::State,
            before: state_words(before),
            after: state_words(after),
            is_bad: after.active_state == "failed",
        },
        Change { fact: Fact::MainPid, before: pid(before), after: pid(after), is_bad: false },
    ];
    if !before.listens.is_empty() || !after.listens.is_empty() {
        let lost = before.listens.iter().any(|port| !after.listens.contains(port));
        let down_as_asked = after.active_state == "inactive";
        list.push(Change {
            fact: Fact::ListensOn,
            before: ports(before),
            after: ports(after),
            is_bad: lost && !down_as_asked,
        });
    }
    if before.enabled_state != after.enabled_state {
        list.push(Change {
            fact: Fact::AtBoot,
            before: before.enabled_state.clone(),
            after: after.enabled_state.clone(),
            is_bad: false,
        });
    }
    if before.restarts != after.restarts && after.restarts.is_some() {
        let count = |state: &UnitState| state.restarts.map(|n| n.to_string());
        list.push(Change {
            fact: Fact::Restarts,
            before: count(before),
            after: count(after),
            is_bad: after.restarts > before.restarts,
        });
    }
    if after.exec_main_status.is_some_and(|status| status != 0) && after.active_state != "active" {
        let status = |state: &UnitState| {
            let code = state.exec_main_code.as_deref().filter(|code| !code.is_empty());
            state.exec_main_status.map(|status| match code {
                Some(code) => format!("{code} {status}"),
                None => status.to_string(),
            })
        };
        list.push(Change {
            fact: Fact::ExitStatus,
            before: status(before).filter(|_| before.exec_main_status != Some(0)),
            after: status(after),
            is_bad: after.active_state == "failed",
        });
    }
    list
}

/// `active (running)`, or `failed (exit-code)`: the result says more than `failed (failed)`.
pub(crate) fn state_words(state: &UnitState) -> Option<String> {
    if state.active_state.is_empty() {
        return None;
    }
    if state.active_state == "failed" && !state.result.is_empty() && state.result != "success" {
        return Some(format!("failed ({})", state.result));
    }
    Some(state.state())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(pid: u32, ports: &[&str]) -> UnitState {
        UnitState {
            active_state: "active".into(),
            sub_state: "running".into(),
            main_pid: Some(pid),
            listens: ports.iter().map(|port| (*port).to_owned()).collect(),
            result: "success".into(),
            ..UnitState::default()
        }
    }

    fn failed() -> UnitState {
        UnitState {
            active_state: "failed".into(),
            sub_state: "failed".into(),
            result: "exit-code".into(),
            exec_main_status: Some(1),
            exec_main_code: Some("exited".into()),
            ..UnitState::default()
        }
    }

    #[test]
    fn a_good_restart_changes_the_pid_alone() {
        let list = changes(&running(1893, &[":80"]), &running(24117, &[":80"]));
        let changed: Vec<_> = list.iter().filter(|change| change.is_changed()).map(|c| c.fact).collect();
        assert_eq!(changed, [Fact::MainPid]);
        assert_eq!(list.len(), 3);
        assert!(list.iter().all(|change| !change.is_bad));
    }

    #[test]
    fn a_failure_says_its_result_and_what_no_longer_listens() {
        let list = changes(&running(2071, &[":80", ":443"]), &failed());
        assert_eq!(list[0].after.as_deref(), Some("failed (exit-code)"));
        assert!(list[0].is_bad);
        assert_eq!(list[1].after, None);
        assert!(list[2].is_bad && list[2].after.is_none());
        assert_eq!(list[3].fact, Fact::ExitStatus);
        assert_eq!(list[3].after.as_deref(), Some("exited 1"));
    }

    #[test]
    fn ports_that_close_with_a_stop_are_as_asked() {
        let stopped =
            UnitState { active_state: "inactive".into(), sub_state: "dead".into(), ..UnitState::default() };
        let list = changes(&running(5, &[":80"]), &stopped);
        assert!(list.iter().all(|change| !change.is_bad));
    }
}
