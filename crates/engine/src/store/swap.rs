//! Putting a fresh store in the place of the one that is there.
//!
//! A note says what is about to happen, and only then folders are renamed. A start that finds the
//! note goes on where it was cut; one that finds none takes a fresh store that was not finished
//! away. So there is the old store or the new one at every moment, and never neither.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::open::Places;
use super::rebuild::remove;
use super::witness::Testimony;

/// The old store when it is not to be kept.
const OLD: &str = "store.old";
pub(super) const REPLACED: &str = "store.replaced-";

/// What becomes of the store that is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Old {
    Dropped,
    Kept,
}

/// Puts the finished store in `store.new` in the place of the store; gives where the old one is kept.
pub(super) fn swap(places: &Places, old: Old, testimony: &Testimony) -> io::Result<Option<PathBuf>> {
    let name = match old {
        Old::Dropped => OLD.to_owned(),
        Old::Kept => free_name(places)?,
    };
    remove(&places.base.join(OLD))?;
    let note = format!("{name}\n{}", testimony.to_line());
    write_whole(&places.swap, note.as_bytes())?;
    finish(places)?;
    Ok((old == Old::Kept).then(|| places.base.join(name)))
}

/// Goes on with a swap that was cut, and takes away what was not finished before one.
pub(super) fn finish(places: &Places) -> io::Result<()> {
    let note = match fs::read_to_string(&places.swap) {
        Ok(note) => note,
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            remove(&places.base.join(OLD))?;
            return remove(&places.new);
        }
        Err(why) => return Err(why),
    };
    let (name, testimony) = note.split_once('\n').unwrap_or((OLD, ""));
    // The name was written here; a note that names another place is not followed there.
    let name = if name == OLD || name.strip_prefix(REPLACED).is_some_and(is_number) { name } else { OLD };
    let old = places.base.join(name);
    if places.new.exists() {
        if places.sled.exists() {
            fs::rename(&places.sled, &old)?;
        }
        File::open(&places.base)?.sync_all()?;
        fs::rename(&places.new, &places.sled)?;
        File::open(&places.base)?.sync_all()?;
    }
    if !testimony.is_empty() {
        write_whole(&places.witness, testimony.as_bytes())?;
    }
    fs::remove_file(&places.swap)?;
    File::open(&places.base)?.sync_all()?;
    remove(&places.base.join(OLD))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Under this name the store that is there would be kept.
pub(super) fn free_name(places: &Places) -> io::Result<String> {
    (1..10_000)
        .map(|number| format!("{REPLACED}{number}"))
        .find(|name| !places.base.join(name).exists())
        .ok_or_else(|| io::Error::other("too many replaced stores lie beside it"))
}

/// Writes a file under its name at once or not at all.
pub(super) fn write_whole(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
