//! A field for a secret: its text is in the field alone, is read once, and is gone in that moment.

use leptos::prelude::*;

/// A field whose text nothing but itself holds.
#[component]
pub(crate) fn SecretInput(
    id: &'static str,
    testid: &'static str,
    node_ref: NodeRef<leptos::html::Input>,
    #[prop(optional, into)] invalid: Signal<bool>,
    #[prop(optional, into)] on_input: Option<Callback<()>>,
) -> impl IntoView {
    view! {
        <input
            node_ref=node_ref
            id=id
            class="input"
            class:is-invalid=move || invalid.get()
            type="password"
            data-testid=testid
            autocomplete="off"
            spellcheck="false"
            aria-invalid=move || invalid.get().then_some("true")
            on:input=move |_| {
                if let Some(on_input) = on_input {
                    on_input.run(());
                }
            }
        />
    }
}

/// Takes the text out of its field and empties the field; `None` if there was none.
pub(crate) fn take_secret(field: NodeRef<leptos::html::Input>) -> Option<String> {
    let field = field.get_untracked()?;
    let value = field.value();
    field.set_value("");
    (!value.is_empty()).then_some(value)
}
