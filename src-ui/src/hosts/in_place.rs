//! The line of a host as three fields: name, groups and tags, changed where they stand.
//!
//! Enter saves, Esc gives up. What cannot be saved is said beside its field; what takes a guard away is
//! left to the form, which asks for the host's name.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::hosts::{Host, LOCAL};
use protocol::ipc::HostSave;
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::draft::{FieldName, Problem, Typed, refused_field};
use super::form::problem_words;
use super::table::Line;
use crate::components::{Button, ButtonKind, IconName, TextInput};
use crate::ipc;
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

/// The line that is edited where it stands, by its key; one at a time.
#[derive(Clone, Copy)]
pub(super) struct Edited(RwSignal<Option<String>>);

impl Edited {
    pub(super) fn provide() -> Self {
        let own = Self(RwSignal::new(None));
        provide_context(own);
        own
    }

    pub(super) fn begin(self, line: &Line) -> bool {
        let can = matches!(line, Line::Host { name, .. } if name != LOCAL);
        if can {
            self.0.set(Some(line.key()));
        }
        can
    }

    pub(super) fn is_none(self) -> bool {
        self.0.with(Option::is_none)
    }

    pub(super) fn is(self, key: &str) -> bool {
        self.0.with(|edited| edited.as_deref() == Some(key))
    }

    fn end(self) {
        self.0.set(None);
    }
}

/// The button in a line that begins it, for the pointer; the keyboard has F2.
#[component]
pub(super) fn EditHere(line: Line) -> impl IntoView {
    let i18n = use_i18n();
    let edited = expect_context::<Edited>();
    let is_local = matches!(&line, Line::Host { name, .. } if name == LOCAL);
    let begin = move |()| {
        edited.begin(&line);
    };
    (!is_local).then(|| {
        view! {
            <span class="row-edit">
                <Button
                    kind=ButtonKind::Ghost
                    small=true
                    icon=IconName::Edit
                    label=Signal::derive(move || t_string!(i18n, hosts.edit_here).to_owned())
                    testid="host-edit-here"
                    on_click=Callback::new(begin)
                />
            </span>
        }
    })
}

/// The three fields, in the place of the cells of a line.
#[component]
pub(super) fn InPlace(
    name: String,
    /// The group in whose list it stands.
    group: String,
    /// Gets the key of the line as it is then, to give the keyboard back to it.
    on_end: Callback<String>,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let edited = expect_context::<Edited>();
    let saved: Option<Host> = untrack(|| app.row(&name)).map(|row| row.read_untracked().host.clone());
    let before = saved.as_ref().map(Typed::of_host).unwrap_or_default();
    let was_guarded = saved.as_ref().is_some_and(Host::is_guarded);
    let id = StoredValue::new(saved.map(|host| host.id));
    let own_name = RwSignal::new(before.name.clone());
    let groups = RwSignal::new(before.groups.clone());
    let tags = RwSignal::new(before.tags.clone());
    let before = StoredValue::new(before);
    let place = StoredValue::new((name, group));
    let busy = RwSignal::new(false);
    let wrong = RwSignal::new(None::<(FieldName, String)>);
    let end = move |key: String| {
        edited.end();
        on_end.run(key);
    };
    let give_up = move || {
        let (name, group) = place.get_value();
        end(Line::Host { name, group }.key());
    };
    let typed = move || Typed {
        name: own_name.get_untracked(),
        groups: groups.get_untracked(),
        tags: tags.get_untracked(),
        ..before.get_value()
    };
    let guard_words = move || t_string!(i18n, hosts.edit_here_guard).to_owned();
    let refuse = move |fault: Fault| match (fault.code, refused_field(&fault)) {
        (FaultCode::GuardNotMet, _) => {
            wrong.try_set(Some((FieldName::Tags, untrack(guard_words))));
        }
        (_, Some((field @ (FieldName::Name | FieldName::Groups | FieldName::Tags), problem))) => {
            wrong.try_set(Some((field, untrack(|| problem_words(i18n, &problem)))));
        }
        // It is about nothing that stands here.
        (_, Some(_) | None) => app.complain(fault),
    };
    let save = move || {
        let typed = typed();
        if busy.get_untracked() {
            return;
        }
        if before.with_value(|before| *before == typed) {
            give_up();
            return;
        }
        let here = |field: &FieldName| matches!(field, FieldName::Name | FieldName::Groups | FieldName::Tags);
        let problem: Option<(FieldName, Problem)> =
            typed.problems().into_iter().find(|(field, _)| here(field));
        if let Some((field, problem)) = problem {
            wrong.set(Some((field, untrack(|| problem_words(i18n, &problem)))));
            return;
        }
        let draft = typed.draft();
        if was_guarded && !draft.tags.iter().any(|tag| tag.eq_ignore_ascii_case("prod")) {
            wrong.set(Some((FieldName::Tags, untrack(guard_words))));
            return;
        }
        busy.set(true);
        wrong.set(None);
        spawn_local(async move {
            let command = HostSave { id: id.get_value(), draft, secrets: Vec::new(), typed_name: None };
            let told = ipc::call(command).await;
            busy.try_set(false);
            match told {
                Ok(host) => {
                    let (old_name, group) = place.try_get_value().unwrap_or_default();
                    // It may have left the group in whose list it was edited.
                    let group = Some(group).filter(|group| host.groups.contains(group));
                    let group = group.or_else(|| host.groups.first().cloned()).unwrap_or_default();
                    let key = Line::Host { name: host.name.clone(), group }.key();
                    end(key);
                    app.saved_host(&old_name, &host);
                    let name = printable(&host.name).into_owned();
                    app.tell(|i18n| t_string!(i18n, hosts.saved, name = name));
                }
                Err(fault) => refuse(fault),
            }
        });
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        match event.key().as_str() {
            // A button keeps its own Enter.
            "Enter" if event_target::<web_sys::Element>(&event).tag_name() == "INPUT" => save(),
            "Escape" => give_up(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let field = move |field: FieldName, id: &'static str, value, label: Signal<String>| {
        let words = move || {
            wrong.with(|wrong| wrong.as_ref().filter(|(at, _)| *at == field).map(|(_, words)| words.clone()))
        };
        let is_wrong = Memo::new(move |_| words().is_some());
        view! {
            <label class="in-place-field">
                <span class="quiet">{move || label.get()}</span>
                <TextInput
                    value
                    id
                    testid=id
                    first=field == FieldName::Name
                    invalid=is_wrong
                    disabled=busy
                />
                {move || {
                    words()
                        .map(|words| {
                            let id = format!("{id}-error");
                            view! {
                                <span class="is-crit in-place-error" id=id.clone() data-testid=id role="alert">
                                    {words}
                                </span>
                            }
                        })
                }}
            </label>
        }
    };
    macro_rules! says {
        ($key:ident) => {
            Signal::derive(move || t_string!(i18n, hosts.$key).to_string())
        };
    }
    view! {
        <div
            class="in-place"
            role="gridcell"
            data-testid="host-in-place"
            on:keydown=keys
            // What is pressed here neither opens the host nor takes hold of its line.
            on:pointerdown=|event| event.stop_propagation()
            on:mousedown=|event| event.stop_propagation()
            on:click=|event| event.stop_propagation()
        >
            {field(FieldName::Name, "in-place-name", own_name, says!(form_name))}
            {field(FieldName::Groups, "in-place-groups", groups, says!(form_groups))}
            {field(FieldName::Tags, "in-place-tags", tags, says!(form_tags))}
            <Button small=true kind=ButtonKind::Primary testid="in-place-save" busy on_click=Callback::new(move |()| save())>
                {move || t_string!(i18n, app.save)}
            </Button>
            <Button small=true testid="in-place-cancel" disabled=busy on_click=Callback::new(move |()| give_up())>
                {move || t_string!(i18n, app.cancel)}
            </Button>
        </div>
    }
}
