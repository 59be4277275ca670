//! The question before a host is removed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use protocol::Fault;
use protocol::ipc::HostRemove;
use protocol::text::printable;

use crate::components::{Button, ButtonKind, Dialog, Failed, GuardField, Target};
use crate::ipc;
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

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
