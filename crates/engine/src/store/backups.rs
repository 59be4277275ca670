//! The folder of backups beside the store: one for each day of the last seven that there was one,
//! and one from before each change of the format.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::rebuild;

/// As many daily backups are kept.
pub(super) const KEPT: usize = 7;
const DAILY: &str = "daily-";
const SUFFIX: &str = ".muster-backup";

/// The file of this day.
pub(super) fn daily(folder: &Path, day: &str) -> PathBuf {
    folder.join(format!("{DAILY}{day}{SUFFIX}"))
}

/// The file of the store as it was before it became one of this format.
pub(super) fn before_format(folder: &Path, format: u32) -> PathBuf {
    folder.join(format!("before-format-{format}{SUFFIX}"))
}

/// All backups of the folder, that of the newest day first, those of older formats last.
pub(super) fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(SUFFIX) && !name.starts_with('.'))
        .collect();
    names.sort_unstable_by(|a, b| (b.starts_with(DAILY), b).cmp(&(a.starts_with(DAILY), a)));
    names.into_iter().map(|name| folder.join(name)).collect()
}

pub(super) fn is_daily(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DAILY))
}

/// Removes daily backups over the number that is kept, the oldest first, and parts of ones that were cut.
pub(super) fn tidy(folder: &Path) -> io::Result<()> {
    for path in newest_first(folder).into_iter().filter(|path| is_daily(path)).skip(KEPT) {
        fs::remove_file(path)?;
    }
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.ends_with(".part") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the folder, for this user alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    rebuild::sync_parent(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seven_days_are_kept_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        for day in 10..20 {
            fs::write(daily(dir.path(), &format!("2026-11-{day}")), "x").unwrap();
        }
        fs::write(before_format(dir.path(), 2), "x").unwrap();
        fs::write(dir.path().join("mine.txt"), "x").unwrap();
        fs::write(dir.path().join(".daily-2026-11-19.muster-backup.abc.part"), "x").unwrap();
        tidy(dir.path()).unwrap();
        let names: Vec<String> = newest_first(dir.path())
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names[0], "daily-2026-11-19.muster-backup");
        assert_eq!(names[6], "daily-2026-11-13.muster-backup");
        assert_eq!(names[7..], ["before-format-2.muster-backup"]);
        assert!(dir.path().join("mine.txt").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 9);
    }
}
