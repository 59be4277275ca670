//! The record of an operation as a dialog shows it: the outcome, its course, what changed, why.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos_router::components::A;
use protocol::operations::{Operation, OperationResult};
use protocol::services::{Outcome, ServiceAction};
use protocol::text::printable_lines;

use super::outcome::{
    BeforeAfter, Journal, OutcomeLine, exit_words, outcome_id, outcome_words, result_glyph,
};
use super::reason::{crash_words, reason_words};
use crate::components::{Button, ButtonKind, Glyph};
use crate::format;
use crate::operations::words::verdict;
use crate::state::{now_ms, use_app};
use crate::text::{lang, t_string, use_i18n};

/// A button that counts the time since it was pressed.
#[component]
pub(crate) fn UnderWay(since_ms: i64, words: Callback<String, String>) -> impl IntoView {
    let i18n = use_i18n();
    let elapsed_ms = RwSignal::new(0u64);
    let tick = move || {
        elapsed_ms.try_set(u64::try_from(now_ms() - since_ms).unwrap_or(0));
    };
    let timer = set_interval_with_handle(tick, Duration::from_millis(100)).ok();
    on_cleanup(move || {
        if let Some(timer) = timer {
            timer.clear();
        }
    });
    let shown = move || {
        let ms = elapsed_ms.get();
        // Tenths from the start, so that the number does not change its unit.
        words.run(if ms < 100 { format::took(100, lang(i18n)) } else { format::took(ms, lang(i18n)) })
    };
    view! {
        <Button busy=Signal::stored(true) testid="service-busy">
            {shown}
        </Button>
    }
}

/// `Kept as operation 4183`, and the way out.
#[component]
pub(crate) fn KeptAs(id: Signal<Option<u64>>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let close = move || app.dialog.set(None);
    move || {
        id.get()
            .map(|id| {
                view! {
                    <span class="quiet">
                        {move || t_string!(i18n, services.kept_as)} " "
                        <span on:click=move |_| close()>
                            <A href=format!("/operations?id={id}") attr:class="link" attr:data-testid="service-operation">
                                {move || t_string!(i18n, services.operation_n, id = id)}
                            </A>
                        </span>
                    </span>
                    <span class="grow"></span>
                    <Button
                        kind=ButtonKind::Primary
                        testid="service-done"
                        on_click=Callback::new(move |()| close())
                    >
                        {move || t_string!(i18n, services.done)}
                    </Button>
                }
            })
    }
}

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
