//! The commands of `protocol::ipc`, each carried out by the parts of the engine it needs.

mod act;
mod credentials;
mod edit;
mod files;
mod helper;
mod hosts;
mod keys;
mod look;
mod notes;
mod operations;
mod processes;
mod search;
mod store;
mod trust;
mod views;

use std::future::Future;

use protocol::ipc::{self, Command};
use protocol::{Fault, FaultCode};
use serde_json::Value;

use crate::engine::Engine;

pub(crate) use views::Views;

/// A command that the engine carries out.
pub trait Handle: Command + Send {
    /// True for what may be asked while the program is locked: it reads and does nothing else.
    const WHILE_LOCKED: bool = false;

    fn handle(self, engine: &Engine) -> impl Future<Output = Result<Self::Reply, Fault>> + Send;
}

/// Carries out a command that came as text from another program of this user.
macro_rules! dispatch {
    ($($command:ident),* $(,)?) => {
        pub(crate) async fn dispatch(engine: &Engine, name: &str, args: Value) -> Result<Value, Fault> {
            match name {
                $(ipc::$command::NAME => {
                    let command: ipc::$command = serde_json::from_value(args).map_err(|why| misread(name, &why))?;
                    serde_json::to_value(engine.call(command).await?).map_err(|why| misread(name, &why))
                })*
                _ => Err(Fault::new(FaultCode::NotInThisVersion, format!("the command '{name}' is not in this version"))),
            }
        }

        #[cfg(test)]
        const DISPATCHED: &[&str] = &[$(ipc::$command::NAME),*];
    };
}

dispatch! {
    AppStart, SettingsSave, ViewKeep, HostsList, HostSave, HostsEdit, HostRemove, HostsImport, HostsExport, HostSsh, TerminalOpen, KeySetUp, KeyPaste, HostConnect, HostDisconnect, HostCheck, QuestionsList, QuestionAnswer, TrustShow, TrustAccept, TrustList, TrustForget, TrustForgetKey, TrustExport, TrustMarks, TrustMachine, SecretsState, VaultCreate, VaultUnlock, VaultChange, VaultRemove, AppLock, AppUnlock, AppSeen, LockSet, SnapshotShow, MetricsRecent, SystemRead, MetricsRead, SocketsQuery, ServicesQuery, ProcessesQuery, SocketsWatch, ServicesWatch, ProcessesWatch, BlameShow, SignalSend, ServiceImpactShow, ServiceAct, CommandRun, SearchFind, OperationsList, OperationShow, OperationsRead, OperationsUnread, OperationsCounts, OperationComment, OperationsVerify, OperationsExport, OperationsExportCancel, OperationsRetain, OperationsForward, NotesList, NoteShow, NoteSave, JournalShow, HelperStatusShow, HelperRemove, StoreShow, StoreCheck, StoreBackup,
}

fn misread(name: &str, why: &serde_json::Error) -> Fault {
    // The reason may repeat what was given, and that may be a secret on its way to the keyring.
    let why =
        if ipc::WITH_SECRETS.contains(&name) { "its fields are others".into() } else { why.to_string() };
    Fault::bad_input("call", format!("the command '{name}' was not understood: {why}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_secret_that_was_not_understood_is_not_repeated() {
        use protocol::ipc::{Command, HostSave};
        let args = serde_json::json!({ "id": null, "draft": {}, "secrets": ["pl4nted"] });
        let why = serde_json::from_value::<HostSave>(args).err().unwrap();
        assert!(why.to_string().contains("pl4nted"), "this is why it is left out");
        assert!(!super::misread(HostSave::NAME, &why).message.contains("pl4nted"));
    }

    #[test]
    fn every_command_can_come_through_the_door() {
        assert_eq!(super::DISPATCHED, protocol::ipc::COMMANDS);
    }
}
