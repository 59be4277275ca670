//! A row of the panel: a process that was among the largest. Opened, it tells all that is kept of it, and what
//! it holds now: sockets are not kept over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use protocol::Fault;
use protocol::ipc::{ProcessesQuery, SocketsQuery};
use protocol::processes::{Consumer, ProcessQuery};
use protocol::sockets::{SocketQuery, SocketRow};
use protocol::text::{printable, printable_lines};

use super::blame::{Culprit, Of};
use crate::components::level::Level;
use crate::components::load::Load;
use crate::components::{Amount, Icon, IconName, Meter};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::{host_path, use_host};
use crate::ipc;
use crate::text::{I18n, fault_text, t_string, use_i18n};

/// Sockets shown before the rest is counted.
const SOCKETS_SHOWN: usize = 4;

/// What a process of the ring is now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Now {
    /// No process has its PID, or another one has it.
    Gone,
    There {
        command: String,
        sockets: Vec<Arc<SocketRow>>,
    },
    /// The host is not asked, or does not show all processes to this user.
    Unknown,
}

/// What the processes of the panel are now, by PID. One that is not there is still to be asked for.
#[derive(Clone, Copy)]
pub(super) struct Nows {
    known: RwSignal<BTreeMap<u32, Load<Now>>>,
    /// Another one for each panel: what was asked for an earlier one is not taken.
    round: StoredValue<u32>,
}

impl Nows {
    pub(super) fn new() -> Self {
        Self { known: RwSignal::default(), round: StoredValue::new(0) }
    }

    fn of(self, pid: u32) -> Option<Load<Now>> {
        self.known.with(|known| known.get(&pid).cloned())
    }

    /// Asks for all of them anew, one after the other.
    pub(super) fn ask(self, host: String, processes: Vec<(u32, u64)>) {
        self.known.set(BTreeMap::new());
        self.round.update_value(|round| *round += 1);
        self.go_on(host, processes);
    }

    /// Asks for one of them again: it may have ended meanwhile.
    fn ask_again(self, host: String, consumer: &Consumer) {
        self.go_on(host, vec![(consumer.pid, consumer.start_ticks)]);
    }

    fn go_on(self, host: String, processes: Vec<(u32, u64)>) {
        let round = self.round.get_value();
        spawn_local(async move {
            for (pid, start_ticks) in processes {
                let now = match ask(&host, pid, start_ticks).await {
                    Ok(now) => Load::Ready(now),
                    Err(fault) => Load::Failed(fault),
                };
                if self.round.try_get_value() != Some(round) {
                    return;
                }
                self.known.update(|known| drop(known.insert(pid, now)));
            }
        });
    }
}

async fn ask(host: &str, pid: u32, start_ticks: u64) -> Result<Now, Fault> {
    let query = ProcessQuery { text: pid.to_string(), ..ProcessQuery::default() };
    let processes = ipc::call(ProcessesQuery { host: host.to_owned(), query }).await?;
    if processes.stale {
        return Ok(Now::Unknown);
    }
    let is_it =
        |process: &protocol::processes::Process| process.pid == pid && process.start_ticks == start_ticks;
    let Some(row) = processes.rows.iter().find(|row| is_it(&row.process)) else {
        let are_all_shown = !processes.others_hidden && processes.left_out == 0;
        return Ok(if are_all_shown { Now::Gone } else { Now::Unknown });
    };
    let query = SocketQuery { text: pid.to_string(), ..SocketQuery::default() };
    let sockets = ipc::call(SocketsQuery { host: host.to_owned(), query }).await?;
    if sockets.stale {
        return Ok(Now::Unknown);
    }
    let sockets = sockets.rows.into_iter().filter(|row| row.socket.pid == Some(pid)).collect();
    Ok(Now::There { command: row.process.command.clone(), sockets })
}

/// What all rows of a panel have in common.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub(super) of: Of,
    pub(super) most: f64,
    pub(super) cpus: u32,
    /// PID of the row that is opened.
    pub(super) open: RwSignal<Option<u32>>,
    pub(super) nows: Nows,
}

/// The columns beside the one that the rows are ordered by.
pub(super) fn others(of: Of) -> impl Iterator<Item = Of> {
    [Of::Cpu, Of::Memory, Of::Io].into_iter().filter(move |other| *other != of)
}

#[component]
pub(super) fn CulpritRow(row: Culprit, panel: Panel) -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let Panel { of, most, cpus, open, nows } = panel;
    let Culprit { consumer, value, rise } = row;
    let pid = consumer.pid;
    let known =
        |of: Of, value: Option<f64>| value.map_or_else(|| NOT_KNOWN.to_owned(), |value| amount(of, value));
    let signed = |value: f64| match value < 0.0 {
        true => format!("\u{2212}{}", amount(of, -value)),
        false => format!("+{}", amount(of, value)),
    };
    let name = printable(&consumer.name).into_owned();
    let text =
        |text: Option<&str>| text.map_or_else(|| NOT_KNOWN.to_owned(), |text| printable(text).into_owned());
    let share = value.filter(|_| most > 0.0).map(|value| 100.0 * value / most);
    let spoken = value.map(|value| Amount {
        value,
        // Of the CPU the whole is the host; of the others the row that has the most.
        most: if of == Of::Cpu { 100.0 } else { most },
        words: amount(of, value),
    });
    let beside = others(of)
        .map(|other| {
            view! { <td class="num quiet">{known(other, other.value(&consumer.then, cpus))}</td> }
        })
        .collect_view();
    let sockets = move || match nows.of(pid) {
        Some(Load::Ready(Now::There { sockets, .. })) => format::count(sockets.len() as u64),
        Some(Load::Ready(Now::Gone)) => t_string!(i18n, overview.spike_gone_short).to_owned(),
        Some(Load::Ready(Now::Unknown) | Load::Failed(_) | Load::Loading) | None => NOT_KNOWN.to_owned(),
    };
    let is_open = Memo::new(move |_| open.get() == Some(pid));
    let toggle = {
        let consumer = consumer.clone();
        let is_live = host.is_live();
        move |_| {
            let opens = !is_open.get_untracked();
            open.set(opens.then_some(pid));
            if opens && is_live.get_untracked() {
                nows.ask_again(host.name.get_untracked(), &consumer);
            }
        }
    };
    let id = format!("spike-open-{pid}");
    let (user, unit) = (text(consumer.user.as_deref()), text(consumer.unit.as_deref()));
    let consumer = StoredValue::new(consumer);
    view! {
        // Enter on the name is a click as well, which comes up to here.
        <tr class="spike-row" data-testid=format!("spike-row-{pid}") class:is-open=is_open on:click=toggle>
            <td>
                <button
                    type="button"
                    class="spike-name"
                    aria-expanded=move || if is_open.get() { "true" } else { "false" }
                    aria-controls=id.clone()
                    data-testid=format!("spike-name-{pid}")
                >
                    {move || match is_open.get() {
                        true => view! { <Icon name=IconName::Down /> },
                        false => view! { <Icon name=IconName::Right /> },
                    }}
                    <span class="strong">{name.clone()}</span>
                    <span class="dim">{pid}</span>
                </button>
            </td>
            <td class="quiet">{user}</td>
            <td class="quiet">{unit}</td>
            <td class="spike-value">
                <Meter label=name pct=share level=Level::Normal amount=Signal::stored(spoken) />
                <b>{known(of, value)}</b>
            </td>
            <td class="num">{rise.map_or_else(|| NOT_KNOWN.to_owned(), signed)}</td>
            {beside}
            <td class="num quiet">{sockets}</td>
        </tr>
        <tr class="spike-more" id=id class:is-away=move || !is_open.get()>
            <td colspan="8">
                <Show when=move || is_open.get()>
                    <Opened consumer=consumer.get_value() nows />
                </Show>
            </td>
        </tr>
    }
}

fn amount(of: Of, value: f64) -> String {
    match of {
        Of::Cpu => format::tenths(value),
        Of::Memory => format::memory(value as u64),
        Of::Io => format!("{}/s", format::bytes(value as u64)),
    }
}

/// All that is known of one of them, and the ways on.
#[component]
fn Opened(consumer: Consumer, nows: Nows) -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let is_live = host.is_live();
    let pid = consumer.pid;
    let kept = consumer.command.clone();
    // What is kept of the moment may be the beginning only.
    let command = move || {
        let whole = match nows.of(pid) {
            Some(Load::Ready(Now::There { command, .. })) if !command.is_empty() => command,
            _ => kept.clone(),
        };
        match whole.is_empty() {
            true => NOT_KNOWN.to_owned(),
            false => printable_lines(&whole).into_owned(),
        }
    };
    let state = move || match nows.of(pid) {
        Some(Load::Ready(Now::There { .. })) => "there",
        Some(Load::Ready(Now::Gone)) => "gone",
        Some(Load::Ready(Now::Unknown) | Load::Failed(_)) => "unknown",
        Some(Load::Loading) | None if is_live.get() => "asking",
        Some(Load::Loading) | None => "unknown",
    };
    let path = move |page: &str, text: &str| {
        let text = String::from(js_sys::encode_uri_component(text));
        format!("{}/{page}?q={text}", host_path(&host.name.get_untracked()))
    };
    let process_path = path("processes", &pid.to_string());
    let unit = consumer.unit.clone().filter(|unit| unit.ends_with(".service"));
    let unit_way = unit.map(|unit| {
        let words = printable(&unit).into_owned();
        view! {
            <A href=path("services", &unit) attr:class="link" attr:data-testid="spike-unit">
                {move || t_string!(i18n, overview.spike_to_unit, unit = words.clone())}
            </A>
        }
    });
    view! {
        <div class="spike-opened" data-testid="spike-opened" data-now=state>
            <pre class="block mono selectable" data-testid="spike-command">{command}</pre>
            <div class="spike-now" role="status">
                {move || now_view(i18n, nows.of(pid), is_live.get())}
            </div>
            <div class="spike-ways">
                <A href=process_path attr:class="link" attr:data-testid="spike-process">
                    {move || t_string!(i18n, overview.spike_to_process)}
                </A>
                {unit_way}
            </div>
        </div>
    }
}

fn now_view(i18n: I18n, now: Option<Load<Now>>, is_live: bool) -> AnyView {
    let line = |words: String| view! { <p class="dim">{words}</p> }.into_any();
    let (sockets, rest) = match now {
        None | Some(Load::Loading) if is_live => {
            return line(t_string!(i18n, overview.spike_asking).to_owned());
        }
        None | Some(Load::Loading | Load::Ready(Now::Unknown)) => {
            return line(t_string!(i18n, overview.spike_now_unknown).to_owned());
        }
        Some(Load::Failed(fault)) => return line(fault_text(i18n, &fault)),
        Some(Load::Ready(Now::Gone)) => {
            let words = t_string!(i18n, overview.spike_gone);
            return view! { <p class="is-warn" data-testid="spike-gone">{words}</p> }.into_any();
        }
        Some(Load::Ready(Now::There { sockets, .. })) if sockets.is_empty() => {
            return line(t_string!(i18n, overview.spike_no_sockets).to_owned());
        }
        Some(Load::Ready(Now::There { mut sockets, .. })) => {
            // Those that listen say what it is.
            sockets.sort_by_key(|row| !row.socket.is_listening());
            let rest = sockets.len().saturating_sub(SOCKETS_SHOWN);
            sockets.truncate(SOCKETS_SHOWN);
            (sockets, rest)
        }
    };
    let count = (sockets.len() + rest) as u64;
    view! {
        <p class="dim">{t_string!(i18n, overview.spike_sockets_now, count = count)}</p>
        <ul data-testid="spike-sockets">
            {sockets.iter().map(|row| socket_line(row)).collect_view()}
            {(rest > 0)
                .then(|| view! { <li class="dim">{t_string!(i18n, services.more_units, count = rest)}</li> })}
        </ul>
    }
    .into_any()
}

fn socket_line(row: &SocketRow) -> impl IntoView + use<> {
    let socket = &row.socket;
    let peer = row.peer_host.clone().unwrap_or_else(|| socket.peer());
    view! {
        <li class="cut selectable">
            <span class="dim">{socket.protocol.name()} " "</span>
            <span class="mono">{printable(&socket.local()).into_owned()}</span>
            " "
            <span class="mono dim">{printable(&peer).into_owned()}</span>
            " "
            <span class="quiet">{socket.state.name()}</span>
        </li>
    }
}
