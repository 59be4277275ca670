//! Credentials, and the fields of the window in which secrets are typed.

use protocol::Fault;
use protocol::ipc::{AppLock, AppUnlock, SecretEdit, SecretForget, SecretPaste, SecretRepeated};
use tauri::{AppHandle, State};

use crate::clipboard;
use crate::shell::Opened;
use crate::typed::TypedTexts;

/// Opens what was locked: the program, or data whose key is in the vault.
#[tauri::command]
pub(crate) async fn app_unlock(
    args: AppUnlock,
    typed: State<'_, TypedTexts>,
    opened: State<'_, Opened>,
) -> Result<(), Fault> {
    typed.with_texts(args, async |args| opened.unlock(args).await).await
}

/// What was begun to be typed goes with all else.
#[tauri::command]
pub(crate) async fn app_lock(
    args: AppLock,
    typed: State<'_, TypedTexts>,
    opened: State<'_, Opened>,
) -> super::Answer {
    typed.forget_all();
    super::answer::<AppLock>(&super::engine(&opened).await?.call(args).await?)
}

#[tauri::command]
pub(crate) fn secret_edit(args: SecretEdit, typed: State<'_, TypedTexts>) -> Result<(), Fault> {
    typed.edit(args)
}

#[tauri::command]
pub(crate) async fn secret_paste(
    args: SecretPaste,
    typed: State<'_, TypedTexts>,
    app: AppHandle,
) -> Result<u32, Fault> {
    let text = clipboard::text(&app, args.marked).await.unwrap_or_default();
    typed.paste(args, text)
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
    app_seen: AppSeen;
}

super::pass_with_secrets! {
    vault_create: VaultCreate;
    vault_unlock: VaultUnlock;
    vault_change: VaultChange;
    lock_set: LockSet;
}
