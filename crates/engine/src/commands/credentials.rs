//! credentials: where secrets are kept, and the file that keeps them.

use protocol::Fault;
use protocol::credentials::{KeyringState, Secret, SecretsMoved};
use protocol::ipc::{
    AppLock, AppSeen, AppUnlock, Event, LockSet, SecretsState, VaultChange, VaultCreate, VaultRemove,
    VaultUnlock,
};
use protocol::operations::OperationKind;

use super::Handle;
use super::hosts::log;
use crate::engine::Engine;

impl Handle for SecretsState {
    async fn handle(self, engine: &Engine) -> Result<KeyringState, Fault> {
        Ok(engine.parts.credentials.state().await)
    }
}

impl Handle for VaultCreate {
    async fn handle(self, engine: &Engine) -> Result<SecretsMoved, Fault> {
        let moved = engine.parts.credentials.create_vault(self.passphrase.into_text()?.into()).await?;
        let stays = moved
            .stays
            .as_ref()
            .map_or(String::new(), |why| format!("; what the keyring holds stays: {why}"));
        let summary = format!("{} secrets moved into it{stays}", moved.moved);
        log(engine, OperationKind::VaultCreate, None, "the file of secrets", &summary).await?;
        tell(engine).await;
        Ok(moved)
    }
}

impl Handle for VaultUnlock {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        engine.parts.credentials.unlock_vault(self.passphrase.into_text()?.into()).await?;
        tell(engine).await;
        Ok(())
    }
}

impl Handle for VaultChange {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        let (old, new) = (self.old.into_text()?, self.new.into_text()?);
        engine.parts.credentials.change_passphrase(old.into(), new.into()).await?;
        log(engine, OperationKind::VaultChange, None, "the file of secrets", "").await?;
        tell(engine).await;
        Ok(())
    }
}

impl Handle for VaultRemove {
    async fn handle(self, engine: &Engine) -> Result<SecretsMoved, Fault> {
        let moved = engine.parts.credentials.remove_vault().await?;
        let summary = format!("{} secrets moved into the keyring", moved.moved);
        log(engine, OperationKind::VaultRemove, None, "the file of secrets", &summary).await?;
        tell(engine).await;
        Ok(moved)
    }
}

impl Handle for AppLock {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        engine.parts.lock.shut().await?;
        engine.tell(Event::Locked { locked: true });
        Ok(())
    }
}

impl Handle for AppUnlock {
    const WHILE_LOCKED: bool = true;

    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        engine.parts.lock.open(self.passphrase.into_text()?.into()).await?;
        engine.tell(Event::Locked { locked: false });
        Ok(())
    }
}

impl Handle for AppSeen {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        engine.parts.lock.seen();
        Ok(())
    }
}

impl Handle for LockSet {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        let passphrase = self.passphrase.map(Secret::into_text).transpose()?;
        engine.parts.lock.set_passphrase(passphrase.map(Into::into)).await
    }
}

async fn tell(engine: &Engine) {
    engine.tell(Event::Secrets { state: engine.parts.credentials.state().await });
}
