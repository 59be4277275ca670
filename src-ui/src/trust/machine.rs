//! Which computer answers for a host: what tells it from others, and the person's word that it is meant.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::{TrustMachine, TrustMarks};
use protocol::text::printable;
use protocol::trust::{HostMachine, HostMarks, Machine};

use crate::components::{Button, ButtonKind, Failed, Glyph, GlyphName};
use crate::format;
use crate::hosts::use_host;
use crate::ipc;
use crate::state::zone_min;
use crate::text::{I18n, lang, t_string, use_i18n};

/// Above the views of a host that another computer answers for than before.
#[component]
pub(crate) fn MachineBar() -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let marks = RwSignal::new(None::<HostMarks>);
    let fault = RwSignal::new(None::<Fault>);
    let busy = RwSignal::new(false);
    let live = host.is_live();
    Effect::new(move |_| {
        let name = host.name.get();
        fault.set(None);
        // It is known who answers once the link is up.
        if !live.get() {
            return marks.set(None);
        }
        spawn_local(async move {
            let known = ipc::call(TrustMarks { host: name.clone() }).await.ok();
            if host.name.try_get_untracked() == Some(name) {
                marks.try_set(known);
            }
        });
    });
    let other = Memo::new(move |_| {
        marks.with(|marks| marks.as_ref()?.machine.clone().filter(|machine| machine.other.is_some()))
    });
    let accept = move || {
        let Some(now) = other.get_untracked().and_then(|machine| machine.other) else { return };
        busy.set(true);
        spawn_local(async move {
            let name = host.name.get_untracked();
            let answer = ipc::call(TrustMachine { host: name.clone(), machine_id: now.id }).await;
            busy.try_set(false);
            match answer {
                Ok(machine) => {
                    let keys = Vec::new();
                    marks.try_set(Some(HostMarks { host: name, keys, machine: Some(machine) }));
                }
                Err(why) => drop(fault.try_set(Some(why))),
            }
        });
    };
    let name = move || printable(&host.name.get()).into_owned();
    move || {
        other.get().map(|HostMachine { known, other, .. }| {
            view! {
                <section class="link-fault machine" role="alert" data-testid="machine-changed">
                    <Glyph name=GlyphName::KeyChanged size=14 />
                    <div class="grow">
                        <p class="panel-title is-crit">{move || t_string!(i18n, trust.machine_other, name = name())}</p>
                        <dl class="key-facts is-wide">
                            <Fact i18n machine=known was=true />
                            {other.map(|other| view! { <Fact i18n machine=other was=false /> })}
                        </dl>
                        {move || fault.get().map(|fault| view! { <Failed fault bare=true /> })}
                    </div>
                    <Button
                        kind=ButtonKind::Danger
                        testid="machine-accept"
                        busy
                        on_click=Callback::new(move |()| accept())
                    >
                        {move || t_string!(i18n, trust.machine_accept)}
                    </Button>
                </section>
            }
        })
    }
}

#[component]
fn Fact(i18n: I18n, machine: Machine, was: bool) -> impl IntoView {
    let Machine { id, since_ms } = machine;
    let when = move || format::date_time(since_ms, zone_min(since_ms), lang(i18n));
    let term = move || match was {
        true => t_string!(i18n, trust.machine_was, when = when()),
        false => t_string!(i18n, trust.machine_is, when = when()),
    };
    let id = id.map(|id| printable(&id).into_owned());
    view! {
        <dt>{term}</dt>
        <dd class="mono selectable">
            {move || id.clone().unwrap_or_else(|| t_string!(i18n, trust.machine_none).to_owned())}
        </dd>
    }
}

/// Beside the guard of a host: by what it is told from another of its name.
#[component]
pub(crate) fn Marks(host: String) -> impl IntoView {
    let i18n = use_i18n();
    let marks = RwSignal::new(None::<HostMarks>);
    spawn_local(async move {
        let known = ipc::call(TrustMarks { host }).await;
        // Without them the guard still asks for the name.
        marks.try_set(known.ok());
    });
    move || {
        marks.get().filter(|marks| !marks.keys.is_empty()).map(|HostMarks { keys, machine, .. }| {
            let keys = keys
                .into_iter()
                .map(|key| view! { <span>{printable(&key.fingerprint).into_owned()}</span> })
                .collect_view();
            let id = machine.and_then(|machine| machine.other.unwrap_or(machine.known).id);
            let id = id.map(|id| printable(&id).into_owned());
            view! {
                <dl class="key-facts marks" data-testid="guard-marks">
                    <dt>{move || t_string!(i18n, trust.key)}</dt>
                    <dd class="mono selectable">{keys}</dd>
                    <dt>{move || t_string!(i18n, trust.machine)}</dt>
                    <dd class="mono selectable">
                        {move || id.clone().unwrap_or_else(|| t_string!(i18n, trust.not_known).to_owned())}
                    </dd>
                </dl>
            }
        })
    }
}
