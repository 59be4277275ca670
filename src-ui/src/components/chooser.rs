//! The button that chooses the columns of a table.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::shape::Shape;
use super::{Button, ButtonKind, Checkbox, Column, IconName, focus_child};
use crate::text::{t_string, use_i18n};

#[component]
pub(crate) fn ColumnChooser(
    #[prop(into)] columns: Signal<Vec<Column>>,
    shape: RwSignal<Shape>,
    testid: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    let open = RwSignal::new(false);
    let holder = NodeRef::<leptos::html::Span>::new();
    let close = move || {
        open.set(false);
        if let Some(holder) = holder.get_untracked() {
            focus_child(&holder, 0);
        }
    };
    let on_leave = move |event: leptos::ev::FocusEvent| {
        let target = event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let inside = target
            .is_some_and(|target| holder.get_untracked().is_some_and(|own| own.contains(Some(&target))));
        if !inside {
            open.set(false);
        }
    };
    // The first column that has a head names the row: a table without it could not be read.
    let choices = move || {
        let named: Vec<Column> =
            columns.with(|columns| columns.iter().filter(|one| one.is_named()).cloned().collect());
        named
            .into_iter()
            .enumerate()
            .map(|(at, Column { id, title, .. })| {
                view! {
                    <Checkbox
                        label=title
                        testid=format!("column-{id}")
                        disabled=Signal::stored(at == 0)
                        on=Signal::derive(move || shape.with(|shape| !shape.is_hidden(id)))
                        on_change=Callback::new(move |_| shape.update(|shape| shape.toggle(id)))
                    />
                }
            })
            .collect_view()
    };
    view! {
        <span
            class="menu-holder"
            node_ref=holder
            on:focusout=on_leave
            on:keydown=move |event| {
                if event.key() == "Escape" && open.get_untracked() {
                    event.prevent_default();
                    event.stop_propagation();
                    close();
                }
            }
        >
            <Button
                kind=ButtonKind::Ghost
                small=true
                icon=IconName::Columns
                expanded=Signal::from(open)
                label=Signal::derive(move || t_string!(i18n, tables.columns).to_owned())
                testid
                on_click=Callback::new(move |()| open.update(|open| *open = !*open))
            />
            <Show when=move || open.get()>
                <div class="menu columns-menu" tabindex="-1" role="group" aria-label=move || t_string!(i18n, tables.columns)>
                    {choices}
                    <button
                        type="button"
                        class="menu-item"
                        data-testid="columns-reset"
                        disabled=move || shape.with(Shape::is_untouched)
                        on:click=move |_| shape.set(Shape::default())
                    >
                        {move || t_string!(i18n, tables.columns_reset)}
                    </button>
                </div>
            </Show>
        </span>
    }
}
