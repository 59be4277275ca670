//! `Root`: where every path of the helper starts.
//!
//! Nothing else in the helper writes an absolute path of a file it reads. So a captured tree of
//! another machine is read by the same code as the machine itself. A captured tree is never asked
//! anything live: no child is started for it and no kernel interface other than its files is used.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;

/// No file of /proc, /sys or /etc that the helper reads is longer; what is longer is not read on.
const FILE_LIMIT_BYTES: u64 = 16 << 20;

/// The folders of one machine.
#[derive(Clone, Debug)]
pub struct Root {
    pub proc: PathBuf,
    pub sys: PathBuf,
    pub etc: PathBuf,
    pub run: PathBuf,
    pub usr: PathBuf,
    pub var: PathBuf,
    /// `/`, for files that lie nowhere else, such as `/.dockerenv`.
    pub top: PathBuf,
    live: bool,
    /// Of a tree that was read just now from a running machine: how long that was up then.
    since_boot: Option<Duration>,
}

impl Root {
    /// The machine that the helper runs on.
    pub fn live() -> Self {
        Self { live: true, ..Self::captured(Path::new("/")) }
    }

    /// A tree of files captured from some machine.
    pub fn captured(dir: &Path) -> Self {
        Self {
            proc: dir.join("proc"),
            sys: dir.join("sys"),
            etc: dir.join("etc"),
            run: dir.join("run"),
            usr: dir.join("usr"),
            var: dir.join("var"),
            top: dir.to_path_buf(),
            live: false,
            since_boot: None,
        }
    }

    /// A tree that was read just now from a running machine, so that its age counts.
    pub(crate) fn pulled(dir: &Path) -> Self {
        let root = Self::captured(dir);
        let seconds = read_word(&root.proc.join("uptime"))
            .and_then(|line| line.split(' ').next()?.parse::<f64>().ok())
            .filter(|seconds| (0.0..1e10).contains(seconds));
        Self { since_boot: seconds.map(Duration::from_secs_f64), ..root }
    }

    /// How long the machine was up when the tree was read from it; `None` for any other tree.
    pub(crate) fn since_boot(&self) -> Option<Duration> {
        self.since_boot
    }

    /// What a tool of the machine said when the tree was read from it.
    pub(crate) fn said(&self, tool: &str) -> Option<String> {
        self.since_boot.and_then(|_| read_text(&self.top.join("tools").join(tool)).ok())
    }

    /// True if this is the running machine, so that its tools and its kernel may be asked.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// True if systemd is PID 1 here (sd_booted(3)).
    pub fn has_systemd(&self) -> bool {
        self.run.join("systemd/system").is_dir()
    }
}

/// Reads a whole file, up to 16 MiB.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let read = || {
        let mut bytes = Vec::with_capacity(4096);
        File::open(path)?.take(FILE_LIMIT_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|cause| Error::Read { path: path.to_path_buf(), cause })
}

/// Reads a file as text; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    read_bytes(path).map(lossy)
}

/// The first line of a file without white space at its ends; `None` if there is none to read.
pub(crate) fn read_word(path: &Path) -> Option<String> {
    let text = read_text(path).ok()?;
    let word = text.lines().next()?.trim();
    (!word.is_empty()).then(|| word.to_owned())
}

/// Text of a host as UTF-8, without a copy where it is that already.
pub(crate) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}
