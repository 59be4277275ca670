//! The dialog that sets up a key for a host: made here, put there, proved, and then used.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::hosts::Identity;
use protocol::ipc::{KeyPaste, KeySetUp};
use protocol::operations::Operation;
use protocol::text::printable;

use crate::components::{
    ActionDialog, ActionLine, ActionRecord, ButtonKind, Checkbox, CopyButton, Failed, Field, SecretField,
    SecretInput, Target, TextInput, begin,
};
use crate::ipc;
use crate::operations::course::Course;
use crate::operations::words::verdict;
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

/// Where OpenSSH looks first.
const USUAL: &str = "~/.ssh/id_ed25519";

#[component]
pub(crate) fn KeyDialog(host: String) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let target = Target::of(host.clone());
    let course = RwSignal::new(Course::Asking);
    let path = RwSignal::new(USUAL.to_owned());
    let by_password = untrack(|| app.row(&host))
        .is_some_and(|row| row.read_untracked().host.identity == Identity::Password);
    let forget = RwSignal::new(by_password);
    let secret = SecretField::new();
    let pasted = RwSignal::new(None::<Result<String, Fault>>);
    let under_way = Signal::derive(move || course.with(Course::is_under_way));

    let act = move |()| {
        // Without what is pasted the key would have no passphrase.
        if !secret.is_settled() {
            return;
        }
        let command = KeySetUp {
            host: target.name.get_value(),
            key: Some(path.get_untracked()),
            passphrase: secret.typed().map(Into::into),
            forget_password: forget.get_untracked(),
            typed_name: target.typed_name(),
        };
        begin(course, async move {
            let done = ipc::call(command).await;
            app.refresh_hosts();
            match &done {
                Ok(_) => secret.clear(),
                Err(fault) => secret.heed(fault),
            }
            done
        });
    };
    let show = move |_| {
        let (host, key) = (target.name.get_value(), Some(path.get_untracked()));
        spawn_local(async move {
            pasted.try_set(Some(ipc::call(KeyPaste { host, key }).await));
        });
    };
    let paste = move || {
        pasted.get().map(|answer| match answer {
            Ok(command) => {
                let text = StoredValue::new(command);
                view! {
                    <div class="command-line">
                        <code class="block mono selectable grow" data-testid="key-command">
                            {printable(&text.get_value()).into_owned()}
                        </code>
                        <CopyButton text=Signal::derive(move || text.get_value()) testid="key-copy" />
                    </div>
                }
                .into_any()
            }
            Err(fault) => view! { <Failed fault bare=true /> }.into_any(),
        })
    };
    let record = move |operation: Arc<Operation>| {
        let told = operation.clone();
        view! {
            <ActionRecord operation words=Signal::derive(move || verdict(i18n, &told)) testid="key-done" />
        }
        .into_any()
    };
    macro_rules! says {
        ($key:ident) => {
            Signal::derive(move || t_string!(i18n, credentials.$key).to_string())
        };
    }
    view! {
        <ActionDialog
            title=Signal::derive(move || t_string!(i18n, credentials.key_title, name = target.shown()))
            target
            course
            held=under_way
            testid="key"
        >
            <p class="quiet">{move || t_string!(i18n, credentials.key_text)}</p>
            <Field label=says!(key_path) for_id="key-path" hint=Signal::derive(move || Some(t_string!(i18n, credentials.key_path_hint).to_string()))>
                <TextInput value=path id="key-path" testid="key-path" mono=true disabled=under_way />
            </Field>
            <Field label=says!(key_passphrase) for_id="key-passphrase" hint=Signal::derive(move || Some(t_string!(i18n, credentials.key_passphrase_hint).to_string()))>
                <SecretInput id="key-passphrase" testid="key-passphrase" field=secret />
            </Field>
            {by_password
                .then(|| {
                    view! {
                        <Checkbox
                            label=says!(key_forget)
                            testid="key-forget"
                            on=forget
                            on_change=Callback::new(move |on| forget.set(on))
                        />
                    }
                })}
            <p class="quiet">
                {move || t_string!(i18n, credentials.key_by_hand)} " "
                <button type="button" class="link" data-testid="key-paste" on:click=show>
                    {move || t_string!(i18n, credentials.key_show_command)}
                </button>
            </p>
            {paste}
            <ActionLine
                target
                course
                kind=ButtonKind::Primary
                words=says!(key_do)
                doing=Callback::new(move |elapsed: String| t_string!(i18n, credentials.key_doing, elapsed = elapsed))
                possible=Signal::derive(move || path.with(|path| !path.trim().is_empty()))
                do_testid="key-do"
                cancel_testid="key-cancel"
                refused_testid="key-refused"
                again=true
                on_act=Callback::new(act)
                record=Callback::new(record)
            />
        </ActionDialog>
    }
}
