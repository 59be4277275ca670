//! Short notices at the lower right: what ended well and needs no dialog, and a fault that belongs to
//! no place on the page.
//!
//! They take no focus and close by themselves, but not while the pointer or the focus is on them.

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::components::A;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::shelf::{OnShelf, Shelf, Toast, ToastKind};
use super::{Button, ButtonKind, Glyph, GlyphName, IconName, focus};
use crate::state::{now_ms, use_app};
use crate::text::{t_string, use_i18n};

/// One notice.
#[component]
pub(crate) fn ToastCard(toast: Toast, on_close: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let Toast { kind, title, text, code, way } = toast;
    let (glyph, name) = match kind {
        ToastKind::Done => (GlyphName::Done, "done"),
        ToastKind::Alert => (GlyphName::Failed, "alert"),
    };
    view! {
        <div
            class="toast"
            // What ended well is told by the region around it, which was there before the words came.
            role=(kind == ToastKind::Alert).then_some("alert")
            data-testid="toast"
            data-kind=name
            data-code=code
        >
            <Glyph name=glyph />
            <div class="grow">
                <p class="strong toast-title">{title}</p>
                {(!text.is_empty()).then(|| view! { <p class="toast-text selectable">{text}</p> })}
                {way
                    .map(|(path, words)| {
                        view! {
                            <p class="toast-text" on:click=move |_| on_close.run(())>
                                <A href=path attr:class="link" attr:data-testid="toast-way">
                                    {words}
                                </A>
                            </p>
                        }
                    })}
            </div>
            <Button
                kind=ButtonKind::Ghost
                small=true
                icon=IconName::Cross
                label=Signal::derive(move || t_string!(i18n, app.close).to_string())
                testid="toast-close"
                on_click=on_close
            />
        </div>
    }
}

/// The corner; once in the window.
#[component]
pub(crate) fn Toasts() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let (is_pointed_at, has_focus) = (RwSignal::new(false), RwSignal::new(false));
    // Who had the keyboard before it came here, to give it back.
    let before = StoredValue::new_local(None::<HtmlElement>);
    let corner = NodeRef::<leptos::html::Div>::new();
    let is_held = Memo::new(move |_| is_pointed_at.get() || has_focus.get());
    Effect::new(move |_| {
        let is_held = is_held.get();
        app.toasts.update(|shelf| shelf.hold(is_held, now_ms()));
    });
    Effect::new(move |_| {
        let Some(end_ms) = app.toasts.with(Shelf::next_end_ms) else { return };
        let wait = Duration::from_millis(u64::try_from(end_ms - now_ms()).unwrap_or(0));
        let tire = move || app.toasts.update(|shelf| shelf.tire(now_ms()));
        if let Ok(timer) = set_timeout_with_handle(tire, wait) {
            on_cleanup(move || timer.clear());
        }
    });
    Effect::new(move |_| {
        // An element that goes while it is looked at tells nobody that it is left.
        if app.toasts.with(Shelf::is_empty) && is_held.get_untracked() {
            is_pointed_at.set(false);
            has_focus.set(false);
        }
    });
    let inside = move |target: Option<web_sys::EventTarget>| {
        let node = target.and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        node.is_some_and(|node| corner.get_untracked().is_some_and(|corner| corner.contains(Some(&node))))
    };
    let close = move |id: u64| {
        let held_focus = has_focus.get_untracked();
        app.dismiss(id);
        if !held_focus {
            return;
        }
        has_focus.set(false);
        if let Some(Some(element)) = before.try_update_value(Option::take) {
            focus(&element);
        }
    };
    view! {
        <div
            class="toasts"
            role="status"
            aria-atomic="false"
            aria-label=move || t_string!(i18n, app.notices)
            data-testid="toasts"
            node_ref=corner
            on:pointerenter=move |_| is_pointed_at.set(true)
            on:pointerleave=move |_| is_pointed_at.set(false)
            on:focusin=move |event| {
                if !inside(event.related_target()) {
                    let element = event.related_target().and_then(|target| target.dyn_into().ok());
                    before.set_value(element);
                }
                has_focus.set(true);
            }
            on:focusout=move |event| {
                if !inside(event.related_target()) {
                    has_focus.set(false);
                }
            }
            on:keydown=move |event| {
                if event.key() == "Escape"
                    && let Some(id) = event
                        .target()
                        .and_then(|target| target.dyn_into::<web_sys::Element>().ok()?.closest("[data-toast]").ok()?)
                        .and_then(|card| card.get_attribute("data-toast")?.parse().ok())
                {
                    event.prevent_default();
                    event.stop_propagation();
                    close(id);
                }
            }
        >
            <For
                each=move || app.toasts.with(|shelf| shelf.standing().to_vec())
                key=|one| one.id
                children=move |OnShelf { id, toast, .. }| {
                    view! {
                        <div data-toast=id.to_string()>
                            <ToastCard toast on_close=Callback::new(move |()| close(id)) />
                        </div>
                    }
                }
            />
        </div>
    }
}
