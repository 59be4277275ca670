//! Operations in the words of operators: `Restart nginx.service on web-3`.

use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::services::{Outcome, ServiceAction};
use protocol::text::printable;

use super::summary::{Said, parse_summary};
use crate::format;
use crate::services::change::state_words;
use crate::services::outcome::{outcome_short, outcome_words};
use crate::services::reason::{crash_words, join, reason_words};
use crate::text::{I18n, fault_text, t_string};

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
        OperationKind::ServiceReload => {
            t_string!(i18n, operations.title_service_reload, target = target, host = host)
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
        OperationKind::HelperRemove => t_string!(i18n, operations.title_helper_remove, host = host),
        OperationKind::VaultCreate => t_string!(i18n, operations.title_vault_create).to_string(),
        OperationKind::VaultChange => t_string!(i18n, operations.title_vault_change).to_string(),
        OperationKind::VaultRemove => t_string!(i18n, operations.title_vault_remove).to_string(),
        OperationKind::HostImport => t_string!(i18n, operations.title_host_import, target = target),
        OperationKind::KeySetUp => t_string!(i18n, operations.title_key_set_up, host = host),
        OperationKind::SignIn => t_string!(i18n, operations.title_sign_in, host = host),
        OperationKind::SettingsChange => t_string!(i18n, operations.title_settings_change, target = target),
        OperationKind::LogExport => t_string!(i18n, operations.title_log_export, target = target),
        OperationKind::LogRetention => t_string!(i18n, operations.title_log_retention).to_owned(),
        OperationKind::StoreRestore => t_string!(i18n, operations.title_store_restore, target = target),
        OperationKind::Unknown => t_string!(i18n, operations.title_unknown, host = host),
    }
}

pub(crate) fn kind_words(i18n: I18n, kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::ServiceStart => t_string!(i18n, operations.kind_service_start),
        OperationKind::ServiceStop => t_string!(i18n, operations.kind_service_stop),
        OperationKind::ServiceRestart => t_string!(i18n, operations.kind_service_restart),
        OperationKind::ServiceReload => t_string!(i18n, operations.kind_service_reload),
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
        OperationKind::HelperRemove => t_string!(i18n, operations.kind_helper_remove),
        OperationKind::VaultCreate => t_string!(i18n, operations.kind_vault_create),
        OperationKind::VaultChange => t_string!(i18n, operations.kind_vault_change),
        OperationKind::VaultRemove => t_string!(i18n, operations.kind_vault_remove),
        OperationKind::HostImport => t_string!(i18n, operations.kind_host_import),
        OperationKind::KeySetUp => t_string!(i18n, operations.kind_key_set_up),
        OperationKind::SignIn => t_string!(i18n, operations.kind_sign_in),
        OperationKind::SettingsChange => t_string!(i18n, operations.kind_settings_change),
        OperationKind::LogExport => t_string!(i18n, operations.kind_log_export),
        OperationKind::LogRetention => t_string!(i18n, operations.kind_log_retention),
        OperationKind::StoreRestore => t_string!(i18n, operations.kind_store_restore),
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
        OperationResult::Cancelled => t_string!(i18n, operations.result_cancelled),
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
        (OperationResult::Failed, None, None) => match parse_summary(&operation.summary) {
            Said::Signal(signal) => t_string!(i18n, operations.ended_by_signal, signal = signal),
            _ => result_words(i18n, operation.result).to_owned(),
        },
        (OperationResult::Done, None, Some(code)) if operation.kind == OperationKind::Command => {
            t_string!(i18n, operations.exit_is, code = code)
        }
        (result, ..) => result_words(i18n, result).to_owned(),
    }
}

/// What it came to, in a sentence of its own.
pub(crate) fn verdict(i18n: I18n, operation: &Operation) -> String {
    let (words, is_why) = came_to(i18n, operation);
    if words.is_empty() {
        return ending(i18n, operation);
    }
    if is_why && operation.result.is_bad() {
        let result = result_words(i18n, operation.result);
        return t_string!(i18n, operations.result_and, result = result, message = words);
    }
    words
}

/// What it came to, and whether that is only why, so that the result is to be said before it; empty if there is nothing
/// to say. The engine's or the host's own words, which have no translation, stand where neither a fault nor a sentence
/// that the window knows says it.
fn came_to(i18n: I18n, operation: &Operation) -> (String, bool) {
    if let Some(words) = outcome_came_to(i18n, operation) {
        return (words, false);
    }
    if let Some(fault) = operation.fault() {
        return (fault_text(i18n, &fault), true);
    }
    let words = match (parse_summary(&operation.summary), operation.exit_code) {
        (_, Some(code)) if operation.kind == OperationKind::Command => {
            t_string!(i18n, operations.exit_is, code = code)
        }
        (Said::Nothing, _) => String::new(),
        (Said::Signal(signal), _) => t_string!(i18n, operations.ended_by_signal, signal = signal),
        (Said::NoExitStatus, _) => t_string!(i18n, operations.no_exit_status).to_owned(),
        (Said::EndLost, _) => t_string!(i18n, operations.end_lost).to_owned(),
        (Said::MusterEnded, _) => t_string!(i18n, operations.muster_ended).to_owned(),
        (Said::Placed { bytes, sha256 }, _) => {
            t_string!(i18n, operations.placed, size = format::bytes(bytes), sha256 = sha256.to_owned())
        }
        (Said::ByAgent, _) => t_string!(i18n, operations.by_agent).to_owned(),
        (Said::ByPassword, _) => t_string!(i18n, operations.by_password).to_owned(),
        (Said::ByKeyFile(path), _) => {
            t_string!(i18n, operations.by_key_file, path = printable(path).into_owned())
        }
        (Said::Other(words), _) => return (printable(words).into_owned(), true),
    };
    (words, false)
}

/// The truth about a unit after an action; `None` where it was not learnt.
fn outcome_came_to(i18n: I18n, operation: &Operation) -> Option<String> {
    let outcome = operation.outcome?;
    let Some(after) = &operation.after else {
        // Without the state after it, the engine's sentence says more than these would.
        let is_vague = matches!(outcome, Outcome::Failed | Outcome::KeepsCrashing | Outcome::Unknown);
        return (!is_vague).then(|| outcome_words(i18n, outcome, operation));
    };
    let state = || printable(&state_words(after).unwrap_or_default()).into_owned();
    let short = || outcome_short(i18n, outcome).to_owned();
    Some(match outcome {
        Outcome::Failed => match reason_words(i18n, after) {
            reason if reason.is_empty() => outcome_words(i18n, outcome, operation),
            reason => join(i18n, vec![state(), reason]),
        },
        Outcome::KeepsCrashing => join(i18n, vec![short(), crash_words(i18n, after)]),
        Outcome::Unknown => join(i18n, vec![short(), state()]),
        Outcome::Running
        | Outcome::RanAndEnded
        | Outcome::Reloaded
        | Outcome::Stopped
        | Outcome::NotRun
        | Outcome::Replaced
        | Outcome::Enabled
        | Outcome::Disabled => outcome_words(i18n, outcome, operation),
    })
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
    match operation.kind {
        OperationKind::Command => first_line(&operation.command),
        _ => first_line(&came_to(i18n, operation).0),
    }
}

fn first_line(text: &str) -> String {
    printable(text.trim().lines().next().unwrap_or_default()).into_owned()
}

/// The action on a service that this was, to do it again.
pub(crate) fn action(kind: OperationKind) -> Option<ServiceAction> {
    ServiceAction::ALL.into_iter().find(|action| OperationKind::from(*action) == kind)
}
