//! Operations in the words of operators: `Restart nginx.service on web-3`.

use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::services::ServiceAction;
use protocol::text::printable;

use crate::services::outcome::{outcome_short, outcome_words};
use crate::text::{I18n, t_string};

/// What was done, as a sentence.
pub(crate) fn title(i18n: I18n, operation: &Operation) -> String {
    let target = printable(&operation.target).into_owned();
    let host =
        operation.host.as_ref().map_or_else(|| target.clone(), |host| printable(&host.name).into_owned());
    match operation.kind {
        OperationKind::ServiceStart => {
            t_string!(i18n, operations.title_service_start, target = target, host = host)
        }
        OperationKind::ServiceStop => {
            t_string!(i18n, operations.title_service_stop, target = target, host = host)
        }
        OperationKind::ServiceRestart => {
            t_string!(i18n, operations.title_service_restart, target = target, host = host)
        }
        OperationKind::ServiceEnable => {
            t_string!(i18n, operations.title_service_enable, target = target, host = host)
        }
        OperationKind::ServiceDisable => {
            t_string!(i18n, operations.title_service_disable, target = target, host = host)
        }
        OperationKind::Command => t_string!(i18n, operations.title_command, host = host),
        OperationKind::Signal => t_string!(i18n, operations.title_signal, target = target, host = host),
        OperationKind::HostAdd => t_string!(i18n, operations.title_host_add, target = target),
        OperationKind::HostEdit => t_string!(i18n, operations.title_host_edit, target = target),
        OperationKind::HostRemove => t_string!(i18n, operations.title_host_remove, target = target),
        OperationKind::TrustAccept => t_string!(i18n, operations.title_trust_accept, host = host),
        OperationKind::TrustForget => t_string!(i18n, operations.title_trust_forget, host = host),
        OperationKind::HelperPlace => t_string!(i18n, operations.title_helper_place, host = host),
        OperationKind::Unknown => t_string!(i18n, operations.title_unknown, host = host),
    }
}

pub(crate) fn kind_words(i18n: I18n, kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::ServiceStart => t_string!(i18n, operations.kind_service_start),
        OperationKind::ServiceStop => t_string!(i18n, operations.kind_service_stop),
        OperationKind::ServiceRestart => t_string!(i18n, operations.kind_service_restart),
        OperationKind::ServiceEnable => t_string!(i18n, operations.kind_service_enable),
        OperationKind::ServiceDisable => t_string!(i18n, operations.kind_service_disable),
        OperationKind::Command => t_string!(i18n, operations.kind_command),
        OperationKind::Signal => t_string!(i18n, operations.kind_signal),
        OperationKind::HostAdd => t_string!(i18n, operations.kind_host_add),
        OperationKind::HostEdit => t_string!(i18n, operations.kind_host_edit),
        OperationKind::HostRemove => t_string!(i18n, operations.kind_host_remove),
        OperationKind::TrustAccept => t_string!(i18n, operations.kind_trust_accept),
        OperationKind::TrustForget => t_string!(i18n, operations.kind_trust_forget),
        OperationKind::HelperPlace => t_string!(i18n, operations.kind_helper_place),
        OperationKind::Unknown => t_string!(i18n, operations.kind_unknown),
    }
}

pub(crate) fn result_words(i18n: I18n, result: OperationResult) -> &'static str {
    match result {
        OperationResult::UnderWay => t_string!(i18n, operations.result_under_way),
        OperationResult::Done => t_string!(i18n, operations.result_done),
        OperationResult::Failed => t_string!(i18n, operations.result_failed),
        OperationResult::Refused => t_string!(i18n, operations.result_refused),
        OperationResult::TimedOut => t_string!(i18n, operations.result_timed_out),
        OperationResult::OutcomeUnknown => t_string!(i18n, operations.result_outcome_unknown),
        OperationResult::Unknown => t_string!(i18n, operations.result_unknown),
    }
}

/// How it ended, in a word or two.
pub(crate) fn ending(i18n: I18n, operation: &Operation) -> String {
    match (operation.result, operation.outcome, operation.exit_code) {
        (OperationResult::Failed, _, Some(code)) if code != 0 => {
            t_string!(i18n, operations.exit_is, code = code)
        }
        (OperationResult::Failed, Some(outcome), _) => outcome_short(i18n, outcome).to_owned(),
        (OperationResult::Done, None, Some(code)) if operation.kind == OperationKind::Command => {
            t_string!(i18n, operations.exit_is, code = code)
        }
        (result, ..) => result_words(i18n, result).to_owned(),
    }
}

/// The second line of a row, piece by piece; `true` with the piece that says what went wrong.
pub(crate) fn second_line(i18n: I18n, operation: &Operation) -> Vec<(String, bool)> {
    let is_bad = operation.result.is_bad();
    let (operator, ending, gist) =
        (printable(&operation.operator).into_owned(), ending(i18n, operation), gist(i18n, operation));
    let mut pieces = vec![(operator, false)];
    match (is_bad, gist.is_empty(), operation.kind) {
        (true, ..) => pieces.extend([(ending, true), (gist, false)]),
        (false, false, OperationKind::Command) => pieces.extend([(gist, false), (ending, false)]),
        // What came of it says that it was done.
        (false, false, _) if operation.result == OperationResult::Done => pieces.push((gist, false)),
        (false, ..) => pieces.extend([(ending, false), (gist, false)]),
    }
    pieces.retain(|(piece, _)| !piece.is_empty());
    pieces
}

/// The rest of the second line of a row: what it came to, or what was run.
fn gist(i18n: I18n, operation: &Operation) -> String {
    match (operation.outcome, operation.kind) {
        (Some(outcome), _) if !operation.result.is_bad() => outcome_words(i18n, outcome, operation),
        (_, OperationKind::Command) => first_line(&operation.command),
        _ => first_line(&operation.summary),
    }
}

fn first_line(text: &str) -> String {
    printable(text.trim().lines().next().unwrap_or_default()).into_owned()
}

/// The action on a service that this was, to do it again.
pub(crate) fn action(kind: OperationKind) -> Option<ServiceAction> {
    ServiceAction::ALL.into_iter().find(|action| OperationKind::from(*action) == kind)
}
