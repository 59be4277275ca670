//! The open store itself: reads and writes, each inside `guard`, and the sync that makes a write one
//! that is acknowledged.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use protocol::{Fault, FaultCode};
use tempfile::TempDir;

use super::export::{Before, Export};
use super::open::{Places, ROOM_BYTES};
use super::seal::Sealer;
use super::state::{self, STATE_TREE, State, TALLY, Tally, Turn, WRITES};
use super::tree::Rows;
use super::witness::Witness;
use super::{fault, flush, guard, lock, reading, rebuild, value};
use crate::error::internal;

pub(super) struct Inner {
    /// `None` only while it is closed.
    pub(super) db: Option<sled::Db>,
    /// The file behind `db`, to sync what sled wrote to it.
    pub(super) db_file: File,
    /// The data folder, as it is called in words.
    pub(super) dir: PathBuf,
    pub(super) places: Places,
    /// Number of the last committed write; held for the whole of a write.
    pub(super) writes: Mutex<u64>,
    /// How many values there are after that write.
    pub(super) values: AtomicU64,
    pub(super) synced: Mutex<Synced>,
    pub(super) witness: Option<Witness>,
    pub(super) sealer: Sealer,
    /// Why the store is in the clear, where a key was asked for.
    pub(super) not_sealed: Option<String>,
    /// How often it was recovered from damage.
    pub(super) mended: u64,
    /// The last time that it became another.
    pub(super) turn: Option<Turn>,
    /// Why nothing more can be written until it is opened again.
    pub(super) broken: OnceLock<Fault>,
    /// Why nothing can be written at all; this is then a copy to read from.
    pub(super) read_only: Option<Fault>,
    /// What an export under way still needs of the past.
    pub(super) before: Mutex<Option<Before>>,
    /// Held by the export under way.
    pub(super) export_turn: Mutex<()>,
    /// Of a copy to read from: its folder, and the lock on the store that it was made of.
    pub(super) beneath: Option<(TempDir, Option<File>)>,
    /// Held while the store is open; the system lets go of it however the program ends.
    _lock: Arc<File>,
}

#[derive(Default)]
pub(super) struct Synced {
    /// Every write up to this number is on the disk.
    pub(super) through: u64,
    /// How often the file was synced.
    pub(super) times: u64,
}

impl Inner {
    pub(super) fn new(places: &Places, db: sled::Db, lock: Arc<File>) -> Result<Self, Fault> {
        let db_file =
            File::open(places.sled.join("db")).map_err(|why| fault::unwritable(&places.dir, &why))?;
        Ok(Self {
            db: Some(db),
            db_file,
            dir: places.dir.clone(),
            places: places.clone(),
            writes: Mutex::new(0),
            values: AtomicU64::new(0),
            synced: Mutex::new(Synced::default()),
            witness: None,
            sealer: Sealer::default(),
            not_sealed: None,
            mended: 0,
            turn: None,
            broken: OnceLock::new(),
            read_only: None,
            before: Mutex::new(None),
            export_turn: Mutex::new(()),
            beneath: None,
            _lock: lock,
        })
    }

    /// From now on values are sealed so, and writes counted on from here.
    pub(super) fn ready(&mut self, sealer: Sealer, state: &State) {
        self.sealer = sealer;
        self.mended = state.mended;
        self.turn = state.turn.clone();
        self.writes = Mutex::new(state.writes);
        self.values = AtomicU64::new(state.tally.unwrap_or_default().values);
        self.synced = Mutex::new(Synced { through: state.writes, times: 0 });
    }

    pub(super) fn db(&self) -> Result<&sled::Db, Fault> {
        self.db.as_ref().ok_or_else(|| internal("the store", "it is closed"))
    }

    pub(super) fn read<R>(&self, work: impl FnOnce(&Reader<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        self.guarded(|| work(&Reader { inner: self }))
    }

    pub(super) fn write<R>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let (done, number) = self.write_unsynced(work)?;
        if let Some(number) = number {
            self.sync(number)?;
        }
        Ok(done)
    }

    /// The write is committed and has a number, if it changed anything; it is not on the disk yet.
    pub(super) fn write_unsynced<R>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault>,
    ) -> Result<(R, Option<u64>), Fault> {
        let mut writes = lock(&self.writes);
        self.check_whole()?;
        let mut writer = Writer { inner: self, changes: HashMap::new() };
        let done = self.guarded(|| work(&mut writer))?;
        if writer.changes.is_empty() {
            return Ok((done, None));
        }
        self.check_writable()?;
        let number = *writes + 1;
        let (changes, values) = self.guarded(|| {
            let tally = self.tally_after(&writer)?;
            if let Some(before) = lock(&self.before).as_mut() {
                before.note(self, &writer.changes)?;
            }
            for (key, row) in [state::row(TALLY, &tally), state::row(WRITES, &number)].into_iter().flatten() {
                writer.change(STATE_TREE, key, Some(row));
            }
            Ok((writer.changes, tally.values))
        })?;
        self.whole_or_broken(|| self.commit(changes))?;
        *writes = number;
        self.values.store(values, Ordering::Relaxed);
        Ok((done, Some(number)))
    }

    /// Replaces what the store says of itself.
    pub(super) fn tell(&self, state: &State) -> Result<(), Fault> {
        self.write(|writer| {
            for (key, row) in state.rows() {
                writer.change(STATE_TREE, key, Some(row));
            }
            Ok(())
        })
    }

    pub(super) fn state(&self) -> Result<State, Fault> {
        self.guarded(|| State::read(self.db()?).map_err(|why| fault::from_sled(&self.dir, &why)))
    }

    /// Runs `work` inside the guard. What is found to be damaged is looked at closely at the next start.
    fn guarded<R>(&self, work: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
        let done = guard::quietly(work).unwrap_or_else(|why| Err(fault::damaged(&self.dir, &why)));
        if let Err(fault) = &done
            && fault.code == FaultCode::StoreDamaged
            && let Err(why) = fs::write(&self.places.suspect, fault.message.as_bytes())
        {
            tracing::warn!(%why, "that the store is damaged could not be noted");
        }
        done
    }

    /// What there is once these changes are made.
    fn tally_after(&self, writer: &Writer<'_>) -> Result<Tally, Fault> {
        let before = Reader { inner: self };
        let known = writer.row(STATE_TREE, &state::key(TALLY))?;
        let mut tally: Tally = known.and_then(|row| state::parse(&row)).unwrap_or_default();
        for (tree, changed) in writer.changes.iter().filter(|(tree, _)| **tree != STATE_TREE) {
            for (key, row) in changed {
                let length = |row: &Vec<u8>| (key.len() + row.len()) as u64;
                let begins = u64::from(value::begins(key));
                if let Some(was) = before.row(tree, key)? {
                    tally.rows = tally.rows.saturating_sub(1);
                    tally.values = tally.values.saturating_sub(begins);
                    tally.bytes = tally.bytes.saturating_sub(length(&was));
                }
                if let Some(row) = row {
                    tally.rows += 1;
                    tally.values += begins;
                    tally.bytes += length(row);
                }
            }
        }
        Ok(tally)
    }

    /// What can be found, by reading all of it.
    pub(super) fn count(&self) -> Result<Tally, Fault> {
        self.guarded(|| rebuild::count(self.db()?).map_err(|why| fault::from_sled(&self.dir, &why)))
    }

    pub(super) fn schema(&self) -> Result<u32, Fault> {
        let schema = self.state()?.schema.unwrap_or(1);
        u32::try_from(schema).map_err(|_| fault::newer(&self.dir, schema))
    }

    /// Reads every value: how many are whole, and how many are not.
    pub(super) fn verify(&self) -> Result<(u64, u64), Fault> {
        let mut export = Export::begin(self)?;
        let (mut whole, mut broken) = (0, 0);
        loop {
            let values = export.next_values()?;
            if values.is_empty() {
                return Ok((whole, broken + export.broken));
            }
            for value in values {
                *(if value.is_whole(&self.sealer) { &mut whole } else { &mut broken }) += 1;
            }
        }
    }

    /// How much room the files take.
    pub(super) fn size_bytes(&self) -> io::Result<u64> {
        folder_bytes(&self.places.sled)
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
        let (through, values) = {
            let writes = lock(&self.writes);
            (*writes, self.values.load(Ordering::Relaxed))
        };
        self.whole_or_broken(|| {
            flush::flush(self.db()?).map_err(|why| fault::from_sled(&self.dir, &why))?;
            self.db_file.sync_data().map_err(|why| fault::unwritable(&self.dir, &why))
        })?;
        if let Some(witness) = &self.witness {
            witness.note(through, values);
        }
        synced.through = through;
        synced.times += 1;
        Ok(())
    }

    /// After a failed write nobody knows what is in memory and what on disk: no more writes then.
    fn whole_or_broken(&self, work: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
        let done = self.guarded(work);
        if let Err(fault) = &done {
            tracing::error!(%fault, "a write to the store failed; it takes no more until it is opened again");
            self.broken.get_or_init(|| fault.clone());
        }
        done
    }

    fn check_whole(&self) -> Result<(), Fault> {
        self.broken.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Refuses a write before sled would be cut in the middle of it.
    fn check_writable(&self) -> Result<(), Fault> {
        if let Some(fault) = &self.read_only {
            return Err(fault.clone());
        }
        match reading::free_bytes(&self.places.base) {
            Some(free) if free < ROOM_BYTES => {
                let why = io::Error::other(format!("only {} KiB are left on the disk", free / 1024));
                Err(fault::unwritable(&self.dir, &why))
            }
            _ => Ok(()),
        }
    }
}

fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        bytes += if found.is_dir() { folder_bytes(&entry.path())? } else { found.len() };
    }
    Ok(bytes)
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
pub(super) type Changes = HashMap<&'static str, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

/// Sees what is stored.
pub struct Reader<'a> {
    pub(super) inner: &'a Inner,
}

/// Sees what is stored and gathers what shall change. `get` sees its own changes, `scan` what was
/// there before.
pub struct Writer<'a> {
    inner: &'a Inner,
    changes: Changes,
}

impl Rows for Reader<'_> {
    fn row(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let inner = self.inner;
        let from_sled = |why: sled::Error| fault::from_sled(&inner.dir, &why);
        let tree = inner.db()?.open_tree(tree).map_err(from_sled)?;
        Ok(tree.get(key).map_err(from_sled)?.map(|value| value.to_vec()))
    }

    fn rows(&self, tree: &str) -> Result<sled::Tree, Fault> {
        self.inner.db()?.open_tree(tree).map_err(|why| fault::from_sled(&self.inner.dir, &why))
    }

    fn folder(&self) -> &Path {
        &self.inner.dir
    }

    fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }
}

impl Rows for Writer<'_> {
    fn row(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match self.changes.get(tree).and_then(|rows| rows.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => Reader { inner: self.inner }.row(tree, key),
        }
    }

    fn rows(&self, tree: &str) -> Result<sled::Tree, Fault> {
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
    pub(super) fn change(&mut self, tree: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.changes.entry(tree).or_default().insert(key, value);
    }
}
