//! hosts and settings.

use protocol::ipc::{AppStart, KeySetUp, SettingsSave};

use crate::manners::Manners;
use crate::shell::Opened;
use crate::typed::TypedTexts;

/// What the window shows first. Where the data could not be opened, whoever tries again has it opened again.
#[tauri::command]
pub(crate) async fn app_start(
    args: AppStart,
    typed: tauri::State<'_, TypedTexts>,
    opened: tauri::State<'_, Opened>,
) -> super::Answer {
    // A page that begins has no field of the one before.
    typed.forget_all();
    super::answer::<AppStart>(&opened.begin().await?.call(args).await?)
}

/// Keeps the settings, by which the tray and the notices go too.
#[tauri::command]
pub(crate) async fn settings_save(
    args: SettingsSave,
    opened: tauri::State<'_, Opened>,
    manners: tauri::State<'_, Manners>,
) -> super::Answer {
    let settings = super::engine(&opened).await?.call(args).await?;
    manners.settings_changed(settings.clone());
    super::answer::<SettingsSave>(&settings)
}

/// Acts on a host, with the passphrase that was typed for it.
#[tauri::command]
pub(crate) async fn key_set_up(
    args: KeySetUp,
    typed: tauri::State<'_, TypedTexts>,
    opened: tauri::State<'_, Opened>,
    manners: tauri::State<'_, Manners>,
) -> super::Answer {
    let engine = super::engine(&opened).await?;
    let came = typed.with_texts(args, async |args| engine.call(args).await).await;
    manners.ended(&engine, &came).await;
    super::answer::<KeySetUp>(&came?)
}

super::pass! {
    view_keep: ViewKeep;
    hosts_list: HostsList;
    hosts_edit: HostsEdit;
    host_remove: HostRemove;
    hosts_import: HostsImport;
    hosts_export: HostsExport;
    host_ssh: HostSsh;
    terminal_open: TerminalOpen;
    key_paste: KeyPaste;
    host_connect: HostConnect;
    host_disconnect: HostDisconnect;
    host_check: HostCheck;
    questions_list: QuestionsList;
}

super::pass_with_secrets! {
    host_save: HostSave;
    question_answer: QuestionAnswer;
}
