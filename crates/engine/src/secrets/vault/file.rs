//! The file of a vault: what it says of itself, and its sealed content.
//!
//! ```text
//! muster-vault 1
//! argon2id m=65536 t=6 p=4 salt=<base64>
//! <base64 of a nonce of 24 bytes and what XChaCha20-Poly1305 made of the items>
//! ```
//!
//! The first two lines are bound to the content as associated data: a file whose head was changed
//! does not open. The items are lines of a name, a tab and the secret in base64.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::cost::{Cost, Key};

const FIRST_LINE: &str = "muster-vault 1";
const NONCE_BYTES: usize = 24;
/// Of the salt; RFC 9106 asks for 16.
const SALT_BYTES: usize = 16;

/// Secrets by the name of their item.
pub(super) type Items = BTreeMap<String, SecretString>;

/// What the file says of itself before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) cost: Cost,
    pub(super) salt: [u8; SALT_BYTES],
}

impl Head {
    /// A head with a salt that no other vault has.
    pub(super) fn new(cost: Cost) -> Self {
        let random = XNonce::generate();
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(&random[..SALT_BYTES]);
        Self { cost, salt }
    }

    fn lines(&self) -> String {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let salt = STANDARD.encode(self.salt);
        format!("{FIRST_LINE}\nargon2id m={memory_kib} t={passes} p={lanes} salt={salt}\n")
    }
}

/// A file that was read and not opened.
pub(super) struct Sealed {
    pub(super) head: Head,
    body: Vec<u8>,
}

/// `VaultUnusable` for what is no vault, is of a later version, or asks for what no vault does.
pub(super) fn parse(text: &str) -> Result<Sealed, Fault> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    if first != FIRST_LINE {
        let later = first.starts_with("muster-vault ");
        return Err(unusable(if later { "a later version of Muster wrote it" } else { "it is not one" }));
    }
    let cut = || unusable("it was cut or changed");
    let head = parse_head(lines.next().unwrap_or_default()).ok_or_else(cut)?;
    let head = Head { cost: head.cost.check()?, ..head };
    let body = STANDARD.decode(lines.next().unwrap_or_default()).map_err(|_| cut())?;
    if body.len() < NONCE_BYTES || lines.next().is_some() {
        return Err(cut());
    }
    Ok(Sealed { head, body })
}

fn parse_head(line: &str) -> Option<Head> {
    let mut words = line.split(' ');
    if words.next()? != "argon2id" {
        return None;
    }
    let mut number = |name: &str| words.next()?.strip_prefix(name)?.parse::<u32>().ok();
    let cost = Cost { memory_kib: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
    let salt = STANDARD.decode(words.next()?.strip_prefix("salt=")?).ok()?.try_into().ok()?;
    words.next().is_none().then_some(Head { cost, salt })
}

fn unusable(why: &str) -> Fault {
    Fault::new(FaultCode::VaultUnusable, format!("the file of secrets cannot be used: {why}")).because(why)
}

impl Sealed {
    /// `VaultPassphraseWrong` where the key is not the one it was sealed with, or the file was changed:
    /// the two cannot be told apart.
    pub(super) fn open(&self, key: &Key) -> Result<Items, Fault> {
        let wrong = || {
            Fault::new(
                FaultCode::VaultPassphraseWrong,
                "the passphrase does not open the file of secrets, or the file was changed",
            )
        };
        let (nonce, body) = self.body.split_at(NONCE_BYTES);
        let nonce = XNonce::try_from(nonce).map_err(|_| wrong())?;
        let cipher = XChaCha20Poly1305::new((&**key).into());
        let head = self.head.lines();
        let plain =
            cipher.decrypt(&nonce, Payload { msg: body, aad: head.as_bytes() }).map_err(|_| wrong())?;
        parse_items(&Zeroizing::new(plain)).ok_or_else(|| unusable("its content is not that of a vault"))
    }
}

/// The text of a file with these items.
pub(super) fn seal(head: &Head, key: &Key, items: &Items) -> Result<String, Fault> {
    let mut plain = Zeroizing::new(String::with_capacity(
        items.iter().map(|(name, secret)| name.len() + secret.expose_secret().len() * 4 / 3 + 6).sum(),
    ));
    for (name, secret) in items {
        plain.push_str(name);
        plain.push('\t');
        STANDARD.encode_string(secret.expose_secret(), &mut plain);
        plain.push('\n');
    }
    let lines = head.lines();
    let nonce = XNonce::generate();
    let cipher = XChaCha20Poly1305::new((&**key).into());
    let body = cipher
        .encrypt(&nonce, Payload { msg: plain.as_bytes(), aad: lines.as_bytes() })
        .map_err(|_| unusable("it could not be sealed"))?;
    let body = STANDARD.encode([nonce.as_slice(), &body].concat());
    Ok(format!("{lines}{body}\n"))
}

fn parse_items(plain: &[u8]) -> Option<Items> {
    let mut items = Items::new();
    for line in std::str::from_utf8(plain).ok()?.lines() {
        let (name, secret) = line.split_once('\t')?;
        let secret = Zeroizing::new(STANDARD.decode(secret).ok()?);
        items.insert(name.to_owned(), std::str::from_utf8(&secret).ok()?.into());
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    fn key(byte: u8) -> Key {
        Key::new([byte; 32])
    }

    fn items() -> Items {
        [("host/a/password", "s3cret"), ("host/b/sudo", "密码\nwith a line feed"), ("store/key", "")]
            .map(|(name, secret)| (name.to_owned(), secret.into()))
            .into()
    }

    fn plain(items: &Items) -> Vec<(String, String)> {
        items.iter().map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned())).collect()
    }

    #[test]
    fn what_was_sealed_is_opened_by_its_key_alone() {
        let head = Head::new(COST);
        let text = seal(&head, &key(1), &items()).unwrap();
        for hidden in ["s3cret", "host/a", &STANDARD.encode("s3cret")] {
            assert!(!text.contains(hidden), "{hidden} stands in the file");
        }
        let sealed = parse(&text).unwrap();
        assert_eq!(sealed.head, head);
        assert_eq!(plain(&sealed.open(&key(1)).unwrap()), plain(&items()));
        assert_eq!(sealed.open(&key(2)).unwrap_err().code, FaultCode::VaultPassphraseWrong);
        let again = seal(&head, &key(1), &items()).unwrap();
        assert_ne!(text, again, "each writing has a nonce of its own");
    }

    #[test]
    fn a_changed_byte_anywhere_is_seen() {
        let text = seal(&Head::new(COST), &key(1), &items()).unwrap();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let opened = parse(&changed).and_then(|sealed| sealed.open(&key(1)));
            assert!(opened.is_err(), "the byte {at} was changed and the file opened");
        }
        for at in 0..text.len() - 1 {
            assert!(parse(&text[..at]).and_then(|sealed| sealed.open(&key(1))).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_file_that_asks_for_too_little_or_too_much_is_refused_at_once() {
        let begun = Instant::now();
        let salt = STANDARD.encode([7; SALT_BYTES]);
        let body = STANDARD.encode([0; 60]);
        for cost in ["m=65536 t=1 p=4", "m=1073741824 t=3 p=4", "m=99999999999 t=3 p=4", "m=65536 t=-3 p=4"] {
            let text = format!("{FIRST_LINE}\nargon2id {cost} salt={salt}\n{body}\n");
            assert_eq!(parse(&text).err().unwrap().code, FaultCode::VaultUnusable, "{cost}");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "nothing was computed for them");
        let fault = parse("muster-vault 2\n").err().unwrap();
        assert!(fault.message.contains("later version"), "{fault}");
        assert_eq!(parse("").err().unwrap().code, FaultCode::VaultUnusable);
    }
}
