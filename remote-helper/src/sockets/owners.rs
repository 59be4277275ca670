//! Who holds which socket, kept between readings.
//!
//! Reading every link of `/proc/PID/fd` costs more than all else here, so it is done anew only for
//! a process that is new (by PID and start time) or whose number of open files changed, and for the
//! others only if a socket was seen that nobody known holds. Kernels before 6.2 do not tell the
//! number of open files; there all are looked at again after a while.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use protocol::sockets::Socket;
use rustix::fs::{Dir, readlinkat};

use crate::processes::{ProcDir, Units, parse_stat};
use crate::root::{Root, lossy};

/// After this time a process is looked at again, for what the cheap signs do not show: a socket
/// closed and another file opened, or a name or unit changed.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same where the kernel does not tell the number of open files.
const LOOK_AGAIN_BLIND: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Process {
    start_ticks: u64,
    open_files: u64,
    looked: Instant,
    /// Inodes of its sockets.
    inodes: Vec<u64>,
    program: String,
    unit: Option<String>,
}

/// The processes that hold sockets.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    processes: BTreeMap<u32, Process>,
    /// By inode: lowest PID, and how many.
    holders: HashMap<u64, (u32, u32)>,
    /// Sockets that a full look found nobody for.
    nobodys: HashSet<u64>,
}

impl Owners {
    /// Brings what is kept up to date with the processes that are there now. What cannot be read
    /// stays unknown and shows as a hidden owner.
    pub(crate) fn refresh(&mut self, root: &Root, sockets: &[Socket]) {
        let Ok(proc) = ProcDir::open(&root.proc) else { return };
        let wanted: HashSet<u64> =
            sockets.iter().map(|socket| socket.inode).filter(|&inode| inode != 0).collect();
        let units = Units::of(root);
        let kept = self.look_at_changed(&proc, &units);
        self.rebuild();
        self.nobodys.retain(|inode| wanted.contains(inode));
        let is_new = |owners: &Self| {
            wanted.iter().any(|inode| !owners.holders.contains_key(inode) && !owners.nobodys.contains(inode))
        };
        if is_new(self) {
            for pid in kept {
                self.look_at_files(&proc, pid, &units);
            }
            self.rebuild();
            self.nobodys.extend(wanted.iter().filter(|inode| !self.holders.contains_key(inode)));
        }
    }

    /// Fills in the process that holds a socket, if it is known.
    pub(crate) fn fill(&self, socket: &mut Socket) {
        let Some(&(pid, holders)) = self.holders.get(&socket.inode) else { return };
        socket.pid = Some(pid);
        socket.holders = holders;
        if let Some(process) = self.processes.get(&pid) {
            socket.program = Some(process.program.clone());
            socket.unit = process.unit.clone();
        }
    }

    /// True if a process of the unit holds the socket, whoever else does: the socket of an activated
    /// service is systemd's as well.
    pub(crate) fn is_held_by(&self, inode: u64, unit: &str) -> bool {
        self.processes.values().any(|process| {
            process.unit.as_deref() == Some(unit) && process.inodes.binary_search(&inode).is_ok()
        })
    }

    /// Drops processes that ended and looks at those that changed; gives the PIDs it trusted.
    fn look_at_changed(&mut self, proc: &ProcDir, units: &Units) -> Vec<u32> {
        let now = Instant::now();
        let mut line = Vec::with_capacity(1024);
        let mut trusted = Vec::new();
        let mut before = std::mem::take(&mut self.processes);
        for pid in proc.list_pids().unwrap_or_default() {
            if !proc.read(pid, "stat", &mut line) {
                continue;
            }
            let Some(stat) = parse_stat(&line) else { continue };
            let open_files = proc.count_open_files(pid).unwrap_or(0);
            let again = if open_files == 0 { LOOK_AGAIN_BLIND } else { LOOK_AGAIN };
            let same = before.remove(&pid).filter(|process| {
                process.start_ticks == stat.start_ticks
                    && process.open_files == open_files
                    && process.program.as_bytes() == lossy(stat.comm.to_vec()).as_bytes()
                    && now.duration_since(process.looked) < again
            });
            if let Some(process) = same {
                trusted.push(pid);
                self.processes.insert(pid, process);
                continue;
            }
            let (start_ticks, program) = (stat.start_ticks, lossy(stat.comm.to_vec()));
            let process =
                Process { start_ticks, open_files, looked: now, inodes: Vec::new(), program, unit: None };
            self.processes.insert(pid, process);
            self.look_at_files(proc, pid, units);
        }
        trusted
    }

    /// Reads the links of one process, and its unit if it holds a socket.
    fn look_at_files(&mut self, proc: &ProcDir, pid: u32, units: &Units) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.inodes.clear();
        let Ok(dir) = proc.open_files(pid) else { return };
        let Ok(entries) = Dir::read_from(&dir) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_bytes().first() == Some(&b'.') {
                continue;
            }
            if let Ok(target) = readlinkat(&dir, entry.file_name(), Vec::new())
                && let Some(inode) = parse_link(target.as_bytes())
            {
                process.inodes.push(inode);
            }
        }
        process.inodes.sort_unstable();
        process.inodes.dedup();
        process.inodes.shrink_to_fit();
        let mut cgroup = Vec::new();
        if process.unit.is_none() && !process.inodes.is_empty() && proc.read(pid, "cgroup", &mut cgroup) {
            process.unit = units.parse_unit(&cgroup);
        }
    }

    fn rebuild(&mut self) {
        self.holders.clear();
        for (&pid, process) in &self.processes {
            for &inode in &process.inodes {
                self.holders.entry(inode).and_modify(|(_, holders)| *holders += 1).or_insert((pid, 1));
            }
        }
    }
}

/// `socket:[36731]`.
fn parse_link(target: &[u8]) -> Option<u64> {
    let number = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_sockets_count() {
        assert_eq!(parse_link(b"socket:[36731]"), Some(36_731));
        for other in [&b"pipe:[1]"[..], b"socket:[x]", b"/tmp/socket:[1]", b"socket:[1] (deleted)"] {
            assert_eq!(parse_link(other), None);
        }
    }
}
