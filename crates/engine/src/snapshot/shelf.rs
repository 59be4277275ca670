//! The kept tables of all hosts in memory, for questions over all of them.
//!
//! Reading and parsing the files of five hundred hosts takes longer than a person waits for a search.
//! A file is parsed once and again only when it was replaced; a host that is gone is forgotten.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use protocol::Fault;
use protocol::snapshot::Aged;
use serde::de::DeserializeOwned;

use super::{Snapshots, read};

type Stamp = (SystemTime, u64);

/// What was read last, and when its file was written; `None` where there was nothing.
type Kept<T> = (Stamp, Option<Arc<Aged<T>>>);

/// The tables of one noun, by the id of their host.
pub struct Shelf<T> {
    noun: &'static str,
    kept: Mutex<HashMap<String, Kept<T>>>,
}

impl<T: DeserializeOwned> Shelf<T> {
    /// Of a noun of `Snapshots`.
    pub(crate) fn of(noun: &'static str) -> Self {
        Self { noun, kept: Mutex::default() }
    }

    /// What is kept of a host; reads files, so it is for a thread that may wait.
    pub fn get(&self, snapshots: &Snapshots, host_id: &str) -> Result<Option<Arc<Aged<T>>>, Fault> {
        let folder = snapshots.folder(host_id)?;
        let Ok(about) = fs::metadata(folder.join(format!("{}.json", self.noun))) else { return Ok(None) };
        // A file system that tells no time is read each time.
        let stamp = (about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len());
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(host_id).cloned();
        if let Some((then, table)) = known
            && then == stamp
            && stamp.0 != SystemTime::UNIX_EPOCH
        {
            return Ok(table);
        }
        let table = read(&folder, self.noun)?.map(Arc::new);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(host_id.to_owned(), (stamp, table.clone()));
        Ok(table)
    }

    /// Forgets hosts that are not among these.
    pub fn keep_only(&self, host_ids: &HashSet<&str>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|id, _| host_ids.contains(id.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use protocol::sockets::{Socket, SocketTable};

    fn table(port: u16) -> SocketTable {
        SocketTable {
            sockets: vec![Socket { local_port: port, ..Socket::default() }],
            ..SocketTable::default()
        }
    }

    #[tokio::test]
    async fn a_table_is_parsed_once_and_again_when_it_was_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::new(Store::open(dir.path()).await.unwrap().store);
        let shelf = Shelf::<SocketTable>::of("sockets");
        assert!(shelf.get(&snapshots, "a").unwrap().is_none());
        snapshots.keep_sockets("a", 5, table(80)).await.unwrap();
        let first = shelf.get(&snapshots, "a").unwrap().unwrap();
        assert_eq!((first.received_ms, first.value.sockets[0].local_port), (5, 80));
        assert!(Arc::ptr_eq(&first, &shelf.get(&snapshots, "a").unwrap().unwrap()), "the same file twice");
        snapshots.keep_sockets("a", 6, table(8080)).await.unwrap();
        assert_eq!(shelf.get(&snapshots, "a").unwrap().unwrap().value.sockets[0].local_port, 8080);
        shelf.keep_only(&HashSet::new());
        assert!(shelf.kept.lock().unwrap().is_empty());
    }
}
