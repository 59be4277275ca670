//! Copying text: the clipboard has it, and the corner of the window says so.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::{Button, ButtonKind, IconName};
use crate::state::{App, use_app};
use crate::text::{I18n, t_string, use_i18n};

/// Puts a text on the clipboard, and tells that it is there; `words` say what was copied.
pub(crate) fn copy_text(app: App, text: String, words: impl FnOnce(I18n) -> String + 'static) {
    spawn_local(async move {
        let clipboard = window().navigator().clipboard();
        match JsFuture::from(clipboard.write_text(&text)).await {
            Ok(_) => app.tell(words),
            Err(_) => app.warn(|i18n| t_string!(i18n, app.not_copied).to_owned()),
        }
    });
}

/// `12 rows copied`.
pub(crate) fn rows_copied(count: usize) -> impl FnOnce(I18n) -> String + 'static {
    move |i18n| t_string!(i18n, tables.rows_copied, count = count as u64)
}

/// Copies what `text` gives when it is pressed.
#[component]
pub(crate) fn CopyButton(
    #[prop(into)] text: Signal<String>,
    /// Says what is copied, where `Copy` alone is not enough.
    #[prop(optional, into)]
    label: Option<Signal<String>>,
    /// How many rows are copied, where it is rows.
    #[prop(optional, into)]
    rows: Option<Signal<usize>>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let copy = move |()| {
        let text = text.get_untracked();
        match rows.map(|rows| rows.get_untracked()) {
            Some(rows) => copy_text(app, text, rows_copied(rows)),
            None => copy_text(app, text, |i18n| t_string!(i18n, app.copied).to_owned()),
        }
    };
    view! {
        <Button
            kind=ButtonKind::Ghost
            small=true
            icon=IconName::Copy
            label=Signal::derive(move || {
                label.map_or_else(|| t_string!(i18n, app.copy).to_string(), |label| label.get())
            })
            testid
            on_click=Callback::new(copy)
        />
    }
}
