//! snapshot: the last known state of each host, for when it cannot be asked.
//!
//! It comes anew every few seconds and is worth nothing once it is replaced, so it lies in plain
//! files beside the store, one for each host and noun, replaced by renaming and not synced: a power
//! cut may cost the newest, never the log. A file that cannot be read counts as none, and is said
//! in the log.

mod glance;
mod shelf;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::hosts::HostGlance;
use protocol::metrics::Metrics;
use protocol::processes::{Process, ProcessTable};
use protocol::services::ServiceTable;
use protocol::snapshot::{Aged, Snapshot};
use protocol::sockets::SocketTable;
use protocol::system::System;
use protocol::{Fault, FaultCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::error::internal;
use crate::runtime::in_turn;
use crate::store::Store;

pub use glance::glance;
pub use shelf::Shelf;

/// Sockets that are kept of a host; the others are counted.
const SOCKETS: usize = 5_000;
const SERVICES: usize = 5_000;
/// Processes that are kept of each kind: most CPU, most memory. The others are counted.
const LARGEST_PROCESSES: usize = 100;

/// Files that are written or read at the same time.
const AT_ONCE: usize = 4;

/// Newer formats of a file are not read.
const FORMAT: u8 = 1;

/// The last known state of each host.
#[derive(Clone)]
pub struct Snapshots {
    dir: PathBuf,
    /// Some hundreds of hosts write at once; a thread for each would cost more than it saves.
    turns: Arc<Semaphore>,
    /// Holds the store's lock, which covers these files too.
    _store: Store,
}

/// A file, around the value in it.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    format: u8,
    received_ms: i64,
    value: T,
}

impl Snapshots {
    pub fn new(store: Store) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { dir: store.dir().join("snapshots"), turns, _store: store }
    }

    pub async fn keep_system(&self, host_id: &str, received_ms: i64, value: System) -> Result<(), Fault> {
        self.keep(host_id, "system", received_ms, value).await
    }

    pub async fn keep_metrics(&self, host_id: &str, received_ms: i64, value: Metrics) -> Result<(), Fault> {
        self.keep(host_id, "metrics", received_ms, value).await
    }

    /// Listening sockets are kept first; what is over the cap is added to `left_out`.
    pub async fn keep_sockets(
        &self,
        host_id: &str,
        received_ms: i64,
        mut value: SocketTable,
    ) -> Result<(), Fault> {
        let over = value.sockets.len().saturating_sub(SOCKETS);
        if over > 0 {
            value.sockets.sort_by_key(|socket| !socket.is_listening());
            value.sockets.truncate(SOCKETS);
            value.left_out = value.left_out.saturating_add(u32::try_from(over).unwrap_or(u32::MAX));
        }
        self.keep(host_id, "sockets", received_ms, value).await
    }

    /// Those with most CPU and those with most memory are kept; the rest is added to `left_out`.
    pub async fn keep_processes(
        &self,
        host_id: &str,
        received_ms: i64,
        mut value: ProcessTable,
    ) -> Result<(), Fault> {
        let before = value.processes.len();
        value.processes.sort_by_key(|process| std::cmp::Reverse(process.rss_bytes));
        let mut rest = value.processes.split_off(before.min(LARGEST_PROCESSES));
        let share = |process: &Process| process.cpu_pct.unwrap_or(0.0);
        rest.sort_by(|a, b| share(b).total_cmp(&share(a)).then(b.cpu_ms.cmp(&a.cpu_ms)));
        rest.truncate(LARGEST_PROCESSES);
        value.processes.append(&mut rest);
        value.processes.sort_by_key(|process| process.pid);
        let over = u32::try_from(before - value.processes.len()).unwrap_or(u32::MAX);
        value.left_out = value.left_out.saturating_add(over);
        self.keep(host_id, "processes", received_ms, value).await
    }

    pub async fn keep_services(
        &self,
        host_id: &str,
        received_ms: i64,
        mut value: ServiceTable,
    ) -> Result<(), Fault> {
        value.services.truncate(SERVICES);
        self.keep(host_id, "services", received_ms, value).await
    }

    /// What is known of a host; each noun is `None` until it was kept once.
    pub async fn show(&self, host_id: &str) -> Result<Snapshot, Fault> {
        let folder = self.folder(host_id)?;
        self.blocking(move || {
            Ok(Snapshot {
                system: read(&folder, "system")?,
                metrics: read(&folder, "metrics")?,
                processes: read(&folder, "processes")?,
                sockets: read(&folder, "sockets")?,
                services: read(&folder, "services")?,
            })
        })
        .await
    }

    /// The numbers for a row of the list, without the big tables; `None` if nothing is known.
    pub async fn glance(&self, host_id: &str) -> Result<Option<HostGlance>, Fault> {
        let folder = self.folder(host_id)?;
        self.blocking(move || glance_of(&folder)).await
    }

    /// The same for many hosts, in their order.
    pub async fn glances(&self, host_ids: &[String]) -> Result<Vec<Option<HostGlance>>, Fault> {
        let folders = host_ids.iter().map(|id| self.folder(id)).collect::<Result<Vec<_>, _>>()?;
        self.blocking(move || folders.iter().map(|folder| glance_of(folder)).collect()).await
    }

    /// Removes all that is kept of a host.
    pub async fn forget(&self, host_id: &str) -> Result<(), Fault> {
        let folder = self.folder(host_id)?;
        self.blocking(move || match fs::remove_dir_all(&folder) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(unwritable(&folder, &why)),
            _ => Ok(()),
        })
        .await
    }

    async fn keep<T: Serialize + Send + 'static>(
        &self,
        host_id: &str,
        noun: &'static str,
        received_ms: i64,
        value: T,
    ) -> Result<(), Fault> {
        let folder = self.folder(host_id)?;
        self.blocking(move || {
            let kept = Kept { format: FORMAT, received_ms, value };
            let text = serde_json::to_vec(&kept).map_err(|why| internal("a snapshot cannot be kept", why))?;
            replace(&folder, noun, &text).map_err(|why| unwritable(&folder, &why))
        })
        .await
    }

    async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let turn = self.turns.clone().acquire_owned().await;
        in_turn(turn, "a task of the snapshots ended early", work).await
    }

    /// Ids are made here, but a name for a folder is checked where it is used.
    fn folder(&self, host_id: &str) -> Result<PathBuf, Fault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if host_id.is_empty() || host_id.len() > 64 || !host_id.chars().all(plain) {
            return Err(internal("a snapshot", "the id of its host is not one of Muster's"));
        }
        Ok(self.dir.join(host_id))
    }
}

fn glance_of(folder: &Path) -> Result<Option<HostGlance>, Fault> {
    let system: Option<Aged<System>> = read(folder, "system")?;
    let metrics: Option<Aged<Metrics>> = read(folder, "metrics")?;
    Ok(glance(system.as_ref(), metrics.as_ref()))
}

fn replace(folder: &Path, noun: &str, text: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Two keepers of one noun at once must not share a file.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let new = folder.join(format!("{noun}.{}.new", NEXT.fetch_add(1, Ordering::Relaxed)));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(text))
        .and_then(|()| fs::rename(&new, folder.join(format!("{noun}.json"))));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn read<T: DeserializeOwned>(folder: &Path, noun: &str) -> Result<Option<Aged<T>>, Fault> {
    let path = folder.join(format!("{noun}.json"));
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => {
            return Err(Fault::new(
                FaultCode::StoreDamaged,
                format!("the snapshot {} cannot be read: {why}", path.display()),
            )
            .about(path.display().to_string())
            .because(why.to_string()));
        }
    };
    match serde_json::from_slice::<Kept<T>>(&text) {
        Ok(kept) if kept.format <= FORMAT => {
            Ok(Some(Aged { received_ms: kept.received_ms, value: kept.value }))
        }
        Ok(_) => Ok(None),
        Err(why) => {
            tracing::warn!(path = %path.display(), line = why.line(), column = why.column(), "a snapshot is damaged and counts as none");
            Ok(None)
        }
    }
}

fn unwritable(folder: &Path, why: &io::Error) -> Fault {
    Fault::new(
        FaultCode::StoreUnwritable,
        format!("the snapshot in {} cannot be written: {why}", folder.display()),
    )
    .about(folder.display().to_string())
    .because(why.to_string())
}

#[cfg(test)]
mod tests;
