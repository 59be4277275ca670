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
    let why = words(why);
    Fault::new(FaultCode::StoreUnwritable, format!("the store in {} cannot be written: {why}", dir.display()))
        .about(dir.display().to_string())
        .because(why)
}

/// sled hands an error of the system on as its debug text; its kind still has words.
pub(super) fn words(why: &io::Error) -> String {
    match (why.raw_os_error(), why.kind()) {
        (None, kind) if kind != io::ErrorKind::Other => kind.to_string(),
        _ => why.to_string(),
    }
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

pub(super) fn newer_backup(file: &Path, schema: u32) -> Fault {
    Fault::new(
        FaultCode::StoreNewer,
        format!(
            "the backup {} was made by a later version: its format is {schema}, this one knows {}",
            file.display(),
            super::SCHEMA
        ),
    )
    .about(file.display().to_string())
}

pub(super) fn key_missing(dir: &Path, id: &str, why: &str) -> Fault {
    Fault::new(
        FaultCode::StoreKeyMissing,
        format!(
            "the store in {} is sealed by the key {id}, and {why}; its files were left as they are",
            dir.display()
        ),
    )
    .about(dir.display().to_string())
    .because(why)
}

pub(super) fn in_use(dir: &Path, holder: Option<&str>) -> Fault {
    let who =
        holder.map_or_else(|| "another program".to_owned(), |pid| format!("another program (PID {pid})"));
    Fault::new(FaultCode::StoreInUse, format!("the store in {} is open in {who}", dir.display()))
        .about(dir.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_is_told_in_words() {
        let original = io::Error::from_raw_os_error(28);
        let handed_on = io::Error::new(original.kind(), format!("{original:?}"));
        for why in [original, handed_on] {
            let fault = from_sled(Path::new("/data"), &sled::Error::Io(why));
            assert_eq!(fault.code, FaultCode::StoreUnwritable);
            assert!(!fault.message.contains("Os {") && fault.message.contains("space"), "{fault}");
        }
    }

    #[test]
    fn a_file_that_ends_too_soon_is_damage() {
        let short = sled::Error::Io(io::ErrorKind::UnexpectedEof.into());
        assert_eq!(from_sled(Path::new("/data"), &short).code, FaultCode::StoreDamaged);
    }
}
