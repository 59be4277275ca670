//! The last ten minutes: who used the most CPU, memory and I/O in each sample of the metrics.
//!
//! It is filled while metrics are pushed, from the walk that counts tasks for them, so it costs
//! little more than the I/O of those processes that did something. Its memory is bounded: so many
//! samples, so many processes of each, so many names; if the names of many short-lived processes
//! fill it, it reaches less far back, and says how far.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use protocol::processes::Blame;

use super::ProcDir;
use super::blame::blame;
use super::detail::parse_io;
use super::rates::rates;
use super::sample::{Sample, Seen};
use super::table::Desk;
use crate::clock;
use crate::root::Root;
use crate::system::count_cpus;

const SAMPLES: usize = 600;
const REACH: Duration = Duration::from_secs(600);
/// Of each kind: CPU, memory, I/O.
pub(super) const LARGEST: usize = 10;
const NAMES: usize = 2_000;
/// Two subscriptions of metrics fill one ring.
const APART: Duration = Duration::from_millis(900);
/// A sample over a longer time tells nothing about a moment.
const OVER_MAX: Duration = Duration::from_secs(90);
const COMMAND_BYTES: usize = 160;

/// A process that was among the largest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) pid: u32,
    pub(super) start_ticks: u64,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) uid: u32,
    pub(super) unit: Option<String>,
}

/// What it used in one sample.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) who: Arc<Who>,
    pub(super) cpu_pct: f32,
    pub(super) rss_kib: u32,
    pub(super) io_kib_per_s: Option<u32>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: Instant,
    pub(super) at_ms: i64,
    pub(super) over_ms: u32,
    /// Processes whose I/O this user may not see.
    pub(super) io_hidden: u32,
    /// Processes are hidden from this user.
    pub(super) some_hidden: bool,
    /// Those that were among the largest in any kind.
    pub(super) used: Box<[Used]>,
}

/// What of I/O was counted for a process when it was last read.
#[derive(Clone, Copy, Debug)]
struct IoRead {
    pid: u32,
    start_ticks: u64,
    /// `None` for a process whose I/O this user may not see.
    bytes: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Ring {
    entries: VecDeque<Entry>,
    whos: Vec<Arc<Who>>,
    last: Option<Sample>,
    /// By PID, ascending.
    io: Vec<IoRead>,
    cpus: u32,
}

impl Ring {
    /// Takes a sample in, if the one before is old enough. `at_ms` is that of the metrics.
    pub(crate) fn record(&mut self, root: &Root, desk: &mut Desk, sample: Sample, at_ms: i64) {
        let over = self.last.as_ref().map(|last| sample.at.duration_since(last.at));
        if over.is_some_and(|over| over < APART) {
            return;
        }
        let Ok(proc) = ProcDir::open(&root.proc) else { return };
        self.cpus = count_cpus(root);
        let io = self.read_io(&proc, &sample);
        if let (Some(over), Some(last)) = (over.filter(|over| *over <= OVER_MAX), &self.last) {
            let cpu = rates(last, &sample, clock::ticks_per_s(), self.cpus);
            let rows: Vec<Row> = sample
                .seen
                .iter()
                .zip(cpu)
                .zip(io)
                .map(|((seen, rate), io)| Row {
                    seen: *seen,
                    cpu_pct: rate.map_or(0.0, |rate| rate.own_pct + rate.ended_children_pct),
                    rss_bytes: seen.rss_pages.saturating_mul(clock::page_bytes()),
                    io_bytes_per_s: io.map(|bytes| (bytes as f64 / over.as_secs_f64()) as u64),
                })
                .collect();
            let used = largest(&rows)
                .into_iter()
                .filter_map(|row| {
                    let who = self.who(root, desk, &proc, &sample, &row.seen)?;
                    Some(Used {
                        who,
                        cpu_pct: row.cpu_pct as f32,
                        rss_kib: u32::try_from(row.rss_bytes / 1024).unwrap_or(u32::MAX),
                        io_kib_per_s: row.io_bytes_per_s.map(|b| u32::try_from(b / 1024).unwrap_or(u32::MAX)),
                    })
                })
                .collect();
            let over_ms = u32::try_from(over.as_millis()).unwrap_or(u32::MAX);
            let io_hidden = self.io.iter().filter(|io| io.bytes.is_none()).count();
            let io_hidden = u32::try_from(io_hidden).unwrap_or(u32::MAX);
            let some_hidden = sample.others_hidden || sample.unreadable > 0;
            self.push(Entry { at: sample.at, at_ms, over_ms, io_hidden, some_hidden, used });
        }
        desk.known.forget_gone(&sample);
        self.last = Some(sample);
    }

    /// Who used the most at a moment, by this host's clock.
    pub(crate) fn blame(&self, desk: &Desk, at_ms: i64) -> Blame {
        blame(self.entries.iter(), at_ms, self.cpus, |uid| desk.user(uid).map(str::to_owned))
    }

    /// Bytes from and to storage since the sample before, of each process; `None` where it is not
    /// known. Only who used CPU or waits can have done I/O, or whose children did and ended, for what
    /// they did is then counted as its own; the others are read once, to begin with.
    fn read_io(&mut self, proc: &ProcDir, sample: &Sample) -> Vec<Option<u64>> {
        let before = std::mem::take(&mut self.io);
        let mut buffer = Vec::with_capacity(512);
        let mut grown = Vec::with_capacity(sample.seen.len());
        for seen in &sample.seen {
            let found = before.binary_search_by_key(&seen.pid, |io| io.pid).ok();
            let known = found.and_then(|at| before.get(at).copied());
            let known = known.filter(|io| io.start_ticks == seen.start_ticks);
            let last = self.last.as_ref().and_then(|last| last.find(seen.pid));
            let still = last.is_some_and(|last| {
                last.start_ticks == seen.start_ticks
                    && last.cpu_ticks == seen.cpu_ticks
                    && last.children_ticks == seen.children_ticks
                    && seen.state != b'D'
            });
            if seen.kernel_thread || (still && known.is_some()) {
                grown.push(known.and_then(|io| io.bytes).map(|_| 0));
                self.io.extend(known);
                continue;
            }
            let bytes = match proc.try_read(seen.pid, "io", &mut buffer) {
                Ok(()) => match parse_io(&buffer) {
                    (Some(read), Some(written)) => Some(read.saturating_add(written)),
                    _ => None,
                },
                Err(Errno::ACCESS | Errno::PERM) => None,
                // It is gone, or this kernel does not count I/O.
                Err(_) => {
                    grown.push(None);
                    continue;
                }
            };
            self.io.push(IoRead { pid: seen.pid, start_ticks: seen.start_ticks, bytes });
            let Some(bytes) = bytes else {
                grown.push(None);
                continue;
            };
            let is_new =
                self.last.as_ref().and_then(|last| last.at_ticks).is_some_and(|t| seen.start_ticks >= t);
            grown.push(match known {
                Some(io) => io.bytes.and_then(|before| bytes.checked_sub(before)),
                None if is_new => Some(bytes),
                None => None,
            });
        }
        grown
    }

    fn who(
        &mut self,
        root: &Root,
        desk: &mut Desk,
        proc: &ProcDir,
        sample: &Sample,
        seen: &Seen,
    ) -> Option<Arc<Who>> {
        let known =
            self.whos.iter().position(|who| (who.pid, who.start_ticks) == (seen.pid, seen.start_ticks));
        let facts = desk.known.look(root, proc, seen.pid, seen.start_ticks, sample.comm(seen));
        let Some(facts) = facts else {
            // It ended just now; the kernel's name is known all the same.
            return Some(known.and_then(|at| self.whos.get(at)).cloned().unwrap_or_else(|| {
                Arc::new(Who {
                    pid: seen.pid,
                    start_ticks: seen.start_ticks,
                    name: crate::root::lossy(sample.comm(seen).to_vec()),
                    uid: u32::MAX,
                    ..Who::default()
                })
            }));
        };
        let command = facts.command.get(..facts.command.floor_char_boundary(COMMAND_BYTES));
        let who = Who {
            pid: seen.pid,
            start_ticks: seen.start_ticks,
            name: facts.name.clone(),
            command: command.unwrap_or_default().to_owned(),
            uid: facts.uid,
            unit: facts.unit.clone(),
        };
        if let Some(known) = known.and_then(|at| self.whos.get(at)).filter(|known| ***known == who) {
            return Some(Arc::clone(known));
        }
        let who = Arc::new(who);
        // What it was called before is kept as long as it is told of.
        match known.and_then(|at| self.whos.get_mut(at)) {
            Some(known) => *known = Arc::clone(&who),
            None => self.whos.push(Arc::clone(&who)),
        }
        Some(who)
    }

    fn push(&mut self, entry: Entry) {
        let at = entry.at;
        self.entries.push_back(entry);
        while self.entries.len() > SAMPLES
            || self.entries.front().is_some_and(|first| at.duration_since(first.at) > REACH)
        {
            self.entries.pop_front();
        }
        self.forget_names();
        while self.whos.len() > NAMES && self.entries.len() > 1 {
            self.entries.drain(..self.entries.len().div_ceil(10));
            self.forget_names();
        }
    }

    fn forget_names(&mut self) {
        self.whos.retain(|who| Arc::strong_count(who) > 1);
    }
}

struct Row {
    seen: Seen,
    cpu_pct: f64,
    rss_bytes: u64,
    io_bytes_per_s: Option<u64>,
}

/// Those that are among the largest in any kind, each once.
fn largest(rows: &[Row]) -> Vec<&Row> {
    let mut chosen: Vec<usize> = Vec::with_capacity(3 * LARGEST);
    let kinds: [&dyn Fn(&Row) -> f64; 3] =
        [&|row| row.cpu_pct, &|row| row.rss_bytes as f64, &|row| row.io_bytes_per_s.unwrap_or(0) as f64];
    for kind in kinds {
        for at in largest_of(rows.len(), &|at| rows.get(at).map_or(0.0, kind)) {
            if !chosen.contains(&at) {
                chosen.push(at);
            }
        }
    }
    chosen.into_iter().filter_map(|at| rows.get(at)).collect()
}

/// The places of the largest of so many, most first; what has nothing is not among them. A general
/// sort would cost the helper more of its size than this.
pub(super) fn largest_of(count: usize, size: &dyn Fn(usize) -> f64) -> Vec<usize> {
    let mut top: Vec<(f64, usize)> = Vec::with_capacity(LARGEST + 1);
    for at in 0..count {
        let one = size(at);
        let is_full = top.len() == LARGEST;
        if one <= 0.0 || (is_full && top.last().is_some_and(|(least, _)| one <= *least)) {
            continue;
        }
        let place = top.iter().position(|(other, _)| *other < one).unwrap_or(top.len());
        top.insert(place, (one, at));
        top.truncate(LARGEST);
    }
    top.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::read_sample;

    fn entry(at: Instant, second: u64, pids: std::ops::Range<u32>, ring: &mut Ring) -> Entry {
        let used = pids
            .map(|pid| {
                let who = Arc::new(Who { pid, start_ticks: second, ..Who::default() });
                ring.whos.push(Arc::clone(&who));
                Used { who, cpu_pct: 1.0, rss_kib: 1, io_kib_per_s: None }
            })
            .collect();
        Entry {
            at: at + Duration::from_secs(second),
            at_ms: second as i64 * 1_000,
            over_ms: 1_000,
            io_hidden: 0,
            some_hidden: false,
            used,
        }
    }

    #[test]
    fn the_largest_of_each_kind_are_kept_and_nothing_that_did_nothing() {
        let rows: Vec<Row> = (0..100u32)
            .map(|pid| Row {
                seen: Seen { pid, ..Seen::default() },
                cpu_pct: f64::from(pid),
                rss_bytes: u64::from(100 - pid),
                io_bytes_per_s: (pid == 50).then_some(9),
            })
            .collect();
        let pids: Vec<u32> = largest(&rows).iter().map(|row| row.seen.pid).collect();
        let wanted: Vec<u32> = (90..100).rev().chain(0..10).chain([50]).collect();
        assert_eq!(pids, wanted);
    }

    #[test]
    fn ten_minutes_are_kept_and_no_more() {
        let mut ring = Ring::default();
        let at = Instant::now();
        for second in 0..1_500 {
            let next = entry(at, second, 7..8, &mut ring);
            ring.push(next);
        }
        assert_eq!(ring.entries.len(), SAMPLES);
        assert_eq!(ring.whos.len(), SAMPLES, "names are kept as long as what they name");
    }

    #[test]
    fn names_of_very_many_processes_shorten_the_ring_and_do_not_fill_the_memory() {
        let mut ring = Ring::default();
        let at = Instant::now();
        for second in 0..600 {
            let next = entry(at, second, 0..30, &mut ring);
            ring.push(next);
            assert!(ring.whos.len() <= NAMES + 30);
        }
        assert!(!ring.entries.is_empty() && ring.entries.back().unwrap().at_ms == 599_000);
    }

    #[test]
    fn a_busy_process_is_blamed_for_its_second() {
        let root = Root::live();
        let mut desk = Desk::of(&root);
        let mut ring = Ring::default();
        let take = |ring: &mut Ring, desk: &mut Desk| {
            let sample = read_sample(&root).unwrap();
            let at_ms = clock::now_ms();
            ring.record(&root, desk, sample, at_ms);
            at_ms
        };
        take(&mut ring, &mut desk);
        assert_eq!(
            ring.blame(&desk, 0),
            Blame { cpus: ring.cpus, ..Blame::default() },
            "nothing is kept yet"
        );
        let busy = std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn();
        let mut busy = busy.unwrap();
        std::thread::sleep(APART + Duration::from_millis(100));
        let at_ms = take(&mut ring, &mut desk);
        let blame = ring.blame(&desk, at_ms);
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert_eq!(blame.at_ms, Some(at_ms));
        let row = blame.cpu.iter().find(|one| one.pid == busy.id()).unwrap();
        assert!(row.then.cpu_pct > 5.0 && row.before.is_none(), "{row:?}");
        assert!(!blame.memory.is_empty() && blame.memory[0].then.rss_bytes > 0);
    }
}
