//! The field for a unit's full name, completed from the units of the host.

use std::sync::Arc;

use leptos::html::Input;
use leptos::prelude::*;
use protocol::services::Manager;
use protocol::text::printable;

use super::order::complete;
use crate::components::{Field, TextInput};
use crate::text::{t_string, use_i18n};

/// Lines of the list of choices.
const MOST: usize = 8;
const ID: &str = "service-unit";
const CHOICES: &str = "service-unit-choices";

fn choice_id(at: usize) -> String {
    format!("{CHOICES}-{at}")
}

#[component]
pub(crate) fn UnitField(
    value: RwSignal<String>,
    units: RwSignal<Arc<Vec<String>>>,
    disabled: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let input = NodeRef::<Input>::new();
    let is_open = RwSignal::new(false);
    let marked = RwSignal::new(0usize);
    let choices = Memo::new(move |_| {
        if !is_open.get() {
            return Vec::new();
        }
        units.with(|units| {
            value
                .with(|typed| complete(typed, units, MOST).into_iter().map(str::to_owned).collect::<Vec<_>>())
        })
    });
    let shown = Memo::new(move |_| choices.with(|choices| !choices.is_empty()));
    let error = move || {
        value.with(|unit| {
            let is_wrong = !unit.is_empty() && !is_open.get() && Manager::of(unit).is_none();
            is_wrong.then(|| {
                let stem = printable(unit).into_owned();
                let example =
                    if stem.contains('.') { "nginx.service".to_owned() } else { format!("{stem}.service") };
                t_string!(i18n, services.unit_bad, example = example)
            })
        })
    };
    let take = move |unit: String| {
        value.set(unit);
        is_open.set(false);
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let count = choices.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count == 0 => {
                event.prevent_default();
                marked.set(0);
                is_open.set(true);
            }
            "ArrowDown" => {
                event.prevent_default();
                marked.update(|marked| *marked = (*marked + 1) % count);
            }
            "ArrowUp" if count > 0 => {
                event.prevent_default();
                marked.update(|marked| *marked = (*marked + count - 1) % count);
            }
            "Enter" if count > 0 => {
                event.prevent_default();
                if let Some(unit) = choices.with_untracked(|all| all.get(marked.get_untracked()).cloned()) {
                    take(unit);
                }
            }
            // A name without its type is completed on leaving, if that is a unit of this host.
            "Tab" | "Enter" => {
                let full = value.with_untracked(|typed| format!("{typed}.service"));
                if units.with_untracked(|units| units.contains(&full)) {
                    value.set(full);
                }
                is_open.set(false);
            }
            "Escape" if count > 0 => {
                event.stop_propagation();
                is_open.set(false);
            }
            "Escape" => {}
            _ => {
                marked.set(0);
                is_open.set(true);
            }
        }
    };
    view! {
        <div
            class="unit-field"
            on:focusout=move |_| is_open.set(false)
            on:mousedown=move |event| {
                let is_input = event_target::<web_sys::Element>(&event).tag_name() == "INPUT";
                if is_input && !disabled.get_untracked() {
                    marked.set(0);
                    is_open.set(true);
                }
            }
        >
            <Field
                label=Signal::derive(move || t_string!(i18n, services.unit_full).to_owned())
                for_id=ID
                error=Signal::derive(error)
            >
                <TextInput
                    value
                    id=ID
                    testid=ID
                    mono=true
                    role="combobox"
                    controls=CHOICES
                    expanded=shown
                    active=Signal::derive(move || shown.get().then(|| choice_id(marked.get())))
                    placeholder=Signal::derive(move || t_string!(i18n, services.unit_hint).to_owned())
                    invalid=Signal::derive(move || error().is_some())
                    disabled
                    on_key=Callback::new(on_key)
                    node_ref=input
                />
            </Field>
            <Show when=move || shown.get()>
                <ul
                    class="choices"
                    role="listbox"
                    id=CHOICES
                    aria-label=move || t_string!(i18n, services.choices)
                    data-testid="service-unit-choices"
                >
                    {move || {
                        choices
                            .get()
                            .into_iter()
                            .enumerate()
                            .map(|(index, unit)| {
                                let own = unit.clone();
                                view! {
                                    <li
                                        role="option"
                                        id=choice_id(index)
                                        class="cut"
                                        class:is-marked=move || marked.get() == index
                                        aria-selected=move || if marked.get() == index { "true" } else { "false" }
                                        on:mousedown=move |event| {
                                            event.prevent_default();
                                            event.stop_propagation();
                                            take(own.clone());
                                        }
                                    >
                                        {printable(&unit).into_owned()}
                                    </li>
                                }
                            })
                            .collect_view()
                    }}
                </ul>
            </Show>
        </div>
    }
}
