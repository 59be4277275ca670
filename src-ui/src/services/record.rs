//! The record of an operation as a dialog shows it: the outcome, its course, what changed, why.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::operations::{Operation, OperationResult};
use protocol::services::{Outcome, ServiceAction};
use protocol::text::printable_lines;

use super::outcome::{
    BeforeAfter, Journal, OutcomeLine, exit_words, outcome_id, outcome_words, result_glyph,
};
use super::reason::{crash_words, reason_words};
use crate::components::Glyph;
use crate::operations::words::verdict;
use crate::text::use_i18n;

/// The outcome of an action on a unit.
#[component]
pub(crate) fn Record(operation: Arc<Operation>, action: Option<ServiceAction>) -> impl IntoView {
    let i18n = use_i18n();
    let outcome = operation.outcome.unwrap_or(Outcome::Unknown);
    let is_done = match action {
        Some(action) => outcome.is_done(action),
        None => operation.result == OperationResult::Done,
    };
    let failed = matches!(outcome, Outcome::Failed | Outcome::KeepsCrashing);
    let glyph = result_glyph(&operation);
    let class = match (is_done, failed) {
        (true, _) => "record-words",
        (false, true) => "record-words is-crit",
        (false, false) => "record-words is-warn",
    };
    let words = {
        let operation = operation.clone();
        move || outcome_words(i18n, outcome, &operation)
    };
    let exit = {
        let operation = operation.clone();
        move || exit_words(i18n, &operation)
    };
    let change = operation.before.clone().zip(operation.after.clone());
    let said: Vec<String> = [&operation.output, &operation.errors]
        .into_iter()
        .filter(|text| !text.trim().is_empty())
        .map(|text| printable_lines(text.trim_end()).into_owned())
        .collect();
    let detail = {
        let operation = operation.clone();
        move || match (outcome, operation.after.as_ref()) {
            (Outcome::Failed, Some(after)) => reason_words(i18n, after),
            (Outcome::KeepsCrashing, Some(after)) => crash_words(i18n, after),
            (Outcome::Unknown, _) => verdict(i18n, &operation),
            _ => String::new(),
        }
    };
    view! {
        <section
            class="record"
            role="status"
            data-testid="service-outcome"
            data-outcome=outcome_id(outcome)
            data-result=operation.result.words()
        >
            <header class="record-head">
                <Glyph name=glyph size=14 />
                <p class=class>{words}</p>
                <span class="grow"></span>
                <span class="quiet">{exit}</span>
            </header>
            {move || {
                let words = detail();
                (!words.is_empty()).then(|| view! { <p class="record-summary quiet selectable">{words}</p> })
            }}
            <OutcomeLine
                moments=operation.moments.clone()
                took_ms=operation.took_ms.unwrap_or_default()
                outcome
            />
            {change.map(|(before, after)| view! { <BeforeAfter before after /> })}
            {(!operation.journal.is_empty())
                .then(|| view! { <Journal lines=operation.journal.clone() failed /> })}
            {said
                .into_iter()
                .map(|text| view! { <pre class="block mono selectable">{text}</pre> })
                .collect_view()}
        </section>
    }
}
