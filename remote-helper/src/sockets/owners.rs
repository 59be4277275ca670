//! Who holds which socket, kept between readings.
//!
//! Reading every link of `/proc/PID/fd` costs more than all else here. So in each reading only the
//! processes that hold a socket are looked at, and of those only the number of open files and the
//! start time, unless they changed. The others are looked at when a socket is there that nobody known
//! holds, and now and then, for the number of processes that hold one. The folder `fd` itself tells
//! what changed: its size is the number of open files, since Linux 6.2, and its inode is of this one
//! process, whoever gets the PID later. Kernels before do not tell the number; there all are looked
//! at again after a while. What a process listens on is read from its very link each time: whoever
//! stops a service by its port must hit the one that has it now.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{RawDir, readlinkat_raw};

use super::seen::{Owner, Seen};
use crate::processes::{FilesFolder, ProcDir, Units, parse_stat};
use crate::root::{Root, lossy};

/// After this time a process is looked at again, for what the cheap signs do not show: a connection
/// closed and another file opened in one moment, or a unit changed.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same for one that holds a socket and has few open files, and for one that has many.
const LOOK_AGAIN_FEW: Duration = Duration::from_secs(10);
const LOOK_AGAIN_MANY: Duration = Duration::from_secs(30);
const FEW_FILES: u64 = 256;
/// The same where the kernel does not tell the number of open files.
const LOOK_AGAIN_BLIND: Duration = Duration::from_secs(5);
/// How often those that hold no socket are looked for one.
const SCAN_AGAIN: Duration = Duration::from_secs(5);
/// All links of all processes are read for a socket that nobody seems to hold, but for no more than
/// this part of the time. On a busy host there is such a one at any moment: its process has just ended.
const SEARCH_SHARE: u32 = 10;

/// Room for the names of some hundred open files.
const ENTRIES_BYTES: usize = 16 << 10;

#[derive(Debug)]
struct Process {
    folder: FilesFolder,
    looked: Instant,
    /// Its sockets by inode, ascending, each with one of its descriptors.
    held: Vec<Held>,
    /// Of one that holds a socket.
    start_ticks: u64,
    owner: Arc<Owner>,
}

/// A socket among the open files of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    inode: u64,
    fd: u32,
}

/// Who holds a socket: the process with the lowest PID, and how many do.
#[derive(Debug)]
struct Holder {
    inode: u64,
    owner: Arc<Owner>,
    processes: u32,
}

/// The processes that hold sockets.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    processes: BTreeMap<u32, Process>,
    /// By inode, ascending.
    holders: Vec<Holder>,
    /// All that is held, by inode, with the PID of who holds it.
    places: Vec<(Held, u32)>,
    /// Sockets that a full look found nobody for, ascending.
    nobodys: Vec<u64>,
    scanned: Option<Instant>,
    /// When all links were read last, and how long that took.
    searched: Option<(Instant, Duration)>,
}

impl Owners {
    /// Brings what is kept up to date with the processes that are there now. `sockets` are all of
    /// them, by inode. What cannot be read stays unknown and shows as a hidden owner.
    pub(super) fn refresh(&mut self, root: &Root, sockets: &[Seen]) {
        let Ok(proc) = ProcDir::open(&root.proc) else { return };
        let now = Instant::now();
        let mut look = Look::new(&proc, Units::of(root), now);
        let moved = self.moved(&proc, sockets);
        let mut changed = self.look_at_holders(&mut look, &moved);
        self.rebuild_if(changed);
        self.nobodys.retain(|inode| sockets.binary_search_by_key(inode, |one| one.inode).is_ok());
        let is_due = self.scanned.is_none_or(|scanned| now.duration_since(scanned) >= SCAN_AGAIN);
        if is_due || self.has_unknown(sockets) {
            changed = self.scan(&mut look);
            self.scanned = Some(now);
            self.rebuild_if(changed);
        }
        let may_search =
            self.searched.is_none_or(|(searched, took)| now.duration_since(searched) >= took * SEARCH_SHARE);
        if may_search && self.has_unknown(sockets) {
            self.look_at_rest(&mut look);
            self.rebuild_if(true);
            let unknown: Vec<u64> = self.unknown(sockets).collect();
            self.nobodys.extend(unknown);
            self.nobodys.sort_unstable();
            self.searched = Some((now, now.elapsed()));
        }
    }

    /// Fills in who holds each socket. They are by inode.
    pub(super) fn fill(&self, sockets: &mut [Seen]) {
        let mut holders = self.holders.iter().peekable();
        for socket in sockets {
            while holders.next_if(|holder| holder.inode < socket.inode).is_some() {}
            if let Some(holder) = holders.peek().filter(|holder| holder.inode == socket.inode) {
                socket.owner = Some(Arc::clone(&holder.owner));
                socket.holders = holder.processes;
            }
        }
    }

    /// True if a process that is meant holds the socket, whoever else does: the socket of an activated
    /// service is systemd's as well.
    pub(super) fn is_held_by(&self, inode: u64, is_meant: impl Fn(&Owner) -> bool) -> bool {
        self.processes.values().any(|process| {
            is_meant(&process.owner) && process.held.binary_search_by_key(&inode, |held| held.inode).is_ok()
        })
    }

    /// Inodes that neither have a holder nor are known to have none.
    fn unknown<'a>(&'a self, sockets: &'a [Seen]) -> impl Iterator<Item = u64> + 'a {
        let mut holders = self.holders.iter().peekable();
        let inodes = sockets.iter().map(|socket| socket.inode).filter(|&inode| inode != 0);
        inodes.filter(move |&inode| {
            while holders.next_if(|holder| holder.inode < inode).is_some() {}
            holders.peek().is_none_or(|holder| holder.inode != inode)
                && self.nobodys.binary_search(&inode).is_err()
        })
    }

    fn has_unknown(&self, sockets: &[Seen]) -> bool {
        self.unknown(sockets).next().is_some()
    }

    /// PIDs of processes that have another file now where they had a socket that listens, or one that
    /// several hold, which is how a socket is handed over.
    fn moved(&self, proc: &ProcDir, sockets: &[Seen]) -> Vec<u32> {
        let mut moved = Vec::new();
        let mut sockets = sockets.iter().peekable();
        for places in self.places.chunk_by(|(a, _), (b, _)| a.inode == b.inode) {
            let Some((held, _)) = places.first() else { continue };
            while sockets.next_if(|socket| socket.inode < held.inode).is_some() {}
            let listens = sockets.peek().is_some_and(|one| one.inode == held.inode && one.is_listening());
            if listens || places.len() > 1 {
                let gone = places.iter().filter(|(held, pid)| is_elsewhere(proc, *pid, *held));
                moved.extend(gone.map(|(_, pid)| *pid));
            }
        }
        moved
    }

    /// Looks at those that hold a socket; true if one of them changed.
    fn look_at_holders(&mut self, look: &mut Look<'_>, moved: &[u32]) -> bool {
        let proc = look.proc;
        let mut changed = false;
        let mut line = Vec::with_capacity(1024);
        self.processes.retain(|&pid, process| {
            if process.held.is_empty() {
                return true;
            }
            let stat = if proc.read(pid, "stat", &mut line) { parse_stat(&line) } else { None };
            let Some(stat) = stat.filter(|stat| stat.start_ticks == process.start_ticks) else {
                changed = true;
                return false;
            };
            let is_same = process.owner.program.as_bytes() == lossy(stat.comm.to_vec()).as_bytes();
            if is_same && !moved.contains(&pid) && !process.is_due(proc, pid, look.now) {
                return true;
            }
            changed = true;
            match look.at(pid) {
                Some(anew) => {
                    *process = anew;
                    true
                }
                None => false,
            }
        });
        changed
    }

    /// Looks for sockets at the processes that hold none, or are new; true if one was found.
    fn scan(&mut self, look: &mut Look<'_>) -> bool {
        let Ok(pids) = look.proc.list_pids() else { return false };
        self.processes.retain(|pid, _| pids.binary_search(pid).is_ok());
        let mut changed = false;
        for pid in pids {
            let known = self.processes.get(&pid);
            let is_known = known.is_some_and(|process| {
                process.looked == look.now
                    || !process.held.is_empty()
                    || !process.is_due(look.proc, pid, look.now)
            });
            if is_known {
                continue;
            }
            match look.at(pid) {
                Some(process) => {
                    changed |= !process.held.is_empty();
                    self.processes.insert(pid, process);
                }
                None => drop(self.processes.remove(&pid)),
            }
        }
        changed
    }

    /// Looks at all that were not looked at just now.
    fn look_at_rest(&mut self, look: &mut Look<'_>) {
        self.processes.retain(|&pid, process| {
            if process.looked == look.now {
                return true;
            }
            look.at(pid).map(|anew| *process = anew).is_some()
        });
    }

    fn rebuild_if(&mut self, changed: bool) {
        if !changed {
            return;
        }
        self.places.clear();
        for (&pid, process) in &self.processes {
            self.places.extend(process.held.iter().map(|&held| (held, pid)));
        }
        // Of one inode they stay by PID.
        self.places.sort_by_key(|(held, _)| held.inode);
        self.holders.clear();
        for (held, pid) in &self.places {
            match self.holders.last_mut().filter(|last| last.inode == held.inode) {
                Some(last) => last.processes += 1,
                None => {
                    let Some(process) = self.processes.get(pid) else { continue };
                    let owner = Arc::clone(&process.owner);
                    self.holders.push(Holder { inode: held.inode, owner, processes: 1 });
                }
            }
        }
    }
}

impl Process {
    /// True if it has other files than when it was looked at, is another process, or that was long ago.
    fn is_due(&self, proc: &ProcDir, pid: u32, now: Instant) -> bool {
        let again = match self.folder.open_files {
            0 => LOOK_AGAIN_BLIND,
            _ if self.held.is_empty() => LOOK_AGAIN,
            files if files <= FEW_FILES => LOOK_AGAIN_FEW,
            _ => LOOK_AGAIN_MANY,
        };
        now.duration_since(self.looked) >= again
            || proc.files_folder(pid).is_none_or(|folder| folder != self.folder)
    }
}

/// One look at processes, with the room for what the kernel gives: an allocation for each of
/// thousands of processes costs more than what is read into it.
struct Look<'a> {
    proc: &'a ProcDir,
    units: Units,
    now: Instant,
    entries: Vec<MaybeUninit<u8>>,
    text: Vec<u8>,
}

impl<'a> Look<'a> {
    fn new(proc: &'a ProcDir, units: Units, now: Instant) -> Self {
        Self { proc, units, now, entries: Vec::new(), text: Vec::new() }
    }

    /// Reads the links of one process, and what it is if it holds a socket; `None` if it is gone.
    fn at(&mut self, pid: u32) -> Option<Process> {
        let folder = self.proc.files_folder(pid)?;
        let mut held = self.read_held(pid, folder.open_files);
        held.sort_unstable();
        held.dedup_by_key(|held| held.inode);
        held.shrink_to_fit();
        let looked = self.now;
        let mut process = Process { folder, looked, held, start_ticks: 0, owner: Arc::new(Owner::default()) };
        if process.held.is_empty() {
            return Some(process);
        }
        let text = &mut self.text;
        self.proc.read(pid, "stat", text).then_some(())?;
        let stat = parse_stat(text)?;
        process.start_ticks = stat.start_ticks;
        let program = lossy(stat.comm.to_vec());
        let unit = if self.proc.read(pid, "cgroup", text) { self.units.parse_unit(text) } else { None };
        process.owner = Arc::new(Owner { pid, program, unit });
        // All of it is of one process only if the folder is still the same one.
        (self.proc.files_folder(pid)?.inode == folder.inode).then_some(process)
    }

    /// The sockets among the open files; none if this user may not see them.
    fn read_held(&mut self, pid: u32, open_files: u64) -> Vec<Held> {
        let mut all = Vec::new();
        let Ok(dir) = self.proc.open_files(pid) else { return all };
        self.entries.resize(ENTRIES_BYTES, MaybeUninit::uninit());
        let mut entries = RawDir::new(&dir, &mut self.entries);
        let mut read = 0;
        // The kernel told how many there are: it is not asked again only to say that this was all.
        while open_files == 0 || read < open_files || !entries.is_buffer_empty() {
            let Some(Ok(entry)) = entries.next() else { break };
            if entry.file_name().to_bytes().first() == Some(&b'.') {
                continue;
            }
            read += 1;
            // What does not fit is no socket.
            let mut target = [MaybeUninit::uninit(); 64];
            if let Ok((target, _)) = readlinkat_raw(&dir, entry.file_name(), &mut target)
                && let Some(inode) = parse_link(target)
            {
                let fd = entry.file_name().to_str().ok().and_then(|name| name.parse().ok());
                all.push(Held { inode, fd: fd.unwrap_or(u32::MAX) });
            }
        }
        all
    }
}

/// True if the process has something else at the descriptor, or nothing.
fn is_elsewhere(proc: &ProcDir, pid: u32, held: Held) -> bool {
    let mut target = [MaybeUninit::uninit(); 64];
    proc.read_descriptor(pid, held.fd, &mut target).and_then(parse_link) != Some(held.inode)
}

/// `socket:[36731]`.
pub(super) fn parse_link(target: &[u8]) -> Option<u64> {
    let number = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::Which;

    #[test]
    fn a_listener_that_was_handed_over_is_at_once_that_of_who_has_it_now() {
        let root = Root::live();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut owners = Owners::default();
        let mut owner = || {
            let mut sockets = super::super::by_inode(super::super::read_seen(&root, Which::All).unwrap());
            owners.refresh(&root, &sockets);
            owners.fill(&mut sockets);
            let mine = sockets.into_iter().find(|one| one.is_listening() && one.local_port == port).unwrap();
            (mine.owner.map(|owner| owner.pid), mine.holders)
        };
        assert_eq!(owner(), (Some(std::process::id()), 1));
        let handed = std::os::fd::OwnedFd::from(listener.try_clone().unwrap());
        let mut child = std::process::Command::new("sleep").arg("60").stdin(handed).spawn().unwrap();
        // The number of open files stays as it is.
        let mut own = std::os::fd::OwnedFd::from(listener);
        rustix::io::dup2(std::fs::File::open("/dev/null").unwrap(), &mut own).unwrap();
        let first = owner();
        // Others of this program's tests open and close files meanwhile, which may call for a search.
        std::thread::sleep(Duration::from_millis(1_500));
        let then = owner();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_ne!(first.0, Some(std::process::id()), "who has it no more is not told");
        assert_eq!(then, (Some(child.id()), 1));
    }

    #[test]
    fn only_links_to_sockets_count() {
        assert_eq!(parse_link(b"socket:[36731]"), Some(36_731));
        for other in [&b"pipe:[1]"[..], b"socket:[x]", b"/tmp/socket:[1]", b"socket:[1] (deleted)"] {
            assert_eq!(parse_link(other), None);
        }
    }
}
