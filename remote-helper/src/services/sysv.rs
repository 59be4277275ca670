//! SysV init: scripts of /etc/init.d, whose state nobody keeps.
//!
//! A process that a pid file names runs; else the script is asked for its `status`, whose exit
//! status has a meaning (LSB 5.0, "Init Script Actions"). A script that knows no status leaves the
//! state unknown. Whether it starts at boot are its links in the folders of the run levels.

use std::time::{Duration, Instant};

use protocol::Fault;
use protocol::services::{Manager, ServiceAction};

use super::found::Found;
use super::manager::{ServiceManager, unknown};
use super::openrc::{OpenRc, not_done};
use super::script::{Running, Script, list_names, list_scripts, read_pid_file, read_running, read_script};
use super::seen::Seen;
use crate::children::{run_tool, tool_command};
use crate::error::Error;
use crate::root::{Root, read_word};
use crate::stop::Stop;

/// A script that needs longer for its status is not waited for.
const STATUS_LIMIT: Duration = Duration::from_secs(3);
/// Scripts are asked one after the other; after this time the rest is unknown.
const LIST_LIMIT: Duration = Duration::from_secs(8);
const RUN_LEVELS: [&str; 4] = ["2", "3", "4", "5"];

#[derive(Clone, Copy, Debug)]
pub(super) struct SysV;

impl SysV {
    /// True where init(8) of SysV brought the host up with scripts.
    pub(super) fn runs(root: &Root) -> bool {
        let is_init = read_word(&root.proc.join("1/comm")).is_some_and(|comm| comm == "init");
        is_init && root.etc.join("init.d").is_dir() && !root.has_systemd() && !OpenRc::runs(root)
    }

    pub(super) fn list(root: &Root, stop: &Stop) -> Vec<Found> {
        let enabled = list_enabled(root);
        let until = Instant::now() + LIST_LIMIT;
        list_scripts(root)
            .iter()
            .filter_map(|name| find(root, name, &enabled, Instant::now() < until, stop))
            .filter(|found| !found.is_missing)
            .collect()
    }
}

impl ServiceManager for SysV {
    fn kind(&self) -> Manager {
        Manager::SysV
    }

    fn look(&self, root: &Root, name: &str, at_ms: u64, stop: &Stop) -> Result<Seen, Error> {
        let own = name.strip_prefix(Manager::SysV.prefix()).unwrap_or(name);
        let found = find(root, own, &list_enabled(root), true, stop);
        Ok(found.ok_or_else(|| unknown(name))?.to_seen(at_ms))
    }

    fn words(&self, action: ServiceAction, name: &str) -> Result<Vec<String>, Fault> {
        let own = name.strip_prefix(Manager::SysV.prefix()).unwrap_or(name);
        if matches!(action, ServiceAction::Enable | ServiceAction::Disable) {
            let by_hand = format!("update-rc.d {own} {}", action.verb());
            return Err(not_done(action, Manager::SysV, &by_hand));
        }
        Ok(vec![format!("/etc/init.d/{own}"), action.verb().to_owned()])
    }
}

/// Names of services that a run level starts, by links such as `rc2.d/S03cron`.
fn list_enabled(root: &Root) -> Vec<String> {
    let folders = RUN_LEVELS.iter().flat_map(|level| {
        let folder = format!("rc{level}.d");
        [root.etc.join(&folder), root.etc.join("rc.d").join(&folder)]
    });
    folders.flat_map(|folder| list_names(&folder)).filter_map(|link| parse_link(&link)).collect()
}

fn parse_link(link: &str) -> Option<String> {
    let rest = link.strip_prefix('S')?;
    let name = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    (name.len() < rest.len() && !name.is_empty()).then(|| name.to_owned())
}

fn find(root: &Root, own: &str, enabled: &[String], may_ask: bool, stop: &Stop) -> Option<Found> {
    let name = format!("{}{own}", Manager::SysV.prefix());
    Manager::of(&name)?;
    let script = read_script(root, own).filter(|script| script.has_header);
    let mut found = Found { name, is_missing: script.is_none(), active_state: "unknown", ..Found::default() };
    let Some(script) = script else {
        found.active_state = "inactive";
        return Some(found);
    };
    found.is_enabled = Some(enabled.iter().any(|name| name == own));
    found.running = find_process(root, own, &script);
    (found.active_state, found.sub_state) = match found.running {
        Some(_) => ("active", "running".into()),
        None if script.tells_status && may_ask && root.is_live() => state_of(ask_status(own, stop)),
        None => ("unknown", "no status".into()),
    };
    found.since_ms = found.running.and_then(|running| running.since_ms);
    found.description = script.description;
    Some(found)
}

/// The process that the script's pid file names, or the one of the service's own name.
fn find_process(root: &Root, own: &str, script: &Script) -> Option<Running> {
    let pid = match &script.pid_file {
        Some(path) => read_pid_file(root, path),
        None => read_pid_file(root, &format!("/run/{own}.pid")),
    };
    read_running(root, pid?)
}

fn ask_status(own: &str, stop: &Stop) -> Option<i32> {
    let mut command = tool_command(format!("/etc/init.d/{own}").as_ref());
    command.arg("status");
    run_tool(command, STATUS_LIMIT, stop).ok()?.code
}

/// What the exit status of a script's `status` means.
fn state_of(code: Option<i32>) -> (&'static str, String) {
    match code {
        Some(0) => ("active", "running".into()),
        Some(1) => ("failed", "dead, its pid file is left".into()),
        Some(2) => ("failed", "dead, its lock file is left".into()),
        Some(3) => ("inactive", "stopped".into()),
        Some(code) => ("unknown", format!("status {code}")),
        None => ("unknown", "no status".into()),
    }
}

/// What holds whatever links lie in a folder of a run level.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(text: &str) {
    let names = text.lines().filter_map(|link| Some((link, parse_link(link)?)));
    names
        .for_each(|(link, name)| assert!(!name.is_empty() && link.starts_with('S') && link.ends_with(&name)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn links_of_the_run_levels_tell_what_starts_at_boot() {
        assert_eq!(parse_link("S03cron").as_deref(), Some("cron"));
        assert_eq!(parse_link("S20x11-common").as_deref(), Some("x11-common"));
        for odd in ["K01cron", "README", "Scron", "S03", "S"] {
            assert_eq!(parse_link(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_exit_status_of_a_script_has_the_meaning_that_lsb_gives_it() {
        let words: Vec<&str> =
            [Some(0), Some(1), Some(3), Some(4), Some(127), None].map(|code| state_of(code).0).to_vec();
        assert_eq!(words, ["active", "failed", "inactive", "unknown", "unknown", "unknown"]);
    }

    #[test]
    fn scripts_are_services_only_with_a_header_and_their_state_may_be_unknown() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["etc/init.d", "etc/rc2.d", "proc/1", "proc/77", "run"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let write = |path: &str, text: &str| fs::write(dir.path().join(path), text).unwrap();
        write("proc/1/comm", "init\n");
        write(
            "etc/init.d/cron",
            "#!/bin/sh\n### BEGIN INIT INFO\n# Short-Description: Jobs\nPIDFILE=/run/crond.pid\n",
        );
        write("etc/init.d/hwclock.sh", "#!/bin/sh\n### BEGIN INIT INFO\n");
        write("etc/init.d/README", "Read me\n");
        write("etc/rc2.d/S03cron", "");
        write("run/crond.pid", "77\n");
        let rest =
            "S 1 77 77 0 -1 4194560 117 0 0 0 0 0 0 0 20 0 1 0 3117 5500928 256 18446744073709551615 1 1 0\n";
        write("proc/77/stat", &format!("77 (cron) {rest}"));
        let root = Root::captured(dir.path());
        assert!(SysV::runs(&root));
        let rows: Vec<_> = SysV::list(&root, &Stop::default()).iter().map(Found::to_service).collect();
        let names: Vec<_> =
            rows.iter().map(|row| (row.name.as_str(), row.active_state.as_str(), row.main_pid)).collect();
        assert_eq!(names, [("sysv:cron", "active", Some(77)), ("sysv:hwclock.sh", "unknown", None)]);
        assert_eq!(rows[0].enabled_state.as_deref(), Some("enabled"));
        // A process that has ended and was not waited for is no service that runs.
        write("proc/77/stat", &format!("77 (cron) {}", rest.replacen('S', "Z", 1)));
        assert_eq!(SysV::list(&root, &Stop::default())[0].active_state, "unknown");
    }
}
