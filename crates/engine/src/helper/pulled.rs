//! pulled: files of a host as they came over the line, laid out here for the helper to read.
//!
//! Every path and every link is one of a closed set of forms, whatever the host sends: nothing is
//! written outside of the folder, and no link leads anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// No path of a host that is read here is longer or deeper.
const PATH_LIMIT_BYTES: usize = 120;

/// Files by their path, without the `/` at its head, and what the sockets of processes are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pulled {
    files: BTreeMap<String, Vec<u8>>,
    /// `proc/PID/fd/N` to `socket:[INODE]`.
    links: BTreeMap<String, String>,
}

/// More files than a host has processes and descriptors fill this computer, not a table.
const MOST_PATHS: usize = 250_000;
/// `sys/class/net/eth0/statistics/rx_bytes` and the like; no path of the script is deeper.
const DEEPEST: usize = 8;

impl Pulled {
    /// Reads what the script said; `None` if it did not come to its end.
    pub(super) fn parse(output: &[u8], mark: &str) -> Option<Self> {
        // The mark stands in the arguments of the script, where every user of the host can read it. What
        // is printed stands behind its path: only a whole line can be the script's own.
        let begin = format!("{mark} begin\n");
        let end = format!("\n{mark} end\n");
        let from = memchr::memmem::find(output, begin.as_bytes())? + begin.len();
        let rest = output.get(from - 1..)?;
        let body = rest.get(1..=memchr::memmem::rfind(rest, end.as_bytes())?)?;
        let mut pulled = Self::default();
        for line in body.split_inclusive(|byte| *byte == b'\n') {
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (path, text) = (line.get(..colon)?, line.get(colon + 1..)?);
            let Some(path) = std::str::from_utf8(path).ok().and_then(parse_path) else { continue };
            if pulled.files.len() + pulled.links.len() >= MOST_PATHS || path.matches('/').count() > DEEPEST {
                return None;
            }
            if is_descriptor(&path) {
                pulled.links.extend(parse_socket(text).map(|link| (path, link)));
            } else {
                pulled.files.entry(path).or_default().extend_from_slice(text);
            }
        }
        for (path, text) in &mut pulled.files {
            // The last line feed is that of grep(1): the arguments of a process end without one.
            if path.ends_with("/cmdline") && text.last() == Some(&b'\n') {
                text.pop();
            }
        }
        Some(pulled)
    }

    /// The first line of a file, safe to show; empty if there is none.
    pub(super) fn word(&self, path: &str) -> String {
        let text = self.files.get(path).map(Vec::as_slice).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        protocol::text::printable(text.lines().next().unwrap_or_default().trim()).into_owned()
    }

    /// Lays the files out in an empty folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut made = "";
        let above = |path: &str| path.rsplit_once('/').map_or(0, |(above, _)| above.len());
        for path in self.files.keys().chain(self.links.keys()) {
            let parent = path.get(..above(path)).unwrap_or_default();
            if parent != made {
                fs::create_dir_all(folder.join(parent))?;
                made = parent;
            }
        }
        for (path, text) in &self.files {
            fs::write(folder.join(path), text)?;
        }
        #[cfg(unix)]
        for (path, link) in &self.links {
            std::os::unix::fs::symlink(link, folder.join(path))?;
        }
        Ok(())
    }
}

/// The path without its first `/`, if it is one that may be read: a folder that is known, then names of
/// plain letters.
fn parse_path(path: &str) -> Option<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (top, below) = path.split_once('/')?;
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let is_known =
        ["proc", "etc", "usr", "run", "var", "tools"].contains(&top) && path.len() <= PATH_LIMIT_BYTES;
    (is_known && below.split('/').all(plain)).then(|| path.to_owned())
}

/// `proc/PID/fd/N`.
fn is_descriptor(path: &str) -> bool {
    path.split('/').nth(2) == Some("fd")
}

/// `socket:[123]`.
fn parse_socket(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim_end();
    let inode = text.strip_prefix("socket:[")?.strip_suffix(']')?;
    (!inode.is_empty() && inode.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn files_come_back_whole_and_no_name_of_a_process_makes_a_line_of_another() {
        let said = b"rc noise\nM begin\n/proc/7/stat:7 (a\n/proc/7/stat:/proc/1/stat:1 (init) S) R\n\
            /proc/7/cmdline:a\0b\n/proc/7/fd/3:socket:[99]\n/proc/7/fd/4:/etc/passwd\n\
            tools/show:Id=x.service\ntools/show:\ntools/show:Id=y\nM end\nbye";
        let pulled = Pulled::parse(said, "M").unwrap();
        assert_eq!(pulled.files["proc/7/stat"], b"7 (a\n/proc/1/stat:1 (init) S) R\n");
        assert_eq!(pulled.files["proc/7/cmdline"], b"a\0b");
        assert_eq!(pulled.files["tools/show"], b"Id=x.service\n\nId=y\n");
        assert!(!pulled.files.contains_key("proc/1/stat"));
        assert_eq!(pulled.links.len(), 1);
        let folder = tempfile::tempdir().unwrap();
        pulled.write(folder.path()).unwrap();
        let link = std::fs::read_link(folder.path().join("proc/7/fd/3")).unwrap();
        assert_eq!(link.to_str(), Some("socket:[99]"));
        assert_eq!(Pulled::parse(b"M begin\n/proc/7/stat:7\n", "M"), None, "cut off: not known");
    }

    proptest! {
        #[test]
        fn nothing_is_written_outside_of_the_folder(
            lines in prop::collection::vec("(/|\\.\\./|proc/|etc/|7/|fd/|[a-z:\\[\\]]{0,4}){0,6}:.{0,9}", 0..9)
        ) {
            let said = format!("M begin\n{}\nM end\n", lines.join("\n"));
            let top = tempfile::tempdir().unwrap();
            let folder = top.path().join("tree");
            std::fs::create_dir(&folder).unwrap();
            if let Some(pulled) = Pulled::parse(said.as_bytes(), "M") {
                // A file where a folder must be is an error, and no harm.
                let _ = pulled.write(&folder);
            }
            prop_assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 1);
        }
    }
}
