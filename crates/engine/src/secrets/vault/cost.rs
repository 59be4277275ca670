//! What a passphrase costs to try: the parameters of Argon2id (RFC 9106).
//!
//! A new vault takes at least 64 MiB and three passes, and as many more as this computer does in
//! half a second. What a file asks for is bounded on both sides before anything is computed: less
//! would make a guess cheap for whoever planted the file, more would hold this computer up.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Bytes of a key of XChaCha20-Poly1305.
pub(in crate::secrets) const KEY_BYTES: usize = 32;
pub(in crate::secrets) type Key = Zeroizing<[u8; KEY_BYTES]>;

const LEAST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
const MOST: Cost = Cost { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };
/// What a new vault begins with.
const FIRST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
/// More passes than this gain little beside a longer passphrase.
const MOST_PASSES: u32 = 12;
/// How long opening a vault may take on the computer that made it.
const WANTED: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) struct Cost {
    pub(in crate::secrets) memory_kib: u32,
    pub(in crate::secrets) passes: u32,
    pub(in crate::secrets) lanes: u32,
}

impl Cost {
    /// `VaultUnusable` where the parameters of a file are not within the bounds.
    pub(in crate::secrets) fn check(self) -> Result<Self, Fault> {
        let within = |value: u32, least: u32, most: u32| (least..=most).contains(&value);
        if within(self.memory_kib, LEAST.memory_kib, MOST.memory_kib)
            && within(self.passes, LEAST.passes, MOST.passes)
            && within(self.lanes, LEAST.lanes, MOST.lanes)
        {
            return Ok(self);
        }
        Err(Fault::new(
            FaultCode::VaultUnusable,
            format!(
                "the file of secrets asks for {} KiB, {} passes and {} lanes to try a passphrase, \
                 which no file of Muster does",
                self.memory_kib, self.passes, self.lanes
            ),
        ))
    }

    /// At least the floor, and what takes about half a second here.
    pub(in crate::secrets) fn of_this_computer() -> Result<Self, Fault> {
        let begun = Instant::now();
        FIRST.key(&"how long it takes".into(), b"sixteen of bytes")?;
        let once = begun.elapsed().max(Duration::from_millis(1));
        let passes = WANTED.as_millis() * u128::from(FIRST.passes) / once.as_millis().max(1);
        let passes = u32::try_from(passes).unwrap_or(MOST_PASSES).clamp(FIRST.passes, MOST_PASSES);
        Ok(Self { passes, ..FIRST })
    }

    /// The key that this passphrase gives.
    pub(in crate::secrets) fn key(self, passphrase: &SecretString, salt: &[u8]) -> Result<Key, Fault> {
        let bad = |why: argon2::Error| {
            Fault::new(FaultCode::VaultUnusable, format!("no key could be made of the passphrase: {why}"))
        };
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_BYTES)).map_err(bad)?;
        let mut key = Key::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose_secret().as_bytes(), salt, &mut *key)
            .map_err(bad)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_asks_for_is_bounded_on_both_sides() {
        assert!(FIRST.check().is_ok());
        for (memory_kib, passes, lanes) in [
            (64 * 1024, 1, 4),
            (64 * 1024 - 1, 3, 4),
            (8, 3, 4),
            (1024 * 1024 * 1024, 3, 4),
            (u32::MAX, u32::MAX, u32::MAX),
            (64 * 1024, 65, 4),
            (64 * 1024, 3, 0),
            (64 * 1024, 3, 17),
        ] {
            let cost = Cost { memory_kib, passes, lanes };
            assert_eq!(cost.check().unwrap_err().code, FaultCode::VaultUnusable, "{cost:?}");
        }
    }

    #[test]
    fn a_new_vault_takes_at_least_the_floor() {
        let cost = Cost::of_this_computer().unwrap();
        assert!(cost.memory_kib >= 64 * 1024 && cost.passes >= 3 && cost.lanes == 4, "{cost:?}");
        assert!(cost.check().is_ok());
    }
}
