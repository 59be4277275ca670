//! The side panel: one socket in full, kept on screen after it closed.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::components::A;
use protocol::services::ServiceAction;
use protocol::sockets::SocketRow;
use protocol::text::printable;

use super::order::{self, Row};
use crate::components::{Button, Facts, IconName, SidePanel, SideSection};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::{host_path, use_host};
use crate::state::{OpenDialog, use_app};
use crate::text::{I18n, t_string, use_i18n};

#[component]
pub(crate) fn SocketDetail(row: Memo<Option<Row>>, cursor: RwSignal<Option<String>>) -> impl IntoView {
    // What was last seen of the chosen socket, and whether it is still in the table.
    let chosen = Memo::new(move |before: Option<&Option<(Row, bool)>>| {
        let key = cursor.get()?;
        match row.get() {
            Some(row) => Some((row, true)),
            None => {
                let before = before.cloned().flatten()?;
                (order::key(&before.0) == key).then_some((before.0, false))
            }
        }
    });
    let (i18n, app, host) = (use_i18n(), use_app(), use_host());
    let is_live = host.is_live();
    let open_unit = Callback::new(move |unit: String| {
        app.dialog.set(Some(OpenDialog::Service {
            host: host.name.get_untracked(),
            unit: Some(unit),
            action: ServiceAction::Restart,
        }));
    });
    move || {
        let (row, is_there) = chosen.get()?;
        Some(detail(i18n, row, is_there, cursor, is_live, open_unit))
    }
}

/// The panel of one socket, drawn anew when it changes; no component, so that its words follow
/// the language.
fn detail(
    i18n: I18n,
    row: Row,
    is_there: bool,
    cursor: RwSignal<Option<String>>,
    is_live: Memo<bool>,
    open_unit: Callback<String>,
) -> impl IntoView {
    let SocketRow { socket, peer_host, .. } = Arc::unwrap_or_clone(row);
    let shown = |endpoint: String| printable(&endpoint).into_owned();
    let (title, protocol) = (shown(socket.local()), socket.protocol.name());
    let subtitle = if socket.is_listening() {
        match socket.local_address.as_str() {
            "0.0.0.0" | "::" => t_string!(i18n, sockets.every_address, protocol = protocol),
            "::1" => t_string!(i18n, sockets.this_host_only, protocol = protocol),
            address if address.starts_with("127.") => {
                t_string!(i18n, sockets.this_host_only, protocol = protocol)
            }
            _ => t_string!(i18n, sockets.this_address, protocol = protocol),
        }
    } else {
        t_string!(i18n, sockets.in_state, protocol = protocol, state = socket.state.name())
    };
    let process = match (&socket.program, socket.pid) {
        (Some(program), Some(pid)) => {
            let program = printable(program).into_owned();
            t_string!(i18n, sockets.process_pid, program = program, pid = pid)
        }
        (None, Some(pid)) => t_string!(i18n, sockets.pid_only, pid = pid),
        (Some(program), None) => printable(program).into_owned(),
        (None, None) if socket.inode == 0 => t_string!(i18n, sockets.owner_none).to_owned(),
        (None, None) => t_string!(i18n, sockets.owner_hidden).to_owned(),
    };
    let queues = if socket.is_listening() && !socket.protocol.is_udp() {
        let waiting = format::count(u64::from(socket.recv_q));
        let size = format::count(u64::from(socket.send_q));
        let words = t_string!(i18n, sockets.waiting_of, waiting = waiting, size = size);
        vec![(t_string!(i18n, sockets.waiting), Some(words))]
    } else {
        vec![
            (t_string!(i18n, sockets.to_read), Some(format::bytes(u64::from(socket.recv_q)))),
            (t_string!(i18n, sockets.to_send), Some(format::bytes(u64::from(socket.send_q)))),
        ]
    };
    let holders = (socket.holders > 1).then(|| t_string!(i18n, sockets.holders, count = socket.holders));
    let owner = [
        (t_string!(i18n, sockets.process), Some(process)),
        (t_string!(i18n, sockets.user), socket.owner().map(|user| printable(&user).into_owned())),
        (t_string!(i18n, sockets.unit), socket.unit.as_deref().map(|unit| printable(unit).into_owned())),
    ];
    let holders = holders.map(|holders| (t_string!(i18n, sockets.held_by), Some(holders)));
    let owner: Vec<_> = owner.into_iter().chain(holders).collect();
    let foot = socket.unit.clone().map(|unit| {
        ViewFn::from(move || {
            let unit = unit.clone();
            view! {
                <Button
                    icon=IconName::Unit
                    testid="sockets-unit"
                    disabled=Signal::derive(move || !is_live.get())
                    on_click=Callback::new(move |()| open_unit.run(unit.clone()))
                >
                    {move || t_string!(i18n, sockets.open_service)}
                </Button>
            }
        })
    });
    let inode = (socket.inode != 0).then(|| socket.inode.to_string());
    view! {
        <SidePanel
            title
            mono=true
            note=Some(subtitle)
            warning=(!is_there).then(|| t_string!(i18n, sockets.gone).to_owned())
            cursor
            testid="sockets-detail"
            close_testid="sockets-detail-close"
            foot
        >
            <SideSection title=t_string!(i18n, sockets.owner)>
                <Facts facts=owner />
            </SideSection>
            <SideSection title=t_string!(i18n, sockets.addresses)>
                <dl class="facts">
                    <dt>{t_string!(i18n, sockets.local)}</dt>
                    <dd class="mono">{shown(socket.local())}</dd>
                    <dt>{t_string!(i18n, sockets.peer)}</dt>
                    <dd class="mono">{shown(socket.peer())}</dd>
                    {peer_host
                        .map(|name| {
                            view! {
                                <dt>{t_string!(i18n, sockets.saved_host)}</dt>
                                <dd>
                                    <A href=host_path(&name) attr:class="link">
                                        {printable(&name).into_owned()}
                                    </A>
                                </dd>
                            }
                        })}
                    <dt>{t_string!(i18n, sockets.inode)}</dt>
                    <dd>{inode.unwrap_or_else(|| NOT_KNOWN.to_owned())}</dd>
                </dl>
            </SideSection>
            <SideSection title=t_string!(i18n, sockets.queues)>
                <Facts facts=queues />
            </SideSection>
        </SidePanel>
    }
}
