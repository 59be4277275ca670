//! A field for a secret. It shows dots and holds nothing but dots: each edit goes to the app, which puts the
//! text together and gives it to the command that it is for.
//!
//! What a page holds stays in the memory of the web view long after nobody needs it, and a lock cannot wipe it.

use leptos::ev::{ClipboardEvent, InputEvent};
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::credentials::{TYPED_SUBJECT, Typed};
use protocol::ipc::{SecretEdit, SecretForget, SecretPaste};
use protocol::{Fault, FaultCode};
use wasm_bindgen::JsCast;

use super::dots::{Change, Dots, Edit};
use crate::ipc;
use crate::state::{App, use_app};

/// Whole numbers are exact in a script up to this one.
const LARGEST_NUMBER: f64 = 9_007_199_254_740_991.0;

/// What is known here of a text that the app holds.
#[derive(Default)]
struct Held {
    /// The field's number for the app; it gets another one for each text.
    field: u64,
    edits: u32,
    length: u32,
    /// Until it is known how much came, what is done after it waits.
    is_pasting: bool,
    waiting: Vec<Act>,
}

/// What a person does to the field.
enum Act {
    Change(Change),
    /// Puts in what is on the clipboard, or what is marked somewhere.
    Paste {
        marked: bool,
    },
}

/// A field for a secret, for whoever shows it and sends what was typed.
#[derive(Clone, Copy)]
pub(crate) struct SecretField {
    input: NodeRef<Input>,
    held: StoredValue<Held>,
    app: StoredValue<App>,
}

impl SecretField {
    pub(crate) fn new() -> Self {
        Self {
            input: NodeRef::new(),
            held: StoredValue::new(Held::default()),
            app: StoredValue::new(use_app()),
        }
    }

    /// Puts the keyboard in it as soon as it is there.
    pub(crate) fn focus_first(self) {
        Effect::new(move |_| {
            if self.input.get().is_some() {
                self.focus();
            }
        });
    }

    fn focus(self) {
        if let Some(input) = self.input.get_untracked() {
            // A window that is hidden takes it later.
            let _ = input.focus();
        }
    }

    /// False while it is not known yet what is pasted: nothing is to be sent then.
    pub(crate) fn is_settled(self) -> bool {
        self.held.with_value(|held| !held.is_pasting)
    }

    /// In characters.
    pub(crate) fn length(self) -> usize {
        self.held.with_value(|held| held.length as usize)
    }

    /// Names what was typed, for a command; `None` if nothing was. It stays in the field until the command is
    /// done: then the app has wiped it, and `clear` takes the dots away.
    pub(crate) fn typed(self) -> Option<Typed> {
        self.held
            .with_value(|held| (held.length > 0).then_some(Typed { field: held.field, edits: held.edits }))
    }

    /// The same, and the field is empty from then on, for what is typed next. Whoever takes it has it forgotten
    /// where the command is not done.
    pub(crate) fn take(self) -> Option<Typed> {
        let typed = self.typed()?;
        self.begin_anew();
        Some(typed)
    }

    /// Empties the field, and has the app forget the text.
    pub(crate) fn clear(self) {
        let Held { field, edits, .. } = self.begin_anew();
        if edits > 0 {
            forget(Typed { field, edits });
        }
    }

    /// Empties the field where a command was refused because its text is not known as a whole.
    pub(crate) fn heed(self, fault: &Fault) {
        if is_lost(fault) {
            self.clear();
        }
    }

    fn begin_anew(self) -> Held {
        if let Some(input) = self.input.try_get_untracked().flatten() {
            input.set_value("");
        }
        self.held.try_update_value(std::mem::take).unwrap_or_default()
    }

    fn act(self, act: Act) {
        let act = self.held.try_update_value(|held| {
            if held.is_pasting {
                held.waiting.push(act);
                None
            } else {
                Some(act)
            }
        });
        match act.flatten() {
            Some(Act::Change(change)) => {
                // Where the caret or the marked part is.
                if let Some(edit) = self.marked().and_then(|(from, to)| self.dots().edit(change, from, to)) {
                    self.make(edit);
                }
            }
            Some(Act::Paste { marked }) => self.paste(marked),
            None => {}
        }
    }

    fn dots(self) -> Dots {
        Dots { length: self.held.with_value(|held| held.length) }
    }

    fn marked(self) -> Option<(u32, u32)> {
        let input = self.input.get_untracked()?;
        let end = self.held.with_value(|held| held.length);
        let place = |place: Result<Option<u32>, _>| place.ok().flatten().unwrap_or(end).min(end);
        Some((place(input.selection_start()), place(input.selection_end())))
    }

    /// Its number with the app, and that of its next edit.
    fn next(self) -> (u64, u32) {
        self.held
            .try_update_value(|held| {
                if held.edits == 0 {
                    held.field = any_number();
                }
                held.edits += 1;
                (held.field, held.edits)
            })
            .unwrap_or_default()
    }

    fn make(self, change: Edit) {
        let (field, edit) = self.next();
        let Edit { at, take_out, text } = change;
        let come = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.show(at, take_out, come);
        spawn_local(async move {
            if let Err(fault) = ipc::call(SecretEdit { field, edit, at, take_out, text }).await {
                self.broke(field, fault);
            }
        });
    }

    fn show(self, at: u32, take_out: u32, come: u32) {
        let length = self.held.try_update_value(|held| {
            held.length = held.length.saturating_sub(take_out).saturating_add(come);
            held.length
        });
        if let (Some(input), Some(length)) = (self.input.get_untracked(), length) {
            input.set_value(&Dots { length }.shown());
            // A field that is shown has a caret.
            let _ = input.set_selection_range(at + come, at + come);
        }
    }

    fn paste(self, marked: bool) {
        let Some((at, to)) = self.marked() else { return };
        let take_out = to - at;
        let (field, edit) = self.next();
        self.held.update_value(|held| held.is_pasting = true);
        spawn_local(async move {
            let come = ipc::call(SecretPaste { field, edit, at, take_out, marked }).await;
            let waiting = self.held.try_update_value(|held| {
                // It may have been emptied meanwhile, and be another text's now.
                (held.field == field).then(|| {
                    held.is_pasting = false;
                    std::mem::take(&mut held.waiting)
                })
            });
            let Some(waiting) = waiting.flatten() else { return };
            match come {
                Ok(0) => {}
                Ok(come) => self.show(at, take_out, come),
                // Too long, so that the app put nothing in; the field is as it was.
                Err(fault) if fault.code == FaultCode::BadInput && !is_lost(&fault) => self.complain(fault),
                Err(fault) => return self.broke(field, fault),
            }
            waiting.into_iter().for_each(|act| self.act(act));
        });
    }

    /// Begins anew where the app did not hear of an edit: the dots would stand for another text than it has.
    fn broke(self, field: u64, fault: Fault) {
        if self.held.try_with_value(|held| held.field == field) == Some(true) {
            self.clear();
            self.complain(fault);
        }
    }

    fn complain(self, fault: Fault) {
        // A page that is gone has nobody to tell.
        if let Some(app) = self.app.try_get_value() {
            app.complain(fault);
        }
    }

    /// Takes over what came into the field past us, by an input method.
    fn settle(self) {
        let Some(input) = self.input.get_untracked() else { return };
        let (dots, value) = (self.dots(), input.value());
        let caret = input.selection_end().ok().flatten().unwrap_or(u32::MAX);
        match dots.settle(&value, caret) {
            Some(edit) if self.is_settled() => self.make(edit),
            edit => {
                if value != dots.shown() {
                    input.set_value(&dots.shown());
                }
                if let Some(edit) = edit {
                    self.act(Act::Change(Change::Insert(edit.text)));
                }
            }
        }
    }
}

/// A field that holds no text.
#[component]
pub(crate) fn SecretInput(
    #[prop(into)] id: String,
    #[prop(into)] testid: String,
    field: SecretField,
    #[prop(optional, into)] invalid: Signal<bool>,
    #[prop(optional, into)] on_input: Option<Callback<()>>,
) -> impl IntoView {
    let changed = move || {
        if let Some(on_input) = on_input {
            on_input.run(());
        }
    };
    let before = move |event: InputEvent| {
        let kind = event.input_type();
        // Enter sends the form. What an input method does to the field is taken over when it has done it.
        if kind == "insertLineBreak" || kind.contains("Composition") {
            return;
        }
        event.prevent_default();
        if let Some(change) = Change::of(&kind, event.data()) {
            field.act(Act::Change(change));
            changed();
        }
    };
    let after = move |event: web_sys::Event| {
        // What is still composed is no text yet.
        let is_text = event
            .dyn_ref::<web_sys::InputEvent>()
            .is_none_or(|event| !event.is_composing() || event.input_type() == "insertFromComposition");
        if is_text {
            field.settle();
            changed();
        }
    };
    let paste = move |event: ClipboardEvent| {
        event.prevent_default();
        field.act(Act::Paste { marked: false });
        changed();
    };
    // The element may be used again, for another field.
    on_cleanup(move || field.clear());
    let described_by = format!("{id}-error");
    view! {
        <input
            node_ref=field.input
            id=id
            class="input"
            class:is-invalid=move || invalid.get()
            type="password"
            data-testid=testid
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            aria-invalid=move || invalid.get().then_some("true")
            aria-describedby=move || invalid.get().then(|| described_by.clone())
            on:beforeinput=before
            on:input=move |event| after(event.unchecked_into())
            on:compositionend=move |_| {
                field.settle();
                changed();
            }
            on:paste=paste
            on:mousedown=move |event| {
                // The middle button puts in what is marked, where the caret is.
                if event.button() == 1 {
                    event.prevent_default();
                    field.focus();
                    field.act(Act::Paste { marked: true });
                    changed();
                }
            }
            on:dragover=move |event| event.prevent_default()
            on:drop=move |event| event.prevent_default()
        />
    }
}

fn is_lost(fault: &Fault) -> bool {
    fault.detail.subject.as_deref() == Some(TYPED_SUBJECT)
}

/// Has the app forget a text that no command will ask for.
pub(crate) fn forget(typed: Typed) {
    spawn_local(async move {
        // An app that cannot be asked any more holds nothing either.
        let _ = ipc::call(SecretForget { field: typed.field }).await;
    });
}

fn any_number() -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a whole number of that size"
    )]
    let number = (js_sys::Math::random() * LARGEST_NUMBER) as u64;
    number.max(1)
}
