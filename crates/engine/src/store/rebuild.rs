//! A fresh store from values: for a restore, a migration, a sealing, a recovery, and to give space back.
//!
//! It is made in a folder beside the store and takes its place only when it is whole, on the disk and
//! read again; see `swap`.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use protocol::Fault;

use super::value::{self, RawValue};
use super::{SLEDS_OWN, STATE_TREE, State, Tally, fault, flush, guard, open};
use crate::error::internal;

/// Bytes that are handed to sled at once.
const BATCH_BYTES: usize = 256 << 10;

pub(super) struct Builder<'a> {
    /// For the words of faults.
    dir: &'a Path,
    folder: &'a Path,
    db: sled::Db,
    trees: HashMap<String, (sled::Tree, sled::Batch)>,
    waiting_bytes: usize,
    tally: Tally,
}

impl<'a> Builder<'a> {
    /// Begins in `folder`, which must not be there or holds what was not finished.
    pub(super) fn begin(dir: &'a Path, folder: &'a Path) -> Result<Self, Fault> {
        let unwritable = |why: io::Error| fault::unwritable(dir, &why);
        remove(folder).map_err(unwritable)?;
        DirBuilder::new().mode(0o700).create(folder).map_err(unwritable)?;
        let db = open::try_sled(folder).map_err(|refusal| refusal.told(dir))?;
        Ok(Self { dir, folder, db, trees: HashMap::new(), waiting_bytes: 0, tally: Tally::default() })
    }

    pub(super) fn put(&mut self, raw: &RawValue) -> Result<(), Fault> {
        let rows = raw.cut().ok_or_else(|| internal("a value cannot be kept", "it is too long"))?;
        if !self.trees.contains_key(&raw.tree) {
            let tree = self.sled(|db| db.open_tree(&raw.tree))?;
            self.trees.insert(raw.tree.clone(), (tree, sled::Batch::default()));
        }
        let Some((_, batch)) = self.trees.get_mut(&raw.tree) else {
            return Err(internal("a store is made", "a tree is missing"));
        };
        for (key, row) in rows {
            self.tally.add(&key, &row);
            self.waiting_bytes += key.len() + row.len();
            batch.insert(key, row);
        }
        if self.waiting_bytes >= BATCH_BYTES { self.hand_over() } else { Ok(()) }
    }

    pub(super) fn values(&self) -> u64 {
        self.tally.values
    }

    /// Whether a value of this tree and key was put before. What still waits is not seen: see `hand_over`.
    pub(super) fn has(&self, raw: &RawValue) -> Result<bool, Fault> {
        match self.trees.get(&raw.tree) {
            Some((tree, _)) => {
                let key = value::piece_key(&raw.key, 0);
                self.sled(|_| tree.contains_key(&key))
            }
            None => Ok(false),
        }
    }

    /// Gives what waits to sled.
    pub(super) fn hand_over(&mut self) -> Result<(), Fault> {
        self.waiting_bytes = 0;
        let mut trees = std::mem::take(&mut self.trees);
        let done = self.sled(|_| {
            trees.values_mut().try_for_each(|(tree, batch)| tree.apply_batch(std::mem::take(batch)))
        });
        self.trees = trees;
        done
    }

    /// Writes what the store says of itself, brings all of it to the disk and reads it again.
    pub(super) fn finish(mut self, state: State) -> Result<Tally, Fault> {
        self.hand_over()?;
        let state = State { tally: Some(self.tally), ..state };
        self.sled(|db| {
            let tree = db.open_tree(STATE_TREE)?;
            state.rows().into_iter().try_for_each(|(key, row)| tree.insert(key, row).map(drop))?;
            flush::flush(db)
        })?;
        let Self { dir, folder, db, trees, tally, .. } = self;
        drop(trees);
        guard::quietly(move || drop(db)).map_err(|why| fault::damaged(dir, &why))?;
        // What sled reads back is what will be there.
        let again = open::try_sled(folder).map_err(|refusal| refusal.told(dir))?;
        let read = guard::quietly(|| count(&again)).map_err(|why| fault::damaged(dir, &why))?;
        let read = read.map_err(|why| fault::from_sled(dir, &why))?;
        guard::quietly(move || drop(again)).map_err(|why| fault::damaged(dir, &why))?;
        if read != tally {
            return Err(fault::damaged(dir, "a fresh copy of it did not read back as it was written"));
        }
        sync_folder(folder).map_err(|why| fault::unwritable(dir, &why))?;
        Ok(tally)
    }

    fn sled<R>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<R>) -> Result<R, Fault> {
        guard::quietly(|| work(&self.db))
            .map_err(|why| fault::damaged(self.dir, &why))?
            .map_err(|why| fault::from_sled(self.dir, &why))
    }
}

/// What the trees hold together, by reading all of it.
pub(super) fn count(db: &sled::Db) -> sled::Result<Tally> {
    let mut tally = Tally::default();
    for name in db.tree_names() {
        if name != STATE_TREE.as_bytes() && name != SLEDS_OWN {
            for row in db.open_tree(name)?.iter() {
                let (key, row) = row?;
                tally.add(&key, &row);
            }
        }
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, key: &[u8], row: &[u8]) {
        self.rows += 1;
        self.values += u64::from(value::begins(key));
        self.bytes += (key.len() + row.len()) as u64;
    }
}

/// Brings every file of a folder, and their names, to the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folder(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Takes a folder away, if it is there.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

/// Brings the name of a new file or folder to the disk.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}
