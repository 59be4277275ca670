//! The whole table, as ps(1) would show it, and CPU shares since the reader's last sample.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::delta::Source;
use protocol::processes::{Process, ProcessTable};

use super::detail::read_detail;
use super::facts::{Facts, Known};
use super::rates::{Rate, rates};
use super::sample::{Sample, Seen, read_sample};
use super::told::Told;
use super::{ProcDir, parse_stat};
use crate::clock;
use crate::error::Error;
use crate::root::Root;
use crate::system::count_cpus;
use crate::users::Users;

/// More rows are counted, not sent: a line has a limit (`wire::LINE_LIMIT_BYTES`).
const ROWS_LIMIT: usize = 32_768;
/// Rows with a detail, each of which may cost some milliseconds.
const DETAILS_LIMIT: usize = 64;
/// A sample of this age gives the shares of one answer.
const LAST_MIN: Duration = Duration::from_millis(200);
const LAST_MAX: Duration = Duration::from_secs(10);

/// What is kept between readings of the table.
pub(crate) struct Desk {
    pub(super) known: Known,
    users: Users,
    last: Option<Sample>,
}

impl Desk {
    pub(crate) fn of(root: &Root) -> Self {
        Self { known: Known::default(), users: Users::of(root), last: None }
    }

    /// Reads the table with shares since `last`, and leaves its sample there.
    pub(crate) fn read(
        &mut self,
        root: &Root,
        last: &mut Option<Sample>,
        detail: &[u32],
    ) -> Result<ProcessTable, Error> {
        let (mut table, told) = self.read_told(root, last, detail)?;
        table.processes = told.iter().map(Source::to_row).collect();
        Ok(table)
    }

    /// The same as a table without its rows, and what they are made of.
    pub(crate) fn read_told(
        &mut self,
        root: &Root,
        last: &mut Option<Sample>,
        detail: &[u32],
    ) -> Result<(ProcessTable, Vec<Told>), Error> {
        let started = Instant::now();
        let sample = read_sample(root)?;
        let told = self.told_of(root, last.as_ref(), &sample, detail, started)?;
        *last = Some(sample);
        Ok(told)
    }

    /// True if a single answer would have shares of a sensible time.
    pub(crate) fn has_last(&self) -> bool {
        self.last.as_ref().is_some_and(|last| (LAST_MIN..=LAST_MAX).contains(&last.at.elapsed()))
    }

    /// Takes a sample that the next single answer is compared with.
    pub(crate) fn take_last(&mut self, root: &Root) -> Result<(), Error> {
        self.last = Some(read_sample(root)?);
        Ok(())
    }

    /// Reads the table with shares since the last single answer, or since `take_last`.
    pub(crate) fn read_once(&mut self, root: &Root, detail: &[u32]) -> Result<ProcessTable, Error> {
        let mut last = self.last.take();
        let table = self.read(root, &mut last, detail);
        self.last = last;
        table
    }

    fn told_of(
        &mut self,
        root: &Root,
        last: Option<&Sample>,
        sample: &Sample,
        detail: &[u32],
        started: Instant,
    ) -> Result<(ProcessTable, Vec<Told>), Error> {
        let proc = ProcDir::open(&root.proc)?;
        let cpus = count_cpus(root);
        let shares = last.map(|last| rates(last, sample, clock::ticks_per_s(), cpus));
        self.users.refresh();
        let mut processes = Vec::with_capacity(sample.seen.len().min(ROWS_LIMIT));
        for (at, seen) in sample.seen.iter().take(ROWS_LIMIT).enumerate() {
            let looked = self.known.look(root, &proc, seen.pid, seen.start_ticks, sample.comm(seen));
            let Some(facts) = looked else { continue };
            let share = shares.as_ref().and_then(|shares| shares.get(at).copied().flatten());
            processes.push(self.tell(seen, facts, share));
        }
        self.known.forget_gone(sample);
        for one in processes.iter_mut().filter(|one| detail.contains(&one.seen.pid)).take(DETAILS_LIMIT) {
            one.detail = read_detail(&proc, one.seen.pid, one.seen.start_ticks).map(Box::new);
        }
        let head = ProcessTable {
            at_ms: clock::now_ms(),
            over_ms: last
                .and_then(|last| u64::try_from(sample.at.duration_since(last.at).as_millis()).ok())
                .filter(|ms| *ms > 0),
            processes: Vec::new(),
            cpus,
            others_hidden: sample.others_hidden,
            unreadable: sample.unreadable,
            left_out: u32::try_from(sample.seen.len().saturating_sub(ROWS_LIMIT)).unwrap_or(u32::MAX),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        Ok((head, processes))
    }

    fn tell(&self, seen: &Seen, facts: Arc<Facts>, share: Option<Rate>) -> Told {
        Told {
            // Neither is told, and both change all the time.
            seen: Seen { comm_at: 0, comm_bytes: 0, children_ticks: 0, ..*seen },
            user: self.users.shared(facts.uid),
            facts,
            cpu_pct: share.map(|share| (share.own_pct * 10.0).round() / 10.0),
            detail: None,
        }
    }

    /// These processes alone, as far as they are there, each with its detail.
    pub(crate) fn read_details(&mut self, root: &Root, pids: &[u32]) -> Result<ProcessTable, Error> {
        let started = Instant::now();
        let proc = ProcDir::open(&root.proc)?;
        let mut processes = Vec::new();
        for (at, &pid) in pids.iter().enumerate().take(DETAILS_LIMIT) {
            // Asked for twice, it is one row all the same.
            if pids.get(..at).is_some_and(|before| before.contains(&pid)) {
                continue;
            }
            let Some(mut process) = self.read_one(root, &proc, pid) else { continue };
            process.detail = read_detail(&proc, pid, process.start_ticks);
            processes.push(process);
        }
        Ok(ProcessTable {
            at_ms: clock::now_ms(),
            processes,
            cpus: count_cpus(root),
            left_out: u32::try_from(pids.len().saturating_sub(DETAILS_LIMIT)).unwrap_or(u32::MAX),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..ProcessTable::default()
        })
    }

    /// One process as it is now, without a share; `None` if it is not there.
    pub(super) fn read_one(&mut self, root: &Root, proc: &ProcDir, pid: u32) -> Option<Process> {
        let mut line = Vec::with_capacity(1024);
        proc.read(pid, "stat", &mut line).then_some(())?;
        let stat = parse_stat(&line)?;
        let seen = Seen::of(&stat);
        let facts = self.known.look_now(root, proc, pid, stat.start_ticks, stat.comm)?;
        self.users.refresh();
        Some(self.tell(&seen, facts, None).to_row())
    }

    /// Users are read again if their file changed.
    pub(crate) fn refresh_users(&mut self) {
        self.users.refresh();
    }

    pub(super) fn user(&self, uid: u32) -> Option<&str> {
        self.users.name(uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn find(table: &ProcessTable, pid: u32) -> Option<&Process> {
        table.processes.iter().find(|process| process.pid == pid)
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn the_first_sample_has_no_shares_and_the_second_those_of_a_busy_process() {
        let root = Root::live();
        let mut desk = Desk::of(&root);
        let mut last = None;
        let busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let first = desk.read(&root, &mut last, &[]).unwrap();
        assert!(first.over_ms.is_none() && first.processes.iter().all(|one| one.cpu_pct.is_none()));
        std::thread::sleep(Duration::from_millis(400));
        let second = desk.read(&root, &mut last, &[busy.id()]).unwrap();
        let row = find(&second, busy.id()).unwrap().clone();
        let idle = find(&second, 1).unwrap().clone();
        end(busy);
        assert!(row.cpu_pct.is_some_and(|pct| pct > 5.0), "{row:?}");
        assert!(idle.cpu_pct.is_some() && idle.detail.is_none());
        assert!(row.detail.is_some(), "what was asked for about one process is there");
        assert_eq!((row.ppid, row.command.as_str()), (std::process::id(), "sh -c while :; do :; done"));
        assert!(second.over_ms.is_some_and(|ms| ms >= 400) && second.cpus > 0 && !second.others_hidden);
    }

    #[test]
    fn a_process_that_became_another_program_is_shown_as_that() {
        let root = Root::live();
        let mut desk = Desk::of(&root);
        let mut last = None;
        let child = Command::new("sh").args(["-c", "sleep 0.3; exec sleep 60"]).spawn().unwrap();
        let mut name = || {
            let table = desk.read(&root, &mut last, &[]).unwrap();
            find(&table, child.id()).map(|process| (process.name.clone(), process.command.clone()))
        };
        assert_eq!(name().unwrap().0, "sh");
        std::thread::sleep(Duration::from_millis(700));
        let now = name().unwrap();
        end(child);
        assert_eq!(now, ("sleep".to_owned(), "sleep 60".to_owned()), "PID and start time are the same");
    }

    #[test]
    fn details_of_some_are_read_without_the_others() {
        let root = Root::live();
        let table =
            Desk::of(&root).read_details(&root, &[std::process::id(), u32::MAX, std::process::id()]).unwrap();
        let [own] = table.processes.as_slice() else { panic!("{table:?}") };
        assert_eq!(own.pid, std::process::id());
        assert!(own.detail.as_ref().is_some_and(|detail| detail.program_path.is_some()), "{own:?}");
    }

    #[test]
    fn what_has_ended_is_forgotten() {
        let root = Root::live();
        let mut desk = Desk::of(&root);
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        assert!(find(&desk.read(&root, &mut None, &[]).unwrap(), pid).is_some());
        end(child);
        assert!(find(&desk.read(&root, &mut None, &[]).unwrap(), pid).is_none());
    }
}
