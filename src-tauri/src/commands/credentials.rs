//! credentials.

use protocol::Fault;
use protocol::ipc::AppUnlock;

use crate::shell::Opened;

/// Opens what was locked: the program, or data whose key is in the vault.
#[tauri::command]
pub(crate) async fn app_unlock(args: AppUnlock, opened: tauri::State<'_, Opened>) -> Result<(), Fault> {
    opened.unlock(args).await
}

super::pass! {
    secrets_state: SecretsState;
    vault_create: VaultCreate;
    vault_unlock: VaultUnlock;
    vault_change: VaultChange;
    vault_remove: VaultRemove;
    app_lock: AppLock;
    app_seen: AppSeen;
    lock_set: LockSet;
}
