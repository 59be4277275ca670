//! The one table: virtual rows of one height, sorted by any column, moved through by keys.
//!
//! It draws the rows on screen and a few beyond, so twenty thousand are as quick as twenty. A row
//! keeps its element as long as its key is drawn: a refresh changes the cells that differ and
//! nothing else, so neither the scroll place nor the cursor is lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use leptos::attr::custom::custom_attribute;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

use super::head::{Column, Head};
use super::selection::Selection;
use super::shape::Shape;
use super::sort::Sort;
use super::tree::{BranchOf, Sideways, sideways};
use super::type_ahead::{TypeAhead, letter};
use super::window::{reveal, visible};
use crate::state::now_ms;

/// Marks rows that a refresh brought and cells that it changed.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    /// Which question the rows answer: other words under another number are no change.
    pub(crate) question: RwSignal<u64>,
    /// Keys of the rows that are new.
    pub(crate) new: RwSignal<Arc<HashSet<String>>>,
}

/// Moves the cursor of a table from outside, for keys that the page takes.
fn step(keys: &[String], cursor: Option<&str>, by: isize) -> Option<usize> {
    if keys.is_empty() {
        return None;
    }
    let last = keys.len() - 1;
    match cursor.and_then(|cursor| keys.iter().position(|key| key == cursor)) {
        Some(at) => Some(at.saturating_add_signed(by).min(last)),
        // Nothing has the cursor yet: down and the first from the top, up and the last from the end.
        None => Some(if by == isize::MIN || (0..isize::MAX).contains(&by) { 0 } else { last }),
    }
}

#[derive(Clone)]
struct Slot<R: Send + Sync + 'static> {
    key: String,
    row: ArcRwSignal<R>,
    at: ArcRwSignal<usize>,
}

/// A table over `rows`, which come sorted and filtered.
#[component]
pub(crate) fn Table<R, C>(
    /// Name for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    #[prop(into)] columns: Signal<Vec<Column>>,
    #[prop(into)] rows: Signal<Arc<Vec<R>>>,
    /// What makes a row the same row after a refresh.
    key: fn(&R) -> String,
    /// The cells of a row, one element for each column; `class="cell"`, numbers `class="cell num"`.
    cells: C,
    sort: RwSignal<Sort>,
    /// Key of the row that has the keyboard.
    cursor: RwSignal<Option<String>>,
    #[prop(default = 24.0)] row_px: f64,
    /// Enter or a double click on a row.
    #[prop(optional_no_strip)]
    on_open: Option<Callback<String>>,
    /// A single click opens too.
    #[prop(optional)]
    open_on_click: bool,
    /// Where a row stands, while rows of the table lie in each other.
    #[prop(optional, into)]
    branch: Signal<Option<BranchOf<R>>>,
    /// A row is to be folded, or with false unfolded.
    #[prop(optional_no_strip)]
    on_fold: Option<Callback<(String, bool)>>,
    /// Any other key; true if the page has used it.
    #[prop(optional_no_strip)]
    on_key: Option<Callback<leptos::ev::KeyboardEvent, bool>>,
    /// The name of a row, that typing its beginning finds.
    #[prop(optional_no_strip)]
    name: Option<fn(&R) -> String>,
    #[prop(optional_no_strip)] row_class: Option<fn(&R) -> &'static str>,
    #[prop(optional_no_strip)] row_testid: Option<fn(&R) -> String>,
    #[prop(optional)] marks: Option<Marks>,
    /// Which columns are hidden and how wide they are; without it they are as they come.
    #[prop(optional_no_strip)]
    shape: Option<RwSignal<Shape>>,
    /// Rows that are chosen together; without it there is the cursor alone.
    #[prop(optional_no_strip)]
    selection: Option<RwSignal<Selection>>,
    /// Rows that can be chosen: a head of a group cannot.
    #[prop(optional_no_strip)]
    selectable: Option<fn(&R) -> bool>,
    /// Is kept true while the first row is in sight.
    #[prop(optional)]
    at_top: Option<RwSignal<bool>>,
    #[prop(optional)] testid: &'static str,
    /// Gets the element that has the keyboard, to focus it.
    #[prop(optional)]
    node_ref: NodeRef<leptos::html::Div>,
) -> impl IntoView
where
    R: Clone + PartialEq + Send + Sync + 'static,
    C: Fn(ArcRwSignal<R>) -> AnyView + Clone + Send + Sync + 'static,
{
    let body = NodeRef::<leptos::html::Div>::new();
    let top_px = RwSignal::new(0.0);
    let height_px = RwSignal::new(800.0);
    // Width of the scroll bar, where it takes room of its own.
    let gutter_px = RwSignal::new(0);
    let width_px = RwSignal::new(i32::MAX);
    follow_size(body, height_px, gutter_px, width_px);

    let range = Memo::new(move |_| {
        let count = rows.with(|rows| rows.len());
        visible(count, row_px, top_px.get(), height_px.get())
    });
    let kept: StoredValue<HashMap<String, Slot<R>>> = StoredValue::new(HashMap::new());
    let slots = move || {
        let range = range.get();
        rows.with(|rows| {
            let mut old = kept.try_update_value(std::mem::take).unwrap_or_default();
            let first = range.start;
            let drawn = rows.get(range).unwrap_or_default();
            let slots: Vec<Slot<R>> = drawn
                .iter()
                .enumerate()
                .map(|(n, row)| {
                    let (key, at) = (key(row), first + n);
                    match old.remove(&key) {
                        Some(slot) => {
                            if *slot.row.read_untracked() != *row {
                                slot.row.set(row.clone());
                            }
                            if *slot.at.read_untracked() != at {
                                slot.at.set(at);
                            }
                            slot
                        }
                        None => Slot { key, row: ArcRwSignal::new(row.clone()), at: ArcRwSignal::new(at) },
                    }
                })
                .collect();
            kept.set_value(slots.iter().map(|slot| (slot.key.clone(), slot.clone())).collect());
            slots
        })
    };

    let move_to = move |at: usize| {
        let found = rows.with_untracked(|rows| rows.get(at).map(key));
        if let (Some(found), Some(body)) = (found, body.get_untracked()) {
            cursor.set(Some(found));
            let (top, height) = (f64::from(body.scroll_top()), f64::from(body.client_height()));
            body.set_scroll_top(reveal(at, row_px, top, height) as i32);
        }
    };
    // The row that had the keyboard before another page was shown is in sight again.
    let was_shown = StoredValue::new(false);
    Effect::new(move |_| {
        let is_first = body.with(Option::is_some) && !was_shown.get_value();
        if is_first {
            was_shown.set_value(true);
            let at = cursor.with_untracked(|at| {
                rows.with_untracked(|rows| rows.iter().position(|row| at.as_ref() == Some(&key(row))))
            });
            if let Some(at) = at {
                move_to(at);
            }
        }
    });
    let open = move |key: String| {
        if let Some(on_open) = on_open {
            on_open.run(key);
        }
    };
    let order = move || -> Vec<String> {
        let takes = |row: &&R| selectable.is_none_or(|selectable| selectable(row));
        rows.with_untracked(|rows| rows.iter().filter(takes).map(key).collect())
    };
    let press = move |event: leptos::ev::MouseEvent, pressed: &str| {
        if let Some(selection) = selection {
            let before = cursor.get_untracked();
            let (ctrl, shift) = (event.ctrl_key() || event.meta_key(), event.shift_key());
            if shift {
                // Else the browser would select text from there to here.
                event.prevent_default();
            }
            let can = order().iter().any(|one| one == pressed);
            if can || !(ctrl || shift) {
                selection.update(|chosen| chosen.press(&order(), pressed, before.as_deref(), ctrl, shift));
            }
        }
        cursor.set(Some(pressed.to_owned()));
    };
    let type_ahead = StoredValue::new(TypeAhead::default());
    let find_typed = move |event: &leptos::ev::KeyboardEvent| {
        let (Some(name), Some(letter)) = (name, letter(&event.key())) else { return };
        event.prevent_default();
        let found = rows.with_untracked(|rows| {
            let here = cursor.with_untracked(|at| rows.iter().position(|row| Some(key(row)) == *at));
            type_ahead.try_update_value(|ahead| {
                ahead
                    .find(letter, now_ms(), rows.len(), here, |at| rows.get(at).map(name).unwrap_or_default())
            })
        });
        if let Some(Some(at)) = found {
            move_to(at);
            if let Some(selection) = selection.filter(|chosen| !chosen.with_untracked(Selection::is_empty)) {
                selection.update(Selection::clear);
            }
        }
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        if event.alt_key() || typing_in(&event) {
            return;
        }
        if event.ctrl_key() || event.meta_key() {
            match (event.key().as_str(), cursor.get_untracked(), selection) {
                ("a" | "A", _, Some(selection)) => selection.update(|chosen| chosen.all(&order())),
                (" ", Some(key), Some(selection)) if order().contains(&key) => {
                    selection.update(|chosen| chosen.toggle(&key));
                }
                _ if on_key.is_some_and(|on_key| on_key.run(event.clone())) => {}
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
            return;
        }
        if let (Some(branch), true) =
            (branch.get_untracked(), matches!(event.key().as_str(), "ArrowLeft" | "ArrowRight"))
        {
            event.prevent_default();
            let to = rows.with_untracked(|rows| {
                let at = cursor.with_untracked(|at| rows.iter().position(|row| Some(key(row)) == *at))?;
                let what = sideways(at, rows.len(), event.key() == "ArrowLeft", |at| branch(&rows[at]))?;
                Some((key(&rows[at]), what))
            });
            match (to, on_fold) {
                (Some((_, Sideways::Go(at))), _) => move_to(at),
                (Some((key, what)), Some(on_fold)) => on_fold.run((key, what == Sideways::Fold)),
                (Some(_), None) | (None, _) => {}
            }
            return;
        }
        let page = (height_px.get_untracked() / row_px) as isize - 1;
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            "PageDown" => page.max(1),
            "PageUp" => -page.max(1),
            "Home" => isize::MIN,
            "End" => isize::MAX,
            "Enter" => {
                // A button in the row keeps its own Enter.
                if on_itself(&event)
                    && let Some(key) = cursor.get_untracked()
                {
                    event.prevent_default();
                    open(key);
                }
                return;
            }
            _ => {
                if on_key.is_some_and(|on_key| on_key.run(event.clone())) {
                    event.prevent_default();
                } else {
                    find_typed(&event);
                }
                return;
            }
        };
        event.prevent_default();
        let keys: Vec<String> = rows.with_untracked(|rows| rows.iter().map(key).collect());
        let before = cursor.get_untracked();
        if let Some(at) = step(&keys, before.as_deref(), by) {
            move_to(at);
            if let Some(selection) = selection {
                let now = cursor.get_untracked().unwrap_or_default();
                match event.shift_key() {
                    true => selection.update(|chosen| chosen.extend(&order(), &now, before.as_deref())),
                    false if selection.with_untracked(Selection::is_empty) => {}
                    false => selection.update(Selection::clear),
                }
            }
        }
    };

    let shaped = Memo::new(move |_| {
        let mut shaped = shape.map(|shape| shape.get()).unwrap_or_default();
        let width = width_px.get();
        columns.with(|columns| {
            for column in columns.iter().filter(|column| width < column.needs_px) {
                shaped.hide(column.id);
            }
        });
        shaped
    });
    let tracks = move || {
        columns.with(|columns| shaped.with(|shape| shape.tracks(columns.iter().map(|c| (c.id, c.track)))))
    };
    let table_class = move || {
        let hidden = columns.with(|columns| shaped.with(|shape| shape.classes(columns.iter().map(|c| c.id))));
        format!("table{hidden}")
    };
    let row_view = move |slot: Slot<R>| {
        let Slot { key, row, at } = slot;
        let chosen = {
            let key = key.clone();
            Memo::new(move |_| cursor.with(|cursor| cursor.as_deref() == Some(key.as_str())))
        };
        let selected = {
            let key = key.clone();
            Memo::new(move |_| selection.is_some_and(|chosen| chosen.with(|chosen| chosen.contains(&key))))
        };
        let is_several = move || selection.is_some_and(|chosen| !chosen.with(Selection::is_empty));
        let is_new = {
            let key = key.clone();
            Memo::new(move |_| marks.is_some_and(|marks| marks.new.with(|new| new.contains(&key))))
        };
        let class = {
            let row = row.clone();
            move || {
                let own = row_class.map(|class| row.with(class)).unwrap_or_default();
                let focused = if chosen.get() { " is-focused" } else { "" };
                let new = if is_new.get() { " is-new" } else { "" };
                let selected = if selected.get() { " is-selected" } else { "" };
                format!("table-row{focused}{selected}{new} {own}")
            }
        };
        let element = NodeRef::<leptos::html::Div>::new();
        if let Some(marks) = marks {
            mark_changes(element, row.clone(), marks.question);
        }
        let stands = {
            let row = row.clone();
            Memo::new(move |_| branch.get().map(|branch| row.with(branch)))
        };
        // The view has no name of its own for it.
        let level =
            custom_attribute("aria-level", move || stands.get().map(|branch| branch.level.to_string()));
        let row_testid = row_testid.map(|testid| row.with_untracked(testid));
        let (own_key, pressed, clicked, opened) = (key.clone(), key.clone(), key.clone(), key);
        view! {
            <div
                node_ref=element
                class=class
                role="row"
                id=move || chosen.get().then(|| format!("{testid}-cursor"))
                {..level}
                aria-expanded=move || {
                    stands.get().and_then(|branch| branch.expanded).map(|is| if is { "true" } else { "false" })
                }
                aria-rowindex=move || (at.get() + 2).to_string()
                aria-selected=move || {
                    let is = if is_several() { selected.get() } else { chosen.get() };
                    if is { "true" } else { "false" }
                }
                data-testid=row_testid
                data-key=own_key
                on:mousedown=move |event| press(event, &pressed)
                on:click=move |event| {
                    // With a key held a press chooses and opens nothing.
                    let is_plain = !(event.shift_key() || event.ctrl_key() || event.meta_key());
                    if open_on_click && is_plain {
                        open(clicked.clone());
                    }
                }
                on:dblclick=move |_| {
                    if !open_on_click {
                        open(opened.clone());
                    }
                }
            >
                {cells(row)}
            </div>
        }
    };
    view! {
        <div
            class=table_class
            role=move || if branch.get().is_some() { "treegrid" } else { "grid" }
            aria-multiselectable=selection.map(|_| "true")
            tabindex="0"
            node_ref=node_ref
            aria-label=move || label.get()
            aria-rowcount=move || (rows.with(|rows| rows.len()) + 1).to_string()
            aria-activedescendant=move || cursor.with(Option::is_some).then(|| format!("{testid}-cursor"))
            data-testid=(!testid.is_empty()).then_some(testid)
            style=("--tracks", tracks)
            style=("--row", format!("{row_px}px"))
            style=("--gutter", move || format!("{}px", gutter_px.get()))
            on:keydown=keys
        >
            <div class="table-head" role="row" aria-rowindex="1">
                {move || {
                    columns
                        .get()
                        .into_iter()
                        .map(|column| view! { <Head column sort shape /> })
                        .collect_view()
                }}
            </div>
            <div
                class="table-body"
                role="rowgroup"
                node_ref=body
                on:scroll=move |_| {
                    if let Some(body) = body.get_untracked() {
                        top_px.set(f64::from(body.scroll_top()));
                        if let Some(at_top) = at_top {
                            at_top.set(body.scroll_top() == 0);
                        }
                    }
                }
            >
                <div
                    role="presentation"
                    style:height=move || format!("{}px", range.get().start as f64 * row_px)
                ></div>
                <For each=slots key=|slot| slot.key.clone() children=row_view />
                <div
                    role="presentation"
                    style:height=move || {
                        let below = rows.with(|rows| rows.len()).saturating_sub(range.get().end);
                        format!("{}px", below as f64 * row_px)
                    }
                ></div>
            </div>
        </div>
    }
}

/// Marks the cells whose words a refresh changed; those of another question are no change. A cell
/// that is `data-quiet` changes all the time and is left alone.
fn mark_changes<R: Send + Sync + 'static>(
    element: NodeRef<leptos::html::Div>,
    row: ArcRwSignal<R>,
    question: RwSignal<u64>,
) {
    let before = StoredValue::new(None::<(u64, Vec<String>)>);
    Effect::new(move |_| {
        row.track();
        // The cells are drawn by effects of the same change: read them after those.
        request_animation_frame(move || {
            let Some(Some(element)) = element.try_get_untracked() else { return };
            let Some(question) = question.try_get_untracked() else { return };
            let cells = element.children();
            let cells: Vec<web_sys::Element> = (0..cells.length()).filter_map(|at| cells.item(at)).collect();
            let words: Vec<String> =
                cells.iter().map(|cell| cell.text_content().unwrap_or_default()).collect();
            let Some(old) = before.try_update_value(|before| before.replace((question, words.clone())))
            else {
                return;
            };
            let old = old.filter(|(asked, old)| *asked == question && old.len() == words.len());
            for (at, cell) in cells.iter().enumerate() {
                let is_changed = old.as_ref().is_some_and(|(_, old)| old[at] != words[at]);
                if is_changed && !cell.has_attribute("data-quiet") {
                    // Another name starts the animation anew.
                    let turn =
                        if cell.get_attribute("data-changed").as_deref() == Some("a") { "b" } else { "a" };
                    let _ = cell.set_attribute("data-changed", turn);
                } else {
                    let _ = cell.remove_attribute("data-changed");
                }
            }
        });
    });
}

fn follow_size(
    body: NodeRef<leptos::html::Div>,
    height_px: RwSignal<f64>,
    gutter_px: RwSignal<i32>,
    width_px: RwSignal<i32>,
) {
    let watched = StoredValue::new_local(None);
    Effect::new(move |_| {
        let Some(body) = body.get() else { return };
        height_px.set(f64::from(body.client_height()));
        gutter_px.set(body.offset_width() - body.client_width());
        width_px.set(body.offset_width());
        let measured = body.clone();
        let changed = Closure::<dyn FnMut()>::new(move || {
            if measured.client_height() > 0 {
                height_px.try_set(f64::from(measured.client_height()));
                gutter_px.try_set(measured.offset_width() - measured.client_width());
                width_px.try_set(measured.offset_width());
            }
        });
        // Without an observer the height at the first drawing stays, with a margin of rows.
        if let Ok(observer) = web_sys::ResizeObserver::new(changed.as_ref().unchecked_ref()) {
            observer.observe(&body);
            watched.set_value(Some((observer, changed)));
        }
    });
    on_cleanup(move || {
        if let Some(Some((observer, _))) = watched.try_update_value(Option::take) {
            observer.disconnect();
        }
    });
}

/// True if the key belongs to a field in the table.
fn typing_in(event: &leptos::ev::KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

fn on_itself(event: &leptos::ev::KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_none_or(|element| !matches!(element.tag_name().as_str(), "BUTTON" | "A"))
}
