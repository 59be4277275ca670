//! The page: the log of a host, newest first, read back page by page and followed as it is written.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use protocol::journal::{JournalEntry, JournalSight, JournalSource};
use protocol::services::is_unit_name;

use super::entries::{Entries, PRIORITIES, as_text};
use super::entry::{EntryDetail, entry_cells, entry_key, entry_name, row_class};
use super::log::Log;
use crate::components::sort::Sort;
use crate::components::{
    Button, ButtonKind, Choice, Column, CopyButton, Empty, Failed, FreezeButton, PartialBar, SearchInput,
    Segmented, Skeleton, Table, TextInput, of_host, way_in,
};
use crate::format;
use crate::hosts::use_host;
use crate::state::{use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

const TYPING_PAUSE: Duration = Duration::from_millis(250);

/// The log of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn JournalPage() -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let live = host.is_live();
    let log = Log::new(host.name.get_untracked());
    let asked = Memo::new(move |_| log.query());
    let pause = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |before: Option<bool>| {
        let query = asked.get();
        let is_live = live.get();
        if let Some(Some(handle)) = pause.try_update_value(Option::take) {
            handle.clear();
        }
        if let (Some(query), true) = (query, is_live) {
            // The first is asked at once, the others after a pause in typing.
            let wait = if before == Some(true) { TYPING_PAUSE } else { Duration::ZERO };
            pause.set_value(set_timeout_with_handle(move || log.start(query), wait).ok());
        }
        is_live
    });
    Effect::new(move |_| {
        if !log.is_held() {
            log.entries.update(Entries::release);
        }
    });

    let enter = Trigger::new();
    // Without a link no other answer comes.
    let is_behind = move || live.get() && log.is_behind();
    let go_in = way_in(enter, log.text, is_behind, move || log.answered.track());

    let rows = Memo::new(move |_| Arc::new(log.entries.with(Entries::rows)));
    let is_empty = Memo::new(move |_| rows.with(|rows| rows.is_empty()));
    let blocking = Memo::new(move |_| if log.is_read.get() { None } else { log.fault.get() });
    let retry = Callback::new(move |()| {
        if let Some(query) = untrack(|| log.query()) {
            log.start(query);
        }
    });
    let sort = RwSignal::new(Sort::by("time"));
    let columns = Signal::derive(move || {
        vec![
            Column::new("time", "92px", move || t_string!(i18n, journal.time).to_owned()).unsorted(),
            Column::new("priority", "66px", move || t_string!(i18n, journal.priority).to_owned()).unsorted(),
            Column::new("who", "minmax(110px, 0.3fr)", move || t_string!(i18n, journal.who).to_owned())
                .unsorted(),
            Column::new("message", "minmax(200px, 1.6fr)", move || {
                t_string!(i18n, journal.message).to_owned()
            })
            .unsorted(),
        ]
    });
    let body = move || {
        if !live.get() && !log.is_read.get() {
            return view! {
                <div class="page-notice">
                    <Empty
                        title=Signal::derive(move || t_string!(i18n, journal.offline).to_owned())
                        text=Signal::derive(move || t_string!(i18n, journal.offline_body).to_owned())
                        testid="journal-offline"
                    />
                </div>
            }
            .into_any();
        }
        if let Some(fault) = blocking.get() {
            return view! {
                <div class="page-notice">
                    <Failed fault=Signal::stored(fault) on_retry=retry />
                </div>
            }
            .into_any();
        }
        if !log.is_read.get() {
            return view! { <Skeleton rows=14 /> }.into_any();
        }
        if is_empty.get() {
            return view! {
                <div class="page-notice">
                    <Empty
                        title=Signal::derive(move || t_string!(i18n, journal.none).to_owned())
                        text=Signal::derive(move || t_string!(i18n, journal.none_body).to_owned())
                        testid="journal-none"
                    />
                </div>
            }
            .into_any();
        }
        view! {
            <Table
                label=of_host(move |host| t_string!(i18n, journal.table, host = host))
                columns
                rows=Signal::from(rows)
                key=entry_key
                cells=move |row| entry_cells(i18n, row)
                sort
                cursor=log.cursor
                name=Some(entry_name)
                row_class=Some(row_class)
                at_top=log.at_top
                enter
                testid="journal-table"
            />
        }
        .into_any()
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        let target = event_target::<web_sys::Element>(&event).tag_name();
        match event.key().as_str() {
            " " if target != "INPUT" && target != "BUTTON" => {
                event.prevent_default();
                log.paused.update(|paused| *paused = !*paused);
            }
            "Escape" if target != "INPUT" && log.cursor.with_untracked(Option::is_some) => {
                event.prevent_default();
                log.cursor.set(None);
            }
            _ => {}
        }
    };
    view! {
        <main
            class="page live journal-page"
            data-testid="journal-page"
            data-ready=move || {
                (log.is_read.get() || log.fault.with(Option::is_some) || !live.get()).then_some("true")
            }
            on:keydown=keys
        >
            <div class="live-main">
                <Tools log rows=rows.into() go_in />
                <div class="live-body" class:is-stale=move || !live.get()>
                    {body}
                </div>
                <Partial log />
                <Foot log rows=rows.into() />
            </div>
            <EntryDetail rows=rows.into() cursor=log.cursor />
        </main>
    }
}

#[component]
fn Tools(log: Log, rows: Signal<Arc<Vec<Arc<JournalEntry>>>>, go_in: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let unit_bad =
        Memo::new(move |_| log.unit.with(|unit| !unit.trim().is_empty() && !is_unit_name(unit.trim())));
    let [notice, warning, error] = PRIORITIES;
    let choice = |value, testid, words: fn(I18n) -> &'static str| {
        Choice::new(value, testid, move || words(i18n).to_owned())
    };
    view! {
        <div class="tool-row">
            <SearchInput
                value=log.text
                placeholder=Signal::derive(move || t_string!(i18n, journal.filter).to_owned())
                testid="journal-filter"
                filter=true
                on_enter=go_in
                on_down=go_in
            />
            <span class="journal-unit">
                <TextInput
                    value=log.unit
                    testid="journal-unit"
                    placeholder=Signal::derive(move || t_string!(i18n, journal.unit_hint).to_owned())
                    label=Signal::derive(move || t_string!(i18n, journal.unit).to_owned())
                    invalid=unit_bad
                />
            </span>
            <Segmented
                choices=vec![
                    choice(None, "journal-all", |i18n| t_string!(i18n, journal.all)),
                    choice(Some(notice), "journal-notice", |i18n| t_string!(i18n, journal.notice)),
                    choice(Some(warning), "journal-warning", |i18n| t_string!(i18n, journal.warning)),
                    choice(Some(error), "journal-error", |i18n| t_string!(i18n, journal.error)),
                ]
                value=log.priority
                on_change=Callback::new(move |priority| log.priority.set(priority))
                label=Signal::derive(move || t_string!(i18n, journal.least).to_owned())
            />
            <span class="grow"></span>
            <FreezeButton
                on=log.paused
                words=Signal::derive(move || {
                    match log.paused.get() {
                        true => t_string!(i18n, journal.paused),
                        false => t_string!(i18n, journal.pause),
                    }
                    .to_owned()
                })
                testid="journal-pause"
            />
            <CopyButton
                label=Signal::derive(move || t_string!(i18n, tables.copy_text).to_owned())
                testid="journal-copy"
                text=Signal::derive(move || rows.with_untracked(|rows| as_text(rows, format::stamp)))
                rows=Signal::derive(move || rows.with_untracked(|rows| rows.len()))
            />
        </div>
    }
}

/// What may not be seen, and what this host's log cannot do.
#[component]
fn Partial(log: Log) -> impl IntoView {
    let i18n = use_i18n();
    let words = move || {
        log.about.with(|about| {
            let about = about.as_ref()?;
            let mut words = Vec::new();
            match about.sight {
                JournalSight::OwnOnly => words.push(t_string!(i18n, journal.own_only).to_owned()),
                JournalSight::SomeFiles => words.push(t_string!(i18n, journal.some_files).to_owned()),
                JournalSight::Whole | JournalSight::Unknown => {}
            }
            if about.source == JournalSource::Files {
                words.push(t_string!(i18n, journal.from_files).to_owned());
            }
            for filter in &about.not_filtered {
                words.push(match filter.as_str() {
                    "priority" => t_string!(i18n, journal.no_priority).to_owned(),
                    _ => t_string!(i18n, journal.no_unit).to_owned(),
                });
            }
            if about.left_out > 0 {
                words.push(t_string!(i18n, journal.left_out, count = about.left_out));
            }
            (!words.is_empty()).then(|| words.join(" "))
        })
    };
    let words = Memo::new(move |_| words());
    let lost = Memo::new(move |_| if log.is_read.get() { log.fault.get() } else { None });
    move || {
        let bar = words.get().map(|words| {
            view! { <PartialBar words=Signal::stored(words) testid="journal-partial" /> }
        });
        let fault = lost.get().map(|fault| {
            view! { <div class="journal-fault"><Failed fault=Signal::stored(fault) bare=true /></div> }
        });
        view! {
            {fault}
            {bar}
        }
    }
}

#[component]
fn Foot(log: Log, rows: Signal<Arc<Vec<Arc<JournalEntry>>>>) -> impl IntoView {
    let i18n = use_i18n();
    let app = use_app();
    let span = move || {
        rows.with(|rows| {
            let oldest = rows.last()?.at_ms;
            let when = format::moment(oldest, app.now_ms.get(), zone_min(oldest), lang(i18n));
            Some(t_string!(i18n, journal.count_since, count = rows.len(), when = when))
        })
    };
    let waiting = move || {
        let count = log.entries.with(Entries::waiting);
        (count > 0).then(|| {
            view! {
                <Button
                    kind=ButtonKind::Link
                    testid="journal-waiting"
                    on_click=Callback::new(move |()| {
                        log.paused.set(false);
                        log.cursor.set(None);
                        log.entries.update(Entries::release);
                    })
                >
                    {t_string!(i18n, journal.waiting, count = count)}
                </Button>
            }
        })
    };
    let skipped = move || {
        let count = log.skipped.get();
        (count > 0).then(|| {
            view! { <span class="is-warn">{t_string!(i18n, journal.skipped, count = count)}</span> }
        })
    };
    let has_older =
        Memo::new(move |_| log.older.with(Option::is_some) && !log.entries.with(Entries::is_full));
    view! {
        <div class="count-line" data-testid="journal-count">
            <span>{span}</span>
            {waiting}
            {skipped}
            <span class="grow"></span>
            <Show
                when=move || has_older.get()
                fallback=move || {
                    (log.is_read.get() && log.older.with(Option::is_none))
                        .then(|| view! { <span class="dim">{t_string!(i18n, journal.beginning)}</span> })
                }
            >
                <Button
                    kind=ButtonKind::Link
                    testid="journal-older"
                    disabled=log.is_reading_older
                    on_click=Callback::new(move |()| log.read_older())
                >
                    {move || t_string!(i18n, journal.older)}
                </Button>
            </Show>
        </div>
    }
}
