//! The questions before a host, or several, are removed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use protocol::hosts::Host;
use protocol::ipc::HostRemove;
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::jump::behind_first;
use crate::components::series::{Halt, Series, Step};
use crate::components::{
    Button, ButtonKind, Dialog, Failed, Glyph, GlyphName, GuardField, Target, stop_series,
};
use crate::ipc;
use crate::state::use_app;
use crate::text::{fault_text, t_string, use_i18n};

/// What came of one of several.
type Told = Result<(), Fault>;

/// The question before a host is removed.
#[component]
pub(crate) fn HostRemoveDialog(host: String) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<Fault>);
    let shown = StoredValue::new(printable(&host).into_owned());
    let target = Target::of(host.clone());
    let remove = StoredValue::new(move || {
        let (name, navigate) = (host.clone(), navigate.clone());
        busy.set(true);
        spawn_local(async move {
            let result = ipc::call(HostRemove { host: name.clone(), typed_name: target.typed_name() }).await;
            busy.try_set(false);
            match result {
                Ok(()) => {
                    app.dialog.set(None);
                    app.close_host(&name);
                    app.refresh_hosts();
                    navigate("/hosts", NavigateOptions::default());
                }
                Err(why) => fault.set(Some(why)),
            }
        });
    });
    let foot = move || {
        view! {
            <span class="grow"></span>
            <Button testid="remove-cancel" disabled=busy on_click=Callback::new(move |()| app.dialog.set(None))>
                {move || t_string!(i18n, app.cancel)}
            </Button>
            <Button
                kind=ButtonKind::Danger
                testid="remove-confirm"
                busy
                disabled=Signal::derive(move || !target.is_free())
                on_click=Callback::new(move |()| remove.with_value(|remove| remove()))
            >
                {move || t_string!(i18n, hosts.remove, name = shown.get_value())}
            </Button>
        }
    };
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, hosts.remove_title, name = shown.get_value()))
            on_close=Callback::new(move |()| app.dialog.set(None))
            held=busy
            testid="host-remove"
            foot
        >
            <p class="quiet">{move || t_string!(i18n, hosts.remove_text)}</p>
            <GuardField target taken=true />
            {move || fault.get().map(|fault| view! { <Failed fault bare=true /> })}
        </Dialog>
    }
}

/// The question before several are removed: each is named, and says for itself what came of it. A guarded one is
/// left out: its guard is opened for it alone.
#[component]
pub(crate) fn HostsRemoveDialog(hosts: Vec<String>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let saved = |name: &String| Some(untrack(|| app.row(name))?.read_untracked().host.clone());
    let (guarded, free): (Vec<Host>, Vec<Host>) = hosts.iter().filter_map(saved).partition(Host::is_guarded);
    let names: Vec<String> = behind_first(free).into_iter().map(|host| host.name).collect();
    let guarded: Vec<String> = guarded.into_iter().map(|host| host.name).collect();
    let (total, count) = (names.len() + guarded.len(), names.len());
    let rows =
        names.iter().chain(&guarded).map(|name| printable(name).into_owned()).enumerate().collect::<Vec<_>>();
    let names = StoredValue::new(names);
    let series = RwSignal::new(Series::<Told>::of(count));
    let has_begun = Memo::new(move |_| series.with(Series::has_begun));
    let is_over = Memo::new(move |_| series.with(Series::is_over));
    let is_running = Memo::new(move |_| has_begun.get() && !is_over.get());
    let is_called_off = Memo::new(move |_| series.with(|series| series.halt() == Some(Halt::CalledOff)));
    let run = move |()| {
        if has_begun.get_untracked() {
            return;
        }
        spawn_local(async move {
            // The rest is left with the dialog.
            let _counted = app.count_to_come(move || series.try_with(Series::to_come).unwrap_or_default());
            while let Some(Some(at)) = series.try_update(Series::begin_next) {
                let Some(name) = names.try_with_value(|names| names[at].clone()) else { break };
                let told = ipc::call(HostRemove { host: name.clone(), typed_name: None }).await;
                if told.is_ok() {
                    app.close_host(&name);
                }
                // Behind the lock all the others would be refused as well.
                let is_locked = told.as_ref().is_err_and(|fault| fault.code == FaultCode::AppLocked);
                series.try_update(|series| series.end(told, is_locked.then_some(Halt::Refused)));
            }
            app.refresh_hosts();
        });
    };
    let so_far = move || {
        series.with(|series| {
            let (done, failed) = (series.count(Result::is_ok), series.count(Result::is_err));
            match (series.has_begun(), series.is_over()) {
                (false, _) => String::new(),
                (true, false) => t_string!(i18n, tables.several_so_far, ended = done + failed, count = count),
                (true, true) => {
                    let left = series.left();
                    t_string!(i18n, tables.several_over, done = done, failed = failed, left = left)
                }
            }
        })
    };
    let close = Callback::new(move |()| app.dialog.set(None));
    let foot = move || {
        view! {
            <span class="quiet" role="status" data-testid="several-so-far">{so_far}</span>
            <span class="grow"></span>
            {move || match (has_begun.get(), is_over.get()) {
                (true, true) => {
                    view! {
                        <Button kind=ButtonKind::Primary testid="several-done" on_click=close>
                            {move || t_string!(i18n, app.close)}
                        </Button>
                    }
                        .into_any()
                }
                (true, false) => {
                    stop_series(series, is_called_off.into())
                }
                (false, _) => {
                    view! {
                        <Button testid="several-cancel" on_click=close>
                            {move || t_string!(i18n, app.cancel)}
                        </Button>
                        <Button
                            kind=ButtonKind::Danger
                            testid="hosts-remove-do"
                            disabled=Signal::stored(count == 0)
                            on_click=Callback::new(run)
                        >
                            {move || t_string!(i18n, hosts.remove_several, count = count as u64)}
                        </Button>
                    }
                        .into_any()
                }
            }}
        }
    };
    let rows = rows.into_iter().map(|(at, name)| view! { <Removed at name series /> }).collect_view();
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, hosts.remove_several_title, count = total as u64))
            on_close=close
            held=is_running
            wide=true
            testid="hosts-remove"
            foot=ViewFn::from(foot)
        >
            <p class="quiet">{move || t_string!(i18n, hosts.remove_several_text)}</p>
            <ul class="several" data-testid="several-list">{rows}</ul>
        </Dialog>
    }
}

/// One of several: its name, and what came of it. One that is guarded has no place in the series.
#[component]
fn Removed(at: usize, name: String, series: RwSignal<Series<Told>>) -> impl IntoView {
    let i18n = use_i18n();
    let step = Memo::new(move |_| series.with(|series| series.step(at).cloned()));
    let state = move || match step.get() {
        None => "guarded",
        Some(Step::Waiting) => "waiting",
        Some(Step::UnderWay) => "under-way",
        Some(Step::Ended(Ok(()))) => "done",
        Some(Step::Ended(Err(_))) => "failed",
        Some(Step::Left) => "left",
    };
    let glyph = Signal::derive(move || match step.get() {
        None => GlyphName::Warning,
        Some(Step::Waiting | Step::Left) => GlyphName::Idle,
        Some(Step::UnderWay) => GlyphName::Connecting,
        Some(Step::Ended(Ok(()))) => GlyphName::Done,
        Some(Step::Ended(Err(_))) => GlyphName::Failed,
    });
    let words = move || match step.get() {
        None => t_string!(i18n, hosts.remove_guarded).to_owned(),
        Some(Step::Waiting) => String::new(),
        Some(Step::UnderWay) => t_string!(i18n, tables.several_under_way).to_owned(),
        Some(Step::Ended(Ok(()))) => t_string!(i18n, hosts.removed).to_owned(),
        Some(Step::Ended(Err(fault))) => fault_text(i18n, &fault),
        Some(Step::Left) => t_string!(i18n, tables.several_left).to_owned(),
    };
    let is_bad = move || step.with(|step| matches!(step, Some(Step::Ended(Err(_)))));
    view! {
        <li data-testid=format!("several-row-{at}") data-state=state>
            <Glyph name=glyph />
            <span class="several-name mono cut" title=name.clone()>{name.clone()}</span>
            <span class="several-words selectable" class:is-crit=is_bad class:quiet=move || !is_bad()>{words}</span>
        </li>
    }
}
