//! Opening the store: the lock, the key, the format, and what to do with damaged files.
//!
//! Nothing is repaired before it is copied. What can be recovered of a damaged store is counted; one
//! of which nothing can be read stays as it is, beside its copy, and is refused at each start until
//! a person moves it: an empty store never takes its place.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::Fault;
use protocol::FaultCode;
use protocol::store::StoreNotice;

use super::damaged::{self, Found};
use super::keys::{self, Place};
use super::seal::Sealer;
use super::witness::{Testimony, Witness};
use super::{
    Inner, Opened, SCHEMA, State, backup, backups, fault, guard, reading, renew, rescue, salvage, swap,
};

const CACHE_BYTES: u64 = 32 << 20;
/// Another program that is just ending gets this long to let go.
const LOCK_TRIES: u32 = 6;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Up to this number of rows, they are counted at each start; of more only after something was found
/// to be damaged.
const ROWS_COUNTED: u64 = 200_000;

/// Files that lie beside a store from its first write on.
const TRACES: [&str; 1] = ["operations.head"];

/// With less than this left on the disk nothing is written: sled would be cut in the middle of a
/// segment or a snapshot.
pub(super) const ROOM_BYTES: u64 = 4 << 20;

/// The files of a store in its data folder.
#[derive(Clone)]
pub(super) struct Places {
    /// The data folder, as it is called in words.
    pub(super) dir: PathBuf,
    /// Where the files are: the data folder, or a copy to read from.
    pub(super) base: PathBuf,
    /// sled's own folder.
    pub(super) sled: PathBuf,
    /// A fresh store that shall take its place.
    pub(super) new: PathBuf,
    /// Says that it is taking it.
    pub(super) swap: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) witness: PathBuf,
    /// Names the copy that was made of a store that cannot be read.
    pub(super) copied: PathBuf,
    /// Lies there when something was found to be damaged while the store was in use.
    pub(super) suspect: PathBuf,
    pub(super) backups: PathBuf,
}

impl Places {
    pub(super) fn of(dir: &Path) -> Self {
        Self::of_copy(dir, dir)
    }

    pub(super) fn of_copy(dir: &Path, base: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            base: base.to_owned(),
            sled: base.join("store"),
            new: base.join("store.new"),
            swap: base.join("store.swap"),
            lock: base.join(damaged::LOCK),
            witness: base.join("store.witness"),
            copied: base.join("store.damaged"),
            suspect: base.join("store.suspect"),
            backups: base.join("backups"),
        }
    }

    /// Folders with the files of stores that were damaged or replaced.
    pub(super) fn kept(&self) -> Vec<PathBuf> {
        let is_kept = |name: &str| name.starts_with(damaged::PREFIX) || name.starts_with(swap::REPLACED);
        let entries = fs::read_dir(&self.base).into_iter().flatten().flatten();
        let mut kept: Vec<PathBuf> = entries
            .filter(|entry| is_kept(&entry.file_name().to_string_lossy()) && entry.path().is_dir())
            .map(|entry| entry.path())
            .collect();
        kept.sort_unstable();
        kept
    }

    /// Those of a fresh store that has not taken its place yet.
    pub(super) fn of_new(places: &Self) -> Self {
        Self { sled: places.new.clone(), ..places.clone() }
    }
}

pub(super) fn open(dir: &Path, place: &Place) -> Result<Opened, Fault> {
    let places = Places::of(dir);
    if let Err(why) = check_room(&places) {
        return reading::open(&places, place, &why);
    }
    let opened = {
        let lock = Arc::new(take_lock(&places)?);
        open_locked(&places, place, &lock)
    };
    match opened {
        Ok((inner, notices)) => Ok(Opened::new(inner, notices)),
        Err(fault) if fault.code == FaultCode::StoreUnwritable => {
            let why = fault.detail.cause.clone().unwrap_or_else(|| fault.message.clone());
            reading::open(&places, place, &io::Error::other(why))
        }
        Err(fault) => Err(fault),
    }
}

/// Makes the folder, and looks whether it can be written to. Where it cannot, sled is not let near it.
fn check_room(places: &Places) -> io::Result<()> {
    make_folder(places)?;
    let file = tempfile::tempfile_in(&places.base)?;
    match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, ROOM_BYTES) {
        Err(why) if why == rustix::io::Errno::OPNOTSUPP || why == rustix::io::Errno::NOSYS => {}
        other => other.map_err(io::Error::from)?,
    }
    if places.sled.exists() {
        drop(tempfile::tempfile_in(&places.sled)?);
    }
    match OpenOptions::new().write(true).open(places.sled.join("db")) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

/// Makes the data folder, for this user alone.
pub(super) fn make_folder(places: &Places) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(&places.base)
}

/// What is known of a store from outside, before it is opened.
pub(super) struct Start<'a> {
    pub(super) places: &'a Places,
    pub(super) place: &'a Place,
    pub(super) lock: &'a Arc<File>,
    pub(super) witnessed: Testimony,
    pub(super) found: Found,
    /// Something lies there that only a store has that was used before.
    has_traces: bool,
    /// sled would cut off a part of the log of which more is left behind a break.
    is_torn: bool,
}

/// How a start went.
enum Started {
    Whole(Box<Inner>),
    /// It is damaged, in these words.
    Damaged(String),
}

pub(super) fn open_locked(
    places: &Places,
    place: &Place,
    lock: &Arc<File>,
) -> Result<(Inner, Vec<StoreNotice>), Fault> {
    let unwritable = |why: io::Error| fault::unwritable(&places.dir, &why);
    swap::finish(places).map_err(unwritable)?;
    let mut notices = Vec::new();
    let mut start = Start::begin(places, place, lock)?;
    let mut started = start.start(&mut notices)?;
    if let Started::Damaged(why) = started {
        // What was tried before it came to nothing: it must not be said beside the loss.
        notices.clear();
        notices.extend(rescue::rescue(&start, &why)?);
        start = Start::begin(places, place, lock)?;
        started = start.start(&mut notices)?;
    }
    match started {
        Started::Whole(inner) => {
            let inner = renew::renew(*inner, places, place, lock, &mut notices)?;
            notices.iter().for_each(|notice| tracing::warn!(%notice));
            Ok((inner, notices))
        }
        Started::Damaged(why) => {
            let copy = damaged::keep_copy(places, &start.found)?;
            Err(damaged::unreadable(places, &copy, &why))
        }
    }
}

/// Opens a store that is known to be whole: one that was just made.
pub(super) fn open_whole(places: &Places, place: &Place, lock: &Arc<File>) -> Result<Inner, Fault> {
    let start = Start::begin(places, place, lock)?;
    match start.start(&mut Vec::new())? {
        Started::Whole(inner) => Ok(*inner),
        Started::Damaged(why) => Err(fault::damaged(&places.dir, &why)),
    }
}

impl<'a> Start<'a> {
    fn begin(places: &'a Places, place: &'a Place, lock: &'a Arc<File>) -> Result<Self, Fault> {
        let unwritable = |why: io::Error| fault::unwritable(&places.dir, &why);
        let witnessed = Witness::read(&places.witness).unwrap_or_default();
        if witnessed.schema > SCHEMA {
            return Err(fault::newer(&places.dir, u64::from(witnessed.schema)));
        }
        // Asked for before the files are touched: without its key they stay as they are.
        if let Some(id) = &witnessed.key_id {
            keys::find(place, &places.dir, id)?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&places.sled).map_err(unwritable)?;
        remove_unfinished(&places.sled).map_err(unwritable)?;
        let found = damaged::hold(&places.sled).map_err(unwritable)?;
        let has_traces = TRACES.iter().any(|name| places.base.join(name).exists());
        let is_torn = salvage::is_torn(&places.sled).map_err(unwritable)?;
        if is_torn && found.is_none() {
            // sled writes over what it cuts off.
            damaged::keep_copy(places, &found)?;
        }
        Ok(Self { places, place, lock, witnessed, found, has_traces, is_torn })
    }

    fn start(&self, notices: &mut Vec<StoreNotice>) -> Result<Started, Fault> {
        let places = self.places;
        let dir = &places.dir;
        let db = match self.open_sled(notices)? {
            Ok(db) => db,
            Err(why) => return Ok(Started::Damaged(why)),
        };
        let mut inner = Inner::new(places, db, self.lock.clone())?;
        let state = match inner.state() {
            Ok(state) => state,
            Err(fault) => return damaged_or(inner, fault),
        };
        if state.schema.is_some_and(|schema| schema > u64::from(SCHEMA)) {
            return Err(fault::newer(dir, state.schema.unwrap_or_default()));
        }
        if state.writes == 0 && self.witnessed.writes > 0 {
            let why = "nothing of what was written can be found in it";
            return damaged_or(inner, fault::damaged(dir, why));
        }
        // Of what was never acknowledged, the end of the log may be torn like this by a power cut.
        if self.is_torn && (state.writes < self.witnessed.writes || self.witnessed.schema == 0) {
            let why = "a part of its log cannot be read";
            return damaged_or(inner, fault::damaged(dir, why));
        }
        if self.is_torn && self.found.is_none() && notices.is_empty() {
            damaged::forget_copy(places).map_err(|why| fault::unwritable(dir, &why))?;
        }
        let suspect = places.suspect.exists();
        let counted = match state.tally {
            // Counting reads everything: a large store is not kept waiting for it at each start.
            Some(tally) if tally.rows > ROWS_COUNTED && !suspect => tally,
            known => match inner.count() {
                Ok(counted) if known.is_none_or(|known| known == counted) => counted,
                Ok(counted) => {
                    let known = known.unwrap_or_default();
                    let why = format!("{} of its {} values can be found", counted.values, known.values);
                    return damaged_or(inner, fault::damaged(dir, &why));
                }
                Err(fault) => return damaged_or(inner, fault),
            },
        };
        let mut turn = state.turn.clone();
        if state.writes < self.witnessed.writes {
            if backups::newest_first(&places.backups).iter().any(|path| backup::is_after(path, state.writes))
            {
                let why = "its newest changes are gone, and a backup has some of them";
                return damaged_or(inner, fault::damaged(dir, why));
            }
            // That nothing is lost must not be said beside it.
            notices.retain(|notice| !matches!(notice, StoreNotice::ReadAnew { .. }));
            let kept = damaged::keep_copy(places, &self.found)?;
            notices.push(StoreNotice::LastChangesLost {
                changes: self.witnessed.writes - state.writes,
                kept: kept.display().to_string(),
            });
            turn = Some(rescue::behind(self, state.writes));
        }
        let is_new = state.schema.is_none() && counted.rows == 0;
        if is_new && backups::newest_first(&places.backups).iter().any(|path| backup::glance(path).is_some())
        {
            let why = "there are backups of a store here, and its files are gone";
            return damaged_or(inner, fault::damaged(dir, why));
        }
        if is_new && self.has_traces {
            let why = "it was used before, and nothing of what was written can be found in it";
            return damaged_or(inner, fault::damaged(dir, why));
        }
        let key = match &state.sealed_by {
            Some(id) => Some(keys::find(self.place, dir, id)?),
            None if is_new => match keys::make(self.place) {
                Ok(key) => Some(key),
                Err(fault) if fault.code == FaultCode::VaultLocked => return Err(fault),
                Err(fault) => {
                    inner.not_sealed = Some(fault.message);
                    None
                }
            },
            None => None,
        };
        let sealed_by = key.as_ref().map(|key| key.id().to_owned());
        inner.ready(Sealer::new(key), &State { tally: Some(counted), turn: turn.clone(), ..state.clone() });
        if suspect
            && let (_, broken) = inner.verify()?
            && broken > 0
        {
            return damaged_or(inner, fault::damaged(dir, &format!("{broken} of its values are broken")));
        }
        let schema = if is_new { u64::from(SCHEMA) } else { state.schema.unwrap_or(1) };
        inner.witness = Some(
            Witness::open(&places.witness, u32::try_from(schema).unwrap_or(SCHEMA), sealed_by.as_deref())
                .map_err(|why| fault::unwritable(dir, &why))?,
        );
        let told = State {
            schema: Some(schema),
            tally: Some(counted),
            sealed_by,
            // Noted once in each fresh store, to see later how it grew.
            fresh_bytes: state.fresh_bytes.or_else(|| inner.size_bytes().ok()),
            turn,
            ..state.clone()
        };
        if told != state {
            inner.tell(&told)?;
        }
        settle(places, &inner).map_err(|why| fault::unwritable(dir, &why))?;
        Ok(Started::Whole(Box::new(inner)))
    }

    /// Opens sled; the inner error says how its files are damaged.
    fn open_sled(&self, notices: &mut Vec<StoreNotice>) -> Result<Result<sled::Db, String>, Fault> {
        let places = self.places;
        match try_sled(&places.sled) {
            Ok(db) => return Ok(Ok(db)),
            Err(Refusal::Disk(why)) => return Err(fault::unwritable(&places.dir, &why)),
            Err(Refusal::Damaged(_)) => {}
        }
        // `snap.*` and `conf` only repeat what is in `db`: without them it is read from its beginning.
        let copy = damaged::keep_copy(places, &self.found)?;
        remove_derived(&places.sled).map_err(|why| fault::unwritable(&places.dir, &why))?;
        match try_sled(&places.sled) {
            Ok(db) => {
                notices.push(StoreNotice::ReadAnew { kept: copy.display().to_string() });
                Ok(Ok(db))
            }
            Err(Refusal::Disk(why)) => Err(fault::unwritable(&places.dir, &why)),
            Err(Refusal::Damaged(why)) => Ok(Err(why)),
        }
    }
}

/// What is damaged is recovered from; any other fault is told.
fn damaged_or(inner: Inner, fault: Fault) -> Result<Started, Fault> {
    if fault.code != FaultCode::StoreDamaged {
        return Err(fault);
    }
    drop(inner);
    Ok(Started::Damaged(fault.detail.cause.unwrap_or_default()))
}

/// Puts the names of new files on the disk too; a synced file without a name is gone after a power cut.
fn settle(places: &Places, inner: &Inner) -> io::Result<()> {
    inner.db_file.sync_all()?;
    if let Some(witness) = &inner.witness {
        let values = inner.values.load(std::sync::atomic::Ordering::Relaxed);
        witness.note(*super::lock(&inner.writes), values);
    }
    File::open(&places.witness)?.sync_all()?;
    for folder in [&places.sled, &places.base] {
        File::open(folder)?.sync_all()?;
    }
    for file in [&places.copied, &places.suspect] {
        match fs::remove_file(file) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn take_lock(places: &Places) -> Result<File, Fault> {
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

pub(super) enum Refusal {
    /// The disk or the rights on it: nothing is wrong with the files.
    Disk(io::Error),
    Damaged(String),
}

impl Refusal {
    pub(super) fn told(self, dir: &Path) -> Fault {
        match self {
            Refusal::Disk(why) => fault::unwritable(dir, &why),
            Refusal::Damaged(why) => fault::damaged(dir, &why),
        }
    }
}

/// sled locks its file too. Our own lock is held, so nobody else works on the store; but a child that
/// this program is just starting holds every file of its parent, locks and all, until it runs.
pub(super) fn try_sled(dir: &Path) -> Result<sled::Db, Refusal> {
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

pub(super) fn remove_derived(dir: &Path) -> io::Result<()> {
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
