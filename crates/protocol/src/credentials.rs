//! credentials: secrets on their way to the OS keyring, and what is known of them without them.

use serde::{Deserialize, Serialize};

/// Which secret of a host is meant; each is an item of its own in the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    Password,
    Passphrase,
    /// What sudo(8) asks for on the host; never taken from the sign-in password.
    Sudo,
}

/// Whether the place for secrets can be used now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyringState {
    /// This computer's keyring is there.
    Ready,
    Unavailable {
        cause: String,
    },
    /// Secrets are in the encrypted file instead; closed until its passphrase is given.
    Vault {
        open: bool,
    },
}

/// What came of moving secrets from one place to the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretsMoved {
    pub moved: u32,
    /// Why some stayed where they were, if some did.
    pub stays: Option<String>,
}
