//! The witness: a small file beside the store that counts the acknowledged writes.
//!
//! A damaged store can open with its newest entries, or all of them, gone and no word said. The
//! same count is inside the store; if that one is lower, acknowledged writes are lost. The witness
//! is written after each sync and not synced itself: after a power cut it may lag, never lead.
//! It also names the key of a sealed store, so that the store is not touched without it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Stands for the name of a key where there is none.
const NO_KEY: &str = "-";

/// What the witness said when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Testimony {
    pub schema: u32,
    pub writes: u64,
    /// `None` where nothing is sealed.
    pub key_id: Option<String>,
}

pub(super) struct Witness {
    file: File,
    schema: u32,
    key_id: Option<String>,
}

impl Witness {
    /// Reads the file at `path`; `None` if it is missing or says nothing that can be read.
    pub(super) fn read(path: &Path) -> Option<Testimony> {
        parse_testimony(&std::fs::read_to_string(path).ok()?)
    }

    pub(super) fn open(path: &Path, schema: u32, key_id: Option<&str>) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        Ok(Self { file, schema, key_id: key_id.map(str::to_owned) })
    }

    /// Notes that every write up to this number is on the disk.
    pub(super) fn note(&self, writes: u64) {
        let said = Testimony { schema: self.schema, writes, key_id: self.key_id.clone() };
        if let Err(why) = self.file.write_all_at(testimony(&said).as_bytes(), 0) {
            tracing::warn!(%why, "the count of writes beside the store could not be noted");
        }
    }
}

/// Always as long as before, so that one write replaces all of it.
fn testimony(said: &Testimony) -> String {
    let Testimony { schema, writes, key_id } = said;
    let key_id = key_id.as_deref().unwrap_or(NO_KEY);
    format!("muster store: format {schema:010}, writes {writes:020}, key {key_id:>16}\n")
}

fn parse_testimony(text: &str) -> Option<Testimony> {
    let (schema, rest) =
        text.strip_prefix("muster store: format ")?.strip_suffix('\n')?.split_once(", writes ")?;
    // Format 1 named no key.
    let (writes, key_id) = rest.split_once(", key ").unwrap_or((rest, NO_KEY));
    let key_id = Some(key_id.trim()).filter(|id| *id != NO_KEY).map(str::to_owned);
    Some(Testimony { schema: schema.parse().ok()?, writes: writes.parse().ok()?, key_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_notes_is_what_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness");
        assert_eq!(Witness::read(&path), None, "no file, no testimony");
        for key_id in [Some("00ff00ff00ff00ff"), None] {
            let witness = Witness::open(&path, 3, key_id).unwrap();
            for writes in [7, u64::MAX, 0] {
                witness.note(writes);
                let key_id = key_id.map(str::to_owned);
                assert_eq!(Witness::read(&path), Some(Testimony { schema: 3, writes, key_id }));
            }
        }
        std::fs::write(&path, "muster store: format 0000000001, writes 00000000000000000009\n").unwrap();
        assert_eq!(Witness::read(&path), Some(Testimony { schema: 1, writes: 9, key_id: None }));
        std::fs::write(&path, "muster store: format x").unwrap();
        assert_eq!(Witness::read(&path), None);
    }
}
