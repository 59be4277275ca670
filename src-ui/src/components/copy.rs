//! A button that copies text, and says that it did.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::{Button, ButtonKind, IconName};
use crate::text::{t_string, use_i18n};

/// Puts a text on the clipboard; `done` is called if the desktop took it.
pub(crate) fn copy_text(text: String, done: impl FnOnce() + 'static) {
    spawn_local(async move {
        let clipboard = window().navigator().clipboard();
        if JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
            done();
        }
    });
}

/// Copies what `text` gives when it is pressed.
#[component]
pub(crate) fn CopyButton(
    #[prop(into)] text: Signal<String>,
    /// Says what is copied, where `Copy` alone is not enough.
    #[prop(optional, into)]
    label: Option<Signal<String>>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    let done = RwSignal::new(false);
    let copy = move |()| {
        copy_text(text.get_untracked(), move || {
            done.try_set(true);
            let reset = move || {
                done.try_set(false);
            };
            set_timeout(reset, Duration::from_millis(1_500));
        });
    };
    let own = move || label.map_or_else(|| t_string!(i18n, app.copy).to_string(), |label| label.get());
    move || {
        let (icon, label) = if done.get() {
            (IconName::Check, t_string!(i18n, app.copied).to_string())
        } else {
            (IconName::Copy, own())
        };
        view! {
            <Button
                kind=ButtonKind::Ghost
                small=true
                icon
                label
                testid
                on_click=Callback::new(copy)
            />
        }
    }
}
