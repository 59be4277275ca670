//! credentials, and what is typed for them.

use protocol::Fault;
use protocol::ipc::{AppUnlock, SecretEdit, SecretForget, SecretPaste, SecretRepeated};
use tauri::{AppHandle, State};

use crate::shell::Opened;
use crate::typed::{self, TypedTexts};

/// Opens what was locked: the program, or data whose key is in the vault.
#[tauri::command]
pub(crate) async fn app_unlock(
    args: AppUnlock,
    typed: State<'_, TypedTexts>,
    opened: State<'_, Opened>,
) -> Result<(), Fault> {
    opened.unlock(typed.give(args).await?).await
}

#[tauri::command]
pub(crate) fn secret_edit(args: SecretEdit, typed: State<'_, TypedTexts>) {
    typed.edit(args);
}

#[tauri::command]
pub(crate) async fn secret_paste(
    args: SecretPaste,
    typed: State<'_, TypedTexts>,
    app: AppHandle,
) -> Result<u32, Fault> {
    let SecretPaste { field, edit, at, take_out, marked } = args;
    let text = typed::clipboard(&app, marked).await.unwrap_or_default();
    let come = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let take_out = if come == 0 { 0 } else { take_out };
    typed.edit(SecretEdit { field, edit, at, take_out, text });
    Ok(come)
}

#[tauri::command]
pub(crate) fn secret_forget(args: SecretForget, typed: State<'_, TypedTexts>) {
    typed.forget(args.field);
}

#[tauri::command]
pub(crate) async fn secret_repeated(
    args: SecretRepeated,
    typed: State<'_, TypedTexts>,
) -> Result<bool, Fault> {
    typed.is_repeated(args.secret, args.again).await
}

super::pass! {
    secrets_state: SecretsState;
    vault_remove: VaultRemove;
    app_lock: AppLock;
    app_seen: AppSeen;
}

super::pass_with_secrets! {
    vault_create: VaultCreate;
    vault_unlock: VaultUnlock;
    vault_change: VaultChange;
    lock_set: LockSet;
}
