//! hosts and settings.

use protocol::ipc::AppStart;

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

super::pass! {
    settings_save: SettingsSave;
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
    key_set_up: KeySetUp;
    question_answer: QuestionAnswer;
}
