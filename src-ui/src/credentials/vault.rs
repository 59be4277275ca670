//! The encrypted file of secrets in the window: made, opened, given another passphrase, left again.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::credentials::{KeyringState, Secret, Typed};
use protocol::ipc::{LockSet, SecretRepeated, VaultChange, VaultCreate, VaultRemove, VaultUnlock};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use crate::components::load::Load;
use crate::components::{Button, ButtonKind, Dialog, Failed, Field, SecretField, SecretInput, forget};
use crate::ipc;
use crate::state::{OpenDialog, use_app};
use crate::text::{t_string, use_i18n};

/// What is done with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VaultStep {
    Create,
    Unlock,
    Change,
    Remove,
    /// A passphrase for the lock alone.
    Lock,
}

/// Shorter ones the engine refuses.
const SHORTEST: usize = 8;

/// Asks for the passphrases that a step needs, and does it.
#[component]
pub(crate) fn VaultDialog(step: VaultStep) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<Fault>);
    let wrong = RwSignal::new(None::<&'static str>);
    let [old, new, again] = [SecretField::new(), SecretField::new(), SecretField::new()];
    let wants_old = matches!(step, VaultStep::Unlock | VaultStep::Change);
    let wants_new = matches!(step, VaultStep::Create | VaultStep::Change | VaultStep::Lock);

    let send = move || {
        if busy.get_untracked() || ![old, new, again].iter().all(|field| field.is_settled()) {
            return;
        }
        fault.set(None);
        wrong.set(None);
        let problem = if wants_old && old.length() == 0 {
            Some(t_string!(i18n, credentials.empty))
        } else if wants_new && new.length() < SHORTEST {
            Some(t_string!(i18n, credentials.short))
        } else {
            None
        };
        if let Some(problem) = problem {
            wrong.set(Some(problem));
            return;
        }
        let (typed_old, typed_new, typed_again) = (old.take(), new.take(), again.take());
        busy.set(true);
        spawn_local(async move {
            let result = match is_repeated(typed_new, typed_again).await {
                Ok(true) => carry_out(step, typed_old, typed_new).await,
                Ok(false) => {
                    busy.try_set(false);
                    typed_old.into_iter().for_each(forget);
                    wrong.try_set(Some(t_string!(i18n, credentials.unequal)));
                    return;
                }
                Err(fault) => Err(fault),
            };
            busy.try_set(false);
            if result.is_err() {
                [typed_old, typed_new, typed_again].into_iter().flatten().for_each(forget);
            }
            match result {
                Ok(()) => {
                    app.dialog.set(None);
                    match step {
                        VaultStep::Unlock => app.secrets_opened(),
                        VaultStep::Lock => app.facts.update(|facts| {
                            if let Load::Ready(facts) = facts {
                                facts.can_lock = true;
                            }
                        }),
                        VaultStep::Create | VaultStep::Change | VaultStep::Remove => {}
                    }
                }
                Err(why) if why.code == FaultCode::VaultPassphraseWrong => {
                    wrong.try_set(Some(t_string!(i18n, credentials.wrong)));
                }
                Err(why) => drop(fault.try_set(Some(why))),
            }
        });
    };
    let title = Signal::derive(move || {
        match step {
            VaultStep::Create => t_string!(i18n, credentials.create_title),
            VaultStep::Unlock => t_string!(i18n, credentials.unlock_title),
            VaultStep::Change => t_string!(i18n, credentials.change_title),
            VaultStep::Remove => t_string!(i18n, credentials.remove_title),
            VaultStep::Lock => t_string!(i18n, credentials.lock_title),
        }
        .to_string()
    });
    let text = move || match step {
        VaultStep::Create => t_string!(i18n, credentials.create_text),
        VaultStep::Unlock => t_string!(i18n, credentials.unlock_text),
        VaultStep::Change => t_string!(i18n, credentials.change_text),
        VaultStep::Remove => t_string!(i18n, credentials.remove_text),
        VaultStep::Lock => t_string!(i18n, credentials.lock_own),
    };
    let act = move || match step {
        VaultStep::Create => t_string!(i18n, credentials.create),
        VaultStep::Unlock => t_string!(i18n, credentials.unlock),
        VaultStep::Change => t_string!(i18n, credentials.change),
        VaultStep::Remove => t_string!(i18n, credentials.remove),
        VaultStep::Lock => t_string!(i18n, credentials.lock_do),
    };
    let foot = move || {
        view! {
            <span class="grow"></span>
            <Button testid="vault-cancel" disabled=busy on_click=Callback::new(move |()| app.dialog.set(None))>
                {move || t_string!(i18n, app.cancel)}
            </Button>
            <Button kind=ButtonKind::Primary testid="vault-do" busy on_click=Callback::new(move |()| send())>
                {act}
            </Button>
        }
    };
    let error = Signal::derive(move || wrong.get().map(str::to_owned));
    let invalid = Signal::derive(move || wrong.with(Option::is_some));
    let clear = Callback::new(move |()| wrong.set(None));
    view! {
        <Dialog
            title
            on_close=Callback::new(move |()| app.dialog.set(None))
            held=busy
            testid="vault"
            foot=ViewFn::from(foot)
        >
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    send();
                }
            >
                <p class="quiet">{text}</p>
                {wants_old
                    .then(|| {
                        view! {
                            <Field
                                label=Signal::derive(move || t_string!(i18n, credentials.passphrase).to_string())
                                for_id="vault-old"
                                error=Signal::derive(move || error.get().filter(|_| !wants_new))
                            >
                                <SecretInput id="vault-old" testid="vault-old" field=old invalid on_input=clear />
                            </Field>
                        }
                    })}
                {wants_new
                    .then(|| {
                        view! {
                            <Field
                                label=Signal::derive(move || t_string!(i18n, credentials.new_passphrase).to_string())
                                for_id="vault-new"
                                hint=Signal::derive(move || Some(t_string!(i18n, credentials.passphrase_hint).to_string()))
                            >
                                <SecretInput id="vault-new" testid="vault-new" field=new invalid on_input=clear />
                            </Field>
                            <Field
                                label=Signal::derive(move || t_string!(i18n, credentials.once_more).to_string())
                                for_id="vault-again"
                                error
                            >
                                <SecretInput id="vault-again" testid="vault-again" field=again invalid on_input=clear />
                            </Field>
                        }
                    })}
                {move || fault.get().map(|fault| view! { <Failed fault bare=true /> })}
                // Enter in any field does it.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        </Dialog>
    }
}

/// Whether a new passphrase was typed twice the same; true where none is wanted.
async fn is_repeated(new: Option<Typed>, again: Option<Typed>) -> Result<bool, Fault> {
    match (new, again) {
        (Some(secret), Some(again)) => ipc::call(SecretRepeated { secret, again }).await,
        (new, again) => Ok(new == again),
    }
}

async fn carry_out(step: VaultStep, old: Option<Typed>, new: Option<Typed>) -> Result<(), Fault> {
    // What is not there the engine refuses as too short, or as the wrong one.
    let secret = |typed: Option<Typed>| typed.map_or_else(|| Secret::from(""), Secret::from);
    match step {
        VaultStep::Create => ipc::call(VaultCreate { passphrase: secret(new) }).await.map(drop),
        VaultStep::Unlock => ipc::call(VaultUnlock { passphrase: secret(old) }).await,
        VaultStep::Change => ipc::call(VaultChange { old: secret(old), new: secret(new) }).await,
        VaultStep::Remove => ipc::call(VaultRemove {}).await.map(drop),
        VaultStep::Lock => ipc::call(LockSet { passphrase: Some(secret(new)) }).await,
    }
}

/// Where secrets are kept, with the ways to change that: a row of the settings.
#[component]
pub(crate) fn SecretsRow() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let state = Memo::new(move |_| app.facts.with(|facts| facts.value().map(|facts| facts.keyring.clone())));
    let words = move || match state.get() {
        Some(KeyringState::Unavailable { cause }) => {
            t_string!(i18n, settings.keyring_unavailable, cause = printable(&cause).into_owned())
        }
        Some(KeyringState::Ready) => t_string!(i18n, settings.keyring_ready).to_string(),
        Some(KeyringState::Vault { open: true }) => t_string!(i18n, settings.vault_open).to_string(),
        Some(KeyringState::Vault { open: false }) => t_string!(i18n, settings.vault_locked).to_string(),
        None => String::new(),
    };
    let button = move |step: VaultStep, testid: &'static str, words: Signal<String>| {
        let open = move |()| app.dialog.set(Some(OpenDialog::Vault { step }));
        view! {
            <Button small=true testid on_click=Callback::new(open)>
                {move || words.get()}
            </Button>
        }
    };
    macro_rules! says {
        ($key:ident) => {
            Signal::derive(move || t_string!(i18n, credentials.$key).to_string())
        };
    }
    let buttons = move || match state.get() {
        Some(KeyringState::Ready | KeyringState::Unavailable { .. }) => {
            view! { {button(VaultStep::Create, "vault-create", says!(create_ask))} }.into_any()
        }
        Some(KeyringState::Vault { open: false }) => {
            view! { {button(VaultStep::Unlock, "vault-unlock", says!(unlock_ask))} }.into_any()
        }
        Some(KeyringState::Vault { open: true }) => view! {
            {button(VaultStep::Change, "vault-change", says!(change_ask))}
            {button(VaultStep::Remove, "vault-remove", says!(remove_ask))}
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        <div class="setting">
            <span class="setting-name">{move || t_string!(i18n, settings.keyring)}</span>
            <p class="setting-text" data-testid="settings-keyring">{words}</p>
            <div class="setting-buttons">{buttons}</div>
        </div>
    }
}
