//! credentials.

super::pass! {
    secrets_state: SecretsState;
    vault_create: VaultCreate;
    vault_unlock: VaultUnlock;
    vault_change: VaultChange;
    vault_remove: VaultRemove;
}
