//! Opening the store: the lock, the format, and what to do with damaged files.
//!
//! Nothing is repaired before it is copied. A store that cannot be read stays as it is, beside its
//! copy, and is refused at each start until a person moves it: an empty store never takes its place.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use protocol::{Fault, FaultCode};

use super::keys::{self, Place};
use super::seal::Sealer;
use super::witness::{Testimony, Witness};
use super::{
    Inner, Opened, ROWS, Reader, SCHEMA, SCHEMA_KEY, SEALED_BY, SEALED_BY_KEY, STATE, Store, Synced, WRITES,
    fault, guard,
};

const CACHE_BYTES: u64 = 32 << 20;
/// Another program that is just ending gets this long to let go.
const LOCK_TRIES: u32 = 6;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Up to this number of rows, they are counted at each start.
const ROWS_COUNTED: u64 = 200_000;

/// Up to this size, the files are held as they are found until sled has opened them: it changes
/// damaged files even where it then gives up.
const HELD_BYTES: u64 = 64 << 20;

/// The files of a store in its data folder.
struct Places {
    dir: PathBuf,
    /// sled's own folder.
    sled: PathBuf,
    lock: PathBuf,
    witness: PathBuf,
    /// Names the copy that was made of a store that cannot be read.
    copied: PathBuf,
}

/// Files as they were found, by their path in sled's folder.
type Found = Vec<(PathBuf, Vec<u8>)>;

impl Places {
    fn of(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            sled: dir.join("store"),
            lock: dir.join("store.lock"),
            witness: dir.join("store.witness"),
            copied: dir.join("store.damaged"),
        }
    }
}

pub(super) fn open(dir: &Path, place: &Place) -> Result<Opened, Fault> {
    let places = Places::of(dir);
    let unwritable = |why: io::Error| fault::unwritable(dir, &why);
    DirBuilder::new().recursive(true).mode(0o700).create(&places.sled).map_err(unwritable)?;
    let lock = take_lock(&places)?;
    let witnessed = Witness::read(&places.witness).unwrap_or_default();
    if witnessed.schema > SCHEMA {
        return Err(fault::newer(dir, u64::from(witnessed.schema)));
    }
    // Asked for before the files are touched: without its key they stay as they are.
    let key = witnessed.key_id.as_deref().map(|id| keys::find(place, dir, id)).transpose()?;
    remove_unfinished(&places.sled).map_err(unwritable)?;
    let found = hold(&places.sled).map_err(unwritable)?;
    let (db, notices) = open_sled(&places, found.as_ref())?;
    // What sled finds only when it is asked is damage too, and is kept as it was found.
    let held = lock.try_clone().map_err(unwritable)?;
    let opening = Opening { places: &places, place, found: found.as_ref(), witnessed: &witnessed };
    let opened = opening.look_through(lock, db, notices, Sealer::new(key));
    drop(held);
    opened.map_err(|fault| {
        if fault.code != FaultCode::StoreDamaged {
            return fault;
        }
        match keep_copy(&places, found.as_ref()) {
            Ok(copy) => unreadable(&places, &copy, fault.detail.cause.as_deref().unwrap_or_default()),
            Err(not_copied) => not_copied,
        }
    })
}

/// A store that is being opened: where it is, and what is known of it from outside.
struct Opening<'a> {
    places: &'a Places,
    place: &'a Place,
    found: Option<&'a Found>,
    witnessed: &'a Testimony,
}

/// What the store says of itself.
struct State {
    /// `None` in one that was never written to.
    schema: Option<u64>,
    writes: u64,
    rows: Option<u64>,
    sealed_by: Option<String>,
}

impl Opening<'_> {
    /// Checks what the store says of itself and makes it ready for use.
    fn look_through(
        &self,
        lock: File,
        db: sled::Db,
        mut notices: Vec<String>,
        sealer: Sealer,
    ) -> Result<Opened, Fault> {
        let Self { places, place, found, witnessed } = *self;
        let dir = &places.dir;
        let unwritable = |why: io::Error| fault::unwritable(dir, &why);
        let db_file = File::open(places.sled.join("db")).map_err(unwritable)?;
        let mut inner = Inner {
            db: Some(db),
            db_file,
            dir: dir.to_owned(),
            writes: Mutex::new(0),
            synced: Mutex::new(Synced::default()),
            witness: Witness::open(&places.witness, SCHEMA, sealer.key_id()).map_err(unwritable)?,
            sealer,
            broken: OnceLock::new(),
            _lock: lock,
        };
        let State { schema, writes, rows, sealed_by } = inner.read(read_state)?;
        if schema.is_some_and(|schema| schema > u64::from(SCHEMA)) {
            return Err(fault::newer(dir, schema.unwrap_or_default()));
        }
        if writes < witnessed.writes {
            if writes == 0 {
                return Err(fault::damaged(dir, "nothing of what was written can be found in it"));
            }
            let copy = keep_copy(places, found)?;
            notices.push(format!(
                "the store was damaged: its last {} changes are lost, the rest is here; the damaged files are kept in {}",
                witnessed.writes - writes,
                copy.display()
            ));
        }
        let counted = match rows {
            // Counting reads everything: a large store is not kept waiting for it at each start.
            Some(rows) if rows > ROWS_COUNTED => Some(rows),
            _ => inner.count_rows()?,
        };
        if let (Some(rows), Some(counted)) = (rows, counted)
            && rows != counted
        {
            let copy = keep_copy(places, found)?;
            notices.push(format!(
                "the store is damaged: {counted} of its {rows} rows can be found; the damaged files are kept in {}",
                copy.display()
            ));
        }
        let is_new = schema.is_none() && counted == Some(0) && witnessed.writes == 0;
        let key = match &sealed_by {
            Some(id) => Some(keys::find(place, dir, id)?),
            None if is_new => keys::make(place).ok(),
            None => None,
        };
        inner.sealer = Sealer::new(key);
        inner.witness = Witness::open(&places.witness, SCHEMA, inner.sealer.key_id()).map_err(unwritable)?;
        inner.writes = Mutex::new(writes);
        inner.synced = Mutex::new(Synced { through: writes, times: 0 });
        if schema != Some(u64::from(SCHEMA)) {
            let key_id = inner.sealer.key_id().map(str::to_owned);
            inner.write(|writer| {
                STATE.put(writer, &SCHEMA_KEY.to_owned(), &u64::from(SCHEMA))?;
                key_id.map_or(Ok(()), |id| SEALED_BY.put(writer, &SEALED_BY_KEY.to_owned(), &id))
            })?;
        }
        if let Some(counted) = counted.filter(|counted| rows != Some(*counted)) {
            inner.write(|writer| STATE.put(writer, &ROWS.to_owned(), &counted))?;
        }
        settle(places, &inner).map_err(unwritable)?;
        let notice = (!notices.is_empty()).then(|| notices.join("; "));
        if let Some(notice) = &notice {
            tracing::warn!(notice);
        }
        Ok(Opened { store: Store { inner: inner.into() }, notice })
    }
}

fn read_state(reader: &Reader<'_>) -> Result<State, Fault> {
    Ok(State {
        schema: STATE.get(reader, &SCHEMA_KEY.to_owned())?,
        writes: STATE.get(reader, &WRITES.to_owned())?.unwrap_or(0),
        rows: STATE.get(reader, &ROWS.to_owned())?,
        sealed_by: SEALED_BY.get(reader, &SEALED_BY_KEY.to_owned())?,
    })
}

/// Puts the names of new files on the disk too; a synced file without a name is gone after a power cut.
fn settle(places: &Places, inner: &Inner) -> io::Result<()> {
    inner.db_file.sync_all()?;
    inner.witness.note(*super::lock(&inner.writes));
    for folder in [&places.sled, &places.dir] {
        File::open(folder)?.sync_all()?;
    }
    match fs::remove_file(&places.copied) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

fn take_lock(places: &Places) -> Result<File, Fault> {
    let unwritable = |why: io::Error| fault::unwritable(&places.dir, &why);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&places.lock)
        .map_err(unwritable)?;
    for tried in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if tried < LOCK_TRIES => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = Read::by_ref(&mut file).take(20).read_to_string(&mut holder);
                let holder = holder.trim();
                let is_pid = read.is_ok() && !holder.is_empty() && holder.bytes().all(|b| b.is_ascii_digit());
                return Err(fault::in_use(&places.dir, is_pid.then_some(holder)));
            }
            Err(TryLockError::Error(why)) => return Err(unwritable(why)),
        }
    }
    // Only for the words of the fault above; the lock itself is the system's.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// Opens sled, with the notices of what had to be done for it.
fn open_sled(places: &Places, found: Option<&Found>) -> Result<(sled::Db, Vec<String>), Fault> {
    let first = match try_sled(&places.sled) {
        Ok(db) => return Ok((db, Vec::new())),
        Err(Refusal::Disk(why)) => return Err(fault::unwritable(&places.dir, &why)),
        Err(Refusal::Damaged(why)) => why,
    };
    // `snap.*` and `conf` only repeat what is in `db`: without them it is read from its beginning.
    let copy = keep_copy(places, found)?;
    remove_derived(&places.sled).map_err(|why| fault::unwritable(&places.dir, &why))?;
    match try_sled(&places.sled) {
        Ok(db) => Ok((
            db,
            vec![format!(
                "the store was damaged ({first}) and has been read anew from its log; the damaged files are kept in {}",
                copy.display()
            )],
        )),
        Err(Refusal::Disk(why)) => Err(fault::unwritable(&places.dir, &why)),
        Err(Refusal::Damaged(why)) => Err(unreadable(places, &copy, &why)),
    }
}

enum Refusal {
    /// The disk or the rights on it: nothing is wrong with the files.
    Disk(io::Error),
    Damaged(String),
}

/// sled locks its file too. Our own lock is held, so nobody else works on the store; but a child that
/// this program is just starting holds every file of its parent, locks and all, until it runs.
fn try_sled(dir: &Path) -> Result<sled::Db, Refusal> {
    for _ in 1..LOCK_TRIES {
        match try_sled_once(dir) {
            Err(Refusal::Disk(why)) if why.to_string().contains("could not acquire lock") => {
                std::thread::sleep(LOCK_PAUSE);
            }
            opened => return opened,
        }
    }
    try_sled_once(dir)
}

fn try_sled_once(dir: &Path) -> Result<sled::Db, Refusal> {
    let opened = guard::quietly(|| sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).open());
    match opened {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(sled::Error::Io(why)))
            if !matches!(why.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            Err(Refusal::Disk(why))
        }
        Ok(Err(why)) => Err(Refusal::Damaged(why.to_string())),
        Err(panic) => Err(Refusal::Damaged(panic)),
    }
}

fn unreadable(places: &Places, copy: &Path, why: &str) -> Fault {
    let mut fault = fault::damaged(&places.dir, why);
    fault.message.push_str(&format!(
        "; its files as they were are kept in {} and no empty store took their place",
        copy.display()
    ));
    fault
}

/// Copies the store's files aside, once for each state they are in.
fn keep_copy(places: &Places, found: Option<&Found>) -> Result<PathBuf, Fault> {
    copy_aside(places, found).map_err(|why| not_copied(&places.dir, &why))
}

/// On a full disk sled leaves files that look damaged and are not, once there is space again.
fn not_copied(dir: &Path, why: &io::Error) -> Fault {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    if matches!(why.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem | PermissionDenied) {
        return fault::unwritable(dir, why);
    }
    fault::damaged(dir, &format!("its files could not be copied aside, so they were left alone ({why})"))
}

fn copy_aside(places: &Places, found: Option<&Found>) -> io::Result<PathBuf> {
    if let Ok(name) = fs::read_to_string(&places.copied) {
        let copy = places.dir.join(name.trim());
        if name.starts_with("store.damaged-") && copy.is_dir() {
            return Ok(copy);
        }
    }
    let mut number = 1;
    let (name, copy) = loop {
        let name = format!("store.damaged-{number}");
        let copy = places.dir.join(&name);
        match DirBuilder::new().mode(0o700).create(&copy) {
            Ok(()) => break (name, copy),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(why) => return Err(why),
        }
    };
    let copied = fill_copy(places, found, &copy).and_then(|()| fs::write(&places.copied, &name));
    if let Err(why) = copied {
        // Half a copy would be taken for a whole one.
        let _ = fs::remove_dir_all(&copy);
        return Err(why);
    }
    Ok(copy)
}

fn fill_copy(places: &Places, found: Option<&Found>, copy: &Path) -> io::Result<()> {
    match found {
        Some(found) => write_files(found, copy)?,
        None => copy_files(&places.sled, copy)?,
    }
    if places.witness.exists() {
        fs::copy(&places.witness, copy.join("witness"))?;
    }
    Ok(())
}

/// Reads the files of a folder, unless they are too long to hold.
fn hold(dir: &Path) -> io::Result<Option<Found>> {
    let mut left = HELD_BYTES;
    let mut found = Found::new();
    for folder in ["", "blobs"] {
        let entries = match fs::read_dir(dir.join(folder)) {
            Ok(entries) => entries,
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(why) => return Err(why),
        };
        for entry in entries {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            let length = entry.metadata()?.len();
            if length > left {
                return Ok(None);
            }
            left -= length;
            found.push((Path::new(folder).join(entry.file_name()), fs::read(entry.path())?));
        }
    }
    Ok(Some(found))
}

fn write_files(found: &Found, to: &Path) -> io::Result<()> {
    fs::create_dir(to.join("blobs"))?;
    for (name, bytes) in found {
        let mut file = File::create_new(to.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_files(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}

/// A snapshot that sled was writing when it was ended is no damage, but sled takes it for one.
fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn remove_derived(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") || name == "conf" {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::FaultCode;

    #[test]
    fn a_full_disk_is_never_told_as_damage() {
        let dir = Path::new("/data");
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(not_copied(dir, &full).code, FaultCode::StoreUnwritable);
        let odd = io::Error::from(io::ErrorKind::IsADirectory);
        assert_eq!(not_copied(dir, &odd).code, FaultCode::StoreDamaged);
    }

    #[test]
    fn a_copy_that_cannot_be_finished_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::of(dir.path());
        // A name that no file system takes stands for a disk that fills up half way.
        let found = vec![("db".into(), vec![1]), ("x".repeat(300).into(), vec![2])];
        assert!(copy_aside(&places, Some(&found)).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
