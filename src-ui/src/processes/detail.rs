//! The side panel: one process in full, with its sockets; kept on screen after it ended.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use protocol::ipc::SocketsQuery;
use protocol::processes::Process;
use protocol::services::ServiceAction;
use protocol::sockets::{SocketQuery, SocketRow};
use protocol::text::{printable, printable_lines};

use super::order::{self, Row};
use super::page::state_words;
use crate::components::{Button, Facts, IconName, SidePanel, SideSection, Sparkline};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::{host_path, use_host};
use crate::ipc;
use crate::state::{OpenDialog, use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

/// Refreshes whose share of the CPU is drawn.
const SHARES_KEPT: usize = 40;
/// Sockets shown before the rest is counted.
const SOCKETS_SHOWN: usize = 8;

#[component]
pub(crate) fn ProcessDetails(row: Memo<Option<Row>>, cursor: RwSignal<Option<String>>) -> impl IntoView {
    // What was last seen of the chosen process, and whether it is still in the table.
    let chosen = Memo::new(move |before: Option<&Option<(Process, bool)>>| {
        let key = cursor.get()?;
        let before = before.cloned().flatten().filter(|(process, _)| order::key_of(process) == key);
        match (row.get(), before) {
            (Some(row), before) => {
                let mut process = row.process.clone();
                // Until the answer with its details comes, the ones from before stand.
                process.detail = process.detail.or_else(|| before.and_then(|(before, _)| before.detail));
                Some((process, true))
            }
            (None, Some((before, _))) => Some((before, false)),
            (None, None) => None,
        }
    });
    let pid = Memo::new(move |_| chosen.with(|chosen| chosen.as_ref().map(|(process, _)| process.pid)));
    // Its share of the CPU at each refresh since it was chosen.
    let shares = RwSignal::new(Vec::<Option<f64>>::new());
    Effect::new(move |before: Option<Option<u32>>| {
        let pid = pid.get();
        if before.is_some_and(|before| before != pid) {
            shares.set(Vec::new());
        }
        chosen.with(|chosen| {
            let share = chosen.as_ref().and_then(|(process, is_there)| process.cpu_pct.filter(|_| *is_there));
            shares.update(|shares| {
                shares.push(share);
                let over = shares.len().saturating_sub(SHARES_KEPT);
                shares.drain(..over);
            });
        });
        pid
    });
    let sockets = RwSignal::new(None::<Vec<Arc<SocketRow>>>);
    let (i18n, host) = (use_i18n(), use_host());
    let is_live = host.is_live();
    Effect::new(move |_| {
        sockets.set(None);
        let Some(pid) = pid.get() else { return };
        let query = SocketQuery { text: pid.to_string(), ..SocketQuery::default() };
        let host = host.name.get_untracked();
        spawn_local(async move {
            let Ok(answer) = ipc::call(SocketsQuery { host, query }).await else { return };
            if pid_is(pid, cursor) {
                let own = answer.rows.into_iter().filter(|row| row.socket.pid == Some(pid)).collect();
                sockets.try_set(Some(own));
            }
        });
    });
    move || {
        let (process, is_there) = chosen.get()?;
        Some(detail(i18n, process, is_there, cursor, is_live, sockets, shares))
    }
}

/// True if the answer is still about the process that is looked at.
fn pid_is(pid: u32, cursor: RwSignal<Option<String>>) -> bool {
    cursor.try_with_untracked(|key| key.as_deref().and_then(order::pid_of)) == Some(Some(pid))
}

/// The panel of one process, drawn anew when it changes; no component, so that its words follow
/// the language.
fn detail(
    i18n: I18n,
    process: Process,
    is_there: bool,
    cursor: RwSignal<Option<String>>,
    is_live: Memo<bool>,
    sockets: RwSignal<Option<Vec<Arc<SocketRow>>>>,
    shares: RwSignal<Vec<Option<f64>>>,
) -> impl IntoView {
    let app = use_app();
    let host = use_host();
    let tongue = lang(i18n);
    let started = process.started_ms.map(|at_ms| format::date_time(at_ms, zone_min(at_ms), tongue));
    let cpu = process.cpu_pct.map(|pct| t_string!(i18n, processes.of_one_cpu, share = format::tenths(pct)));
    let facts = [
        (t_string!(i18n, processes.parent), Some(process.ppid.to_string())),
        (t_string!(i18n, processes.user), Some(order::user(&process).into_owned())),
        (t_string!(i18n, processes.state_long), Some(state_words(i18n, process.state).to_owned())),
        (t_string!(i18n, processes.unit), process.unit.as_deref().map(|unit| printable(unit).into_owned())),
        (t_string!(i18n, processes.started), started),
        (t_string!(i18n, processes.nice), Some(process.nice.to_string())),
        (
            t_string!(i18n, processes.cgroup),
            process.cgroup.as_deref().map(|path| printable(path).into_owned()),
        ),
    ];
    let detail = process.detail.clone().unwrap_or_default();
    let usage = [
        (t_string!(i18n, processes.cpu), cpu),
        (t_string!(i18n, processes.cpu_time), Some(format::took(process.cpu_ms, tongue))),
        (t_string!(i18n, processes.memory_rss), Some(format::memory(process.rss_bytes))),
        (t_string!(i18n, processes.memory_pss), detail.pss_bytes.map(format::memory)),
        (t_string!(i18n, processes.threads_long), Some(process.threads.to_string())),
        (t_string!(i18n, processes.read), detail.read_bytes.map(format::bytes)),
        (t_string!(i18n, processes.written), detail.written_bytes.map(format::bytes)),
    ];
    let command = (!process.command.is_empty()).then(|| {
        let shown = printable_lines(&process.command).into_owned();
        let cut = (process.command_left_out_bytes > 0).then(|| {
            let size = format::bytes(u64::from(process.command_left_out_bytes));
            view! { <p class="dim">{t_string!(i18n, processes.command_cut, size = size)}</p> }
        });
        view! {
            <SideSection title=t_string!(i18n, processes.command) copy=process.command.clone()>
                <pre class="block mono selectable" data-testid="processes-command">{shown}</pre>
                {cut}
            </SideSection>
        }
    });
    let (pid, start_ticks, name) = (process.pid, process.start_ticks, process.name.clone());
    let send = move |_: ()| {
        app.dialog.set(Some(OpenDialog::Signal {
            host: host.name.get_untracked(),
            pid,
            start_ticks,
            name: name.clone(),
        }));
    };
    let is_held = !order::takes_signals(&process);
    let unit = process.unit.clone().filter(|unit| unit.ends_with(".service"));
    let open_unit = move |unit: String| {
        app.dialog.set(Some(OpenDialog::Service {
            host: host.name.get_untracked(),
            unit: Some(unit),
            action: ServiceAction::Restart,
        }));
    };
    let send = Callback::new(send);
    let foot = move || {
        view! {
            {unit
                .clone()
                .map(|unit| {
                    view! {
                        <Button
                            icon=IconName::Unit
                            testid="processes-unit"
                            disabled=Signal::derive(move || !is_live.get())
                            on_click=Callback::new(move |()| open_unit(unit.clone()))
                        >
                            {move || t_string!(i18n, sockets.open_service)}
                        </Button>
                    }
                })}
            <Button
                testid="processes-signal"
                disabled=Signal::derive(move || !is_live.get() || !is_there || is_held)
                on_click=send
            >
                {move || t_string!(i18n, processes.signal)}
            </Button>
        }
    };
    view! {
        <SidePanel
            title=order::name(&process)
            beside=Some(t_string!(i18n, processes.pid_is, pid = pid))
            warning=(!is_there).then(|| t_string!(i18n, processes.gone).to_owned())
            cursor
            testid="processes-detail"
            close_testid="processes-detail-close"
            foot=Some(ViewFn::from(foot))
        >
            {command}
            <SideSection title=t_string!(i18n, processes.usage)>
                <Sparkline
                    values=shares
                    places=SHARES_KEPT
                    label=Signal::derive(move || t_string!(i18n, processes.cpu).to_owned())
                />
                <Facts facts=usage.into() />
            </SideSection>
            <SideSection title=t_string!(i18n, processes.what)>
                <Facts facts=facts.into() />
            </SideSection>
            <SideSection title=t_string!(i18n, processes.sockets)>
                {move || sockets.with(|sockets| own_sockets(i18n, sockets.as_deref()))}
            </SideSection>
        </SidePanel>
    }
}

fn own_sockets(i18n: I18n, sockets: Option<&[Arc<SocketRow>]>) -> AnyView {
    let Some(sockets) = sockets else {
        return view! { <p class="dim">{NOT_KNOWN}</p> }.into_any();
    };
    if sockets.is_empty() {
        return view! { <p class="dim">{t_string!(i18n, processes.no_sockets)}</p> }.into_any();
    }
    let rest = sockets.len().saturating_sub(SOCKETS_SHOWN);
    let line = |row: &Arc<SocketRow>| {
        let socket = &row.socket;
        let peer = match &row.peer_host {
            Some(name) => {
                let (path, shown) = (host_path(name), printable(name).into_owned());
                view! {
                    <A href=path attr:class="link">
                        {shown}
                    </A>
                }
                .into_any()
            }
            None => printable(&socket.peer()).into_owned().into_any(),
        };
        view! {
            <li class="cut">
                <span class="dim">{socket.protocol.name()} " "</span>
                <span class="mono">{printable(&socket.local()).into_owned()}</span>
                " "
                <span class="mono dim">{peer}</span>
                " "
                <span class="quiet">{socket.state.name()}</span>
            </li>
        }
    };
    let lines: Vec<_> = sockets.iter().take(SOCKETS_SHOWN).map(line).collect();
    view! {
        <ul class="side-list">{lines}</ul>
        {(rest > 0).then(|| view! { <p class="dim">{t_string!(i18n, services.more_units, count = rest)}</p> })}
    }
    .into_any()
}
