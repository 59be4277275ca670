//! The page: the process table, asked as you type, with one process in full at its side.

use leptos::prelude::*;
use protocol::ipc::ProcessesWatch;
use protocol::processes::{ProcessAnswer, ProcessQuery, ProcessState};
use protocol::text::printable;

use super::detail::ProcessDetails;
use super::order::{self, Column, Row};
use super::several::SignalThem;
use crate::components::columns::Columns;
use crate::components::live_query::LiveQuery;
use crate::components::marks::{is_matched, marked, matches};
use crate::components::sort::Sort;
use crate::components::{
    Button, Choice, Empty, Heads, KeptView, LiveTable, PartialBar, Segmented, ids, kept_rows, of_host,
    table_answer,
};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::use_host;
use crate::ipc;
use crate::state::{use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n, with_refusal};

const HEADS: Heads<Column> = Heads { words: head_words, track, first: None, last: None };

table_answer!(ProcessAnswer, left_out: |answer| answer.left_out);

/// The processes of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn ProcessesPage() -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let live = host.is_live();
    let view = KeptView::of("processes");
    let text = view.text_or_path();
    let programs = view.flag("programs");
    let sort = view.sort::<Column>(Sort { column: Column::Cpu.id(), descending: true });
    let (selection, cursor) = kept_rows("processes", &host.name.get_untracked());
    let name = host.name.get_untracked();
    let query = LiveQuery::new::<Column, _>(sort, order::key, move |seen| {
        let text = text.with(|text| text.trim().to_owned());
        let query = ProcessQuery { text, programs: programs.get(), ..ProcessQuery::default() };
        ipc::call(ProcessesWatch { host: name.clone(), query, seen })
    });
    query.follow_text(text);
    Effect::new(move |_| {
        programs.track();
        query.ask();
    });
    query.follow_link(live);
    let hidden = Memo::new(move |_| query.with(|answer| answer.others_hidden).unwrap_or_default());
    let unreadable = Memo::new(move |_| query.with(|answer| answer.unreadable).unwrap_or_default());
    let refused = Memo::new(move |_| query.with(|answer| answer.rights.refused.clone()).flatten());
    let partial = move || {
        let words = move || {
            let hidden = match (hidden.get(), unreadable.get()) {
                (true, _) => t_string!(i18n, processes.others_hidden).to_owned(),
                (false, 0) => String::new(),
                (false, count) => t_string!(i18n, processes.unreadable, count = count),
            };
            with_refusal(i18n, hidden, refused.get().as_deref())
        };
        view! {
            <Show when=move || hidden.get() || unreadable.get() != 0 || refused.with(Option::is_some)>
                <PartialBar words=Signal::derive(words) testid="processes-hidden" />
            </Show>
        }
    };
    let running = move || {
        query.with(|answer| {
            let is_running = |row: &&Row| row.process.state == ProcessState::Running;
            let count = answer.rows.iter().filter(is_running).count();
            view! { <span>{t_string!(i18n, processes.count_running, count = format::count(count as u64))}</span> }
        })
    };
    view! {
        <LiveTable
            ids=ids!("processes")
            query
            text
            placeholder=Signal::derive(move || t_string!(i18n, processes.filter).to_owned())
            label=of_host(move |host| t_string!(i18n, processes.table, host = host))
            heads=HEADS
            key=order::key
            cells=process_cells
            cursor
            selection
            count=|i18n, total| t_string!(i18n, processes.count, count = total)
            empty=ViewFn::from(move || view! { <NoProcesses text programs /> })
            row_class=Some(row_class)
            row_testid=Some(row_testid)
            counts=ViewFn::from(move || running)
            partial=ViewFn::from(partial)
            several=ViewFn::from(move || {
                let rows = query.chosen(selection);
                let chosen = Signal::derive(move || rows.get().to_vec());
                view! { <SignalThem chosen /> }
            })
            detail=ViewFn::from(move || view! { <ProcessDetails query cursor /> })
        >
            <Segmented
                choices=vec![
                    Choice::new(false, "processes-all", move || t_string!(i18n, processes.all).to_owned()),
                    Choice::new(true, "processes-programs", move || {
                        t_string!(i18n, processes.programs).to_owned()
                    }),
                ]
                value=programs
                on_change=Callback::new(move |only| programs.set(only))
                label=Signal::derive(move || t_string!(i18n, processes.which).to_owned())
            />
        </LiveTable>
    }
}

#[component]
fn NoProcesses(text: RwSignal<String>, programs: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let clear = Callback::new(move |()| {
        text.set(String::new());
        programs.set(false);
    });
    view! {
        <div class="page-notice">
            <Empty
                title=Signal::derive(move || t_string!(i18n, processes.none_match).to_owned())
                text=Signal::derive(move || t_string!(i18n, processes.none_match_body).to_owned())
                testid="processes-none"
            >
                <Button testid="processes-clear" on_click=clear>
                    {move || t_string!(i18n, tables.clear_filter)}
                </Button>
            </Empty>
        </div>
    }
}

fn head_words(i18n: I18n, column: Column) -> &'static str {
    match column {
        Column::Pid => t_string!(i18n, processes.pid),
        Column::Name => t_string!(i18n, processes.name),
        Column::User => t_string!(i18n, processes.user),
        Column::State => t_string!(i18n, processes.state),
        Column::Cpu => t_string!(i18n, processes.cpu),
        Column::Memory => t_string!(i18n, processes.memory),
        Column::Threads => t_string!(i18n, processes.threads),
        Column::Unit => t_string!(i18n, processes.unit),
        Column::Started => t_string!(i18n, processes.started),
        Column::Command => t_string!(i18n, processes.command),
    }
}

fn track(column: Column) -> &'static str {
    match column {
        Column::Pid => "64px",
        Column::Name => "minmax(110px, 0.7fr)",
        Column::User => "minmax(64px, 0.4fr)",
        Column::State => "42px",
        Column::Cpu => "68px",
        Column::Memory => "88px",
        Column::Threads => "60px",
        Column::Unit => "minmax(90px, 0.8fr)",
        Column::Started => "92px",
        Column::Command => "minmax(120px, 1.6fr)",
    }
}

fn row_testid(row: &Row) -> String {
    format!("processes-row-{}", row.process.pid)
}

fn row_class(row: &Row) -> &'static str {
    if row.process.kernel_thread { "is-quiet" } else { "" }
}

/// A share of one CPU that a person should see at once.
const BUSY_PCT: f64 = 80.0;

fn process_cells(row: ArcRwSignal<Row>) -> AnyView {
    let i18n = use_i18n();
    let app = use_app();
    let started = {
        let row = row.clone();
        move || row.with(|row| row.process.started_ms)
    };
    let title = move || started().map(|at_ms| format::date_time(at_ms, zone_min(at_ms), lang(i18n)));
    let started = {
        let row = row.clone();
        move || {
            let at_ms = row.with(|row| row.process.started_ms);
            at_ms.map_or_else(
                || NOT_KNOWN.to_owned(),
                |at_ms| format::moment(at_ms, app.now_ms.get(), zone_min(at_ms), lang(i18n)),
            )
        }
    };
    let before = {
        let row = row.clone();
        move || {
            let row = row.read();
            let process = &row.process;
            let state = process.state;
            let state_class = match state {
                ProcessState::Running => "cell strong",
                ProcessState::Uninterruptible | ProcessState::Zombie => "cell is-warn strong",
                ProcessState::Stopped | ProcessState::Traced => "cell is-warn",
                _ => "cell dim",
            };
            let cpu = process.cpu_pct;
            let cpu_class = match cpu {
                Some(pct) if pct >= BUSY_PCT => "cell num is-warn strong",
                Some(pct) if pct >= 0.05 => "cell num",
                _ => "cell num dim",
            };
            let user = order::user(process).into_owned();
            // Its words are searched, and the letter stands for them.
            let state_at: &[u32] = if is_matched(&row.matched, "state") { &[0] } else { &[] };
            view! {
                <span class="cell num" role="gridcell">{marked(&process.pid.to_string(), matches(&row.matched, "pid"))}</span>
                <span class="cell name" role="gridcell" title=order::name(process)>
                    {process.kernel_thread.then_some("[")}
                    {marked(&process.name, matches(&row.matched, "name"))}
                    {process.kernel_thread.then_some("]")}
                </span>
                <span class="cell quiet" role="gridcell" title=user.clone()>
                    {marked(process.user.as_deref().unwrap_or(&user), matches(&row.matched, "user"))}
                </span>
                <span class=state_class role="gridcell" title=state_words(i18n, state)>
                    {marked(&state.letter().to_string(), state_at)}
                </span>
                <span class=cpu_class role="gridcell" data-quiet="">
                    {cpu.map_or_else(|| NOT_KNOWN.to_owned(), format::tenths)}
                </span>
                <span class="cell num" class:dim=process.rss_bytes == 0 role="gridcell" data-quiet="">
                    {if process.rss_bytes == 0 { "0".to_owned() } else { format::memory(process.rss_bytes) }}
                </span>
                <span class="cell num dim" role="gridcell">{process.threads}</span>
                <span class="cell quiet" role="gridcell" title=process.unit.as_deref().map(|unit| printable(unit).into_owned())>
                    {match process.unit.as_deref() {
                        Some(unit) => marked(unit, matches(&row.matched, "unit")),
                        None => NOT_KNOWN.into_any(),
                    }}
                </span>
            }
        }
    };
    let command = move || {
        let row = row.read();
        let process = &row.process;
        if process.command.is_empty() {
            return view! { <span class="cell dim" role="gridcell">{NOT_KNOWN}</span> }.into_any();
        }
        view! {
            <span class="cell mono dim" role="gridcell" title=printable(&process.command).into_owned()>
                {marked(&process.command, matches(&row.matched, "command"))}
            </span>
        }
        .into_any()
    };
    view! {
        {before}
        <span class="cell num dim" role="gridcell" title=title data-quiet="">
            {started}
        </span>
        {command}
    }
    .into_any()
}

/// The state of a process in words, for the letter of ps(1).
pub(super) fn state_words(i18n: I18n, state: ProcessState) -> &'static str {
    match state {
        ProcessState::Running => t_string!(i18n, processes.state_running),
        ProcessState::Sleeping => t_string!(i18n, processes.state_sleeping),
        ProcessState::Uninterruptible => t_string!(i18n, processes.state_uninterruptible),
        ProcessState::Idle => t_string!(i18n, processes.state_idle),
        ProcessState::Stopped => t_string!(i18n, processes.state_stopped),
        ProcessState::Traced => t_string!(i18n, processes.state_traced),
        ProcessState::Zombie => t_string!(i18n, processes.state_zombie),
        ProcessState::Unknown => t_string!(i18n, processes.state_unknown),
    }
}
