//! The part of the settings about the log of operations: how much of it is kept, and a collector that gets
//! each entry.

use leptos::prelude::*;
use protocol::settings::Transport;

use super::given::{Wrong, parse_keep, parse_syslog};
use crate::components::{Button, Choice, Field, Segmented, TextInput};
use crate::state::use_app;
use crate::text::{I18n, t_string, use_i18n};

#[component]
pub(super) fn LogSettings() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let log = app.settings.with_untracked(|settings| settings.log.clone());
    let shown = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let days = RwSignal::new(shown(log.keep.days.map(u64::from)));
    let entries = RwSignal::new(shown(log.keep.entries));
    let folder = RwSignal::new(log.keep.export_to.unwrap_or_default());
    let to = log.syslog;
    let transport = RwSignal::new(to.as_ref().map(|to| to.transport));
    let host = RwSignal::new(to.as_ref().map(|to| to.host.clone()).unwrap_or_default());
    let port = RwSignal::new(shown(to.as_ref().map(|to| u64::from(to.port))));
    let wrong = RwSignal::new(None::<Wrong>);
    // What is wrong is said until something is typed.
    Effect::new(move |before: Option<()>| {
        for field in [days, entries, folder, host, port] {
            field.track();
        }
        transport.track();
        if before.is_some() {
            wrong.set(None);
        }
    });
    let error = move |field: Wrong| {
        Signal::derive(move || (wrong.get() == Some(field)).then(|| words(i18n, field).to_owned()))
    };
    let is_wrong = move |field: Wrong| Signal::derive(move || wrong.get() == Some(field));
    let keep = Callback::new(move |()| {
        match parse_keep(&days.get_untracked(), &entries.get_untracked(), &folder.get_untracked()) {
            Ok(keep) => app.change_settings(move |settings| settings.log.keep = keep),
            Err(field) => wrong.set(Some(field)),
        }
    });
    let send = Callback::new(move |()| {
        let to = transport
            .get_untracked()
            .map(|transport| parse_syslog(transport, &host.get_untracked(), &port.get_untracked()));
        match to.transpose() {
            Ok(to) => app.change_settings(move |settings| settings.log.syslog = to),
            Err(field) => wrong.set(Some(field)),
        }
    });
    let is_off = Signal::derive(move || transport.get().is_none());
    macro_rules! says {
        ($key:ident) => {
            Signal::derive(move || t_string!(i18n, settings.$key).to_string())
        };
    }
    view! {
        <div class="setting" data-testid="settings-keep">
            <span class="setting-name">{move || t_string!(i18n, settings.keep)}</span>
            <div class="setting-fields">
                <Field label=says!(keep_days) for_id="keep-days" error=error(Wrong::Days)>
                    <TextInput value=days id="keep-days" testid="keep-days" mono=true
                        placeholder=says!(keep_ever) invalid=is_wrong(Wrong::Days) />
                </Field>
                <Field label=says!(keep_entries) for_id="keep-entries" error=error(Wrong::Entries)>
                    <TextInput value=entries id="keep-entries" testid="keep-entries" mono=true
                        placeholder=says!(keep_all) invalid=is_wrong(Wrong::Entries) />
                </Field>
                <Field label=says!(keep_folder) for_id="keep-folder" error=error(Wrong::Folder)>
                    <TextInput value=folder id="keep-folder" testid="keep-folder" mono=true
                        placeholder=says!(keep_nowhere) invalid=is_wrong(Wrong::Folder) />
                </Field>
                <Button small=true testid="keep-save" on_click=keep>
                    {move || t_string!(i18n, settings.keep_save)}
                </Button>
            </div>
            <p class="setting-hint">{move || t_string!(i18n, settings.keep_hint)}</p>
        </div>
        <div class="setting" data-testid="settings-syslog">
            <span class="setting-name">{move || t_string!(i18n, settings.syslog)}</span>
            <div class="setting-fields">
                <Segmented
                    label=says!(syslog)
                    value=transport
                    on_change=Callback::new(move |chosen| transport.set(chosen))
                    choices=vec![
                        Choice::new(None, "syslog-off", move || t_string!(i18n, settings.syslog_off).to_string()),
                        Choice::new(Some(Transport::Tcp), "syslog-tcp", || "TCP".to_owned()),
                        Choice::new(Some(Transport::Udp), "syslog-udp", || "UDP".to_owned()),
                    ]
                />
                <Field label=says!(syslog_host) for_id="syslog-host" error=error(Wrong::Host)>
                    <TextInput value=host id="syslog-host" testid="syslog-host" mono=true
                        disabled=is_off invalid=is_wrong(Wrong::Host) />
                </Field>
                <Field label=says!(syslog_port) for_id="syslog-port" error=error(Wrong::Port)>
                    <TextInput value=port id="syslog-port" testid="syslog-port" mono=true
                        placeholder=Signal::stored("514".to_owned()) disabled=is_off invalid=is_wrong(Wrong::Port) />
                </Field>
                <Button small=true testid="syslog-save" on_click=send>
                    {move || t_string!(i18n, settings.keep_save)}
                </Button>
            </div>
            <p class="setting-hint">{move || t_string!(i18n, settings.syslog_hint)}</p>
        </div>
    }
}

fn words(i18n: I18n, field: Wrong) -> &'static str {
    match field {
        Wrong::Days => t_string!(i18n, settings.wrong_days),
        Wrong::Entries => t_string!(i18n, settings.wrong_entries),
        Wrong::Folder => t_string!(i18n, settings.wrong_folder),
        Wrong::Host => t_string!(i18n, settings.wrong_host),
        Wrong::Port => t_string!(i18n, settings.wrong_port),
    }
}
