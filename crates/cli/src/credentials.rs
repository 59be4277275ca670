//! credentials: where secrets are kept, and the encrypted file that keeps them.

use std::path::Path;

use engine::Desk;
use protocol::Fault;
use protocol::credentials::{KeyringState, SecretsMoved};
use protocol::ipc::{AppLock, AppUnlock, SecretsState, VaultChange, VaultCreate, VaultRemove, VaultUnlock};

use crate::args::VaultVerb;
use crate::output::Printer;
use crate::secrets::{new_passphrase, passphrase};

pub(crate) async fn act(
    desk: &Desk,
    verb: VaultVerb,
    file: Option<&Path>,
    printer: &Printer,
) -> Result<(), Fault> {
    match verb {
        VaultVerb::Status => show_state(&desk.call(SecretsState {}).await?, printer),
        VaultVerb::Create => {
            let passphrase = new_passphrase(file)?;
            let moved = desk.call(VaultCreate { passphrase: passphrase.into() }).await?;
            printer.show(&moved, |moved| {
                format!("secrets are kept in the encrypted file from now on{}\n", moved_words(moved))
            })
        }
        VaultVerb::Unlock => {
            desk.call(VaultUnlock {
                passphrase: passphrase("passphrase of the file of secrets", file)?.into(),
            })
            .await?;
            printer.say("the file of secrets is open")
        }
        VaultVerb::Passphrase => {
            let old = passphrase("passphrase of the file of secrets", file)?;
            desk.call(VaultChange { old: old.into(), new: new_passphrase(None)?.into() }).await?;
            printer.say("the file of secrets has a new passphrase; the old one opens it no more")
        }
        VaultVerb::Remove => {
            let moved = desk.call(VaultRemove {}).await?;
            printer.show(&moved, |moved| {
                format!("secrets are kept in the keyring from now on{}\n", moved_words(moved))
            })
        }
    }
}

/// A lock is one of a program that stays: this one ends with its command.
pub(crate) async fn lock(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    if let Desk::Own(_) = desk {
        return Err(Fault::bad_input("lock", "no app has the data open: there is nothing to lock"));
    }
    desk.call(AppLock {}).await?;
    printer.say("Muster is locked")
}

pub(crate) async fn unlock(desk: &Desk, file: Option<&Path>, printer: &Printer) -> Result<(), Fault> {
    if let Desk::App { .. } = desk {
        desk.call(AppUnlock { passphrase: passphrase("passphrase", file)?.into() }).await?;
    }
    printer.say("Muster is not locked")
}

pub(crate) fn show_state(state: &KeyringState, printer: &Printer) -> Result<(), Fault> {
    printer.show(state, state_words)
}

fn state_words(state: &KeyringState) -> String {
    match state {
        KeyringState::Ready => "secrets are kept in this computer's keyring\n".into(),
        KeyringState::Unavailable { cause } => format!("no secret can be kept: {cause}\n"),
        KeyringState::Vault { open: true } => {
            "secrets are kept in the encrypted file, which is open\n".into()
        }
        KeyringState::Vault { open: false } => {
            "secrets are kept in the encrypted file, which waits for its passphrase\n".into()
        }
    }
}

fn moved_words(moved: &SecretsMoved) -> String {
    let stays = moved.stays.as_ref().map(|why| format!("; what the keyring holds stays there: {why}"));
    format!(": {} moved{}", moved.moved, stays.unwrap_or_default())
}
