//! The page: asks as you type, keeps the selection by socket, says what is left out.

use leptos::prelude::*;
use protocol::ipc::SocketsWatch;
use protocol::sockets::{SocketAnswer, SocketQuery, SocketState};
use protocol::text::printable;

use super::detail::SocketDetail;
use super::order::{self, Column, Row};
use crate::components::columns::Columns;
use crate::components::live_query::LiveQuery;
use crate::components::marks::{marked, matches};
use crate::components::sort::Sort;
use crate::components::{
    Button, Choice, Empty, Heads, KeptView, LiveTable, PartialBar, Segmented, ids, kept_rows, of_host,
    table_answer,
};
use crate::format;
use crate::hosts::use_host;
use crate::ipc;
use crate::text::{I18n, t_string, use_i18n, with_refusal};

const HEADS: Heads<Column> = Heads { words: head_words, track, first: None, last: None };

table_answer!(SocketAnswer, left_out: |answer| answer.left_out);

/// The sockets of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn SocketsPage() -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let live = host.is_live();
    let view = KeptView::of("sockets");
    let text = view.text_or_path();
    let listening = view.flag("listening");
    let name = host.name.get_untracked();
    let sort = view.sort::<Column>(Sort::by(Column::State.id()));
    let query = LiveQuery::new::<Column, _>(sort, order::key, move |seen| {
        let text = text.with(|text| text.trim().to_owned());
        let query = SocketQuery { text, listening: listening.get(), ..SocketQuery::default() };
        ipc::call(SocketsWatch { host: name.clone(), query, seen })
    });
    query.follow_text(text);
    let (selection, cursor) = kept_rows("sockets", &host.name.get_untracked());
    Effect::new(move |_| {
        listening.track();
        query.ask();
    });
    query.follow_link(live);
    let counted = move |pick: fn(&SocketAnswer) -> u32| query.with(pick).unwrap_or_default();
    let counts = move || {
        query.with(|answer| answer.listening).map(|listening| {
            let count = format::count(u64::from(listening));
            view! { <span>{t_string!(i18n, sockets.count_listening, count = count)}</span> }
        })
    };
    let refused = Memo::new(move |_| query.with(|answer| answer.rights.refused.clone()).flatten());
    let partial = move || {
        let words = move || {
            let hidden = match counted(|a| a.owner_hidden) {
                0 => String::new(),
                count if query.with(|answer| answer.rights.is_root).unwrap_or_default() => {
                    t_string!(i18n, sockets.unheld, count = count)
                }
                count => t_string!(i18n, sockets.hidden, count = count),
            };
            with_refusal(i18n, hidden, refused.get().as_deref())
        };
        view! {
            <Show when=move || counted(|a| a.owner_hidden) != 0 || refused.with(Option::is_some)>
                <PartialBar words=Signal::derive(words) testid="sockets-hidden" />
            </Show>
        }
    };
    view! {
        <LiveTable
            ids=ids!("sockets")
            query
            text
            placeholder=Signal::derive(move || t_string!(i18n, sockets.filter).to_owned())
            label=of_host(move |host| t_string!(i18n, sockets.table, host = host))
            heads=HEADS
            key=order::key
            cells=socket_cells
            cursor
            selection
            count=|i18n, total| t_string!(i18n, sockets.count, count = total)
            empty=ViewFn::from(move || view! { <NoSockets text listening /> })
            row_testid=Some(row_testid)
            counts=ViewFn::from(move || counts)
            partial=ViewFn::from(partial)
            detail=ViewFn::from(move || view! { <SocketDetail row=query.at(cursor) cursor /> })
        >
            <Segmented
                choices=vec![
                    Choice::new(false, "sockets-all", move || t_string!(i18n, sockets.all).to_owned()),
                    Choice::new(true, "sockets-listening", move || {
                        t_string!(i18n, sockets.listening).to_owned()
                    })
                        .counted(move || format::count(u64::from(counted(|a| a.listening)))),
                ]
                value=listening
                on_change=Callback::new(move |only| listening.set(only))
                label=Signal::derive(move || t_string!(i18n, sockets.which).to_owned())
            />
        </LiveTable>
    }
}

#[component]
fn NoSockets(text: RwSignal<String>, listening: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let is_filtered = move || !text.with(|text| text.trim().is_empty()) || listening.get();
    let clear = Callback::new(move |()| {
        text.set(String::new());
        listening.set(false);
    });
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
                        {move || t_string!(i18n, tables.clear_filter)}
                    </Button>
                </Show>
            </Empty>
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
        Column::RecvQ => "60px",
        Column::SendQ => "64px",
        Column::Local => "minmax(112px, 1fr)",
        Column::Peer => "minmax(150px, 1.4fr)",
        Column::State => "80px",
        Column::Pid => "60px",
        Column::Program => "minmax(84px, 0.7fr)",
        Column::User => "78px",
        Column::Unit => "minmax(90px, 1.2fr)",
    }
}

fn row_testid(row: &Row) -> String {
    format!("sockets-row-{}", row.socket.local_port)
}

fn socket_cells(row: ArcRwSignal<Row>) -> AnyView {
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
                    {marked(text, matches(&row.matched, column))}
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
        let is_quiet = row.peer_host.is_some() || peer == "*";
        let peer_name = row.peer_host.as_deref().map(|name| {
            let name = marked(name, matches(&row.matched, "peer_host"));
            view! { <span class="peer-host">{name}</span> " " }
        });
        let user = socket.owner();
        view! {
            <span class="cell dim" role="gridcell">
                {marked(socket.protocol.name(), matches(&row.matched, "protocol"))}
            </span>
            {queue(Column::RecvQ, socket.recv_q)}
            {queue(Column::SendQ, socket.send_q)}
            <span class="cell mono" role="gridcell" title=printable(&socket.local()).into_owned()>
                {marked(&socket.local(), matches(&row.matched, "local"))}
            </span>
            <span class="cell mono" class:dim=is_quiet role="gridcell" title=printable(&peer).into_owned()>
                {peer_name}
                {marked(&peer, matches(&row.matched, "peer"))}
            </span>
            <span class=state_class role="gridcell">{marked(socket.state.name(), matches(&row.matched, "state"))}</span>
            <span class="cell num" class:dim=socket.pid.is_none() role="gridcell">
                {match socket.pid {
                    Some(pid) => marked(&pid.to_string(), matches(&row.matched, "pid")),
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
