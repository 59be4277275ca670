//! The page of settings. A choice holds at once and is saved at once; there is nothing to confirm.

use leptos::prelude::*;
use protocol::credentials::KeyringState;
use protocol::settings::{Language, Theme};
use protocol::text::printable;

use super::desktop::DesktopSettings;
use crate::app::TopBar;
use crate::components::{Choice, Segmented};
use crate::format;
use crate::settings::data::DataSettings;
use crate::state::use_app;
use crate::text::{lang, t_string, use_i18n};

/// The intervals that can be chosen, in milliseconds.
const INTERVALS: [(u32, &str); 4] =
    [(1_000, "interval-1"), (2_000, "interval-2"), (5_000, "interval-5"), (10_000, "interval-10")];

#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    macro_rules! says {
        ($key:ident) => {
            Signal::derive(move || t_string!(i18n, settings.$key).to_string())
        };
    }
    let facts = move |pick: fn(&protocol::ipc::AppFacts) -> String| {
        app.facts.with(|facts| facts.value().map(pick)).unwrap_or_default()
    };
    let keyring = move || {
        app.facts.with(|facts| match facts.value().map(|facts| &facts.keyring) {
            Some(KeyringState::Unavailable { cause }) => {
                t_string!(i18n, settings.keyring_unavailable, cause = printable(cause).into_owned())
            }
            Some(KeyringState::Ready) => t_string!(i18n, settings.keyring_ready).to_string(),
            Some(KeyringState::Vault { open: true }) => t_string!(i18n, settings.vault_open).to_string(),
            Some(KeyringState::Vault { open: false }) => t_string!(i18n, settings.vault_locked).to_string(),
            None => String::new(),
        })
    };
    let intervals: Vec<Choice<u32>> = INTERVALS
        .into_iter()
        .map(|(interval_ms, testid)| {
            Choice::new(interval_ms, testid, move || {
                format::duration(u64::from(interval_ms / 1000), lang(i18n))
            })
        })
        .collect();
    view! {
        <TopBar />
        <main class="page is-padded settings" data-testid="page-settings" data-ready="true">
            <h1 class="settings-title">{move || t_string!(i18n, settings.title)}</h1>
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.language)}</span>
                <Segmented
                    label=says!(language)
                    value=Signal::derive(move || app.settings.read().language)
                    on_change=Callback::new(move |language| app.change_settings(|settings| settings.language = language))
                    choices=vec![
                        Choice::new(Language::System, "settings-language-system", move || {
                            t_string!(i18n, settings.system).to_string()
                        }),
                        // A language is named in itself, so that it is found by those who read it.
                        Choice::new(Language::English, "settings-language-en", || "English".to_owned()),
                        Choice::new(Language::Chinese, "settings-language-zh", || "简体中文".to_owned()),
                    ]
                />
            </div>
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.theme)}</span>
                <Segmented
                    label=says!(theme)
                    value=Signal::derive(move || app.settings.read().theme)
                    on_change=Callback::new(move |theme| app.change_settings(|settings| settings.theme = theme))
                    choices=vec![
                        Choice::new(Theme::System, "theme-system", move || t_string!(i18n, settings.system).to_string()),
                        Choice::new(Theme::Dark, "theme-dark", move || t_string!(i18n, settings.theme_dark).to_string()),
                        Choice::new(Theme::Light, "theme-light", move || t_string!(i18n, settings.theme_light).to_string()),
                    ]
                />
            </div>
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.interval)}</span>
                <Segmented
                    label=says!(interval)
                    value=Signal::derive(move || app.settings.read().interval_ms)
                    on_change=Callback::new(move |interval_ms| app.change_settings(|settings| settings.interval_ms = interval_ms))
                    choices=intervals
                />
                <p class="setting-hint">{move || t_string!(i18n, settings.interval_hint)}</p>
            </div>
            <DesktopSettings />
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.keyring)}</span>
                <p class="setting-text" data-testid="settings-keyring">{keyring}</p>
            </div>
            <DataSettings />
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.operator)}</span>
                <p class="setting-text">{move || facts(|facts| printable(&facts.operator).into_owned())}</p>
            </div>
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.version)}</span>
                <p class="setting-text mono selectable">{move || facts(|facts| facts.version.clone())}</p>
            </div>
        </main>
    }
}
