//! A field for a secret. It shows dots and holds nothing but dots: each edit goes to the app, which puts the
//! text together and gives it to the command that it is for.
//!
//! What a page holds stays in the memory of the web view long after nobody needs it, and a lock cannot wipe it.

use leptos::ev::{ClipboardEvent, InputEvent};
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::credentials::Typed;
use protocol::ipc::{SecretEdit, SecretForget, SecretPaste};
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
    /// Until it is known how much came, what is typed after it waits.
    is_pasting: bool,
    waiting: Vec<Change>,
}

/// A field for a secret, for whoever shows it and takes what was typed.
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

    pub(crate) fn is_empty(self) -> bool {
        self.length() == Some(0)
    }

    /// In characters; `None` while it is not known how many are pasted.
    pub(crate) fn length(self) -> Option<usize> {
        self.held.with_value(|held| (!held.is_pasting).then_some(held.length as usize))
    }

    /// Names what was typed, for one command, and empties the field; `None` if nothing was.
    pub(crate) fn take(self) -> Option<Typed> {
        let held = self.begin_anew();
        if held.length == 0 && !held.is_pasting {
            wipe(held.field);
            return None;
        }
        Some(Typed { field: held.field, edits: held.edits })
    }

    fn begin_anew(self) -> Held {
        if let Some(input) = self.input.get_untracked() {
            input.set_value("");
        }
        self.held.try_update_value(std::mem::take).unwrap_or_default()
    }

    /// Makes a change where the caret or the marked part is.
    fn change(self, change: Change) {
        let waits = self.held.try_update_value(|held| {
            if held.is_pasting {
                held.waiting.push(change.clone());
            }
            held.is_pasting
        });
        if waits == Some(false)
            && let Some(edit) = self.marked().and_then(|(from, to)| self.dots().edit(change, from, to))
        {
            self.make(edit);
        }
    }

    fn dots(self) -> Dots {
        Dots { length: self.held.with_value(|held| held.length) }
    }

    fn marked(self) -> Option<(u32, u32)> {
        let input = self.input.get_untracked()?;
        let end = self.held.with_value(|held| held.length);
        let place = |place: Result<Option<u32>, _>| place.ok().flatten().unwrap_or(end);
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
                self.complain(fault);
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

    /// Has the app put in what is on the clipboard, or what is marked somewhere.
    fn paste(self, marked: bool) {
        let Some((from, to)) = self.marked().filter(|_| !self.held.with_value(|held| held.is_pasting)) else {
            return;
        };
        let (field, edit) = self.next();
        self.held.update_value(|held| held.is_pasting = true);
        spawn_local(async move {
            let (at, take_out) = (from, to - from);
            let come = ipc::call(SecretPaste { field, edit, at, take_out, marked }).await;
            let mine = self.held.try_update_value(|held| {
                // It may have been taken meanwhile, and be another text's now.
                let mine = held.field == field;
                if mine {
                    held.is_pasting = false;
                }
                mine.then(|| std::mem::take(&mut held.waiting))
            });
            let Some(waiting) = mine.flatten() else { return };
            match come {
                Ok(0) => {}
                Ok(come) => self.show(at, take_out, come),
                Err(fault) => self.complain(fault),
            }
            waiting.into_iter().for_each(|change| self.change(change));
        });
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
        match dots.settle(&value) {
            Some(edit) => self.make(edit),
            None if value != dots.shown() => input.set_value(&dots.shown()),
            None => {}
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
        // An input method shows what it composes; it is taken over at its end.
        if !event.cancelable() {
            return;
        }
        let kind = event.input_type();
        if kind == "insertLineBreak" {
            return;
        }
        event.prevent_default();
        if let Some(change) = Change::of(&kind, event.data()) {
            field.change(change);
            changed();
        }
    };
    let after = move |event: web_sys::Event| {
        let composing = event.dyn_ref::<web_sys::InputEvent>().is_some_and(web_sys::InputEvent::is_composing);
        if !composing {
            field.settle();
            changed();
        }
    };
    let paste = move |event: ClipboardEvent| {
        event.prevent_default();
        field.paste(false);
        changed();
    };
    on_cleanup(move || {
        // The field that showed it may be gone already.
        wipe(field.held.try_update_value(std::mem::take).unwrap_or_default().field);
    });
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
            on:beforeinput=before
            on:input=move |event| after(event.unchecked_into())
            on:compositionend=move |_| field.settle()
            on:paste=paste
            on:mousedown=move |event| {
                // The middle button puts in what is marked, where the caret is.
                if event.button() == 1 {
                    event.prevent_default();
                    field.focus();
                    field.paste(true);
                    changed();
                }
            }
            on:dragover=move |event| event.prevent_default()
            on:drop=move |event| event.prevent_default()
        />
    }
}

/// Has the app forget a text that no command will ask for.
fn wipe(field: u64) {
    if field == 0 {
        return;
    }
    spawn_local(async move {
        // An app that cannot be asked any more holds nothing either.
        let _ = ipc::call(SecretForget { field }).await;
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
