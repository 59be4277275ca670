//! The lock in the window: the screen that hides all else, its setting, and the sign that somebody is here.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::credentials::KeyringState;
use protocol::ipc::{AppSeen, AppUnlock};
use protocol::{Fault, FaultCode};

use super::VaultStep;
use crate::components::{
    Button, ButtonKind, Choice, Failed, Field, SecretField, SecretInput, Segmented, forget,
};
use crate::ipc;
use crate::state::{App, OpenDialog, now_ms, use_app};
use crate::text::{t_string, use_i18n};

/// The engine hears that often that somebody is here.
const SEEN_EVERY_MS: i64 = 20_000;
/// The times after which it may be locked, in minutes.
const MINUTES: [(u32, &str); 5] =
    [(0, "lock-never"), (5, "lock-5"), (10, "lock-10"), (30, "lock-30"), (60, "lock-60")];

/// Tells the engine, now and then, that a person moves or types.
pub(crate) fn watch_for_people(app: App) {
    let told_ms = StoredValue::new(0_i64);
    let seen = move || {
        let now_ms = now_ms();
        if now_ms - told_ms.get_value() < SEEN_EVERY_MS
            || app.facts.with_untracked(|facts| facts.value().is_none())
        {
            return;
        }
        told_ms.set_value(now_ms);
        spawn_local(async move {
            // While it is locked the engine does not listen, and that is right.
            let _ = ipc::call(AppSeen {}).await;
        });
    };
    let moved = window_event_listener(leptos::ev::pointermove, move |_| seen());
    let typed = window_event_listener(leptos::ev::keydown, move |_| seen());
    on_cleanup(move || {
        moved.remove();
        typed.remove();
    });
}

/// All that is shown while it is locked.
#[component]
pub(crate) fn LockScreen() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let busy = RwSignal::new(false);
    let wrong = RwSignal::new(false);
    let fault = RwSignal::new(None::<Fault>);
    let secret = SecretField::new();
    secret.focus_first();
    let send = move || {
        if busy.get_untracked() || !secret.is_settled() {
            return;
        }
        let Some(passphrase) = secret.take() else { return };
        busy.set(true);
        wrong.set(false);
        fault.set(None);
        spawn_local(async move {
            let answer = ipc::call(AppUnlock { passphrase: passphrase.into() }).await;
            busy.try_set(false);
            if answer.is_err() {
                forget(passphrase);
            }
            match answer {
                Ok(()) => app.start(),
                Err(why) if why.code == FaultCode::VaultPassphraseWrong => drop(wrong.try_set(true)),
                Err(why) => drop(fault.try_set(Some(why))),
            }
        });
    };
    let error = Signal::derive(move || wrong.get().then(|| t_string!(i18n, credentials.wrong).to_string()));
    view! {
        <main class="lock-screen" data-testid="lock-screen">
            <h1 class="first-title">{move || t_string!(i18n, credentials.locked_title)}</h1>
            <p class="quiet">{move || t_string!(i18n, credentials.locked_text)}</p>
            <form on:submit=move |event| {
                event.prevent_default();
                send();
            }>
                <Field
                    label=Signal::derive(move || t_string!(i18n, credentials.passphrase).to_string())
                    for_id="unlock"
                    error
                >
                    <SecretInput
                        id="unlock"
                        testid="unlock-passphrase"
                        field=secret
                        invalid=wrong
                        on_input=Callback::new(move |()| wrong.set(false))
                    />
                </Field>
                <Button kind=ButtonKind::Primary testid="unlock-do" busy on_click=Callback::new(move |()| send())>
                    {move || t_string!(i18n, credentials.unlock_now)}
                </Button>
                {move || fault.get().map(|fault| view! { <Failed fault bare=true /> })}
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        </main>
    }
}

/// After which time it is locked, and with what: a row of the settings.
#[component]
pub(crate) fn LockRow(#[prop(into)] minutes: Signal<u32>, on_change: Callback<u32>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let facts = Memo::new(move |_| {
        app.facts.with(|facts| facts.value().map(|facts| (facts.can_lock, facts.keyring.clone())))
    });
    let with_vault = move || matches!(facts.get(), Some((_, KeyringState::Vault { .. })));
    let can = move || with_vault() || facts.get().is_some_and(|(can, _)| can);
    let words = move || match (with_vault(), can()) {
        (true, _) => t_string!(i18n, credentials.lock_vault),
        (false, true) => t_string!(i18n, credentials.lock_own),
        (false, false) => t_string!(i18n, credentials.lock_none),
    };
    let choices = MINUTES
        .into_iter()
        .map(|(minutes, testid)| {
            Choice::new(minutes, testid, move || match minutes {
                0 => t_string!(i18n, credentials.lock_never).to_string(),
                minutes => t_string!(i18n, credentials.lock_minutes, count = minutes),
            })
        })
        .collect();
    view! {
        <div class="setting">
            <span class="setting-name">{move || t_string!(i18n, credentials.lock)}</span>
            <Segmented
                label=Signal::derive(move || t_string!(i18n, credentials.lock).to_string())
                value=minutes
                on_change
                choices
            />
            <div class="setting-buttons">
                <Show when=move || !with_vault()>
                    <Button
                        small=true
                        testid="lock-set"
                        on_click=Callback::new(move |()| {
                            app.dialog.set(Some(OpenDialog::Vault { step: VaultStep::Lock }));
                        })
                    >
                        {move || t_string!(i18n, credentials.lock_set)}
                    </Button>
                </Show>
                <Show when=can>
                    <Button small=true testid="lock-now" on_click=Callback::new(move |()| app.lock())>
                        {move || t_string!(i18n, credentials.lock)}
                    </Button>
                </Show>
            </div>
            <p class="setting-text quiet" data-testid="lock-words">{words}</p>
        </div>
    }
}
