//! The panel at the side of a table: one row in full, in sections, with what can be done at its foot.

use leptos::prelude::*;

use super::{Button, ButtonKind, CopyButton, IconName};
use crate::text::{t_string, use_i18n};

/// Closed by its cross, and by Esc in the table beside it.
#[component]
pub(crate) fn SidePanel(
    /// Safe to show.
    #[prop(into)]
    title: Signal<String>,
    /// An address or a path.
    #[prop(optional)]
    mono: bool,
    /// Quiet, behind the title.
    #[prop(optional, into)]
    beside: Signal<Option<String>>,
    /// Below the title: that it is gone by now.
    #[prop(optional, into)]
    warning: Signal<Option<String>>,
    #[prop(optional, into)] note: Signal<Option<String>>,
    /// `None` and `Some` of the row that has the cursor: the panel closes with it.
    cursor: RwSignal<Option<String>>,
    testid: &'static str,
    close_testid: &'static str,
    #[prop(optional_no_strip)] foot: Option<ViewFn>,
    children: Children,
) -> impl IntoView {
    let i18n = use_i18n();
    let line = move |text: Signal<Option<String>>, class: &'static str, role: Option<&'static str>| {
        move || text.get().map(|text| view! { <p class=class role=role>{text}</p> })
    };
    view! {
        <aside class="side-detail" data-testid=testid aria-label=move || title.get()>
            <header class="side-head">
                <h2 class="cut selectable" class:mono=mono title=move || title.get()>
                    {move || title.get()}
                </h2>
                {move || beside.get().map(|words| view! { <span class="quiet">{words}</span> })}
                <span class="grow"></span>
                <Button
                    kind=ButtonKind::Ghost
                    small=true
                    icon=IconName::Cross
                    label=Signal::derive(move || t_string!(i18n, sockets.close_detail).to_owned())
                    testid=close_testid
                    on_click=Callback::new(move |()| cursor.set(None))
                />
                {line(note, "quiet", None)}
                {line(warning, "is-warn", Some("status"))}
            </header>
            {children()}
            {foot.map(|foot| view! { <footer class="side-foot">{move || foot.run()}</footer> })}
        </aside>
    }
}

/// A part of the panel.
#[component]
pub(crate) fn SideSection(
    #[prop(optional, into)] title: Option<String>,
    /// Text that a button beside the title copies.
    #[prop(optional, into)]
    copy: Option<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="side-section selectable">
            {title
                .map(|title| {
                    view! {
                        <div class="facts-head">
                            <h3>{title}</h3>
                            {copy.map(|text| view! { <CopyButton text=Signal::stored(text) /> })}
                        </div>
                    }
                })}
            {children()}
        </section>
    }
}

/// Labels with their values, safe to show; a value that is not known is a dash.
#[component]
pub(crate) fn Facts(facts: Vec<(&'static str, Option<String>)>) -> impl IntoView {
    let lines = facts.into_iter().map(|(label, value)| {
        let value = value.unwrap_or_else(|| crate::format::NOT_KNOWN.to_owned());
        view! {
            <dt>{label}</dt>
            <dd title=value.clone()>{value.clone()}</dd>
        }
    });
    view! { <dl class="facts">{lines.collect_view()}</dl> }
}
