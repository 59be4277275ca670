//! The columns of the process table, their order, and what makes two rows the same process.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use protocol::processes::{Process, ProcessRow};
use protocol::text::printable;

use crate::components::columns::Columns;
use crate::components::sort::{Sort, natural};
use crate::format;

/// Shared by the answer, the order and the screen.
pub(crate) type Row = Arc<ProcessRow>;

/// Columns in their order on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    Pid,
    Name,
    User,
    State,
    Cpu,
    Memory,
    Threads,
    Unit,
    Started,
    Command,
}

impl Columns for Column {
    type Row = Row;
    const ALL: &'static [Self] = &[
        Column::Pid,
        Column::Name,
        Column::User,
        Column::State,
        Column::Cpu,
        Column::Memory,
        Column::Threads,
        Column::Unit,
        Column::Started,
        Column::Command,
    ];

    fn id(self) -> &'static str {
        match self {
            Column::Pid => "pid",
            Column::Name => "name",
            Column::User => "user",
            Column::State => "state",
            Column::Cpu => "cpu",
            Column::Memory => "memory",
            Column::Threads => "threads",
            Column::Unit => "unit",
            Column::Started => "started",
            Column::Command => "command",
        }
    }

    fn is_numeric(self) -> bool {
        matches!(self, Column::Pid | Column::Cpu | Column::Memory | Column::Threads | Column::Started)
    }

    fn text(self, row: &Row) -> String {
        let process = &row.process;
        match self {
            Column::Pid => process.pid.to_string(),
            Column::Name => name(process),
            Column::User => user(process).into_owned(),
            Column::State => process.state.letter().to_string(),
            Column::Cpu => process.cpu_pct.map(format::tenths).unwrap_or_default(),
            Column::Memory => format::memory(process.rss_bytes),
            Column::Threads => process.threads.to_string(),
            Column::Unit => printable(process.unit.as_deref().unwrap_or_default()).into_owned(),
            Column::Started => process.started_ms.map(format::stamp).unwrap_or_default(),
            Column::Command => printable(&process.command).into_owned(),
        }
    }

    fn plain(self, row: &Row) -> String {
        match self {
            Column::Cpu => row.process.cpu_pct.map(|pct| pct.to_string()).unwrap_or_default(),
            Column::Memory => row.process.rss_bytes.to_string(),
            _ => self.text(row),
        }
    }

    fn compare(self, a: &Row, b: &Row, by: Sort) -> Ordering {
        let (a, b) = (&a.process, &b.process);
        match self {
            Column::Pid => by.turn(a.pid.cmp(&b.pid)),
            Column::Name => by.turn(natural(&a.name, &b.name)),
            Column::User => by.turn(user(a).cmp(&user(b))),
            Column::State => by.turn(a.state.letter().cmp(&b.state.letter())),
            Column::Cpu => by
                .missing_last(a.cpu_pct, b.cpu_pct, f64::total_cmp)
                // Among the idle, who used the most since it began.
                .then_with(|| by.turn(a.cpu_ms.cmp(&b.cpu_ms))),
            Column::Memory => by.turn(a.rss_bytes.cmp(&b.rss_bytes)),
            Column::Threads => by.turn(a.threads.cmp(&b.threads)),
            Column::Unit => by.missing_last(a.unit.as_deref(), b.unit.as_deref(), |a, b| natural(a, b)),
            // The newest first when it is pressed, as an age would be the least.
            Column::Started => by.missing_last(a.started_ms, b.started_ms, Ord::cmp),
            Column::Command => by.missing_last(said(a), said(b), Ord::cmp),
        }
        .then(a.pid.cmp(&b.pid))
    }
}

fn said(process: &Process) -> Option<&str> {
    Some(process.command.as_str()).filter(|command| !command.is_empty())
}

/// As ps(1) shows it: threads of the kernel in brackets.
pub(crate) fn name(process: &Process) -> String {
    let name = printable(&process.name);
    if process.kernel_thread { format!("[{name}]") } else { name.into_owned() }
}

/// A process by its name and its PID, which alone says nothing to a person.
pub(crate) fn name_and_pid(name: &str, pid: u32) -> String {
    format!("{} {pid}", printable(name))
}

/// Threads of the kernel take no signals, and what init takes ends the host.
pub(crate) fn takes_signals(process: &Process) -> bool {
    !process.kernel_thread && process.pid != 1
}

/// The user's name, or its number where the host has no name for it.
pub(crate) fn user(process: &Process) -> Cow<'_, str> {
    process.user.as_deref().map_or_else(|| process.uid.to_string().into(), printable)
}

/// What stays the same while a process lives, and is never given to another.
pub(crate) fn key(row: &Row) -> String {
    key_of(row.process.pid, row.process.start_ticks)
}

pub(crate) fn key_of(pid: u32, start_ticks: u64) -> String {
    format!("{pid} {start_ticks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pid: u32, cpu_pct: Option<f64>, unit: Option<&str>) -> Row {
        let process = Process { pid, cpu_pct, unit: unit.map(str::to_owned), ..Process::default() };
        Arc::new(ProcessRow { process, matched: Vec::new() })
    }

    fn sort(rows: &mut [Row], column: Column, descending: bool) {
        let by = Sort { column: column.id(), descending };
        rows.sort_by(|a, b| column.compare(a, b, by));
    }

    fn pids(rows: &[Row]) -> Vec<u32> {
        rows.iter().map(|row| row.process.pid).collect()
    }

    #[test]
    fn an_unknown_share_is_last_in_both_directions_and_equals_go_by_pid() {
        let mut rows =
            [row(9, None, None), row(3, Some(0.0), None), row(2, Some(0.0), None), row(7, Some(50.0), None)];
        sort(&mut rows, Column::Cpu, true);
        assert_eq!(pids(&rows), [7, 2, 3, 9]);
        sort(&mut rows, Column::Cpu, false);
        assert_eq!(pids(&rows), [2, 3, 7, 9]);
    }

    #[test]
    fn another_program_gets_numbers_in_full() {
        let mut row = row(7, Some(12.345), None);
        Arc::make_mut(&mut row).process.rss_bytes = 123_456_789;
        let told = [Column::Pid, Column::Cpu, Column::Memory, Column::Unit].map(|column| column.plain(&row));
        assert_eq!(told, ["7", "12.345", "123456789", ""]);
    }

    #[test]
    fn units_are_sorted_as_people_number_them() {
        let mut rows = [row(1, None, None), row(2, None, Some("web10")), row(3, None, Some("web2"))];
        sort(&mut rows, Column::Unit, false);
        assert_eq!(pids(&rows), [3, 2, 1]);
    }

    #[test]
    fn a_pid_that_was_given_again_is_another_process() {
        let began = |start_ticks| {
            let process = Process { pid: 7, start_ticks, ..Process::default() };
            Arc::new(ProcessRow { process, matched: Vec::new() })
        };
        let (old, new) = (began(100), began(200));
        assert_ne!(key(&old), key(&new));
    }

    #[test]
    fn threads_of_the_kernel_and_init_take_no_signals() {
        let mut process = Process { pid: 1, ..Process::default() };
        assert!(!takes_signals(&process));
        process.pid = 2;
        assert!(takes_signals(&process));
        process.kernel_thread = true;
        assert!(!takes_signals(&process));
        assert_eq!(name_and_pid("a\nb", 7), "a\\x0ab 7");
    }

    #[test]
    fn a_thread_of_the_kernel_is_in_brackets_and_a_name_cannot_end_the_line() {
        let mut process = Process { name: "kworker/0:1".into(), kernel_thread: true, ..Process::default() };
        assert_eq!(name(&process), "[kworker/0:1]");
        process.kernel_thread = false;
        process.name = "a\nb".into();
        assert!(!name(&process).contains('\n'));
    }
}
