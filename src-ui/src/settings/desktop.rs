//! What the app does on the desktop beside its window: notices, and whether it starts with it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{AutostartSet, AutostartShow};
use protocol::settings::Settings;

use crate::components::Checkbox;
use crate::ipc;
use crate::state::use_app;
use crate::text::{I18n, t_string, use_i18n};

/// One kind of notice: its words, and where it stands among the settings.
type Kind = (&'static str, fn(I18n) -> &'static str, fn(&mut Settings) -> &mut bool);

const KINDS: [Kind; 3] = [
    (
        "notify-own-ended",
        |i18n| t_string!(i18n, settings.notify_own),
        |settings| &mut settings.notify.own_ended,
    ),
    (
        "notify-host-lost",
        |i18n| t_string!(i18n, settings.notify_lost),
        |settings| &mut settings.notify.host_lost,
    ),
    (
        "notify-unit-failed",
        |i18n| t_string!(i18n, settings.notify_unit),
        |settings| &mut settings.notify.unit_failed,
    ),
];

#[component]
pub(super) fn DesktopSettings(settings: Memo<Settings>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let autostart = RwSignal::new(None::<bool>);
    spawn_local(async move {
        // Where it cannot be told it cannot be chosen either.
        if let Ok(on) = ipc::call(AutostartShow {}).await {
            autostart.try_set(Some(on));
        }
    });
    let set_autostart = move |on: bool| {
        spawn_local(async move {
            match ipc::call(AutostartSet { on }).await {
                Ok(on) => drop(autostart.try_set(Some(on))),
                Err(fault) => {
                    // The box goes back to what is true.
                    autostart.update(|_| {});
                    app.complain(fault);
                }
            }
        });
    };
    let kinds = KINDS
        .map(|(testid, words, place)| {
            view! {
                <Checkbox
                    label=Signal::derive(move || words(i18n).to_owned())
                    testid
                    on=Signal::derive(move || *place(&mut settings.get()))
                    on_change=Callback::new(move |on| {
                        app.change_settings(|settings| *place(settings) = on);
                    })
                />
            }
        })
        .collect_view();
    view! {
        <div class="setting">
            <span class="setting-name">{move || t_string!(i18n, settings.notify)}</span>
            <div class="setting-checks" role="group" aria-label=move || t_string!(i18n, settings.notify)>{kinds}</div>
            <p class="setting-hint">{move || t_string!(i18n, settings.notify_hint)}</p>
        </div>
        <div class="setting">
            <span class="setting-name">{move || t_string!(i18n, settings.autostart)}</span>
            <Checkbox
                label=Signal::derive(move || t_string!(i18n, settings.autostart_do).to_owned())
                testid="settings-autostart"
                disabled=Signal::derive(move || autostart.with(Option::is_none))
                on=Signal::derive(move || autostart.get() == Some(true))
                on_change=Callback::new(set_autostart)
            />
        </div>
    }
}
