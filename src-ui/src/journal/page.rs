//! The page: the log of a host, newest first, read back page by page and followed as it is written.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::JournalShow;
use protocol::journal::{JournalEntry, JournalNews, JournalQuery, JournalSight, JournalSource, PRIORITIES};
use protocol::services::is_unit_name;
use protocol::text::{printable, printable_lines};
use protocol::{Fault, FaultCode};

use super::entries::{Entries, as_text};
use crate::components::sort::Sort;
use crate::components::{
    Button, ButtonKind, Choice, Column, CopyButton, Empty, Failed, Icon, IconName, KeyCap, PartialBar,
    SearchInput, Segmented, Skeleton, Table, TextInput, of_host,
};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::use_host;
use crate::ipc;
use crate::state::{use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

const TYPING_PAUSE: Duration = Duration::from_millis(250);

/// What the page knows and whether it is held still.
#[derive(Clone, Copy)]
struct Log {
    host: StoredValue<String>,
    text: RwSignal<String>,
    unit: RwSignal<String>,
    /// This priority and more severe ones.
    priority: RwSignal<Option<u8>>,
    entries: RwSignal<Entries>,
    older: RwSignal<Option<String>>,
    about: RwSignal<Option<About>>,
    fault: RwSignal<Option<Fault>>,
    is_read: RwSignal<bool>,
    is_reading_older: RwSignal<bool>,
    paused: RwSignal<bool>,
    /// The list stands at its newest entry.
    at_top: RwSignal<bool>,
    cursor: RwSignal<Option<String>>,
    skipped: RwSignal<u64>,
    stream: StoredValue<Option<ipc::Stream>, LocalStorage>,
    /// Answers to an earlier question are dropped.
    question: StoredValue<u64>,
}

/// What a page says of the log beside its entries.
#[derive(Clone, Debug, PartialEq)]
struct About {
    source: JournalSource,
    sight: JournalSight,
    not_filtered: Vec<String>,
    left_out: u32,
}

impl Log {
    fn new(host: String) -> Self {
        let log = Self {
            host: StoredValue::new(host),
            text: RwSignal::new(String::new()),
            unit: RwSignal::new(String::new()),
            priority: RwSignal::new(None),
            entries: RwSignal::new(Entries::default()),
            older: RwSignal::new(None),
            about: RwSignal::new(None),
            fault: RwSignal::new(None),
            is_read: RwSignal::new(false),
            is_reading_older: RwSignal::new(false),
            paused: RwSignal::new(false),
            at_top: RwSignal::new(true),
            cursor: RwSignal::new(None),
            skipped: RwSignal::new(0),
            stream: StoredValue::new_local(None),
            question: StoredValue::new(0),
        };
        on_cleanup(move || log.unfollow());
        log
    }

    /// What is asked for; `None` while the unit is not a whole name yet.
    fn query(self) -> Option<JournalQuery> {
        let unit = self.unit.with(|unit| unit.trim().to_owned());
        if !unit.is_empty() && !is_unit_name(&unit) {
            return None;
        }
        Some(JournalQuery {
            unit: (!unit.is_empty()).then_some(unit),
            priority: self.priority.get(),
            text: self.text.with(|text| text.trim().to_owned()),
            ..JournalQuery::default()
        })
    }

    fn is_held(self) -> bool {
        self.paused.get() || !self.at_top.get() || self.cursor.with(Option::is_some)
    }

    fn unfollow(self) {
        if let Some(Some(_)) = self.stream.try_update_value(Option::take) {
            spawn_local(ipc::unfollow_journal());
        }
    }

    /// Reads the newest page and follows from there.
    fn start(self, query: JournalQuery) {
        self.unfollow();
        let Some(question) = self.question.try_update_value(|question| {
            *question += 1;
            *question
        }) else {
            return;
        };
        let is_current = move || self.question.try_get_value() == Some(question);
        let host = self.host.get_value();
        spawn_local(async move {
            let told = ipc::call(JournalShow { host: host.clone(), query: query.clone() }).await;
            if !is_current() {
                return;
            }
            let page = match told {
                Ok(page) => page,
                Err(fault) => {
                    self.fault.set(Some(fault));
                    return;
                }
            };
            self.fault.set(None);
            self.cursor.set(None);
            self.skipped.set(0);
            self.older.set(page.older);
            self.about.set(Some(About {
                source: page.source,
                sight: page.sight,
                not_filtered: page.not_filtered,
                left_out: page.left_out,
            }));
            self.entries.set(Entries::of_page(page.entries));
            self.is_read.set(true);
            let follow = JournalQuery { after: page.newer, ..query };
            let on_news = move |news: Result<JournalNews, Fault>| {
                if is_current() {
                    self.take(news);
                }
            };
            match ipc::follow_journal(JournalShow { host, query: follow }, on_news).await {
                Ok(stream) if is_current() => {
                    self.stream.try_update_value(|kept| kept.replace(stream));
                }
                Ok(_) => {}
                // The entries stand; only what comes after them is not seen.
                Err(fault) => drop(self.fault.try_set(Some(fault))),
            }
        });
    }

    fn take(self, news: Result<JournalNews, Fault>) {
        match news {
            Ok(news) => {
                let is_held = untrack(|| self.is_held());
                self.entries.update(|entries| entries.add_newer(news.entries, is_held));
                self.skipped.update(|skipped| *skipped = (*skipped).max(news.skipped));
            }
            // A lost link is said by the state of the host.
            Err(fault) if fault.code == FaultCode::LinkLost => {}
            Err(fault) => self.fault.set(Some(fault)),
        }
    }

    fn read_older(self) {
        let (Some(before), Some(query)) = (self.older.get_untracked(), untrack(|| self.query())) else {
            return;
        };
        if self.is_reading_older.get_untracked() {
            return;
        }
        self.is_reading_older.set(true);
        let question = self.question.get_value();
        let host = self.host.get_value();
        spawn_local(async move {
            let query = JournalQuery { before: Some(before), ..query };
            let told = ipc::call(JournalShow { host, query }).await;
            self.is_reading_older.try_set(false);
            if self.question.try_get_value() != Some(question) {
                return;
            }
            match told {
                Ok(page) => {
                    self.older.set(page.older);
                    self.entries.update(|entries| entries.add_older(page.entries));
                }
                Err(fault) => self.fault.set(Some(fault)),
            }
        });
    }
}

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
                row_class=Some(row_class)
                at_top=log.at_top
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
                log.cursor.set(None)
            }
            _ => {}
        }
    };
    view! {
        <main
            class="page live journal"
            data-testid="journal-page"
            data-ready=move || {
                (log.is_read.get() || log.fault.with(Option::is_some) || !live.get()).then_some("true")
            }
            on:keydown=keys
        >
            <div class="live-main">
                <Tools log rows=rows.into() />
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
fn Tools(log: Log, rows: Signal<Arc<Vec<Arc<JournalEntry>>>>) -> impl IntoView {
    let i18n = use_i18n();
    let unit_bad =
        Memo::new(move |_| log.unit.with(|unit| !unit.trim().is_empty() && !is_unit_name(unit.trim())));
    let choice = |value, testid, words: fn(I18n) -> &'static str| {
        Choice::new(value, testid, move || words(i18n).to_owned())
    };
    view! {
        <div class="tool-row">
            <SearchInput
                value=log.text
                placeholder=Signal::derive(move || t_string!(i18n, journal.filter).to_owned())
                testid="journal-filter"
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
                    choice(Some(5), "journal-notice", |i18n| t_string!(i18n, journal.notice)),
                    choice(Some(4), "journal-warning", |i18n| t_string!(i18n, journal.warning)),
                    choice(Some(3), "journal-error", |i18n| t_string!(i18n, journal.error)),
                ]
                value=log.priority
                on_change=Callback::new(move |priority| log.priority.set(priority))
                label=Signal::derive(move || t_string!(i18n, journal.least).to_owned())
            />
            <span class="grow"></span>
            <button
                type="button"
                class="button is-ghost freeze"
                class:is-on=move || log.paused.get()
                aria-pressed=move || if log.paused.get() { "true" } else { "false" }
                data-testid="journal-pause"
                on:click=move |_| log.paused.update(|paused| *paused = !*paused)
            >
                <Icon name=IconName::Freeze />
                <span class="button-text">
                    {move || match log.paused.get() {
                        true => t_string!(i18n, journal.paused),
                        false => t_string!(i18n, journal.pause),
                    }}
                </span>
                <KeyCap key="Space" />
            </button>
            <CopyButton
                label=Signal::derive(move || t_string!(i18n, tables.copy_text).to_owned())
                testid="journal-copy"
                text=Signal::derive(move || rows.with_untracked(|rows| as_text(rows, format::stamp)))
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

#[component]
fn EntryDetail(rows: Signal<Arc<Vec<Arc<JournalEntry>>>>, cursor: RwSignal<Option<String>>) -> impl IntoView {
    let i18n = use_i18n();
    let chosen = Memo::new(move |_| {
        let key = cursor.get()?;
        rows.with(|rows| rows.iter().find(|entry| entry.cursor == key).cloned())
    });
    move || {
        let entry = chosen.get()?;
        let tongue = lang(i18n);
        let known = |text: Option<&str>| {
            text.map_or_else(|| NOT_KNOWN.to_owned(), |text| printable(text).into_owned())
        };
        let facts = [
            (t_string!(i18n, journal.time), format::date_time(entry.at_ms, zone_min(entry.at_ms), tongue)),
            (t_string!(i18n, journal.priority), known(entry.priority.and_then(priority_name))),
            (t_string!(i18n, journal.unit), known(entry.unit.as_deref())),
            (t_string!(i18n, journal.who), known(entry.identifier.as_deref())),
            ("PID", entry.pid.map_or_else(|| NOT_KNOWN.to_owned(), |pid| pid.to_string())),
            (t_string!(i18n, journal.host), known(entry.host.as_deref())),
        ];
        let cut = (entry.left_out_bytes > 0).then(|| {
            let size = format::bytes(entry.left_out_bytes);
            view! { <p class="dim">{t_string!(i18n, processes.command_cut, size = size)}</p> }
        });
        Some(view! {
            <aside class="side-detail" data-testid="journal-detail">
                <header class="side-head">
                    <h2 class="cut">{known(entry.identifier.as_deref())}</h2>
                    <span class="grow"></span>
                    <Button
                        kind=ButtonKind::Ghost
                        small=true
                        icon=IconName::Cross
                        label=Signal::derive(move || t_string!(i18n, sockets.close_detail).to_owned())
                        testid="journal-detail-close"
                        on_click=Callback::new(move |()| cursor.set(None))
                    />
                </header>
                <section class="side-section">
                    <div class="facts-head">
                        <h3>{t_string!(i18n, journal.message)}</h3>
                        <CopyButton text=Signal::stored(entry.message.clone()) />
                    </div>
                    <pre class="block mono selectable" data-testid="journal-message">
                        {printable_lines(&entry.message).into_owned()}
                    </pre>
                    {cut}
                </section>
                <section class="side-section selectable">
                    <dl class="facts">
                        {facts
                            .into_iter()
                            .map(|(label, value)| {
                                view! {
                                    <dt>{label}</dt>
                                    <dd title=value.clone()>{value.clone()}</dd>
                                }
                            })
                            .collect_view()}
                    </dl>
                </section>
            </aside>
        })
    }
}

fn entry_key(entry: &Arc<JournalEntry>) -> String {
    entry.cursor.clone()
}

fn priority_name(priority: u8) -> Option<&'static str> {
    PRIORITIES.get(usize::from(priority)).copied()
}

fn row_class(entry: &Arc<JournalEntry>) -> &'static str {
    match entry.priority {
        Some(0..=3) => "is-error",
        Some(4) => "is-warning",
        Some(7) => "is-quiet",
        _ => "",
    }
}

fn entry_cells(i18n: I18n, row: ArcRwSignal<Arc<JournalEntry>>) -> AnyView {
    let app = use_app();
    (move || {
        let entry = row.get();
        let at_ms = entry.at_ms;
        let zone = zone_min(at_ms);
        // The day is said where it is not today.
        let time = match format::days_ago(at_ms, untrack(|| app.now_ms.get()), zone) {
            0 => format::clock(at_ms, zone),
            _ => format::moment(at_ms, untrack(|| app.now_ms.get()), zone, lang(i18n)),
        };
        let title = format::date_time(at_ms, zone, lang(i18n));
        let who = entry.identifier.as_deref().or(entry.unit.as_deref());
        let who = who.map_or_else(|| NOT_KNOWN.to_owned(), |who| printable(who).into_owned());
        let first = entry.message.lines().next().unwrap_or_default();
        let more = entry.message.lines().nth(1).is_some().then_some(" \u{2026}");
        let priority = entry.priority.and_then(priority_name).unwrap_or(NOT_KNOWN);
        let priority_class = match entry.priority {
            Some(0..=3) => "cell is-crit strong",
            Some(4) => "cell is-warn",
            _ => "cell dim",
        };
        view! {
            <span class="cell mono dim" role="gridcell" title=title>{time}</span>
            <span class=priority_class role="gridcell">{priority}</span>
            <span class="cell quiet" role="gridcell" title=who.clone()>{who.clone()}</span>
            <span class="cell mono journal-message" role="gridcell">
                {printable(first).into_owned()}
                {more}
            </span>
        }
    })
    .into_any()
}
