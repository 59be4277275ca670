//! Scripts of /etc/init.d, and the processes that their pid files name.
//!
//! A script is read as text and never run from here. What it says of itself is taken only where it
//! stands there in full: a value that the shell would have to work out is not known.

use std::path::Path;

use crate::clock;
use crate::processes::parse_stat;
use crate::root::{Root, read_bytes, read_text, read_word};

/// What a script says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) description: String,
    pub(super) pid_file: Option<String>,
    /// It has a header of LSB or of chkconfig(8), so it is the script of a service.
    pub(super) has_header: bool,
    /// It is run by openrc-run(8).
    pub(super) is_openrc: bool,
    /// It knows the word `status`.
    pub(super) tells_status: bool,
}

pub(super) fn parse_script(text: &str) -> Script {
    let mut script = Script {
        is_openrc: text
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("#!") && line.contains("openrc-run")),
        ..Script::default()
    };
    for line in text.lines().map(str::trim) {
        let Some(comment) = line.strip_prefix('#') else {
            match line.split_once('=') {
                Some(("PIDFILE" | "pidfile", value)) => {
                    script.pid_file = script.pid_file.take().or_else(|| literal(value))
                }
                Some(("description", value)) if script.description.is_empty() => {
                    script.description = literal(value).unwrap_or_default();
                }
                Some(_) | None => {}
            }
            script.tells_status |= line.split_once(')').is_some_and(|(case, _)| {
                case.split('|').any(|word| word.trim_matches([' ', '\t', '(', '"', '\'']) == "status")
            });
            continue;
        };
        let comment = comment.trim_start();
        match comment.split_once(':') {
            Some(("Short-Description" | "description", value)) if script.description.is_empty() => {
                script.description = value.trim().to_owned();
            }
            Some(("pidfile", value)) => script.pid_file = Some(value.trim().to_owned()),
            Some(("chkconfig", _)) => script.has_header = true,
            Some(_) | None => script.has_header |= comment.starts_with("## BEGIN INIT INFO"),
        }
    }
    script
}

/// A value of the shell that stands there in full.
fn literal(value: &str) -> Option<String> {
    let value = value.trim();
    let own = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    (!own.is_empty() && !own.contains(['$', '`', '"', '\'', ';', '\\'])).then(|| own.to_owned())
}

/// A process that is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) pid: u32,
    start_ticks: u64,
    /// `None` for a captured tree.
    pub(super) since_ms: Option<i64>,
}

impl Running {
    /// Names the process for good.
    pub(super) fn name(self) -> String {
        format!("{}@{}", self.pid, self.start_ticks)
    }

    /// Microseconds since boot.
    pub(super) fn started_us(self) -> u64 {
        self.start_ticks.saturating_mul(1_000_000) / clock::ticks_per_s()
    }
}

/// The process with this number; `None` also for one that has ended and was not waited for.
pub(super) fn read_running(root: &Root, pid: u32) -> Option<Running> {
    let line = read_bytes(&root.proc.join(pid.to_string()).join("stat")).ok()?;
    let stat = parse_stat(&line).filter(|stat| !matches!(stat.state, b'Z' | b'X'))?;
    let since_ms = clock::began_ms(root, stat.start_ticks);
    Some(Running { pid, start_ticks: stat.start_ticks, since_ms })
}

/// The number in a pid file, which may name a process that is gone.
pub(super) fn read_pid_file(root: &Root, path: &str) -> Option<u32> {
    read_word(&root.top.join(path.trim_start_matches('/')))?.parse().ok().filter(|&pid| pid > 0)
}

/// The script of a service, if it is a file that can be read.
pub(super) fn read_script(root: &Root, name: &str) -> Option<Script> {
    let path = root.etc.join("init.d").join(name);
    path.is_file().then(|| read_text(&path).ok())?.map(|text| parse_script(&text))
}

/// Names of all scripts that the user of the host could run.
pub(super) fn list_scripts(root: &Root) -> Vec<String> {
    list_names(&root.etc.join("init.d"))
}

/// Names in a folder, sorted; none if it is not there.
pub(super) fn list_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of Debian 12, cron 3.0pl1-162, shortened.
    const LSB: &str = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides:          cron\n# Required-Start:    $remote_fs $syslog $time\n\
        # Default-Start:     2 3 4 5\n# Short-Description: Regular background program processing daemon\n### END INIT INFO\n\
        PATH=/bin:/usr/bin:/sbin:/usr/sbin\nDESC=\"cron daemon\"\nNAME=cron\nDAEMON=/usr/sbin/cron\nPIDFILE=/var/run/crond.pid\n\
        case \"$1\" in\nstart)   log_daemon_msg \"Starting\"\n;;\nstatus)\n        status_of_proc -p $PIDFILE $DAEMON $NAME && exit 0 || exit $?\n;;\nesac\n";
    /// Of Alpine 3.20, openrc: sshd of openssh 9.7, shortened.
    const OPENRC: &str = "#!/sbin/openrc-run\n\ndescription=\"OpenBSD Secure Shell server\"\ndescription_checkconfig=\"Verify configuration file\"\n\
        extra_commands=\"checkconfig\"\n: \"${cfgfile:=${SSHD_CONFIG:-/etc/ssh/sshd_config}}\"\npidfile=\"${SSHD_PIDFILE:-\"/run/$RC_SVCNAME.pid\"}\"\n";
    /// Of CentOS 6, initscripts: crond, shortened.
    const CHKCONFIG: &str = "#!/bin/sh\n#\n# crond          Start/Stop the cron clock daemon.\n#\n# chkconfig: 2345 90 60\n\
        # description: cron is a standard UNIX program that runs user-specified programs\n# pidfile: /var/run/crond.pid\ncase \"$1\" in\n    status)\n\trh_status\n\t;;\nesac\n";

    #[test]
    fn headers_of_lsb_openrc_and_chkconfig_are_read() {
        let lsb = parse_script(LSB);
        assert_eq!(lsb.description, "Regular background program processing daemon");
        assert_eq!(lsb.pid_file.as_deref(), Some("/var/run/crond.pid"));
        assert!(lsb.has_header && lsb.tells_status && !lsb.is_openrc);
        let openrc = parse_script(OPENRC);
        assert_eq!((openrc.description.as_str(), openrc.pid_file), ("OpenBSD Secure Shell server", None));
        assert!(openrc.is_openrc && !openrc.has_header);
        let old = parse_script(CHKCONFIG);
        assert!(old.description.starts_with("cron is a standard UNIX program"));
        assert_eq!((old.pid_file.as_deref(), old.has_header), (Some("/var/run/crond.pid"), true));
    }

    #[test]
    fn a_value_that_the_shell_would_work_out_is_not_known() {
        for value in ["/run/$NAME.pid", "`cat x`", "\"a\\b\"", "\"\"", "", "x;rm"] {
            assert_eq!(literal(value), None, "{value}");
        }
        assert_eq!(parse_script("PIDFILE=/run/$NAME.pid\n").pid_file, None);
        let words = parse_script("echo status)\nx)\n start|\"status\")\n");
        assert!(words.tells_status);
        assert!(!parse_script("# status)\necho \"no status\"\n").tells_status);
    }

    #[test]
    fn a_pid_file_with_anything_but_a_number_names_no_process() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::captured(dir.path());
        std::fs::create_dir(dir.path().join("run")).unwrap();
        for (text, pid) in [("77\n", Some(77)), ("  77 x\n", None), ("-1\n", None), ("0\n", None), ("", None)]
        {
            std::fs::write(dir.path().join("run/a.pid"), text).unwrap();
            assert_eq!(read_pid_file(&root, "/run/a.pid"), pid, "{text:?}");
        }
        assert_eq!(read_pid_file(&root, "/run/none.pid"), None);
    }
}
