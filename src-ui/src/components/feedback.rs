//! What a page shows instead of its data, or above it: loading, empty, stale, failed, partial.

use leptos::prelude::*;
use protocol::Fault;
use protocol::text::{printable, printable_lines};

use super::{Button, Glyph, GlyphName};
use crate::journal::readable_line;
use crate::state::zone_min;
use crate::text::{fault_next, fault_text, fault_title, t_string, use_i18n};

/// Rows of grey bars in the columns to come; it appears after 150 ms, so quick answers do not flash.
#[component]
pub(crate) fn Skeleton(#[prop(default = 8)] rows: u32) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="skeleton" role="status" aria-label=move || t_string!(i18n, states.loading)>
            {(0..rows)
                .map(|row| {
                    let class = match row % 3 {
                        0 => "skeleton-row is-a",
                        1 => "skeleton-row is-b",
                        _ => "skeleton-row is-c",
                    };
                    view! { <div class=class><i></i><i></i><i></i><i></i></div> }
                })
                .collect_view()}
        </div>
    }
}

/// Nothing there: what it means, and the buttons that change it as children.
#[component]
pub(crate) fn Empty(
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] text: Signal<String>,
    #[prop(optional)] testid: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="panel empty" data-testid=(!testid.is_empty()).then_some(testid)>
            <p class="panel-title">{move || title.get()}</p>
            <p class="panel-text">{move || text.get()}</p>
            {children.map(|children| view! { <div class="panel-buttons">{children()}</div> })}
        </div>
    }
}

/// Above content that is not from now: since when, why, and the way to try again as children. The reason says what
/// to do, so it is never cut.
#[component]
pub(crate) fn StaleBar(
    /// `stale 40 s`, `as of 14:31`.
    #[prop(into)]
    words: Signal<String>,
    #[prop(optional, into)] why: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="bar is-warn" role="status" data-testid="stale">
            <Glyph name=GlyphName::Stale />
            <span class="bar-words is-warn" data-testid="stale-words">{move || words.get()}</span>
            <span class="bar-why selectable" data-testid="stale-why">{move || why.get()}</span>
            <span class="grow"></span>
            {children.map(|children| children())}
        </div>
    }
}

/// What may not be seen, counted; the way to see it as children.
#[component]
pub(crate) fn PartialBar(
    #[prop(into)] words: Signal<String>,
    #[prop(optional)] testid: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="bar is-warn" role="status" data-testid=(!testid.is_empty()).then_some(testid)>
            <Glyph name=GlyphName::Partial />
            <span class="bar-why selectable">{move || words.get()}</span>
            <span class="grow"></span>
            {children.map(|children| children())}
        </div>
    }
}

/// A fault in full: what, why, its last lines, what to do; buttons as children, then try again.
#[component]
pub(crate) fn Failed(
    #[prop(into)] fault: Signal<Fault>,
    #[prop(optional, into)] on_retry: Option<Callback<()>>,
    /// Without a frame, inside a dialog.
    #[prop(optional)]
    bare: bool,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div
            class=if bare { "failed" } else { "panel failed" }
            role="alert"
            data-testid="fault"
            data-code=move || fault_code(&fault.get())
        >
            <Glyph name=GlyphName::Failed size=14 />
            <div class="grow">
                <p class="panel-title is-crit">{move || fault_title(i18n, &fault.get())}</p>
                <p class="panel-text">{move || fault_text(i18n, &fault.get())}</p>
                {move || fault_details(&fault.get())}
                <p class="panel-text">{move || fault_next(i18n, &fault.get())}</p>
                {(on_retry.is_some() || children.is_some())
                    .then(|| {
                        view! {
                            <div class="panel-buttons">
                                {children.map(|children| children())}
                                {on_retry
                                    .map(|on_retry| {
                                        view! {
                                            <Button testid="retry" on_click=on_retry>
                                                {move || t_string!(i18n, app.retry)}
                                            </Button>
                                        }
                                    })}
                            </div>
                        }
                    })}
            </div>
        </div>
    }
}

/// The code as it is written on the wire, for tests and for reports.
pub(crate) fn fault_code(fault: &Fault) -> String {
    serde_json::to_value(fault.code)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| "unknown".into())
}

/// What the system itself said: the cause in its words and the last lines.
fn fault_details(fault: &Fault) -> impl IntoView + use<> {
    let cause = fault.detail.cause.as_deref().map(|cause| {
        let cause = printable(cause).into_owned();
        view! { <p class="fault-cause mono selectable">{cause}</p> }
    });
    let lines = (!fault.detail.lines.is_empty()).then(|| {
        let lines: Vec<_> = fault.detail.lines.iter().map(|line| readable_line(line, zone_min)).collect();
        let lines = printable_lines(&lines.join("\n")).into_owned();
        view! { <pre class="block mono selectable" data-testid="fault-lines">{lines}</pre> }
    });
    view! {
        {cause}
        {lines}
    }
}
