//! A passphrase that is recognised and kept nowhere: what Argon2id makes of it, with its salt and cost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Generate;
use protocol::{Fault, FaultCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::vault::{Cost, check_passphrase};

const SALT_BYTES: usize = 16;

/// Tells a passphrase from others, and gives nothing of it away.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseCheck {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    hash: String,
}

impl PassphraseCheck {
    /// Slow on purpose. `BadInput` for a passphrase that would not hold.
    pub fn new(passphrase: &SecretString) -> Result<Self, Fault> {
        check_passphrase(passphrase)?;
        let cost = Cost::of_this_computer()?;
        let random = XNonce::generate();
        let salt = &random[..SALT_BYTES];
        let hash = cost.key(passphrase, salt)?;
        let Cost { memory_kib, passes, lanes } = cost;
        Ok(Self { memory_kib, passes, lanes, salt: STANDARD.encode(salt), hash: STANDARD.encode(*hash) })
    }

    /// True if this is the passphrase. Slow on purpose.
    pub fn holds(&self, passphrase: &SecretString) -> Result<bool, Fault> {
        let odd =
            || Fault::new(FaultCode::StoreDamaged, "what tells the passphrase of the lock cannot be read");
        let cost = Cost { memory_kib: self.memory_kib, passes: self.passes, lanes: self.lanes }.check()?;
        let salt = STANDARD.decode(&self.salt).map_err(|_| odd())?;
        let hash = STANDARD.decode(&self.hash).map_err(|_| odd())?;
        let given = cost.key(passphrase, &salt)?;
        // All bytes are looked at, whatever the first ones are.
        let differs = given.iter().zip(&hash).fold(0, |all, (a, b)| all | (a ^ b));
        Ok(hash.len() == given.len() && differs == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_told_from_others_and_not_kept() {
        let check = PassphraseCheck::new(&"four words of passphrase".into()).unwrap();
        assert!(check.holds(&"four words of passphrase".into()).unwrap());
        for other in ["four words of passphrasf", "", "four words of passphrase "] {
            assert!(!check.holds(&other.into()).unwrap(), "{other}");
        }
        let kept = serde_json::to_string(&check).unwrap();
        assert!(!kept.contains("four") && !kept.contains(&STANDARD.encode("four words of passphrase")));
        assert!(PassphraseCheck::new(&"short".into()).is_err());
        let cheap = PassphraseCheck { passes: 1, ..check };
        assert!(cheap.holds(&"four words of passphrase".into()).is_err());
    }
}
