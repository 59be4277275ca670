//! runs: what a custom command came to.

use protocol::operations::OperationResult;
use protocol::runs::{Output, RunReport, quote_words, shell_args};
use protocol::{Fault, hosts::Sudo};

use crate::operations::Finish;
use crate::services::cut_short;

/// The command that the helper runs, as it is logged before it is sent.
pub(crate) fn exact_command(command: &str, sudo: Sudo) -> String {
    format!("{}sh {}", sudo.prefix(), quote_words(&shell_args(command)))
}

/// Finishes the entry of a command. No exit status and no signal means that its end was not seen.
pub(crate) fn conclude(answer: &Result<RunReport, Fault>) -> Finish {
    let report = match answer {
        Ok(report) => report,
        Err(fault) => return cut_short(fault),
    };
    let (result, summary) = match (report.exit_code, report.signal) {
        (Some(0), _) => (OperationResult::Done, "exit status 0".to_owned()),
        (Some(code), _) => (OperationResult::Failed, format!("exit status {code}")),
        (None, Some(signal)) => (OperationResult::Failed, format!("ended by signal {signal}")),
        (None, None) => (OperationResult::OutcomeUnknown, "it ended without an exit status".to_owned()),
    };
    Finish {
        exit_code: report.exit_code,
        took_ms: Some(report.took_ms),
        output: report.stdout.text(),
        output_bytes: full_bytes(&report.stdout),
        errors: report.stderr.text(),
        errors_bytes: full_bytes(&report.stderr),
        summary,
        ..Finish::new(result)
    }
}

/// The size of the whole, where not all of it came.
fn full_bytes(printed: &Output) -> Option<u64> {
    (printed.left_out_bytes > 0).then_some(printed.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_without_exit_status_is_unknown_and_never_done() {
        let conclude = |exit_code, signal| {
            super::conclude(&Ok(RunReport { exit_code, signal, ..RunReport::default() })).result
        };
        assert_eq!(conclude(Some(0), None), OperationResult::Done);
        assert_eq!(conclude(Some(1), None), OperationResult::Failed);
        assert_eq!(conclude(None, Some(9)), OperationResult::Failed);
        assert_eq!(conclude(None, None), OperationResult::OutcomeUnknown);
    }
}
