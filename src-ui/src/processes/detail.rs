//! The side panel: one process in full, with its sockets; kept on screen after it ended.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use protocol::ipc::{ProcessesQuery, SocketsQuery};
use protocol::processes::{Process, ProcessAnswer, ProcessDetail, ProcessQuery};
use protocol::services::ServiceAction;
use protocol::sockets::{SocketQuery, SocketRow};
use protocol::text::{printable, printable_lines};

use super::order::{self, Row};
use super::page::state_words;
use crate::components::live_query::LiveQuery;
use crate::components::{Button, Facts, IconName, SidePanel, SideSection, Sparkline};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::{host_path, use_host};
use crate::ipc;
use crate::state::{OpenDialog, now_ms, use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

/// Refreshes whose share of the CPU is drawn.
const SHARES_KEPT: usize = 40;
/// Its sockets cost the host more than a look at its own numbers: they are told as seldom.
const SOCKETS_FRESH: Duration = Duration::from_secs(8);
/// Sockets shown before the rest is counted.
const SOCKETS_SHOWN: usize = 8;

#[component]
pub(crate) fn ProcessDetails(
    query: LiveQuery<ProcessAnswer>,
    cursor: RwSignal<Option<String>>,
) -> impl IntoView {
    let row = query.at(cursor);
    // What was last seen of the chosen process, and whether it is still in the table.
    let chosen = Memo::new(move |before: Option<&Option<(Row, bool)>>| {
        let key = cursor.get()?;
        match row.get() {
            Some(row) => Some((row, true)),
            None => {
                let (before, _) = before.cloned().flatten()?;
                (order::key(&before) == key).then_some((before, false))
            }
        }
    });
    let key = Memo::new(move |_| cursor.get());
    let shares = shares(query, key, row);
    let detail = Asked::<ProcessDetail>::new(key);
    let sockets = Asked::<Vec<Arc<SocketRow>>>::new(key);
    let (i18n, host) = (use_i18n(), use_host());
    let is_live = host.is_live();
    // Each by a question of its own, at each refresh of the table: so they are told of a frozen one too,
    // whose rows stay as they are.
    Effect::new(move |_| {
        query.received_ms.track();
        let Some(row) = key.get().and_then(|_| row.get_untracked()) else { return };
        let (pid, start_ticks) = (row.process.pid, row.process.start_ticks);
        let name = host.name.get_untracked();
        detail.ask(Duration::ZERO, {
            let host = name.clone();
            let query = ProcessQuery { text: pid.to_string(), detail: vec![pid], ..ProcessQuery::default() };
            async move {
                let answer = ipc::call(ProcessesQuery { host, query }).await.ok()?;
                let is_it = |row: &&Row| (row.process.pid, row.process.start_ticks) == (pid, start_ticks);
                answer.rows.iter().find(is_it)?.process.detail.clone()
            }
        });
        sockets.ask(SOCKETS_FRESH, {
            let query = SocketQuery { text: pid.to_string(), ..SocketQuery::default() };
            async move {
                let answer = ipc::call(SocketsQuery { host: name, query }).await.ok()?;
                Some(answer.rows.into_iter().filter(|row| row.socket.pid == Some(pid)).collect())
            }
        });
    });
    move || {
        let (row, is_there) = chosen.get()?;
        let mut process = row.process.clone();
        process.detail = detail.value.get();
        Some(panel(i18n, process, is_there, cursor, is_live, sockets.value, shares))
    }
}

/// Its share of the CPU at each refresh since it was chosen.
fn shares(
    query: LiveQuery<ProcessAnswer>,
    key: Memo<Option<String>>,
    row: Memo<Option<Row>>,
) -> RwSignal<Vec<Option<f64>>> {
    let shares = RwSignal::new(Vec::new());
    Effect::new(move |before: Option<Option<String>>| {
        // The same share twice is two shares.
        query.received_ms.track();
        let key = key.get();
        let share = row.with_untracked(|row| row.as_ref().and_then(|row| row.process.cpu_pct));
        shares.update(|shares| {
            if before.is_none_or(|before| before != key) {
                shares.clear();
            }
            shares.push(share);
            let over = shares.len().saturating_sub(SHARES_KEPT);
            shares.drain(..over);
        });
        key
    });
    shares
}

/// What is asked about the chosen process, and was told last.
struct Asked<T: Send + Sync + 'static> {
    value: RwSignal<Option<T>>,
    key: Memo<Option<String>>,
    /// The process that it is about.
    about: StoredValue<Option<String>>,
    is_waiting: StoredValue<bool>,
    told_ms: StoredValue<i64>,
}

impl<T: Send + Sync + 'static> Clone for Asked<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Asked<T> {}

impl<T: Send + Sync + 'static> Asked<T> {
    fn new(key: Memo<Option<String>>) -> Self {
        Self {
            value: RwSignal::new(None),
            key,
            about: StoredValue::new(None),
            is_waiting: StoredValue::new(false),
            told_ms: StoredValue::new(0),
        }
    }

    /// Asks, unless an answer is on its way or was told just now.
    fn ask(self, fresh: Duration, asking: impl Future<Output = Option<T>> + 'static) {
        let about = self.key.get_untracked();
        if self.about.get_value() != about {
            self.value.set(None);
            self.about.set_value(about.clone());
            self.is_waiting.set_value(false);
            self.told_ms.set_value(0);
        }
        let is_fresh = now_ms() - self.told_ms.get_value() < fresh.as_millis() as i64;
        if is_fresh || self.is_waiting.get_value() {
            return;
        }
        self.is_waiting.set_value(true);
        spawn_local(async move {
            let told = asking.await;
            // By now another process may be looked at.
            if self.about.try_get_value() != Some(about) {
                return;
            }
            self.is_waiting.set_value(false);
            if let Some(told) = told {
                self.told_ms.set_value(now_ms());
                self.value.set(Some(told));
            }
        });
    }
}

/// The panel of one process, drawn anew when it changes; no component, so that its words follow
/// the language.
fn panel(
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
