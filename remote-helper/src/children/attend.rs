//! Waits for one child: takes its output as it comes, and ends its whole group in time.

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::stop::Stop;

/// How long output is still taken after the child itself has ended but something it left behind
/// holds the pipe open.
const PIPE_GRACE: Duration = Duration::from_millis(250);
/// Between the request to end (SIGTERM) and the end (SIGKILL).
const TERM_GRACE: Duration = Duration::from_secs(1);
/// After SIGKILL: a process in an uninterruptible wait is given up, not waited for.
const KILL_GRACE: Duration = Duration::from_secs(1);
/// For sudo to hand a signal on. Where PAM asks a server that does not answer, nobody waits for it.
const SUDO_GRACE: Duration = Duration::from_millis(500);

/// Takes what a child prints.
pub(crate) trait Sink {
    fn take(&mut self, bytes: &[u8]);

    /// True once nothing more is wanted: the child is ended then.
    fn has_enough(&self) -> bool {
        false
    }
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Itself,
    Limit,
    Stopped,
    /// A sink had enough.
    Enough,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub why: End,
}

/// A child to wait for.
pub(crate) struct Attend<'a> {
    pub child: Child,
    pub limit: Option<Duration>,
    pub stop: &'a Stop,
    /// Started by sudo: only root may signal it.
    pub as_root: bool,
}

impl Attend<'_> {
    /// Returns when the child has ended, or could not be made to.
    pub(crate) fn wait<'s>(mut self, out: &'s mut dyn Sink, err: &'s mut dyn Sink) -> Ended {
        let started = Instant::now();
        let mut pipes = [
            (self.child.stdout.take().map(std::os::fd::OwnedFd::from), out),
            (self.child.stderr.take().map(std::os::fd::OwnedFd::from), err),
        ];
        let mut buffer = vec![0u8; 16 << 10];
        let mut ending: Option<Ending> = None;
        let mut ended_at: Option<Instant> = None;
        loop {
            take_ready(&mut pipes, &mut buffer, ended_at.is_some());
            let closed = pipes.iter().all(|(pipe, _)| pipe.is_none());
            let now = Instant::now();
            if ended_at.is_none() && self.has_ended() {
                ended_at = Some(now);
            }
            if let Some(at) = ended_at
                && (closed || ending.is_some() || now.duration_since(at) > PIPE_GRACE)
            {
                break;
            }
            match &mut ending {
                None if pipes.iter().any(|(_, sink)| sink.has_enough()) => {
                    ending = Some(self.begin_end(End::Enough, now));
                }
                None if self.stop.is_stopped() => ending = Some(self.begin_end(End::Stopped, now)),
                None if self.limit.is_some_and(|limit| now.duration_since(started) >= limit) => {
                    ending = Some(self.begin_end(End::Limit, now));
                }
                Some(end) if !end.killed && now.duration_since(end.since) > TERM_GRACE => {
                    end.killed = true;
                    self.signal(Signal::KILL);
                }
                Some(end) if now.duration_since(end.since) > TERM_GRACE + KILL_GRACE => break,
                None | Some(_) => {}
            }
        }
        let why = ending.map_or(End::Itself, |end| {
            // What it started may have ignored SIGTERM; the child is not reaped yet, so the number
            // of its group still means this group.
            self.signal(Signal::KILL);
            end.why
        });
        match self.child.try_wait() {
            Ok(Some(status)) => Ended { code: status.code(), signal: status.signal(), why },
            Ok(None) | Err(_) => Ended { code: None, signal: None, why },
        }
    }

    fn begin_end(&self, why: End, since: Instant) -> Ending {
        self.signal(Signal::TERM);
        Ending { why, since, killed: false }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// True if the child has ended; it is left to be reaped, so that its number stays taken.
    fn has_ended(&self) -> bool {
        let Some(pid) = self.pid() else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(pid), options), Ok(None) | Err(rustix::io::Errno::INTR))
    }

    fn signal(&self, signal: Signal) {
        let Some(pid) = self.pid() else { return };
        // sudo itself may be signalled by who started it, and hands SIGTERM on to the one process
        // that it started; the rest of the group is root's.
        if self.as_root && signal_as_root(pid, signal) {
            return;
        }
        // A group that is gone already is what was wanted.
        let _ = kill_process_group(pid, signal);
    }
}

/// False if sudo refused, or hangs; a command that cannot be ended so is told by an end without a
/// status.
fn signal_as_root(group: Pid, signal: Signal) -> bool {
    let kill = format!("kill -{} -{}", signal.as_raw(), group.as_raw_nonzero());
    let mut command = super::tool_command(std::path::Path::new(super::SUDO));
    command.args(["-n", "--", "/bin/sh", "-c"]).arg(kill);
    succeeds_within(&mut command, SUDO_GRACE)
}

fn succeeds_within(command: &mut std::process::Command, limit: Duration) -> bool {
    let Ok(mut child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else { return false };
    if let Some(status) = super::ended_within(&mut child, limit) {
        return status.success();
    }
    // sudo may be signalled by who started it.
    let _ = child.kill();
    super::reap_soon(&mut child);
    false
}

struct Ending {
    why: End,
    since: Instant,
    killed: bool,
}

/// Waits a moment for output and hands on what there is.
fn take_ready(pipes: &mut [(Option<std::os::fd::OwnedFd>, &mut dyn Sink)], buffer: &mut [u8], ended: bool) {
    let open: Vec<usize> =
        (0..pipes.len()).filter(|&at| pipes.get(at).is_some_and(|p| p.0.is_some())).collect();
    let wait_ms = if open.is_empty() {
        5
    } else if ended {
        20
    } else {
        50
    };
    let timeout = Timespec { tv_sec: 0, tv_nsec: wait_ms * 1_000_000 };
    let ready: Vec<usize> = {
        let mut fds: Vec<PollFd<'_>> = pipes
            .iter()
            .filter_map(|(pipe, _)| Some(PollFd::from_borrowed_fd(pipe.as_ref()?.as_fd(), PollFlags::IN)))
            .collect();
        if poll(&mut fds, Some(&timeout)).is_err() {
            return;
        }
        open.into_iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty()).map(|(at, _)| at).collect()
    };
    for at in ready {
        let Some((pipe, sink)) = pipes.get_mut(at) else { continue };
        match pipe.as_ref().map(|pipe| rustix::io::read(pipe, &mut *buffer)) {
            Some(Ok(0)) => *pipe = None,
            Some(Ok(count)) => sink.take(buffer.get(..count).unwrap_or_default()),
            Some(Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN)) | None => {}
            Some(Err(_)) => *pipe = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_hangs_holds_up_no_end() {
        let shell = |script: &str| {
            let mut command = super::super::tool_command(std::path::Path::new("/bin/sh"));
            command.args(["-c", script]);
            command
        };
        let started = Instant::now();
        assert!(!succeeds_within(&mut shell("trap '' TERM; sleep 60"), Duration::from_millis(50)));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(succeeds_within(&mut shell("exit 0"), Duration::from_secs(20)));
        assert!(!succeeds_within(&mut shell("exit 1"), Duration::from_secs(20)));
    }
}
