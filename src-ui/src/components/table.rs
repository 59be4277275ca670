//! The one table: virtual rows of one height, sorted by any column, moved through by keys.
//!
//! It draws the rows on screen and a few beyond, so twenty thousand are as quick as twenty. A row
//! keeps its element as long as its key is drawn: a refresh changes the cells that differ and
//! nothing else, so neither the scroll place nor the cursor is lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use leptos::attr::custom::custom_attribute;
use leptos::prelude::*;

use super::changed::mark_changes;
use super::cursor::{Cursor, is_keyboard_free, is_on_control, on_itself, typing_in};
use super::focus;
use super::head::{Column, Head, Heads};
use super::place::{Place, step};
use super::selection::{Rows, Selection};
use super::shape::Shape;
use super::sight::Sight;
use super::sort::Sort;
use super::tree::{BranchOf, Sideways, sideways};
use super::type_ahead::{TypeAhead, letter};
use super::window::visible;
use crate::state::now_ms;
use crate::text::{t_string, use_i18n};

/// Marks rows that a refresh brought and cells that it changed, and tells when the rows must hold still.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    /// Which question the rows answer: other words under another number are no change.
    pub(crate) question: RwSignal<u64>,
    /// Keys of the rows that are new.
    pub(crate) new: RwSignal<Arc<HashSet<String>>>,
    /// Keys of the rows that are gone and shown in their places still.
    pub(crate) gone: Signal<Arc<HashSet<String>>>,
    /// Is kept true while a pointer is on the rows.
    pub(crate) pointed_at: RwSignal<bool>,
    /// Is told of each key that moves to another row.
    pub(crate) moved: Trigger,
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
    /// Gets the keyboard to the first row, each time it is notified.
    #[prop(optional)]
    enter: Option<Trigger>,
    /// Takes the keyboard when it appears, unless a field or a dialog has it.
    #[prop(optional)]
    first: bool,
    #[prop(optional)] testid: &'static str,
    /// Gets the element that has the keyboard, to focus it.
    #[prop(optional)]
    node_ref: NodeRef<leptos::html::Div>,
) -> impl IntoView
where
    R: Clone + PartialEq + Send + Sync + 'static,
    C: Fn(ArcRwSignal<R>) -> AnyView + Clone + Send + Sync + 'static,
{
    let i18n = use_i18n();
    let sight = Sight::new(row_px);
    let body = sight.body;
    let range = Memo::new(move |_| {
        let count = rows.with(|rows| rows.len());
        visible(count, row_px, sight.top_px.get(), sight.height_px.get())
    });
    if let Some(marks) = marks {
        sight.hold_on(rows, key, move || (marks.question.get_untracked(), sort.get_untracked()));
        on_cleanup(move || {
            marks.pointed_at.try_set(false);
        });
    }
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

    let going = Cursor::new(rows, key, cursor, sight, range);
    let told = move || {
        if let Some(marks) = marks {
            marks.moved.notify();
        }
    };
    let to_first = move |is_again: Option<()>| {
        if let Some(enter) = enter {
            enter.track();
        }
        if let (Some(()), Some(table)) = (is_again, node_ref.get_untracked()) {
            focus(&table);
            going.move_to(0);
        }
    };
    Effect::new(to_first);
    if first {
        Effect::new(move |_| {
            if let Some(table) = node_ref.get().filter(|_| is_keyboard_free()) {
                focus(&table);
            }
        });
    }
    let open = move |key: String| {
        if let Some(on_open) = on_open {
            on_open.run(key);
        }
    };
    let takes = move |row: &R| selectable.is_none_or(|selectable| selectable(row));
    // Does something with what can be chosen.
    let choose = move |selection: RwSignal<Selection>, how: &dyn Fn(&mut Selection, &Choosing<'_>)| {
        rows.with_untracked(|rows| {
            let key = |at: usize| rows.get(at).map(key).unwrap_or_default();
            let takes = |at: usize| rows.get(at).is_some_and(takes);
            let rows: Choosing<'_> = Rows { count: rows.len(), key: &key, takes: &takes };
            selection.update(|chosen| how(chosen, &rows));
        });
    };
    let shaped = Memo::new(move |_| {
        let mut shaped = shape.map(|shape| shape.get()).unwrap_or_default();
        let width = sight.width_px.get();
        columns.with(|columns| {
            for column in columns.iter().filter(|column| width < column.needs_px) {
                shaped.hide(column.id);
            }
        });
        shaped
    });
    let heads = Heads { at: RwSignal::new(None), columns, shaped, shape, sort, testid };
    let press = move |event: leptos::ev::MouseEvent, pressed: &str, at: usize| {
        // The other buttons choose nothing and let go of nothing, and a control in the row keeps its own
        // press: what a choice opens beside the table would move it away from under the pointer.
        if event.button() != 0 || is_on_control(&event) {
            return;
        }
        let (ctrl, shift) = (event.ctrl_key() || event.meta_key(), event.shift_key());
        if let Some(selection) = selection {
            let before = going.place().at();
            if shift {
                // Else the browser would select text from there to here.
                event.prevent_default();
            }
            let can = rows.with_untracked(|rows| rows.get(at).is_some_and(takes));
            choose(selection, &|chosen, rows| match (shift, ctrl) {
                _ if !can && (ctrl || shift) => {}
                (true, _) => chosen.extend(rows, at, before),
                (false, true) => {
                    let before = before.filter(|before| (rows.takes)(*before)).map(rows.key);
                    chosen.add(pressed, before);
                }
                (false, false) => chosen.begin(pressed, at),
            });
        }
        heads.leave();
        going.put(at);
    };
    let let_go = move || {
        if let Some(selection) = selection.filter(|chosen| !chosen.with_untracked(Selection::is_empty)) {
            selection.update(Selection::clear);
        }
    };
    let type_ahead = StoredValue::new(TypeAhead::default());
    let find_typed = move |event: &leptos::ev::KeyboardEvent| {
        let (Some(name), Some(letter)) = (name, letter(&event.key())) else { return };
        event.prevent_default();
        let here = going.place().at();
        let found = rows.with_untracked(|rows| {
            type_ahead.try_update_value(|ahead| {
                ahead
                    .find(letter, now_ms(), rows.len(), here, |at| rows.get(at).map(name).unwrap_or_default())
            })
        });
        if let Some(Some(at)) = found {
            going.move_to(at);
            told();
            let_go();
        }
    };
    // Plain the rows are let go, with Shift all from the anchor are chosen, with Ctrl the keyboard moves alone.
    let move_by = move |event: &leptos::ev::KeyboardEvent, by: isize| {
        let (ctrl, shift) = (event.ctrl_key() || event.meta_key(), event.shift_key());
        let from = going.place();
        // A key that is held down ends at the first row.
        if (by, from, ctrl || shift || event.repeat()) == (-1, Place::At(0), false) && heads.enter() {
            return;
        }
        let count = rows.with_untracked(|rows| rows.len());
        let Some(at) = step(count, from, by) else { return };
        going.move_to(at);
        told();
        match (selection, shift, ctrl) {
            (Some(selection), true, _) => {
                choose(selection, &|chosen, rows| chosen.extend(rows, at, from.at()))
            }
            (_, false, true) => {}
            _ => let_go(),
        }
    };
    let toggle_at_cursor = move || {
        let here = rows.with_untracked(|rows| {
            let row = going.place().at().and_then(|at| rows.get(at));
            row.filter(|row| takes(row)).map(key)
        });
        match (selection, here) {
            (Some(selection), Some(key)) => {
                selection.update(|chosen| chosen.toggle(&key));
                true
            }
            _ => false,
        }
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        if event.alt_key() || typing_in(&event) {
            return;
        }
        if heads.press(&event) {
            event.prevent_default();
            event.stop_propagation();
            return;
        }
        let page = (sight.height_px.get_untracked() / row_px) as isize - 1;
        let ctrl = event.ctrl_key() || event.meta_key();
        let by = match event.key().as_str() {
            "ArrowDown" => Some(1),
            "ArrowUp" => Some(-1),
            "PageDown" => Some(page.max(1)),
            "PageUp" => Some(-page.max(1)),
            "Home" => Some(isize::MIN),
            "End" => Some(isize::MAX),
            _ => None,
        };
        if let Some(by) = by {
            event.prevent_default();
            move_by(&event, by);
            return;
        }
        if ctrl {
            match (event.key().as_str(), selection) {
                ("a" | "A", Some(selection)) => choose(selection, &|chosen, rows| chosen.all(rows)),
                (" ", _) if toggle_at_cursor() => {}
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
            let here = going.place().at();
            let to = rows.with_untracked(|rows| {
                let what = sideways(here?, rows.len(), event.key() == "ArrowLeft", |at| branch(&rows[at]))?;
                Some((key(rows.get(here?)?), what))
            });
            match (to, on_fold) {
                (Some((_, Sideways::Go(at))), _) => going.move_to(at),
                (Some((key, what)), Some(on_fold)) => on_fold.run((key, what == Sideways::Fold)),
                (Some(_), None) | (None, _) => {}
            }
            return;
        }
        match (event.key().as_str(), cursor.get_untracked()) {
            // A button in the row keeps its own Enter.
            ("Enter", Some(key)) if on_itself(&event) => {
                event.prevent_default();
                open(key);
            }
            ("Enter", _) => {}
            _ if on_key.is_some_and(|on_key| on_key.run(event.clone())) => event.prevent_default(),
            _ => find_typed(&event),
        }
    };

    let least = move || {
        let px = columns
            .with(|columns| shaped.with(|shape| shape.least_px(columns.iter().map(|c| (c.id, c.track)))));
        format!("{px}px")
    };
    let tracks = move || {
        columns.with(|columns| shaped.with(|shape| shape.tracks(columns.iter().map(|c| (c.id, c.track)))))
    };
    let table_class = move || {
        let hidden = columns.with(|columns| shaped.with(|shape| shape.classes(columns.iter().map(|c| c.id))));
        format!("table{hidden}")
    };
    let point = move |is_on: bool| {
        if let Some(marks) = marks {
            marks.pointed_at.set(is_on);
        }
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
        let is_gone = {
            let key = key.clone();
            Memo::new(move |_| marks.is_some_and(|marks| marks.gone.with(|gone| gone.contains(&key))))
        };
        let class = {
            let row = row.clone();
            move || {
                let own = row_class.map(|class| row.with(class)).unwrap_or_default();
                let focused = if chosen.get() { " is-focused" } else { "" };
                let selected = if selected.get() { " is-selected" } else { "" };
                let stands = match (is_gone.get(), is_new.get()) {
                    (true, _) => " is-gone",
                    (false, true) => " is-new",
                    (false, false) => "",
                };
                format!("table-row{focused}{selected}{stands} {own}")
            }
        };
        // What a screen reader says of the marks before the row.
        let standing = move || {
            let words = match (is_gone.get(), is_new.get()) {
                (true, _) => t_string!(i18n, tables.gone_row),
                (false, true) => t_string!(i18n, tables.new_row),
                (false, false) => return None,
            };
            Some(view! { <span class="visually-hidden">{words}</span> })
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
        let pressed_at = at.clone();
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
                on:mousedown=move |event| press(event, &pressed, pressed_at.get_untracked())
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
                {standing}
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
            aria-activedescendant=move || match heads.at.get() {
                Some(column) => Some(heads.id_of(column)),
                None => going.drawn_at.get().map(|_| format!("{testid}-cursor")),
            }
            data-testid=(!testid.is_empty()).then_some(testid)
            style=("--tracks", tracks)
            style=("--row", format!("{row_px}px"))
            style=("--gutter", move || format!("{}px", sight.gutter_px.get()))
            style=("--least", least)
            on:keydown=keys
            on:blur=move |_| heads.leave()
        >
            <div
                class="table-head"
                role="row"
                aria-rowindex="1"
                style:transform=move || {
                    Some(sight.left_px.get()).filter(|px| *px != 0).map(|px| format!("translateX({}px)", -px))
                }
            >
                {move || {
                    columns
                        .get()
                        .into_iter()
                        .map(|column| view! { <Head column heads /> })
                        .collect_view()
                }}
            </div>
            <div
                class="table-body"
                role="rowgroup"
                node_ref=body
                on:pointerenter=move |_| point(true)
                on:pointerleave=move |_| point(false)
                on:scroll=move |_| {
                    if let Some(body) = body.get_untracked() {
                        sight.scrolled(&body);
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

/// The rows as a selection looks at them.
type Choosing<'a> = Rows<&'a dyn Fn(usize) -> String, &'a dyn Fn(usize) -> bool>;
