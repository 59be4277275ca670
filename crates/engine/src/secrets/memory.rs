//! Secrets kept as long as the program runs: for tests, and to try things out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use protocol::Fault;
use protocol::credentials::KeyringState;
use secrecy::SecretString;

use super::SecretStore;

#[derive(Default)]
pub struct Memory {
    items: Mutex<HashMap<String, SecretString>>,
    refusal: Mutex<Option<Fault>>,
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every call fails with this fault, as a locked keyring would; `None` ends it.
    pub fn refuse(&self, fault: Option<Fault>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn allowed(&self) -> Result<(), Fault> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }
}

impl SecretStore for Memory {
    fn get(&self, item: &str) -> Result<Option<SecretString>, Fault> {
        self.allowed()?;
        Ok(self.items.lock().unwrap_or_else(PoisonError::into_inner).get(item).cloned())
    }

    fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault> {
        self.allowed()?;
        self.items.lock().unwrap_or_else(PoisonError::into_inner).insert(item.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, item: &str) -> Result<(), Fault> {
        self.allowed()?;
        self.items.lock().unwrap_or_else(PoisonError::into_inner).remove(item);
        Ok(())
    }

    fn items(&self) -> Result<Vec<String>, Fault> {
        self.allowed()?;
        Ok(self.items.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect())
    }

    fn state(&self) -> KeyringState {
        match self.allowed() {
            Ok(()) => KeyringState::Ready,
            Err(fault) => KeyringState::Unavailable { cause: fault.message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::FaultCode;
    use secrecy::ExposeSecret;

    #[test]
    fn it_keeps_gives_and_forgets() {
        let memory = Memory::new();
        assert!(memory.get("a").unwrap().is_none());
        memory.set("a", &"s3cret".into()).unwrap();
        assert_eq!(memory.get("a").unwrap().unwrap().expose_secret(), "s3cret");
        memory.delete("a").unwrap();
        memory.delete("a").unwrap();
        assert!(memory.get("a").unwrap().is_none());
        memory.refuse(Some(Fault::new(FaultCode::KeyringLocked, "locked")));
        assert_eq!(memory.get("a").unwrap_err().code, FaultCode::KeyringLocked);
        assert!(matches!(memory.state(), KeyringState::Unavailable { .. }));
    }
}
