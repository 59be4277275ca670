//! How systemctl(1) is called.

use std::path::PathBuf;
use std::time::Duration;

use protocol::{Fault, FaultCode};

use crate::children::{Said, find_tool, run_tool, tool_command};
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
            return Err(Fault::new(FaultCode::NotOnThisHost, "this host is not run by systemd")
                .about("systemd")
                .into());
        }
        Ok(Self { path: find_tool("systemctl")? })
    }

    /// Asks, and gives stdout. What systemctl says on stderr is the error if it fails.
    pub(super) fn ask(&self, args: &[&str], stop: &Stop) -> Result<String, Error> {
        let mut command = tool_command(&self.path);
        command.args(args);
        let said = run_tool(command, ASK_LIMIT, stop)?;
        said.check_whole("systemctl")?;
        match said.code {
            Some(0) => Ok(said.stdout),
            Some(_) if !said.stdout.is_empty() || said.stderr.trim().is_empty() => Ok(said.stdout),
            Some(_) => Err(refusal(&said)),
            // What it printed before it was killed is a part, and not to be told from the whole.
            None => Err(Error::ToolSaid { tool: "systemctl".into(), said: "it was killed".into() }),
        }
    }

    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }
}

fn refusal(said: &Said) -> Error {
    let line = said.stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing").to_owned();
    Error::ToolSaid { tool: "systemctl".into(), said: line }
}
