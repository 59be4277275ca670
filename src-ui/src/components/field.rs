//! Fields of a form: a label, an input, and what is wrong with it right below.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{Glyph, GlyphName, Icon, IconName};

/// What an input method gets of its own keys.
const OF_INPUT_METHOD: u32 = 229;

/// True if the key belongs to an input method that composes a word: its Enter takes the word and its Esc
/// gives the word up, and neither means anything to the page. Some methods tell it by the code alone.
pub(crate) fn is_composed(event: &leptos::ev::KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == OF_INPUT_METHOD
}

/// Half a word that an input method still composes is no text yet.
fn is_whole(event: &web_sys::Event) -> bool {
    !event.dyn_ref::<web_sys::InputEvent>().is_some_and(web_sys::InputEvent::is_composing)
}

/// Below a field: what is wrong with it, else what is to be known of it.
fn foot(id: &str, error: Signal<Option<String>>, hint: Signal<Option<String>>) -> impl IntoView + use<> {
    let id = id.to_owned();
    move || {
        match (error.get(), hint.get()) {
        (Some(error), _) => Some(
            view! {
                <p class="field-error" id=format!("{id}-error") data-testid=format!("error-{id}") role="alert">
                    <Glyph name=GlyphName::Critical size=10 />
                    <span>{error}</span>
                </p>
            }
            .into_any(),
        ),
        (None, Some(hint)) => {
            Some(view! { <p class="field-hint" id=format!("{id}-hint")>{hint}</p> }.into_any())
        }
        (None, None) => None,
    }
    }
}

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
    view! {
        <div class=format!("field {class}")>
            <label class="field-label" for=for_id>
                {move || label.get()}
            </label>
            {children()}
            {foot(for_id, error, hint)}
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
    /// Of a field that chooses from a list below it: `combobox`, the id of the list, whether that is
    /// shown, and the id of the chosen line.
    #[prop(optional)]
    role: &'static str,
    #[prop(optional)] controls: &'static str,
    #[prop(default = Signal::stored(true), into)] expanded: Signal<bool>,
    #[prop(optional, into)] active: Signal<Option<String>>,
    /// Gets no key of an input method.
    #[prop(optional, into)]
    on_key: Option<Callback<leptos::ev::KeyboardEvent>>,
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
            aria-expanded=move || some(controls).map(|_| if expanded.get() { "true" } else { "false" })
            aria-autocomplete=some(controls).map(|_| "list")
            aria-activedescendant=move || active.get()
            prop:value=move || value.get()
            on:input=move |event| {
                if is_whole(&event) {
                    value.set(event_target_value(&event));
                }
            }
            on:compositionend=move |event| value.set(event_target_value(&event))
            on:keydown=move |event| {
                if let Some(on_key) = on_key.filter(|_| !is_composed(&event)) {
                    on_key.run(event);
                }
            }
        />
    }
}

/// Several lines of text.
#[component]
pub(crate) fn TextArea(
    value: RwSignal<String>,
    #[prop(optional)] id: &'static str,
    /// Name for a screen reader, where no `Field` gives one.
    #[prop(optional, into)]
    label: Option<Signal<String>>,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] testid: &'static str,
    #[prop(optional)] mono: bool,
    #[prop(optional, into)] invalid: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    let some = |text: &'static str| (!text.is_empty()).then_some(text);
    view! {
        <textarea
            id=some(id)
            class=format!("input {class}")
            class:mono=mono
            class:is-invalid=move || invalid.get()
            data-testid=some(testid)
            aria-label=move || label.map(|label| label.get())
            aria-invalid=move || invalid.get().then_some("true")
            aria-describedby=move || (invalid.get() && !id.is_empty()).then(|| format!("{id}-error"))
            disabled=move || disabled.get()
            spellcheck="false"
            prop:value=move || value.get()
            on:input=move |event| {
                if is_whole(&event) {
                    value.set(event_target_value(&event));
                }
            }
            on:compositionend=move |event| value.set(event_target_value(&event))
        ></textarea>
    }
}

/// What is so or not: a box, with its words beside it.
#[component]
pub(crate) fn Checkbox(
    #[prop(into)] on: Signal<bool>,
    #[prop(into)] on_change: Callback<bool>,
    #[prop(into)] label: Signal<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] hint: Signal<Option<String>>,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// Beside `check`.
    #[prop(optional)]
    class: &'static str,
    #[prop(into)] testid: String,
) -> impl IntoView {
    let below = foot(&testid, error, hint);
    let described_by = {
        let id = testid.clone();
        move || match (error.with(Option::is_some), hint.with(Option::is_some)) {
            (true, _) => Some(format!("{id}-error")),
            (false, true) => Some(format!("{id}-hint")),
            (false, false) => None,
        }
    };
    view! {
        <div class=format!("check {class}")>
            <label class="check-line">
                <input
                    type="checkbox"
                    data-testid=testid
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby=described_by
                    disabled=move || disabled.get()
                    prop:checked=move || on.get()
                    on:change=move |event| on_change.run(event_target_checked(&event))
                />
                <span>{move || label.get()}</span>
            </label>
            {below}
        </div>
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
    /// It filters the list of the page: `/` leads to it.
    #[prop(optional)]
    filter: bool,
    #[prop(optional, into)] on_enter: Option<Callback<()>>,
    /// The key down, which leads into the list.
    #[prop(optional, into)]
    on_down: Option<Callback<()>>,
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
        "Enter" => {
            if let Some(on_enter) = on_enter {
                on_enter.run(());
            }
        }
        "ArrowDown" => {
            if let Some(on_down) = on_down {
                event.prevent_default();
                on_down.run(());
            }
        }
        _ => {}
    };
    view! {
        <div class="search" data-filter=filter.then_some("")>
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
