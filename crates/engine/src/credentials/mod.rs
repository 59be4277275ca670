//! credentials: the secrets of saved hosts, each an item of the place for secrets.
//!
//! A secret goes in from a person and out to the sign-in, and nowhere else. One call at a time goes
//! to the keyring, on a blocking thread; a prompt that nobody answers holds up nothing but itself.

mod lock;

use std::sync::Arc;
use std::time::Duration;

use protocol::credentials::{KeyringState, SecretKind, SecretsMoved};
use protocol::{Fault, FaultCode};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::internal;
use crate::secrets::{Places, SecretStore};

pub use lock::Lock;

/// For a key to be made of a passphrase, on a busy computer.
const VAULT_PATIENCE: Duration = Duration::from_secs(120);

/// The secrets of saved hosts.
#[derive(Clone)]
pub struct Credentials {
    secrets: Arc<dyn SecretStore>,
    /// Held by the call under way; it goes on behind a caller who stopped waiting.
    turn: Arc<Mutex<()>>,
    patience: Duration,
}

impl Credentials {
    pub fn new(secrets: Arc<dyn SecretStore>) -> Self {
        let patience = secrets.patience();
        Self { secrets, turn: Arc::default(), patience }
    }

    /// `None` if none is saved for this host.
    pub async fn get(&self, host_id: &str, kind: SecretKind) -> Result<Option<SecretString>, Fault> {
        let item = item(host_id, kind);
        self.ask(move |secrets| secrets.get(&item)).await
    }

    /// Keeps a secret. Where there is no place for it, one is made if a person can be asked.
    pub async fn set(&self, host_id: &str, kind: SecretKind, secret: SecretString) -> Result<(), Fault> {
        let item = item(host_id, kind);
        self.ask(move |secrets| match secrets.set(&item, &secret) {
            // A keyring that is there and has no collection says so only when it is written to.
            Err(fault) if fault.code == FaultCode::KeyringUnavailable && secrets.make_room()? => {
                secrets.set(&item, &secret)
            }
            ended => ended,
        })
        .await
    }

    /// Makes sure that there is a place for secrets, before anything is done that needs one.
    pub async fn prepare(&self) -> Result<(), Fault> {
        self.ask(|secrets| match secrets.state() {
            KeyringState::Unavailable { cause } => {
                if secrets.make_room()? {
                    return Ok(());
                }
                Err(Fault::new(FaultCode::KeyringUnavailable, cause.clone()).because(cause))
            }
            KeyringState::Ready | KeyringState::Vault { .. } => Ok(()),
        })
        .await
    }

    /// Makes a vault and moves what the keyring holds into it.
    pub async fn create_vault(&self, passphrase: SecretString) -> Result<SecretsMoved, Fault> {
        self.with_vault(move |places| places.create_vault(&passphrase)).await
    }

    /// Opens the vault until it is locked.
    pub async fn unlock_vault(&self, passphrase: SecretString) -> Result<(), Fault> {
        self.with_vault(move |places| places.unlock(&passphrase)).await
    }

    /// True if secrets are in the vault.
    pub async fn uses_vault(&self) -> bool {
        matches!(self.state().await, KeyringState::Vault { .. })
    }

    /// Wipes the vault's key from memory, where there is a vault.
    pub async fn lock_vault(&self) -> Result<(), Fault> {
        self.ask(|secrets| {
            if let Some(places) = secrets.places() {
                places.lock();
            }
            Ok(())
        })
        .await
    }

    /// `old` opens the vault no more.
    pub async fn change_passphrase(&self, old: SecretString, new: SecretString) -> Result<(), Fault> {
        self.with_vault(move |places| places.change_passphrase(&old, &new)).await
    }

    /// Moves what the vault holds into the keyring, and removes its file.
    pub async fn remove_vault(&self) -> Result<SecretsMoved, Fault> {
        self.with_vault(Places::remove_vault).await
    }

    async fn with_vault<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Places) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let patient = Self { patience: self.patience.max(VAULT_PATIENCE), ..self.clone() };
        patient
            .ask(move |secrets| match secrets.places() {
                Some(places) => work(places),
                None => Err(Fault::new(
                    FaultCode::NotPermitted,
                    "there is one place for secrets here, and no choice",
                )),
            })
            .await
    }

    /// Removes these secrets of this host.
    pub async fn forget(&self, host_id: &str, kinds: &[SecretKind]) -> Result<(), Fault> {
        let items: Vec<String> = kinds.iter().map(|kind| item(host_id, *kind)).collect();
        self.ask(move |secrets| items.iter().try_for_each(|item| secrets.delete(item))).await
    }

    /// Whether the place for secrets can be used now.
    pub async fn state(&self) -> KeyringState {
        match self.ask(|secrets| Ok(secrets.state())).await {
            Ok(state) => state,
            Err(fault) => KeyringState::Unavailable { cause: fault.message },
        }
    }

    async fn ask<R: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn SecretStore) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let secrets = self.secrets.clone();
        let turn = self.turn.clone();
        let answer = async move {
            let turn = turn.lock_owned().await;
            tokio::task::spawn_blocking(move || {
                let _turn = turn;
                work(&*secrets)
            })
            .await
            .map_err(|why| internal("a call to the keyring ended early", why))?
        };
        timeout(self.patience, answer).await.unwrap_or_else(|_| {
            Err(Fault::new(
                FaultCode::KeyringLocked,
                format!(
                    "this computer's keyring gave no answer in {} s: it may wait at a prompt",
                    self.patience.as_secs()
                ),
            ))
        })
    }
}

fn item(host_id: &str, kind: SecretKind) -> String {
    let kind = match kind {
        SecretKind::Password => "password",
        SecretKind::Passphrase => "passphrase",
        SecretKind::Sudo => "sudo",
    };
    format!("host/{host_id}/{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Memory;
    use secrecy::ExposeSecret;

    #[tokio::test]
    async fn each_host_has_its_own_secrets_of_each_kind() {
        let credentials = Credentials::new(Arc::new(Memory::new()));
        credentials.set("a", SecretKind::Password, "pa".into()).await.unwrap();
        credentials.set("a", SecretKind::Passphrase, "pp".into()).await.unwrap();
        credentials.set("a", SecretKind::Sudo, "ps".into()).await.unwrap();
        credentials.set("b", SecretKind::Password, "pb".into()).await.unwrap();
        let secret = credentials.get("a", SecretKind::Passphrase).await.unwrap().unwrap();
        assert_eq!(secret.expose_secret(), "pp");
        assert!(!format!("{secret:?}").contains("pp"), "a secret has no text");
        credentials.forget("a", &[SecretKind::Password, SecretKind::Passphrase]).await.unwrap();
        assert!(credentials.get("a", SecretKind::Password).await.unwrap().is_none());
        assert!(credentials.get("a", SecretKind::Passphrase).await.unwrap().is_none());
        assert!(credentials.get("a", SecretKind::Sudo).await.unwrap().is_some(), "another secret stays");
        assert!(credentials.get("b", SecretKind::Password).await.unwrap().is_some());
        assert_eq!(credentials.state().await, KeyringState::Ready);
    }

    /// A keyring whose prompt is answered when the test says so.
    struct Stuck(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

    impl SecretStore for Stuck {
        fn get(&self, _: &str) -> Result<Option<SecretString>, Fault> {
            self.0.lock().unwrap().recv().unwrap();
            Ok(Some("late".into()))
        }

        fn set(&self, _: &str, _: &SecretString) -> Result<(), Fault> {
            Ok(())
        }

        fn delete(&self, _: &str) -> Result<(), Fault> {
            Ok(())
        }

        fn items(&self) -> Result<Vec<String>, Fault> {
            Ok(Vec::new())
        }

        fn state(&self) -> KeyringState {
            KeyringState::Ready
        }
    }

    #[tokio::test]
    async fn a_prompt_that_nobody_answers_ends_in_a_sentence_and_works_again_later() {
        let (answer, prompt) = std::sync::mpsc::channel();
        let mut credentials = Credentials::new(Arc::new(Stuck(std::sync::Mutex::new(prompt))));
        credentials.patience = Duration::from_millis(20);
        let fault = credentials.get("a", SecretKind::Password).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::KeyringLocked);
        let fault = credentials.forget("a", &[SecretKind::Password]).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::KeyringLocked, "the next call waits behind it, and not for ever");
        answer.send(()).unwrap();
        answer.send(()).unwrap();
        credentials.patience = VAULT_PATIENCE;
        assert!(credentials.get("a", SecretKind::Password).await.unwrap().is_some());
    }
}
