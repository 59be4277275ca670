//! What a signal came to: from the helper's report, or from what cut it short, to the entry of the
//! operation log. Pure.

use protocol::Fault;
use protocol::hosts::Sudo;
use protocol::operations::OperationResult;
use protocol::processes::{Signal, SignalReport};
use protocol::text::printable;

use crate::operations::Finish;
use crate::services::cut_short;

/// The command that would do the same, as it is logged before it is sent. The helper itself sends
/// it, to the process that began at `start_ticks`; root's right is asked for only where the user's
/// does not do.
pub(crate) fn equivalent_command(pid: u32, start_ticks: u64, signal: Signal, sudo: Sudo) -> String {
    let prefix = sudo.prefix();
    format!("{prefix}kill -s {} {pid} # only if it began at tick {start_ticks}", signal.name())
}

/// Finishes the entry of a signal. It is done when it was delivered; what the process did about it
/// is told besides.
pub(crate) fn conclude(signal: Signal, answer: &Result<SignalReport, Fault>) -> Finish {
    let report = match answer {
        Ok(report) => report,
        Err(fault) => return cut_short(fault),
    };
    Finish {
        took_ms: Some(report.took_ms),
        output: report.process.command.clone(),
        summary: summary(signal, report),
        ..Finish::new(OperationResult::Done)
    }
}

fn summary(signal: Signal, report: &SignalReport) -> String {
    let name = printable(&report.process.name);
    let after = match (report.ended_ms, report.state_after) {
        (Some(ms), _) => format!("it ended within {ms} ms"),
        (None, Some(state)) => {
            let looked = format!("{:.1} s later it is {}", report.took_ms as f64 / 1_000.0, state.words());
            if signal.ends() { format!("it did not end: {looked}") } else { looked }
        }
        (None, None) => "what it did is not known".to_owned(),
    };
    let how = if report.held { "" } else { " (checked to be the same in the moment before)" };
    format!("sent {} to {name}, PID {}{how}; {after}", signal.name(), report.process.pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::FaultCode;
    use protocol::processes::{Process, ProcessState};

    fn report(ended_ms: Option<u64>, state_after: Option<ProcessState>, held: bool) -> SignalReport {
        let process = Process { pid: 77, name: "ng\u{1b}inx".into(), ..Process::default() };
        SignalReport { process, held, ended_ms, state_after, took_ms: 2_000 }
    }

    #[test]
    fn the_log_says_what_the_process_did_about_it() {
        let ended = conclude(Signal::Term, &Ok(report(Some(12), None, true)));
        assert_eq!(ended.summary, "sent TERM to ng\\x1binx, PID 77; it ended within 12 ms");
        let goes_on = conclude(Signal::Term, &Ok(report(None, Some(ProcessState::Sleeping), true)));
        assert_eq!(
            goes_on.summary,
            "sent TERM to ng\\x1binx, PID 77; it did not end: 2.0 s later it is sleeping"
        );
        let stopped = conclude(Signal::Stop, &Ok(report(None, Some(ProcessState::Stopped), false)));
        assert!(
            stopped.summary.contains("moment before")
                && stopped.summary.ends_with("2.0 s later it is stopped")
        );
    }

    #[test]
    fn a_process_that_was_gone_was_sent_nothing_and_a_cut_link_leaves_it_open() {
        let gone = conclude(Signal::Kill, &Err(Fault::new(FaultCode::ProcessGone, "PID 77 has ended")));
        assert_eq!(gone.result, OperationResult::Refused);
        let cut = conclude(Signal::Kill, &Err(Fault::new(FaultCode::LinkLost, "the link was lost")));
        assert_eq!(cut.result, OperationResult::OutcomeUnknown);
    }

    #[test]
    fn the_command_in_the_log_names_the_process_for_good() {
        assert_eq!(
            equivalent_command(77, 3117, Signal::Term, Sudo::Nopasswd),
            "sudo -n -- kill -s TERM 77 # only if it began at tick 3117"
        );
    }
}
