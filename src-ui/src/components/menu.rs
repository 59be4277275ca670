//! A menu behind a button of three dots: what is needed seldom.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{Button, IconName, focus_child};

/// One entry of a menu.
#[derive(Clone)]
pub(crate) struct MenuItem {
    pub(crate) text: Signal<String>,
    pub(crate) testid: &'static str,
    pub(crate) act: Callback<()>,
}

impl MenuItem {
    pub(crate) fn new(
        testid: &'static str,
        text: impl Fn() -> String + Send + Sync + 'static,
        act: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { text: Signal::derive(text), testid, act: Callback::new(move |()| act()) }
    }
}

/// Opens on a press, closes on a choice, on Esc and when the focus leaves.
#[component]
pub(crate) fn Menu(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] items: Signal<Vec<MenuItem>>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let list = NodeRef::<leptos::html::Div>::new();
    let holder = NodeRef::<leptos::html::Span>::new();
    Effect::new(move |_| {
        if let Some(list) = list.get() {
            focus_child(&list, 0);
        }
    });
    let close = move || {
        open.set(false);
        if let Some(holder) = holder.get_untracked() {
            focus_child(&holder, 0);
        }
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        // While it is closed its button is one like others, but for the key that opens it.
        if !open.get_untracked() {
            if event.key() == "ArrowDown" {
                event.prevent_default();
                event.stop_propagation();
                open.set(true);
            }
            return;
        }
        let count = items.with_untracked(Vec::len);
        let by = match event.key().as_str() {
            "Escape" => {
                event.prevent_default();
                event.stop_propagation();
                close();
                return;
            }
            "ArrowDown" => 1,
            "ArrowUp" => count.saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        let (Some(list), Some(active)) = (list.get_untracked(), document().active_element()) else { return };
        let here = (0..count).find(|at| {
            u32::try_from(*at).ok().and_then(|at| list.children().item(at)).is_some_and(|one| one == active)
        });
        focus_child(&list, here.map_or(0, |here| (here + by) % count.max(1)));
    };
    let on_leave = move |event: leptos::ev::FocusEvent| {
        let inside =
            event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok()).is_some_and(
                |target| holder.get_untracked().is_some_and(|holder| holder.contains(Some(&target))),
            );
        if !inside {
            open.set(false);
        }
    };
    view! {
        <span class="menu-holder" node_ref=holder on:focusout=on_leave on:keydown=on_key>
            <Button
                icon=IconName::More
                label
                popup="menu"
                expanded=Signal::from(open)
                testid
                on_click=Callback::new(move |()| open.update(|open| *open = !*open))
            />
            <Show when=move || open.get()>
                <div class="menu" role="menu" node_ref=list aria-label=move || label.get()>
                    {move || {
                        items
                            .get()
                            .into_iter()
                            .map(|MenuItem { text, testid, act }| {
                                view! {
                                    <button
                                        type="button"
                                        class="menu-item"
                                        role="menuitem"
                                        data-testid=testid
                                        on:click=move |_| {
                                            close();
                                            act.run(());
                                        }
                                    >
                                        {move || text.get()}
                                    </button>
                                }
                            })
                            .collect_view()
                    }}
                </div>
            </Show>
        </span>
    }
}
