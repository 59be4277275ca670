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
const HEAD: &str = "muster store: ";

/// What the witness said when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Testimony {
    pub schema: u32,
    pub writes: u64,
    /// How many values there were; an earlier format did not say.
    pub values: Option<u64>,
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

    /// Notes that every write up to this number is on the disk, and how many values there are then.
    pub(super) fn note(&self, writes: u64, values: u64) {
        let said =
            Testimony { schema: self.schema, writes, values: Some(values), key_id: self.key_id.clone() };
        if let Err(why) = self.file.write_all_at(said.to_line().as_bytes(), 0) {
            tracing::warn!(%why, "the count of writes beside the store could not be noted");
        }
    }
}

impl Testimony {
    /// Always of one length, so that one write replaces all of it.
    pub(super) fn to_line(&self) -> String {
        let Testimony { schema, writes, values, key_id } = self;
        let (values, key_id) = (values.unwrap_or_default(), key_id.as_deref().unwrap_or(NO_KEY));
        format!("{HEAD}format {schema:010}, writes {writes:020}, values {values:020}, key {key_id:>16}\n")
    }
}

/// Format 1 named neither values nor a key.
fn parse_testimony(text: &str) -> Option<Testimony> {
    let mut said = Testimony::default();
    let mut named = 0;
    for field in text.strip_prefix(HEAD)?.strip_suffix('\n')?.split(", ") {
        let (name, value) = field.split_once(' ')?;
        match name {
            "format" => said.schema = value.parse().ok()?,
            "writes" => said.writes = value.parse().ok()?,
            "values" => said.values = Some(value.parse().ok()?),
            "key" => said.key_id = Some(value.trim()).filter(|id| *id != NO_KEY).map(str::to_owned),
            _ => return None,
        }
        named += 1;
    }
    (named >= 2).then_some(said)
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
                witness.note(writes, 5);
                let key_id = key_id.map(str::to_owned);
                assert_eq!(
                    Witness::read(&path),
                    Some(Testimony { schema: 3, writes, values: Some(5), key_id })
                );
            }
        }
        std::fs::write(&path, "muster store: format 0000000001, writes 00000000000000000009\n").unwrap();
        assert_eq!(
            Witness::read(&path),
            Some(Testimony { schema: 1, writes: 9, values: None, key_id: None })
        );
        std::fs::write(&path, "muster store: format x").unwrap();
        assert_eq!(Witness::read(&path), None);
    }
}
