//! The table of a host in its states, with answers that no host gave.

use std::future::{pending, ready};

use leptos::prelude::*;
use protocol::delta::{Seen, ViewNews};
use protocol::link::LinkState;
use protocol::{Fault, FaultCode};

use super::made::{self, Column, Processes};
use super::table::process_cells;
use super::words;
use crate::components::columns::Columns;
use crate::components::live_query::LiveQuery;
use crate::components::selection::Selection;
use crate::components::sort::Sort;
use crate::components::{
    Button, Choice, Empty, Facts, Heads, Ids, LiveTable, PartialBar, Segmented, SidePanel, SideSection, ids,
};
use crate::format;
use crate::hosts::HostContext;
use crate::state::now_ms;

const HEADS: Heads<Column> =
    Heads { words: |_, column| column.words(), track: Column::track, first: None, last: None };

type Told = Result<ViewNews<Processes>, Fault>;

fn lost() -> LinkState {
    let fault = Fault::new(FaultCode::NoAnswer, "192.0.2.17:22 does not answer").on_host("web-3");
    let since_ms = now_ms() - 95_000;
    LinkState::Lost { since_ms, fault: Box::new(fault.about("192.0.2.17:22")), tries: 3, next_ms: None }
}

/// The host that the tables below it ask.
#[component]
fn OfHost(link: LinkState, children: Children) -> impl IntoView {
    let row = Some(made::row(link));
    provide_context(HostContext { name: words("web-3"), row: Signal::stored(row) });
    children()
}

#[component]
pub(super) fn GalleryLive() -> impl IntoView {
    let since_ms = now_ms();
    view! {
        <OfHost link=LinkState::Live { since_ms, heard_ms: since_ms }>
            <Shown />
            <Chosen />
            <Still name="Loading" ids=ids!("gallery-loading") told=None />
            <Still name="Failed" ids=ids!("gallery-failed") told=Some(Err(fault())) />
            <Still name="Empty" ids=ids!("gallery-empty") told=Some(Ok(nothing())) />
        </OfHost>
        <OfHost link=lost()>
            <Old />
        </OfHost>
    }
}

fn fault() -> Fault {
    Fault::new(FaultCode::HelperFailed, "the helper ended").on_host("web-3").because("signal 9 (KILL)")
}

/// A table that has no rows.
fn nothing() -> Processes {
    Processes { at_ms: now_ms(), took_ms: 12, ..Processes::default() }
}

/// A query whose answers are made: each has the number of its turn.
fn query(sort: Sort, text: RwSignal<String>, head: fn() -> Processes) -> LiveQuery<Processes> {
    let turns = StoredValue::new(0_u32);
    let query = LiveQuery::new::<Column, _>(RwSignal::new(sort), made::key, move |seen: Seen| {
        let turn = turns.try_update_value(|turn| {
            *turn += 1;
            *turn
        });
        let told: Told = Ok(made::answer(seen, turn.unwrap_or_default(), text.get().trim(), head()));
        ready(told)
    });
    query.follow_text(text);
    query.ask();
    query
}

/// Asked again and again: rows that are new, cells that change, letters that match, one row in full.
#[component]
fn Shown() -> impl IntoView {
    let text = RwSignal::new(String::new());
    let head = || Processes { at_ms: now_ms(), took_ms: 41, ..Processes::default() };
    let query = query(Sort { column: "cpu", descending: true }, text, head);
    let cursor = RwSignal::new(Some("195".to_owned()));
    let which = RwSignal::new(false);
    let row = query.at(cursor);
    let panel = move || {
        row.get().map(|row| {
            let title = format!("{} ({})", row.name, row.pid);
            let facts = vec![
                ("User", row.user.clone()),
                ("Memory", Some(format::memory(row.memory_bytes))),
                ("Unit", None),
            ];
            view! {
                <SidePanel
                    title=Signal::stored(title)
                    mono=true
                    cursor
                    testid="gallery-detail"
                    close_testid="gallery-detail-close"
                    foot=Some(ViewFn::from(|| view! { <Button>"Send a signal..."</Button> }))
                >
                    <SideSection>
                        <Facts facts />
                    </SideSection>
                </SidePanel>
            }
        })
    };
    view! {
        <section class="is-whole">
            <h2>"The table of a host: asked again each 3 s, with the row at the cursor in full"</h2>
            <div class="gallery-table">
                <LiveTable
                    ids=ids!("gallery-live")
                    query
                    text
                    placeholder=words("Filter")
                    label=words("Processes of web-3")
                    heads=HEADS
                    key=made::key
                    cells=process_cells
                    cursor
                    selection=RwSignal::new(Selection::default())
                    count=|_, total| format!("{total} processes")
                    empty=ViewFn::from(|| view! { <Empty title=words("No process matches") /> })
                    counts=ViewFn::from(|| view! { <span>"2 of nginx"</span> })
                    detail=ViewFn::from(move || panel)
                >
                    <Segmented
                        choices=vec![
                            Choice::new(false, "gallery-live-all", || "All".to_owned()),
                            Choice::new(true, "gallery-live-own", || "With a unit".to_owned()),
                        ]
                        value=which
                        on_change=Callback::new(move |is| which.set(is))
                        label=words("Which")
                    />
                </LiveTable>
            </div>
        </section>
    }
}

/// Frozen, with rows that are chosen together, rows that are left out, and what may not be seen.
#[component]
fn Chosen() -> impl IntoView {
    let text = RwSignal::new("n".to_owned());
    let head = || Processes { at_ms: now_ms(), took_ms: 2_300, left_out: 14, ..Processes::default() };
    let query = query(Sort::by("name"), text, head);
    query.frozen.set(true);
    let mut chosen = Selection::default();
    ["195", "292", "98"].iter().for_each(|key| chosen.toggle(key));
    view! {
        <section class="is-whole">
            <h2>"Frozen and filtered: letters that matched, chosen rows, rows that are left out, a refusal"</h2>
            <div class="gallery-table">
                <LiveTable
                    ids=ids!("gallery-chosen")
                    query
                    text
                    placeholder=words("Filter")
                    label=words("Chosen processes of web-3")
                    heads=HEADS
                    key=made::key
                    cells=process_cells
                    cursor=RwSignal::new(Some("195".to_owned()))
                    selection=RwSignal::new(chosen)
                    count=|_, total| format!("{total} processes")
                    empty=ViewFn::from(|| view! { <Empty title=words("No process matches") /> })
                    partial=ViewFn::from(|| {
                        view! { <PartialBar words=words("The files of 14 processes may not be seen without root.") /> }
                    })
                    several=ViewFn::from(|| view! { <Button>"Send a signal..."</Button> })
                >
                    <span class="dim">"Choices of the page"</span>
                </LiveTable>
            </div>
        </section>
    }
}

/// Rows from before: the link is lost.
#[component]
fn Old() -> impl IntoView {
    let text = RwSignal::new(String::new());
    let head = || Processes { stale: true, at_ms: now_ms() - 95_000, took_ms: 41, ..Processes::default() };
    let query = query(Sort::by("pid"), text, head);
    view! {
        <section class="is-whole">
            <h2>"Stale: the rows of the last snapshot, with the reason"</h2>
            <div class="gallery-table">
                <LiveTable
                    ids=ids!("gallery-old")
                    query
                    text
                    placeholder=words("Filter")
                    label=words("Processes of web-3 as they were")
                    heads=HEADS
                    key=made::key
                    cells=process_cells
                    cursor=RwSignal::new(None)
                    selection=RwSignal::new(Selection::default())
                    count=|_, total| format!("{total} processes")
                    empty=ViewFn::from(|| view! { <Empty title=words("No process matches") /> })
                >
                    <span class="dim">"Choices of the page"</span>
                </LiveTable>
            </div>
        </section>
    }
}

/// One that has no row to show: `told` is what its questions are answered, `None` for not at all.
#[component]
fn Still(name: &'static str, ids: Ids, told: Option<Result<Processes, Fault>>) -> impl IntoView {
    let sort = RwSignal::new(Sort::by(Column::Pid.id()));
    let query = LiveQuery::new::<Column, _>(sort, made::key, move |seen: Seen| {
        let told = told.clone();
        async move {
            match told {
                Some(Ok(table)) => Ok(made::whole(seen, 0, table)),
                Some(Err(fault)) => Err(fault),
                None => pending().await,
            }
        }
    });
    query.ask();
    view! {
        <section>
            <h2>{name}</h2>
            <div class="gallery-table is-low">
                <LiveTable
                    ids
                    query
                    text=RwSignal::new(String::new())
                    placeholder=words("Filter")
                    label=words(name)
                    heads=HEADS
                    key=made::key
                    cells=process_cells
                    cursor=RwSignal::new(None)
                    selection=RwSignal::new(Selection::default())
                    count=|_, total| format!("{total} processes")
                    empty=ViewFn::from(|| {
                        view! {
                            <div class="page-notice">
                                <Empty title=words("No processes") text=words("None runs on this host.") />
                            </div>
                        }
                    })
                >
                    <span class="dim">"Choices of the page"</span>
                </LiveTable>
            </div>
        </section>
    }
}
