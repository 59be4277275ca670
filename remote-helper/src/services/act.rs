//! An action on a unit: what it was before, what was run, what happened then, what it is after.
//!
//! The command runs while the unit is followed until its state will stay so (`follow`, `watch`); then
//! `judge` tells the outcome. Nothing is run if the unit is not there, and a refusal by polkit or sudo
//! is a fault with the host's own words.

use std::process::Command;
use std::time::Instant;

use protocol::hosts::Sudo;
use protocol::services::{ActionReport, Manager, Moment, MomentKind, ServiceAction, exact_command};
use protocol::text::{printable, printable_lines};
use protocol::{Fault, FaultCode};

use super::bus::Bus;
use super::follow::{Follow, Followed, elapsed_ms, port_of};
use super::journal::read_journal;
use super::judge::{Case, judge};
use super::manager::{ServiceManager, manager_of, unknown, with_sudo};
use super::seen::Seen;
use super::watch::{list_moments, watch_ms};
use crate::children::{SUDO, Said, find_tool, sudo_present, sudo_refusal, tool_command};
use crate::clock;
use crate::error::Error;
use crate::machine::Machine;
use crate::stop::Stop;

/// Checks that the service is there; gives what it is now.
pub(super) fn find_unit(
    machine: &Machine,
    manager: &dyn ServiceManager,
    unit: &str,
    stop: &Stop,
) -> Result<Seen, Error> {
    let seen = manager.look(&machine.root, unit, 0, stop)?;
    // A unit whose file was removed may still run, and can be stopped.
    if seen.load_state == "not-found" && seen.is_down() {
        return Err(unknown(unit).into());
    }
    Ok(seen)
}

/// Acts and tells what truly came of it. A fault means that nothing was done, but for
/// `outcome_unknown`: then the manager may go on with it.
pub(crate) fn act(
    machine: &Machine,
    unit: &str,
    action: ServiceAction,
    sudo: Sudo,
    stop: &Stop,
) -> Result<ActionReport, Error> {
    let manager = manager_of(&machine.root, unit, sudo)?;
    let before = find_unit(machine, &*manager, unit, stop)?;
    let command = to_command(&with_sudo(manager.words(action, unit)?, sudo)?)?;
    let bus = (manager.kind() == Manager::Systemd).then(|| hold(machine, &before.id, sudo)).flatten();
    let listened = list_ports(machine, &before.id);
    let (asked_ms, asked_us, started) = (clock::now_ms(), clock::monotonic_us(), Instant::now());
    let follow = Follow {
        machine,
        manager: &*manager,
        unit,
        action,
        stop,
        started,
        watch_ms: watch_ms(&before, asked_us),
        listened: &listened,
        before: &before,
    };
    let Followed { said, command_ms, seen, listening_ms, job_result } = follow.run(command, bus)?;
    check_refusal(&said, unit, manager.kind())?;
    let output = printable_lines(&(said.stdout + &said.stderr)).into_owned();
    let outcome = judge(&Case {
        action,
        before: &before,
        seen: &seen,
        exit_code: said.code,
        output: &output,
        job_result: job_result.as_deref(),
        command_ms,
    });
    let mut moments = list_moments(&before, &seen, asked_us);
    if let Some(at_ms) = listening_ms {
        moments.push(Moment { at_ms, what: MomentKind::Listening, subject: Some(listened.join(", ")) });
        moments.sort_by_key(|moment| moment.at_ms);
    }
    let took_ms = elapsed_ms(started);
    let after = seen.last().unwrap_or(&before).state(list_ports(machine, &before.id));
    Ok(ActionReport {
        unit: unit.to_owned(),
        action,
        outcome,
        command: exact_command(action, unit, sudo),
        exit_code: said.code,
        output,
        before: before.state(listened),
        after,
        job_result,
        moments,
        journal: read_journal(&before.id, asked_ms, sudo, stop),
        command_ms,
        took_ms,
    })
}

fn to_command(words: &[String]) -> Result<Command, Fault> {
    let (program, args) = words.split_first().ok_or_else(|| Fault::new(FaultCode::Internal, "no words"))?;
    if program == SUDO {
        sudo_present()?;
    }
    let mut command = tool_command(program.as_ref());
    command.args(args);
    Ok(command)
}

/// Keeps the unit in systemd's memory, so that how it ended is there to be looked at, and hears what
/// happens to it. Without it a unit that ends at once may leave no trace, and its outcome is unknown.
fn hold(machine: &Machine, unit: &str, sudo: Sudo) -> Option<Bus> {
    let connect = || match sudo {
        Sudo::Nopasswd => {
            let bridge = find_tool("systemd-stdio-bridge").map_err(std::io::Error::other)?;
            Bus::connect_as_root(SUDO.as_ref(), &bridge)
        }
        Sudo::None | Sudo::Password => Bus::connect(&machine.root.run.join("dbus/system_bus_socket")),
    };
    let held = connect().and_then(|mut bus| {
        // A user who may not act on a unit may not hold it either, but may hear of it.
        if let Err(why) = bus.hold_unit(unit) {
            crate::log::warn(&format!("systemd is not asked to keep {unit}: {why}"));
        }
        bus.watch_unit(unit)?;
        Ok(bus)
    });
    held.map_err(|why| crate::log::warn(&format!("what happens to {unit} is not heard: {why}"))).ok()
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

/// Sentences of systemctl by which polkit or systemd itself says no.
const REFUSALS: [&str; 4] =
    ["Interactive authentication required", "Access denied", "Permission denied", "Not authorized"];

/// A script of another manager prints what its daemon says: such words there are no refusal, and by
/// then it may have stopped what ran.
fn refusal_line(said: &Said, manager: Manager) -> Option<&str> {
    if manager != Manager::Systemd {
        return None;
    }
    let is_refusal = |line: &&str| REFUSALS.iter().any(|words| line.contains(words));
    said.stderr.lines().find(is_refusal).filter(|_| said.code != Some(0))
}

pub(super) fn is_refused(said: &Said, manager: Manager) -> bool {
    refusal_line(said, manager).is_some() || (said.code == Some(1) && sudo_refusal(&said.stderr).is_err())
}

fn check_refusal(said: &Said, unit: &str, manager: Manager) -> Result<(), Fault> {
    if said.code == Some(1) {
        sudo_refusal(&said.stderr).map_err(|fault| fault.about(unit))?;
    }
    match refusal_line(said, manager) {
        None => Ok(()),
        Some(line) => {
            let line = printable(line);
            // Not every refusal says what it is about.
            let what = if line.contains(unit) { String::new() } else { format!(" for {}", printable(unit)) };
            let fault = Fault::new(FaultCode::NotPermitted, format!("the host refused it{what}: {line}"));
            Err(fault.about(unit).because(line))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, stderr: &str) -> Said {
        Said { code: Some(code), stderr: stderr.into(), ..Said::default() }
    }

    #[test]
    fn refusals_of_polkit_and_sudo_are_faults_with_the_hosts_words() {
        let polkit =
            said(4, "Failed to restart cron.service: Interactive authentication required.\nSee ...\n");
        let fault = check_refusal(&polkit, "cron.service", Manager::Systemd).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotPermitted);
        assert!(fault.detail.cause.unwrap().contains("Interactive authentication required"));
        let sudo =
            check_refusal(&said(1, "sudo: a password is required\n"), "cron.service", Manager::Systemd)
                .unwrap_err();
        assert_eq!(
            (sudo.code, sudo.detail.subject.as_deref()),
            (FaultCode::SudoRefused, Some("cron.service"))
        );
    }

    #[test]
    fn a_failed_job_is_no_refusal() {
        assert!(
            check_refusal(&said(1, "Job for a.service failed because ..."), "a.service", Manager::Systemd)
                .is_ok()
        );
        assert!(
            check_refusal(&said(0, "Access denied"), "a.service", Manager::Systemd).is_ok(),
            "it was done all the same"
        );
        assert!(
            check_refusal(&said(1, "a: /var/log/a: Permission denied"), "sysv:a", Manager::SysV).is_ok(),
            "a script says what its daemon said"
        );
    }
}
