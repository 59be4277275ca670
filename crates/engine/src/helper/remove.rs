//! remove: nothing of Muster is left on a host.
//!
//! Processes of the helper are ended, its files removed, and the folder goes if it is this user's
//! alone and nothing else lies in it. Only regular files of this user with the helper's name are
//! ever removed; where such files lie in a folder of another user or behind a link, nothing is.

use std::time::Duration;

use protocol::{Fault, FaultCode};

use super::{place, scripts};
use crate::ssh::{Connection, ExecLimits};

/// Processes get four seconds to end; a login shell may be slow.
const REMOVE_LIMIT: Duration = Duration::from_secs(60);

/// What was taken away, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Paths of files.
    pub removed: Vec<String>,
    pub bytes: u64,
    /// Folders that are gone.
    pub gone: Vec<String>,
    /// Folders that were left, because something else lies there or they are not Muster's alone.
    pub kept: Vec<String>,
    pub ended: Vec<String>,
    /// What could not be removed or ended, and why.
    pub stays: Vec<String>,
}

impl Removal {
    /// One sentence on what came of it.
    pub fn summary(&self) -> String {
        let count =
            |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let mut text = if self.removed.is_empty() && self.ended.is_empty() && self.gone.is_empty() {
            "nothing of Muster was there".to_owned()
        } else {
            let mut text = count(self.removed.len(), "file removed", "files removed");
            if !self.gone.is_empty() {
                text += &format!(", {}", count(self.gone.len(), "folder removed", "folders removed"));
            }
            if !self.ended.is_empty() {
                text += &format!(", {}", count(self.ended.len(), "process ended", "processes ended"));
            }
            text
        };
        if !self.kept.is_empty() {
            text += &format!("; the folder {} was left: it is not Muster's alone", self.kept.join(", "));
        }
        if !self.stays.is_empty() {
            text += &format!("; this stays: {}", self.stays.join(", "));
        }
        text
    }
}

/// Takes away what lies on the host. `dir` is the folder that it is set to.
///
/// # Errors
/// `NotPermitted` if the folder is not this user's: then nothing was touched. `HelperBlocked` if the
/// host gives no shell, or the connection's.
pub async fn remove(connection: &Connection, host: &str, dir: Option<&str>) -> Result<Removal, Fault> {
    place::check_dir(dir)?;
    let mark = scripts::mark();
    let what = "removing the helper";
    let command = scripts::remove(&[&mark, dir.unwrap_or("")]);
    let result = connection.run(&command, Vec::new(), ExecLimits::new(what, REMOVE_LIMIT)).await?;
    match parse_removal(&String::from_utf8_lossy(&result.stdout), &mark) {
        Some(Ok(removal)) => Ok(removal),
        Some(Err((whose, path))) => Err(not_ours(host, &whose, &path)),
        None => Err(place::no_answer(host, what, &result)),
    }
}

/// The removal, or whose the folder is and its path; `None` if the script did not come to its end.
fn parse_removal(output: &str, mark: &str) -> Option<Result<Removal, (String, String)>> {
    let mut removal = Removal::default();
    for (word, rest) in scripts::parse_said(output, mark) {
        let shown = protocol::text::printable(rest).into_owned();
        match word {
            "foreign" => {
                let (whose, path) = shown.split_once(' ')?;
                return Some(Err((whose.to_owned(), path.to_owned())));
            }
            "removed" => {
                let (bytes, path) = shown.split_once(' ')?;
                removal.bytes = removal.bytes.saturating_add(bytes.parse().unwrap_or(0));
                removal.removed.push(path.to_owned());
            }
            "gone" => removal.gone.push(shown),
            "kept" => removal.kept.push(shown),
            "ended" => removal.ended.push(shown),
            "stays" => removal.stays.push(shown),
            "end" => return Some(Ok(removal)),
            _ => {}
        }
    }
    None
}

fn not_ours(host: &str, whose: &str, path: &str) -> Fault {
    let why = if whose == "link" { "is a symbolic link" } else { "belongs to another user" };
    Fault::new(FaultCode::NotPermitted, format!("nothing was removed from {host}: the folder {path} {why}"))
        .on_host(host)
        .about(path)
        .because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_and_what_stays_is_told_in_one_sentence() {
        let said = "M ended 7\nM removed 900 /r/a b\nM gone /r\nM end\n";
        let removal = parse_removal(said, "M").unwrap().unwrap();
        assert_eq!(removal.summary(), "1 file removed, 1 folder removed, 1 process ended");
        assert_eq!((removal.bytes, removal.removed.as_slice()), (900, &["/r/a b".to_owned()][..]));
        let said = "M removed 1 /r/x\nM removed 2 /r/y\nM stays /r/z: \u{1b}[2J\nM kept /r\nM end\n";
        let summary = parse_removal(said, "M").unwrap().unwrap().summary();
        assert!(summary.starts_with("2 files removed; the folder /r was left"), "{summary}");
        assert!(summary.contains("this stays: /r/z") && !summary.contains('\u{1b}'), "{summary}");
        assert_eq!(parse_removal("M end\n", "M").unwrap().unwrap().summary(), "nothing of Muster was there");
        assert!(parse_removal("M removed 900 /r\n", "M").is_none(), "cut off: not known");
        assert_eq!(parse_removal("M foreign link /r\n", "M").unwrap().unwrap_err().0, "link");
    }
}
