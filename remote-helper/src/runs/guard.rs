//! A guard over a command: ends its group if the helper itself is killed.
//!
//! A helper that ends in order ends its commands itself. One that is killed cannot, so a shell
//! waits beside each command for the end of a pipe that only the helper holds open. A death signal
//! set on the child (prctl(2)) would end one process, not what it started, and sudo clears it.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use crate::children::{SUDO, reap_soon, tool_command};

/// Ends the group named by `$0` unless a line comes first.
const SCRIPT: &str = "read -r done || kill -KILL \"-$0\"";

#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
}

impl Guard {
    /// Watches over the group of a child. `None` if no shell can be started; then it goes without.
    pub(super) fn over(group: u32, as_root: bool) -> Option<Self> {
        let mut command: Command;
        if as_root {
            command = tool_command(SUDO.as_ref());
            command.args(["-n", "--", "/bin/sh"]);
        } else {
            command = tool_command("/bin/sh".as_ref());
        }
        command.args(["-c", SCRIPT]).arg(group.to_string());
        let shell = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        shell.map(|shell| Self { shell }).ok()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.shell.stdin.take() {
            // A guard that is gone already does nothing more either.
            let _ = pipe.write_all(b"done\n");
        }
        reap_soon(&mut self.shell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::time::Duration;

    fn sleeper() -> Child {
        Command::new("/bin/sh").args(["-c", "sleep 60; true"]).process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_pipe_that_breaks_ends_the_group() {
        let mut child = sleeper();
        let mut guard = Guard::over(child.id(), false).unwrap();
        // As the kernel does when the helper is killed.
        drop(guard.shell.stdin.take());
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn a_guard_that_is_dropped_ends_nothing() {
        let mut child = sleeper();
        drop(Guard::over(child.id(), false));
        std::thread::sleep(Duration::from_millis(100));
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
