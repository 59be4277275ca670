//! The page of settings. A choice holds at once and is saved at once; there is nothing to confirm.

use leptos::prelude::*;
use leptos_router::components::A;
use protocol::ipc::AppFacts;
use protocol::settings::{Language, Theme};
use protocol::text::printable;

use super::desktop::DesktopSettings;
use super::log::LogSettings;
use crate::app::TopBar;
use crate::components::{Button, Choice, Segmented, TextInput};
use crate::credentials::{LockRow, SecretsRow};
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
    // Each choice reads them: through signals that go with the page (`state::readers`).
    let settings = Memo::new(move |_| app.settings.get());
    let facts = Memo::new(move |_| {
        let pick = |facts: &AppFacts| (printable(&facts.operator).into_owned(), facts.version.clone());
        app.facts.with(|facts| facts.value().map(pick)).unwrap_or_default()
    });
    let terminal =
        RwSignal::new(app.settings.with_untracked(|settings| settings.terminal.clone().unwrap_or_default()));
    let keep_terminal = move || {
        let name = terminal.get_untracked().trim().to_owned();
        app.change_settings(move |settings| settings.terminal = (!name.is_empty()).then(|| name.clone()));
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
                    value=Signal::derive(move || settings.with(|settings| settings.language))
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
                    value=Signal::derive(move || settings.with(|settings| settings.theme))
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
                    value=Signal::derive(move || settings.with(|settings| settings.interval_ms))
                    on_change=Callback::new(move |interval_ms| app.change_settings(|settings| settings.interval_ms = interval_ms))
                    choices=intervals
                />
                <p class="setting-hint">{move || t_string!(i18n, settings.interval_hint)}</p>
            </div>
            <DesktopSettings settings />
            <SecretsRow />
            <LockRow
                minutes=Signal::derive(move || settings.with(|settings| settings.lock_minutes))
                on_change=Callback::new(move |minutes| app.change_settings(|settings| settings.lock_minutes = minutes))
            />
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.trust)}</span>
                <p class="setting-text">
                    <A href="/trust" attr:class="link" attr:data-testid="settings-trust">
                        {move || t_string!(i18n, settings.trust_all)}
                    </A>
                </p>
            </div>
            <div class="setting">
                <label class="setting-name" for="terminal">{move || t_string!(i18n, settings.terminal)}</label>
                <TextInput
                    value=terminal
                    id="terminal"
                    testid="settings-terminal"
                    mono=true
                    placeholder=says!(terminal_found)
                    on_key=Callback::new(move |event: leptos::ev::KeyboardEvent| {
                        if event.key() == "Enter" {
                            keep_terminal();
                        }
                    })
                />
                <Button small=true testid="settings-terminal-save" on_click=Callback::new(move |()| keep_terminal())>
                    {move || t_string!(i18n, settings.terminal_save)}
                </Button>
            </div>
            <LogSettings />
            <DataSettings />
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.operator)}</span>
                <p class="setting-text">{move || facts.with(|(operator, _)| operator.clone())}</p>
            </div>
            <div class="setting">
                <span class="setting-name">{move || t_string!(i18n, settings.version)}</span>
                <p class="setting-text mono selectable">{move || facts.with(|(_, version)| version.clone())}</p>
            </div>
        </main>
    }
}
