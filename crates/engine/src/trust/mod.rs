//! trust: the host keys that a person accepted, by address and port.
//!
//! It keeps and tells; whether a shown key may be trusted is judged where it is shown. Keys belong
//! to an address, not to a saved host: two saved hosts at one address share them.

use std::ops::{Bound, ControlFlow};

use protocol::Fault;
use protocol::trust::{HostKey, TrustedKey};

use crate::clock::Clock;
use crate::store::{Order, Store, Tree, View};

/// By address, port and fingerprint.
const TRUST: Tree<(String, u16, String), TrustedKey> = Tree::new("trust", 1);

/// The accepted host keys.
#[derive(Clone)]
pub struct Trust {
    store: Store,
    clock: Clock,
}

impl Trust {
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// The keys accepted for this address and port.
    pub async fn known(&self, address: &str, port: u16) -> Result<Vec<TrustedKey>, Fault> {
        let address = address.to_owned();
        self.store.read(move |reader| at(reader, &address, port)).await
    }

    /// Accepts a key; it is on the disk when this returns. The first acceptance of a key stands.
    pub async fn accept(
        &self,
        address: &str,
        port: u16,
        key: HostKey,
        by: &str,
    ) -> Result<TrustedKey, Fault> {
        let accepted = TrustedKey {
            address: address.to_owned(),
            port,
            key,
            accepted_ms: self.clock.now_ms(),
            accepted_by: by.to_owned(),
        };
        self.store
            .write(move |writer| {
                let place = (same_address(&accepted.address), port, accepted.key.fingerprint.clone());
                if let Some(before) = TRUST.get(writer, &place)? {
                    return Ok(before);
                }
                TRUST.put(writer, &place, &accepted)?;
                Ok(accepted)
            })
            .await
    }

    /// All accepted keys, by address and port.
    pub async fn list(&self) -> Result<Vec<TrustedKey>, Fault> {
        self.store.read(|reader| Ok(TRUST.list(reader, ..)?.into_iter().map(|(_, key)| key).collect())).await
    }

    /// Forgets the keys of this address and port and tells how many there were.
    pub async fn forget(&self, address: &str, port: u16) -> Result<u32, Fault> {
        let address = address.to_owned();
        self.store
            .write(move |writer| {
                let keys = at(writer, &address, port)?;
                for key in &keys {
                    TRUST.remove(writer, &(same_address(&address), port, key.key.fingerprint.clone()))?;
                }
                Ok(u32::try_from(keys.len()).unwrap_or(u32::MAX))
            })
            .await
    }
}

fn at(view: &impl View, address: &str, port: u16) -> Result<Vec<TrustedKey>, Fault> {
    let address = same_address(address);
    let mut keys = Vec::new();
    let from = (Bound::Included((address.clone(), port, String::new())), Bound::Unbounded);
    TRUST.scan(view, from, Order::LowestFirst, |(at, on, _), key| {
        if (at, on) != (address.clone(), port) {
            return Ok(ControlFlow::Break(()));
        }
        keys.push(key);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(keys)
}

/// Host names and IPv6 addresses mean the same in any case.
fn same_address(address: &str) -> String {
    address.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fingerprint: &str) -> HostKey {
        HostKey {
            algorithm: "ssh-ed25519".into(),
            fingerprint: fingerprint.into(),
            openssh: "ssh-ed25519 AAAA".into(),
        }
    }

    #[tokio::test]
    async fn a_key_counts_for_its_address_and_port_alone() {
        let dir = tempfile::tempdir().unwrap();
        let opened = Store::open(dir.path()).await.unwrap();
        let trust = Trust::new(opened.store, Clock::standing_at(5));
        for (address, port, fingerprint) in [
            ("Web", 22, "SHA256:b"),
            ("web", 22, "SHA256:a"),
            ("web", 23, "SHA256:c"),
            ("web-2", 22, "SHA256:d"),
            ("we", 65535, "SHA256:e"),
        ] {
            trust.accept(address, port, key(fingerprint), "ann").await.unwrap();
        }
        let known = trust.known("WEB", 22).await.unwrap();
        let fingerprints: Vec<_> = known.iter().map(|key| key.key.fingerprint.as_str()).collect();
        assert_eq!(fingerprints, ["SHA256:a", "SHA256:b"]);
        assert_eq!(trust.known("we", 65535).await.unwrap().len(), 1);
        assert!(trust.known("w", 22).await.unwrap().is_empty());
        assert_eq!(trust.forget("web", 22).await.unwrap(), 2);
        assert!(trust.known("web", 22).await.unwrap().is_empty());
        assert_eq!(trust.list().await.unwrap().len(), 3, "other addresses and ports keep theirs");
        assert_eq!(trust.forget("web", 22).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn the_first_acceptance_of_a_key_stands() {
        let dir = tempfile::tempdir().unwrap();
        let opened = Store::open(dir.path()).await.unwrap();
        let trust = Trust::new(opened.store, Clock::standing_at(5));
        trust.accept("web", 22, key("SHA256:a"), "ann").await.unwrap();
        trust.clock.set(9);
        let again = trust.accept("web", 22, key("SHA256:a"), "bob").await.unwrap();
        assert_eq!((again.accepted_ms, again.accepted_by.as_str()), (5, "ann"));
    }
}
