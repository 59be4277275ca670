//! runs: a command that a person gave, run by `sh -c`, and what it printed.
//!
//! The text goes to the shell as one argument; nothing is added to it. The command keeps the
//! user's own environment, since that is what a person expects of a shell on that host.

mod guard;
mod output;

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::hosts::Sudo;
use protocol::runs::{RunReport, shell_args};
use protocol::{Fault, FaultCode};

use crate::children::{Attend, End, SUDO, run_tool, sudo_refusal, tool_command};
use crate::error::Error;
use crate::priority::as_before;
use crate::stop::Stop;
use output::HeadTail;

pub(crate) use guard::Guards;

const ASK_LIMIT: Duration = Duration::from_secs(5);

/// Runs the command to its end. A stop ends it and gives what it did until then; a passed limit is
/// the fault `timed_out`.
pub(crate) fn run_command(
    text: &str,
    sudo: Sudo,
    limit_ms: Option<u64>,
    guards: &Guards,
    stop: &Stop,
) -> Result<RunReport, Error> {
    let started = Instant::now();
    let child = shell(text, sudo)?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|cause| Error::ToolStart { tool: "/bin/sh".into(), cause })?;
    let (mut out, mut err) = (HeadTail::default(), HeadTail::default());
    let as_root = sudo != Sudo::None;
    let guard = guards.over(child.id(), as_root);
    let ended =
        Attend { child, limit: limit_ms.map(Duration::from_millis), stop, as_root }.wait(&mut out, &mut err);
    drop(guard);
    let report = RunReport {
        command: text.to_owned(),
        exit_code: ended.code,
        signal: ended.signal,
        stdout: out.finish(),
        stderr: err.finish(),
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    if as_root
        && report.exit_code == Some(1)
        && report.stdout.bytes == 0
        && let Err(refused) = sudo_refusal(&report.stderr.head)
        && !is_allowed(text, stop)
    {
        return Err(refused.into());
    }
    if ended.why == End::Limit {
        let limit_ms = limit_ms.unwrap_or_default();
        let lines = report.stdout.text() + &report.stderr.text();
        let last: Vec<String> = lines.lines().rev().take(20).map(str::to_owned).collect();
        let fault = Fault::new(
            FaultCode::TimedOut,
            format!("the command did not end within {limit_ms} ms and was ended by signal"),
        )
        .about(text)
        .with_lines(last.into_iter().rev().collect());
        return Err(fault.into());
    }
    Ok(report)
}

/// Whether sudo lets this user run the command, asked without running it. The command may have a sudo
/// of its own that refused, in the same words: then it did run, and what it did is to be told.
fn is_allowed(text: &str, stop: &Stop) -> bool {
    let mut command = tool_command(SUDO.as_ref());
    command.args(["-n", "-l", "--", "/bin/sh"]).args(shell_args(text));
    run_tool(command, ASK_LIMIT, stop).is_ok_and(|said| said.code == Some(0))
}

fn shell(text: &str, sudo: Sudo) -> Result<Command, Fault> {
    if text.contains('\0') {
        return Err(Fault::bad_input(
            "command",
            "the command has a NUL character, which no program can take",
        ));
    }
    let mut command = match sudo {
        Sudo::None => Command::new("/bin/sh"),
        Sudo::Nopasswd => {
            crate::children::sudo_present()?;
            let mut command = Command::new(SUDO);
            command.args(["-n", "--", "/bin/sh"]);
            command
        }
        Sudo::Password => return Err(crate::children::no_sudo_password()),
    };
    as_before(&mut command).args(shell_args(text));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> RunReport {
        run_command(text, Sudo::None, None, &Guards::default(), &Stop::default()).unwrap()
    }

    #[test]
    fn exit_status_and_both_outputs_come_back() {
        let report = run("echo out; echo err >&2; exit 7");
        assert_eq!((report.exit_code, report.signal), (Some(7), None));
        assert_eq!((report.stdout.head.as_str(), report.stderr.head.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn what_begins_with_a_dash_is_a_command_and_no_option_of_the_shell() {
        let report = run("-e; echo it is a command");
        assert_eq!((report.exit_code, report.stdout.head.as_str()), (Some(0), "it is a command\n"));
        assert!(report.stderr.head.contains("-e"), "{report:?}");
    }

    #[test]
    fn a_command_that_a_signal_ended_has_no_exit_status() {
        let report = run("kill -9 $$");
        assert_eq!((report.exit_code, report.signal), (None, Some(9)));
    }

    #[test]
    fn a_passed_limit_is_a_fault_with_the_last_lines() {
        let guards = Guards::default();
        let error = run_command("echo last; sleep 60", Sudo::None, Some(200), &guards, &Stop::default());
        let Err(Error::Fault(fault)) = error else { panic!("{error:?}") };
        assert_eq!(fault.code, FaultCode::TimedOut);
        assert_eq!(fault.detail.lines, ["last"]);
    }

    #[test]
    fn a_stop_ends_the_command_and_tells_what_it_did() {
        let stop = Stop::default();
        let ender = stop.clone();
        let running = std::thread::spawn(move || {
            let guards = Guards::default();
            run_command("echo begun; sleep 60; echo never", Sudo::None, None, &guards, &stop)
        });
        std::thread::sleep(Duration::from_millis(200));
        ender.stop();
        let report = running.join().unwrap().unwrap();
        assert_eq!((report.signal, report.stdout.head.as_str()), (Some(15), "begun\n"));
    }

    #[test]
    fn a_background_child_that_holds_the_pipe_does_not_hold_the_answer() {
        let report = run("echo x; sleep 9 &");
        assert_eq!(report.exit_code, Some(0));
        assert!(report.took_ms < 4_000, "{}", report.took_ms);
    }

    #[test]
    fn much_output_is_kept_head_and_tail_and_counted() {
        let report = run("head -c 1000000 /dev/zero | tr '\\0' a; echo end");
        assert_eq!(report.stdout.bytes, 1_000_004);
        assert!(report.stdout.tail.ends_with("end\n"));
        let kept = report.stdout.head.len() + report.stdout.tail.len();
        assert_eq!(report.stdout.left_out_bytes, 1_000_004 - kept as u64);
    }
}
