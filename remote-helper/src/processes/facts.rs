//! What a process is: name, command line, user, cgroup and unit, kept by PID and start time.
//!
//! Most of it stays as it is, and reading it costs four times as much as the numbers that do not.
//! But a process may change its user, its command line or its program and remain the same process.
//! So it is looked at again when its name changes, and after as much time as it was old at the last
//! look: often while it is young, every half minute later. Who asks about one process, or sends
//! it a signal, gets what it is now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::unit::systemd_path;
use super::{ProcDir, Sample, Units, parse_stat};
use crate::clock;
use crate::root::Root;

const LOOK_AGAIN_MIN: Duration = Duration::from_millis(500);
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(30);
/// A difference between two clocks that is told.
const CLOCK_NEWS_MS: u64 = 1_000;
/// More of a command line is counted, not kept.
const COMMAND_BYTES: usize = 4 << 10;

/// What a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) command: String,
    pub(super) command_left_out_bytes: u32,
    pub(super) lossy: bool,
    pub(super) uid: u32,
    pub(super) cgroup: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) started_ms: Option<i64>,
}

#[derive(Debug)]
struct Entry {
    pid: u32,
    start_ticks: u64,
    comm: Box<[u8]>,
    look_again: Instant,
    facts: Arc<Facts>,
}

/// What is known of the processes that are there.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By PID, ascending: a map would make the helper larger and no faster.
    entries: Vec<Entry>,
    units: Option<Units>,
    buffers: [Vec<u8>; 2],
}

impl Known {
    /// Forgets what is not in the sample.
    pub(super) fn forget_gone(&mut self, sample: &Sample) {
        self.entries
            .retain(|entry| sample.find(entry.pid).is_some_and(|seen| seen.start_ticks == entry.start_ticks));
    }

    /// The same, read anew whatever is known.
    pub(super) fn look_now(
        &mut self,
        root: &Root,
        proc: &ProcDir,
        pid: u32,
        start_ticks: u64,
        comm: &[u8],
    ) -> Option<Arc<Facts>> {
        if let Ok(at) = self.entries.binary_search_by_key(&pid, |entry| entry.pid)
            && let Some(entry) = self.entries.get_mut(at)
        {
            entry.look_again = Instant::now();
        }
        self.look(root, proc, pid, start_ticks, comm)
    }

    /// What the process is; `None` if it is gone, or another one has its PID now.
    pub(super) fn look(
        &mut self,
        root: &Root,
        proc: &ProcDir,
        pid: u32,
        start_ticks: u64,
        comm: &[u8],
    ) -> Option<Arc<Facts>> {
        let now = Instant::now();
        let place = self.entries.binary_search_by_key(&pid, |entry| entry.pid);
        if let Some(entry) = place.ok().and_then(|at| self.entries.get(at))
            && entry.start_ticks == start_ticks
            && *entry.comm == *comm
            && now < entry.look_again
        {
            return Some(Arc::clone(&entry.facts));
        }
        let mut facts = self.read(root, proc, pid, start_ticks, comm)?;
        if let Some(entry) = place.ok().and_then(|at| self.entries.get(at))
            && entry.start_ticks == start_ticks
        {
            facts.started_ms = steady(entry.facts.started_ms, facts.started_ms);
        }
        let facts = Arc::new(facts);
        let age = if root.is_live() { clock::age_of(start_ticks) } else { LOOK_AGAIN_MAX };
        let look_again = now + age.clamp(LOOK_AGAIN_MIN, LOOK_AGAIN_MAX);
        let entry = Entry { pid, start_ticks, comm: comm.into(), look_again, facts: Arc::clone(&facts) };
        match place.map(|at| self.entries.get_mut(at)) {
            Ok(Some(known)) => *known = entry,
            Ok(None) => {}
            Err(at) => self.entries.insert(at, entry),
        }
        Some(facts)
    }

    fn read(
        &mut self,
        root: &Root,
        proc: &ProcDir,
        pid: u32,
        start_ticks: u64,
        comm: &[u8],
    ) -> Option<Facts> {
        let units = self.units.get_or_insert_with(|| Units::of(root));
        let [buffer, line] = &mut self.buffers;
        let (name, name_lossy) = to_text(comm);
        let mut facts = Facts { name, lossy: name_lossy, ..Facts::default() };
        facts.started_ms = clock::began_ms(root, start_ticks);
        if proc.try_read(pid, "cmdline", buffer).is_ok() {
            let command = parse_cmdline(buffer);
            facts.lossy |= command.lossy;
            (facts.command, facts.command_left_out_bytes) = (command.text, command.left_out_bytes);
        }
        facts.uid = if root.is_live() {
            proc.user(pid)?
        } else {
            // The files of a captured tree belong to whoever unpacked it.
            proc.read(pid, "status", buffer).then_some(())?;
            parse_uid(buffer)?
        };
        if proc.read(pid, "cgroup", buffer) {
            facts.unit = units.parse_unit(buffer);
            facts.cgroup = systemd_path(&String::from_utf8_lossy(buffer)).map(str::to_owned);
        }
        // All of it is of one process only if it is still the same one.
        let same = proc.read(pid, "stat", line) && parse_stat(line)?.start_ticks == start_ticks;
        same.then_some(facts)
    }
}

/// The start by the wall clock, worked out anew: a millisecond more or less is only the time that
/// passed between two clocks, and no news. A clock that was set is.
fn steady(before_ms: Option<i64>, now_ms: Option<i64>) -> Option<i64> {
    match (before_ms, now_ms) {
        (Some(before), Some(now)) if before.abs_diff(now) < CLOCK_NEWS_MS => Some(before),
        _ => now_ms,
    }
}

struct Command {
    text: String,
    left_out_bytes: u32,
    lossy: bool,
}

/// Words end with NUL; a process that writes its title there leaves NULs or spaces after it.
fn parse_cmdline(bytes: &[u8]) -> Command {
    let end = bytes.iter().rposition(|b| !matches!(b, 0 | b' ')).map_or(0, |last| last + 1);
    let bytes = bytes.get(..end).unwrap_or_default();
    let mut kept = bytes.get(..COMMAND_BYTES).unwrap_or(bytes).to_vec();
    // A character is not cut in two.
    if kept.len() < bytes.len()
        && let Err(cut) = std::str::from_utf8(&kept)
        && cut.error_len().is_none()
    {
        kept.truncate(cut.valid_up_to());
    }
    let left_out_bytes = u32::try_from(bytes.len() - kept.len()).unwrap_or(u32::MAX);
    kept.iter_mut().filter(|b| **b == 0).for_each(|b| *b = b' ');
    let (text, lossy) = to_text(&kept);
    Command { text, left_out_bytes, lossy }
}

/// The text, and whether bytes of it were none.
fn to_text(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), true),
    }
}

/// The effective user: `Uid:` has real, effective, saved and file system user.
pub(super) fn parse_uid(status: &[u8]) -> Option<u32> {
    let line = status.split(|&b| b == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// What holds whatever a process writes there.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check_cmdline(bytes: &[u8]) {
    let command = parse_cmdline(bytes);
    assert!(!command.text.contains('\0') && command.text.len() <= COMMAND_BYTES * 3);
    assert!(command.left_out_bytes as usize <= bytes.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_command_line_is_its_words_whatever_they_hold() {
        for (bytes, text, lossy) in [
            (&b"sh\0-c\0echo a  b\n\0"[..], "sh -c echo a  b\n", false),
            (b"nginx: worker process\0\0\0\0", "nginx: worker process", false),
            (b"title            ", "title", false),
            (b"\x1b[31m\0\xff\0", "\u{1b}[31m \u{fffd}", true),
            (b"", "", false),
            (b"\0\0", "", false),
        ] {
            let command = parse_cmdline(bytes);
            assert_eq!((command.text.as_str(), command.lossy), (text, lossy), "{bytes:?}");
        }
    }

    #[test]
    fn a_start_is_told_anew_only_if_a_clock_was_set() {
        assert_eq!(steady(Some(5_000), Some(5_003)), Some(5_000));
        assert_eq!(steady(Some(5_000), Some(3_605_000)), Some(3_605_000));
        assert_eq!((steady(None, Some(1)), steady(Some(1), None)), (Some(1), None));
    }

    #[test]
    fn a_long_command_line_is_cut_between_characters_and_counted() {
        let long = "é".repeat(COMMAND_BYTES);
        let command = parse_cmdline(format!("x{long}").as_bytes());
        assert!(!command.lossy && command.text.ends_with('é'));
        assert_eq!(command.text.len() + command.left_out_bytes as usize, 1 + long.len());
    }

    #[test]
    fn the_user_is_the_effective_one_and_a_name_cannot_forge_it() {
        // A line feed in the name is written as \n by the kernel.
        assert_eq!(parse_uid(b"Name:\tx\\nUid:\t0\nState:\tS\nUid:\t1000\t33\t33\t33\n"), Some(33));
        assert_eq!(parse_uid(b"Name:\tx\n"), None);
    }

    #[test]
    fn what_is_known_is_of_this_process_and_not_of_one_that_had_its_pid() {
        let root = Root::live();
        let proc = ProcDir::open(&root.proc).unwrap();
        let pid = std::process::id();
        let mut line = Vec::new();
        assert!(proc.read(pid, "stat", &mut line));
        let stat = parse_stat(&line).unwrap();
        let mut known = Known::default();
        let facts = known.look(&root, &proc, pid, stat.start_ticks, stat.comm).unwrap();
        assert_eq!(facts.uid, rustix::process::geteuid().as_raw());
        assert!(!facts.command.is_empty() && facts.started_ms.is_some());
        assert_eq!(known.look(&root, &proc, pid, stat.start_ticks - 1, stat.comm), None);
    }

    #[test]
    fn who_asks_about_one_process_gets_what_it_is_now() {
        let root = Root::live();
        let proc = ProcDir::open(&root.proc).unwrap();
        let mut known = Known::default();
        let script = "read x; exec sh -c 'read y; : NEW'";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut line = Vec::new();
        assert!(proc.read(child.id(), "stat", &mut line));
        let stat = parse_stat(&line).unwrap();
        let (start_ticks, comm) = (stat.start_ticks, b"sh");
        let age = Duration::from_secs(60);
        // While a program is begun the kernel has no words of it yet.
        let until_it_says = |known: &mut Known, word: &str| {
            let begun = Instant::now();
            loop {
                let now = known.look_now(&root, &proc, child.id(), start_ticks, comm).unwrap();
                if now.command.starts_with(word) || begun.elapsed() > age / 6 {
                    return now.command.clone();
                }
            }
        };
        let before = until_it_says(&mut known, "sh -c read x");
        let entry = known.entries.iter_mut().find(|entry| entry.pid == child.id()).unwrap();
        entry.look_again = Instant::now() + age;
        std::io::Write::write_all(&mut stdin, b"go\n").unwrap();
        let now = until_it_says(&mut known, "sh -c read y");
        drop(stdin);
        child.wait().unwrap();
        assert!(before.starts_with("sh -c read x") && now.starts_with("sh -c read y"), "{before}, {now}");
    }

    #[test]
    fn the_folder_of_a_process_belongs_to_the_user_that_its_status_names() {
        let proc = ProcDir::open(&Root::live().proc).unwrap();
        let mut status = Vec::new();
        let mut compared = 0;
        for pid in proc.list_pids().unwrap() {
            // One that ends or changes its user meanwhile has no say.
            let before = proc.user(pid);
            if proc.read(pid, "status", &mut status) && before.is_some() && before == proc.user(pid) {
                assert_eq!(before, parse_uid(&status), "PID {pid}");
                compared += 1;
            }
        }
        assert!(compared > 1);
    }

    proptest! {
        #[test]
        fn any_bytes_make_a_command_line(bytes in prop::collection::vec(any::<u8>(), 0..9_000)) {
            let command = parse_cmdline(&bytes);
            prop_assert!(!command.text.contains('\0'));
            prop_assert!(command.text.len() <= COMMAND_BYTES * 3);
        }
    }
}
