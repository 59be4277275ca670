//! What the window hands to somebody else: the lock, the person's terminal, the clipboard.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::FaultCode;
use protocol::ipc::{AppLock, HostSsh, TerminalOpen};
use protocol::link::LinkState;

use super::App;
use crate::components::copy_text;
use crate::ipc;
use crate::text::t_string;

impl App {
    /// Locks the program, or says what is missing for that.
    pub(crate) fn lock(self) {
        spawn_local(async move {
            if let Err(fault) = ipc::call(AppLock {}).await {
                self.complain(fault);
            }
        });
    }

    /// Secrets can be had again: hosts that waited for theirs are tried anew.
    pub(crate) fn secrets_opened(self) {
        for row in self.rows() {
            let row = row.get_untracked();
            if let LinkState::Failed { fault, .. } = &row.link
                && fault.code == FaultCode::VaultLocked
            {
                self.connect(&row.host.name);
            }
        }
    }

    /// Opens the person's own terminal with ssh to the host in it.
    pub(crate) fn open_terminal(self, host: &str) {
        let host = host.to_owned();
        spawn_local(async move {
            if let Err(fault) = ipc::call(TerminalOpen { host }).await {
                self.complain(fault);
            }
        });
    }

    /// Puts the command of ssh for the host on the clipboard.
    pub(crate) fn copy_ssh(self, host: &str) {
        let host = host.to_owned();
        spawn_local(async move {
            match ipc::call(HostSsh { host }).await {
                Ok(command) => {
                    copy_text(self, command.line, |i18n| t_string!(i18n, app.copied_ssh).to_owned());
                }
                Err(fault) => self.complain(fault),
            }
        });
    }
}
