//! Why a unit is not as asked, in the words of the reader's language.

use protocol::services::UnitState;
use protocol::text::printable;

use crate::text::{I18n, t_string};

/// How its main process ended and what the manager made of it; empty if neither says anything.
pub(crate) fn reason_words(i18n: I18n, after: &UnitState) -> String {
    let mut reasons = Vec::new();
    match after.result.as_str() {
        // These three say only how the process ended, which comes below with its number.
        "" | "success" | "exit-code" | "signal" | "core-dump" => {}
        "timeout" => reasons.push(t_string!(i18n, services.reason_timeout).to_owned()),
        "start-limit-hit" => reasons.push(t_string!(i18n, services.reason_start_limit).to_owned()),
        "oom-kill" => reasons.push(t_string!(i18n, services.reason_oom).to_owned()),
        "watchdog" => reasons.push(t_string!(i18n, services.reason_watchdog).to_owned()),
        other => reasons.push(printable(other).into_owned()),
    }
    match (after.exec_main_code.as_deref(), after.exec_main_status) {
        (Some("exited"), Some(status)) if status != 0 => {
            reasons.push(t_string!(i18n, services.reason_exit, status = status));
        }
        (Some("killed"), Some(signal)) => {
            reasons.push(t_string!(i18n, services.reason_signal, signal = signal));
        }
        (Some("dumped"), Some(signal)) => {
            reasons.push(t_string!(i18n, services.reason_dumped, signal = signal));
        }
        _ => {}
    }
    join(i18n, reasons)
}

/// The same with how often the manager started it again, for a unit that keeps crashing.
pub(crate) fn crash_words(i18n: I18n, after: &UnitState) -> String {
    let restarts = after.restarts.map(|count| t_string!(i18n, services.reason_restarts, count = count));
    join(i18n, restarts.into_iter().chain([reason_words(i18n, after)]).collect())
}

/// Parts of a sentence with the language's comma between them; empty ones are left out.
pub(crate) fn join(i18n: I18n, parts: Vec<String>) -> String {
    let mut parts = parts.into_iter().filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |all, part| t_string!(i18n, services.and_also, all = all, part = part))
}
