//! The lock: while it is shut nothing is read or done through this program.
//!
//! With a vault, shutting it wipes the vault's key from memory, and its passphrase opens both. With a
//! keyring, a passphrase of the lock's own keeps away who walks up to the window; it seals nothing, since
//! the keyring is open to every program of this user as long as the session is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::{Fault, FaultCode};
use secrecy::SecretString;
use tokio::sync::watch;

use super::Credentials;
use crate::clock::Clock;
use crate::error::internal;
use crate::secrets::PassphraseCheck;
use crate::store::{Store, Tree};

const LOCK: Tree<String, PassphraseCheck> = Tree::new("lock", 1);
const KEY: &str = "app";

/// Whether this program may be used.
#[derive(Clone)]
pub struct Lock {
    store: Store,
    credentials: Credentials,
    clock: Clock,
    shut: Arc<watch::Sender<bool>>,
    /// When a person was last seen at the window; `None` until one was. By the wall clock: a computer
    /// that slept was left alone meanwhile.
    active_ms: Arc<Mutex<Option<i64>>>,
}

impl Lock {
    pub fn new(store: Store, credentials: Credentials, clock: Clock) -> Self {
        let shut = Arc::new(watch::Sender::new(false));
        Self { store, credentials, clock, shut, active_ms: Arc::default() }
    }

    pub fn is_shut(&self) -> bool {
        *self.shut.borrow()
    }

    /// `AppLocked` while it is shut.
    pub fn check(&self) -> Result<(), Fault> {
        if self.is_shut() { Err(Fault::new(FaultCode::AppLocked, "Muster is locked")) } else { Ok(()) }
    }

    /// Waits until it is open.
    pub async fn opened(&self) {
        // The sender lives as long as this does.
        let _ = self.shut.subscribe().wait_for(|shut| !shut).await;
    }

    /// True if there is a passphrase that would open it again.
    pub async fn can_shut(&self) -> Result<bool, Fault> {
        Ok(self.credentials.uses_vault().await || self.own().await?.is_some())
    }

    async fn own(&self) -> Result<Option<PassphraseCheck>, Fault> {
        self.store.read(|reader| LOCK.get(reader, &KEY.to_owned())).await
    }

    /// Gives the lock a passphrase of its own, or takes it away.
    pub async fn set_passphrase(&self, passphrase: Option<SecretString>) -> Result<(), Fault> {
        let check = match passphrase {
            Some(passphrase) => Some(slowly(move || PassphraseCheck::new(&passphrase)).await?),
            None => None,
        };
        self.store
            .write(move |writer| match check {
                Some(check) => LOCK.put(writer, &KEY.to_owned(), &check),
                None => LOCK.remove(writer, &KEY.to_owned()).map(drop),
            })
            .await
    }

    /// Shuts it and wipes what opens secrets. `BadInput` if nothing would open it again.
    pub async fn shut(&self) -> Result<(), Fault> {
        if !self.can_shut().await? {
            return Err(Fault::bad_input(
                "passphrase",
                "there is no passphrase to unlock it with: set one, or keep secrets in an encrypted file",
            ));
        }
        self.credentials.lock_vault().await?;
        self.shut.send_replace(true);
        Ok(())
    }

    /// Opens it. `VaultPassphraseWrong` if this is not the passphrase.
    pub async fn open(&self, passphrase: SecretString) -> Result<(), Fault> {
        if self.credentials.uses_vault().await {
            self.credentials.unlock_vault(passphrase).await?;
        } else if let Some(check) = self.own().await?
            && !slowly(move || check.holds(&passphrase)).await?
        {
            return Err(Fault::new(
                FaultCode::VaultPassphraseWrong,
                "this passphrase does not unlock Muster",
            ));
        }
        self.seen();
        self.shut.send_replace(false);
        Ok(())
    }

    /// A person is at the window.
    pub fn seen(&self) {
        *self.active_ms.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now_ms());
    }

    /// How long until it is due to be shut, if a person was ever at the window.
    pub fn due_in(&self, idle: Duration) -> Option<Duration> {
        let active_ms = (*self.active_ms.lock().unwrap_or_else(PoisonError::into_inner))?;
        let gone_ms = u64::try_from(self.clock.now_ms() - active_ms).unwrap_or(0);
        Some(idle.saturating_sub(Duration::from_millis(gone_ms)))
    }
}

/// Argon2id takes its time: not on the threads that others wait for.
async fn slowly<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
) -> Result<R, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|why| internal("looking at a passphrase ended early", why))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{Memory, Places, SecretStore};
    use protocol::credentials::SecretKind;

    const PASSPHRASE: &str = "four words of passphrase";

    #[tokio::test]
    async fn a_lock_without_a_passphrase_does_not_shut_and_one_with_it_opens_by_it_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap().store;
        let lock = Lock::new(store, Credentials::new(Arc::new(Memory::new())), Clock::standing_at(0));
        assert_eq!(lock.shut().await.unwrap_err().code, FaultCode::BadInput);
        assert!(!lock.is_shut());
        lock.set_passphrase(Some(PASSPHRASE.into())).await.unwrap();
        lock.shut().await.unwrap();
        assert_eq!(lock.check().unwrap_err().code, FaultCode::AppLocked);
        assert_eq!(
            lock.open("something else".into()).await.unwrap_err().code,
            FaultCode::VaultPassphraseWrong
        );
        assert!(lock.is_shut());
        lock.open(PASSPHRASE.into()).await.unwrap();
        lock.check().unwrap();
        lock.set_passphrase(None).await.unwrap();
        assert!(!lock.can_shut().await.unwrap());
    }

    #[tokio::test]
    async fn shutting_it_closes_the_vault_and_its_passphrase_opens_both() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap().store;
        let places = Arc::new(Places::with_keyring(Box::new(Memory::new()), dir.path(), None));
        let credentials = Credentials::new(places.clone());
        places.create_vault(&PASSPHRASE.into()).unwrap();
        credentials.set("a", SecretKind::Password, "s3cret".into()).await.unwrap();
        let lock = Lock::new(store, credentials.clone(), Clock::standing_at(0));
        lock.shut().await.unwrap();
        assert_eq!(places.get("host/a/password").unwrap_err().code, FaultCode::VaultLocked);
        assert_eq!(
            lock.open("wrong one here".into()).await.unwrap_err().code,
            FaultCode::VaultPassphraseWrong
        );
        assert!(lock.is_shut());
        lock.open(PASSPHRASE.into()).await.unwrap();
        assert!(credentials.get("a", SecretKind::Password).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn it_is_due_after_nobody_was_seen_for_a_while_and_never_before_somebody_was() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap().store;
        let lock = Lock::new(store, Credentials::new(Arc::new(Memory::new())), Clock::standing_at(0));
        let idle = Duration::from_secs(600);
        assert_eq!(lock.due_in(idle), None);
        lock.seen();
        lock.clock.set(599_000);
        assert_eq!(lock.due_in(idle), Some(Duration::from_secs(1)));
        lock.seen();
        lock.clock.set(1_299_000);
        assert_eq!(lock.due_in(idle), Some(Duration::ZERO));
    }
}
