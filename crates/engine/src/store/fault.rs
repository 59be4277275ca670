//! Which fault an error of the store becomes.

use std::io;
use std::path::Path;

use protocol::{Fault, FaultCode};

/// Io errors are about this computer's disk, except those that say the file is not what it was.
pub(super) fn from_sled(dir: &Path, why: &sled::Error) -> Fault {
    match why {
        sled::Error::Io(why)
            if !matches!(why.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            unwritable(dir, why)
        }
        other => damaged(dir, &other.to_string()),
    }
}

pub(super) fn unwritable(dir: &Path, why: &io::Error) -> Fault {
    Fault::new(FaultCode::StoreUnwritable, format!("the store in {} cannot be written: {why}", dir.display()))
        .about(dir.display().to_string())
        .because(why.to_string())
}

pub(super) fn damaged(dir: &Path, why: &str) -> Fault {
    let why = why.trim();
    Fault::new(FaultCode::StoreDamaged, format!("the store in {} is damaged: {why}", dir.display()))
        .about(dir.display().to_string())
        .because(why)
}

pub(super) fn newer(dir: &Path, schema: u64) -> Fault {
    Fault::new(
        FaultCode::StoreNewer,
        format!(
            "the store in {} was written by a later version: its format is {schema}, this one knows {}",
            dir.display(),
            super::SCHEMA
        ),
    )
    .about(dir.display().to_string())
}

pub(super) fn in_use(dir: &Path, holder: Option<&str>) -> Fault {
    let who =
        holder.map_or_else(|| "another program".to_owned(), |pid| format!("another program (PID {pid})"));
    Fault::new(FaultCode::StoreInUse, format!("the store in {} is open in {who}", dir.display()))
        .about(dir.display().to_string())
}
