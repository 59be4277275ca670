//! Fields of a form: a label, an input, and what is wrong with it right below.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{Glyph, GlyphName, Icon, IconName};

/// A labelled place for an input; `for_id` is the id of the input in it.
#[component]
pub(crate) fn Field(
    #[prop(into)] label: Signal<String>,
    for_id: &'static str,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] hint: Signal<Option<String>>,
    #[prop(optional)] class: &'static str,
    children: Children,
) -> impl IntoView {
    let foot = move || {
        match (error.get(), hint.get()) {
        (Some(error), _) => Some(
            view! {
                <p class="field-error" id=format!("{for_id}-error") data-testid=format!("error-{for_id}") role="alert">
                    <Glyph name=GlyphName::Critical size=10 />
                    <span>{error}</span>
                </p>
            }
            .into_any(),
        ),
        (None, Some(hint)) => Some(view! { <p class="field-hint">{hint}</p> }.into_any()),
        (None, None) => None,
    }
    };
    view! {
        <div class=format!("field {class}")>
            <label class="field-label" for=for_id>
                {move || label.get()}
            </label>
            {children()}
            {foot}
        </div>
    }
}

/// A line of text. `kind` is the type of the input: `text`, `password`, `search`, `number`.
#[component]
pub(crate) fn TextInput(
    value: RwSignal<String>,
    #[prop(optional)] id: &'static str,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] placeholder: Signal<String>,
    /// Name for a screen reader, where no `Field` gives one.
    #[prop(optional, into)]
    label: Option<Signal<String>>,
    #[prop(optional)] testid: &'static str,
    /// Monospace, for addresses, paths and commands.
    #[prop(optional)]
    mono: bool,
    #[prop(optional, into)] invalid: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// Takes the focus when it appears.
    #[prop(optional)]
    first: bool,
    /// Id of a `<datalist>` of suggestions.
    #[prop(optional)]
    list: &'static str,
    /// Of a field that chooses from a list below it: `combobox`, the id of the list, and the id of the
    /// chosen line.
    #[prop(optional)]
    role: &'static str,
    #[prop(optional)] controls: &'static str,
    #[prop(optional, into)] active: Signal<Option<String>>,
    #[prop(optional, into)] on_key: Option<Callback<leptos::ev::KeyboardEvent>>,
    #[prop(optional)] node_ref: NodeRef<leptos::html::Input>,
) -> impl IntoView {
    let input = node_ref;
    if first {
        Effect::new(move |_| {
            if let Some(input) = input.get() {
                // Not focusable only while hidden; then nobody waits for it.
                let _ = input.focus();
            }
        });
    }
    let some = |text: &'static str| (!text.is_empty()).then_some(text);
    view! {
        <input
            node_ref=input
            id=some(id)
            class=if mono { "input mono" } else { "input" }
            class:is-invalid=move || invalid.get()
            type=kind
            data-testid=some(testid)
            list=some(list)
            placeholder=move || placeholder.get()
            aria-label=move || label.map(|label| label.get())
            aria-invalid=move || invalid.get().then_some("true")
            aria-describedby=move || (invalid.get() && !id.is_empty()).then(|| format!("{id}-error"))
            disabled=move || disabled.get()
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            role=some(role)
            aria-controls=some(controls)
            aria-expanded=some(controls).map(|_| "true")
            aria-autocomplete=some(controls).map(|_| "list")
            aria-activedescendant=move || active.get()
            prop:value=move || value.get()
            on:input=move |event| {
                // Half a word that an input method still composes is no word to search for.
                let composing =
                    event.dyn_ref::<web_sys::InputEvent>().is_some_and(web_sys::InputEvent::is_composing);
                if !composing {
                    value.set(event_target_value(&event));
                }
            }
            on:compositionend=move |event| value.set(event_target_value(&event))
            on:keydown=move |event| {
                if let Some(on_key) = on_key {
                    on_key.run(event);
                }
            }
        />
    }
}

/// A field that searches or filters as you type; Esc clears it.
#[component]
pub(crate) fn SearchInput(
    value: RwSignal<String>,
    #[prop(optional)] id: &'static str,
    #[prop(into)] placeholder: Signal<String>,
    #[prop(optional)] testid: &'static str,
    /// Right in the field: a count, a key cap.
    #[prop(optional, into)]
    aside: ViewFn,
    #[prop(optional, into)] on_enter: Option<Callback<()>>,
    #[prop(optional)] node_ref: NodeRef<leptos::html::Input>,
) -> impl IntoView {
    let on_key = move |event: leptos::ev::KeyboardEvent| match event.key().as_str() {
        "Escape" if !value.with_untracked(String::is_empty) => {
            event.stop_propagation();
            value.set(String::new());
        }
        "Escape" => {
            if let Some(input) = node_ref.get_untracked() {
                // Leaving the field gives the keys back to the page.
                let _ = input.blur();
            }
        }
        "Enter" if !event.is_composing() => {
            if let Some(on_enter) = on_enter {
                on_enter.run(());
            }
        }
        _ => {}
    };
    view! {
        <div class="search">
            <Icon name=IconName::Search />
            <TextInput
                value
                id
                kind="search"
                placeholder
                label=placeholder
                testid
                node_ref
                on_key=Callback::new(on_key)
            />
            <span class="search-aside">{move || aside.run()}</span>
        </div>
    }
}

/// A choice from a list that may be long.
#[component]
pub(crate) fn SelectInput(
    value: RwSignal<String>,
    /// Values with their texts.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    #[prop(optional)] id: &'static str,
    #[prop(optional, into)] label: Option<Signal<String>>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    view! {
        <span class="select">
            <select
                id=(!id.is_empty()).then_some(id)
                data-testid=(!testid.is_empty()).then_some(testid)
                aria-label=move || label.map(|label| label.get())
                prop:value=move || value.get()
                on:change=move |event| value.set(event_target_value(&event))
            >
                {move || {
                    options
                        .get()
                        .into_iter()
                        .map(|(own, text)| {
                            let selected = own == value.get_untracked();
                            view! { <option value=own selected=selected>{text}</option> }
                        })
                        .collect_view()
                }}
            </select>
            <Icon name=IconName::Down />
        </span>
    }
}
