//! Reading a store that cannot be written: a full disk, a file system that is mounted read-only, a
//! folder of another user.
//!
//! sled cannot open there. So its files are copied to a private folder in memory and opened there;
//! what lies on the disk is not touched, and nothing can be changed until it can be written again.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::Fault;
use protocol::store::StoreNotice;

use super::keys::Place;
use super::open::{Places, open_locked, take_lock};
use super::rebuild::remove;
use super::{Opened, damaged, fault};

const PREFIX: &str = "muster-reading-";
/// What sled and the store write beside the files they are given.
const SPARE_BYTES: u64 = 24 << 20;

/// Opens a copy of the store; `why` it cannot be written is said with every change that is asked for.
pub(super) fn open(places: &Places, place: &Place, why: &io::Error) -> Result<Opened, Fault> {
    let unwritable = fault::unwritable(&places.dir, why);
    if !places.sled.join("db").exists() && !places.new.join("db").exists() {
        return Err(unwritable);
    }
    let lock = lock_as_it_is(places)?;
    let no_copy = |why: io::Error| {
        let mut fault = unwritable.clone();
        fault.message.push_str(&format!(", and it cannot be read from a copy either: {why}"));
        fault
    };
    let files = files_of(places).map_err(no_copy)?;
    let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let home = homes()
        .into_iter()
        .inspect(|home| sweep(home))
        .find(|home| free_bytes(home).is_some_and(|free| free >= bytes + SPARE_BYTES))
        .ok_or_else(|| no_copy(io::Error::other(format!("no place in memory takes its {bytes} bytes"))))?;
    let copy = tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(home)
        .map_err(no_copy)?;
    for (name, _) in &files {
        let to = copy.path().join(name);
        to.parent().map_or(Ok(()), fs::create_dir_all).map_err(no_copy)?;
        fs::copy(places.base.join(name), &to)
            .and_then(|_| fs::set_permissions(&to, fs::Permissions::from_mode(0o600)))
            .map_err(no_copy)?;
    }
    let copied = Places::of_copy(&places.dir, copy.path());
    let own_lock = Arc::new(take_lock(&copied)?);
    let (mut inner, mut notices) = open_locked(&copied, place, &own_lock)?;
    // The copy goes with this program; the files themselves lie untouched where they are.
    for notice in &mut notices {
        if let StoreNotice::ReadAnew { kept }
        | StoreNotice::LastChangesLost { kept, .. }
        | StoreNotice::Recovered { kept, .. } = notice
        {
            *kept = places.sled.display().to_string();
        }
    }
    inner.read_only = Some(unwritable);
    inner.beneath = Some((copy, lock));
    notices.insert(0, StoreNotice::ReadOnly { cause: fault::words(why) });
    Ok(Opened::new(inner, notices))
}

/// The lock, where the folder still lets it be taken; another program that has it is said.
fn lock_as_it_is(places: &Places) -> Result<Option<File>, Fault> {
    let Ok(file) = OpenOptions::new().read(true).open(&places.lock) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(fault::in_use(&places.dir, None)),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Files that make up the store, by their path below its folder, with their lengths.
fn files_of(places: &Places) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut folders = vec![places.sled.clone(), places.new.clone()];
    for file in [&places.witness, &places.swap] {
        if let Ok(found) = fs::metadata(file) {
            files.push((below(places, file), found.len()));
        }
    }
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(why) => return Err(why),
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push((below(places, &entry.path()), entry.metadata()?.len()));
            }
        }
    }
    Ok(files)
}

fn below(places: &Places, path: &Path) -> PathBuf {
    path.strip_prefix(&places.base).unwrap_or(path).to_owned()
}

/// Folders for a copy, the best first: in memory and this user's own, in memory, on a disk.
fn homes() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    runtime.into_iter().chain([PathBuf::from("/dev/shm"), std::env::temp_dir()]).collect()
}

pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    (space.f_blocks > 0).then(|| space.f_bavail.saturating_mul(space.f_frsize))
}

/// Takes away copies whose program was killed: nobody holds their lock.
fn sweep(home: &Path) {
    let uid = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == uid);
        if !ours {
            continue;
        }
        let lock = entry.path().join(damaged::LOCK);
        let left = File::open(&lock).is_ok_and(|lock| lock.try_lock().is_ok());
        if left && let Err(why) = remove(&entry.path()) {
            tracing::debug!(%why, "a copy that was left behind stays");
        }
    }
}
