//! The table of units: services, sockets, timers and mounts, loaded or only installed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::services::{Manager, Service, ServiceTable, is_unit_name};

use super::show::{Properties, show};
use super::systemctl::Systemctl;
use super::times::parse_utc_ms;
use crate::clock;
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

const PLAIN: [&str; 4] = ["--no-legend", "--no-pager", "--full", "--type=service,socket,timer,mount"];
/// Units that are only installed are looked for again after this time.
const KEPT: Duration = Duration::from_secs(60);
const KEYS: &str = "Id,Description,LoadState,ActiveState,SubState,UnitFileState,MainPID,MemoryCurrent,\
    ActiveEnterTimestamp,ActiveExitTimestamp,InactiveEnterTimestamp,InactiveExitTimestamp";

/// Units that are only installed: to find them, systemd reads every unit file, so they are kept.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    read: Option<Instant>,
    services: Vec<Service>,
}

impl Installed {
    /// Forgets them, since an action may have changed what they are.
    pub(crate) fn forget(&mut self) {
        self.read = None;
    }

    fn refresh(&mut self, root: &Root, loaded: &[String], stop: &Stop) -> Result<(), Error> {
        if self.read.is_some_and(|read| read.elapsed() < KEPT) {
            return Ok(());
        }
        let files = Systemctl::of(root)?.ask(&[&["list-unit-files"], &PLAIN[..]].concat(), stop)?;
        let names: Vec<String> =
            parse_unit_files(&files).into_iter().filter(|name| !loaded.contains(name)).collect();
        let asked: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_unit_name(name)).collect();
        let shown = if asked.is_empty() { Vec::new() } else { show(root, KEYS, &asked, stop)? };
        self.services = shown.iter().filter_map(to_service).collect();
        self.read = Some(Instant::now());
        Ok(())
    }
}

/// Reads all units. A fault `not_on_this_host` where systemd does not run the host.
pub(crate) fn read_services(
    root: &Root,
    installed: &mut Installed,
    stop: &Stop,
) -> Result<ServiceTable, Error> {
    let started = Instant::now();
    let listed =
        Systemctl::of(root)?.ask(&[&["list-units", "--all", "--plain"], &PLAIN[..]].concat(), stop)?;
    let mut services: BTreeMap<String, Service> =
        listed.lines().filter_map(parse_unit_line).map(|service| (service.name.clone(), service)).collect();
    let names: Vec<String> = services.keys().cloned().collect();
    installed.refresh(root, &names, stop)?;
    // A path of a mount may hold what no other name does; such a unit keeps its line of the list.
    let asked: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_unit_name(name)).collect();
    for properties in show(root, KEYS, &asked, stop)? {
        // Another name of a unit is told under its own name, and so found once.
        if let Some(service) = to_service(&properties) {
            services.insert(service.name.clone(), service);
        }
    }
    for service in &installed.services {
        services.entry(service.name.clone()).or_insert_with(|| service.clone());
    }
    Ok(ServiceTable {
        at_ms: clock::now_ms(),
        manager: Manager::Systemd,
        services: services.into_values().collect(),
        left_out: 0,
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// `● cron.service loaded active running Regular background program processing daemon`; the mark
/// is there for some units only, also in plain lists.
fn parse_unit_line(line: &str) -> Option<Service> {
    let mut rest = line;
    let mut word = || {
        rest = rest.trim_start();
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        rest = after;
        (!word.is_empty()).then(|| word.to_owned())
    };
    let first = word()?;
    // Every unit has a dot in its name, and no mark has.
    let name = if first.contains('.') { first } else { word()? };
    let (load_state, active_state, sub_state) = (word()?, word()?, word()?);
    name.contains('.').then(|| Service {
        name,
        description: rest.trim().to_owned(),
        load_state,
        active_state,
        sub_state,
        ..Service::default()
    })
}

/// Names of unit files that are units by themselves: a template is none, another name is not its own.
fn parse_unit_files(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, state) = (words.next()?, words.next()?);
            (!name.contains("@.") && name.contains('.') && state != "alias").then(|| name.to_owned())
        })
        .collect()
}

fn to_service(unit: &Properties) -> Option<Service> {
    let text = |key: &str| unit.text(key).unwrap_or_default().to_owned();
    let active_state = text("ActiveState");
    Some(Service {
        name: unit.text("Id")?.to_owned(),
        description: text("Description"),
        load_state: text("LoadState"),
        sub_state: text("SubState"),
        enabled_state: unit.text("UnitFileState").map(str::to_owned),
        main_pid: unit.pid("MainPID"),
        memory_bytes: unit.number("MemoryCurrent"),
        since_ms: unit.text(entered(&active_state)).and_then(parse_utc_ms),
        active_state,
    })
}

/// The property that holds when a unit entered its state, as systemctl status(1) takes it.
fn entered(active_state: &str) -> &'static str {
    match active_state {
        "active" | "reloading" | "refreshing" => "ActiveEnterTimestamp",
        "activating" => "InactiveExitTimestamp",
        "deactivating" => "ActiveExitTimestamp",
        _ => "InactiveEnterTimestamp",
    }
}

#[cfg(test)]
mod tests {
    use super::super::show::parse_stanzas;
    use super::*;

    #[test]
    fn a_line_is_read_with_and_without_a_mark() {
        for line in [
            "cron.service  loaded    active running Regular background program",
            "  cron.service loaded active running Regular background program",
            "● cron.service loaded active running Regular background program",
            "* cron.service loaded active running Regular background program",
            "x cron.service loaded active running Regular background program",
        ] {
            let service = parse_unit_line(line).unwrap();
            assert_eq!(service.name, "cron.service", "{line}");
            assert_eq!(service.state(), "active (running)");
            assert_eq!(service.description, "Regular background program");
        }
        assert_eq!(parse_unit_line("xinetd.service loaded active running X").unwrap().name, "xinetd.service");
        assert_eq!(
            parse_unit_line("auditd.service not-found inactive dead auditd.service").unwrap().load_state,
            "not-found"
        );
        assert_eq!(parse_unit_line(""), None);
        assert_eq!(parse_unit_line("12 units listed"), None);
    }

    #[test]
    fn templates_and_other_names_are_no_units_of_their_own() {
        let text = "cron.service enabled enabled\ngetty@.service enabled enabled\nsshd.service alias -\nx.timer static -\n";
        assert_eq!(parse_unit_files(text), ["cron.service", "x.timer"]);
    }

    #[test]
    fn since_goes_by_the_state() {
        let shown = "Id=a.service\nActiveState=inactive\nSubState=dead\nUnitFileState=\nMainPID=0\n\
            ActiveEnterTimestamp=Thu 1970-01-01 00:00:05 UTC\nInactiveEnterTimestamp=Thu 1970-01-01 00:00:09 UTC\n";
        let service = to_service(&parse_stanzas(shown)[0]).unwrap();
        assert_eq!((service.since_ms, service.enabled_state, service.main_pid), (Some(9_000), None, None));
    }
}
