//! A signal to one process, named by PID and start time, and never to another one.
//!
//! The kernel is asked for a descriptor of whatever has the PID now (pidfd_open(2), Linux 5.3); only
//! then is its start time compared, and the signal goes to the descriptor. A process that gets the
//! PID in between cannot be hit. Where there is no such descriptor, or sudo has to send it, the
//! start time is compared in the moment before, and the report says so.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::hosts::Sudo;
use protocol::processes::{Process, ProcessState, Signal, SignalReport};
use protocol::text::printable;
use protocol::{Fault, FaultCode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};

use super::table::Desk;
use super::{ProcDir, parse_stat};
use crate::children::{SUDO, no_sudo_password, run_tool, sudo_present, sudo_refusal, tool_command};
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

/// How long the process is watched after a signal that is sent to end it.
const WATCH_END: Duration = Duration::from_secs(2);
/// After one that a program may use for something else, such as HUP.
const WATCH_OTHER: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(20);
const SUDO_LIMIT: Duration = Duration::from_secs(20);

/// Run by root's own shell: compares the start time and sends, with nothing in between. The name in
/// `stat` may hold anything, so fields are counted from the last bracket.
const CHECK_AND_KILL: &str = r#"stat=$(cat "/proc/$1/stat" 2>/dev/null) || exit 10
set -f
set -- "$1" "$2" "$3" ${stat##*) }
[ "${23}" = "$2" ] || exit 10
kill -s "$3" "$1" || exit 11"#;
const GONE_STATUS: i32 = 10;
const REFUSED_STATUS: i32 = 11;

/// What is to be sent to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errand {
    pub pid: u32,
    pub start_ticks: u64,
    pub signal: Signal,
    pub sudo: Sudo,
}

/// Sends the signal and tells what came of it. A fault means that nothing was sent.
pub(crate) fn send_signal(
    root: &Root,
    desk: &Mutex<Desk>,
    errand: Errand,
    stop: &Stop,
) -> Result<SignalReport, Error> {
    let pid = check_pid(errand.pid)?;
    let held = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => Some(fd),
        Err(Errno::SRCH) => return Err(gone(errand, None).into()),
        // Before Linux 5.3, or where a filter of system calls forbids it.
        Err(_) => None,
    };
    let proc = ProcDir::open(&root.proc)?;
    // Not held while the process is watched: others read the table meanwhile.
    let found = desk.lock().unwrap_or_else(PoisonError::into_inner).read_one(root, &proc, errand.pid);
    let Some(process) = found else {
        // A signal with the number 0 only asks whether the process is there.
        let there = !matches!(rustix::process::test_kill_process(pid), Err(Errno::SRCH));
        return Err(if there { hidden(errand) } else { gone(errand, None) }.into());
    };
    if process.start_ticks != errand.start_ticks {
        return Err(gone(errand, Some(&process)).into());
    }
    check_process(&process)?;
    let started = Instant::now();
    let number = rustix::process::Signal::from_named_raw(errand.signal.number())
        .ok_or_else(|| Fault::bad_input("signal", "this host does not know the signal"))?;
    let sent = match &held {
        Some(fd) => pidfd_send_signal(fd, number),
        None => kill_process(pid, number),
    };
    let mut is_held = held.is_some();
    match (sent, errand.sudo) {
        (Ok(()), _) => {}
        (Err(Errno::SRCH), _) => return Err(gone(errand, None).into()),
        (Err(Errno::PERM), Sudo::None) => return Err(not_permitted(errand, &process).into()),
        (Err(Errno::PERM), Sudo::Password) => return Err(no_sudo_password().into()),
        (Err(Errno::PERM), Sudo::Nopasswd) => {
            sudo_present()?;
            send_by(&[SUDO, "-n", "--", "/bin/sh"], errand, &process, stop)?;
            is_held = false;
        }
        (Err(why), _) => {
            return Err(Error::Kernel { what: "a signal to a process", cause: why.into() });
        }
    }
    let (ended_ms, state_after) = watch(&proc, held.as_ref(), errand, started, stop);
    Ok(SignalReport { process, held: is_held, ended_ms, state_after, took_ms: elapsed_ms(started) })
}

fn check_pid(pid: u32) -> Result<Pid, Fault> {
    let refuse = |why: String| Err(Fault::bad_input("pid", why));
    if pid == 1 {
        return refuse("PID 1 holds the whole host together: Muster sends it no signal".into());
    }
    if pid == std::process::id() {
        return refuse(format!("PID {pid} is Muster's own helper: it ends with the connection"));
    }
    match i32::try_from(pid).ok().and_then(Pid::from_raw) {
        Some(pid) => Ok(pid),
        None => refuse(format!("{pid} is not a PID")),
    }
}

fn check_process(process: &Process) -> Result<(), Fault> {
    if process.kernel_thread {
        let message = format!("{} is a part of the kernel and takes no signals", shown(process));
        return Err(Fault::bad_input("pid", message));
    }
    // Where threads live on, only the first one of the process has ended.
    if process.state == ProcessState::Zombie && process.threads <= 1 {
        let message =
            format!("{} has ended already, and its parent has not collected it yet", shown(process));
        return Err(Fault::new(FaultCode::ProcessGone, message).about(process.pid.to_string()));
    }
    Ok(())
}

fn shown(process: &Process) -> String {
    format!("PID {} ({})", process.pid, printable(&process.name))
}

fn gone(errand: Errand, other: Option<&Process>) -> Fault {
    let message = match other {
        None => format!("PID {} has ended, so nothing was sent", errand.pid),
        Some(other) => format!(
            "PID {} is another process now, {}, so nothing was sent",
            errand.pid,
            printable(&other.name)
        ),
    };
    Fault::new(FaultCode::ProcessGone, message).about(errand.pid.to_string())
}

/// It is there, and `/proc` does not show it to this user (`hidepid`), so whether it is the one that was
/// meant cannot be known.
fn hidden(errand: Errand) -> Fault {
    let message = format!(
        "the host hides PID {} from this user, so whether it is the process that was meant is not known: nothing was sent",
        errand.pid
    );
    Fault::new(FaultCode::NotPermitted, message).about(errand.pid.to_string())
}

fn not_permitted(errand: Errand, process: &Process) -> Fault {
    let user = process.user.clone().unwrap_or_else(|| process.uid.to_string());
    let message = format!(
        "the host does not let this user send {} to {}, which runs as {}",
        errand.signal.name(),
        shown(process),
        printable(&user)
    );
    Fault::new(FaultCode::NotPermitted, message).about(errand.pid.to_string())
}

/// Sends it by a shell that has the right to. The numbers and the name are its arguments.
fn send_by(shell: &[&str], errand: Errand, process: &Process, stop: &Stop) -> Result<(), Error> {
    let (program, words) = shell.split_first().ok_or(Error::Cancelled)?;
    let mut command = tool_command(std::path::Path::new(program));
    command.args(words).args(["-c", CHECK_AND_KILL, "sh"]);
    command.args([&errand.pid.to_string(), &errand.start_ticks.to_string(), errand.signal.name()]);
    let said = match run_tool(command, SUDO_LIMIT, stop) {
        // From here on it may have been sent.
        Err(Error::ToolTimedOut { tool, limit_ms }) => {
            let message = format!("{tool} did not end within {limit_ms} ms; whether it sent is not known");
            return Err(Fault::new(FaultCode::OutcomeUnknown, message).into());
        }
        Err(error) => return Err(error),
        Ok(said) => said,
    };
    match said.code {
        Some(0) => Ok(()),
        Some(GONE_STATUS) => Err(gone(errand, None).into()),
        Some(REFUSED_STATUS) => {
            Err(not_permitted(errand, process).because(printable(said.stderr.trim())).into())
        }
        code => {
            if code == Some(1) {
                sudo_refusal(&said.stderr)?;
            }
            Err(Error::ToolSaid { tool: (*program).to_owned(), said: said.stderr.trim().to_owned() })
        }
    }
}

/// Looks at the process until it did what the signal is for, or for a while.
fn watch(
    proc: &ProcDir,
    held: Option<&OwnedFd>,
    errand: Errand,
    started: Instant,
    stop: &Stop,
) -> (Option<u64>, Option<ProcessState>) {
    use Signal::{Abrt, Cont, Int, Kill, Quit, Stop as Halt, Term, Tstp};
    let limit = match errand.signal {
        Term | Kill | Int | Quit | Abrt | Halt | Tstp => WATCH_END,
        _ => WATCH_OTHER,
    };
    let mut line = Vec::with_capacity(1024);
    loop {
        let state = read_state(proc, errand, &mut line);
        if matches!(state, None | Some(ProcessState::Zombie)) {
            return (Some(elapsed_ms(started)), state);
        }
        let is_stopped = state == Some(ProcessState::Stopped);
        let done = match errand.signal {
            Halt | Tstp => is_stopped,
            Cont => !is_stopped,
            _ => false,
        };
        if done || started.elapsed() >= limit || stop.is_stopped() {
            return (None, state);
        }
        match held {
            // Readable as soon as it ends.
            Some(fd) => {
                let pause = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
                // A wait cut short is one look more.
                let _ = poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&pause));
            }
            None => {
                stop.wait(LOOK);
            }
        }
    }
}

/// Its state; `None` once it is gone, whoever has its PID then.
fn read_state(proc: &ProcDir, errand: Errand, line: &mut Vec<u8>) -> Option<ProcessState> {
    proc.read(errand.pid, "stat", line).then_some(())?;
    let stat = parse_stat(line).filter(|stat| stat.start_ticks == errand.start_ticks)?;
    let state = ProcessState::of_letter(stat.state);
    // The first thread has ended and others live on: so does the process.
    Some(if state == ProcessState::Zombie && stat.threads > 1 { ProcessState::Sleeping } else { state })
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn start(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).spawn().unwrap()
    }

    fn start_ticks(pid: u32) -> u64 {
        let proc = ProcDir::open(&Root::live().proc).unwrap();
        let mut line = Vec::new();
        assert!(proc.read(pid, "stat", &mut line));
        parse_stat(&line).unwrap().start_ticks
    }

    fn errand(pid: u32, start_ticks: u64, signal: Signal) -> Errand {
        Errand { pid, start_ticks, signal, sudo: Sudo::None }
    }

    fn send(errand: Errand) -> Result<SignalReport, Fault> {
        let root = Root::live();
        send_signal(&root, &Mutex::new(Desk::of(&root)), errand, &Stop::default()).map_err(Fault::from)
    }

    #[test]
    fn the_end_of_a_process_is_seen_and_told() {
        let mut child = start("exec sleep 60");
        let report = send(errand(child.id(), start_ticks(child.id()), Signal::Term)).unwrap();
        assert!(report.held && report.ended_ms.is_some(), "{report:?}");
        assert_eq!(report.state_after, Some(ProcessState::Zombie), "nobody has collected it yet");
        let again = send(errand(child.id(), report.process.start_ticks, Signal::Term)).unwrap_err();
        assert_eq!(again.code, FaultCode::ProcessGone);
        child.wait().unwrap();
        let again = send(errand(child.id(), report.process.start_ticks, Signal::Term)).unwrap_err();
        assert_eq!(again.code, FaultCode::ProcessGone);
    }

    #[test]
    fn another_process_with_that_pid_is_not_hit() {
        let mut child = start("exec sleep 60");
        let ticks = start_ticks(child.id());
        for other in [ticks - 1, ticks + 1, 0] {
            let fault = send(errand(child.id(), other, Signal::Kill)).unwrap_err();
            assert_eq!(fault.code, FaultCode::ProcessGone, "{fault:?}");
        }
        assert!(child.try_wait().unwrap().is_none(), "it must live on");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_goes_on_is_told_as_going_on() {
        let mut child = start("trap '' TERM; while :; do sleep 0.05; done");
        std::thread::sleep(Duration::from_millis(200));
        let ticks = start_ticks(child.id());
        let report = send(errand(child.id(), ticks, Signal::Term)).unwrap();
        assert!(report.ended_ms.is_none() && report.state_after.is_some() && report.took_ms >= 2_000);
        let report = send(errand(child.id(), ticks, Signal::Stop)).unwrap();
        assert_eq!((report.ended_ms, report.state_after), (None, Some(ProcessState::Stopped)));
        let report = send(errand(child.id(), ticks, Signal::Cont)).unwrap();
        assert_ne!(report.state_after, Some(ProcessState::Stopped));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn the_first_process_the_kernel_and_the_helper_itself_are_left_alone() {
        for pid in [0, 1, std::process::id(), u32::MAX] {
            let fault = send(errand(pid, 0, Signal::Term)).unwrap_err();
            assert_eq!(fault.code, FaultCode::BadInput, "{pid}: {fault:?}");
        }
        let kernel = Process { pid: 2, name: "kthreadd".into(), kernel_thread: true, ..Process::default() };
        assert_eq!(check_process(&kernel).unwrap_err().code, FaultCode::BadInput);
    }

    #[test]
    fn the_shell_of_sudo_compares_before_it_sends_whatever_the_name() {
        let name = ") S 1 (\n* ) R";
        let script = "printf '%s' \"$1\" > /proc/$$/comm; while :; do sleep 0.05; done";
        let mut child = Command::new("sh").args(["-c", script, "sh", name]).spawn().unwrap();
        let comm = format!("/proc/{}/comm", child.id());
        while !std::fs::read_to_string(&comm).unwrap().starts_with(") S") {
            std::thread::sleep(Duration::from_millis(5));
        }
        let ticks = start_ticks(child.id());
        let send_by = |ticks| {
            let process = Process { pid: child.id(), ..Process::default() };
            let errand = errand(child.id(), ticks, Signal::Kill);
            send_by(&["/bin/sh"], errand, &process, &Stop::default()).map_err(Fault::from)
        };
        assert_eq!(send_by(ticks + 1).unwrap_err().code, FaultCode::ProcessGone);
        assert_eq!(send_by(ticks * 10).unwrap_err().code, FaultCode::ProcessGone);
        assert!(std::fs::read_to_string(&comm).is_ok(), "it must live on");
        send_by(ticks).unwrap();
        assert!(!child.wait().unwrap().success());
    }
}
