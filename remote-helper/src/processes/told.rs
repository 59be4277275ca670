//! A process as a subscription remembers it: its numbers, and what it is without a copy of it. Rows
//! are made of what changed alone.

use std::cmp::Ordering;
use std::sync::Arc;

use protocol::delta::Source;
use protocol::processes::{Process, ProcessDetail, ProcessState};

use super::facts::Facts;
use super::sample::Seen;
use crate::clock;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// Without its place in the sample, which is no fact of it.
    pub(super) seen: Seen,
    pub(super) facts: Arc<Facts>,
    pub(super) user: Option<Arc<str>>,
    pub(super) cpu_pct: Option<f64>,
    pub(super) detail: Option<Box<ProcessDetail>>,
}

impl Source<Process> for Told {
    fn rank(&self) -> u64 {
        u64::from(self.seen.pid)
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        self.seen.start_ticks.cmp(&other.seen.start_ticks)
    }

    fn to_row(&self) -> Process {
        let Self { seen, facts, .. } = self;
        Process {
            pid: seen.pid,
            ppid: seen.ppid,
            start_ticks: seen.start_ticks,
            started_ms: facts.started_ms,
            name: facts.name.clone(),
            command: facts.command.clone(),
            command_left_out_bytes: facts.command_left_out_bytes,
            lossy: facts.lossy,
            uid: facts.uid,
            user: self.user.as_deref().map(str::to_owned),
            state: ProcessState::of_letter(seen.state),
            kernel_thread: seen.kernel_thread,
            cpu_pct: self.cpu_pct,
            cpu_ms: seen.cpu_ticks.saturating_mul(1_000) / clock::ticks_per_s(),
            rss_bytes: seen.rss_pages.saturating_mul(clock::page_bytes()),
            threads: seen.threads,
            nice: seen.nice,
            cgroup: facts.cgroup.clone(),
            unit: facts.unit.clone(),
            detail: self.detail.as_deref().cloned(),
        }
    }
}
