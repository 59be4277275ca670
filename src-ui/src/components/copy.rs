//! A button that copies text, and says that it did.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::{Button, ButtonKind, IconName};
use crate::text::{t_string, use_i18n};

/// Copies what `text` gives when it is pressed.
#[component]
pub(crate) fn CopyButton(
    #[prop(into)] text: Signal<String>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    let done = RwSignal::new(false);
    let copy = move |()| {
        spawn_local(async move {
            let text = text.get_untracked();
            let clipboard = window().navigator().clipboard();
            if JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
                done.try_set(true);
                set_timeout(move || drop(done.try_set(false)), Duration::from_millis(1_500));
            }
        });
    };
    move || {
        let (icon, label) = if done.get() {
            (IconName::Check, t_string!(i18n, app.copied))
        } else {
            (IconName::Copy, t_string!(i18n, app.copy))
        };
        view! {
            <Button
                kind=ButtonKind::Ghost
                small=true
                icon
                label=label.to_string()
                testid
                on_click=Callback::new(copy)
            />
        }
    }
}
