//! secrets: where passwords and passphrases are kept, outside every file that can be read.
//!
//! A place for secrets is asked for an item by name, on a thread that may block: a keyring may show
//! a prompt and wait. What it gives is wiped when dropped and has no text for logs. There are two
//! places, the keyring of the operating system and an encrypted file; `Places` is the one in use.

mod check;
mod keyring;
mod memory;
mod places;
mod vault;

use std::time::Duration;

use protocol::Fault;
use protocol::credentials::KeyringState;
use secrecy::SecretString;

pub use check::PassphraseCheck;
pub use keyring::Keyring;
pub use memory::Memory;
pub use places::{Ask, Places, Wanted};
pub use vault::Vault;

/// A person needs some time to unlock a keyring.
const PATIENCE: Duration = Duration::from_secs(30);

/// A place for secrets. Its methods may block.
pub trait SecretStore: Send + Sync {
    /// `None` if there is no such item.
    fn get(&self, item: &str) -> Result<Option<SecretString>, Fault>;
    /// Keeps the secret, and is sure that it is kept when it returns.
    fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault>;
    /// Removes the item; it is no fault if there is none.
    fn delete(&self, item: &str) -> Result<(), Fault>;
    /// The names of all items.
    fn items(&self) -> Result<Vec<String>, Fault>;
    /// Whether it can be used now; never shows a prompt.
    fn state(&self) -> KeyringState;

    /// Whether this item lies elsewhere than in the data folder, so that a copy of that has it not.
    fn is_apart(&self, _item: &str) -> bool {
        true
    }

    /// How long an answer may take.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// Makes a place where there is none, if a person can be asked for its passphrase; else `false`.
    fn make_room(&self) -> Result<bool, Fault> {
        Ok(false)
    }

    /// The two places, where there is a choice between them.
    fn places(&self) -> Option<&Places> {
        None
    }
}
