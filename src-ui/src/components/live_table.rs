//! The view of a table of a host: search, freeze, copy, the table itself, and what is said below it.
//!
//! A page gives its columns, how a row looks and what it says when there is nothing; all that every
//! such table does alike is here. The question runs in the engine, the order is made here.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::delta::Table as Rows;
use protocol::text::printable;

use super::columns::{self, Columns};
use super::live_query::LiveQuery;
use super::selection::Selection;
use super::{
    Button, ButtonKind, ChosenBar, Column, ColumnChooser, CopyButton, Failed, FreezeButton, Marks,
    SearchInput, Skeleton, Table, copy_text, kept_shape, rows_copied, way_in,
};
use crate::format;
use crate::hosts::use_host;
use crate::overview::HostStaleBar;
use crate::state::use_app;
use crate::text::{I18n, lang, t_string, use_i18n};

/// What the answers about a host's tables have in common.
pub(crate) trait TableAnswer: Rows<Row: Send + Sync + 'static> + Send + Sync + 'static {
    /// True if the rows are from the last snapshot and the host was not asked.
    fn stale(&self) -> bool;
    /// When the rows were read.
    fn at_ms(&self) -> i64;
    fn took_ms(&self) -> u64;
    /// Rows of the host before the query.
    fn total(&self) -> u32;
    /// Rows that the host has and that are not here.
    fn left_out(&self) -> u32;
}

/// `TableAnswer` of an answer of the protocol, whose fields have these names; what is left out has
/// not one name in all of them.
macro_rules! table_answer {
    ($answer:ty, left_out: $left_out:expr) => {
        impl $crate::components::TableAnswer for $answer {
            fn stale(&self) -> bool {
                self.stale
            }

            fn at_ms(&self) -> i64 {
                self.at_ms
            }

            fn took_ms(&self) -> u64 {
                self.took_ms
            }

            fn total(&self) -> u32 {
                self.total
            }

            fn left_out(&self) -> u32 {
                let pick: fn(&$answer) -> u32 = $left_out;
                pick(self)
            }
        }
    };
}
pub(crate) use table_answer;

impl<A: TableAnswer> LiveQuery<A> {
    /// The time of what is shown: a snapshot's own, else when the answer came.
    pub(crate) fn as_of_ms(self) -> Option<i64> {
        match self.with(|answer| answer.stale().then_some(answer.at_ms()))? {
            Some(at_ms) => Some(at_ms),
            None => self.received_ms.get(),
        }
    }
}

/// The columns of a page: their words and widths, and what is before and behind them.
#[derive(Clone, Copy)]
pub(crate) struct Heads<K> {
    pub(crate) words: fn(I18n, K) -> &'static str,
    /// A track of a CSS grid for each.
    pub(crate) track: fn(K) -> &'static str,
    /// Tracks of columns without a head, such as one for a glyph.
    pub(crate) first: Option<&'static str>,
    pub(crate) last: Option<&'static str>,
}

impl<K: Columns> Heads<K> {
    fn columns(self, i18n: I18n) -> Vec<Column> {
        let untitled = |id: &'static str, track| Column::new(id, track, String::new).unsorted();
        let own = K::ALL.iter().map(|&column| {
            let head =
                Column::new(column.id(), (self.track)(column), move || (self.words)(i18n, column).to_owned());
            if column.is_numeric() { head.numeric() } else { head }
        });
        let first = self.first.map(|track| untitled("first", track));
        let last = self.last.map(|track| untitled("last", track));
        first.into_iter().chain(own).chain(last).collect()
    }
}

/// The names that tests know the parts of a page by.
#[derive(Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) noun: &'static str,
    pub(crate) page: &'static str,
    pub(crate) table: &'static str,
    pub(crate) filter: &'static str,
    pub(crate) freeze: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) csv: &'static str,
    pub(crate) count: &'static str,
    pub(crate) new: &'static str,
    pub(crate) columns: &'static str,
}

/// `Ids` of a noun.
macro_rules! ids {
    ($noun:literal) => {
        $crate::components::Ids {
            noun: $noun,
            page: concat!($noun, "-page"),
            table: concat!($noun, "-table"),
            filter: concat!($noun, "-filter"),
            freeze: concat!($noun, "-freeze"),
            copy: concat!($noun, "-copy"),
            csv: concat!($noun, "-copy-csv"),
            count: concat!($noun, "-count"),
            new: concat!($noun, "-new"),
            columns: concat!($noun, "-columns"),
        }
    };
}
pub(crate) use ids;

#[component]
pub(crate) fn LiveTable<A, K, C>(
    ids: Ids,
    query: LiveQuery<A>,
    /// What is searched for.
    text: RwSignal<String>,
    #[prop(into)] placeholder: Signal<String>,
    /// Name of the table for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    heads: Heads<K>,
    key: fn(&K::Row) -> String,
    cells: C,
    cursor: RwSignal<Option<String>>,
    /// The rows that are chosen together.
    selection: RwSignal<Selection>,
    /// `412 sockets`.
    count: fn(I18n, u32) -> String,
    /// Says why there is no row.
    #[prop(into)]
    empty: ViewFn,
    #[prop(optional_no_strip)] on_open: Option<Callback<String>>,
    #[prop(optional_no_strip)] on_key: Option<Callback<leptos::ev::KeyboardEvent, bool>>,
    #[prop(optional_no_strip)] row_class: Option<fn(&K::Row) -> &'static str>,
    #[prop(optional_no_strip)] row_testid: Option<fn(&K::Row) -> String>,
    /// More counts, behind the first.
    #[prop(optional, into)]
    counts: Option<ViewFn>,
    /// Between the table and its counts: what may not be seen.
    #[prop(optional, into)]
    partial: Option<ViewFn>,
    /// At the side: the row with the cursor in full.
    #[prop(optional, into)]
    detail: Option<ViewFn>,
    /// What can be done to several rows at once, in the place of the choices while more than one is
    /// chosen.
    #[prop(optional, into)]
    several: Option<ViewFn>,
    /// Choices beside the search.
    children: Children,
) -> impl IntoView
where
    A: TableAnswer<Row = K::Row>,
    K: Columns,
    K::Row: Clone + PartialEq + Send + Sync + 'static,
    C: Fn(ArcRwSignal<K::Row>) -> AnyView + Clone + Send + Sync + 'static,
{
    let app = use_app();
    let i18n = use_i18n();
    let live = use_host().is_live();
    let is_read = query.is_read();
    let blocking = query.blocking_fault();
    let (rows, sort) = (query.rows, query.sort);
    let is_empty = Memo::new(move |_| rows.with(|rows| rows.is_empty()));
    let shape = kept_shape(ids.noun);
    let columns = Signal::derive(move || heads.columns(i18n));
    let chosen_rows = query.chosen(selection);
    let chosen = Memo::new(move |_| chosen_rows.with(|rows| rows.len()));
    let at_cursor = query.at(cursor);
    let can_several = several.is_some();
    let several = StoredValue::new(several);
    let is_several = Memo::new(move |_| can_several && chosen.get() > 1);
    // What is copied: the chosen rows, else all of them.
    let meant = move || -> Arc<Vec<K::Row>> {
        match chosen.get_untracked() {
            0 => rows.get_untracked(),
            _ => chosen_rows.get_untracked(),
        }
    };
    let toggle = move || query.frozen.update(|frozen| *frozen = !*frozen);
    let shown = move || {
        untrack(|| shape.with(|shape| columns::shown(shape, |column: K| (heads.words)(i18n, column))))
    };
    let as_text = move |rows: &[K::Row]| columns::as_text::<K>(rows, &shown());
    let enter = Trigger::new();
    let go_in = way_in(enter, text, move || query.is_behind(), move || query.question.track());

    let keys = move |event: leptos::ev::KeyboardEvent| {
        let target = event_target::<web_sys::Element>(&event).tag_name();
        if target == "INPUT" {
            return;
        }
        match event.key().as_str() {
            " " if target != "BUTTON" => {
                event.prevent_default();
                toggle();
            }
            "Escape" if !selection.with_untracked(Selection::is_empty) => {
                event.prevent_default();
                selection.update(Selection::clear);
            }
            "Escape" if cursor.with_untracked(Option::is_some) => {
                event.prevent_default();
                cursor.set(None);
            }
            "c" if event.ctrl_key() || event.meta_key() => {
                let row = at_cursor.get_untracked();
                let rows = match chosen.get_untracked() {
                    0 => row.into_iter().collect(),
                    _ => meant().to_vec(),
                };
                if !rows.is_empty() {
                    event.prevent_default();
                    copy_text(app, as_text(&rows), rows_copied(rows.len()));
                }
            }
            _ => {}
        }
    };
    let shown_of = move || {
        let (shown, total) = (query.count(), query.with(TableAnswer::total)?);
        (!text.with(String::is_empty)).then(|| {
            let (shown, total) = (format::count(shown as u64), format::count(u64::from(total)));
            t_string!(i18n, tables.shown_of, shown = shown, total = total)
        })
    };
    let body = move || {
        if let Some(fault) = blocking.get() {
            let retry = Callback::new(move |()| query.ask());
            return view! {
                <div class="page-notice">
                    <Failed fault=Signal::stored(fault) on_retry=retry />
                </div>
            }
            .into_any();
        }
        if !is_read.get() {
            return view! { <Skeleton rows=14 /> }.into_any();
        }
        if is_empty.get() {
            return empty.run();
        }
        view! {
            <Table
                label
                columns
                rows=Signal::from(rows)
                key
                cells=cells.clone()
                sort
                cursor
                on_open
                on_key
                name=Some(columns::name_of::<K>)
                row_class
                row_testid
                testid=ids.table
                marks=Marks {
                    question: query.question,
                    new: query.new,
                    gone: query.gone.into(),
                    pointed_at: query.pointed_at,
                    moved: query.moved,
                }
                shape=Some(shape)
                selection=Some(selection)
                enter
                first=true
            />
        }
        .into_any()
    };
    view! {
        <main
            class=format!("page live {}", ids.noun)
            data-testid=ids.page
            data-ready=move || (is_read.get() || query.fault.with(Option::is_some)).then_some("true")
            on:keydown=keys
        >
            <div class="live-main">
                <div class="tool-row">
                    <SearchInput
                        value=text
                        placeholder
                        testid=ids.filter
                        filter=true
                        on_enter=go_in
                        on_down=go_in
                        aside=move || view! { <span class="dim">{shown_of}</span> }
                    />
                    <span class="tool-own" class:is-away=move || is_several.get()>{children()}</span>
                    <Show when=move || is_several.get()>
                        <ChosenBar
                            label=Signal::derive(move || t_string!(i18n, tables.chosen_actions).to_owned())
                            words=Signal::derive(move || {
                                t_string!(i18n, tables.count_chosen, count = chosen.get() as u64)
                            })
                            on_clear=Callback::new(move |()| selection.update(Selection::clear))
                        >
                            {several.with_value(|several| several.as_ref().map(ViewFn::run))}
                        </ChosenBar>
                    </Show>
                    <span class="grow"></span>
                    <FreezeButton
                        on=query.frozen
                        words=Signal::derive(move || {
                            match query.frozen.get() {
                                true => t_string!(i18n, tables.frozen),
                                false => t_string!(i18n, tables.freeze),
                            }
                            .to_owned()
                        })
                        testid=ids.freeze
                    />
                    <ColumnChooser columns shape testid=ids.columns />
                    <CopyButton
                        label=Signal::derive(move || t_string!(i18n, tables.copy_text).to_owned())
                        testid=ids.copy
                        text=Signal::derive(move || as_text(&meant()))
                        rows=Signal::derive(move || meant().len())
                    />
                    <Button
                        kind=ButtonKind::Ghost
                        small=true
                        testid=ids.csv
                        label=Signal::derive(move || t_string!(i18n, tables.copy_csv).to_owned())
                        on_click=Callback::new(move |()| {
                            let rows = meant();
                            copy_text(app, columns::as_csv::<K>(&rows, &shown()), rows_copied(rows.len()));
                        })
                    >
                        "CSV"
                    </Button>
                </div>
                <Show when=move || !live.get() && is_read.get()>
                    <HostStaleBar received_ms=Signal::derive(move || query.as_of_ms()) />
                </Show>
                <div class="live-body" class:is-stale=move || !live.get()>
                    {body}
                </div>
                {partial.map(|partial| partial.run())}
                <CountLine ids query count counts chosen shown=Signal::derive(move || query.count()) />
            </div>
            {detail.map(|detail| detail.run())}
        </main>
    }
}

/// How many are shown, how old they are and how long it took to read them.
#[component]
fn CountLine<A: TableAnswer>(
    ids: Ids,
    query: LiveQuery<A>,
    count: fn(I18n, u32) -> String,
    counts: Option<ViewFn>,
    chosen: Memo<usize>,
    shown: Signal<usize>,
) -> impl IntoView {
    let i18n = use_i18n();
    let app = use_app();
    let shown_words = move || {
        let total = query.with(TableAnswer::total)?;
        let shown = shown.get();
        Some(if shown == total as usize {
            count(i18n, total)
        } else {
            let (shown, total) = (format::count(shown as u64), format::count(u64::from(total)));
            t_string!(i18n, tables.count_shown, shown = shown, total = total)
        })
    };
    let chosen_words = move || {
        let count = chosen.get() as u64;
        (count > 0).then(|| t_string!(i18n, tables.count_chosen, count = count))
    };
    let left_out = move || {
        query
            .with(TableAnswer::left_out)
            .filter(|left_out| *left_out > 0)
            .map(|left_out| t_string!(i18n, tables.count_left_out, count = left_out))
    };
    let new_words = move || {
        let count = query.new.with(|new| new.len() as u32);
        (count > 0).then(|| {
            view! {
                <span class="count-new" data-testid=ids.new>
                    <i class="new-mark" aria-hidden="true"></i>
                    {t_string!(i18n, tables.count_new, count = count)}
                </span>
            }
        })
    };
    let held = move || {
        let is_held = query.is_held.get() && !query.frozen.get();
        is_held.then(|| view! { <span class="dim" data-testid="count-held">{t_string!(i18n, tables.order_held)}</span> })
    };
    let age = move || {
        let (stale, took_ms) = query.with(|answer| (answer.stale(), answer.took_ms()))?;
        let tongue = lang(i18n);
        let age = format::age(query.as_of_ms()?, app.now_ms.get(), tongue);
        // Frozen first: what was live when it was frozen stays that, whatever became of the link.
        Some(if query.frozen.get() {
            t_string!(i18n, tables.frozen_at, age = age)
        } else if stale {
            t_string!(i18n, tables.snapshot_of, age = age)
        } else {
            t_string!(i18n, tables.read_ago, age = age, took = format::took(took_ms, tongue))
        })
    };
    view! {
        <div class="count-line" data-testid=ids.count>
            <span>{shown_words}</span>
            {counts.map(|counts| counts.run())}
            {new_words}
            <span class="strong" data-testid="count-chosen">{chosen_words}</span>
            <span class="is-warn">{left_out}</span>
            {held}
            <span class="grow"></span>
            <span class="dim">{age}</span>
        </div>
    }
}

/// The label of a table: its noun and the host's name, made safe to show.
pub(crate) fn of_host(words: impl Fn(String) -> String + Send + Sync + 'static) -> Signal<String> {
    let host = use_host();
    Signal::derive(move || words(printable(&host.name.get()).into_owned()))
}
