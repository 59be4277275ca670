//! supervisord: programs by supervisorctl(1), beside whatever manages the host.
//!
//! It is asked only where its socket is. It tells neither how a program ended nor whether it starts
//! by itself, so those are not known here.

use std::path::PathBuf;
use std::time::Duration;

use protocol::Fault;
use protocol::hosts::Sudo;
use protocol::services::{Manager, ServiceAction};
use protocol::text::printable;

use super::found::Found;
use super::manager::{ServiceManager, unknown, with_sudo};
use super::openrc::not_done;
use super::script::read_running;
use super::seen::Seen;
use crate::children::{Said, find_tool, run_tool, tool_command};
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

/// It is a program of Python, which may have to be read from a slow disk first.
const ASK_LIMIT: Duration = Duration::from_secs(10);
/// Where packages put its socket, under the folder of Root.
const SOCKETS: [&str; 4] =
    ["supervisor.sock", "supervisor/supervisor.sock", "supervisord.sock", "supervisor/supervisord.sock"];

#[derive(Clone, Debug)]
pub(super) struct Supervisor {
    tool: PathBuf,
    sudo: Sudo,
}

impl Supervisor {
    /// `None` where no supervisord has its socket.
    pub(super) fn of(root: &Root, sudo: Sudo) -> Option<Self> {
        let has_socket = SOCKETS.iter().any(|socket| root.run.join(socket).exists());
        (root.is_live() && has_socket)
            .then(|| find_tool("supervisorctl").ok())
            .flatten()
            .map(|tool| Self { tool, sudo })
    }

    /// The same by what supervisorctl said on the machine that a tree was read from.
    pub(super) fn list_said(root: &Root, said: &str) -> Result<Vec<Found>, Error> {
        let programs = parse_status(said);
        match said.lines().find(|line| !line.trim().is_empty()).filter(|_| programs.is_empty()) {
            Some(line) => {
                let said = printable(line).into_owned();
                Err(Error::ToolSaid { tool: "supervisorctl".into(), said })
            }
            None => Ok(programs.into_iter().map(|program| program.found(root)).collect()),
        }
    }

    pub(super) fn list(&self, root: &Root, stop: &Stop) -> Result<Vec<Found>, Error> {
        let said = self.status(&[], stop)?;
        let programs = parse_status(&said.stdout);
        // It says on stdout that it cannot reach the socket, and its exit status is that of a program
        // that does not run.
        if programs.is_empty() && said.code != Some(0) {
            let line = said.stdout.lines().chain(said.stderr.lines()).find(|line| !line.trim().is_empty());
            let said = printable(line.unwrap_or("nothing")).into_owned();
            return Err(Error::ToolSaid { tool: "supervisorctl".into(), said });
        }
        Ok(programs.into_iter().map(|program| program.found(root)).collect())
    }

    fn status(&self, names: &[&str], stop: &Stop) -> Result<Said, Error> {
        let words = with_sudo(vec![self.tool.display().to_string(), "status".into()], self.sudo)?;
        let (program, args) = words.split_first().ok_or_else(|| unknown("supervisorctl"))?;
        let mut command = tool_command(program.as_ref());
        command.args(args).args(names);
        let said = run_tool(command, ASK_LIMIT, stop)?;
        said.check_whole("supervisorctl")?;
        Ok(said)
    }
}

impl ServiceManager for Supervisor {
    fn kind(&self) -> Manager {
        Manager::Supervisord
    }

    fn look(&self, root: &Root, name: &str, at_ms: u64, stop: &Stop) -> Result<Seen, Error> {
        let own = name.strip_prefix(Manager::Supervisord.prefix()).unwrap_or(name);
        let said = self.status(&[own], stop)?;
        match parse_status(&said.stdout).into_iter().find(|program| program.name == own) {
            Some(program) => Ok(program.found(root).to_seen(at_ms)),
            None if said.stdout.contains("no such") => Err(unknown(name).into()),
            None => {
                let line = said.stdout.lines().chain(said.stderr.lines()).next().unwrap_or("nothing");
                Err(Error::ToolSaid { tool: "supervisorctl".into(), said: printable(line).into_owned() })
            }
        }
    }

    fn words(&self, action: ServiceAction, name: &str) -> Result<Vec<String>, Fault> {
        let own = name.strip_prefix(Manager::Supervisord.prefix()).unwrap_or(name);
        match action {
            ServiceAction::Start | ServiceAction::Stop | ServiceAction::Restart => {
                Ok(vec![self.tool.display().to_string(), action.verb().to_owned(), own.to_owned()])
            }
            ServiceAction::Reload => {
                Err(not_done(action, Manager::Supervisord, &format!("supervisorctl signal HUP {own}")))
            }
            ServiceAction::Enable | ServiceAction::Disable => {
                let by_hand = "supervisorctl update' after a change of autostart in its configuration, 'supervisorctl avail";
                Err(not_done(action, Manager::Supervisord, by_hand))
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// With its group before it, where that has another name.
    pub(super) name: String,
    pub(super) state: String,
    pid: Option<u32>,
    /// What stands after the state: a time, or why it does not run.
    rest: String,
}

/// Lines such as `web:worker_00    RUNNING   pid 812, uptime 1 day, 0:01:02`.
pub(super) fn parse_status(text: &str) -> Vec<Program> {
    let parse = |line: &str| {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        let (state, rest) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        let is_state = !state.is_empty() && state.bytes().all(|b| b.is_ascii_uppercase());
        let rest = rest.trim();
        let pid = rest.strip_prefix("pid ").and_then(|rest| rest.split_once(',')?.0.parse().ok());
        // A message to the person who typed the command has no state after its first word.
        (is_state && state != "ERROR").then(|| Program {
            name: name.to_owned(),
            state: state.to_owned(),
            pid,
            rest: rest.to_owned(),
        })
    };
    text.lines().filter_map(parse).collect()
}

impl Program {
    fn found(self, root: &Root) -> Found {
        let running = self.pid.and_then(|pid| read_running(root, pid));
        let active_state = match self.state.as_str() {
            "RUNNING" => "active",
            "STARTING" | "BACKOFF" => "activating",
            "STOPPING" => "deactivating",
            "STOPPED" | "EXITED" => "inactive",
            "FATAL" => "failed",
            _ => "unknown",
        };
        let has_reason = matches!(self.state.as_str(), "FATAL" | "BACKOFF");
        Found {
            name: format!("{}{}", Manager::Supervisord.prefix(), self.name),
            description: if has_reason { self.rest } else { String::new() },
            active_state,
            sub_state: self.state.to_ascii_lowercase(),
            running,
            since_ms: running.and_then(|running| running.since_ms),
            restarts_itself: true,
            ..Found::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// supervisorctl 4.2.5 of Debian 12.
    const STATUS: &str = "cat                              RUNNING   pid 812, uptime 1 day, 0:01:02\n\
        web:worker_00                    STARTING  \n\
        web:worker_01                    BACKOFF   Exited too quickly (process log may have details)\n\
        gone                             FATAL     can't find command '/no/such'\n\
        done                             EXITED    Nov 20 02:08 PM\n\
        off                              STOPPED   Not started\n";

    #[test]
    fn programs_are_read_with_their_state_and_process() {
        let root = Root::captured("/nonexistent".as_ref());
        let rows: Vec<_> = parse_status(STATUS)
            .into_iter()
            .map(|program| (program.pid, program.found(&root)))
            .map(|(pid, found)| (found.name.clone(), found.active_state, pid))
            .collect();
        let expected = [
            ("cat", "active", Some(812)),
            ("web:worker_00", "activating", None),
            ("web:worker_01", "activating", None),
            ("gone", "failed", None),
            ("done", "inactive", None),
            ("off", "inactive", None),
        ];
        assert_eq!(rows, expected.map(|(name, state, pid)| (format!("supervisor:{name}"), state, pid)));
    }

    #[test]
    fn what_supervisorctl_says_to_a_person_is_no_program() {
        for text in [
            "error: <class 'PermissionError'>, [Errno 13] Permission denied: file: /usr/lib/python3/dist-packages/supervisor/xmlrpc.py line: 557\n",
            "unix:///var/run/supervisor.sock no such file\n",
            "unix:///var/run/supervisor.sock refused connection\n",
            "nope: ERROR (no such process)\n",
            "",
        ] {
            assert_eq!(parse_status(text), [], "{text}");
        }
    }

    #[test]
    fn why_a_program_does_not_run_is_its_description() {
        let root = Root::captured("/nonexistent".as_ref());
        let gone = parse_status(STATUS).remove(3).found(&root).to_service();
        assert_eq!(
            (gone.description.as_str(), gone.sub_state.as_str()),
            ("can't find command '/no/such'", "fatal")
        );
    }
}
