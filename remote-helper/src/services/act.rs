//! An action on a unit: what it was before, what was run, what happened then, what it is after.
//!
//! systemctl(1) runs in a thread of its own, while the unit is looked at again and again until its
//! state will stay so (`watch`); then `judge` tells the outcome. Nothing is run if the unit is not
//! there, and a refusal by polkit or sudo is a fault with the host's own words.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use protocol::hosts::Sudo;
use protocol::services::{ActionReport, Moment, MomentKind, ServiceAction, exact_command, is_unit_name};
use protocol::text::{printable, printable_lines};
use protocol::{Fault, FaultCode};

use super::bus::Bus;
use super::journal::read_journal;
use super::judge::{Case, judge};
use super::seen::{Seen, look};
use super::systemctl::Systemctl;
use super::watch::{is_settled, list_moments, watch_ms};
use crate::children::{SUDO, Said, find_tool, run_tool, sudo_refusal};
use crate::clock;
use crate::error::Error;
use crate::machine::Machine;
use crate::sockets::{Which, read_sockets};
use crate::stop::Stop;

/// systemd has time-outs of its own for each unit; this one is for a unit that switched them off.
const COMMAND_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Between two looks at first, and when it takes long.
const LOOK_OFTEN: Duration = Duration::from_millis(100);
const LOOK_SELDOM: Duration = Duration::from_millis(300);
const OFTEN_FOR: Duration = Duration::from_secs(5);

/// Checks the name and that the unit is there; gives what it is now.
pub(super) fn find_unit(machine: &Machine, unit: &str, stop: &Stop) -> Result<Seen, Error> {
    if !is_unit_name(unit) {
        let message = format!("'{}' is not the name of a unit", printable(unit));
        return Err(Fault::bad_input("unit", message).into());
    }
    let seen = look(&machine.root, unit, 0, stop)?;
    // A unit whose file was removed may still run, and can be stopped.
    if seen.load_state == "not-found" && seen.is_down() {
        let message = format!("this host has no unit {unit}");
        return Err(Fault::new(FaultCode::UnitUnknown, message).about(unit).into());
    }
    Ok(seen)
}

/// Acts and tells what truly came of it. A fault means that nothing was done, but for
/// `outcome_unknown`: then systemd may go on with it.
pub(crate) fn act(
    machine: &Machine,
    unit: &str,
    action: ServiceAction,
    sudo: Sudo,
    stop: &Stop,
) -> Result<ActionReport, Error> {
    let before = find_unit(machine, unit, stop)?;
    let words = Systemctl::of(&machine.root)?.words(action.verb(), unit, sudo)?;
    let command = Systemctl::command(&words)?;
    let held = hold(machine, unit, sudo);
    let listened = list_ports(machine, &before.id);
    let (asked_ms, asked_us, started) = (clock::now_ms(), clock::monotonic_us(), Instant::now());
    let mut follow = Follow {
        machine,
        unit,
        action,
        stop,
        started,
        watch_ms: watch_ms(&before, asked_us),
        listened: &listened,
        seen: Vec::new(),
        listening_ms: None,
        before: &before,
    };
    let (said, command_ms) = follow.run(command)?;
    check_refusal(&said, unit)?;
    let output = printable_lines(&(said.stdout + &said.stderr)).into_owned();
    let case = Case {
        action,
        before: &before,
        seen: &follow.seen,
        exit_code: said.code,
        output: &output,
        command_ms,
    };
    let outcome = judge(&case);
    drop(held);
    let mut moments = list_moments(&before, &follow.seen, asked_us);
    if let Some(at_ms) = follow.listening_ms {
        moments.push(Moment { at_ms, what: MomentKind::Listening, subject: Some(listened.join(", ")) });
        moments.sort_by_key(|moment| moment.at_ms);
    }
    let took_ms = elapsed_ms(started);
    let after = follow.seen.last().unwrap_or(&before).state(list_ports(machine, &before.id));
    Ok(ActionReport {
        unit: unit.to_owned(),
        action,
        outcome,
        command: exact_command(action, unit, sudo),
        exit_code: said.code,
        output,
        before: before.state(listened),
        after,
        moments,
        journal: read_journal(&before.id, asked_ms, sudo, stop),
        command_ms,
        took_ms,
    })
}

/// Keeps the unit in systemd's memory, so that how it ended is there to be looked at. Without it a
/// unit that ends at once may leave no trace, and its outcome is unknown.
fn hold(machine: &Machine, unit: &str, sudo: Sudo) -> Option<Bus> {
    let connect = || match sudo {
        Sudo::Nopasswd => {
            let bridge = find_tool("systemd-stdio-bridge").map_err(std::io::Error::other)?;
            Bus::connect_as_root(SUDO.as_ref(), &bridge)
        }
        Sudo::None | Sudo::Password => Bus::connect(&machine.root.run.join("dbus/system_bus_socket")),
    };
    let held = connect().and_then(|mut bus| {
        bus.hold_unit(unit)?;
        Ok(bus)
    });
    held.map_err(|why| crate::log::warn(&format!("systemd is not asked to keep {unit}: {why}"))).ok()
}

/// Where processes of the unit listen: `tcp 0.0.0.0:22`. None if it cannot be read, which is no
/// reason not to act.
fn list_ports(machine: &Machine, unit: &str) -> Vec<String> {
    let listening = machine.read_listeners_of(unit).unwrap_or_default();
    let mut ports: Vec<String> = listening.iter().map(port_of).collect();
    ports.sort();
    ports.dedup();
    ports
}

fn port_of(socket: &protocol::sockets::Socket) -> String {
    format!("{} {}", socket.protocol.name(), socket.local())
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Watches a unit while an action on it is under way and after.
struct Follow<'a> {
    machine: &'a Machine,
    unit: &'a str,
    action: ServiceAction,
    stop: &'a Stop,
    started: Instant,
    watch_ms: u64,
    listened: &'a [String],
    before: &'a Seen,
    seen: Vec<Seen>,
    /// When all ports of before were open again.
    listening_ms: Option<u64>,
}

impl Follow<'_> {
    /// Runs the command and watches until the outcome is settled. Gives what the command said and
    /// when it came back.
    fn run(&mut self, command: std::process::Command) -> Result<(Said, u64), Error> {
        let (done, came_back) = channel();
        let stop = self.stop.clone();
        let started = self.started;
        let running = std::thread::Builder::new().name("systemctl".into()).spawn(move || {
            let said = run_tool(command, COMMAND_LIMIT, &stop);
            // Nobody takes it if the request has ended already.
            let _ = done.send((said, elapsed_ms(started)));
        });
        running.map_err(|cause| Error::Kernel { what: "a new thread", cause })?;
        let mut came: Option<(Said, u64)> = None;
        loop {
            let pause = if self.started.elapsed() < OFTEN_FOR { LOOK_OFTEN } else { LOOK_SELDOM };
            match &came {
                None => match came_back.recv_timeout(pause) {
                    Ok((Ok(said), at_ms)) => came = Some((said, at_ms)),
                    Ok((Err(Error::Cancelled), _)) => return Err(self.cancelled()),
                    // systemd goes on; what the unit is tells more than the reason.
                    Ok((Err(error @ Error::ToolTimedOut { .. }), at_ms)) => {
                        came = Some((Said { stderr: error.to_string(), ..Said::default() }, at_ms));
                    }
                    Ok((Err(error), _)) => return Err(error),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Err(self.cancelled()),
                },
                Some((said, command_ms)) => {
                    let settled = is_settled(
                        self.action,
                        &self.seen,
                        *command_ms,
                        self.watch_ms,
                        elapsed_ms(self.started),
                    );
                    if settled || is_refused(said) {
                        break;
                    }
                    if self.stop.wait(pause) {
                        return Err(self.cancelled());
                    }
                }
            }
            self.look();
        }
        came.ok_or_else(|| self.cancelled())
    }

    fn cancelled(&self) -> Error {
        let message = format!(
            "the {} of {} was asked for, and the link ended or it was cancelled before its outcome was known",
            self.action.verb(),
            self.unit
        );
        Fault::new(FaultCode::OutcomeUnknown, message).about(self.unit).into()
    }

    /// A look that fails, as while systemd is executed anew, is one look less.
    fn look(&mut self) {
        let at_ms = elapsed_ms(self.started);
        let Ok(now) = look(&self.machine.root, self.unit, at_ms, self.stop) else { return };
        if !self.listened.is_empty() && self.listening_ms.is_none() && now.started_us > self.before.started_us
        {
            let open = read_sockets(&self.machine.root, Which::Listening).unwrap_or_default();
            let open: Vec<String> = open.iter().map(port_of).collect();
            self.listening_ms = self.listened.iter().all(|port| open.contains(port)).then_some(at_ms);
        }
        match self.seen.last_mut() {
            Some(last) if last.is_same(&now) => last.until_ms = at_ms,
            Some(_) | None => self.seen.push(now),
        }
    }
}

/// Sentences of systemctl by which polkit or systemd itself says no.
const REFUSALS: [&str; 4] =
    ["Interactive authentication required", "Access denied", "Permission denied", "Not authorized"];

fn refusal_line(said: &Said) -> Option<&str> {
    let is_refusal = |line: &&str| REFUSALS.iter().any(|words| line.contains(words));
    said.stderr.lines().find(is_refusal).filter(|_| said.code != Some(0))
}

fn is_refused(said: &Said) -> bool {
    refusal_line(said).is_some() || (said.code == Some(1) && sudo_refusal(&said.stderr).is_err())
}

fn check_refusal(said: &Said, unit: &str) -> Result<(), Fault> {
    if said.code == Some(1) {
        sudo_refusal(&said.stderr).map_err(|fault| fault.about(unit))?;
    }
    match refusal_line(said) {
        None => Ok(()),
        Some(line) => {
            let line = printable(line);
            let fault = Fault::new(FaultCode::NotPermitted, format!("the host refused it: {line}"));
            Err(fault.about(unit).because(line))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, stderr: &str) -> Said {
        Said { code: Some(code), stdout: String::new(), stderr: stderr.into() }
    }

    #[test]
    fn refusals_of_polkit_and_sudo_are_faults_with_the_hosts_words() {
        let polkit =
            said(4, "Failed to restart cron.service: Interactive authentication required.\nSee ...\n");
        let fault = check_refusal(&polkit, "cron.service").unwrap_err();
        assert_eq!(fault.code, FaultCode::NotPermitted);
        assert!(fault.detail.cause.unwrap().contains("Interactive authentication required"));
        let sudo = check_refusal(&said(1, "sudo: a password is required\n"), "cron.service").unwrap_err();
        assert_eq!(
            (sudo.code, sudo.detail.subject.as_deref()),
            (FaultCode::SudoRefused, Some("cron.service"))
        );
    }

    #[test]
    fn a_failed_job_is_no_refusal() {
        assert!(check_refusal(&said(1, "Job for a.service failed because ..."), "a.service").is_ok());
        assert!(check_refusal(&said(0, "Access denied"), "a.service").is_ok(), "it was done all the same");
    }
}
