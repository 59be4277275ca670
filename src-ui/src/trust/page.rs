//! One screen for all host keys that are known: found by any part, with the hosts they belong to, and
//! forgotten one by one.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{TrustForgetKey, TrustList};
use protocol::sockets::endpoint;
use protocol::text::printable;
use protocol::trust::{KeyRole, TrustEntry, TrustSource};

use super::source_words;
use crate::app::TopBar;
use crate::components::load::Load;
use crate::components::{Button, ButtonKind, CopyButton, Empty, Failed, Skeleton, Tag};
use crate::ipc;
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

#[component]
pub(crate) fn TrustPage() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let keys = RwSignal::new(Load::<Vec<TrustEntry>>::Loading);
    let read = move || {
        spawn_local(async move {
            let answer = ipc::call(TrustList {}).await;
            keys.try_set(answer.map_or_else(Load::Failed, Load::Ready));
        });
    };
    read();
    let read = Callback::new(move |()| read());
    let shown = Memo::new(move |_| {
        let wanted = app.search.get().trim().to_lowercase();
        keys.with(|keys| {
            let all = keys.value().map(Vec::as_slice).unwrap_or_default();
            all.iter().filter(|entry| is_found(entry, &wanted)).cloned().collect::<Vec<_>>()
        })
    });
    let table = move || {
        shown.get().into_iter().map(|entry| view! { <KeyRow entry on_forgotten=read /> }).collect_view()
    };
    let body = move || {
        keys.with(|keys| match keys {
            Load::Loading => view! { <Skeleton rows=10 /> }.into_any(),
            Load::Failed(fault) => view! { <Failed fault=fault.clone() on_retry=read /> }.into_any(),
            Load::Ready(all) if all.is_empty() => view! {
                <Empty
                    title=Signal::derive(move || t_string!(i18n, trust.none_title).to_string())
                    text=Signal::derive(move || t_string!(i18n, trust.none_text).to_string())
                    testid="trust-none"
                />
            }
            .into_any(),
            Load::Ready(_) => view! {
                <table class="trust-table" data-testid="trust-table">
                    <thead>
                        <tr>
                            <th>{move || t_string!(i18n, trust.column_hosts)}</th>
                            <th>{move || t_string!(i18n, trust.address)}</th>
                            <th>{move || t_string!(i18n, trust.fingerprint)}</th>
                            <th>{move || t_string!(i18n, trust.column_source)}</th>
                            <th></th>
                        </tr>
                    </thead>
                    <tbody>{table}</tbody>
                </table>
            }
            .into_any(),
        })
    };
    view! {
        <TopBar />
        <main
            class="page is-padded trust-page"
            data-testid="page-trust"
            data-ready=move || keys.with(|keys| keys.value().is_some()).then_some("true")
        >
            <h1 class="settings-title">{move || t_string!(i18n, trust.page_title)}</h1>
            <p class="quiet trust-intro">{move || t_string!(i18n, trust.page_text)}</p>
            {body}
        </main>
    }
}

/// True if a part of it has the text that is looked for.
fn is_found(entry: &TrustEntry, wanted: &str) -> bool {
    let TrustEntry { trusted, hosts } = entry;
    let parts = [&trusted.address, &trusted.key.algorithm, &trusted.key.fingerprint, &trusted.accepted_by];
    wanted.is_empty() || parts.into_iter().chain(hosts).any(|part| part.to_lowercase().contains(wanted))
}

#[component]
fn KeyRow(entry: TrustEntry, on_forgotten: Callback<()>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let TrustEntry { trusted, hosts } = entry;
    let asking = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let (address, port, fingerprint) =
        (trusted.address.clone(), trusted.port, trusted.key.fingerprint.clone());
    let own = trusted.source == TrustSource::Muster;
    let command = StoredValue::new(TrustForgetKey { address, port, fingerprint });
    let forget = move |()| {
        busy.set(true);
        spawn_local(async move {
            let answer = ipc::call(command.get_value()).await;
            busy.try_set(false);
            match answer {
                Ok(_) => on_forgotten.run(()),
                Err(fault) => app.complain(fault),
            }
        });
    };
    let role = match trusted.role {
        KeyRole::Host | KeyRole::AnyPort => None,
        KeyRole::Authority => Some(Signal::derive(move || t_string!(i18n, trust.authority).to_string())),
        KeyRole::Revoked => Some(Signal::derive(move || t_string!(i18n, trust.revoked).to_string())),
    };
    let fingerprint = StoredValue::new(printable(&trusted.key.fingerprint).into_owned());
    let source = StoredValue::new(trusted.clone());
    let button = move || {
        if !own {
            return ().into_any();
        }
        let (kind, testid) = match asking.get() {
            true => (ButtonKind::Danger, "trust-forget-sure"),
            false => (ButtonKind::Plain, "trust-forget-key"),
        };
        let press = move |()| if asking.get_untracked() { forget(()) } else { asking.set(true) };
        view! {
            <Button kind small=true testid busy on_click=Callback::new(press)>
                {move || if asking.get() { t_string!(i18n, trust.forget_sure) } else { t_string!(i18n, trust.forget_key) }}
            </Button>
        }
        .into_any()
    };
    view! {
        <tr data-testid="trust-row">
            <td>{printable(&hosts.join(", ")).into_owned()}</td>
            <td class="mono selectable">{printable(&endpoint(&trusted.address, trusted.port)).into_owned()}</td>
            <td>
                <span class="trust-key">
                    <span class="mono selectable cut">{fingerprint.get_value()}</span>
                    <CopyButton text=Signal::derive(move || fingerprint.get_value()) />
                </span>
                <span class="quiet">{printable(&trusted.key.algorithm).into_owned()}</span>
                {role.map(|role| view! { " " {move || view! { <Tag text=role.get() /> }} })}
            </td>
            <td class="quiet">{move || source.with_value(|trusted| source_words(i18n, trusted))}</td>
            <td>{button}</td>
        </tr>
    }
}
