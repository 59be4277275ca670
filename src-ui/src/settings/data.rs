//! The part of the settings about the data on this computer: what it takes, whether it is sealed, and
//! its backups.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{StoreBackup, StoreShow};
use protocol::store::{BackupFacts, StoreFacts};
use protocol::text::printable;

use crate::components::load::Load;
use crate::components::{Button, Failed};
use crate::format;
use crate::ipc;
use crate::state::{use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

#[component]
pub(crate) fn DataSettings() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let facts = RwSignal::new(Load::Loading);
    let making = RwSignal::new(false);
    let read = move || {
        spawn_local(async move {
            facts.set(ipc::call(StoreShow {}).await.map_or_else(Load::Failed, Load::Ready));
        });
    };
    read();
    let back_up = Callback::new(move |()| {
        making.set(true);
        spawn_local(async move {
            match ipc::call(StoreBackup {}).await {
                Ok(_) => read(),
                Err(fault) => app.complain(fault),
            }
            making.set(false);
        });
    });
    let of = move |pick: fn(I18n, &StoreFacts) -> String| {
        facts.with(|facts| facts.value().map(|facts| pick(i18n, facts))).unwrap_or_default()
    };
    let failed = move || match facts.get() {
        Load::Failed(fault) => Some(view! { <Failed fault /> }),
        Load::Loading | Load::Ready(_) => None,
    };
    let cannot = Signal::derive(move || {
        facts.with(|facts| facts.value().is_none_or(|facts| facts.read_only.is_some()))
    });
    view! {
        <div class="setting" data-testid="settings-data">
            <span class="setting-name">{move || t_string!(i18n, settings.data)}</span>
            <div class="setting-text setting-lines">
                <p class="selectable mono">{move || of(|_, facts| printable(&facts.dir).into_owned())}</p>
                <p>{move || of(size_words)}</p>
                <p data-testid="settings-sealed">{move || of(seal_words)}</p>
                <p>{move || of(read_only_words)}</p>
                {failed}
            </div>
        </div>
        <div class="setting" data-testid="settings-backups">
            <span class="setting-name">{move || t_string!(i18n, settings.backups)}</span>
            <div class="setting-text setting-lines">
                <p data-testid="settings-backup-last">{move || of(backup_words)}</p>
                <div>
                    <Button small=true busy=making disabled=cannot testid="settings-backup-now" on_click=back_up>
                        {move || t_string!(i18n, settings.backup_now)}
                    </Button>
                </div>
            </div>
        </div>
    }
}

fn size_words(i18n: I18n, facts: &StoreFacts) -> String {
    let (size, live) = (format::bytes(facts.size_bytes), format::bytes(facts.live_bytes));
    t_string!(i18n, settings.data_size, size = size, live = live, values = format::count(facts.values))
}

fn seal_words(i18n: I18n, facts: &StoreFacts) -> String {
    match (&facts.sealed_by, &facts.not_sealed) {
        (Some(id), _) => t_string!(i18n, settings.data_sealed, id = printable(id).into_owned()),
        (None, Some(cause)) => t_string!(i18n, settings.data_clear, cause = printable(cause).into_owned()),
        (None, None) => t_string!(i18n, settings.data_clear_plain).to_string(),
    }
}

fn read_only_words(i18n: I18n, facts: &StoreFacts) -> String {
    facts.read_only.as_ref().map_or_else(String::new, |cause| {
        t_string!(i18n, settings.data_read_only, cause = printable(cause).into_owned())
    })
}

fn backup_words(i18n: I18n, facts: &StoreFacts) -> String {
    let Some(BackupFacts { file, made_ms, bytes, .. }) = facts.backups.first() else {
        return t_string!(i18n, settings.backups_none).to_string();
    };
    let when = format::date_time(*made_ms, zone_min(*made_ms), lang(i18n));
    let folder = file.rsplit_once('/').map_or(file.as_str(), |(folder, _)| folder);
    let folder = printable(folder).into_owned();
    t_string!(i18n, settings.backups_last, when = when, size = format::bytes(*bytes), folder = folder)
}
