//! The table of units: services, sockets, timers and mounts, loaded or only installed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::hosts::Sudo;
use protocol::services::{Manager, NoteKind, Service, ServiceTable, UNIT_KEYS as KEYS, is_unit_name};

use super::found::Found;
use super::manager::{main_manager, none_known};
use super::openrc::OpenRc;
use super::show::{Properties, parse_stanzas, show};
use super::signals::{Due, Signals};
use super::supervisor::Supervisor;
use super::systemctl::Systemctl;
use super::sysv::SysV;
use super::times::parse_utc_ms;
use crate::clock;
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

const PLAIN: [&str; 4] = ["--no-legend", "--no-pager", "--full", "--type=service,socket,timer,mount"];
/// Units that are only installed are looked for again after this time, where nobody says that unit
/// files changed.
const KEPT: Duration = Duration::from_secs(60);

/// Units as they were read last.
#[derive(Debug, Default)]
pub(crate) struct Units {
    rows: BTreeMap<String, Service>,
    /// Units that are only installed: to find them, systemd reads every unit file, so they are kept.
    installed: Vec<Service>,
    installed_read: Option<Instant>,
}

impl Units {
    /// Forgets what is only installed, since an action may have changed what it is.
    pub(crate) fn forget(&mut self) {
        self.installed_read = None;
    }

    /// The table of this host. What `signals` heard since the last reading is asked for, or all.
    pub(crate) fn read(
        &mut self,
        root: &Root,
        signals: &Signals,
        stop: &Stop,
    ) -> Result<ServiceTable, Error> {
        if let Some(listed) = root.said("list-units") {
            let mut table = read_said(root, &listed);
            match root.said("supervisor").map(|said| Supervisor::list_said(root, &said)) {
                Some(Ok(programs)) => table.services.extend(by_name(&programs).into_values()),
                Some(Err(why)) => table.note(NoteKind::SupervisordUnlisted, unlisted(&why)),
                None => {}
            }
            return Ok(table);
        }
        let started = Instant::now();
        let manager = main_manager(root);
        let supervisor = Supervisor::of(root, Sudo::None);
        let said = root.said("supervisor");
        let mut table = ServiceTable::default();
        let mut services: BTreeMap<String, Service> = match manager {
            Some(Manager::Systemd) => {
                self.read_units(root, signals, stop)?;
                if let Some(why) = signals.why_deaf() {
                    let words = format!("changes are looked for and not heard at once: {why}");
                    table.note(NoteKind::NotHeard, words);
                }
                self.rows.clone()
            }
            Some(Manager::OpenRc) => by_name(&OpenRc::list(root)),
            Some(Manager::SysV) => by_name(&SysV::list(root, stop)),
            _ if supervisor.is_none() && said.is_none() => return Err(none_known().into()),
            _ => BTreeMap::new(),
        };
        let programs = match said {
            Some(said) => Some(Supervisor::list_said(root, &said)),
            None => supervisor.map(|supervisor| supervisor.list(root, stop)),
        };
        match programs {
            Some(Ok(programs)) => services.extend(by_name(&programs)),
            Some(Err(Error::Cancelled)) => return Err(Error::Cancelled),
            Some(Err(why)) => table.note(NoteKind::SupervisordUnlisted, unlisted(&why)),
            None => {}
        }
        Ok(ServiceTable {
            at_ms: clock::now_ms(),
            manager: manager.unwrap_or(Manager::Supervisord),
            services: services.into_values().collect(),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..table
        })
    }

    fn read_units(&mut self, root: &Root, signals: &Signals, stop: &Stop) -> Result<(), Error> {
        let due = signals.take_due();
        if due.files {
            self.forget();
        }
        let read = if due.all { self.read_all(root, stop) } else { self.read_some(root, &due, stop) };
        if read.is_err() {
            signals.put_back();
        }
        read
    }

    fn read_all(&mut self, root: &Root, stop: &Stop) -> Result<(), Error> {
        let listed =
            Systemctl::of(root)?.ask(&[&["list-units", "--all", "--plain"], &PLAIN[..]].concat(), stop)?;
        let mut rows: BTreeMap<String, Service> = listed
            .lines()
            .filter_map(parse_unit_line)
            .map(|service| (service.name.clone(), service))
            .collect();
        let names: Vec<String> = rows.keys().cloned().collect();
        self.read_installed(root, &names, stop)?;
        // A path of a mount may hold what no other name does; such a unit keeps its line of the list.
        let asked: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_unit_name(name)).collect();
        for properties in show(root, KEYS, &asked, stop)? {
            // Another name of a unit is told under its own name, and so found once.
            if let Some(service) = to_service(&properties) {
                rows.insert(service.name.clone(), service);
            }
        }
        for service in &self.installed {
            rows.entry(service.name.clone()).or_insert_with(|| service.clone());
        }
        self.rows = rows;
        Ok(())
    }

    fn read_installed(&mut self, root: &Root, loaded: &[String], stop: &Stop) -> Result<(), Error> {
        if self.installed_read.is_some_and(|read| read.elapsed() < KEPT) {
            return Ok(());
        }
        let files = Systemctl::of(root)?.ask(&[&["list-unit-files"], &PLAIN[..]].concat(), stop)?;
        let names: Vec<String> =
            parse_unit_files(&files).into_iter().filter(|name| !loaded.contains(name)).collect();
        let asked: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_unit_name(name)).collect();
        let shown = if asked.is_empty() { Vec::new() } else { show(root, KEYS, &asked, stop)? };
        self.installed = shown.iter().filter_map(to_service).collect();
        self.installed_read = Some(Instant::now());
        Ok(())
    }

    fn read_some(&mut self, root: &Root, due: &Due, stop: &Stop) -> Result<(), Error> {
        let asked = self.let_go(due);
        if asked.is_empty() {
            return Ok(());
        }
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let shown = show(root, KEYS, &asked, stop)?;
        shown.iter().filter_map(to_service).for_each(|service| self.put(service));
        Ok(())
    }

    /// Takes in what is known without asking; gives the units to ask for.
    fn let_go(&mut self, due: &Due) -> Vec<String> {
        for name in &due.gone {
            match self.rows.get_mut(name) {
                // It has a file, so it is there and does not run.
                Some(row) if row.has_file() => {
                    if !matches!(row.active_state.as_str(), "inactive" | "failed") {
                        (row.active_state, row.sub_state) = ("inactive".into(), "dead".into());
                        // It was let go as soon as it had ended, and that was heard a moment ago.
                        row.since_ms = Some(clock::now_ms());
                    }
                    (row.main_pid, row.memory_bytes) = (None, None);
                }
                Some(_) => drop(self.rows.remove(name)),
                None => {}
            }
        }
        let new = due.loaded.iter().filter(|name| !self.rows.contains_key(*name));
        let asked = due.changed.iter().chain(new).filter(|name| is_unit_name(name));
        let mut asked: Vec<String> = asked.cloned().collect();
        asked.dedup();
        asked
    }

    fn put(&mut self, service: Service) {
        // A unit that was made for one run, and is over, leaves nothing but its name.
        let is_nothing = service.load_state == "not-found" && service.active_state == "inactive";
        if is_nothing && self.rows.get(&service.name).is_none_or(|row| row.load_state != "not-found") {
            self.rows.remove(&service.name);
        } else {
            self.rows.insert(service.name.clone(), service);
        }
    }
}

fn unlisted(why: &Error) -> String {
    format!("programs of supervisord are not listed: {why}")
}

fn by_name(found: &[Found]) -> BTreeMap<String, Service> {
    found.iter().map(Found::to_service).map(|service| (service.name.clone(), service)).collect()
}

/// The same by what systemctl(1) said of the machine that a tree was read from. Of units that are only
/// installed there is the name and whether they are enabled.
fn read_said(root: &Root, listed: &str) -> ServiceTable {
    let mut services: BTreeMap<String, Service> =
        listed.lines().filter_map(parse_unit_line).map(|service| (service.name.clone(), service)).collect();
    let shown = parse_stanzas(&root.said("show").unwrap_or_default());
    for service in shown.iter().filter_map(to_service).filter(|one| is_kind_told(&one.name)) {
        services.insert(service.name.clone(), service);
    }
    let files = root.said("list-unit-files").unwrap_or_default();
    let states: BTreeMap<&str, &str> = files.lines().filter_map(parse_file_line).collect();
    for name in parse_unit_files(&files) {
        let enabled_state = states.get(name.as_str()).map(|state| (*state).to_owned());
        let down = ("inactive".to_owned(), "dead".to_owned());
        services.entry(name.clone()).or_insert_with(|| Service {
            name,
            load_state: "loaded".into(),
            active_state: down.0,
            sub_state: down.1,
            enabled_state,
            ..Service::default()
        });
    }
    ServiceTable {
        at_ms: clock::now_ms(),
        manager: Manager::Systemd,
        services: services.into_values().collect(),
        ..ServiceTable::default()
    }
}

fn is_kind_told(name: &str) -> bool {
    [".service", ".socket", ".timer", ".mount"].iter().any(|kind| name.ends_with(kind))
}

/// `cron.service enabled enabled`.
fn parse_file_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?))
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

/// What holds whatever systemctl says.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(text: &str) {
    for line in text.lines() {
        if let Some(unit) = parse_unit_line(line) {
            assert!(unit.name.contains('.') && !unit.name.contains(char::is_whitespace), "{unit:?}");
            assert!(
                !unit.load_state.is_empty() && !unit.active_state.is_empty() && !unit.sub_state.is_empty()
            );
        }
        assert!(parse_file_line(line).is_none_or(|(name, state)| !name.is_empty() && !state.is_empty()));
    }
    assert!(parse_unit_files(text).iter().all(|name| name.contains('.') && !name.contains("@.")));
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

    fn row(name: &str, active_state: &str, enabled_state: Option<&str>) -> Service {
        Service {
            name: name.into(),
            load_state: "loaded".into(),
            active_state: active_state.into(),
            enabled_state: enabled_state.map(str::to_owned),
            main_pid: (active_state == "active").then_some(7),
            ..Service::default()
        }
    }

    #[test]
    fn what_systemd_lets_go_is_known_without_a_question() {
        let mut units = Units::default();
        for row in [
            row("file.service", "active", Some("disabled")),
            row("failed.service", "failed", Some("static")),
            row("run-1.service", "active", Some("transient")),
            row("odd.mount", "active", None),
        ] {
            units.put(row);
        }
        let due = Due {
            gone: ["file.service", "failed.service", "run-1.service", "odd.mount", "x.timer"]
                .map(str::to_owned)
                .into(),
            changed: ["new.service".to_owned()].into(),
            loaded: ["file.service", "new.service", "other.service"].map(str::to_owned).into(),
            ..Due::default()
        };
        assert_eq!(
            units.let_go(&due),
            ["new.service", "other.service"],
            "what is in the table was only loaded"
        );
        let rows: Vec<_> = units
            .rows
            .values()
            .map(|row| (row.name.as_str(), row.active_state.as_str(), row.main_pid))
            .collect();
        assert_eq!(rows, [("failed.service", "failed", None), ("file.service", "inactive", None)]);
    }

    #[test]
    fn a_unit_that_is_nothing_but_a_name_leaves_the_table_unless_it_was_so_before() {
        let mut units = Units::default();
        let nothing = |name: &str| Service { load_state: "not-found".into(), ..row(name, "inactive", None) };
        units.put(row("run-1.service", "active", None));
        units.rows.insert("wanted.service".into(), nothing("wanted.service"));
        units.put(nothing("run-1.service"));
        units.put(nothing("wanted.service"));
        assert_eq!(units.rows.keys().collect::<Vec<_>>(), ["wanted.service"]);
    }

    #[test]
    fn since_goes_by_the_state() {
        let shown = "Id=a.service\nActiveState=inactive\nSubState=dead\nUnitFileState=\nMainPID=0\n\
            ActiveEnterTimestamp=Thu 1970-01-01 00:00:05 UTC\nInactiveEnterTimestamp=Thu 1970-01-01 00:00:09 UTC\n";
        let service = to_service(&parse_stanzas(shown)[0]).unwrap();
        assert_eq!((service.since_ms, service.enabled_state, service.main_pid), (Some(9_000), None, None));
    }
}
