//! Tools of the host, such as systemctl: by absolute path, with a fixed environment, in time.
//!
//! Their folders are fixed, so that a file of the same name in a user's PATH is never run.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::attend::{Attend, End, Sink};
use crate::error::Error;
use crate::priority::as_before;
use crate::root::lossy;
use crate::stop::Stop;

pub(crate) const SUDO: &str = "/usr/bin/sudo";

const FOLDERS: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// More is not kept: a tool that the helper asks hardly says so much.
const OUTPUT_LIMIT_BYTES: usize = 16 << 20;

/// What a tool said, and its exit status; `None` if a signal ended it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// It said more on stdout than was kept: a list is not whole.
    pub is_cut: bool,
}

impl Said {
    /// An error if it said more than was kept, for what counts only as a whole.
    pub(crate) fn check_whole(&self, tool: &str) -> Result<(), Error> {
        if !self.is_cut {
            return Ok(());
        }
        let said = format!("more than {} MiB, which cannot be read whole", OUTPUT_LIMIT_BYTES >> 20);
        Err(Error::ToolSaid { tool: tool.to_owned(), said })
    }
}

/// Finds a tool in the folders of the system.
pub(crate) fn find_tool(name: &str) -> Result<PathBuf, Error> {
    FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| Error::ToolMissing { tool: name.to_owned() })
}

/// The command of a tool: English words, UTC times, no colours, no pager, nothing on stdin.
pub(crate) fn tool_command(path: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .env("SYSTEMD_COLORS", "0")
        .env("SYSTEMD_PAGER", "")
        .env("SYSTEMD_LOG_LEVEL", "notice")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    as_before(&mut command);
    command
}

/// Has the kernel end the child when the helper is killed, or when the thread that starts it ends: a tool
/// that only listens would else stay until it next has something to say. Not for what acts on the host.
pub(crate) fn ends_with_us(command: &mut Command) -> &mut Command {
    #[expect(unsafe_code, reason = "between fork and exec it makes one system call, without memory")]
    // SAFETY: prctl(2) is all that the closure does, and it touches no memory.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?))
    }
}

/// Runs a tool to its end. Its exit status is the caller's to judge.
pub(crate) fn run_tool(mut command: Command, limit: Duration, stop: &Stop) -> Result<Said, Error> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let child = match command.spawn() {
        Ok(child) => child,
        Err(cause) => return Err(Error::ToolStart { tool, cause }),
    };
    let (mut out, mut err) = (Capped::default(), Capped::default());
    let ended = Attend { child, limit: Some(limit), stop, as_root: false }.wait(&mut out, &mut err);
    match ended.why {
        End::Itself => {
            let (stdout, stderr) = (lossy(out.bytes), lossy(err.bytes));
            Ok(Said { code: ended.code, stdout, stderr, is_cut: out.is_cut })
        }
        End::Limit => {
            Err(Error::ToolTimedOut { tool, limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) })
        }
        End::Stopped | End::Enough => Err(Error::Cancelled),
    }
}

/// Takes the status of a child that is about to end by itself, so that it leaves no zombie.
pub(crate) fn reap_soon(child: &mut Child) {
    ended_within(child, Duration::from_millis(500));
}

/// How a child ended; `None` if it did not in this time.
pub(super) fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            ended => return ended.ok().flatten(),
        }
    }
}

#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Sink for Capped {
    fn take(&mut self, bytes: &[u8]) {
        let room = OUTPUT_LIMIT_BYTES.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        self.is_cut |= room < bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = tool_command(Path::new("/bin/sh"));
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_tool_gives_both_outputs_and_its_status() {
        let said =
            run_tool(shell("echo out; echo err >&2; exit 3"), Duration::from_secs(9), &Stop::default());
        let expected = Said { code: Some(3), stdout: "out\n".into(), stderr: "err\n".into(), is_cut: false };
        assert_eq!(said.unwrap(), expected);
    }

    #[test]
    fn what_a_tool_says_beyond_the_limit_is_not_kept_and_it_is_said() {
        for (bytes, is_cut) in [(OUTPUT_LIMIT_BYTES, false), (OUTPUT_LIMIT_BYTES + 1, true)] {
            let script = format!("head -c {bytes} /dev/zero");
            let said = run_tool(shell(&script), Duration::from_secs(60), &Stop::default()).unwrap();
            assert_eq!((said.stdout.len(), said.is_cut), (OUTPUT_LIMIT_BYTES, is_cut));
        }
    }

    #[test]
    fn a_tool_is_ended_with_all_it_started_when_its_time_is_over() {
        let started = Instant::now();
        let error = run_tool(
            shell("trap '' TERM; sleep 60 & sleep 60"),
            Duration::from_millis(100),
            &Stop::default(),
        );
        assert!(matches!(error, Err(Error::ToolTimedOut { .. })), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(4), "SIGKILL must follow: {:?}", started.elapsed());
    }

    #[test]
    fn what_a_tool_left_behind_does_not_hold_its_answer() {
        let started = Instant::now();
        let said =
            run_tool(shell("echo x; sleep 5 & exit 0"), Duration::from_secs(9), &Stop::default()).unwrap();
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), "x\n"));
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }

    #[test]
    fn a_tool_sees_nothing_of_our_environment() {
        let said = run_tool(shell("env"), Duration::from_secs(9), &Stop::default()).unwrap();
        assert!(!said.stdout.contains("HOME="), "{}", said.stdout);
        assert!(said.stdout.contains("LC_ALL=C\n") && said.stdout.contains(&format!("PATH={PATH}\n")));
    }
}
