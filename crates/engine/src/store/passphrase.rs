//! The key of a sealed store, sealed by a passphrase, for a backup that shall open on another computer.
//!
//! Argon2id makes a key of the passphrase. How much work that is stands in the file; less than is
//! asked for here is not taken, so that a file cannot talk a program into weak work, nor more than a
//! computer has, so that it cannot choke it.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::Generate;
use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::seal::{SealKey, Sealer, context};
use crate::error::internal;

const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;
const SALT_BYTES: usize = 16;
const LEAST_LETTERS: usize = 8;
const PLACE: &str = "backup key";

/// A key under the seal of a passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SealedKey {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    sealed: String,
}

impl SealedKey {
    pub(super) fn seal(key: &SealKey, passphrase: &SecretString) -> Result<Self, Fault> {
        if passphrase.expose_secret().chars().count() < LEAST_LETTERS {
            return Err(Fault::bad_input(
                "passphrase",
                format!("the passphrase is too short: {LEAST_LETTERS} letters at least"),
            ));
        }
        let salt = <[u8; SALT_BYTES]>::generate();
        let mut made = Self {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: STANDARD.encode(salt),
            sealed: String::new(),
        };
        let sealer = made.sealer(&salt, passphrase)?;
        let sealed =
            sealer.seal_at(&context(PLACE, key.id().as_bytes(), 1), key.line().expose_secret().as_bytes())?;
        made.sealed = STANDARD.encode(sealed.unwrap_or_default());
        Ok(made)
    }

    /// The key of this name; `SignIn`-like refusal in words where the passphrase is another.
    pub(super) fn open(&self, id: &str, passphrase: &SecretString) -> Result<SealKey, Fault> {
        let weak = self.memory_kib < MEMORY_KIB || self.passes < PASSES || self.lanes < 1;
        let heavy = self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES || self.lanes > MOST_LANES;
        if weak || heavy {
            return Err(bad("the work that its passphrase asks for is outside what is safe"));
        }
        let salt = STANDARD.decode(&self.salt).ok().filter(|salt| salt.len() == SALT_BYTES);
        let salt = salt.ok_or_else(|| bad("its key cannot be read"))?;
        let sealed = STANDARD.decode(&self.sealed).map_err(|_| bad("its key cannot be read"))?;
        let line = self.sealer(&salt, passphrase)?.open_at(&context(PLACE, id.as_bytes(), 1), &sealed);
        let line = Zeroizing::new(line.ok_or_else(|| {
            Fault::new(FaultCode::BadInput, "the passphrase is not the one that the backup was made with")
                .about("passphrase")
        })?);
        let line: SecretString =
            std::str::from_utf8(&line).map_err(|_| bad("its key cannot be read"))?.into();
        SealKey::parse(&line).filter(|key| key.id() == id).ok_or_else(|| bad("its key is another one"))
    }

    fn sealer(&self, salt: &[u8], passphrase: &SecretString) -> Result<Sealer, Fault> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|why| internal("a passphrase", why))?;
        let mut bytes = Zeroizing::new([0u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose_secret().as_bytes(), salt, &mut *bytes)
            .map_err(|why| internal("a passphrase", why))?;
        Ok(Sealer::new(Some(SealKey::of(&bytes).into())))
    }
}

fn bad(why: &str) -> Fault {
    Fault::new(FaultCode::BackupUnusable, format!("the backup cannot be used: {why}")).because(why)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_key_comes_back_by_its_passphrase_alone() {
        let (key, _) = SealKey::generate();
        let sealed = SealedKey::seal(&key, &"correct horse".into()).unwrap();
        assert_eq!(sealed.open(key.id(), &"correct horse".into()).unwrap().id(), key.id());
        let wrong = sealed.open(key.id(), &"correct house".into()).err().unwrap();
        assert!(wrong.code == FaultCode::BadInput && !wrong.message.contains("house"), "{wrong}");
        assert!(SealedKey::seal(&key, &"short".into()).is_err());
    }

    #[test]
    fn work_that_is_too_little_or_too_much_is_refused_at_once() {
        let (key, _) = SealKey::generate();
        let sealed = SealedKey::seal(&key, &"correct horse".into()).unwrap();
        let passphrase = "correct horse".into();
        let begun = Instant::now();
        for changed in [
            SealedKey { passes: 1, ..sealed.clone() },
            SealedKey { memory_kib: 8, ..sealed.clone() },
            SealedKey { memory_kib: 1 << 30, ..sealed.clone() },
            SealedKey { passes: u32::MAX, ..sealed.clone() },
            SealedKey { lanes: 0, ..sealed.clone() },
        ] {
            assert_eq!(changed.open(key.id(), &passphrase).err().unwrap().code, FaultCode::BackupUnusable);
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "nothing was computed for it");
    }
}
