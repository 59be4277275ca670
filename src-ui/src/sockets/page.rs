//! The page: asks as you type, keeps the selection by socket, says what is left out.

use std::sync::Arc;

use leptos::html::Input;
use leptos::prelude::*;
use protocol::ipc::SocketsQuery;
use protocol::sockets::{SocketAnswer, SocketQuery, SocketRow, SocketState};
use protocol::text::printable;

use super::copy;
use super::detail::SocketDetail;
use super::order::{self, Column};
use crate::components::live_query::LiveQuery;
use crate::components::marks::marked;
use crate::components::sort::Sort;
use crate::components::{
    Button, ButtonKind, Choice, Column as TableColumn, CopyButton, Empty, Failed, IconName, KeyCap,
    PartialBar, SearchInput, Segmented, Skeleton, Table, copy_text,
};
use crate::format;
use crate::hosts::use_host;
use crate::ipc;
use crate::overview::HostStaleBar;
use crate::state::use_app;
use crate::text::{I18n, lang, t_string, use_i18n};

/// What the page asks for and what it was told.
#[derive(Clone, Copy)]
struct Asked {
    text: RwSignal<String>,
    listening: RwSignal<bool>,
    query: LiveQuery<SocketAnswer>,
}

impl Asked {
    fn new(host: String) -> Self {
        let text = RwSignal::new(String::new());
        let listening = RwSignal::new(false);
        let query = LiveQuery::new(move || {
            let text = text.with(|text| text.trim().to_owned());
            let query =
                SocketQuery { text, listening: listening.get(), watch: true, ..SocketQuery::default() };
            ipc::call(SocketsQuery { host: host.clone(), query })
        });
        query.follow_text(text);
        Self { text, listening, query }
    }

    /// The time of what is shown: a snapshot's own, else when the answer came.
    fn as_of_ms(self) -> Option<i64> {
        match self.query.with(|answer| answer.stale.then_some(answer.at_ms))? {
            Some(at_ms) => Some(at_ms),
            None => self.query.received_ms.get(),
        }
    }
}

/// The sockets of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn SocketsPage() -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let asked = Asked::new(host.name.get_untracked());
    let query = asked.query;
    let live = host.is_live();
    let sort = RwSignal::new(Sort::by(Column::State.id()));
    let cursor = RwSignal::new(None::<String>);
    let filter = NodeRef::<Input>::new();

    Effect::new(move |_| {
        asked.listening.track();
        live.track();
        query.ask();
    });

    let rows = Memo::new(move |_| {
        let mut rows = query.with(|answer| answer.rows.clone()).unwrap_or_default();
        order::sort(&mut rows, sort.get());
        Arc::new(rows)
    });
    let is_read = query.is_read();
    let is_empty = Memo::new(move |_| rows.with(|rows| rows.is_empty()));
    let toggle = move || query.frozen.update(|frozen| *frozen = !*frozen);

    let heads = move || Column::ALL.map(|column| head_words(i18n, column).to_owned()).to_vec();
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let is_field = event_target::<web_sys::Element>(&event).tag_name() == "INPUT";
        match event.key().as_str() {
            " " if !is_field && event_target::<web_sys::Element>(&event).tag_name() != "BUTTON" => {
                event.prevent_default();
                toggle();
            }
            "Escape" if !is_field && cursor.with_untracked(Option::is_some) => cursor.set(None),
            "c" if !is_field && (event.ctrl_key() || event.meta_key()) => {
                let row = cursor.get_untracked().and_then(|key| {
                    rows.with_untracked(|rows| rows.iter().find(|row| order::key(row) == key).cloned())
                });
                if let Some(row) = row {
                    event.prevent_default();
                    copy_text(copy::as_text(&[row], &untrack(heads)), || {});
                }
            }
            _ => {}
        }
    };

    let counts = move |pick: fn(&SocketAnswer) -> u32| query.with(pick).unwrap_or_default();
    let shown_of = move || {
        let (shown, total) = (rows.with(|rows| rows.len()), counts(|a| a.total));
        (!asked.text.with(String::is_empty)).then(|| {
            t_string!(
                i18n,
                sockets.shown_of,
                shown = format::count(shown as u64),
                total = format::count(u64::from(total))
            )
        })
    };
    let columns = Signal::derive(move || {
        Column::ALL
            .map(|column| {
                let table_column =
                    TableColumn::new(column.id(), track(column), move || head_words(i18n, column).to_owned());
                if column.is_numeric() { table_column.numeric() } else { table_column }
            })
            .to_vec()
    });
    let clear = Callback::new(move |()| {
        asked.text.set(String::new());
        asked.listening.set(false);
    });
    let table_label = move || {
        let name = printable(&host.name.get()).into_owned();
        t_string!(i18n, sockets.table, host = name)
    };

    let body = move || {
        if let Some(fault) = query.blocking_fault() {
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
            return view! { <NoSockets asked clear /> }.into_any();
        }
        view! {
            <Table
                label=Signal::derive(table_label)
                columns
                rows=Signal::from(rows)
                key=order::key
                cells=socket_cells
                sort
                cursor
                row_testid=row_testid
                testid="sockets-table"
            />
        }
        .into_any()
    };
    view! {
        <main
            class="page sockets"
            data-testid="sockets-page"
            data-ready=move || (is_read.get() || query.fault.with(Option::is_some)).then_some("true")
            on:keydown=on_key
        >
            <div class="sockets-main">
                <div class="tool-row">
                    <SearchInput
                        value=asked.text
                        placeholder=Signal::derive(move || t_string!(i18n, sockets.filter).to_owned())
                        testid="sockets-filter"
                        aside=move || view! { <span class="dim">{shown_of}</span> }
                        node_ref=filter
                    />
                    <Segmented
                        choices=vec![
                            Choice::new(false, "sockets-all", move || t_string!(i18n, sockets.all).to_owned()),
                            Choice::new(true, "sockets-listening", move || {
                                t_string!(i18n, sockets.listening).to_owned()
                            })
                                .counted(move || format::count(u64::from(counts(|a| a.listening)))),
                        ]
                        value=asked.listening
                        on_change=Callback::new(move |listening| asked.listening.set(listening))
                        label=Signal::derive(move || t_string!(i18n, sockets.which).to_owned())
                    />
                    <span class="grow"></span>
                    <button
                        type="button"
                        class="button is-ghost freeze"
                        class:is-on=move || query.frozen.get()
                        aria-pressed=move || if query.frozen.get() { "true" } else { "false" }
                        data-testid="sockets-freeze"
                        on:click=move |_| toggle()
                    >
                        <crate::components::Icon name=IconName::Freeze />
                        <span class="button-text">
                            {move || match query.frozen.get() {
                                true => t_string!(i18n, sockets.frozen),
                                false => t_string!(i18n, sockets.freeze),
                            }}
                        </span>
                        <KeyCap key="Space" />
                    </button>
                    <CopyButton
                        label=Signal::derive(move || t_string!(i18n, sockets.copy_text).to_owned())
                        testid="sockets-copy"
                        text=Signal::derive(move || rows.with_untracked(|rows| copy::as_text(rows, &untrack(heads))))
                    />
                    <Button
                        kind=ButtonKind::Ghost
                        small=true
                        testid="sockets-copy-csv"
                        label=Signal::derive(move || t_string!(i18n, sockets.copy_csv).to_owned())
                        on_click=Callback::new(move |()| {
                            copy_text(rows.with_untracked(|rows| copy::as_csv(rows)), || {});
                        })
                    >
                        "CSV"
                    </Button>
                </div>
                <Show when=move || !live.get() && is_read.get()>
                    <HostStaleBar received_ms=Signal::derive(move || asked.as_of_ms()) />
                </Show>
                <div class="sockets-body" class:is-stale=move || !live.get()>
                    {body}
                </div>
                <Show when=move || counts(|a| a.owner_hidden) != 0>
                    <PartialBar
                        words=Signal::derive(move || {
                            t_string!(i18n, sockets.hidden, count = counts(|a| a.owner_hidden))
                        })
                        testid="sockets-hidden"
                    />
                </Show>
                <CountLine asked shown=Signal::derive(move || rows.with(|rows| rows.len())) />
            </div>
            <SocketDetail rows=rows.into() cursor />
        </main>
    }
}

#[component]
fn NoSockets(asked: Asked, clear: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let is_filtered = move || !asked.text.with(|text| text.trim().is_empty()) || asked.listening.get();
    view! {
        <div class="page-notice">
            <Empty
                title=Signal::derive(move || match is_filtered() {
                    true => t_string!(i18n, sockets.none_match).to_owned(),
                    false => t_string!(i18n, sockets.none_title).to_owned(),
                })
                text=Signal::derive(move || match is_filtered() {
                    true => t_string!(i18n, sockets.none_match_body).to_owned(),
                    false => t_string!(i18n, sockets.none_body).to_owned(),
                })
                testid="sockets-none"
            >
                <Show when=is_filtered>
                    <Button testid="sockets-clear" on_click=clear>
                        {move || t_string!(i18n, sockets.clear_filter)}
                    </Button>
                </Show>
            </Empty>
        </div>
    }
}

/// How many are shown, how old they are and how long it took.
#[component]
fn CountLine(asked: Asked, shown: Signal<usize>) -> impl IntoView {
    let i18n = use_i18n();
    let app = use_app();
    let with = move |pick: fn(&SocketAnswer) -> u32| asked.query.with(pick);
    let count = |count: u32| format::count(u64::from(count));
    let shown_words = move || {
        let total = with(|a| a.total)?;
        let shown = shown.get();
        Some(if shown == total as usize {
            t_string!(i18n, sockets.count, count = total)
        } else {
            t_string!(i18n, sockets.count_shown, shown = format::count(shown as u64), total = count(total))
        })
    };
    let listening = move || {
        with(|a| a.listening)
            .map(|listening| t_string!(i18n, sockets.count_listening, count = count(listening)))
    };
    let left_out = move || {
        with(|a| a.left_out)
            .filter(|left_out| *left_out > 0)
            .map(|left_out| t_string!(i18n, sockets.count_left_out, count = left_out))
    };
    let age = move || {
        let (answer, tongue) = (asked.query.answer.get()?, lang(i18n));
        let age = format::age(asked.as_of_ms()?, app.now_ms.get(), tongue);
        Some(if answer.stale {
            t_string!(i18n, sockets.snapshot_of, age = age)
        } else if asked.query.frozen.get() {
            t_string!(i18n, sockets.frozen_at, age = age)
        } else {
            let took = format::took(answer.took_ms, tongue);
            t_string!(i18n, sockets.read_ago, age = age, took = took)
        })
    };
    view! {
        <div class="count-line" data-testid="sockets-count">
            <span>{shown_words}</span>
            <span>{listening}</span>
            <span class="is-warn">{left_out}</span>
            <span class="grow"></span>
            <span class="dim">{age}</span>
        </div>
    }
}

fn head_words(i18n: I18n, column: Column) -> &'static str {
    match column {
        Column::Protocol => t_string!(i18n, sockets.protocol),
        Column::RecvQ => t_string!(i18n, sockets.recv_q),
        Column::SendQ => t_string!(i18n, sockets.send_q),
        Column::Local => t_string!(i18n, sockets.local),
        Column::Peer => t_string!(i18n, sockets.peer),
        Column::State => t_string!(i18n, sockets.state),
        Column::Pid => t_string!(i18n, sockets.pid),
        Column::Program => t_string!(i18n, sockets.program),
        Column::User => t_string!(i18n, sockets.user),
        Column::Unit => t_string!(i18n, sockets.unit),
    }
}

fn track(column: Column) -> &'static str {
    match column {
        Column::Protocol => "38px",
        Column::RecvQ => "56px",
        Column::SendQ => "58px",
        Column::Local => "minmax(112px, 1fr)",
        Column::Peer => "minmax(150px, 1.4fr)",
        Column::State => "80px",
        Column::Pid => "48px",
        Column::Program => "minmax(84px, 0.7fr)",
        Column::User => "78px",
        Column::Unit => "minmax(90px, 1.2fr)",
    }
}

fn row_testid(row: &SocketRow) -> String {
    format!("sockets-row-{}", row.socket.local_port)
}

/// Positions that matched in a column.
fn matches<'a>(row: &'a SocketRow, column: &str) -> &'a [u32] {
    row.matched.iter().find(|m| m.column == column).map(|m| m.at.as_slice()).unwrap_or_default()
}

fn socket_cells(row: ArcRwSignal<SocketRow>) -> AnyView {
    (move || {
        let row = row.read();
        let socket = &row.socket;
        let queue = |column: Column, bytes: u32| {
            let class = match bytes {
                _ if order::is_queue_high(socket, column) => "cell num is-warn strong",
                0 => "cell num dim",
                _ => "cell num",
            };
            view! { <span class=class role="gridcell">{order::queue(bytes)}</span> }
        };
        let optional = |class: &'static str, text: &Option<String>, column: &str| match text {
            Some(text) => view! {
                <span class=class role="gridcell" title=printable(text).into_owned()>
                    {marked(text, matches(&row, column))}
                </span>
            }
            .into_any(),
            None => view! { <span class="cell dim" role="gridcell">{format::NOT_KNOWN}</span> }.into_any(),
        };
        let state_class = match socket.state {
            SocketState::Listen => "cell strong",
            SocketState::CloseWait => "cell is-warn",
            _ => "cell quiet",
        };
        let peer = socket.peer();
        let peer_name = row.peer_host.as_deref().map(|name| printable(name).into_owned());
        let is_quiet = peer_name.is_some() || peer == "*";
        let user = socket.owner();
        view! {
            <span class="cell dim" role="gridcell">{socket.protocol.name()}</span>
            {queue(Column::RecvQ, socket.recv_q)}
            {queue(Column::SendQ, socket.send_q)}
            <span class="cell mono" role="gridcell" title=printable(&socket.local()).into_owned()>
                {marked(&socket.local(), matches(&row, "local"))}
            </span>
            <span class="cell mono" class:dim=is_quiet role="gridcell" title=printable(&peer).into_owned()>
                {peer_name.map(|name| view! { <span class="peer-host">{name}</span> " " })}
                {marked(&peer, matches(&row, "peer"))}
            </span>
            <span class=state_class role="gridcell">{marked(socket.state.name(), matches(&row, "state"))}</span>
            <span class="cell num" class:dim=socket.pid.is_none() role="gridcell">
                {match socket.pid {
                    Some(pid) => marked(&pid.to_string(), matches(&row, "pid")),
                    None => format::NOT_KNOWN.into_any(),
                }}
            </span>
            {optional("cell name", &socket.program, "program")}
            {optional("cell quiet", &user, "user")}
            {optional("cell quiet", &socket.unit, "unit")}
        }
    })
    .into_any()
}
