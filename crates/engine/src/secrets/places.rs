//! The place for secrets that is in use: the vault where its file is there, else the keyring.
//!
//! The file itself is the choice, so that it is known before anything else can be read. A vault that
//! is closed is opened when the first secret is asked for, never before: who needs no secret is asked
//! for no passphrase. A new place is made only for a person who just gave a secret to keep.

use std::path::Path;
use std::time::Duration;

use protocol::credentials::{KeyringState, SecretsMoved};
use protocol::{Fault, FaultCode};
use secrecy::SecretString;

use super::vault::{Vault, check_passphrase};
use super::{Keyring, PATIENCE, SecretStore};

/// A passphrase may be typed three times.
const TRIES: u32 = 3;
/// For a person who types a passphrase on a terminal.
const TYPING: Duration = Duration::from_secs(600);

/// What a passphrase is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To open the vault; `again` after one that was wrong.
    Open { again: bool },
    /// To make a vault, because there is no keyring.
    Create,
}

/// Gives a passphrase, from a person or from a file.
pub type Ask = dyn Fn(Wanted) -> Result<SecretString, Fault> + Send + Sync;

/// The keyring and the vault, of which one is in use.
pub struct Places {
    keyring: Box<dyn SecretStore>,
    vault: Vault,
    ask: Option<Box<Ask>>,
}

impl Places {
    /// The keyring of this computer's user, or the vault of this data folder. Without `ask` a closed
    /// vault is a fault until it is opened by `unlock`.
    pub fn of(data_dir: &Path, ask: Option<Box<Ask>>) -> Self {
        Self::with_keyring(Box::new(Keyring::new()), data_dir, ask)
    }

    /// The same with another keyring.
    pub fn with_keyring(keyring: Box<dyn SecretStore>, data_dir: &Path, ask: Option<Box<Ask>>) -> Self {
        Self { keyring, vault: Vault::in_folder(data_dir), ask }
    }

    /// True if secrets are in the vault.
    pub fn uses_vault(&self) -> bool {
        self.vault.exists()
    }

    /// Opens the vault.
    pub fn unlock(&self, passphrase: &SecretString) -> Result<(), Fault> {
        self.vault.unlock(passphrase)
    }

    /// Closes the vault: its key is wiped from memory.
    pub fn lock(&self) {
        self.vault.lock();
    }

    pub fn change_passphrase(&self, old: &SecretString, new: &SecretString) -> Result<(), Fault> {
        self.vault.change_passphrase(old, new)
    }

    /// Makes a vault and moves into it what the keyring holds. A keyring that cannot be used keeps
    /// what it has, and that is told.
    pub fn create_vault(&self, passphrase: &SecretString) -> Result<SecretsMoved, Fault> {
        check_passphrase(passphrase)?;
        let mut items = std::collections::BTreeMap::new();
        let mut stays = None;
        match self.keyring.items() {
            Ok(names) => {
                for name in names.into_iter().filter(|name| !guards_the_data(name)) {
                    if let Some(secret) = self.keyring.get(&name)? {
                        items.insert(name, secret);
                    }
                }
            }
            Err(why) => stays = Some(why.message),
        }
        self.vault.create(passphrase, &items)?;
        // They are in the vault and on the disk: one that the keyring keeps on is told, and no loss.
        for name in items.keys() {
            if let Err(why) = self.keyring.delete(name) {
                stays = Some(why.message);
            }
        }
        Ok(SecretsMoved { moved: count(items.len()), stays })
    }

    /// Moves what the vault holds into the keyring and removes its file.
    pub fn remove_vault(&self) -> Result<SecretsMoved, Fault> {
        let items = self.opened()?.items()?;
        for (name, secret) in &items {
            self.keyring.set(name, secret)?;
        }
        self.vault.remove()?;
        Ok(SecretsMoved { moved: count(items.len()), stays: None })
    }

    /// The vault, opened by a passphrase that is asked for if it must be.
    fn opened(&self) -> Result<&Vault, Fault> {
        if self.vault.is_open() {
            return Ok(&self.vault);
        }
        let Some(ask) = &self.ask else { return Ok(&self.vault) };
        let mut tries = 0;
        loop {
            let passphrase = ask(Wanted::Open { again: tries > 0 })?;
            tries += 1;
            match self.vault.unlock(&passphrase) {
                Err(fault) if fault.code == FaultCode::VaultPassphraseWrong && tries < TRIES => {}
                ended => return ended.map(|()| &self.vault),
            }
        }
    }
}

/// What guards the data itself stays in the keyring where there is one, also beside a vault: no passphrase is
/// then asked for before something secret is needed, and what is known of the log's end does not lie in the
/// folder that it is about. Where there is no keyring it is in the vault.
fn guards_the_data(item: &str) -> bool {
    item.starts_with("store/") || item.starts_with("operations-chain-")
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

impl SecretStore for Places {
    fn get(&self, item: &str) -> Result<Option<SecretString>, Fault> {
        if !self.uses_vault() {
            return self.keyring.get(item);
        }
        if !guards_the_data(item) {
            return self.opened()?.get(item);
        }
        match self.keyring.get(item) {
            Ok(Some(key)) => Ok(Some(key)),
            // A keyring that is shut may have it: that is another thing than a key that is nowhere.
            kept => match self.opened()?.get(item)? {
                Some(key) => Ok(Some(key)),
                None => kept,
            },
        }
    }

    fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault> {
        if !self.uses_vault() {
            return self.keyring.set(item, secret);
        }
        if guards_the_data(item) && self.keyring.set(item, secret).is_ok() {
            return Ok(());
        }
        self.opened()?.set(item, secret)
    }

    fn delete(&self, item: &str) -> Result<(), Fault> {
        if !self.uses_vault() {
            return self.keyring.delete(item);
        }
        if guards_the_data(item) && self.keyring.get(item).is_ok_and(|kept| kept.is_some()) {
            return self.keyring.delete(item);
        }
        self.opened()?.delete(item)
    }

    fn is_apart(&self, item: &str) -> bool {
        !self.uses_vault()
            || (guards_the_data(item) && self.keyring.get(item).is_ok_and(|kept| kept.is_some()))
    }

    fn items(&self) -> Result<Vec<String>, Fault> {
        if self.uses_vault() {
            Ok(self.opened()?.items()?.into_keys().collect())
        } else {
            self.keyring.items()
        }
    }

    fn state(&self) -> KeyringState {
        if self.uses_vault() {
            KeyringState::Vault { open: self.vault.is_open() }
        } else {
            self.keyring.state()
        }
    }

    fn patience(&self) -> Duration {
        if self.ask.is_some() { TYPING } else { PATIENCE }
    }

    fn make_room(&self) -> Result<bool, Fault> {
        let Some(ask) = &self.ask else { return Ok(false) };
        if self.uses_vault() {
            return Ok(false);
        }
        self.create_vault(&ask(Wanted::Create)?)?;
        Ok(true)
    }

    fn places(&self) -> Option<&Places> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Memory;
    use secrecy::ExposeSecret;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    const PASSPHRASE: &str = "four words of passphrase";

    /// A keyring that the test can look into beside `Places`.
    struct Shared(Arc<Memory>);

    impl SecretStore for Shared {
        fn get(&self, item: &str) -> Result<Option<SecretString>, Fault> {
            self.0.get(item)
        }
        fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault> {
            self.0.set(item, secret)
        }
        fn delete(&self, item: &str) -> Result<(), Fault> {
            self.0.delete(item)
        }
        fn items(&self) -> Result<Vec<String>, Fault> {
            self.0.items()
        }
        fn state(&self) -> KeyringState {
            self.0.state()
        }
    }

    fn places(folder: &tempfile::TempDir, ask: Option<Box<Ask>>) -> (Places, Arc<Memory>) {
        let keyring = Arc::new(Memory::new());
        (Places::with_keyring(Box::new(Shared(keyring.clone())), folder.path(), ask), keyring)
    }

    fn no_keyring() -> Option<Fault> {
        Some(Fault::new(FaultCode::KeyringUnavailable, "there is no bus"))
    }

    #[test]
    fn the_key_of_the_store_stays_where_no_passphrase_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (places, keyring) = places(&folder, None);
        places.set("store/0123", &"k3y".into()).unwrap();
        assert_eq!(places.create_vault(&PASSPHRASE.into()).unwrap(), SecretsMoved { moved: 0, stays: None });
        places.lock();
        assert_eq!(places.get("store/0123").unwrap().unwrap().expose_secret(), "k3y");
        places.set("store/4567", &"an0ther".into()).unwrap();
        assert_eq!(keyring.items().unwrap().len(), 2);
        places.delete("store/4567").unwrap();
        assert_eq!(keyring.items().unwrap().len(), 1);
    }

    #[test]
    fn without_a_keyring_the_key_of_the_store_is_in_the_vault() {
        let folder = tempfile::tempdir().unwrap();
        let (places, keyring) = places(&folder, None);
        keyring.refuse(no_keyring());
        assert!(places.set("store/0123", &"k3y".into()).is_err());
        places.create_vault(&PASSPHRASE.into()).unwrap();
        places.set("store/0123", &"k3y".into()).unwrap();
        assert_eq!(places.get("store/0123").unwrap().unwrap().expose_secret(), "k3y");
        let gone = places.get("store/4567").unwrap_err();
        assert_eq!(gone.code, FaultCode::KeyringUnavailable, "a keyring that is not there may have it");
        places.lock();
        assert_eq!(places.get("store/0123").unwrap_err().code, FaultCode::VaultLocked);
        places.unlock(&PASSPHRASE.into()).unwrap();
        keyring.refuse(None);
        assert_eq!(places.remove_vault().unwrap().moved, 1);
        assert_eq!(keyring.get("store/0123").unwrap().unwrap().expose_secret(), "k3y");
    }

    #[test]
    fn secrets_move_into_a_vault_and_back_and_none_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (places, keyring) = places(&folder, None);
        places.set("host/a/password", &"s3cret".into()).unwrap();
        places.set("host/b/password", &"k3y".into()).unwrap();
        assert_eq!(places.create_vault(&"short".into()).unwrap_err().code, FaultCode::BadInput);
        assert_eq!(keyring.items().unwrap().len(), 2, "a refused passphrase moves nothing");
        assert_eq!(places.create_vault(&PASSPHRASE.into()).unwrap(), SecretsMoved { moved: 2, stays: None });
        assert!(keyring.items().unwrap().is_empty());
        assert_eq!(places.get("host/b/password").unwrap().unwrap().expose_secret(), "k3y");
        assert_eq!(places.state(), KeyringState::Vault { open: true });
        places.lock();
        assert_eq!(places.state(), KeyringState::Vault { open: false });
        assert_eq!(places.get("host/b/password").unwrap_err().code, FaultCode::VaultLocked);
        assert_eq!(places.remove_vault().unwrap_err().code, FaultCode::VaultLocked);
        places.unlock(&PASSPHRASE.into()).unwrap();
        keyring.refuse(no_keyring());
        assert_eq!(places.remove_vault().unwrap_err().code, FaultCode::KeyringUnavailable);
        assert!(places.uses_vault(), "a keyring that is not there takes nothing over");
        keyring.refuse(None);
        assert_eq!(places.remove_vault().unwrap().moved, 2);
        assert!(!places.uses_vault());
        assert_eq!(places.get("host/a/password").unwrap().unwrap().expose_secret(), "s3cret");
    }

    #[test]
    fn a_locked_keyring_does_not_stand_in_the_way_of_a_vault() {
        let folder = tempfile::tempdir().unwrap();
        let (places, keyring) = places(&folder, None);
        keyring.refuse(Some(Fault::new(FaultCode::KeyringLocked, "its prompt was dismissed")));
        assert_eq!(places.set("a", &"b".into()).unwrap_err().code, FaultCode::KeyringLocked);
        let made = places.create_vault(&PASSPHRASE.into()).unwrap();
        assert_eq!(made, SecretsMoved { moved: 0, stays: Some("its prompt was dismissed".into()) });
        places.set("a", &"b".into()).unwrap();
    }

    #[test]
    fn a_passphrase_is_asked_for_when_a_secret_is_needed_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let counter = asked.clone();
        let ask: Box<Ask> = Box::new(move |wanted| {
            let before = counter.fetch_add(1, Ordering::SeqCst);
            // The second vault of the test is opened at the second try.
            assert_eq!(wanted == Wanted::Open { again: true }, before == 2, "{wanted:?}");
            Ok(if before == 1 { "a slip of the finger" } else { PASSPHRASE }.into())
        });
        let (first, keyring) = places(&folder, Some(ask));
        keyring.refuse(no_keyring());
        assert!(first.get("a").is_err() && first.set("a", &"b".into()).is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 0, "no place is made unasked");
        assert!(first.make_room().unwrap());
        assert!(!first.make_room().unwrap(), "one is enough");
        first.set("a", &"b".into()).unwrap();
        first.lock();
        assert_eq!(first.get("a").unwrap().unwrap().expose_secret(), "b");
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_passphrase_that_stays_wrong_ends_after_three_tries() {
        let folder = tempfile::tempdir().unwrap();
        let (first, _) = places(&folder, None);
        first.create_vault(&PASSPHRASE.into()).unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let counter = asked.clone();
        let ask: Box<Ask> = Box::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok("wrong all the time".into())
        });
        let (second, _) = places(&folder, Some(ask));
        assert_eq!(second.get("a").unwrap_err().code, FaultCode::VaultPassphraseWrong);
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }
}
