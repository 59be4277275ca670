//! Secrets in the keyring of the operating system: Secret Service, Keychain, Credential Manager.
//!
//! Each secret is one line of base64: some keyrings keep UTF-8 alone, and one loses everything it
//! holds over a line feed. What was written is read back before it counts as kept.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring_core::{Entry, Error};
use protocol::credentials::KeyringState;
use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::SecretStore;

/// The name under which the keyring shows our items.
const SERVICE: &str = "muster";

/// The keyring of this computer's user.
#[derive(Debug, Default)]
pub struct Keyring {
    _private: (),
}

impl Keyring {
    pub fn new() -> Self {
        Self::default()
    }
}

impl SecretStore for Keyring {
    fn get(&self, item: &str) -> Result<Option<SecretString>, Fault> {
        match with_entry(item, |entry| entry.get_password().map(Zeroizing::new)) {
            Ok(line) => decode(&line).map(Some),
            Err(Error::NoEntry) => Ok(None),
            Err(why) => Err(fault("read", &why)),
        }
    }

    fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault> {
        let line = Zeroizing::new(STANDARD.encode(secret.expose_secret()));
        with_entry(item, |entry| entry.set_password(&line)).map_err(|why| fault("written", &why))?;
        let kept = with_entry(item, |entry| entry.get_password().map(Zeroizing::new))
            .map_err(|why| fault("read back", &why))?;
        if *kept != *line {
            return Err(unavailable("it gave back something other than what was saved"));
        }
        Ok(())
    }

    fn delete(&self, item: &str) -> Result<(), Fault> {
        match with_entry(item, Entry::delete_credential) {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(why) => Err(fault("removed", &why)),
        }
    }

    fn items(&self) -> Result<Vec<String>, Fault> {
        let found = connect(false)
            .and_then(|()| Entry::search(&HashMap::from([("service", SERVICE)])))
            .map_err(|why| fault("listed", &why))?;
        let names = found.iter().filter_map(Entry::get_specifiers);
        Ok(names.filter(|(service, _)| service == SERVICE).map(|(_, item)| item).collect())
    }

    fn state(&self) -> KeyringState {
        match connect(false) {
            Ok(()) => KeyringState::Ready,
            Err(why) => KeyringState::Unavailable { cause: fault("reached", &why).message },
        }
    }
}

/// Runs `work` on the item; once more over a new connection if the old one broke.
fn with_entry<R>(item: &str, work: impl Fn(&Entry) -> Result<R, Error>) -> Result<R, Error> {
    connect(false)?;
    match Entry::new(SERVICE, item).and_then(|entry| work(&entry)) {
        // What a person refused is not asked a second time.
        Err(Error::PlatformFailure(why)) if withheld(&*why).is_none() => {
            tracing::debug!(%why, "the keyring's connection broke; trying a new one");
            connect(true)?;
            Entry::new(SERVICE, item).and_then(|entry| work(&entry))
        }
        done => done,
    }
}

/// Connects to the keyring unless that was done; a start before the keyring's own is made up for.
fn connect(anew: bool) -> Result<(), Error> {
    if !anew && keyring_core::get_default_store().is_some() {
        return Ok(());
    }
    if !anew && keyring::Entry::store_status().is_ok() {
        return Ok(());
    }
    reconnect()
}

#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
fn reconnect() -> Result<(), Error> {
    keyring_core::set_default_store(zbus_secret_service_keyring_store::Store::new()?);
    Ok(())
}

#[cfg(not(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android")))))]
fn reconnect() -> Result<(), Error> {
    match keyring::Entry::store_status() {
        Ok(()) => Ok(()),
        Err(why) => Err(Error::BadStoreFormat(why.to_string())),
    }
}

fn decode(line: &str) -> Result<SecretString, Fault> {
    // Nothing of the line goes into the words: it may be a secret that somebody saved by hand.
    let bad = || unavailable("the item there was not saved by Muster");
    let bytes = Zeroizing::new(STANDARD.decode(line.trim()).map_err(|_| bad())?);
    Ok(std::str::from_utf8(&bytes).map_err(|_| bad())?.into())
}

fn unavailable(why: &str) -> Fault {
    Fault::new(FaultCode::KeyringUnavailable, format!("this computer's keyring cannot be used: {why}"))
        .because(why)
}

fn fault(done: &str, why: &Error) -> Fault {
    match why {
        Error::NoStorageAccess(cause) => withheld(&**cause).unwrap_or_else(|| locked(&cause.to_string())),
        Error::NoDefaultStore => unavailable("it was not reached"),
        Error::PlatformFailure(cause) => withheld(&**cause).unwrap_or_else(|| {
            unavailable(&format!(
                "the item could not be {done}, because there is no Secret Service to speak with ({cause})"
            ))
        }),
        // These two carry the item's bytes; their text does not, and nothing else of them is used.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            unavailable("the item there was not saved by Muster")
        }
        other => unavailable(&format!("the item could not be {done} ({other})")),
    }
}

/// Why a keyring that is there gave nothing, by the library's own word for it. It has the same words for a call
/// that it lists as a failure of the platform.
fn withheld(cause: &(dyn std::error::Error + Send + Sync)) -> Option<Fault> {
    match format!("{cause:?}").as_str() {
        "Prompt" | "PromptDisconnected" => {
            Some(locked("its prompt to unlock it was dismissed or could not be shown"))
        }
        "Locked" => Some(locked("it is locked")),
        "NoResult" => Some(unavailable("it has no default collection to keep secrets in, and none was made")),
        _ => None,
    }
}

fn locked(why: &str) -> Fault {
    Fault::new(FaultCode::KeyringLocked, format!("this computer's keyring gave nothing: {why}")).because(why)
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
