//! How systemctl(1) is called.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use protocol::hosts::Sudo;
use protocol::{Fault, FaultCode};

use crate::children::{SUDO, Said, find_tool, no_sudo_password, run_tool, sudo_present, tool_command};
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

/// For questions. A manager that needs longer is not well.
pub(super) const ASK_LIMIT: Duration = Duration::from_secs(10);

/// systemctl of a host that is run by systemd.
#[derive(Clone, Debug)]
pub(super) struct Systemctl {
    path: PathBuf,
}

impl Systemctl {
    /// A fault `not_on_this_host` where systemd is not PID 1, or for a captured tree.
    pub(super) fn of(root: &Root) -> Result<Self, Error> {
        if !root.is_live() || !root.has_systemd() {
            let message = "this host is not run by systemd, the only service manager that this version knows";
            return Err(Fault::new(FaultCode::NotOnThisHost, message).about("systemd").into());
        }
        Ok(Self { path: find_tool("systemctl")? })
    }

    /// Asks, and gives stdout. What systemctl says on stderr is the error if it fails.
    pub(super) fn ask(&self, args: &[&str], stop: &Stop) -> Result<String, Error> {
        let mut command = tool_command(&self.path);
        command.args(args);
        let said = run_tool(command, ASK_LIMIT, stop)?;
        if said.code == Some(0) || !said.stdout.is_empty() || said.stderr.trim().is_empty() {
            return Ok(said.stdout);
        }
        Err(refusal(&said))
    }

    /// The words of an action, as they are run.
    pub(super) fn words(&self, verb: &str, unit: &str, sudo: Sudo) -> Result<Vec<String>, Fault> {
        let mut words: Vec<String> = match sudo {
            Sudo::None => Vec::new(),
            Sudo::Nopasswd => [SUDO, "-n", "--"].map(str::to_owned).to_vec(),
            Sudo::Password => return Err(no_sudo_password()),
        };
        words.push(self.path.display().to_string());
        words.extend(["--no-ask-password", verb, "--", unit].map(str::to_owned));
        Ok(words)
    }

    /// The command of such words.
    pub(super) fn command(words: &[String]) -> Result<Command, Fault> {
        let (program, args) =
            words.split_first().ok_or_else(|| Fault::new(FaultCode::Internal, "no words"))?;
        if program == SUDO {
            sudo_present()?;
        }
        let mut command = tool_command(program.as_ref());
        command.args(args);
        Ok(command)
    }
}

fn refusal(said: &Said) -> Error {
    let line = said.stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing").to_owned();
    Error::ToolSaid { tool: "systemctl".into(), said: line }
}
