//! The head of a table: its columns, the order they give, and their widths; by pointer and by keys.
//!
//! The keyboard stays with the table, which tells the head that it is in. So a head is no stop of its own
//! for Tab, and none of them can vanish with the focus.

use leptos::prelude::*;

use super::shape::Shape;
use super::sort::Sort;

/// How much wider or narrower a key makes a column.
const STEP_PX: f64 = 16.0;

/// A column: its name in `Sort`, its head, and its width as a track of a CSS grid.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) id: &'static str,
    pub(crate) title: Signal<String>,
    /// `98px`, `minmax(200px, 1fr)`.
    pub(crate) track: &'static str,
    /// Sorted from the greatest at first.
    pub(crate) numeric: bool,
    /// The head stands at the right, over its numbers.
    pub(crate) right: bool,
    pub(crate) sortable: bool,
    /// It is left out of a table that is narrower.
    pub(crate) needs_px: i32,
}

impl Column {
    pub(crate) fn new(
        id: &'static str,
        track: &'static str,
        title: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            title: Signal::derive(title),
            track,
            numeric: false,
            right: false,
            sortable: true,
            needs_px: 0,
        }
    }

    /// Numbers, right-aligned.
    pub(crate) fn numeric(mut self) -> Self {
        self.numeric = true;
        self.right = true;
        self
    }

    /// Numbers behind a bar, so that the head stands at the left.
    pub(crate) fn numeric_left(mut self) -> Self {
        self.numeric = true;
        self
    }

    pub(crate) fn unsorted(mut self) -> Self {
        self.sortable = false;
        self
    }

    /// Leaves it out where the table is narrower than this, rather than let the table move sideways.
    pub(crate) fn needs(mut self, width_px: i32) -> Self {
        self.needs_px = width_px;
        self
    }

    /// The order after a press on its head.
    fn pressed(&self, sort: Sort) -> Sort {
        if self.sortable { sort.pressed(self.id, self.numeric) } else { sort }
    }

    /// False for a place without a head, such as that of a glyph.
    pub(crate) fn is_named(&self) -> bool {
        !untrack(|| self.title.with(String::is_empty))
    }
}

/// The heads as the keyboard goes through them.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    /// The column whose head has the keyboard.
    pub(super) at: RwSignal<Option<&'static str>>,
    pub(super) columns: Signal<Vec<Column>>,
    /// With the columns that the table has no room for.
    pub(super) shaped: Memo<Shape>,
    pub(super) shape: Option<RwSignal<Shape>>,
    pub(super) sort: RwSignal<Sort>,
    pub(super) testid: &'static str,
}

impl Heads {
    pub(super) fn id_of(self, column: &str) -> String {
        format!("{}-head-{column}", self.testid)
    }

    /// The heads that something can be done to.
    fn reachable(self) -> Vec<&'static str> {
        let takes = |shape: &Shape, column: &&Column| {
            column.is_named() && !shape.is_hidden(column.id) && (column.sortable || self.shape.is_some())
        };
        self.columns.with_untracked(|columns| {
            self.shaped.with_untracked(|shape| {
                columns.iter().filter(|column| takes(shape, column)).map(|column| column.id).collect()
            })
        })
    }

    /// Gives the keyboard to the head of the column that orders the table, else to the first.
    pub(super) fn enter(self) -> bool {
        let heads = self.reachable();
        let sorted = self.sort.with_untracked(|sort| sort.column);
        let at = heads.iter().find(|id| **id == sorted).or(heads.first()).copied();
        self.go(at);
        at.is_some()
    }

    pub(super) fn leave(self) {
        if self.at.with_untracked(Option::is_some) {
            self.at.set(None);
        }
    }

    /// True if the key was for the head. Any other key that does something leaves it.
    pub(super) fn press(self, event: &leptos::ev::KeyboardEvent) -> bool {
        let Some(id) = self.at.get_untracked() else { return false };
        if event.ctrl_key() || event.meta_key() {
            return false;
        }
        let key = event.key();
        match (key.as_str(), event.shift_key()) {
            ("ArrowLeft", true) => self.widen(id, -STEP_PX),
            ("ArrowRight", true) => self.widen(id, STEP_PX),
            ("ArrowLeft", false) => self.step(id, -1),
            ("ArrowRight", false) => self.step(id, 1),
            ("Home", _) => self.step(id, isize::MIN),
            ("End", _) => self.step(id, isize::MAX),
            ("Enter", _) => {
                let column = self.columns.with_untracked(|all| all.iter().find(|one| one.id == id).cloned());
                if let Some(column) = column {
                    self.sort.update(|sort| *sort = column.pressed(*sort));
                }
            }
            ("ArrowDown" | "Escape", _) => self.leave(),
            ("ArrowUp", _) => {}
            ("Shift" | "Control" | "Meta" | "AltGraph", _) => return false,
            _ => {
                self.leave();
                return false;
            }
        }
        true
    }

    fn step(self, id: &str, by: isize) {
        let heads = self.reachable();
        let here = heads.iter().position(|one| *one == id).unwrap_or(0);
        let to = here.saturating_add_signed(by).min(heads.len().saturating_sub(1));
        self.go(heads.get(to).copied());
    }

    fn go(self, to: Option<&'static str>) {
        self.at.set(to);
        if let Some(head) = to.and_then(|id| document().get_element_by_id(&self.id_of(id))) {
            reveal(&head);
        }
    }

    fn widen(self, id: &str, by_px: f64) {
        let head = document().get_element_by_id(&self.id_of(id));
        if let (Some(shape), Some(head)) = (self.shape, head) {
            let width = head.get_bounding_client_rect().width();
            shape.update(|shape| shape.set_width(id, width + by_px));
        }
    }
}

/// Moves the rows sideways until a head is in sight; the heads follow them.
fn reveal(head: &web_sys::Element) {
    let Ok(Some(table)) = head.closest(".table") else { return };
    let Ok(Some(body)) = table.query_selector(".table-body") else { return };
    let (own, seen) = (head.get_bounding_client_rect(), body.get_bounding_client_rect());
    let by = match (own.left() - seen.left(), own.right() - seen.right()) {
        (before, _) if before < 0.0 => before,
        (_, behind) if behind > 0.0 => behind,
        _ => return,
    };
    body.set_scroll_left(body.scroll_left() + by.ceil() as i32);
}

#[component]
pub(super) fn Head(column: Column, heads: Heads) -> impl IntoView {
    let Heads { sort, shape, .. } = heads;
    let grip = shape.filter(|_| column.is_named()).map(|shape| {
        let id = column.id;
        view! { <Grip id shape /> }
    });
    let pressed = column.clone();
    let Column { id, title, right, sortable, .. } = column;
    let sorted = Memo::new(move |_| {
        let sort = sort.get();
        (sort.column == id).then_some(sort.descending)
    });
    let has_keyboard = Memo::new(move |_| heads.at.get() == Some(id));
    let class = move || {
        let sorted = if sorted.get().is_some() { " is-sorted" } else { "" };
        let right = if right { " num" } else { "" };
        let focused = if has_keyboard.get() { " is-focused" } else { "" };
        format!("head{right}{sorted}{focused}")
    };
    let aria = move || match sorted.get() {
        Some(true) => "descending",
        Some(false) => "ascending",
        None => "none",
    };
    let arrow = move || sorted.get().map(|descending| if descending { " \u{2193}" } else { " \u{2191}" });
    if sortable {
        view! {
            <div class=class role="columnheader" id=heads.id_of(id) aria-sort=aria>
                <button
                    type="button"
                    class="head-button cut"
                    tabindex="-1"
                    data-testid=format!("sort-{id}")
                    on:click=move |_| sort.update(|sort| *sort = pressed.pressed(*sort))
                >
                    {move || title.get()}
                    {arrow}
                </button>
                {grip}
            </div>
        }
        .into_any()
    } else {
        view! {
            <div class=class role="columnheader" id=heads.id_of(id)>
                <span class="cut">{move || title.get()}</span>
                {grip}
            </div>
        }
        .into_any()
    }
}

/// The edge of a head that is dragged to make its column wider; a double click gives its own width back.
#[component]
fn Grip(id: &'static str, shape: RwSignal<Shape>) -> impl IntoView {
    let grip = NodeRef::<leptos::html::Span>::new();
    // Where the pointer went down, and how wide the column was then.
    let held = StoredValue::new(None::<(f64, f64)>);
    let hold = move |event: leptos::ev::PointerEvent| {
        let Some(grip) = grip.get_untracked() else { return };
        let Some(head) = grip.parent_element() else { return };
        event.prevent_default();
        // Without a hold on the pointer the drag ends where it leaves the head.
        let _ = grip.set_pointer_capture(event.pointer_id());
        held.set_value(Some((f64::from(event.client_x()), head.get_bounding_client_rect().width())));
    };
    let drag = move |event: leptos::ev::PointerEvent| {
        if let Some((from_x, width)) = held.get_value() {
            shape.update(|shape| shape.set_width(id, width + f64::from(event.client_x()) - from_x));
        }
    };
    view! {
        <span
            class="head-grip"
            aria-hidden="true"
            data-testid=format!("grip-{id}")
            node_ref=grip
            on:pointerdown=hold
            on:pointermove=drag
            on:pointerup=move |_| held.set_value(None)
            on:pointercancel=move |_| held.set_value(None)
            on:dblclick=move |_| shape.update(|shape| shape.reset_width(id))
        ></span>
    }
}
