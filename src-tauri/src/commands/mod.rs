//! The window's commands: each unpacks, calls the engine and returns. Their names, arguments and
//! replies are those of `protocol::ipc`; none has a thought of its own.

mod credentials;
mod helper;
mod hosts;
mod journal;
mod look;
mod notes;
mod operations;
mod processes;
mod search;
mod services;
mod shell;
mod store;
mod trust;
mod watch;

use engine::Engine;
use protocol::ipc::Command;
use protocol::{Fault, FaultCode};
use tauri::ipc::{Invoke, Response};

use crate::shell::Opened;

pub(crate) use journal::Following;
pub(crate) use watch::Watching;

/// What the window gets for a command that the engine carries out: its reply as JSON, in bytes.
///
/// As a value it would become an object for each row in the web view, which the page then reads field by
/// field: for a large table that is most of what a refresh costs.
type Answer = Result<Response, Fault>;

fn answer<C: Command>(reply: &C::Reply) -> Answer {
    let bytes = serde_json::to_vec(reply).map_err(|why| {
        let message = format!("the answer to {} cannot be written", C::NAME);
        Fault::new(FaultCode::Internal, message).because(why.to_string())
    })?;
    Ok(Response::new(bytes))
}

async fn engine(opened: &Opened) -> Result<Engine, Fault> {
    opened.engine().await
}

/// Writes a command that passes its arguments on.
macro_rules! pass {
    ($($name:ident: $command:ident;)*) => { $(
        #[tauri::command]
        pub(crate) async fn $name(
            args: protocol::ipc::$command,
            opened: tauri::State<'_, $crate::shell::Opened>,
        ) -> $crate::commands::Answer {
            let reply = $crate::commands::engine(&opened).await?.call(args).await?;
            $crate::commands::answer::<protocol::ipc::$command>(&reply)
        }
    )* };
}
use pass;

/// Writes a command that acts on a host: its end is told on the desktop where nobody looks at the window.
macro_rules! act {
    ($($name:ident: $command:ident;)*) => { $(
        #[tauri::command]
        pub(crate) async fn $name(
            args: protocol::ipc::$command,
            opened: tauri::State<'_, $crate::shell::Opened>,
            manners: tauri::State<'_, $crate::manners::Manners>,
        ) -> $crate::commands::Answer {
            let engine = $crate::commands::engine(&opened).await?;
            let came = engine.call(args).await;
            manners.ended(&engine, &came).await;
            $crate::commands::answer::<protocol::ipc::$command>(&came?)
        }
    )* };
}
use act;

/// Writes a command that passes its arguments on, with the texts that were typed for it.
macro_rules! pass_with_secrets {
    ($($name:ident: $command:ident;)*) => { $(
        #[tauri::command]
        pub(crate) async fn $name(
            args: protocol::ipc::$command,
            typed: tauri::State<'_, $crate::typed::TypedTexts>,
            opened: tauri::State<'_, $crate::shell::Opened>,
        ) -> $crate::commands::Answer {
            let engine = $crate::commands::engine(&opened).await?;
            let reply = typed.with_texts(args, async |args| engine.call(args).await).await?;
            $crate::commands::answer::<protocol::ipc::$command>(&reply)
        }
    )* };
}
use pass_with_secrets;

/// All commands, for Tauri. A test compares the list with `protocol::ipc::COMMANDS`.
pub(crate) fn handler() -> impl Fn(Invoke<tauri::Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        hosts::app_start,
        hosts::settings_save,
        hosts::view_keep,
        hosts::hosts_list,
        hosts::host_save,
        hosts::hosts_edit,
        hosts::host_remove,
        hosts::hosts_import,
        hosts::hosts_export,
        hosts::host_ssh,
        hosts::terminal_open,
        hosts::key_set_up,
        hosts::key_paste,
        hosts::host_connect,
        hosts::host_disconnect,
        hosts::host_check,
        hosts::questions_list,
        hosts::question_answer,
        trust::trust_show,
        trust::trust_accept,
        trust::trust_list,
        trust::trust_forget,
        trust::trust_forget_key,
        trust::trust_export,
        trust::trust_marks,
        trust::trust_machine,
        credentials::secrets_state,
        credentials::vault_create,
        credentials::vault_unlock,
        credentials::vault_change,
        credentials::vault_remove,
        credentials::app_lock,
        credentials::app_unlock,
        credentials::app_seen,
        credentials::lock_set,
        look::snapshot_show,
        look::metrics_recent,
        look::system_read,
        look::metrics_read,
        look::sockets_query,
        look::services_query,
        processes::processes_query,
        look::sockets_watch,
        look::services_watch,
        processes::processes_watch,
        processes::blame_show,
        processes::signal_send,
        services::service_impact,
        services::service_act,
        services::command_run,
        search::search_find,
        operations::operations_list,
        operations::operation_show,
        operations::operations_read,
        operations::operations_unread,
        notes::notes_list,
        notes::note_show,
        notes::note_save,
        operations::operations_counts,
        operations::operation_comment,
        operations::operations_verify,
        operations::operations_export,
        operations::operations_export_cancel,
        operations::operations_retain,
        operations::operations_forward,
        journal::journal_query,
        helper::helper_status,
        helper::helper_remove,
        shell::app_quit,
        shell::autostart_show,
        shell::autostart_set,
        credentials::secret_edit,
        credentials::secret_paste,
        credentials::secret_forget,
        credentials::secret_repeated,
        store::store_show,
        store::store_check,
        store::store_backup,
        watch::watch,
        journal::journal_follow,
        journal::journal_unfollow,
    ]
}
