//! trust: the host keys that are known, by address and port.
//!
//! It keeps and tells; whether a shown key may be trusted is judged where it is shown. Keys belong
//! to an address, not to a saved host: two saved hosts at one address share them. What a person
//! accepted is kept here; the files of OpenSSH are read beside it, each time anew, and never written.

mod known_hosts;
pub(crate) mod machines;

use std::io::ErrorKind;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::trust::{HostKey, KeyRole, TrustSource, TrustedKey};
use protocol::{Fault, FaultCode};

use crate::clock::Clock;
use crate::error::internal;
use crate::store::{Order, Store, Tree, View};
use known_hosts::{Content, lines_about};

/// By address, port and fingerprint.
const TRUST: Tree<(String, u16, String), TrustedKey> = Tree::new("trust", 1);

/// A known_hosts file is not read beyond this.
const LARGEST_BYTES: u64 = 16 * 1024 * 1024;

/// The known host keys.
#[derive(Clone)]
pub struct Trust {
    store: Store,
    clock: Clock,
    /// Accepted for one connection, which this program made; it may come back after a cut.
    once: Arc<Mutex<Vec<TrustedKey>>>,
    files: Arc<[PathBuf]>,
    machines: Arc<machines::Kept>,
}

/// What is known of an address and port.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub keys: Vec<TrustedKey>,
    /// What could not be read of it, in words.
    pub notes: Vec<String>,
}

impl Known {
    /// A host that is not known may be so because something could not be read: that is said too.
    pub fn add_notes(&self, mut fault: Fault) -> Fault {
        if fault.code == FaultCode::HostKeyUnknown && !self.notes.is_empty() {
            fault.message = format!("{}; {}", fault.message, self.notes.join("; "));
        }
        fault
    }
}

impl Trust {
    /// With the known_hosts files of this user and of this computer.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self::with_files(store, clock, openssh_files())
    }

    /// With these known_hosts files.
    pub fn with_files(store: Store, clock: Clock, files: Vec<PathBuf>) -> Self {
        Self { store, clock, once: Arc::default(), files: files.into(), machines: Arc::default() }
    }

    /// The keys known for this address and port, from all sources.
    pub async fn known(&self, address: &str, port: u16) -> Result<Known, Fault> {
        let (at_address, files) = (address.to_owned(), self.files.clone());
        let mut known = tokio::task::spawn_blocking(move || read_files(&files, &at_address, port))
            .await
            .map_err(|why| internal("reading known_hosts ended early", why))?;
        let mut keys = self.accepted(address, port).await?;
        keys.append(&mut known.keys);
        Ok(Known { keys, ..known })
    }

    /// The same for a connection: a key that was accepted for one is used up by it.
    pub async fn known_to_connect(&self, address: &str, port: u16) -> Result<Known, Fault> {
        let known = self.known(address, port).await?;
        let used: Vec<TrustedKey> = known.keys.iter().filter(|key| key.once).cloned().collect();
        if !used.is_empty() {
            self.kept_once().retain(|kept| !used.contains(kept));
            self.kept_once().extend(used.iter().cloned());
            self.store
                .write(move |writer| {
                    used.iter().try_for_each(|key| {
                        TRUST.remove(writer, &place(&key.address, key.port, &key.key.fingerprint)).map(drop)
                    })
                })
                .await?;
        }
        Ok(known)
    }

    /// The keys that a person accepted for this address and port.
    pub async fn accepted(&self, address: &str, port: u16) -> Result<Vec<TrustedKey>, Fault> {
        let at_address = address.to_owned();
        let mut keys = self.store.read(move |reader| at(reader, &at_address, port)).await?;
        let once = self.kept_once();
        let here =
            |key: &&TrustedKey| same_address(&key.address) == same_address(address) && key.port == port;
        for key in once.iter().filter(here) {
            if !keys.iter().any(|kept| kept.key == key.key) {
                keys.push(key.clone());
            }
        }
        Ok(keys)
    }

    fn kept_once(&self) -> std::sync::MutexGuard<'_, Vec<TrustedKey>> {
        self.once.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a key, for good or for the next connection; it is on the disk when this returns. The
    /// first acceptance of a key for good stands.
    pub async fn accept(
        &self,
        address: &str,
        port: u16,
        key: HostKey,
        by: &str,
        once: bool,
    ) -> Result<TrustedKey, Fault> {
        let accepted = TrustedKey {
            address: address.to_owned(),
            port,
            key,
            accepted_ms: Some(self.clock.now_ms()),
            accepted_by: by.to_owned(),
            role: KeyRole::Host,
            source: TrustSource::Muster,
            once,
        };
        self.store
            .write(move |writer| {
                let place = place(&accepted.address, port, &accepted.key.fingerprint);
                if let Some(before) = TRUST.get(writer, &place)?
                    && !before.once
                {
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

    /// Forgets the accepted keys of this address and port, or the one with this fingerprint, and tells
    /// how many there were.
    pub async fn forget(&self, address: &str, port: u16, fingerprint: Option<&str>) -> Result<u32, Fault> {
        let meant = {
            let fingerprint = fingerprint.map(str::to_owned);
            move |key: &TrustedKey| fingerprint.as_ref().is_none_or(|only| key.key.fingerprint == *only)
        };
        let at_once = {
            let mut once = self.kept_once();
            let before = once.len();
            once.retain(|key| {
                same_address(&key.address) != same_address(address) || key.port != port || !meant(key)
            });
            before - once.len()
        };
        let address = address.to_owned();
        let stored = self
            .store
            .write(move |writer| {
                let keys: Vec<_> = at(writer, &address, port)?.into_iter().filter(&meant).collect();
                for key in &keys {
                    TRUST.remove(writer, &place(&address, port, &key.key.fingerprint))?;
                }
                Ok(keys.len())
            })
            .await?;
        Ok(u32::try_from(stored + at_once).unwrap_or(u32::MAX))
    }
}

/// The accepted keys in the format of known_hosts.
pub fn export(keys: &[TrustedKey]) -> String {
    keys.iter()
        .filter(|key| key.role == KeyRole::Host && !key.once)
        .map(|key| known_hosts::line_of(&key.address, key.port, &key.key, &key.accepted_by))
        .collect()
}

/// The files that ssh_config(5) names as the default of UserKnownHostsFile and GlobalKnownHostsFile.
fn openssh_files() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let own = home
        .into_iter()
        .flat_map(|home| ["known_hosts", "known_hosts2"].map(|name| home.join(".ssh").join(name)));
    let all = ["ssh_known_hosts", "ssh_known_hosts2"].map(|name| Path::new("/etc/ssh").join(name));
    own.chain(all).collect()
}

fn read_files(files: &[PathBuf], address: &str, port: u16) -> Known {
    let mut known = Known::default();
    for file in files {
        let name = file.display().to_string();
        let text = match read_file(file) {
            Ok(Some(text)) => text,
            Ok(None) => continue,
            Err(why) => {
                known
                    .notes
                    .push(format!("{name} cannot be read ({why}): what it says of this host is not known"));
                continue;
            }
        };
        for line in lines_about(&text, address, port) {
            match line.content {
                Content::Odd(why) => known.notes.push(format!("line {} of {name} {why}", line.number)),
                Content::Key { role, key } => known.keys.push(TrustedKey {
                    address: address.to_owned(),
                    port,
                    key,
                    accepted_ms: None,
                    accepted_by: String::new(),
                    role,
                    source: TrustSource::KnownHosts { file: name.clone(), line: line.number },
                    once: false,
                }),
            }
        }
    }
    known
}

/// `None` if there is no such file.
fn read_file(file: &Path) -> std::io::Result<Option<String>> {
    use std::io::Read;
    let opened = match std::fs::File::open(file) {
        Ok(opened) => opened,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    if !opened.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    if opened.take(LARGEST_BYTES + 1).read_to_end(&mut bytes)? as u64 > LARGEST_BYTES {
        return Err(std::io::Error::other("it is larger than 16 MiB"));
    }
    // A line that is no text is an odd one; the others count.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn place(address: &str, port: u16, fingerprint: &str) -> (String, u16, String) {
    (same_address(address), port, fingerprint.to_owned())
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
mod tests;
