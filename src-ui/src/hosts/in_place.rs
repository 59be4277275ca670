//! The line of a host as three fields: name, groups and tags, changed where they stand.
//!
//! Enter saves, Esc gives up. What cannot be saved is said beside its field; what takes a guard away is
//! left to the form, which asks for the host's name. What was typed waits while another page is shown.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::hosts::{Host, LOCAL};
use protocol::ipc::HostSave;
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::draft::{FieldName, Problem, Typed, refused_field};
use super::form::problem_words;
use super::table::Line;
use super::unsaved::Unsaved;
use crate::components::{Button, ButtonKind, IconName, TextInput, is_composed};
use crate::ipc;
use crate::state::{App, use_app};
use crate::text::{t_string, use_i18n};

/// The line that is edited where it stands; one at a time.
///
/// What is typed is kept here and not in the line, which is drawn only while it is in sight: neither scrolling
/// nor a filter takes it away, and another page gives it back.
#[derive(Clone, Copy)]
pub(super) struct Edited {
    app: App,
    line: RwSignal<Option<Line>>,
    name: RwSignal<String>,
    groups: RwSignal<String>,
    tags: RwSignal<String>,
    wrong: RwSignal<Option<(FieldName, String)>>,
    busy: RwSignal<bool>,
    saved: StoredValue<Option<Host>>,
    /// Its fields have not had the keyboard yet.
    is_fresh: StoredValue<bool>,
}

impl Edited {
    /// Goes on with what was typed when the page was shown last.
    pub(super) fn provide() -> Self {
        let app = use_app();
        let own = Self {
            app,
            line: RwSignal::new(None),
            name: RwSignal::default(),
            groups: RwSignal::default(),
            tags: RwSignal::default(),
            wrong: RwSignal::new(None),
            busy: RwSignal::new(false),
            saved: StoredValue::new(None),
            is_fresh: StoredValue::new(false),
        };
        let kept = app.unsaved_line.try_update_value(Option::take).flatten();
        if let Some(unsaved) = kept.and_then(|kept| own.as_of_now(kept)).filter(Unsaved::is_changed) {
            own.go_on(unsaved);
        }
        on_cleanup(move || {
            // What is on its way to be saved is no more unsaved, unless it is refused.
            if !own.busy.get_untracked() {
                app.unsaved_line.try_set_value(own.unsaved());
            }
        });
        provide_context(own);
        own
    }

    /// What was typed and is not saved.
    fn unsaved(self) -> Option<Unsaved> {
        let unsaved = Unsaved {
            line: self.line.get_untracked()?,
            name: self.name.get_untracked(),
            groups: self.groups.get_untracked(),
            tags: self.tags.get_untracked(),
            saved: self.saved.get_value()?,
        };
        unsaved.is_changed().then_some(unsaved)
    }

    /// The same over the host as it is saved by now, while it is among them.
    fn as_of_now(self, unsaved: Unsaved) -> Option<Unsaved> {
        let rows = untrack(|| self.app.rows());
        unsaved.among(rows.into_iter().map(|row| row.read_untracked().host.clone()))
    }

    fn go_on(self, unsaved: Unsaved) {
        let Unsaved { line, name, groups, tags, saved } = unsaved;
        self.name.set(name);
        self.groups.set(groups);
        self.tags.set(tags);
        self.saved.set_value(Some(saved));
        self.line.set(Some(line));
    }

    /// Begins with a line, unless another one is changed and not saved.
    pub(super) fn begin(self, line: &Line) -> bool {
        let Line::Host { name, .. } = line else { return false };
        let host = untrack(|| self.app.row(name)).map(|row| row.read_untracked().host.clone());
        let Some(host) = host.filter(|host| host.name != LOCAL) else { return false };
        if let Some(other) = self.line.get_untracked().filter(|_| self.is_changed()) {
            if other.key() != line.key() {
                let name = other.shown_name();
                self.app.warn(|i18n| t_string!(i18n, hosts.edit_here_open, name = name));
            }
            return true;
        }
        let typed = Typed::of_host(&host);
        self.name.set(typed.name);
        self.groups.set(typed.groups);
        self.tags.set(typed.tags);
        self.wrong.set(None);
        self.saved.set_value(Some(host));
        self.is_fresh.set_value(true);
        self.line.set(Some(line.clone()));
        true
    }

    /// The key of its line. Tracks it.
    pub(super) fn key(self) -> Option<String> {
        self.line.with(|line| line.as_ref().map(Line::key))
    }

    pub(super) fn is(self, key: &str) -> bool {
        self.line.with(|line| line.as_ref().is_some_and(|line| line.key() == key))
    }

    pub(super) fn line(self) -> Option<Line> {
        self.line.get()
    }

    /// It stands in the list of another group now.
    pub(super) fn move_to(self, line: Line) {
        self.line.set(Some(line));
    }

    fn before(self) -> Typed {
        self.saved.with_value(|saved| saved.as_ref().map(Typed::of_host).unwrap_or_default())
    }

    fn typed(self) -> Typed {
        Typed {
            name: self.name.get_untracked(),
            groups: self.groups.get_untracked(),
            tags: self.tags.get_untracked(),
            ..self.before()
        }
    }

    /// True if something was typed that is not saved.
    pub(super) fn is_changed(self) -> bool {
        self.unsaved().is_some()
    }

    pub(super) fn end(self) {
        // The page may be gone by the time that its change is saved.
        self.line.try_set(None);
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
    /// How many columns they stand in the place of.
    columns: Signal<usize>,
    /// Gets the key of the line as it is then, to give the keyboard back to it.
    on_end: Callback<String>,
) -> impl IntoView {
    let i18n = use_i18n();
    let edited = expect_context::<Edited>();
    let Edited { app, name: own_name, groups, tags, wrong, busy, .. } = edited;
    let is_fresh = edited.is_fresh.get_value();
    edited.is_fresh.set_value(false);
    let give_up = move || {
        let key = untrack(|| edited.key());
        edited.end();
        on_end.try_run(key.unwrap_or_default());
    };
    let guard_words = move || t_string!(i18n, hosts.edit_here_guard).to_owned();
    let refuse = move |fault: Fault| match (fault.code, refused_field(&fault)) {
        (FaultCode::GuardNotMet, _) => drop(wrong.try_set(Some((FieldName::Tags, untrack(guard_words))))),
        (_, Some((field @ (FieldName::Name | FieldName::Groups | FieldName::Tags), problem))) => {
            wrong.try_set(Some((field, untrack(|| problem_words(i18n, &problem)))));
        }
        // It is about nothing that stands here.
        (_, Some(_) | None) => app.complain(fault),
    };
    let save = move || {
        if busy.get_untracked() {
            return;
        }
        // What was changed elsewhere since it began stays as it is.
        if let Some(unsaved) = edited.unsaved().and_then(|unsaved| edited.as_of_now(unsaved)) {
            edited.go_on(unsaved);
        }
        if !edited.is_changed() {
            give_up();
            return;
        }
        let typed = edited.typed();
        let here = |field: &FieldName| matches!(field, FieldName::Name | FieldName::Groups | FieldName::Tags);
        let problem: Option<(FieldName, Problem)> =
            typed.problems().into_iter().find(|(field, _)| here(field));
        if let Some((field, problem)) = problem {
            wrong.set(Some((field, untrack(|| problem_words(i18n, &problem)))));
            return;
        }
        let draft = typed.draft();
        let (Some(saved), Some(line)) = (edited.saved.get_value(), edited.line.get_untracked()) else {
            return;
        };
        if saved.is_guarded() && !draft.tags.iter().any(|tag| tag.eq_ignore_ascii_case("prod")) {
            wrong.set(Some((FieldName::Tags, untrack(guard_words))));
            return;
        }
        let unsaved = edited.unsaved();
        busy.set(true);
        wrong.set(None);
        spawn_local(async move {
            let command = HostSave { id: Some(saved.id), draft, secrets: Vec::new(), typed_name: None };
            let told = ipc::call(command).await;
            let is_page_gone = busy.try_set(false).is_some();
            match told {
                Ok(host) => {
                    // It may have left the group in whose list it was edited.
                    let group = if let Line::Host { group, .. } = &line { group } else { "" };
                    let key = Line::of_host(&host, group).key();
                    edited.end();
                    on_end.try_run(key);
                    app.saved_host(&saved.name, &host);
                    let name = printable(&host.name).into_owned();
                    app.tell(|i18n| t_string!(i18n, hosts.saved, name = name));
                }
                Err(fault) if is_page_gone => {
                    app.unsaved_line.set_value(unsaved);
                    app.complain(fault);
                }
                Err(fault) => refuse(fault),
            }
        });
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        if is_composed(&event) {
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
                    first=is_fresh && field == FieldName::Name
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
            aria-colspan=move || columns.get().to_string()
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
