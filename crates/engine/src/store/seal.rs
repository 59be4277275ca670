//! Sealing: what a value becomes before it is cut into rows, and what it is again when it is read.
//!
//! XChaCha20-Poly1305 over the whole value, with a nonce of its own. Tree, key and format go into
//! the seal, so that a sealed value put elsewhere does not open. Keys of rows stay in the clear:
//! nothing secret belongs there. A store is sealed as a whole or not at all; in a sealed one a
//! value that is not sealed is damage.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use protocol::Fault;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::internal;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// The first byte of a sealed value: how it is sealed.
const SEAL: u8 = 1;

/// A key, by the name that it has in the clear.
pub(super) struct SealKey {
    id: String,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    cipher: XChaCha20Poly1305,
}

impl SealKey {
    /// A new key, with the line under which it is kept.
    pub(super) fn generate() -> (Self, SecretString) {
        let key = Self::of(&Zeroizing::new(<[u8; KEY_BYTES]>::generate()));
        let line = key.line();
        (key, line)
    }

    /// The line under which it is kept.
    pub(super) fn line(&self) -> SecretString {
        STANDARD.encode(*self.bytes).into()
    }

    /// Reads the line; `None` if it is not that of a key.
    pub(super) fn parse(line: &SecretString) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(line.expose_secret().trim()).ok()?);
        let bytes: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(bytes.as_slice().try_into().ok()?);
        Some(Self::of(&bytes))
    }

    pub(super) fn of(bytes: &Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let digest = Sha256::new().chain_update(b"muster store key\0").chain_update(**bytes).finalize();
        let id = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { id, bytes: bytes.clone(), cipher: XChaCha20Poly1305::new((&**bytes).into()) }
    }

    /// Names the key and tells nothing of it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// Seals and opens values of one store; copies share the key. Without a key it hands them on.
#[derive(Clone, Default)]
pub struct Sealer {
    key: Option<Arc<SealKey>>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("key", &self.key_id()).finish()
    }
}

impl Sealer {
    pub(super) fn new(key: Option<Arc<SealKey>>) -> Self {
        Self { key }
    }

    pub(super) fn key(&self) -> Option<&SealKey> {
        self.key.as_deref()
    }

    /// The name of the key; `None` where nothing is sealed.
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_deref().map(SealKey::id)
    }

    /// Seals a value that lies outside the store's trees. `place` must be given to open it again.
    pub fn seal(&self, place: &str, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        Ok(self.seal_at(&context(place, b"", 0), bytes)?.unwrap_or_else(|| bytes.to_vec()))
    }

    /// Opens what `seal` gave; `None` if it was sealed by another key, elsewhere, or is damaged.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_at(&context(place, b"", 0), sealed)
    }

    /// `None` where nothing is sealed.
    pub(super) fn seal_at(&self, context: &[u8], bytes: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let Some(key) = &self.key else { return Ok(None) };
        let nonce = XNonce::generate();
        let sealed = key
            .cipher
            .encrypt(&nonce, Payload { msg: bytes, aad: context })
            .map_err(|why| internal("a value cannot be sealed", why))?;
        let mut whole = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        whole.push(SEAL);
        whole.extend_from_slice(&nonce);
        whole.extend_from_slice(&sealed);
        Ok(Some(whole))
    }

    pub(super) fn open_at(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let Some(key) = &self.key else { return Some(sealed.to_vec()) };
        let (nonce, sealed) = sealed.strip_prefix(&[SEAL])?.split_at_checked(NONCE_BYTES)?;
        let nonce = XNonce::try_from(nonce).ok()?;
        key.cipher.decrypt(&nonce, Payload { msg: sealed, aad: context }).ok()
    }
}

/// What a value is bound to: its tree, its key and the version of its format.
pub(super) fn context(tree: &str, key: &[u8], version: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(tree.len() + key.len() + 2);
    bytes.extend_from_slice(tree.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(key);
    bytes.push(version);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Sealer {
        Sealer::new(Some(Arc::new(SealKey::generate().0)))
    }

    #[test]
    fn a_sealed_value_opens_where_it_was_sealed_and_nowhere_else() {
        let sealer = sealed();
        let at = context("hosts", b"a", 1);
        let value = sealer.seal_at(&at, b"planted").unwrap().unwrap();
        assert_eq!(sealer.open_at(&at, &value).unwrap(), b"planted");
        assert!(!value.windows(7).any(|part| part == b"planted"));
        for other in [context("hosts", b"b", 1), context("trust", b"a", 1), context("hosts", b"a", 2)] {
            assert!(sealer.open_at(&other, &value).is_none());
        }
        assert!(super::tests::sealed().open_at(&at, &value).is_none(), "another key opens nothing");
        assert!(
            sealer.open_at(&at, b"planted").is_none(),
            "a value in the clear is not taken for a sealed one"
        );
        for at_byte in 0..value.len() {
            let mut bent = value.clone();
            bent[at_byte] ^= 1;
            assert!(sealer.open_at(&at, &bent).is_none(), "byte {at_byte}");
        }
        assert_ne!(
            sealer.seal_at(&at, b"planted").unwrap().unwrap(),
            value,
            "each seal has a nonce of its own"
        );
    }

    #[test]
    fn a_key_comes_back_from_its_line_under_the_same_name() {
        let (key, line) = SealKey::generate();
        assert_eq!(SealKey::parse(&line).unwrap().id(), key.id());
        assert!(SealKey::parse(&"c2hvcnQ=".into()).is_none());
        assert!(SealKey::parse(&"no base64".into()).is_none());
        assert!(!line.expose_secret().contains(key.id()) && !line.expose_secret().contains('\n'));
    }

    #[test]
    fn what_lies_beside_the_store_is_sealed_as_the_store_is() {
        let sealer = sealed();
        let kept = sealer.seal("search/1", b"rm -rf").unwrap();
        assert_eq!(sealer.open("search/1", &kept).unwrap(), b"rm -rf");
        assert!(sealer.open("search/2", &kept).is_none());
        assert_eq!(Sealer::default().seal("search/1", b"x").unwrap(), b"x");
        assert!(!format!("{sealer:?}").contains("cipher"));
    }
}
