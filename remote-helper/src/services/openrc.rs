//! OpenRC: services by the states that it keeps in /run/openrc, and rc-service(8) to act on them.
//!
//! The state is read from the links that OpenRC itself keeps there, so a look starts no program. It
//! calls a service started once its script has ended well; that its daemon still runs is looked up
//! in the pid files that it keeps, or that the script names.

use std::os::unix::fs::MetadataExt;

use protocol::services::{Manager, ServiceAction};
use protocol::{Fault, FaultCode};

use super::found::Found;
use super::manager::ServiceManager;
use super::script::{self, Script, list_names, list_scripts, read_pid_file, read_running, read_script};
use super::seen::Seen;
use crate::children::find_tool;
use crate::error::Error;
use crate::root::{Root, read_text, read_word};
use crate::stop::Stop;

/// Folders of states, those that count most first, with the word of systemctl(1) for each.
const STATES: [(&str, &str); 7] = [
    ("failed", "failed"),
    ("starting", "activating"),
    ("stopping", "deactivating"),
    // It waits for something outside, as a network does for its cable.
    ("inactive", "activating"),
    ("wasinactive", "activating"),
    ("started", "active"),
    ("scheduled", "inactive"),
];

#[derive(Clone, Copy, Debug)]
pub(super) struct OpenRc;

impl OpenRc {
    /// True where OpenRC has brought the host up.
    pub(super) fn runs(root: &Root) -> bool {
        root.run.join("openrc/softlevel").is_file() && !root.has_systemd()
    }

    /// All services: those that have a script, and those that OpenRC keeps a state of.
    pub(super) fn list(root: &Root) -> Vec<Found> {
        let enabled = list_enabled(root);
        let mut names: Vec<String> = list_scripts(root);
        names.extend(list_names(&root.run.join("openrc/started")));
        names.sort();
        names.dedup();
        names.iter().filter_map(|name| find(root, name, &enabled)).filter(|found| !found.is_missing).collect()
    }
}

impl ServiceManager for OpenRc {
    fn kind(&self) -> Manager {
        Manager::OpenRc
    }

    fn look(&self, root: &Root, name: &str, at_ms: u64, _: &Stop) -> Result<Seen, Error> {
        let own = name.strip_prefix(Manager::OpenRc.prefix()).unwrap_or(name);
        let found = find(root, own, &list_enabled(root));
        Ok(found.ok_or_else(|| super::manager::unknown(name))?.to_seen(at_ms))
    }

    fn words(&self, action: ServiceAction, name: &str) -> Result<Vec<String>, Fault> {
        let own = name.strip_prefix(Manager::OpenRc.prefix()).unwrap_or(name);
        if matches!(action, ServiceAction::Enable | ServiceAction::Disable) {
            let change = if action == ServiceAction::Enable { "add" } else { "del" };
            return Err(not_done(action, Manager::OpenRc, &format!("rc-update {change} {own}")));
        }
        let tool = find_tool("rc-service").map_err(Fault::from)?;
        Ok(vec![tool.display().to_string(), own.to_owned(), action.verb().to_owned()])
    }
}

/// An action that is not built for this manager, with the words that do it by hand.
pub(super) fn not_done(action: ServiceAction, manager: Manager, by_hand: &str) -> Fault {
    let (verb, manager) = (action.verb(), manager.words());
    let message =
        format!("{verb} is not in this version for services of {manager}: run '{by_hand}' on the host");
    Fault::new(FaultCode::NotInThisVersion, message).about(verb)
}

fn list_enabled(root: &Root) -> Vec<String> {
    let levels = root.etc.join("runlevels");
    list_names(&levels).iter().flat_map(|level| list_names(&levels.join(level))).collect()
}

/// `None` for what can be no name of a service.
fn find(root: &Root, own: &str, enabled: &[String]) -> Option<Found> {
    let name = format!("{}{own}", Manager::OpenRc.prefix());
    Manager::of(&name)?;
    let script = read_script(root, own);
    let state = STATES.iter().find_map(|&(word, active)| {
        let link = root.run.join("openrc").join(word).join(own);
        Some((word, active, std::fs::symlink_metadata(link).ok()?))
    });
    let is_service = script.as_ref().is_some_and(|script| script.is_openrc || script.has_header);
    let mut found = Found {
        name,
        description: script.as_ref().map(|script| script.description.clone()).unwrap_or_default(),
        is_missing: state.is_none() && !is_service,
        active_state: "inactive",
        sub_state: "stopped".into(),
        is_enabled: is_service.then(|| enabled.iter().any(|name| name == own)),
        ..Found::default()
    };
    let Some((word, active, link)) = state else { return Some(found) };
    (found.active_state, found.sub_state) = (active, word.to_owned());
    // Of a tree that was read from another machine it is the time at which it was laid out here.
    found.since_ms =
        root.since_boot().is_none().then(|| link.mtime() * 1_000 + link.mtime_nsec() / 1_000_000);
    found.mark = Some(format!("{}.{}", link.mtime(), link.mtime_nsec()));
    if active == "active" {
        let pids = list_pids(root, own, script.as_ref());
        found.running = pids.iter().find_map(|&pid| read_running(root, pid));
        if !pids.is_empty() && found.running.is_none() {
            // The word of rc-status(8) for it.
            (found.active_state, found.sub_state) = ("failed", "crashed".into());
        }
        found.since_ms = found.running.and_then(|running| running.since_ms).or(found.since_ms);
    }
    Some(found)
}

/// Processes that are to run: the child of supervise-daemon(8), the daemons that start-stop-daemon(8)
/// noted, else what the script's own pid file says.
fn list_pids(root: &Root, own: &str, script: Option<&Script>) -> Vec<u32> {
    let child = root.run.join("openrc/options").join(own).join("child_pid");
    if let Some(pid) = read_word(&child).and_then(|word| word.parse().ok()) {
        return vec![pid];
    }
    let daemons = root.run.join("openrc/daemons").join(own);
    let noted: Vec<u32> = list_names(&daemons)
        .iter()
        .filter_map(|file| read_text(&daemons.join(file)).ok())
        .filter_map(|text| read_pid_file(root, parse_daemon(&text)?))
        .collect();
    if !noted.is_empty() {
        return noted;
    }
    let pid_file = script.and_then(|script| script.pid_file.as_deref());
    pid_file.and_then(|path| script::read_pid_file(root, path)).into_iter().collect()
}

/// The pid file that a note of start-stop-daemon(8) names: `exec=/usr/sbin/crond`, `pidfile=/run/x.pid`.
fn parse_daemon(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("pidfile=")).filter(|path| path.starts_with('/'))
}

/// What holds whatever a note of start-stop-daemon(8) says.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(text: &str) {
    assert!(parse_daemon(text).is_none_or(|path| path.starts_with('/') && !path.contains('\n')));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    /// The layout of OpenRC 0.45 of Debian 12, with a daemon of its own kind and one with a script of LSB.
    fn host(dir: &Path) -> Root {
        for folder in [
            "etc/init.d",
            "etc/runlevels/default",
            "run/openrc/started",
            "run/openrc/failed",
            "run/openrc/daemons/own",
        ] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        let write = |path: &str, text: &str| fs::write(dir.join(path), text).unwrap();
        write("run/openrc/softlevel", "default\n");
        write(
            "etc/init.d/own",
            "#!/sbin/openrc-run\ndescription=\"A daemon\"\ncommand=/bin/sleep\npidfile=/run/own.pid\n",
        );
        write(
            "etc/init.d/cron",
            "#!/bin/sh\n### BEGIN INIT INFO\n# Short-Description: Jobs\n### END INIT INFO\nPIDFILE=/var/run/crond.pid\n",
        );
        write("etc/init.d/functions.sh", "#!/bin/sh\n# Sourced by others.\n");
        write(
            "run/openrc/daemons/own/001",
            "exec=/bin/sleep\nargv_0=/bin/sleep\nargv_1=1000\nname=\npidfile=/run/own.pid\n",
        );
        write("run/own.pid", "4711\n");
        symlink("/etc/init.d/own", dir.join("run/openrc/started/own")).unwrap();
        symlink("/etc/init.d/own", dir.join("etc/runlevels/default/own")).unwrap();
        Root::captured(dir)
    }

    fn add_process(dir: &Path, pid: u32) {
        fs::create_dir_all(dir.join(format!("proc/{pid}"))).unwrap();
        let rest =
            "1 4711 4711 0 -1 4194560 117 0 0 0 0 0 0 0 20 0 1 0 3117 5500928 256 18446744073709551615";
        fs::write(dir.join(format!("proc/{pid}/stat")), format!("{pid} (sleep) S {rest} 1 1 0 0\n")).unwrap();
    }

    #[test]
    fn services_are_listed_with_state_process_and_whether_they_start_at_boot() {
        let dir = tempfile::tempdir().unwrap();
        let root = host(dir.path());
        add_process(dir.path(), 4711);
        assert!(OpenRc::runs(&root));
        let rows: Vec<_> = OpenRc::list(&root).iter().map(Found::to_service).collect();
        assert_eq!(
            rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
            ["openrc:cron", "openrc:own"]
        );
        assert_eq!((rows[0].state().as_str(), rows[0].main_pid), ("inactive (stopped)", None));
        assert_eq!(
            (rows[0].description.as_str(), rows[0].enabled_state.as_deref()),
            ("Jobs", Some("disabled"))
        );
        assert_eq!((rows[1].state().as_str(), rows[1].main_pid), ("active (started)", Some(4711)));
        assert_eq!(rows[1].enabled_state.as_deref(), Some("enabled"));
        assert_eq!(rows[1].memory_bytes, None, "OpenRC does not tell it");
    }

    #[test]
    fn a_service_whose_daemon_is_gone_crashed() {
        let dir = tempfile::tempdir().unwrap();
        let root = host(dir.path());
        let seen = OpenRc.look(&root, "openrc:own", 0, &Stop::default()).unwrap();
        assert_eq!((seen.active_state.as_str(), seen.sub_state.as_str()), ("failed", "crashed"));
    }

    #[test]
    fn a_service_that_is_not_there_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let root = host(dir.path());
        for name in ["openrc:none", "openrc:functions.sh"] {
            assert_eq!(
                OpenRc.look(&root, name, 0, &Stop::default()).unwrap().load_state,
                "not-found",
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_not_built_says_what_does_it_by_hand() {
        let fault = OpenRc.words(ServiceAction::Enable, "openrc:cron").unwrap_err();
        assert_eq!(fault.code, FaultCode::NotInThisVersion);
        assert!(fault.message.contains("rc-update add cron"), "{}", fault.message);
    }
}
