//! The row of a table that has the keyboard, and whether the keyboard is the table's at all.

use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::place::{Place, locate};
use super::sight::Sight;
use super::window::reveal;

/// Found again at each key where it stood last, since a refresh may have moved it.
pub(super) struct Cursor<R: Send + Sync + 'static> {
    rows: Signal<Arc<Vec<R>>>,
    key: fn(&R) -> String,
    cursor: RwSignal<Option<String>>,
    sight: Sight,
    /// Where it is drawn, if it is.
    pub(super) drawn_at: Memo<Option<usize>>,
    last_at: StoredValue<usize>,
}

impl<R: Send + Sync + 'static> Clone for Cursor<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Send + Sync + 'static> Copy for Cursor<R> {}

impl<R: Send + Sync + 'static> Cursor<R> {
    pub(super) fn new(
        rows: Signal<Arc<Vec<R>>>,
        key: fn(&R) -> String,
        cursor: RwSignal<Option<String>>,
        sight: Sight,
        drawn: Memo<std::ops::Range<usize>>,
    ) -> Self {
        let drawn_at = Memo::new(move |_| {
            let mut drawn = drawn.get();
            cursor.with(|cursor| {
                let cursor = cursor.as_ref()?;
                rows.with(|rows| drawn.find(|at| rows.get(*at).is_some_and(|row| key(row) == *cursor)))
            })
        });
        let last_at = StoredValue::new(0);
        Effect::new(move |_| {
            if let Some(at) = drawn_at.get() {
                last_at.set_value(at);
            }
        });
        let own = Self { rows, key, cursor, sight, drawn_at, last_at };
        // The row that had the keyboard before another page was shown is in sight again.
        Effect::new(move |was_shown: Option<bool>| {
            let is_shown = sight.body.with(Option::is_some);
            if is_shown
                && was_shown != Some(true)
                && let Some(at) = own.place().at()
            {
                own.move_to(at);
            }
            is_shown
        });
        own
    }

    pub(super) fn place(self) -> Place {
        self.cursor.with_untracked(|cursor| {
            let Some(cursor) = cursor else { return Place::Nowhere };
            let last = self.last_at.get_value();
            self.rows.with_untracked(|rows| {
                let is = |at: usize| rows.get(at).map(self.key).as_ref() == Some(cursor);
                locate(rows.len(), last, is).map_or(Place::Gone(last), Place::At)
            })
        })
    }

    /// Gives the keyboard to the row at a place.
    pub(super) fn put(self, at: usize) {
        if let Some(found) = self.rows.with_untracked(|rows| rows.get(at).map(self.key)) {
            self.cursor.set(Some(found));
            self.last_at.set_value(at);
        }
    }

    /// The same, and brings the row in sight.
    pub(super) fn move_to(self, at: usize) {
        self.put(at);
        if let Some(body) = self.sight.body.get_untracked() {
            let (top, height) = (f64::from(body.scroll_top()), f64::from(body.client_height()));
            body.set_scroll_top(reveal(at, self.sight.row_px, top, height) as i32);
        }
    }
}

/// True if nothing has the keyboard but the page itself, or a link that led here.
pub(super) fn is_keyboard_free() -> bool {
    let is_free = |active: web_sys::Element| {
        active.tag_name() == "BODY" || active.closest("nav").is_ok_and(|nav| nav.is_some())
    };
    document().active_element().is_none_or(is_free)
}

fn target(event: &web_sys::Event) -> Option<web_sys::Element> {
    event.target().and_then(|target| target.dyn_into().ok())
}

/// True if a button, a link or a field in a row is pressed.
pub(super) fn is_on_control(event: &web_sys::Event) -> bool {
    let control = target(event).map(|element| element.closest("button, a, input"));
    matches!(control, Some(Ok(Some(_))))
}

/// True if the key belongs to a field in the table.
pub(super) fn typing_in(event: &leptos::ev::KeyboardEvent) -> bool {
    target(event)
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

/// False if a button or a link in a row has the key.
pub(super) fn on_itself(event: &leptos::ev::KeyboardEvent) -> bool {
    target(event).is_none_or(|element| !matches!(element.tag_name().as_str(), "BUTTON" | "A"))
}
