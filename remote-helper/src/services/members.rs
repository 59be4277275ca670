//! `Members`: the processes of a service, and whether this user may see what they hold open.
//!
//! Who listens is found by open files, and those of another user's process are root's to see. A service
//! whose processes cannot be looked into has clients or it has none: which of the two is not known, and
//! must not be taken for none.

use std::collections::BTreeMap;

use protocol::services::{Manager, Told};
use rustix::io::Errno;

use super::seen::Seen;
use crate::error::Error;
use crate::processes::{ProcDir, Units, parse_stat};
use crate::root::Root;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Members {
    /// Ascending.
    pub(super) pids: Vec<u32>,
    /// How much of what they hold open is seen.
    pub(super) told: Told,
}

impl Members {
    pub(super) fn read(root: &Root, manager: Manager, service: &Seen) -> Result<Self, Error> {
        let proc = ProcDir::open(&root.proc)?;
        let all = proc.list_pids()?;
        // PID 1 is there for certain: where it is not shown, others are hidden too (`hidepid=2`).
        let are_some_hidden = root.is_live() && all.first() != Some(&1);
        let pids = match manager {
            Manager::Systemd => list_of_unit(root, &proc, &all, service),
            Manager::OpenRc | Manager::SysV | Manager::Supervisord | Manager::Unknown => {
                service.main_pid.map(|main| list_below(&proc, &all, main)).unwrap_or_default()
            }
        };
        let is_main_hidden = service.main_pid.is_some_and(|main| !pids.contains(&main));
        let told = if is_main_hidden || pids.iter().any(|&pid| !may_look_into(&proc, pid)) {
            Told::WithoutRoot
        } else if service.is_down() {
            Told::All
        } else if are_some_hidden {
            Told::WithoutRoot
        } else if names_its_processes(manager, service) {
            Told::All
        } else {
            Told::Unknown
        };
        Ok(Self { pids, told })
    }
}

/// A script names none but by a file of its daemon. A socket unit is listened on by systemd itself, with
/// all others.
fn names_its_processes(manager: Manager, service: &Seen) -> bool {
    let is_unit = manager == Manager::Systemd && !service.id.ends_with(".socket");
    is_unit || service.main_pid.is_some()
}

/// Which control group a process is in is told to everybody.
fn list_of_unit(root: &Root, proc: &ProcDir, all: &[u32], service: &Seen) -> Vec<u32> {
    let units = Units::of(root);
    let mut text = Vec::new();
    let mut is_of_it = |pid: u32| {
        service.main_pid == Some(pid)
            || (proc.read(pid, "cgroup", &mut text)
                && units.parse_unit(&text).as_deref() == Some(&service.id))
    };
    all.iter().copied().filter(|&pid| is_of_it(pid)).collect()
}

/// The process and all that it began, and those began; nothing if it is not there.
fn list_below(proc: &ProcDir, all: &[u32], main: u32) -> Vec<u32> {
    let mut line = Vec::new();
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &pid in all {
        if proc.read(pid, "stat", &mut line)
            && let Some(stat) = parse_stat(&line)
        {
            children.entry(stat.ppid).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open: Vec<u32> = all.iter().copied().filter(|&pid| pid == main).collect();
    while let Some(pid) = open.pop() {
        found.push(pid);
        // Taken out: what was read while it changed could go round in a circle.
        open.extend(children.remove(&pid).unwrap_or_default());
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// True if its open files can be read, or it has ended meanwhile.
fn may_look_into(proc: &ProcDir, pid: u32) -> bool {
    let is_gone = |why: Errno| matches!(why, Errno::NOENT | Errno::SRCH);
    if let Err(why) = proc.open_files(pid) {
        return is_gone(why);
    }
    // The folder may be opened by its owner, but where its links lead is told as `exe` is.
    match proc.read_link(pid, "exe") {
        Ok(_) => true,
        Err(why) => !matches!(why, Errno::ACCESS | Errno::PERM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn add(tree: &Path, pid: u32, ppid: u32, unit: &str) {
        let dir = tree.join(format!("proc/{pid}"));
        fs::create_dir_all(dir.join("fd")).unwrap();
        fs::write(dir.join("cgroup"), format!("0::/system.slice/{unit}\n")).unwrap();
        let rest = "1 1 0 -1 4194560 117 0 0 0 0 0 0 0 20 0 1 0 3117 5500928 256 18446744073709551615";
        fs::write(dir.join("stat"), format!("{pid} (x) S {ppid} {rest} 1 1 0 0\n")).unwrap();
    }

    /// Nobody may look into what is no folder, not even root.
    fn shut(tree: &Path, pid: u32) {
        let files = tree.join(format!("proc/{pid}/fd"));
        fs::remove_dir(&files).unwrap();
        fs::write(files, "").unwrap();
    }

    fn running(id: &str, main_pid: Option<u32>) -> Seen {
        Seen { id: id.into(), active_state: "active".into(), main_pid, ..Seen::default() }
    }

    fn read(tree: &Path, manager: Manager, service: &Seen) -> (Vec<u32>, Told) {
        let members = Members::read(&Root::captured(tree), manager, service).unwrap();
        (members.pids, members.told)
    }

    #[test]
    fn a_unit_one_of_whose_processes_is_shut_is_not_taken_for_one_without_clients() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path();
        for (pid, unit) in [(1, "init.scope"), (40, "web.service"), (41, "web.service"), (42, "db.service")] {
            add(tree, pid, 1, unit);
        }
        let web = running("web.service", Some(40));
        assert_eq!(read(tree, Manager::Systemd, &web), (vec![40, 41], Told::All));
        shut(tree, 42);
        assert_eq!(read(tree, Manager::Systemd, &web), (vec![40, 41], Told::All), "another unit's");
        shut(tree, 41);
        assert_eq!(read(tree, Manager::Systemd, &web), (vec![40, 41], Told::WithoutRoot));
    }

    #[test]
    fn a_main_process_that_is_not_shown_is_hidden_and_one_that_is_down_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path();
        add(tree, 1, 0, "init.scope");
        let web = running("web.service", Some(40));
        assert_eq!(read(tree, Manager::Systemd, &web), (vec![], Told::WithoutRoot));
        let down = Seen { active_state: "inactive".into(), main_pid: None, ..web };
        assert_eq!(read(tree, Manager::Systemd, &down), (vec![], Told::All));
        assert_eq!(read(tree, Manager::Systemd, &running("net.service", None)), (vec![], Told::All));
        let socket = running("web.socket", None);
        assert_eq!(read(tree, Manager::Systemd, &socket), (vec![], Told::Unknown), "systemd listens");
    }

    #[test]
    fn of_another_manager_it_is_the_process_that_it_names_and_those_below() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path();
        for (pid, ppid) in [(1, 0), (50, 1), (51, 50), (52, 51), (53, 1)] {
            add(tree, pid, ppid, "");
        }
        let web = running("openrc:web", Some(50));
        assert_eq!(read(tree, Manager::OpenRc, &web), (vec![50, 51, 52], Told::All));
        shut(tree, 52);
        assert_eq!(read(tree, Manager::OpenRc, &web).1, Told::WithoutRoot);
        let blind = running("sysv:web", None);
        assert_eq!(read(tree, Manager::SysV, &blind), (vec![], Told::Unknown), "it names none");
        let down = Seen { active_state: "inactive".into(), ..blind };
        assert_eq!(read(tree, Manager::SysV, &down), (vec![], Told::All));
    }
}
