//! The order of the list of services, and how a unit's state looks.

use std::cmp::Ordering;
use std::sync::Arc;

use protocol::services::{Service, ServiceRow};
use protocol::text::printable;

use crate::components::columns::Columns;
use crate::components::sort::{Sort, natural};
use crate::format;

/// Shared by the answer, the order and the screen.
pub(crate) type Row = Arc<ServiceRow>;

/// Columns in their order on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    Unit,
    Description,
    State,
    AtBoot,
    Pid,
    Memory,
    Since,
}

impl Columns for Column {
    type Row = Row;
    const ALL: &'static [Self] = &[
        Column::Unit,
        Column::Description,
        Column::State,
        Column::AtBoot,
        Column::Pid,
        Column::Memory,
        Column::Since,
    ];

    fn id(self) -> &'static str {
        match self {
            Column::Unit => "unit",
            Column::Description => "description",
            Column::State => "state",
            Column::AtBoot => "at_boot",
            Column::Pid => "pid",
            Column::Memory => "memory",
            Column::Since => "since",
        }
    }

    fn is_numeric(self) -> bool {
        matches!(self, Column::Pid | Column::Memory | Column::Since)
    }

    fn text(self, row: &Row) -> String {
        let service = &row.service;
        match self {
            Column::Unit => printable(&service.name).into_owned(),
            Column::Description => printable(&service.description).into_owned(),
            Column::State => printable(&service.state()).into_owned(),
            Column::AtBoot => printable(service.enabled_state.as_deref().unwrap_or_default()).into_owned(),
            Column::Pid => service.main_pid.map(|pid| pid.to_string()).unwrap_or_default(),
            Column::Memory => service.memory_bytes.map(format::memory).unwrap_or_default(),
            Column::Since => service.since_ms.map(format::stamp).unwrap_or_default(),
        }
    }

    fn plain(self, row: &Row) -> String {
        match self {
            Column::Memory => row.service.memory_bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
            _ => self.text(row),
        }
    }

    fn compare(self, a: &Row, b: &Row, by: Sort) -> Ordering {
        let (a, b) = (&a.service, &b.service);
        match self {
            Column::Unit => by.turn(natural(&a.name, &b.name)),
            Column::Description => by.turn(natural(&a.description, &b.description)),
            Column::State => by.turn(rank(a).cmp(&rank(b)).then_with(|| a.sub_state.cmp(&b.sub_state))),
            Column::AtBoot => {
                by.missing_last(a.enabled_state.as_deref(), b.enabled_state.as_deref(), Ord::cmp)
            }
            Column::Pid => by.missing_last(a.main_pid, b.main_pid, Ord::cmp),
            Column::Memory => by.missing_last(a.memory_bytes, b.memory_bytes, Ord::cmp),
            Column::Since => by.missing_last(a.since_ms, b.since_ms, Ord::cmp),
        }
        .then_with(|| natural(&a.name, &b.name))
    }
}

/// How a state looks: what is normal is quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Failed,
    /// On its way from one state to another.
    Changing,
    Up,
    /// Not running, and nobody is to worry.
    Down,
}

pub(crate) fn look(service: &Service) -> Look {
    match service.active_state.as_str() {
        "failed" => Look::Failed,
        "activating" | "deactivating" | "reloading" | "refreshing" => Look::Changing,
        "active" => Look::Up,
        _ => Look::Down,
    }
}

fn rank(service: &Service) -> u8 {
    match look(service) {
        Look::Failed => 0,
        Look::Changing => 1,
        Look::Up => 2,
        Look::Down => 3,
    }
}

/// Units whose full name begins with, or else contains, what was typed so far.
pub(crate) fn complete<'a>(typed: &str, units: &'a [String], most: usize) -> Vec<&'a str> {
    let typed = typed.trim().to_lowercase();
    let mut begins: Vec<&str> = Vec::new();
    let mut contains: Vec<&str> = Vec::new();
    for unit in units {
        let name = unit.to_lowercase();
        if name.starts_with(&typed) {
            begins.push(unit);
        } else if name.contains(&typed) {
            contains.push(unit);
        }
    }
    begins.extend(contains);
    begins.truncate(most);
    begins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, active: &str, memory: Option<u64>) -> Row {
        let service = Service {
            name: name.into(),
            active_state: active.into(),
            memory_bytes: memory,
            ..Service::default()
        };
        Arc::new(ServiceRow { service, ..ServiceRow::default() })
    }

    fn sort(rows: &mut [Row], column: Column, descending: bool) {
        let by = Sort { column: column.id(), descending };
        rows.sort_by(|a, b| column.compare(a, b, by));
    }

    fn names(rows: &[Row]) -> Vec<&str> {
        rows.iter().map(|row| row.service.name.as_str()).collect()
    }

    #[test]
    fn failed_units_are_first_by_state() {
        let mut rows = vec![
            row("a.service", "inactive", None),
            row("b.service", "active", None),
            row("c.service", "failed", None),
            row("d.service", "activating", None),
        ];
        sort(&mut rows, Column::State, false);
        assert_eq!(names(&rows), ["c.service", "d.service", "b.service", "a.service"]);
    }

    #[test]
    fn units_without_memory_are_last_in_both_directions() {
        let mut rows = vec![
            row("a.service", "active", None),
            row("b.service", "active", Some(1)),
            row("c.service", "active", Some(2)),
        ];
        sort(&mut rows, Column::Memory, true);
        assert_eq!(names(&rows), ["c.service", "b.service", "a.service"]);
        sort(&mut rows, Column::Memory, false);
        assert_eq!(names(&rows), ["b.service", "c.service", "a.service"]);
    }

    #[test]
    fn another_program_gets_memory_in_bytes() {
        let row = row("a.service", "active", Some(123_456_789));
        assert_eq!(Column::Memory.plain(&row), "123456789");
        assert_eq!(Column::Unit.plain(&row), "a.service");
    }

    #[test]
    fn completion_offers_what_begins_so_before_what_contains_it() {
        let units: Vec<String> =
            ["ssh.service", "cron.service", "openssh.socket", "sshd.socket"].map(str::to_owned).to_vec();
        assert_eq!(complete("SSH", &units, 8), ["ssh.service", "sshd.socket", "openssh.socket"]);
        assert_eq!(complete("", &units, 2), ["ssh.service", "cron.service"]);
        assert!(complete("zzz", &units, 8).is_empty());
    }
}
