//! All processes at one moment, from one read of `/proc/PID/stat` each.

use std::time::Instant;

use rustix::io::Errno;

use super::stat::Stat;
use super::{ProcDir, parse_stat};
use crate::clock;
use crate::error::Error;
use crate::root::Root;

/// What is read of every process each time. The name lies in the sample's own buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub pid: u32,
    pub ppid: u32,
    pub state: u8,
    pub kernel_thread: bool,
    pub nice: i32,
    pub threads: u32,
    pub start_ticks: u64,
    pub cpu_ticks: u64,
    pub children_ticks: u64,
    pub rss_pages: u64,
    pub(super) comm_at: u32,
    pub(super) comm_bytes: u16,
}

impl Seen {
    /// What the line says, without the name.
    pub(super) fn of(stat: &Stat<'_>) -> Self {
        Self {
            pid: stat.pid,
            ppid: stat.ppid,
            state: stat.state,
            kernel_thread: stat.kernel_thread,
            nice: stat.nice,
            threads: stat.threads,
            start_ticks: stat.start_ticks,
            cpu_ticks: stat.cpu_ticks,
            children_ticks: stat.children_ticks,
            rss_pages: stat.rss_pages,
            comm_at: 0,
            comm_bytes: 0,
        }
    }
}

/// Processes by PID, ascending.
#[derive(Debug)]
pub(crate) struct Sample {
    pub at: Instant,
    /// Clock ticks after boot when the walk began, in the count of `start_ticks`; `None` for a
    /// captured tree.
    pub at_ticks: Option<u64>,
    pub seen: Vec<Seen>,
    /// Listed, but not to be read by this user (`hidepid=1`).
    pub unreadable: u32,
    /// PID 1 is not listed, which is there for certain: others are hidden too (`hidepid=2`).
    pub others_hidden: bool,
    comms: Vec<u8>,
}

impl Sample {
    /// The kernel's name of a process of this sample.
    pub(super) fn comm(&self, seen: &Seen) -> &[u8] {
        let from = seen.comm_at as usize;
        self.comms.get(from..from + usize::from(seen.comm_bytes)).unwrap_or_default()
    }

    /// The process with this PID.
    pub(super) fn find(&self, pid: u32) -> Option<&Seen> {
        self.seen.binary_search_by_key(&pid, |seen| seen.pid).ok().and_then(|at| self.seen.get(at))
    }

    #[cfg(test)]
    pub(super) fn of(at: Instant, at_ticks: u64, mut seen: Vec<Seen>) -> Self {
        seen.sort_by_key(|seen| seen.pid);
        let at_ticks = Some(at_ticks);
        Self { at, at_ticks, seen, unreadable: 0, others_hidden: false, comms: Vec::new() }
    }
}

/// Walks over all processes. One that ends meanwhile is not in the sample.
pub(crate) fn read_sample(root: &Root) -> Result<Sample, Error> {
    let proc = ProcDir::open(&root.proc)?;
    let (at, at_ticks) = (clock::moment(root), clock::ticks_of(root));
    let pids = proc.list_pids()?;
    let mut sample = Sample {
        at,
        at_ticks,
        seen: Vec::with_capacity(pids.len()),
        unreadable: 0,
        others_hidden: (root.is_live() || root.since_boot().is_some()) && pids.first() != Some(&1),
        comms: Vec::with_capacity(pids.len() * 12),
    };
    let mut line = Vec::with_capacity(1024);
    for pid in pids {
        match proc.try_read(pid, "stat", &mut line) {
            Ok(()) => {}
            Err(Errno::ACCESS | Errno::PERM) => {
                sample.unreadable += 1;
                continue;
            }
            Err(_) => continue,
        }
        let Some(stat) = parse_stat(&line).filter(|stat| stat.pid == pid) else { continue };
        // The kernel gives at most 64 bytes.
        let comm = stat.comm.get(..255).unwrap_or(stat.comm);
        sample.seen.push(Seen {
            comm_at: u32::try_from(sample.comms.len()).unwrap_or(u32::MAX),
            comm_bytes: u16::try_from(comm.len()).unwrap_or(0),
            ..Seen::of(&stat)
        });
        sample.comms.extend_from_slice(comm);
    }
    Ok(sample)
}
