//! Digests, and the key that runs forward.

use std::fmt;

use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// A digest of SHA-256, or a seal made by HMAC with it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(in crate::operations) struct Digest(pub(in crate::operations) [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&hex(&self.0))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex(&digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_hex(&text).map(Digest).ok_or("not a digest")
    }
}

pub(in crate::operations) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(in crate::operations) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (place, digits) in bytes.iter_mut().zip(text.chunks(2)) {
        *place = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

pub(in crate::operations) fn digest(text: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, text).as_ref());
    Digest(bytes)
}

fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    bytes
}

/// The running key: it seals one record, then becomes the next one, and the old one is not known
/// any more.
#[derive(Clone)]
pub(in crate::operations) struct Runner {
    /// The record before the one that it seals.
    pub(super) record: u64,
    pub(super) key: [u8; 32],
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Runner {
    pub(super) fn new(record: u64, key: [u8; 32]) -> Self {
        Self { record, key }
    }

    /// The key after this record, which is not before the one where it stands.
    pub(in crate::operations) fn at(&self, record: u64) -> Self {
        let mut runner = self.clone();
        while runner.record < record {
            runner.step();
        }
        runner
    }

    pub(in crate::operations) fn step(&mut self) {
        self.key = keyed(&self.key, &[b"next"]);
        self.record += 1;
    }

    pub(super) fn seal(&self, number: u64, before: &Digest, head: &[u8]) -> Digest {
        Digest(keyed(&self.key, &[b"record", &number.to_be_bytes(), &before.0, head]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_runs_forward_and_each_record_has_its_own() {
        let runner = Runner::new(0, [7; 32]);
        let later = runner.at(5);
        assert_eq!((later.record, later.key), (5, runner.at(3).at(5).key));
        assert_eq!(runner.at(0).key, runner.key);
        let seals: Vec<_> = (0..5).map(|at| runner.at(at).seal(1, &Digest::default(), b"x")).collect();
        assert!(seals.iter().all(|seal| seals.iter().filter(|other| *other == seal).count() == 1));
    }

    /// The second test case of RFC 4231 has a short key; ours has always 32 bytes, so the first one
    /// with its key filled up by zeros, which HMAC does too.
    #[test]
    fn the_seal_is_hmac_with_sha_256() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            hex(&keyed(&key, &[b"Hi ", b"There"])),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }

    #[test]
    fn hexadecimal_digits_come_back_and_others_do_not() {
        assert_eq!(parse_hex::<2>(&hex(&[0xa0, 0x0f])), Some([0xa0, 0x0f]));
        assert_eq!(
            (parse_hex::<2>("a00"), parse_hex::<2>("a0zz"), parse_hex::<2>("a0€")),
            (None, None, None)
        );
    }
}
