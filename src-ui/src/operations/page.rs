//! The pages: the inbox of all hosts, and the same for one host.

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;
use protocol::operations::OperationKind;
use protocol::text::printable;
use std::time::Duration;

use super::desk::{DAYS, Desk, RESULTS, Which};
use super::detail::OperationDetail;
use super::export::ExportDialog;
use super::list::OperationList;
use super::verify::VerifyDialog;
use super::words::{kind_words, result_words};
use crate::app::TopBar;
use crate::components::{
    Button, Choice, Empty, Failed, IconName, SearchInput, Segmented, SelectInput, Skeleton, way_in,
};
use crate::format;
use crate::hosts::use_host;
use crate::state::use_app;
use crate::text::{I18n, t_string, use_i18n};

const TYPING_PAUSE: Duration = Duration::from_millis(120);

/// The inbox of operations, of all hosts.
#[component]
pub(crate) fn OperationsPage() -> impl IntoView {
    let i18n = use_i18n();
    let desk = Desk::new(None);
    let query = use_query_map();
    Effect::new(move |_| {
        let wanted = query.with(|query| query.get("id").and_then(|id| id.parse::<u64>().ok()));
        if let Some(id) = wanted {
            desk.show(id);
        }
    });
    let unread = move || desk.counts.with(|counts| counts.unread);
    let (exporting, verifying) = (RwSignal::new(false), RwSignal::new(false));
    view! {
        <TopBar>
            <Button testid="operations-verify" on_click=Callback::new(move |()| verifying.set(true))>
                {move || t_string!(i18n, operations.verify)}
            </Button>
            <Button testid="operations-export" on_click=Callback::new(move |()| exporting.set(true))>
                {move || t_string!(i18n, operations.export)}
            </Button>
            <Button
                icon=IconName::Check
                testid="operations-mark-all"
                disabled=Signal::derive(move || unread() == 0)
                on_click=Callback::new(move |()| desk.mark_all())
            >
                {move || match desk.is_filtered() {
                    // How many a filter finds is known when they are marked.
                    true => t_string!(i18n, operations.mark_found).to_owned(),
                    false => t_string!(i18n, operations.mark_all, count = unread()),
                }}
            </Button>
        </TopBar>
        <Operations desk />
        <Show when=move || exporting.get()>
            <ExportDialog desk open=exporting />
        </Show>
        <Show when=move || verifying.get()>
            <VerifyDialog open=verifying />
        </Show>
    }
}

/// The operations of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn HostOperationsPage() -> impl IntoView {
    let host = use_host();
    view! { <Operations desk=Desk::new(Some(host.name.get_untracked())) /> }
}

#[component]
fn Operations(desk: Desk) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let is_own_host = desk.own_host.with_value(Option::is_some);
    follow(desk);
    let enter = Trigger::new();
    let go_in = way_in(enter, desk.text, move || desk.is_behind(), move || desk.inbox.track());
    // What was begun or finished elsewhere joins the list; nothing on screen moves for it.
    Effect::new(move |before: Option<()>| {
        app.counts.track();
        app.log_record.track();
        if before.is_some() {
            desk.read(false);
        }
    });
    let count_words = move || {
        let (shown, total) = (desk.inbox.with(|inbox| inbox.len()), desk.counts.with(|counts| counts.total));
        let (number, total) = (format::count(shown as u64), format::count(total));
        if is_own_host {
            // How many of the whole log are this host's is known once all are read.
            return if desk.next.with(Option::is_some) { format!("{number}+") } else { number };
        }
        match desk.next.get() {
            Some(_) => t_string!(i18n, operations.count_of_more, shown = number, total = total),
            None => t_string!(i18n, operations.count_of, shown = number, total = total),
        }
    };
    let is_empty = Memo::new(move |_| desk.inbox.with(|inbox| inbox.len() == 0));
    let is_ready = Memo::new(move |_| desk.is_read.get());
    let blocking = Memo::new(move |_| desk.fault.get().filter(|_| is_empty.get()));
    let body = move || {
        if let Some(fault) = blocking.get() {
            return view! {
                <div class="page-notice">
                    <Failed fault=Signal::stored(fault) on_retry=Callback::new(move |()| desk.read(true)) />
                </div>
            }
            .into_any();
        }
        if !is_ready.get() {
            return view! { <Skeleton rows=12 /> }.into_any();
        }
        if is_empty.get() {
            return view! { <NoOperations desk /> }.into_any();
        }
        view! {
            <div class="operations-columns">
                <OperationList desk enter />
                <OperationDetail desk />
            </div>
        }
        .into_any()
    };
    let counted = move |pick: fn(&protocol::operations::OperationCounts) -> u64| {
        move || match is_own_host {
            // The counts are those of the whole log, not of one host.
            true => String::new(),
            false => format::count(desk.counts.with(pick)),
        }
    };
    view! {
        <main
            class="page operations"
            data-testid="operations-page"
            data-ready=move || is_ready.get().then_some("true")
            on:keydown=move |event| {
                let target = event_target::<web_sys::Element>(&event).tag_name();
                let is_plain = !event.ctrl_key() && !event.alt_key() && !event.meta_key();
                if is_plain && event.key().eq_ignore_ascii_case("u") && !matches!(target.as_str(), "INPUT" | "SELECT")
                    && let Some(id) = desk.chosen.get_untracked()
                {
                    event.prevent_default();
                    desk.mark_unread(id);
                }
            }
        >
            <div class="tool-row">
                <SearchInput
                    value=desk.text
                    placeholder=Signal::derive(move || t_string!(i18n, operations.search).to_owned())
                    testid="operations-filter"
                    filter=true
                    on_enter=go_in
                    on_down=go_in
                />
                <Segmented
                    choices=vec![
                        Choice::new(Which::All, "operations-all", move || t_string!(i18n, operations.all).to_owned()),
                        Choice::new(Which::Unread, "operations-unread", move || {
                            t_string!(i18n, operations.unread).to_owned()
                        })
                            .counted(counted(|counts| counts.unread)),
                        Choice::new(Which::Failed, "operations-failed", move || {
                            t_string!(i18n, operations.failed).to_owned()
                        })
                            .counted(counted(|counts| counts.failed)),
                    ]
                    value=desk.which
                    on_change=Callback::new(move |which| desk.which.set(which))
                    label=Signal::derive(move || t_string!(i18n, operations.which).to_owned())
                />
                <span class="divider"></span>
                {(!is_own_host).then(|| view! { <HostFilter desk /> })}
                <SelectInput
                    value=desk.kind
                    options=Signal::derive(move || kind_options(i18n))
                    label=Signal::derive(move || t_string!(i18n, operations.filter_kind).to_owned())
                    testid="operations-kind"
                />
                <SelectInput
                    value=desk.result
                    options=Signal::derive(move || result_options(i18n))
                    label=Signal::derive(move || t_string!(i18n, operations.filter_result).to_owned())
                    testid="operations-result"
                />
                <SelectInput
                    value=desk.operator
                    options=Signal::derive(move || operator_options(i18n, desk))
                    label=Signal::derive(move || t_string!(i18n, operations.filter_operator).to_owned())
                    testid="operations-operator"
                />
                <SelectInput
                    value=desk.days
                    options=Signal::derive(move || time_options(i18n))
                    label=Signal::derive(move || t_string!(i18n, operations.filter_time).to_owned())
                    testid="operations-days"
                />
                <span class="grow"></span>
                <span class="quiet operations-count" data-testid="operations-count">{count_words}</span>
            </div>
            <div class="operations-body">{body}</div>
        </main>
    }
}

/// Asks anew when a filter changes: the text after a pause, the rest at once.
fn follow(desk: Desk) {
    let pause = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(handle)) = pause.try_update_value(Option::take) {
            handle.clear();
        }
    };
    Effect::new(move |before: Option<String>| {
        let text = desk.text.get();
        if before.is_some_and(|before| before != text) {
            stop();
            desk.wait_for_text();
            pause.set_value(set_timeout_with_handle(move || desk.read(true), TYPING_PAUSE).ok());
        }
        text
    });
    on_cleanup(stop);
    Effect::new(move |_| {
        desk.which.track();
        desk.host.track();
        desk.kind.track();
        desk.result.track();
        desk.operator.track();
        desk.days.track();
        desk.read(true);
    });
}

/// Hosts that are saved now; an entry of a host that was removed is found by the text.
#[component]
fn HostFilter(desk: Desk) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let options = move || {
        let mut options = vec![(String::new(), t_string!(i18n, operations.host_all).to_owned())];
        let mut names: BTreeSet<String> = app.names().into_iter().collect();
        // One that is filtered by and was removed since stays, to be seen and let go.
        names.extend(Some(desk.host.get()).filter(|name| !name.is_empty()));
        options.extend(names.into_iter().map(|name| {
            let shown = printable(&name).into_owned();
            (name, t_string!(i18n, operations.host_is, name = shown))
        }));
        options
    };
    view! {
        <SelectInput
            value=desk.host
            options=Signal::derive(options)
            label=Signal::derive(move || t_string!(i18n, operations.filter_host).to_owned())
            testid="operations-host"
        />
    }
}

/// Operators that are in what is loaded; the one who is chosen stays.
fn operator_options(i18n: I18n, desk: Desk) -> Vec<(String, String)> {
    let mut names = desk.inbox.with(|inbox| inbox.operators());
    let chosen = desk.operator.get();
    if !chosen.is_empty() {
        names.insert(chosen);
    }
    let mut options = vec![(String::new(), t_string!(i18n, operations.operator_all).to_owned())];
    options.extend(names.into_iter().map(|name| {
        let shown = printable(&name).into_owned();
        (name, t_string!(i18n, operations.operator_is, name = shown))
    }));
    options
}

fn time_options(i18n: I18n) -> Vec<(String, String)> {
    let [day, week, month] = DAYS;
    [
        ("", t_string!(i18n, operations.time_all)),
        (day, t_string!(i18n, operations.time_day)),
        (week, t_string!(i18n, operations.time_week)),
        (month, t_string!(i18n, operations.time_month)),
    ]
    .map(|(days, words)| (days.to_owned(), words.to_owned()))
    .to_vec()
}

fn kind_options(i18n: I18n) -> Vec<(String, String)> {
    let mut options = vec![(String::new(), t_string!(i18n, operations.kind_all).to_owned())];
    options.extend(OperationKind::ALL.map(|kind| {
        let name = kind_words(i18n, kind);
        (kind.name().to_owned(), t_string!(i18n, operations.kind_is, name = name))
    }));
    options
}

fn result_options(i18n: I18n) -> Vec<(String, String)> {
    let mut options = vec![(String::new(), t_string!(i18n, operations.result_all).to_owned())];
    options.extend(RESULTS.map(|result| {
        let name = result_words(i18n, result);
        (result.words().to_owned(), t_string!(i18n, operations.result_is, name = name))
    }));
    options
}

/// Why there is nothing to read, and what can be done.
#[component]
fn NoOperations(desk: Desk) -> impl IntoView {
    let i18n = use_i18n();
    let words = move || match (desk.is_filtered(), desk.which.get()) {
        (false, _) => (t_string!(i18n, operations.empty_title), t_string!(i18n, operations.empty_body)),
        (true, Which::Unread) if desk.text.with(String::is_empty) => {
            (t_string!(i18n, operations.none_unread), t_string!(i18n, operations.none_unread_body))
        }
        (true, Which::Failed) if desk.text.with(String::is_empty) => {
            (t_string!(i18n, operations.none_failed), t_string!(i18n, operations.none_failed_body))
        }
        (true, _) => (t_string!(i18n, operations.none_match), t_string!(i18n, operations.none_match_body)),
    };
    view! {
        <div class="page-notice">
            <Empty
                title=Signal::derive(move || words().0.to_owned())
                text=Signal::derive(move || words().1.to_owned())
                testid="operations-none"
            >
                <Show
                    when=move || desk.is_filtered()
                    fallback=move || {
                        view! {
                            <A href="/hosts" attr:class="button">
                                {move || t_string!(i18n, operations.empty_hosts)}
                            </A>
                        }
                    }
                >
                    <Button testid="operations-clear" on_click=Callback::new(move |()| desk.clear_filters())>
                        {move || t_string!(i18n, operations.clear_filters)}
                    </Button>
                </Show>
            </Empty>
        </div>
    }
}
