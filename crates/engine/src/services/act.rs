//! What an action on a unit came to: from the helper's report, or from what cut it short, to the
//! entry of the operation log. Pure, so that every case can be tested without a host.

use protocol::operations::OperationResult;
use protocol::services::{ActionReport, Outcome, UnitState};
use protocol::{Fault, FaultCode};

use crate::operations::Finish;

/// Finishes the entry of an action.
pub fn conclude(answer: &Result<ActionReport, Fault>) -> Finish {
    match answer {
        Ok(report) => Finish {
            result: judge(report),
            outcome: Some(report.outcome),
            exit_code: report.exit_code,
            took_ms: Some(report.took_ms),
            output: report.output.clone(),
            summary: summary(report),
            before: Some(report.before.clone()),
            after: Some(report.after.clone()),
            job_result: report.job_result.clone(),
            moments: report.moments.clone(),
            journal: report.journal.clone(),
            ..Finish::new(judge(report))
        },
        Err(fault) => cut_short(fault),
    }
}

/// Finishes the entry of an operation that brought a fault instead of a report.
///
/// A fault of the link after sending, or an answer that was not understood, leaves the outcome open:
/// it is never told as done, failed or not begun.
pub fn cut_short(fault: &Fault) -> Finish {
    let result = match fault.code {
        FaultCode::LinkLost
        | FaultCode::OutcomeUnknown
        | FaultCode::HelperFailed
        | FaultCode::Internal
        | FaultCode::Unknown => OperationResult::OutcomeUnknown,
        FaultCode::TimedOut => OperationResult::TimedOut,
        FaultCode::UnitFailed | FaultCode::CommandFailed => OperationResult::Failed,
        _ => OperationResult::Refused,
    };
    // systemd, or the command, may go on after the time is over.
    let is_open = matches!(result, OperationResult::OutcomeUnknown | OperationResult::TimedOut);
    let outcome = is_open.then_some(Outcome::Unknown);
    Finish { outcome, journal: fault.detail.lines.clone(), ..Finish::by(fault, result) }
}

fn judge(report: &ActionReport) -> OperationResult {
    match report.outcome {
        Outcome::Unknown => OperationResult::OutcomeUnknown,
        outcome if outcome.is_done(report.action) => OperationResult::Done,
        _ => OperationResult::Failed,
    }
}

fn summary(report: &ActionReport) -> String {
    let after = &report.after;
    let words = report.outcome.words();
    match report.outcome {
        Outcome::Reloaded => match after.main_pid {
            Some(pid) => format!("{words}, {}, PID {pid}", after.state()),
            None => format!("{words}, {}", after.state()),
        },
        Outcome::Running => match after.main_pid {
            Some(pid) => format!("{}, PID {pid}", after.state()),
            None => after.state(),
        },
        Outcome::Failed if after.active_state == "failed" => format!("{words}{}", reason(after)),
        Outcome::Failed => format!("{words}: {}{}", after.state(), reason(after)),
        Outcome::KeepsCrashing => match after.restarts {
            Some(restarts) => format!("{words}: restarted {restarts} times{}", reason(after)),
            None => format!("{words}{}", reason(after)),
        },
        Outcome::Enabled | Outcome::Disabled => words.to_owned(),
        Outcome::RanAndEnded | Outcome::Stopped | Outcome::NotRun | Outcome::Replaced | Outcome::Unknown => {
            format!("{words}, {}", after.state())
        }
    }
}

fn reason(after: &UnitState) -> String {
    let mut reason = match after.result.as_str() {
        "" | "success" => String::new(),
        result => format!(", {result}"),
    };
    match (after.exec_main_code.as_deref(), after.exec_main_status) {
        (Some("exited"), Some(status)) if status != 0 => reason += &format!(", exit status {status}"),
        (Some(code @ ("killed" | "dumped")), Some(signal)) => {
            reason += &format!(", {code} by signal {signal}")
        }
        _ => {}
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::hosts::Sudo;
    use protocol::services::{ServiceAction, exact_command};

    fn report(outcome: Outcome) -> ActionReport {
        ActionReport {
            unit: "x.service".into(),
            action: ServiceAction::Restart,
            outcome,
            command: exact_command(ServiceAction::Restart, "x.service", Sudo::None),
            // systemctl says 0 in every case: it must not count.
            exit_code: Some(0),
            output: String::new(),
            before: UnitState::default(),
            after: UnitState {
                active_state: "failed".into(),
                sub_state: "failed".into(),
                result: "exit-code".into(),
                exec_main_code: Some("exited".into()),
                exec_main_status: Some(203),
                ..UnitState::default()
            },
            job_result: None,
            moments: Vec::new(),
            journal: Vec::new(),
            command_ms: 5,
            took_ms: 2_000,
        }
    }

    #[test]
    fn the_outcome_counts_and_not_the_exit_status_of_systemctl() {
        for (outcome, result) in [
            (Outcome::Running, OperationResult::Done),
            (Outcome::RanAndEnded, OperationResult::Done),
            (Outcome::Failed, OperationResult::Failed),
            (Outcome::KeepsCrashing, OperationResult::Failed),
            (Outcome::NotRun, OperationResult::Failed),
            (Outcome::Unknown, OperationResult::OutcomeUnknown),
        ] {
            assert_eq!(conclude(&Ok(report(outcome))).result, result, "{outcome:?}");
        }
        assert_eq!(conclude(&Ok(report(Outcome::Failed))).summary, "failed, exit-code, exit status 203");
    }

    #[test]
    fn a_cut_link_leaves_the_outcome_unknown() {
        let cut = conclude(&Err(Fault::new(FaultCode::LinkLost, "the link to web was lost")));
        assert_eq!((cut.result, cut.outcome), (OperationResult::OutcomeUnknown, Some(Outcome::Unknown)));
        let garbled = conclude(&Err(Fault::new(FaultCode::HelperFailed, "its answer was not understood")));
        assert_eq!(garbled.result, OperationResult::OutcomeUnknown, "it may well have been done");
        let late = conclude(&Err(Fault::new(FaultCode::TimedOut, "no answer within 1 s")));
        assert_eq!((late.result, late.outcome), (OperationResult::TimedOut, Some(Outcome::Unknown)));
        let refused = conclude(&Err(Fault::new(FaultCode::SudoRefused, "no")));
        assert_eq!(refused.result, OperationResult::Refused, "the host did nothing");
        let ended = [cut, garbled, late, refused].map(|finish| finish.ended_by.unwrap().code);
        let by = [FaultCode::LinkLost, FaultCode::HelperFailed, FaultCode::TimedOut, FaultCode::SudoRefused];
        assert_eq!(ended, by);
        assert_eq!(conclude(&Ok(report(Outcome::Failed))).ended_by, None, "that is what came of it");
    }
}
