//! The record of what came of an action: its words, its line in time, before and after, journal.
//!
//! The dialog that acted and the log of operations show the same record with the same parts.

use leptos::prelude::*;
use protocol::operations::{Operation, OperationResult};
use protocol::services::{Moment, MomentKind, Outcome, UnitState};
use protocol::text::printable;
use wasm_bindgen::JsCast;

use super::change::{Change, Fact, changes, state_words};
use super::timeline::{self, Phase};
use crate::components::GlyphName;
use crate::format::{self, NOT_KNOWN};
use crate::journal::{readable_line, telling_line};
use crate::state::zone_min;
use crate::text::{I18n, lang, t_string, use_i18n};

/// Width of the line in the dialog; it is scaled to the place it gets.
const LINE_PX: f64 = 646.0;

/// Glyph of a result: what is done is a tick, what nobody knows is a warning.
pub(crate) fn result_glyph(operation: &Operation) -> GlyphName {
    match (operation.result, operation.outcome) {
        (OperationResult::UnderWay, _) => GlyphName::Connecting,
        (_, Some(Outcome::Unknown | Outcome::Replaced | Outcome::NotRun)) => GlyphName::Warning,
        (OperationResult::Done, _) => GlyphName::Done,
        (
            OperationResult::Failed
            | OperationResult::Refused
            | OperationResult::TimedOut
            | OperationResult::Cancelled,
            _,
        ) => GlyphName::Failed,
        (OperationResult::OutcomeUnknown | OperationResult::Unknown, _) => GlyphName::Warning,
    }
}

/// What truly came of an action on a unit, as a sentence: `active (running), listening again
/// after 1.8 s`.
pub(crate) fn outcome_words(i18n: I18n, outcome: Outcome, operation: &Operation) -> String {
    let state = operation.after.as_ref().and_then(state_words).unwrap_or_default();
    let state = printable(&state).into_owned();
    let after = |kind: MomentKind| {
        let moment = operation.moments.iter().find(|moment| moment.what == kind)?;
        Some(format::took(moment.at_ms, lang(i18n)))
    };
    match outcome {
        Outcome::Running => match (after(MomentKind::Listening), after(MomentKind::Started)) {
            (Some(after), _) => t_string!(i18n, services.outcome_listening, state = state, after = after),
            (None, Some(after)) => t_string!(i18n, services.outcome_up_after, state = state, after = after),
            (None, None) => t_string!(i18n, services.outcome_running, state = state),
        },
        Outcome::RanAndEnded => t_string!(i18n, services.outcome_ran_and_ended).to_owned(),
        Outcome::Reloaded => t_string!(i18n, services.outcome_reloaded, state = state),
        Outcome::Stopped => t_string!(i18n, services.outcome_stopped, state = state),
        Outcome::NotRun => t_string!(i18n, services.outcome_not_run).to_owned(),
        Outcome::KeepsCrashing => t_string!(i18n, services.outcome_keeps_crashing).to_owned(),
        Outcome::Failed if operation.journal.is_empty() => {
            t_string!(i18n, services.outcome_failed_bare, state = state)
        }
        Outcome::Failed => t_string!(i18n, services.outcome_failed, state = state),
        Outcome::Replaced => t_string!(i18n, services.outcome_replaced).to_owned(),
        Outcome::Enabled => t_string!(i18n, services.outcome_enabled).to_owned(),
        Outcome::Disabled => t_string!(i18n, services.outcome_disabled).to_owned(),
        Outcome::Unknown => t_string!(i18n, services.outcome_unknown).to_owned(),
    }
}

/// The outcome in a word or two, for a line of a list.
pub(crate) fn outcome_short(i18n: I18n, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => t_string!(i18n, services.short_running),
        Outcome::RanAndEnded => t_string!(i18n, services.short_ran_and_ended),
        Outcome::Reloaded => t_string!(i18n, services.short_reloaded),
        Outcome::Stopped => t_string!(i18n, services.short_stopped),
        Outcome::NotRun => t_string!(i18n, services.short_not_run),
        Outcome::KeepsCrashing => t_string!(i18n, services.short_keeps_crashing),
        Outcome::Failed => t_string!(i18n, services.short_failed),
        Outcome::Replaced => t_string!(i18n, services.short_replaced),
        Outcome::Enabled => t_string!(i18n, services.short_enabled),
        Outcome::Disabled => t_string!(i18n, services.short_disabled),
        Outcome::Unknown => t_string!(i18n, services.short_unknown),
    }
}

/// The word of an outcome on the wire, for tests.
pub(crate) fn outcome_id(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::RanAndEnded => "ran_and_ended",
        Outcome::Reloaded => "reloaded",
        Outcome::Stopped => "stopped",
        Outcome::NotRun => "not_run",
        Outcome::KeepsCrashing => "keeps_crashing",
        Outcome::Failed => "failed",
        Outcome::Replaced => "replaced",
        Outcome::Enabled => "enabled",
        Outcome::Disabled => "disabled",
        Outcome::Unknown => "unknown",
    }
}

/// `exit code 0 in 0.9 s`.
pub(crate) fn exit_words(i18n: I18n, operation: &Operation) -> String {
    let took = format::took(operation.took_ms.unwrap_or_default(), lang(i18n));
    match operation.exit_code {
        Some(code) => t_string!(i18n, services.exit_in, code = code, took = took),
        None => t_string!(i18n, services.no_exit_in, took = took),
    }
}

fn moment_words(i18n: I18n, moment: &Moment) -> String {
    let subject = moment.subject.as_deref().filter(|subject| !subject.is_empty());
    let subject = subject.map(|subject| printable(subject).into_owned());
    match (moment.what, subject) {
        (MomentKind::Asked, _) => t_string!(i18n, services.moment_asked).to_owned(),
        (MomentKind::Ended, Some(pid)) => t_string!(i18n, services.moment_ended, pid = pid),
        (MomentKind::Ended, None) => t_string!(i18n, services.moment_ended_bare).to_owned(),
        (MomentKind::Started, Some(pid)) => t_string!(i18n, services.moment_started, pid = pid),
        (MomentKind::Started, None) => t_string!(i18n, services.moment_started_bare).to_owned(),
        (MomentKind::Listening, Some(ports)) => {
            let count = timeline::ports(&ports);
            let what = if count > 1 { t_string!(i18n, services.ports, count = count) } else { ports };
            t_string!(i18n, services.moment_listening_on, what = what)
        }
        (MomentKind::Listening, None) => t_string!(i18n, services.moment_listening).to_owned(),
        (MomentKind::Failed, _) => t_string!(i18n, services.moment_failed).to_owned(),
        (MomentKind::Unknown, _) => String::new(),
    }
}

/// The outcome line: 4 px high, time left to right.
#[component]
pub(crate) fn OutcomeLine(moments: Vec<Moment>, took_ms: u64, outcome: Outcome) -> impl IntoView {
    let i18n = use_i18n();
    move || {
        let line = timeline::lay_out(&moments, took_ms, outcome, LINE_PX, |m| moment_words(i18n, m))?;
        let has_ports = moments.iter().any(|moment| moment.what == MomentKind::Listening);
        let said = line.marks.iter().map(|mark| format!("{} {}", mark.label, mark.time));
        let said = said.collect::<Vec<_>>().join(", ");
        let down = line.down.map(|(middle, length_ms)| {
            let length = timeline::seconds(length_ms);
            let words = match has_ports {
                true => t_string!(i18n, services.not_listening, length = length),
                false => t_string!(i18n, services.not_running, length = length),
            };
            view! { <text class="line-down" x=middle y="45" text-anchor="middle">{words}</text> }
        });
        let segments = line
            .segments
            .iter()
            .map(|segment| {
                let class = match segment.phase {
                    Phase::Ending => "line-ending",
                    Phase::Down => "line-none",
                    Phase::Up => "line-up",
                };
                let width = segment.to_x - segment.from_x;
                view! { <rect class=class x=segment.from_x y="23" width=width height="4" /> }
            })
            .collect_view();
        let marks = line
            .marks
            .iter()
            .map(|mark| {
                let x = mark.x.clamp(0.6, LINE_PX - 0.6);
                view! {
                    <path class="line-mark" d=format!("M{x:.1} 19.5v11") />
                    {mark
                        .words_x
                        .map(|at| {
                            view! {
                                <text class="line-label" x=at y="12">{mark.label.clone()}</text>
                                <text class="line-time" x=at y="45">{mark.time.clone()}</text>
                            }
                        })}
                }
            })
            .collect_view();
        let failed = line.failed_x.map(|x| {
            let x = x.clamp(6.0, LINE_PX - 6.0);
            view! {
                <g transform=format!("translate({:.1} 19)", x - 6.0)>
                    <circle class="line-failed" cx="6" cy="6" r="5" />
                    <path class="line-cross" d="m4.2 4.2 3.6 3.6M7.8 4.2 4.2 7.8" />
                </g>
            }
        });
        Some(view! {
            <svg
                class="outcome-line"
                viewBox=format!("0 0 {LINE_PX} 50")
                role="img"
                aria-label=t_string!(i18n, services.line_label, what = said)
                data-testid="outcome-line"
            >
                <defs>
                    <pattern
                        id="outcome-hatch"
                        width="4.5"
                        height="4.5"
                        patternUnits="userSpaceOnUse"
                        patternTransform="rotate(45)"
                    >
                        <rect class="line-hatch" width="1.6" height="4.5" />
                    </pattern>
                </defs>
                {segments}
                {marks}
                {down}
                {failed}
            </svg>
        })
    }
}

fn fact_words(i18n: I18n, fact: Fact) -> &'static str {
    match fact {
        Fact::State => t_string!(i18n, services.fact_state),
        Fact::MainPid => t_string!(i18n, services.fact_pid),
        Fact::ListensOn => t_string!(i18n, services.fact_listens),
        Fact::AtBoot => t_string!(i18n, services.fact_boot),
        Fact::Restarts => t_string!(i18n, services.fact_restarts),
        Fact::ExitStatus => t_string!(i18n, services.fact_exit),
    }
}

/// Before and after, line by line; what changed is bold, what went wrong is red.
#[component]
pub(crate) fn BeforeAfter(before: UnitState, after: UnitState) -> impl IntoView {
    let i18n = use_i18n();
    let rows = changes(&before, &after);
    let value = move |fact: Fact, value: &Option<String>| match value {
        Some(value) => printable(value).into_owned(),
        None if fact == Fact::ListensOn => t_string!(i18n, services.nothing).to_owned(),
        None => NOT_KNOWN.to_owned(),
    };
    let row = move |change: Change| {
        let class = match (change.is_changed(), change.is_bad) {
            (_, true) => "change-after is-crit strong",
            (true, false) => "change-after strong",
            (false, false) => "change-after",
        };
        let mono = change.fact == Fact::ListensOn;
        let (before, after) = (change.before.clone(), change.after.clone());
        view! {
            <tr>
                <th scope="row">{move || fact_words(i18n, change.fact)}</th>
                <td class="change-before" class:mono=mono>{move || value(change.fact, &before)}</td>
                <td class="change-arrow" aria-label=move || t_string!(i18n, services.became)>"\u{203a}"</td>
                <td class=class class:mono=mono>{move || value(change.fact, &after)}</td>
            </tr>
        }
    };
    view! {
        <table class="change selectable" data-testid="before-after">
            <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

/// Journal lines, the last ones in view; the one that says why it failed is set off and in view.
#[component]
pub(crate) fn Journal(lines: Vec<String>, failed: bool) -> impl IntoView {
    let telling = if failed { telling_line(&lines) } else { None };
    let block = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        let Some(block) = block.get() else { return };
        request_animation_frame(move || {
            let told = block.query_selector(".is-telling").ok().flatten();
            match told.and_then(|told| told.dyn_into::<web_sys::HtmlElement>().ok()) {
                // Its neighbours above say what led to it.
                Some(told) => block.set_scroll_top(told.offset_top() - block.client_height() / 2),
                None => block.set_scroll_top(block.scroll_height()),
            }
        });
    });
    view! {
        <div class="block mono selectable journal" data-testid="journal" tabindex="0" node_ref=block>
            {lines
                .into_iter()
                .enumerate()
                .map(|(index, line)| {
                    let shown = printable(&readable_line(&line, zone_min)).into_owned();
                    view! { <p class:is-telling=telling == Some(index)>{shown}</p> }
                })
                .collect_view()}
        </div>
    }
}
