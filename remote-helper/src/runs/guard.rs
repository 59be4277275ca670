//! Guards over commands: they end the groups of commands if the helper itself is killed.
//!
//! A helper that ends in order ends its commands itself. One that is killed cannot, so a shell waits for
//! the end of a pipe that only the helper holds open. A death signal set on the child (prctl(2)) would end
//! one process, not what it started, and sudo clears it.
//!
//! One shell stands over all commands of the user, from the first to the end of the link: to start a
//! second program for each command would double what it costs. A command of root has a guard of its own,
//! as no process of root is kept on a host for what may come.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::children::{SUDO, reap_soon, tool_command};

/// Keeps the groups that it is told of (`+ 12`) until they are over (`- 12`), and ends those that are
/// left when nobody can tell it any more.
const SCRIPT: &str = "\
left=
while read -r what group; do
  rest=
  for one in $left; do [ \"$one\" = \"$group\" ] || rest=\"$rest $one\"; done
  left=$rest
  [ \"$what\" = - ] || left=\"$left $group\"
done
for one in $left; do kill -KILL \"-$one\"; done";

/// The same for one group, which it is called by, until a line comes: sudo logs what root runs.
const SCRIPT_OF_ROOT: &str = "read -r done || kill -KILL \"-$0\"";

/// Those over the commands of one link.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    own: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    shell: Option<Shell>,
    groups: Vec<u32>,
}

/// Over one command, until it is dropped.
#[derive(Debug)]
pub(super) struct Guard<'a> {
    guards: &'a Guards,
    group: u32,
    as_root: bool,
    /// `None` if none could be started: the command goes without then.
    of_root: Option<Shell>,
}

impl Guards {
    /// Watches over the group of a child.
    pub(super) fn over(&self, group: u32, as_root: bool) -> Guard<'_> {
        let of_root = as_root.then(|| Shell::of_root(group).ok()).flatten();
        if !as_root {
            self.change(|watched| watched.add(group));
        }
        Guard { guards: self, group, as_root, of_root }
    }

    fn change(&self, how: impl FnOnce(&mut Watched)) {
        how(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        match &mut self.of_root {
            // One that is gone already does nothing more either.
            Some(shell) => drop(shell.tell('-', self.group)),
            None if self.as_root => {}
            None => self.guards.change(|watched| watched.remove(self.group)),
        }
    }
}

impl Watched {
    fn add(&mut self, group: u32) {
        self.groups.push(group);
        let told = self.shell.as_mut().is_some_and(|shell| shell.tell('+', group).is_ok());
        if !told {
            self.start_anew();
        }
    }

    fn remove(&mut self, group: u32) {
        self.groups.retain(|one| *one != group);
        let told = self.shell.as_mut().is_none_or(|shell| shell.tell('-', group).is_ok());
        if !told {
            self.start_anew();
        }
    }

    /// In place of a shell that somebody ended or stopped; it must not act on what it was told.
    fn start_anew(&mut self) {
        if let Some(mut old) = self.shell.take() {
            old.end();
        }
        let Ok(mut shell) = Shell::own() else { return };
        if self.groups.iter().all(|group| shell.tell('+', *group).is_ok()) {
            self.shell = Some(shell);
        }
    }
}

#[derive(Debug)]
struct Shell {
    child: Child,
}

impl Shell {
    fn own() -> io::Result<Self> {
        let mut command = tool_command("/bin/sh".as_ref());
        command.args(["-c", SCRIPT]);
        Self::start(command)
    }

    fn of_root(group: u32) -> io::Result<Self> {
        let mut command = tool_command(SUDO.as_ref());
        command.args(["-n", "--", "/bin/sh", "-c", SCRIPT_OF_ROOT]).arg(group.to_string());
        Self::start(command)
    }

    fn start(mut command: Command) -> io::Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        if let Some(pipe) = &child.stdin {
            // Nobody waits for one that reads no more.
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { child })
    }

    fn tell(&mut self, what: char, group: u32) -> io::Result<()> {
        let pipe: &mut ChildStdin = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // In one piece: a pipe takes it whole or not at all.
        pipe.write_all(format!("{what} {group}\n").as_bytes())
    }

    fn end(&mut self) {
        // One that is gone already is what was wanted.
        let _ = self.child.kill();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        reap_soon(&mut self.child);
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

    fn still_runs(child: &mut Child) -> bool {
        std::thread::sleep(Duration::from_millis(100));
        child.try_wait().unwrap().is_none()
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn shell_of(guards: &Guards) -> u32 {
        guards.own.lock().unwrap().shell.as_ref().unwrap().child.id()
    }

    #[test]
    fn a_pipe_that_breaks_ends_the_groups_that_are_watched_and_no_other() {
        let guards = Guards::default();
        let (mut first, mut second, mut over) = (sleeper(), sleeper(), sleeper());
        let watch = (guards.over(first.id(), false), guards.over(second.id(), false));
        drop(guards.over(over.id(), false));
        // As the kernel does when the helper is killed.
        guards.change(|watched| drop(watched.shell.as_mut().unwrap().child.stdin.take()));
        assert_eq!(first.wait().unwrap().signal(), Some(9));
        assert_eq!(second.wait().unwrap().signal(), Some(9));
        assert!(still_runs(&mut over));
        end(over);
        drop(watch);
    }

    #[test]
    fn a_guard_that_is_dropped_ends_nothing() {
        let guards = Guards::default();
        let mut child = sleeper();
        drop(guards.over(child.id(), false));
        drop(guards);
        assert!(still_runs(&mut child));
        end(child);
    }

    #[test]
    fn one_shell_stands_over_all_commands() {
        let guards = Guards::default();
        let mut child = sleeper();
        drop(guards.over(child.id(), false));
        let first = shell_of(&guards);
        let watch = guards.over(child.id(), false);
        assert_eq!(shell_of(&guards), first);
        drop(watch);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_shell_that_somebody_ended_is_replaced_and_watches_what_runs() {
        let guards = Guards::default();
        let (mut before, mut after) = (sleeper(), sleeper());
        let first = guards.over(before.id(), false);
        guards.change(|watched| {
            let shell = &mut watched.shell.as_mut().unwrap().child;
            shell.kill().unwrap();
            shell.wait().unwrap();
        });
        let second = guards.over(after.id(), false);
        guards.change(|watched| drop(watched.shell.as_mut().unwrap().child.stdin.take()));
        assert_eq!(before.wait().unwrap().signal(), Some(9));
        assert_eq!(after.wait().unwrap().signal(), Some(9));
        drop((first, second));
    }

    #[test]
    fn one_that_reads_no_more_holds_up_no_command() {
        let guards = Guards::default();
        let mut child = sleeper();
        let watch = guards.over(child.id(), false);
        let stopped = shell_of(&guards);
        let pid = rustix::process::Pid::from_raw(stopped.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        // More than a pipe holds.
        for _ in 0..8_000 {
            drop(guards.over(child.id(), false));
        }
        assert_ne!(shell_of(&guards), stopped);
        assert!(still_runs(&mut child));
        drop(watch);
        end(child);
    }
}
