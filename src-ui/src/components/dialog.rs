//! Dialogs: they hold the focus, Esc closes them, and the focus goes back where it was.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{Button, ButtonKind, IconName, is_composed};
use crate::text::{t_string, use_i18n};

const FOCUSABLE: &str = "button:not([disabled]):not([tabindex='-1']), input:not([disabled]), \
     select:not([disabled]), textarea:not([disabled]), a[href], [tabindex='0']";

/// What lies over the page until `on_close`: it keeps the keyboard, and gives it back.
#[component]
pub(crate) fn Modal(
    /// Name for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    /// Beside `dialog`.
    #[prop(optional)]
    class: &'static str,
    #[prop(optional)] testid: &'static str,
    #[prop(into)] on_close: Callback<()>,
    /// While true it cannot be closed: something is under way whose end must be seen.
    #[prop(optional, into)]
    held: Signal<bool>,
    /// Keys beside Esc and Tab.
    #[prop(optional, into)]
    on_key: Option<Callback<leptos::ev::KeyboardEvent>>,
    children: Children,
) -> impl IntoView {
    let panel = NodeRef::<leptos::html::Div>::new();
    let before = document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    let before = StoredValue::new_local(before);

    Effect::new(move |_| {
        if let Some(panel) = panel.get() {
            let inside = focusable(&panel);
            let field = inside
                .iter()
                .find(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
                .or(inside.get(1))
                .or(inside.first());
            let active_inside =
                document().active_element().is_some_and(|active| panel.contains(Some(&active)));
            if let (Some(field), false) = (field, active_inside) {
                focus(field);
            }
        }
    });
    on_cleanup(move || {
        if let Some(Some(element)) = before.try_get_value() {
            focus(&element);
        }
    });

    let keys = move |event: leptos::ev::KeyboardEvent| {
        match event.key().as_str() {
            // What is being composed is given up by the input method, not by the dialog.
            _ if is_composed(&event) => {}
            "Escape" => {
                event.prevent_default();
                if !held.get_untracked() {
                    on_close.run(());
                }
            }
            "Tab" => {
                if let Some(panel) = panel.get_untracked() {
                    keep_inside(&panel, &event);
                }
            }
            _ => {
                if let Some(on_key) = on_key {
                    on_key.run(event.clone());
                }
            }
        }
        // Keys of the page below stay where they are.
        event.stop_propagation();
    };
    view! {
        <div class="scrim" on:mousedown=move |event| {
            if event.target() == event.current_target() {
                event.prevent_default();
            }
        }>
            <div
                node_ref=panel
                class=format!("dialog {class}")
                role="dialog"
                aria-modal="true"
                aria-label=move || label.get()
                data-testid=(!testid.is_empty()).then_some(testid)
                on:keydown=keys
            >
                {children()}
            </div>
        </div>
    }
}

/// A question or a form over the page. The first field in it takes the focus.
#[component]
pub(crate) fn Dialog(
    /// A question in the operator's words, or the name of a form.
    #[prop(into)]
    title: Signal<String>,
    /// Beside the title: tags.
    #[prop(optional, into)]
    beside: ViewFn,
    #[prop(into)] on_close: Callback<()>,
    /// While true it cannot be closed: something is under way whose end must be seen.
    #[prop(optional, into)]
    held: Signal<bool>,
    /// 688 px instead of 480.
    #[prop(optional)]
    wide: bool,
    #[prop(optional)] testid: &'static str,
    /// The buttons at the foot.
    #[prop(optional, into)]
    foot: Option<ViewFn>,
    children: Children,
) -> impl IntoView {
    let i18n = use_i18n();
    let body = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        if body.with(Option::is_some) {
            // What is in it has its height once it is laid out.
            request_animation_frame(move || reach_by_keys(body));
        }
    });
    view! {
        <Modal label=title class=if wide { "is-wide" } else { "" } testid on_close held>
            <header class="dialog-head">
                <h2 class="dialog-title">{move || title.get()}</h2>
                {move || beside.run()}
                <span class="grow"></span>
                <Button
                    kind=ButtonKind::Ghost
                    small=true
                    icon=IconName::Cross
                    label=Signal::derive(move || t_string!(i18n, app.close).to_string())
                    testid="dialog-close"
                    disabled=held
                    on_click=on_close
                />
            </header>
            <div class="dialog-body" node_ref=body>{children()}</div>
            {foot.map(|foot| view! { <footer class="dialog-foot">{move || foot.run()}</footer> })}
        </Modal>
    }
}

/// Text that is longer than its dialog is scrolled by keys, which only what has the keyboard hears.
fn reach_by_keys(body: NodeRef<leptos::html::Div>) {
    let Some(Some(body)) = body.try_get_untracked() else { return };
    if body.scroll_height() > body.client_height() && focusable(&body).is_empty() {
        // Where it cannot be set it is scrolled by the pointer, as any text.
        let _ = body.set_attribute("tabindex", "0");
    }
}

fn focusable(panel: &web_sys::Element) -> Vec<HtmlElement> {
    let Ok(list) = panel.query_selector_all(FOCUSABLE) else { return Vec::new() };
    (0..list.length())
        .filter_map(|at| list.get(at)?.dyn_into::<HtmlElement>().ok())
        .filter(|element| element.offset_width() > 0 || element.offset_height() > 0)
        .collect()
}

fn keep_inside(panel: &web_sys::Element, event: &leptos::ev::KeyboardEvent) {
    let inside = focusable(panel);
    let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return };
    let active = document().active_element();
    let at = |element: &HtmlElement| active.as_ref() == Some(element.as_ref());
    let target = if event.shift_key() && at(first) {
        last
    } else if !event.shift_key() && at(last) {
        first
    } else {
        return;
    };
    event.prevent_default();
    focus(target);
}

/// Gives an element the focus; one that is gone or hidden does not take it, and that is all.
pub(crate) fn focus(element: &HtmlElement) {
    let _ = element.focus();
}

/// Gives the focus to the n-th child of an element.
pub(crate) fn focus_child(parent: &web_sys::Element, at: usize) {
    let child = u32::try_from(at).ok().and_then(|at| parent.children().item(at));
    if let Some(Ok(child)) = child.map(|child| child.dyn_into::<HtmlElement>()) {
        focus(&child);
    }
}
