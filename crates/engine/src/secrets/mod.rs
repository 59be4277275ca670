//! secrets: where passwords and passphrases are kept, outside every file of ours.
//!
//! A place for secrets is asked for an item by name, on a thread that may block: a keyring may show
//! a prompt and wait. What it gives is wiped when dropped and has no text for logs.

mod keyring;
mod memory;

use protocol::Fault;
use protocol::credentials::KeyringState;
use secrecy::SecretString;

pub use keyring::Keyring;
pub use memory::Memory;

/// A place for secrets. Its methods may block.
pub trait SecretStore: Send + Sync {
    /// `None` if there is no such item.
    fn get(&self, item: &str) -> Result<Option<SecretString>, Fault>;
    /// Keeps the secret, and is sure that it is kept when it returns.
    fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault>;
    /// Removes the item; it is no fault if there is none.
    fn delete(&self, item: &str) -> Result<(), Fault>;
    /// Whether it can be used now; never shows a prompt.
    fn state(&self) -> KeyringState;
}
