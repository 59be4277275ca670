//! store: what must outlive the program, in sled, behind typed trees.
//!
//! It is the only place that speaks to sled, and it is built around what sled does not do:
//! - `flush` does not reach the disk on Linux, so every write is followed by `sync_data` on the file
//!   itself before it is acknowledged;
//! - damaged files make it panic, at open and at reading, so nothing of it runs outside `guard`;
//! - a damaged file can open with its newest entries gone, so a witness beside it counts the
//!   acknowledged writes, and a loss is said.
//!
//! One writer at a time; each write is one transaction over all trees it touches. Work happens on
//! blocking threads, never on those of the async runtime. It knows no noun.

mod fault;
mod guard;
mod keys;
mod open;
mod seal;
mod tree;
mod witness;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use protocol::Fault;

pub use seal::Sealer;
pub use tree::{Bytes, Key, Order, Tree, Value, View};

use crate::error::internal;
use crate::secrets::SecretStore;
use witness::Witness;

/// The version of everything written here; a store with a higher one is refused.
pub const SCHEMA: u32 = 2;

const STATE_TREE: &str = "state";
const STATE: Tree<String, u64> = Tree::in_the_clear(STATE_TREE, 1);
/// Names the key of a sealed store. It lies with the state, under a key of its own.
const SEALED_BY: Tree<String, String> = Tree::in_the_clear(STATE_TREE, 1);
const SEALED_BY_KEY: &str = "sealed_by";
/// The tree that sled makes in every store.
const SLEDS_OWN: &[u8] = b"__sled__default";
const WRITES: &str = "writes";
const SCHEMA_KEY: &str = "schema";
/// How many rows all other trees have together: sled passes over a segment whose head is damaged
/// and says nothing, so what is there is counted against what was written.
const ROWS: &str = "rows";

/// A store that was opened, with a sentence on what happened to it, if anything did.
pub struct Opened {
    pub store: Store,
    pub notice: Option<String>,
}

/// A handle on the open store; copies share it. It is closed when the last copy is gone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` only while it is closed.
    db: Option<sled::Db>,
    /// The file behind `db`, to sync what sled wrote to it.
    db_file: File,
    dir: PathBuf,
    /// Number of the last committed write; held for the whole of a write.
    writes: Mutex<u64>,
    synced: Mutex<Synced>,
    witness: Witness,
    sealer: Sealer,
    /// Why nothing more can be written until it is opened again.
    broken: OnceLock<Fault>,
    /// Held while the store is open; the system lets go of it however the program ends.
    _lock: File,
}

#[derive(Default)]
struct Synced {
    /// Every write up to this number is on the disk.
    through: u64,
    /// How often the file was synced.
    times: u64,
}

impl Store {
    /// Opens the store in the folder `dir`, which is made if it is missing. Without a place for its
    /// key, a new store is not sealed and a sealed one does not open.
    pub async fn open(dir: &Path) -> Result<Opened, Fault> {
        let dir = dir.to_owned();
        blocking(move || open::open(&dir, &None)).await
    }

    /// The same, with a place where the key of a sealed store is kept. A new store is sealed if the
    /// place takes a key.
    ///
    /// `StoreInUse` if another program has it open, `StoreNewer` if a later version wrote it,
    /// `StoreUnwritable` if the disk or its rights do not allow it, `StoreDamaged` if its files
    /// cannot be read; the files are then left as they are, with a copy beside them. `StoreKeyMissing`,
    /// or the fault of the place, if its key cannot be had; the files are then not touched.
    pub async fn open_sealed(dir: &Path, place: Arc<dyn SecretStore>) -> Result<Opened, Fault> {
        let dir = dir.to_owned();
        blocking(move || open::open(&dir, &Some(place))).await
    }

    /// The folder that holds the store; other files of the data folder lie beside it.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Seals what lies beside the store's trees as they are sealed.
    pub fn sealer(&self) -> Sealer {
        self.inner.sealer.clone()
    }

    /// Runs `work` on what is stored now.
    pub async fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let inner = self.inner.clone();
        blocking(move || inner.read(work)).await
    }

    /// Runs `work`, then puts all it wrote on the disk at once; nothing of it if `work` fails.
    ///
    /// When this returns, the write is on the disk. It goes on if the caller stops waiting.
    pub async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let inner = self.inner.clone();
        blocking(move || inner.write(work)).await
    }

    /// The same as `write`, and `after` runs on the same thread when it is on the disk, even if the
    /// caller stopped waiting.
    pub async fn write_then<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault> + Send + 'static,
        after: impl FnOnce(&Reader<'_>) -> Result<(), Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let inner = self.inner.clone();
        blocking(move || {
            let done = inner.write(work)?;
            inner.read(after)?;
            Ok(done)
        })
        .await
    }

    /// How often the file was synced to the disk since it was opened.
    #[cfg(test)]
    pub(crate) fn syncs(&self) -> u64 {
        lock(&self.inner.synced).times
    }
}

/// Runs `work` where it may block.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
) -> Result<R, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|why| internal("a task of the store ended early", why))?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn db(&self) -> Result<&sled::Db, Fault> {
        self.db.as_ref().ok_or_else(|| internal("the store", "it is closed"))
    }

    fn read<R>(&self, work: impl FnOnce(&Reader<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        guard::quietly(|| work(&Reader { inner: self }))
            .unwrap_or_else(|why| Err(fault::damaged(&self.dir, &why)))
    }

    fn write<R>(&self, work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        let (done, number) = {
            let mut writes = lock(&self.writes);
            self.check_whole()?;
            let mut writer = Writer { inner: self, changes: HashMap::new() };
            let done = guard::quietly(|| work(&mut writer))
                .unwrap_or_else(|why| Err(fault::damaged(&self.dir, &why)))?;
            if writer.changes.is_empty() {
                return Ok(done);
            }
            let number = *writes + 1;
            let rows = self.rows_after(&writer)?;
            STATE.put(&mut writer, &ROWS.to_owned(), &rows)?;
            STATE.put(&mut writer, &WRITES.to_owned(), &number)?;
            let changes = writer.changes;
            self.whole_or_broken(|| self.commit(changes))?;
            *writes = number;
            (done, number)
        };
        self.sync(number)?;
        Ok(done)
    }

    /// How many rows there are once these changes are made.
    fn rows_after(&self, writer: &Writer<'_>) -> Result<u64, Fault> {
        use tree::Rows;
        let before = Reader { inner: self };
        let mut rows = STATE.get(writer, &ROWS.to_owned())?.unwrap_or(0);
        for (tree, changed) in writer.changes.iter().filter(|(tree, _)| **tree != STATE_TREE) {
            for (key, value) in changed {
                match (before.row(tree, key)?.is_some(), value.is_some()) {
                    (false, true) => rows += 1,
                    (true, false) => rows = rows.saturating_sub(1),
                    (false, false) | (true, true) => {}
                }
            }
        }
        Ok(rows)
    }

    /// How many rows can be found; `None` if some cannot be read, which is told when they are asked for.
    fn count_rows(&self) -> Result<Option<u64>, Fault> {
        let db = self.db()?;
        let counted = guard::quietly(|| -> sled::Result<u64> {
            let mut rows = 0;
            for name in db.tree_names() {
                if name != STATE_TREE.as_bytes() && name != SLEDS_OWN {
                    for key in db.open_tree(name)?.iter().keys() {
                        key?;
                        rows += 1;
                    }
                }
            }
            Ok(rows)
        });
        Ok(counted.ok().and_then(Result::ok))
    }

    /// One transaction over every tree that changed.
    fn commit(&self, changes: Changes) -> Result<(), Fault> {
        let mut trees = Vec::with_capacity(changes.len());
        let mut rows = Vec::with_capacity(changes.len());
        for (name, of_tree) in changes {
            trees.push(self.db()?.open_tree(name).map_err(|why| fault::from_sled(&self.dir, &why))?);
            rows.push(of_tree);
        }
        use sled::Transactional;
        use sled::transaction::{ConflictableTransactionError, TransactionError};
        let done: Result<(), TransactionError<()>> = trees.as_slice().transaction(|views| {
            for (view, rows) in views.iter().zip(&rows) {
                for (key, value) in rows {
                    match value {
                        Some(value) => view.insert(key.as_slice(), value.as_slice()),
                        None => view.remove(key.as_slice()),
                    }
                    .map_err(ConflictableTransactionError::from)?;
                }
            }
            Ok(())
        });
        match done {
            Ok(()) => Ok(()),
            Err(TransactionError::Storage(why)) => Err(fault::from_sled(&self.dir, &why)),
            Err(TransactionError::Abort(())) => Err(internal("the store", "a transaction gave up")),
        }
    }

    /// Waits until the write of this number is on the disk. Writers that wait together share a sync.
    fn sync(&self, number: u64) -> Result<(), Fault> {
        let mut synced = lock(&self.synced);
        if synced.through >= number {
            return Ok(());
        }
        self.check_whole()?;
        let through = *lock(&self.writes);
        self.whole_or_broken(|| {
            self.db()?.flush().map_err(|why| fault::from_sled(&self.dir, &why))?;
            self.db_file.sync_data().map_err(|why| fault::unwritable(&self.dir, &why))
        })?;
        self.witness.note(through);
        synced.through = through;
        synced.times += 1;
        Ok(())
    }

    /// After a failed write nobody knows what is in memory and what on disk: no more writes then.
    fn whole_or_broken(&self, work: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
        let done = guard::quietly(work).unwrap_or_else(|why| Err(fault::damaged(&self.dir, &why)));
        if let Err(fault) = &done {
            tracing::error!(%fault, "a write to the store failed; it takes no more until it is opened again");
            self.broken.get_or_init(|| fault.clone());
        }
        done
    }

    fn check_whole(&self) -> Result<(), Fault> {
        self.broken.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let db = self.db.take();
        if let Err(why) = guard::quietly(move || drop(db)) {
            tracing::error!(why, "the store could not be closed in order");
        }
    }
}

/// Changes of one write: per tree, key to new value or removal.
type Changes = HashMap<&'static str, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

/// Sees what is stored.
pub struct Reader<'a> {
    inner: &'a Inner,
}

/// Sees what is stored and gathers what shall change. `get` sees its own changes, `scan` what was
/// there before.
pub struct Writer<'a> {
    inner: &'a Inner,
    changes: Changes,
}

impl tree::Rows for Reader<'_> {
    fn row(&self, tree: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let inner = self.inner;
        let from_sled = |why: sled::Error| fault::from_sled(&inner.dir, &why);
        let tree = inner.db()?.open_tree(tree).map_err(from_sled)?;
        Ok(tree.get(key).map_err(from_sled)?.map(|value| value.to_vec()))
    }

    fn rows(&self, tree: &'static str) -> Result<sled::Tree, Fault> {
        self.inner.db()?.open_tree(tree).map_err(|why| fault::from_sled(&self.inner.dir, &why))
    }

    fn folder(&self) -> &Path {
        &self.inner.dir
    }

    fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }
}

impl tree::Rows for Writer<'_> {
    fn row(&self, tree: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match self.changes.get(tree).and_then(|rows| rows.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => Reader { inner: self.inner }.row(tree, key),
        }
    }

    fn rows(&self, tree: &'static str) -> Result<sled::Tree, Fault> {
        Reader { inner: self.inner }.rows(tree)
    }

    fn folder(&self) -> &Path {
        &self.inner.dir
    }

    fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }
}

impl Writer<'_> {
    fn change(&mut self, tree: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.changes.entry(tree).or_default().insert(key, value);
    }
}
