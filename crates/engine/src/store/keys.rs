//! The key of a sealed store: made once, kept in the place for secrets, named in the clear.
//!
//! A key that cannot be had is said and never replaced: a new one would open nothing.

use std::path::Path;
use std::sync::{Arc, mpsc};

use protocol::credentials::KeyringState;
use protocol::store::StoreNotice;
use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};

use super::fault;
use super::seal::SealKey;
use crate::error::internal;
use crate::secrets::SecretStore;

/// Where the key of the store is kept; `None` where there is no such place.
pub(super) type Place = Option<Arc<dyn SecretStore>>;

fn item(id: &str) -> String {
    format!("store/{id}")
}

/// The key of this name.
///
/// `StoreKeyMissing` if it is gone or is another one; the place's own fault if it gives nothing now.
pub(super) fn find(place: &Place, dir: &Path, id: &str) -> Result<Arc<SealKey>, Fault> {
    let Some(place) = place else {
        return Err(fault::key_missing(dir, id, "there is no place for secrets to take it from"));
    };
    let wanted = item(id);
    let line = patiently(place, move |place| place.get(&wanted)).map_err(|why| Fault {
        message: match why.code {
            FaultCode::KeyringUnavailable => format!(
                "the store in {} is sealed and its key cannot be had: it is in no encrypted file of secrets there (a \
                 secrets.vault that was moved away must be put back), and {}",
                dir.display(),
                why.message
            ),
            _ => format!("the store in {} is sealed and its key cannot be had: {}", dir.display(), why.message),
        },
        ..why
    })?;
    let line = line.ok_or_else(|| fault::key_missing(dir, id, "it is not with the secrets any more"))?;
    match SealKey::parse(&line).filter(|key| key.id() == id) {
        Some(key) => Ok(Arc::new(key)),
        None => Err(fault::key_missing(dir, id, "what is with the secrets in its place is not this key")),
    }
}

/// Makes a key and keeps it; why it cannot be kept, and then nothing is sealed by it.
pub(super) fn make(place: &Place) -> Result<Arc<SealKey>, Fault> {
    let Some(place) = place else {
        return Err(Fault::new(FaultCode::KeyringUnavailable, "there is no place to keep its key in"));
    };
    patiently(place, |place| {
        if let KeyringState::Unavailable { cause } = place.state() {
            return Err(Fault::new(FaultCode::KeyringUnavailable, cause));
        }
        let (key, line) = SealKey::generate();
        put(place, &item(key.id()), &line)?;
        Ok(Arc::new(key))
    })
}

/// Keeps a key that came from elsewhere.
pub(super) fn keep(place: &Place, dir: &Path, key: &SealKey) -> Result<(), Fault> {
    let Some(place) = place else {
        return Err(fault::key_missing(dir, key.id(), "there is no place for secrets to keep it in"));
    };
    let (item, line) = (item(key.id()), key.line());
    patiently(place, move |place| put(place, &item, &line))
}

/// Sees that the key of the open store is still kept, and puts it back if it is not: it is the one thing that
/// opens what is sealed. What there is to tell of that, if there is something.
///
/// The place's own fault if it gives nothing now.
pub(super) fn tend(place: &Arc<dyn SecretStore>, key: &SealKey) -> Result<Option<StoreNotice>, Fault> {
    let (item, line) = (item(key.id()), key.line());
    patiently(place, move |place| {
        if place.get(&item)?.is_some_and(|kept| kept.expose_secret() == line.expose_secret()) {
            return Ok(None);
        }
        let cause = put(place, &item, &line).err().map(|fault| fault.message);
        Ok(Some(StoreNotice::KeyGone { cause }))
    })
}

/// Removes a key that nothing was sealed by.
pub(super) fn forget(place: &Place, id: &str) {
    let Some(place) = place else { return };
    let item = item(id);
    if let Err(fault) = patiently(place, move |place| place.delete(&item)) {
        tracing::warn!(why = %fault, "a key that came to no use stays in the keyring");
    }
}

/// Is sure that the key is kept when it returns.
fn put(place: &dyn SecretStore, item: &str, line: &SecretString) -> Result<(), Fault> {
    place.set(item, line)?;
    match place.get(item)? {
        Some(kept) if kept.expose_secret() == line.expose_secret() => Ok(()),
        _ => Err(Fault::new(FaultCode::KeyringUnavailable, "the keyring gave back another key")),
    }
}

/// Asks the place on a thread of its own: a prompt that nobody answers holds up nothing for ever.
fn patiently<R: Send + 'static>(
    place: &Arc<dyn SecretStore>,
    ask: impl FnOnce(&dyn SecretStore) -> Result<R, Fault> + Send + 'static,
) -> Result<R, Fault> {
    let place = place.clone();
    let (answer, answered) = mpsc::channel();
    let patience = place.patience();
    std::thread::Builder::new()
        .name("store key".into())
        .spawn(move || answer.send(ask(&*place)))
        .map_err(|why| internal("the keyring cannot be asked", why))?;
    answered.recv_timeout(patience).unwrap_or_else(|_| {
        Err(Fault::new(
            FaultCode::KeyringLocked,
            format!("the keyring gave no answer in {} s: it may wait at a prompt", patience.as_secs()),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Memory;

    #[test]
    fn a_key_that_is_gone_or_another_is_said_and_no_new_one_is_made() {
        let memory = Arc::new(Memory::new());
        let place: Place = Some(memory.clone());
        let key = make(&place).unwrap();
        let dir = Path::new("/data");
        assert_eq!(find(&place, dir, key.id()).unwrap().id(), key.id());
        let other = make(&place).unwrap();
        let line = memory.get(&item(other.id())).unwrap().unwrap();
        memory.set(&item(key.id()), &line).unwrap();
        assert_eq!(find(&place, dir, key.id()).err().unwrap().code, FaultCode::StoreKeyMissing);
        assert!(
            tend(place.as_ref().unwrap(), &key).unwrap().is_some(),
            "another line in its place is no key"
        );
        assert_eq!(tend(place.as_ref().unwrap(), &key).unwrap(), None);
        memory.delete(&item(key.id())).unwrap();
        let put_back = tend(place.as_ref().unwrap(), &key).unwrap();
        assert_eq!(put_back, Some(StoreNotice::KeyGone { cause: None }));
        assert_eq!(find(&place, dir, key.id()).unwrap().id(), key.id(), "the very key, and no new one");
        memory.delete(&item(key.id())).unwrap();
        let gone = find(&place, dir, key.id()).err().unwrap();
        assert!(gone.code == FaultCode::StoreKeyMissing && gone.message.contains(key.id()), "{gone}");
        assert!(memory.get(&item(key.id())).unwrap().is_none());
        memory.refuse(Some(Fault::new(FaultCode::KeyringLocked, "the keyring is locked")));
        let locked = find(&place, dir, key.id()).err().unwrap();
        assert_eq!(locked.code, FaultCode::KeyringLocked, "locked is not lost: {locked}");
        assert!(make(&place).is_err());
    }
}
