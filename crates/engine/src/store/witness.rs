//! The witness: a small file beside the store that counts the acknowledged writes.
//!
//! A damaged store can open with its newest entries, or all of them, gone and no word said. The
//! same count is inside the store; if that one is lower, acknowledged writes are lost. The witness
//! is written after each sync and not synced itself: after a power cut it may lag, never lead.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// What the witness said when the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Testimony {
    pub schema: u32,
    pub writes: u64,
}

pub(super) struct Witness {
    file: File,
    schema: u32,
}

impl Witness {
    /// Reads the file at `path`; `None` if it is missing or says nothing that can be read.
    pub(super) fn read(path: &Path) -> Option<Testimony> {
        parse_testimony(&std::fs::read_to_string(path).ok()?)
    }

    pub(super) fn open(path: &Path, schema: u32) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        Ok(Self { file, schema })
    }

    /// Notes that every write up to this number is on the disk.
    pub(super) fn note(&self, writes: u64) {
        if let Err(why) = self.file.write_all_at(testimony(self.schema, writes).as_bytes(), 0) {
            tracing::warn!(%why, "the count of writes beside the store could not be noted");
        }
    }
}

fn testimony(schema: u32, writes: u64) -> String {
    format!("muster store: format {schema:010}, writes {writes:020}\n")
}

fn parse_testimony(text: &str) -> Option<Testimony> {
    let (schema, writes) =
        text.strip_prefix("muster store: format ")?.strip_suffix('\n')?.split_once(", writes ")?;
    Some(Testimony { schema: schema.parse().ok()?, writes: writes.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_notes_is_what_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness");
        assert_eq!(Witness::read(&path), None, "no file, no testimony");
        let witness = Witness::open(&path, 3).unwrap();
        for writes in [7, u64::MAX, 0] {
            witness.note(writes);
            assert_eq!(Witness::read(&path), Some(Testimony { schema: 3, writes }));
        }
        std::fs::write(&path, "muster store: format x").unwrap();
        assert_eq!(Witness::read(&path), None);
    }
}
