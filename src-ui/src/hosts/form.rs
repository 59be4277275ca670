//! The form that adds or changes a host.
//!
//! A password is not in it: the app holds what is typed, and the form names the field it was typed into.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use protocol::Fault;
use protocol::credentials::{KeyringState, SecretKind};
use protocol::hosts::{HelperUse, Host, Sudo};
use protocol::ipc::{HostSave, NewSecret};
use protocol::text::printable;

use super::draft::{FieldName, IdentityKind, Problem, Typed, refused_field};
use super::host_path;
use super::jump_field::JumpField;
use crate::components::{
    Button, ButtonKind, Choice, Dialog, Failed, Field, GuardField, SecretField, SecretInput, Segmented,
    Target, TextInput,
};
use crate::ipc;
use crate::state::use_app;
use crate::text::{I18n, t_string, use_i18n};

/// One line of the form as a signal of its own, so that typing in one does not redraw the others.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    address: RwSignal<String>,
    port: RwSignal<String>,
    user: RwSignal<String>,
    identity: RwSignal<IdentityKind>,
    key_path: RwSignal<String>,
    groups: RwSignal<String>,
    tags: RwSignal<String>,
    sudo: RwSignal<Sudo>,
    helper_dir: RwSignal<String>,
    helper: RwSignal<HelperUse>,
    jump: RwSignal<String>,
}

impl Fields {
    fn new(typed: Typed) -> Self {
        Self {
            name: RwSignal::new(typed.name),
            address: RwSignal::new(typed.address),
            port: RwSignal::new(typed.port),
            user: RwSignal::new(typed.user),
            identity: RwSignal::new(typed.identity),
            key_path: RwSignal::new(typed.key_path),
            groups: RwSignal::new(typed.groups),
            tags: RwSignal::new(typed.tags),
            sudo: RwSignal::new(typed.sudo),
            helper_dir: RwSignal::new(typed.helper_dir),
            helper: RwSignal::new(typed.helper),
            jump: RwSignal::new(typed.jump),
        }
    }

    fn typed(self) -> Typed {
        Typed {
            name: self.name.get(),
            address: self.address.get(),
            port: self.port.get(),
            user: self.user.get(),
            identity: self.identity.get(),
            key_path: self.key_path.get(),
            groups: self.groups.get(),
            tags: self.tags.get(),
            sudo: self.sudo.get(),
            helper_dir: self.helper_dir.get(),
            helper: self.helper.get(),
            jump: self.jump.get(),
        }
    }
}

/// Adds a host (`None`) or changes the one of this name.
#[component]
pub(crate) fn HostForm(host: Option<String>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let saved: Option<Host> = host.and_then(|name| app.row(&name)).map(|row| row.get_untracked().host);
    let is_new = saved.is_none();
    let id = StoredValue::new(saved.as_ref().map(|host| host.id.clone()));
    let old_name = saved.as_ref().map(|host| host.name.clone()).unwrap_or_default();
    let had = saved.as_ref().map(|host| Typed::of_host(host).identity);
    let fields = Fields::new(saved.as_ref().map_or_else(Typed::fresh, Typed::of_host));
    let guard = Target::of(old_name.clone());
    let had_sudo = saved.as_ref().is_some_and(|host| host.sudo == Sudo::Password);
    let [secret, sudo_secret] = [SecretField::new(), SecretField::new()];

    let tried = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(BTreeMap::<FieldName, (String, Problem)>::new());
    let fault = RwSignal::new(None::<Fault>);
    let problems = Memo::new(move |_| {
        let typed = fields.typed();
        let mut problems = if tried.get() { typed.problems() } else { BTreeMap::new() };
        // A refusal stands until its field is changed.
        refused.with(|refused| {
            for (field, (value, problem)) in refused {
                if text_of(&typed, *field) == value.as_str() {
                    problems.entry(*field).or_insert_with(|| problem.clone());
                }
            }
        });
        problems
    });
    let error = move |field: FieldName| {
        Signal::derive(move || {
            problems.with(|problems| problems.get(&field).map(|why| problem_words(i18n, why)))
        })
    };
    let wrong = move |field: FieldName| Signal::derive(move || problems.with(|all| all.contains_key(&field)));

    let send = move |connect: bool| {
        if busy.get_untracked() || !secret.is_settled() || !sudo_secret.is_settled() {
            return;
        }
        tried.set(true);
        fault.set(None);
        let typed = untrack(move || fields.typed());
        let wants_sudo = typed.sudo == Sudo::Password && !had_sudo && sudo_secret.length() == 0;
        if wants_sudo {
            let empty = (String::new(), Problem::Empty);
            refused.update(|refused| drop(refused.insert(FieldName::SudoPassword, empty)));
        }
        if !typed.problems().is_empty() || wants_sudo {
            return;
        }
        busy.set(true);
        let of_kind = |kind, field: SecretField| Some(NewSecret { kind, value: field.typed()?.into() });
        let for_sign_in = kind_of(typed.identity).and_then(|kind| of_kind(kind, secret));
        let for_sudo = of_kind(SecretKind::Sudo, sudo_secret);
        let secrets = for_sign_in.into_iter().chain(for_sudo).collect();
        let command =
            HostSave { id: id.get_value(), draft: typed.draft(), secrets, typed_name: guard.typed_name() };
        let navigate = navigate.clone();
        let old_name = old_name.clone();
        spawn_local(async move {
            let result = ipc::call(command).await;
            busy.try_set(false);
            match result {
                Ok(host) => {
                    app.saved_host(&old_name, &host);
                    app.dialog.set(None);
                    if connect {
                        app.connect(&host.name);
                        navigate(&host_path(&host.name), NavigateOptions::default());
                    } else {
                        let name = printable(&host.name).into_owned();
                        app.tell(|i18n| t_string!(i18n, hosts.saved, name = name));
                    }
                }
                Err(why) => {
                    [secret, sudo_secret].into_iter().for_each(|field| field.heed(&why));
                    match refused_field(&why) {
                        Some((field, problem)) => {
                            let value = text_of(&typed, field).to_owned();
                            refused.update(|refused| drop(refused.insert(field, (value, problem))));
                            // The engine's own words say more than ours where the cause is a file.
                            if matches!(field, FieldName::Key) {
                                fault.set(Some(why));
                            }
                        }
                        None => fault.set(Some(why)),
                    }
                }
            }
        });
    };
    let send = StoredValue::new(send);
    let submit = move |connect: bool| send.with_value(|send| send(connect));

    let title = {
        let name = saved.as_ref().map(|host| printable(&host.name).into_owned());
        Signal::derive(move || match &name {
            Some(name) => t_string!(i18n, hosts.form_edit, name = name.clone()),
            None => t_string!(i18n, hosts.form_add).to_string(),
        })
    };
    // Each secret has it as its hint.
    let keyring = Memo::new(move |_| {
        app.facts.with(|facts| match facts.value().map(|facts| &facts.keyring) {
            Some(KeyringState::Unavailable { cause }) => {
                Some(t_string!(i18n, hosts.form_keyring, cause = printable(cause).into_owned()))
            }
            Some(KeyringState::Ready | KeyringState::Vault { .. }) | None => None,
        })
    });
    let secret_hint = move |hint: Signal<String>, had: bool| {
        Signal::derive(move || {
            keyring.get().or_else(|| {
                Some(if had { t_string!(i18n, hosts.form_secret_kept).to_string() } else { hint.get() })
            })
        })
    };
    let identity_part = move || {
        match fields.identity.get() {
        IdentityKind::Agent => view! { <p class="field-hint">{move || t_string!(i18n, hosts.form_agent_hint)}</p> }
            .into_any(),
        IdentityKind::KeyFile => view! {
            <Field
                label=text(move || t_string!(i18n, hosts.form_key_path).to_string())
                for_id="key"
                error=error(FieldName::Key)
                class="is-wide"
            >
                <TextInput
                    value=fields.key_path
                    id="key"
                    testid="field-key"
                    mono=true
                    invalid=wrong(FieldName::Key)
                    placeholder="~/.ssh/id_ed25519"
                />
            </Field>
            <Field
                label=text(move || t_string!(i18n, hosts.form_passphrase).to_string())
                for_id="passphrase"
                hint=secret_hint(text(move || t_string!(i18n, hosts.form_passphrase_hint).to_string()), had == Some(IdentityKind::KeyFile))
                class="is-wide"
            >
                <SecretInput id="passphrase" testid="field-passphrase" field=secret />
            </Field>
        }
        .into_any(),
        IdentityKind::Password => view! {
            <Field
                label=text(move || t_string!(i18n, hosts.form_password).to_string())
                for_id="password"
                error=error(FieldName::Password)
                hint=secret_hint(text(move || t_string!(i18n, hosts.form_password_asked_hint).to_string()), had == Some(IdentityKind::Password))
                class="is-wide"
            >
                <SecretInput
                    id="password"
                    testid="field-password"
                    field=secret
                    invalid=wrong(FieldName::Password)
                    on_input=Callback::new(move |()| {
                        refused.update(|refused| drop(refused.remove(&FieldName::Password)));
                    })
                />
            </Field>
        }
        .into_any(),
    }
    };
    let foot = move || {
        view! {
            <span class="grow"></span>
            <Button
                testid="form-cancel"
                disabled=busy
                on_click=Callback::new(move |()| app.dialog.set(None))
            >
                {move || t_string!(i18n, app.cancel)}
            </Button>
            {is_new
                .then(|| {
                    view! {
                        <Button testid="form-connect" disabled=busy on_click=Callback::new(move |()| submit(true))>
                            {move || t_string!(i18n, hosts.form_connect)}
                        </Button>
                    }
                })}
            <Button kind=ButtonKind::Primary testid="form-save" busy on_click=Callback::new(move |()| submit(false))>
                {move || {
                    if is_new {
                        t_string!(i18n, hosts.form_save_add)
                    } else {
                        t_string!(i18n, hosts.form_save_edit)
                    }
                }}
            </Button>
        }
    };
    view! {
        <Dialog title on_close=Callback::new(move |()| app.dialog.set(None)) held=busy wide=true testid="host-form" foot>
            <form
                class="form"
                novalidate=true
                on:submit=move |event| {
                    event.prevent_default();
                    submit(false);
                }
            >
                <Field
                    label=text(move || t_string!(i18n, hosts.form_name).to_string())
                    for_id="name"
                    error=error(FieldName::Name)
                    hint=hint(move || t_string!(i18n, hosts.form_name_hint).to_string())
                >
                    <TextInput value=fields.name id="name" testid="field-name" invalid=wrong(FieldName::Name) first=true />
                </Field>
                <div class="form-pair">
                    <Field
                        label=text(move || t_string!(i18n, hosts.form_address).to_string())
                        for_id="address"
                        error=error(FieldName::Address)
                        hint=hint(move || t_string!(i18n, hosts.form_address_hint).to_string())
                    >
                        <TextInput
                            value=fields.address
                            id="address"
                            testid="field-address"
                            mono=true
                            invalid=wrong(FieldName::Address)
                        />
                    </Field>
                    <Field
                        label=text(move || t_string!(i18n, hosts.form_port).to_string())
                        for_id="port"
                        error=error(FieldName::Port)
                        class="is-port"
                    >
                        <TextInput value=fields.port id="port" testid="field-port" mono=true invalid=wrong(FieldName::Port) />
                    </Field>
                </div>
                <Field
                    label=text(move || t_string!(i18n, hosts.form_user).to_string())
                    for_id="user"
                    error=error(FieldName::User)
                >
                    <TextInput value=fields.user id="user" testid="field-user" mono=true invalid=wrong(FieldName::User) />
                </Field>
                <JumpField value=fields.jump own_id=id.get_value() error=error(FieldName::Jump) />
                <div class="field">
                    <span class="field-label">{move || t_string!(i18n, hosts.form_sign_in)}</span>
                    <Segmented
                        label=text(move || t_string!(i18n, hosts.form_sign_in).to_string())
                        value=fields.identity
                        on_change=Callback::new(move |kind| {
                            if fields.identity.get_untracked() != kind {
                                fields.identity.set(kind);
                            }
                        })
                        choices=vec![
                            Choice::new(IdentityKind::Agent, "identity-agent", move || {
                                t_string!(i18n, hosts.form_agent).to_string()
                            }),
                            Choice::new(IdentityKind::KeyFile, "identity-key", move || {
                                t_string!(i18n, hosts.form_key).to_string()
                            }),
                            Choice::new(IdentityKind::Password, "identity-password", move || {
                                t_string!(i18n, hosts.form_password).to_string()
                            }),
                        ]
                    />
                </div>
                <div class="form-identity">{identity_part}</div>
                <Field
                    label=text(move || t_string!(i18n, hosts.form_groups).to_string())
                    for_id="groups"
                    error=error(FieldName::Groups)
                    hint=hint(move || t_string!(i18n, hosts.form_groups_hint).to_string())
                >
                    <TextInput value=fields.groups id="groups" testid="field-groups" invalid=wrong(FieldName::Groups) />
                </Field>
                <Field
                    label=text(move || t_string!(i18n, hosts.form_tags).to_string())
                    for_id="tags"
                    error=error(FieldName::Tags)
                    hint=hint(move || t_string!(i18n, hosts.form_tags_hint).to_string())
                >
                    <TextInput value=fields.tags id="tags" testid="field-tags" invalid=wrong(FieldName::Tags) />
                </Field>
                <div class="field is-wide">
                    <span class="field-label">{move || t_string!(i18n, hosts.form_sudo)}</span>
                    <Segmented
                        label=text(move || t_string!(i18n, hosts.form_sudo).to_string())
                        value=fields.sudo
                        on_change=Callback::new(move |sudo| fields.sudo.set(sudo))
                        choices=vec![
                            Choice::new(Sudo::None, "sudo-none", move || {
                                t_string!(i18n, hosts.form_sudo_none).to_string()
                            }),
                            Choice::new(Sudo::Nopasswd, "sudo-nopasswd", move || {
                                t_string!(i18n, hosts.form_sudo_nopasswd).to_string()
                            }),
                            Choice::new(Sudo::Password, "sudo-password", move || {
                                t_string!(i18n, hosts.form_sudo_password).to_string()
                            }),
                        ]
                    />
                    <p class="field-hint">
                        {move || match fields.sudo.get() {
                            Sudo::None => t_string!(i18n, hosts.form_sudo_none_hint),
                            Sudo::Nopasswd => t_string!(i18n, hosts.form_sudo_nopasswd_hint),
                            Sudo::Password => t_string!(i18n, hosts.form_sudo_password_hint),
                        }}
                    </p>
                </div>
                <Show when=move || fields.sudo.get() == Sudo::Password>
                    <Field
                        label=text(move || t_string!(i18n, hosts.form_sudo_secret).to_string())
                        for_id="sudo-password"
                        error=error(FieldName::SudoPassword)
                        hint=secret_hint(text(move || t_string!(i18n, hosts.form_password_hint).to_string()), had_sudo)
                    >
                        <SecretInput
                            id="sudo-password"
                            testid="field-sudo-password"
                            field=sudo_secret
                            invalid=wrong(FieldName::SudoPassword)
                            on_input=Callback::new(move |()| {
                                refused.update(|refused| drop(refused.remove(&FieldName::SudoPassword)));
                            })
                        />
                    </Field>
                </Show>
                <div class="field">
                    <span class="field-label">{move || t_string!(i18n, hosts.form_helper)}</span>
                    <Segmented
                        label=text(move || t_string!(i18n, hosts.form_helper).to_string())
                        value=fields.helper
                        on_change=Callback::new(move |helper| fields.helper.set(helper))
                        choices=vec![
                            Choice::new(HelperUse::Placed, "helper-placed", move || {
                                t_string!(i18n, hosts.form_helper_placed).to_string()
                            }),
                            Choice::new(HelperUse::None, "helper-none", move || {
                                t_string!(i18n, hosts.form_helper_none).to_string()
                            }),
                        ]
                    />
                    <p class="field-hint">
                        {move || match fields.helper.get() {
                            HelperUse::Placed => t_string!(i18n, hosts.form_helper_placed_hint),
                            HelperUse::None => t_string!(i18n, hosts.form_helper_none_hint),
                        }}
                    </p>
                </div>
                <Field
                    label=text(move || t_string!(i18n, hosts.form_helper_dir).to_string())
                    for_id="helper-dir"
                    error=error(FieldName::HelperDir)
                    hint=hint(move || t_string!(i18n, hosts.form_helper_dir_hint).to_string())
                >
                    <TextInput
                        value=fields.helper_dir
                        id="helper-dir"
                        testid="field-helper-dir"
                        mono=true
                        invalid=wrong(FieldName::HelperDir)
                    />
                </Field>
                <GuardField target=guard taken=Signal::derive(move || !fields.tags.with(|tags| has_prod(tags))) />
                {move || fault.get().map(|fault| view! { <div class="is-wide"><Failed fault bare=true /></div> })}
                // Enter in any field sends the form.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        </Dialog>
    }
}

/// The secret that goes with a way to sign in.
fn kind_of(identity: IdentityKind) -> Option<SecretKind> {
    match identity {
        IdentityKind::Agent => None,
        IdentityKind::KeyFile => Some(SecretKind::Passphrase),
        IdentityKind::Password => Some(SecretKind::Password),
    }
}

/// True if one of the typed tags is the one that guards.
fn has_prod(tags: &str) -> bool {
    tags.split([',', '，', '、']).any(|tag| tag.trim().eq_ignore_ascii_case("prod"))
}

fn text(words: impl Fn() -> String + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(words)
}

fn hint(words: impl Fn() -> String + Send + Sync + 'static) -> Signal<Option<String>> {
    Signal::derive(move || Some(words()))
}

fn text_of(typed: &Typed, field: FieldName) -> &str {
    match field {
        FieldName::Name => &typed.name,
        FieldName::Address => &typed.address,
        FieldName::Port => &typed.port,
        FieldName::User => &typed.user,
        FieldName::Jump => &typed.jump,
        FieldName::Key => &typed.key_path,
        FieldName::Password | FieldName::SudoPassword => "",
        FieldName::Groups => &typed.groups,
        FieldName::Tags => &typed.tags,
        FieldName::HelperDir => &typed.helper_dir,
    }
}

pub(super) fn problem_words(i18n: I18n, problem: &Problem) -> String {
    match problem {
        Problem::Empty => t_string!(i18n, hosts.error_empty).to_string(),
        Problem::TooLong(count) => t_string!(i18n, hosts.error_long, count = *count),
        Problem::Dash => t_string!(i18n, hosts.error_dash).to_string(),
        Problem::Characters => t_string!(i18n, hosts.error_characters).to_string(),
        Problem::Step => t_string!(i18n, hosts.error_step).to_string(),
        Problem::Local => t_string!(i18n, hosts.error_local).to_string(),
        Problem::Octet(part) => t_string!(i18n, hosts.error_octet, part = part.clone()),
        Problem::Ipv4 => t_string!(i18n, hosts.error_ipv4).to_string(),
        Problem::Address => t_string!(i18n, hosts.error_address).to_string(),
        Problem::Port => t_string!(i18n, hosts.error_port).to_string(),
        Problem::Label => t_string!(i18n, hosts.error_label).to_string(),
        Problem::Path => t_string!(i18n, hosts.error_path).to_string(),
        Problem::Taken => t_string!(i18n, hosts.error_taken).to_string(),
        Problem::Cycle(chain) => t_string!(i18n, hosts.error_cycle, chain = printable(chain).into_owned()),
        Problem::Jump => t_string!(i18n, hosts.error_jump).to_string(),
        Problem::KeyFile => t_string!(i18n, hosts.error_key_file).to_string(),
        Problem::Other => t_string!(i18n, hosts.error_other).to_string(),
    }
}
