//! Dragging rows of the list into a group, by the pointer. The keyboard's way is the form for several
//! hosts.
//!
//! Pointer events and not the drag and drop of the web view, which the desktop takes for its own.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::HostsEdit;
use protocol::text::printable;
use wasm_bindgen::JsCast;

use super::moving::{plan, taken};
use super::table::Line;
use crate::components::selection::Selection;
use crate::ipc;
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

/// A hand trembles by less than this.
const BEGINS_PX: f64 = 6.0;
/// So near to the edge of the list it moves on.
const EDGE_PX: f64 = 28.0;

/// A drag that is under way.
#[derive(Clone, Debug, PartialEq)]
struct Drag {
    taken: Vec<(String, String)>,
    at: (f64, f64),
    /// The group under the pointer.
    to: Option<String>,
    and_stay: bool,
}

/// Where the pointer went down.
#[derive(Clone)]
struct Held {
    at: (f64, f64),
    line: Line,
    /// What was chosen before the press, which begins a selection anew.
    chosen: Selection,
}

/// The drag of the list, for whom it concerns.
#[derive(Clone, Copy)]
pub(super) struct Dragging {
    drag: RwSignal<Option<Drag>>,
    held: StoredValue<Option<Held>>,
    /// The press that ends a drag is no click.
    just_dropped: StoredValue<bool>,
}

impl Dragging {
    pub(super) fn provide() -> Self {
        let own = Self {
            drag: RwSignal::new(None),
            held: StoredValue::new(None),
            just_dropped: StoredValue::new(false),
        };
        provide_context(own);
        own
    }

    /// True while a drop would go to this group. Tracks it.
    pub(super) fn is_over(self, group: &str) -> bool {
        self.drag.with(|drag| drag.as_ref().is_some_and(|drag| drag.to.as_deref() == Some(group)))
    }

    pub(super) fn is_under_way(self) -> bool {
        self.drag.with(Option::is_some)
    }

    /// True if a click is the end of a drag.
    pub(super) fn was_drop(self) -> bool {
        self.just_dropped.get_value()
    }

    fn give_up(self) {
        self.held.set_value(None);
        if self.drag.with_untracked(Option::is_some) {
            self.just_dropped.set_value(true);
            self.drag.set(None);
        }
    }
}

/// The line that an element of the list belongs to.
fn line_of(element: &web_sys::Element) -> Option<Line> {
    let row = element.closest("[data-key]").ok()??;
    Line::of_key(&row.get_attribute("data-key")?)
}

fn group_of(line: Line) -> String {
    match line {
        Line::Group { name, .. } | Line::Host { group: name, .. } => name,
    }
}

/// The place around the list that follows the pointer; `children` is the list.
#[component]
pub(super) fn DropZone(
    dragging: Dragging,
    rows: Memo<Arc<Vec<Line>>>,
    selection: RwSignal<Selection>,
    cursor: RwSignal<Option<String>>,
    is_tree: Memo<bool>,
    pointed_at: RwSignal<bool>,
    children: Children,
) -> impl IntoView {
    let app = use_app();
    let zone = NodeRef::<leptos::html::Div>::new();
    let hold = move |event: leptos::ev::PointerEvent| {
        dragging.just_dropped.set_value(false);
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        // A finger scrolls, and a control in a row keeps its own press.
        let is_other = event.button() != 0 || event.pointer_type() == "touch" || !is_tree.get_untracked();
        let Some(target) = target.filter(|_| !is_other) else { return };
        if target.closest("button, input, a").ok().flatten().is_some() {
            return;
        }
        let Some(line) = line_of(&target).filter(Line::is_host) else { return };
        let at = (f64::from(event.client_x()), f64::from(event.client_y()));
        dragging.held.set_value(Some(Held { at, line, chosen: selection.get_untracked() }));
    };
    let follow = move |event: leptos::ev::PointerEvent| {
        let at = (f64::from(event.client_x()), f64::from(event.client_y()));
        if let Some(Held { at: from, line, chosen }) = dragging.held.get_value() {
            if (at.0 - from.0).hypot(at.1 - from.1) < BEGINS_PX {
                return;
            }
            dragging.held.set_value(None);
            let taken = rows.with_untracked(|rows| taken(rows, &line, |key| chosen.contains(key)));
            if taken.is_empty() {
                return;
            }
            selection.set(chosen);
            if let Some(zone) = zone.get_untracked() {
                // Without a hold on the pointer a drag that leaves the window never ends.
                let _ = zone.set_pointer_capture(event.pointer_id());
            }
            dragging.drag.set(Some(Drag { taken, at, to: None, and_stay: false }));
        }
        if !dragging.drag.with_untracked(Option::is_some) {
            return;
        }
        let under = document().element_from_point(at.0 as f32, at.1 as f32);
        let to = under.as_ref().and_then(line_of).map(group_of);
        let and_stay = event.ctrl_key();
        dragging.drag.update(|drag| {
            if let Some(drag) = drag {
                *drag = Drag { at, to, and_stay, taken: std::mem::take(&mut drag.taken) };
            }
        });
        if let Some(zone) = zone.get_untracked()
            && let Ok(Some(body)) = zone.query_selector(".table-body")
        {
            let edge = body.get_bounding_client_rect();
            let by = match at.1 {
                y if y < edge.top() + EDGE_PX => -1,
                y if y > edge.bottom() - EDGE_PX => 1,
                _ => 0,
            };
            body.set_scroll_top(body.scroll_top() + by * EDGE_PX as i32);
        }
    };
    let let_go = move |_| {
        let drag = dragging.drag.get_untracked();
        dragging.give_up();
        // The click that belongs to this press comes before any timer.
        let clicked = move || {
            dragging.just_dropped.try_set_value(false);
        };
        set_timeout(clicked, Duration::ZERO);
        let Some(Drag { taken, to: Some(to), and_stay, .. }) = drag else { return };
        let groups_of = |host: &str| {
            let row = untrack(|| app.row(host));
            row.map(|row| row.read_untracked().host.groups.clone()).unwrap_or_default()
        };
        let Some((hosts, change)) = plan(&taken, groups_of, &to, and_stay) else { return };
        spawn_local(async move {
            let first = hosts.first().cloned();
            match ipc::call(HostsEdit { hosts, change }).await {
                Ok(changed) => {
                    app.refresh_hosts();
                    let count = changed.len() as u64;
                    app.tell(|i18n| t_string!(i18n, hosts.changed, count = count));
                    // Their lines are others now.
                    selection.try_update(Selection::clear);
                    cursor.try_set(first.map(|name| Line::Host { name, group: to }.key()));
                }
                Err(fault) => app.complain(fault),
            }
        });
    };
    let escape = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" && dragging.drag.with_untracked(Option::is_some) {
            event.prevent_default();
            dragging.give_up();
        }
    });
    on_cleanup(move || escape.remove());
    view! {
        <div
            class="hosts"
            class:is-dragging=move || dragging.is_under_way()
            node_ref=zone
            on:pointerenter=move |_| pointed_at.set(true)
            on:pointerleave=move |_| pointed_at.set(false)
            on:pointerdown=hold
            on:pointermove=follow
            on:pointerup=let_go
            on:pointercancel=move |_| dragging.give_up()
        >
            {children()}
            <Label dragging />
        </div>
    }
}

/// What a drop would do, beside the pointer.
#[component]
fn Label(dragging: Dragging) -> impl IntoView {
    let i18n = use_i18n();
    let words = move || {
        dragging.drag.with(|drag| {
            let Drag { taken, to, and_stay, .. } = drag.as_ref()?;
            let mut names: Vec<&str> = taken.iter().map(|(host, _)| host.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let what = match names.as_slice() {
                [one] => printable(one).into_owned(),
                several => t_string!(i18n, hosts.drag_hosts, count = several.len() as u64),
            };
            Some(match (to.as_deref(), and_stay) {
                (None, _) => t_string!(i18n, hosts.drag_nowhere, what = what),
                (Some(""), true) => t_string!(i18n, hosts.drag_nowhere, what = what),
                (Some(""), false) => t_string!(i18n, hosts.drag_out, what = what),
                (Some(group), false) => {
                    t_string!(i18n, hosts.drag_to, what = what, group = printable(group).into_owned())
                }
                (Some(group), true) => {
                    t_string!(i18n, hosts.drag_also, what = what, group = printable(group).into_owned())
                }
            })
        })
    };
    let place = move |pick: fn((f64, f64)) -> f64| {
        move || dragging.drag.with(|drag| drag.as_ref().map(|drag| format!("{}px", pick(drag.at) + 14.0)))
    };
    view! {
        <Show when=move || dragging.is_under_way()>
            <div
                class="drag-label"
                role="status"
                data-testid="hosts-drag"
                style:left=place(|at| at.0)
                style:top=place(|at| at.1)
            >
                {words}
            </div>
        </Show>
    }
}
