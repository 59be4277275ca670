//! What becomes of the files of a store that is damaged: a copy of them as they were found, made
//! before anything of them is changed.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use protocol::Fault;

use super::fault;
use super::open::Places;

/// Up to this size, the files are held as they are found until sled has opened them: it changes
/// damaged files even where it then gives up.
const HELD_BYTES: u64 = 64 << 20;
pub(super) const PREFIX: &str = "store.damaged-";
/// Name of the file that is locked while the store is open.
pub(super) const LOCK: &str = "store.lock";

/// Files as they were found, by their path in sled's folder; `None` if they are too long to hold.
pub(super) type Found = Option<Vec<(PathBuf, Vec<u8>)>>;

pub(super) fn unreadable(places: &Places, copy: &Path, why: &str) -> Fault {
    let mut fault = fault::damaged(&places.dir, why);
    fault.message.push_str(&format!(
        "; its files as they were are kept in {} and no empty store took their place",
        copy.display()
    ));
    fault
}

/// Copies the store's files aside, once for each state they are in.
pub(super) fn keep_copy(places: &Places, found: &Found) -> Result<PathBuf, Fault> {
    copy_aside(places, found).map_err(|why| not_copied(&places.dir, &why))
}

/// Takes the copy away again: nothing was damaged after all.
pub(super) fn forget_copy(places: &Places) -> io::Result<()> {
    if let Ok(name) = fs::read_to_string(&places.copied)
        && name.starts_with(PREFIX)
    {
        fs::remove_file(&places.copied)?;
        super::rebuild::remove(&places.base.join(name.trim()))?;
    }
    Ok(())
}

/// On a full disk sled leaves files that look damaged and are not, once there is space again.
fn not_copied(dir: &Path, why: &io::Error) -> Fault {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    if matches!(why.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem | PermissionDenied) {
        return fault::unwritable(dir, why);
    }
    fault::damaged(dir, &format!("its files could not be copied aside, so they were left alone ({why})"))
}

fn copy_aside(places: &Places, found: &Found) -> io::Result<PathBuf> {
    if let Ok(name) = fs::read_to_string(&places.copied) {
        let copy = places.base.join(name.trim());
        if name.starts_with(PREFIX) && copy.is_dir() {
            return Ok(copy);
        }
    }
    let mut number = 1;
    let (name, copy) = loop {
        let name = format!("{PREFIX}{number}");
        let copy = places.base.join(&name);
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

fn fill_copy(places: &Places, found: &Found, copy: &Path) -> io::Result<()> {
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
pub(super) fn hold(dir: &Path) -> io::Result<Found> {
    let mut left = HELD_BYTES;
    let mut found = Vec::new();
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

fn write_files(found: &[(PathBuf, Vec<u8>)], to: &Path) -> io::Result<()> {
    fs::create_dir(to.join("blobs"))?;
    for (name, bytes) in found {
        let mut file = File::create_new(to.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    Ok(())
}

pub(super) fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
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
        assert!(copy_aside(&places, &Some(found)).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
