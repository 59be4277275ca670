//! The end of the chain, noted in a small file beside the store, with the running key.
//!
//! It is written after the store was synced and is not synced itself: after a power cut it may be behind
//! the chain, never ahead of it. If it is ahead, an older copy of the store stands in its place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::seal::{Digest, Runner, hex, parse_hex};

/// What the file says.
#[derive(Clone)]
pub(in crate::operations) struct Noted {
    pub(super) epoch: u64,
    pub(super) seal: Digest,
    pub(super) runner: Runner,
}

/// The open file.
pub(in crate::operations) struct Head {
    file: File,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("operations.head")
}

impl Head {
    /// `None` if there is no file, or one that says nothing.
    pub(super) fn read(dir: &Path) -> Option<Noted> {
        parse(&fs::read_to_string(path(dir)).ok()?)
    }

    /// Opens the file for notes; a new one is on the disk before this returns.
    pub(super) fn open(dir: &Path, noted: &Noted) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path(dir))?;
        let head = Self { file };
        head.write(noted)?;
        head.file.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(head)
    }

    fn write(&self, noted: &Noted) -> io::Result<()> {
        self.file.write_all_at(text(noted).as_bytes(), 0)
    }

    pub(super) fn note(&self, noted: &Noted) {
        if let Err(why) = self.write(noted) {
            tracing::warn!(%why, "the end of the log's chain could not be noted beside the store");
        }
    }
}

fn text(noted: &Noted) -> String {
    format!(
        "muster log: epoch {:016x}, record {:020}, seal {}, key {}\n",
        noted.epoch,
        noted.runner.record,
        hex(&noted.seal.0),
        hex(&noted.runner.key)
    )
}

fn parse(text: &str) -> Option<Noted> {
    let rest = text.strip_prefix("muster log: epoch ")?.strip_suffix('\n')?;
    let (epoch, rest) = rest.split_once(", record ")?;
    let (record, rest) = rest.split_once(", seal ")?;
    let (seal, key) = rest.split_once(", key ")?;
    Some(Noted {
        epoch: u64::from_str_radix(epoch, 16).ok()?,
        seal: Digest(parse_hex(seal)?),
        runner: Runner::new(record.parse().ok()?, parse_hex(key)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_notes_is_what_it_says() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Head::read(dir.path()).is_none());
        let mut noted = Noted { epoch: u64::MAX, seal: Digest([3; 32]), runner: Runner::new(9, [4; 32]) };
        let head = Head::open(dir.path(), &noted).unwrap();
        for record in [u64::MAX, 0] {
            noted.runner.record = record;
            head.note(&noted);
            let said = Head::read(dir.path()).unwrap();
            assert_eq!((said.epoch, said.seal, said.runner.record), (u64::MAX, Digest([3; 32]), record));
            assert_eq!(said.runner.key, [4; 32]);
        }
        fs::write(path(dir.path()), "muster log: epoch x").unwrap();
        assert!(Head::read(dir.path()).is_none());
    }
}
