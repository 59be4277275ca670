//! processes: the table of a host's processes, signals to one of them, and who used the most.
//!
//! A PID alone names nothing for long: the kernel gives it to another process. What a person sees
//! and acts on is named by PID and start time together, `start_ticks`, as the kernel counts it.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::delta::{Row, Table, changes};
use crate::link::Rights;
use crate::sockets::{Matched, matched_bytes};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessTable {
    /// Milliseconds since 1970 UTC by the host's clock.
    pub at_ms: i64,
    /// Time covered by the CPU shares; `None` in a first sample.
    pub over_ms: Option<u64>,
    /// By PID.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub processes: Vec<Process>,
    /// CPUs of the host: one process can use up to 100 % of each.
    pub cpus: u32,
    /// True if the host shows this user only some of its processes (`hidepid` of proc(5)).
    pub others_hidden: bool,
    /// Processes that are listed but may not be read.
    pub unreadable: u32,
    /// Processes that were read and left out, if a cap was reached.
    pub left_out: u32,
    /// Time the host took to read them.
    pub took_ms: u64,
}

/// A process, with the meanings of ps(1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    pub pid: u32,
    pub ppid: u32,
    /// Clock ticks after boot at which it began; with the PID it names one process for good.
    pub start_ticks: u64,
    /// The same as milliseconds since 1970 UTC, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    /// The kernel's name for it (`comm`), up to 15 bytes that it may choose itself.
    pub name: String,
    /// Its command line, words joined by spaces; empty for kernel threads and for what has ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Bytes of the command line after the part that is given.
    #[serde(skip_serializing_if = "is_zero")]
    pub command_left_out_bytes: u32,
    /// Name or command line had bytes that are not UTF-8; they are U+FFFD here.
    #[serde(skip_serializing_if = "is_false")]
    pub lossy: bool,
    /// Effective user.
    pub uid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub state: ProcessState,
    #[serde(skip_serializing_if = "is_false")]
    pub kernel_thread: bool,
    /// Share of one CPU since the sample before; `None` where there is no earlier one to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_pct: Option<f64>,
    /// CPU time since it began.
    pub cpu_ms: u64,
    pub rss_bytes: u64,
    pub threads: u32,
    pub nice: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// systemd unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What was asked for about this process alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<ProcessDetail>,
}

changes! {
    ProcessChange of Process {
        pid: u32,
        ppid: u32,
        start_ticks: u64,
        started_ms: Option<i64>,
        name: String,
        command: String,
        command_left_out_bytes: u32,
        lossy: bool,
        uid: u32,
        user: Option<String>,
        state: ProcessState,
        kernel_thread: bool,
        cpu_pct: Option<f64>,
        cpu_ms: u64,
        rss_bytes: u64,
        threads: u32,
        nice: i32,
        cgroup: Option<String>,
        unit: Option<String>,
        detail: Option<ProcessDetail>,
    }
}

impl Row for Process {
    fn rank(&self) -> u64 {
        u64::from(self.pid)
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        self.start_ticks.cmp(&other.start_ticks)
    }

    fn by_place(&self, other: &Self) -> Ordering {
        (self.pid, self.start_ticks).cmp(&(other.pid, other.start_ticks))
    }

    fn text_bytes(&self) -> usize {
        let texts = [&self.user, &self.cgroup, &self.unit];
        let path = self.detail.as_ref().and_then(|detail| detail.program_path.as_ref());
        let some: usize = texts.into_iter().flatten().chain(path).map(String::len).sum();
        self.name.len() + self.command.len() + some
    }
}

impl Table for ProcessTable {
    type Row = Process;

    fn rows(&self) -> &Vec<Process> {
        &self.processes
    }

    fn rows_mut(&mut self) -> &mut Vec<Process> {
        &mut self.processes
    }

    fn leave_out(&mut self, rows: u32) {
        self.left_out = self.left_out.saturating_add(rows);
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What costs more to read, so that it is read on request. `None` where this user may not see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessDetail {
    /// Memory with what is shared counted by its share (`Pss` of smaps_rollup).
    pub pss_bytes: Option<u64>,
    /// Swapped out, counted in the same way.
    pub swap_pss_bytes: Option<u64>,
    /// From and to storage since it began.
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
    /// Path of its program; ` (deleted)` at its end is the kernel's.
    pub program_path: Option<String>,
}

/// States of a process, with the letters of ps(1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    Running,
    Sleeping,
    /// Waits, mostly for storage, and takes no signal meanwhile.
    Uninterruptible,
    /// A kernel thread with nothing to do.
    Idle,
    Stopped,
    /// Stopped by a debugger.
    Traced,
    /// Ended; its parent has not asked how.
    Zombie,
    #[default]
    #[serde(other)]
    Unknown,
}

impl ProcessState {
    /// By the letter in `/proc/PID/stat`.
    pub fn of_letter(letter: u8) -> Self {
        match letter {
            b'R' => Self::Running,
            b'S' => Self::Sleeping,
            b'D' => Self::Uninterruptible,
            b'I' => Self::Idle,
            b'T' => Self::Stopped,
            b't' => Self::Traced,
            b'Z' => Self::Zombie,
            _ => Self::Unknown,
        }
    }

    pub fn letter(self) -> char {
        match self {
            Self::Running => 'R',
            Self::Sleeping => 'S',
            Self::Uninterruptible => 'D',
            Self::Idle => 'I',
            Self::Stopped => 'T',
            Self::Traced => 't',
            Self::Zombie => 'Z',
            Self::Unknown => '?',
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::Uninterruptible => "waiting for the kernel",
            Self::Idle => "idle",
            Self::Stopped => "stopped",
            Self::Traced => "stopped by a debugger",
            Self::Zombie => "ended, not yet collected by its parent",
            Self::Unknown => "in a state that this version does not know",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessSort {
    /// Most first.
    Cpu,
    /// Most first.
    Rss,
    Pid,
}

/// What a person asks of the process table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessQuery {
    /// Words, each of which must match name, command line, user, unit, state or PID.
    pub text: String,
    /// `None`: best matches first where there is text, else most CPU first.
    pub sort: Option<ProcessSort>,
    /// Rows at most; `None` is all.
    pub limit: Option<u32>,
    /// PIDs whose `detail` is wanted.
    pub detail: Vec<u32>,
    /// Without the threads of the kernel.
    pub programs: bool,
    /// Connects if there is no link. Without it the last snapshot answers, marked as stale.
    pub connect: bool,
    /// It will be asked again within seconds: the host keeps the table up to date here meanwhile.
    pub watch: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessAnswer {
    pub at_ms: i64,
    pub over_ms: Option<u64>,
    /// True if the rows are from the last snapshot and the host was not asked.
    pub stale: bool,
    pub rows: Vec<Arc<ProcessRow>>,
    /// All processes of the host that were seen, before the query.
    pub total: u32,
    /// Those that match, before the limit.
    pub found: u32,
    /// Processes that matched or might have, and are not among the rows: over the limit, over the
    /// host's cap, or not kept in the snapshot.
    pub left_out: u32,
    pub cpus: u32,
    pub others_hidden: bool,
    pub unreadable: u32,
    pub rights: Rights,
    pub took_ms: u64,
}

/// A process with the letters that the query matched, as character positions in each column:
/// `name`, `command`, `user`, `unit`, `state`, `pid`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessRow {
    pub process: Process,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
}

changes! {
    ProcessRowChange of ProcessRow {
        matched: Vec<Matched>,
    } within process: Process
}

impl Row for ProcessRow {
    fn rank(&self) -> u64 {
        Row::rank(&self.process)
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        Row::by_rest(&self.process, &other.process)
    }

    fn by_place(&self, other: &Self) -> Ordering {
        self.process.by_place(&other.process)
    }

    fn text_bytes(&self) -> usize {
        self.process.text_bytes() + matched_bytes(&self.matched)
    }
}

impl Table for ProcessAnswer {
    type Row = Arc<ProcessRow>;

    fn rows(&self) -> &Vec<Arc<ProcessRow>> {
        &self.rows
    }

    fn rows_mut(&mut self) -> &mut Vec<Arc<ProcessRow>> {
        &mut self.rows
    }

    fn leave_out(&mut self, rows: u32) {
        self.left_out = self.left_out.saturating_add(rows);
    }
}

/// Signals that a person sends (signal(7)). The numbers are those of x86 and ARM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    Hup,
    Int,
    Quit,
    Abrt,
    Kill,
    Usr1,
    Usr2,
    Alrm,
    Term,
    Cont,
    Stop,
    Tstp,
    Winch,
}

impl Signal {
    pub const ALL: [Signal; 13] = [
        Self::Hup,
        Self::Int,
        Self::Quit,
        Self::Abrt,
        Self::Kill,
        Self::Usr1,
        Self::Usr2,
        Self::Alrm,
        Self::Term,
        Self::Cont,
        Self::Stop,
        Self::Tstp,
        Self::Winch,
    ];

    pub fn number(self) -> i32 {
        match self {
            Self::Hup => 1,
            Self::Int => 2,
            Self::Quit => 3,
            Self::Abrt => 6,
            Self::Kill => 9,
            Self::Usr1 => 10,
            Self::Usr2 => 12,
            Self::Alrm => 14,
            Self::Term => 15,
            Self::Cont => 18,
            Self::Stop => 19,
            Self::Tstp => 20,
            Self::Winch => 28,
        }
    }

    /// `TERM`, as kill(1) takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hup => "HUP",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Abrt => "ABRT",
            Self::Kill => "KILL",
            Self::Usr1 => "USR1",
            Self::Usr2 => "USR2",
            Self::Alrm => "ALRM",
            Self::Term => "TERM",
            Self::Cont => "CONT",
            Self::Stop => "STOP",
            Self::Tstp => "TSTP",
            Self::Winch => "WINCH",
        }
    }

    /// `TERM`, `SIGTERM`, `sigterm` and `15` are the same.
    pub fn parse(word: &str) -> Option<Self> {
        let upper = word.trim().to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        Self::ALL.into_iter().find(|signal| signal.name() == name || signal.number().to_string() == upper)
    }

    /// True if a process that does nothing about it ends by it.
    pub fn ends(self) -> bool {
        !matches!(self, Self::Cont | Self::Stop | Self::Tstp | Self::Winch)
    }
}

/// What came of a signal that was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignalReport {
    /// The process as it was just before.
    pub process: Process,
    /// True if the kernel held the process while it was checked, so that no other one could be hit.
    /// False where that is not possible: it was checked in the moment before.
    pub held: bool,
    /// When it was seen to have ended, after the signal; `None` if it had not when the helper stopped
    /// looking.
    pub ended_ms: Option<u64>,
    /// Its state at the last look; `None` once it is gone.
    pub state_after: Option<ProcessState>,
    /// How long the helper looked.
    pub took_ms: u64,
}

/// Who used the most at a moment of the last ten minutes, and in the minute before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Blame {
    /// The sample nearest to the moment asked for, by the host's clock; `None` if none is near.
    pub at_ms: Option<i64>,
    /// Time that the sample covers, up to `at_ms`.
    pub over_ms: u64,
    /// Samples of the minute before, which `before` is the mean of.
    pub samples_before: u32,
    /// What is kept reaches from here to here; `None` if nothing is.
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
    pub cpus: u32,
    /// Most first.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub cpu: Vec<Consumer>,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub memory: Vec<Consumer>,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub io: Vec<Consumer>,
    /// Processes of other users whose I/O this one may not see: one of them may have caused more.
    pub io_hidden: u32,
    /// This user is not shown all processes: another one may have used more of all.
    pub some_hidden: bool,
}

/// A process that was among the largest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consumer {
    pub pid: u32,
    pub start_ticks: u64,
    pub name: String,
    /// The beginning of its command line.
    pub command: String,
    pub user: Option<String>,
    pub unit: Option<String>,
    pub then: Usage,
    /// Mean over the minute before. A sample in which it was not among the largest counts as
    /// nothing used; `None` if there is no sample before.
    pub before: Option<Usage>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Share of one CPU, with that of children that began and ended within the sample.
    pub cpu_pct: f64,
    pub rss_bytes: u64,
    /// From and to storage; `None` where this user may not see it.
    pub io_bytes_per_s: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_by_its_name_and_its_number() {
        for word in ["TERM", "SIGTERM", "sigterm", "15", " term "] {
            assert_eq!(Signal::parse(word), Some(Signal::Term), "{word}");
        }
        for word in ["", "SIG", "0", "-9", "015", "SIG15", "TERMINATE", "64"] {
            assert_eq!(Signal::parse(word), None, "{word}");
        }
        for signal in Signal::ALL {
            assert_eq!(Signal::parse(signal.name()), Some(signal));
            assert_eq!(Signal::parse(&signal.number().to_string()), Some(signal));
        }
    }

    #[test]
    fn a_state_has_its_letter_and_a_new_one_is_unknown() {
        for letter in *b"RSDITtZ" {
            assert_eq!(ProcessState::of_letter(letter).letter(), char::from(letter));
        }
        assert_eq!(ProcessState::of_letter(b'P'), ProcessState::Unknown);
        assert_eq!(serde_json::from_str::<ProcessState>("\"parked\"").unwrap(), ProcessState::Unknown);
    }

    #[test]
    fn a_row_of_the_wire_carries_only_what_there_is() {
        let line = serde_json::to_string(&Process { pid: 2, name: "kthreadd".into(), ..Process::default() });
        let line = line.unwrap();
        assert!(!line.contains("unit") && !line.contains("cpu_pct") && !line.contains("lossy"), "{line}");
        assert_eq!(serde_json::from_str::<Process>(&line).unwrap().name, "kthreadd");
    }
}
