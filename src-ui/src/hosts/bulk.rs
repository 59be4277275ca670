//! Several hosts at once: what the top bar offers for them, and the form that changes them together.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::hosts::HostChange;
use protocol::ipc::HostsEdit;
use protocol::text::printable;

use super::change::{BulkField, Texts, parse, refused, text_of};
use super::draft::Problem;
use super::form::problem_words;
use crate::components::{Button, ButtonKind, ChosenBar, Dialog, Failed, Field, IconName, TextInput};
use crate::ipc;
use crate::state::{OpenDialog, use_app};
use crate::text::{t_string, use_i18n};

/// The fields of the form.
#[derive(Clone, Copy, Default)]
struct Draft {
    add_tags: RwSignal<String>,
    remove_tags: RwSignal<String>,
    add_groups: RwSignal<String>,
    remove_groups: RwSignal<String>,
    user: RwSignal<String>,
    port: RwSignal<String>,
    key: RwSignal<String>,
}

impl Draft {
    fn texts(self) -> Texts {
        Texts {
            add_tags: self.add_tags.get(),
            remove_tags: self.remove_tags.get(),
            add_groups: self.add_groups.get(),
            remove_groups: self.remove_groups.get(),
            user: self.user.get(),
            port: self.port.get(),
            key: self.key.get(),
        }
    }
}

/// What the top bar offers for the chosen hosts.
#[component]
pub(super) fn ChosenHosts(#[prop(into)] hosts: Signal<Vec<String>>, on_clear: Callback<()>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let each = move |act: fn(crate::state::App, &str)| {
        Callback::new(move |()| hosts.with_untracked(|hosts| hosts.iter().for_each(|host| act(app, host))))
    };
    view! {
        <ChosenBar
            label=Signal::derive(move || t_string!(i18n, hosts.chosen_actions).to_owned())
            words=Signal::derive(move || t_string!(i18n, hosts.chosen, count = hosts.with(Vec::len) as u64))
            on_clear
        >
            <Button testid="chosen-connect" on_click=each(|app, host| app.connect(host))>
                {move || t_string!(i18n, app.connect)}
            </Button>
            <Button testid="chosen-disconnect" on_click=each(|app, host| app.disconnect(host))>
                {move || t_string!(i18n, app.disconnect)}
            </Button>
            <Button
                icon=IconName::Edit
                testid="chosen-edit"
                on_click=Callback::new(move |()| {
                    app.dialog.set(Some(OpenDialog::HostsEdit { hosts: hosts.get_untracked() }));
                })
            >
                {move || t_string!(i18n, app.edit)}
            </Button>
            <Button
                testid="chosen-remove"
                on_click=Callback::new(move |()| {
                    app.dialog.set(Some(OpenDialog::HostsRemove { hosts: hosts.get_untracked() }));
                })
            >
                {move || t_string!(i18n, app.remove)}
            </Button>
        </ChosenBar>
    }
}

/// The form, opened with `OpenDialog::HostsEdit`: only what is filled in is changed.
#[component]
pub(crate) fn HostsEditDialog(hosts: Vec<String>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let draft = Draft::default();
    let busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<Fault>);
    let count = hosts.len() as u64;
    let names = hosts.iter().map(|name| printable(name).into_owned()).collect::<Vec<_>>().join(", ");
    let hosts = StoredValue::new(hosts);
    let change = Memo::new(move |_| parse(&draft.texts()));
    // What the engine refused stands until its field is changed.
    let turned_down = RwSignal::new(None::<(BulkField, String, Problem)>);
    let problem = move |field: BulkField| {
        let typed = change.with(|change| change.as_ref().err().and_then(|all| all.get(&field).cloned()));
        typed.or_else(|| {
            let (of, text, problem) = turned_down.get()?;
            (of == field && text_of(&draft.texts(), field) == text).then_some(problem)
        })
    };
    let possible = move || change.with(|change| change.as_ref().is_ok_and(|change| !change.is_empty()));
    let save = move |()| {
        let Ok(change) = change.get_untracked() else { return };
        if HostChange::is_empty(&change) || busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let told = ipc::call(HostsEdit { hosts: hosts.get_value(), change }).await;
            busy.try_set(false);
            match told {
                Ok(changed) => {
                    app.refresh_hosts();
                    app.dialog.set(None);
                    let count = changed.len() as u64;
                    app.tell(|i18n| t_string!(i18n, hosts.changed, count = count));
                }
                Err(why) => {
                    if let Some((field, problem)) = refused(&why) {
                        let text = untrack(|| text_of(&draft.texts(), field).to_owned());
                        turned_down.try_set(Some((field, text, problem)));
                    }
                    // Its sentence names the host, or says what is wrong with the file.
                    fault.try_set(Some(why));
                }
            }
        });
    };
    let foot = move || {
        view! {
            <span class="quiet">{move || t_string!(i18n, hosts.chosen_all_or_none)}</span>
            <span class="grow"></span>
            <Button testid="bulk-cancel" disabled=busy on_click=Callback::new(move |()| app.dialog.set(None))>
                {move || t_string!(i18n, app.cancel)}
            </Button>
            <Button
                kind=ButtonKind::Primary
                testid="bulk-save"
                busy
                disabled=Signal::derive(move || !possible())
                on_click=Callback::new(save)
            >
                {move || t_string!(i18n, hosts.chosen_save, count = count)}
            </Button>
        }
    };
    macro_rules! line {
        ($id:literal, $value:ident, $field:ident, $key:ident, $mono:literal) => {{
            let error = Memo::new(move |_| problem(BulkField::$field).map(|why| problem_words(i18n, &why)));
            view! {
                <Field label=Signal::derive(move || t_string!(i18n, hosts.$key).to_owned()) for_id=$id error>
                    <TextInput
                        value=draft.$value
                        id=$id
                        testid=$id
                        mono=$mono
                        invalid=Signal::derive(move || error.with(Option::is_some))
                        disabled=busy
                    />
                </Field>
            }
        }};
    }
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, hosts.chosen_title, count = count))
            on_close=Callback::new(move |()| app.dialog.set(None))
            held=busy
            wide=true
            testid="hosts-edit"
            foot=ViewFn::from(foot)
        >
            <p class="quiet chosen-names cut" title=names.clone()>{names.clone()}</p>
            <div class="form">
                {line!("bulk-add-tags", add_tags, AddTags, add_tags, false)}
                {line!("bulk-remove-tags", remove_tags, RemoveTags, remove_tags, false)}
                {line!("bulk-add-groups", add_groups, AddGroups, add_groups, false)}
                {line!("bulk-remove-groups", remove_groups, RemoveGroups, remove_groups, false)}
                {line!("bulk-user", user, User, chosen_user, true)}
                {line!("bulk-port", port, Port, chosen_port, true)}
                {line!("bulk-key", key, Key, chosen_key, true)}
            </div>
            <p class="field-hint">{move || t_string!(i18n, hosts.chosen_hint)}</p>
            {move || fault.get().map(|fault| view! { <Failed fault bare=true /> })}
        </Dialog>
    }
}
