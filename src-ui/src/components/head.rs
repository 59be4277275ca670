//! The head of a table: its columns, the order they give, and the edges that are dragged.

use leptos::prelude::*;

use super::shape::Shape;
use super::sort::Sort;

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

    /// False for a place without a head, such as that of a glyph.
    pub(crate) fn is_named(&self) -> bool {
        !untrack(|| self.title.with(String::is_empty))
    }
}

#[component]
pub(super) fn Head(column: Column, sort: RwSignal<Sort>, shape: Option<RwSignal<Shape>>) -> impl IntoView {
    let grip = shape.filter(|_| column.is_named()).map(|shape| {
        let id = column.id;
        view! { <Grip id shape /> }
    });
    let Column { id, title, numeric, right, sortable, .. } = column;
    let sorted = Memo::new(move |_| {
        let sort = sort.get();
        (sort.column == id).then_some(sort.descending)
    });
    let class = move || match (sorted.get().is_some(), right) {
        (true, true) => "head num is-sorted",
        (true, false) => "head is-sorted",
        (false, true) => "head num",
        (false, false) => "head",
    };
    let aria = move || match sorted.get() {
        Some(true) => "descending",
        Some(false) => "ascending",
        None => "none",
    };
    let arrow = move || sorted.get().map(|descending| if descending { " \u{2193}" } else { " \u{2191}" });
    if sortable {
        view! {
            <div class=class role="columnheader" aria-sort=aria>
                <button
                    type="button"
                    class="head-button cut"
                    tabindex="-1"
                    data-testid=format!("sort-{id}")
                    on:click=move |_| sort.update(|sort| *sort = sort.pressed(id, numeric))
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
            <div class=class role="columnheader">
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
