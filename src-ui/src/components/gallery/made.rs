//! What the gallery shows: made-up processes, hosts and operations, nothing that was measured.

use std::cmp::Ordering;

use protocol::delta::{Changing, News, Row, Seen, Table, ViewNews};
use protocol::hosts::{HelperUse, Host, HostRow, Identity, Sudo};
use protocol::link::LinkState;
use protocol::operations::{HostThen, Operation, OperationKind, OperationResult, Privilege};
use serde::{Deserialize, Serialize};

use crate::components::columns::Columns;
use crate::components::sort::Sort;
use crate::components::{Target, table_answer};
use crate::format;
use crate::state::now_ms;

/// A process that never ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) user: Option<String>,
    pub(super) cpu_pct: f64,
    pub(super) memory_bytes: u64,
    /// Places of the letters of its name that were looked for.
    pub(super) matched: Vec<u32>,
}

impl Changing for Process {
    type Change = Process;

    fn change_to(&self, new: &Self) -> Process {
        new.clone()
    }

    fn change(&mut self, change: Process) {
        *self = change;
    }
}

impl Row for Process {
    fn rank(&self) -> u64 {
        self.pid.into()
    }

    fn by_rest(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }

    fn by_place(&self, other: &Self) -> Ordering {
        self.pid.cmp(&other.pid)
    }

    fn text_bytes(&self) -> usize {
        self.name.len() + self.user.as_ref().map_or(0, String::len)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Pid,
    Name,
    User,
    Cpu,
    Memory,
}

impl Column {
    pub(super) fn words(self) -> &'static str {
        match self {
            Column::Pid => "PID",
            Column::Name => "Name",
            Column::User => "User",
            Column::Cpu => "CPU",
            Column::Memory => "Memory",
        }
    }

    pub(super) fn track(self) -> &'static str {
        match self {
            Column::Pid => "64px",
            Column::Name => "minmax(110px, 1fr)",
            Column::User | Column::Cpu => "80px",
            Column::Memory => "96px",
        }
    }
}

impl Columns for Column {
    type Row = Process;
    const ALL: &'static [Self] = &[Column::Pid, Column::Name, Column::User, Column::Cpu, Column::Memory];

    fn id(self) -> &'static str {
        match self {
            Column::Pid => "pid",
            Column::Name => "name",
            Column::User => "user",
            Column::Cpu => "cpu",
            Column::Memory => "memory",
        }
    }

    fn is_numeric(self) -> bool {
        matches!(self, Column::Pid | Column::Cpu | Column::Memory)
    }

    fn text(self, row: &Process) -> String {
        match self {
            Column::Pid => row.pid.to_string(),
            Column::Name => row.name.clone(),
            Column::User => row.user.clone().unwrap_or_default(),
            Column::Cpu => format::percent(row.cpu_pct),
            Column::Memory => format::memory(row.memory_bytes),
        }
    }

    fn compare(self, a: &Process, b: &Process, by: Sort) -> Ordering {
        match self {
            Column::Pid => by.turn(a.pid.cmp(&b.pid)),
            Column::Name => by.turn(a.name.cmp(&b.name)),
            Column::User => by.missing_last(a.user.as_deref(), b.user.as_deref(), Ord::cmp),
            Column::Cpu => by.turn(a.cpu_pct.total_cmp(&b.cpu_pct)),
            Column::Memory => by.turn(a.memory_bytes.cmp(&b.memory_bytes)),
        }
        .then_with(|| a.pid.cmp(&b.pid))
    }
}

pub(super) fn key(row: &Process) -> String {
    row.pid.to_string()
}

const NAMES: [(&str, Option<&str>); 10] = [
    ("systemd", Some("root")),
    ("sshd", Some("root")),
    ("nginx", Some("www-data")),
    ("nginx", Some("www-data")),
    ("php-fpm8.2", Some("www-data")),
    ("postgres", Some("postgres")),
    ("redis-server", Some("redis")),
    ("node_exporter", None),
    ("haproxy", Some("haproxy")),
    ("一个很长的进程名字-a-name-that-is-cut-where-its-column-ends-because-it-is-long", Some("deploy")),
];

/// The processes at a turn: numbers that differ from those of the turn before, and one process that is
/// followed by another every few turns.
pub(super) fn processes(turn: u32) -> Vec<Process> {
    let listed = NAMES.into_iter().zip(0_u32..).map(|((name, user), at)| Process {
        pid: 1 + at * 97,
        name: name.to_owned(),
        user: user.map(str::to_owned),
        cpu_pct: f64::from((at * 37 + turn * (at % 4) * 7) % 61),
        memory_bytes: u64::from(at * at + 1) * 7_340_032,
        matched: Vec::new(),
    });
    let comes_and_goes = Process {
        pid: 5_000 + turn / 4,
        name: "rsync".to_owned(),
        user: Some("backup".to_owned()),
        cpu_pct: 12.0,
        memory_bytes: 18_874_368,
        matched: Vec::new(),
    };
    listed.chain([comes_and_goes]).collect()
}

/// The table as an engine would send it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Processes {
    pub(super) stale: bool,
    pub(super) at_ms: i64,
    pub(super) took_ms: u64,
    pub(super) total: u32,
    pub(super) left_out: u32,
    pub(super) rows: Vec<Process>,
}

impl Table for Processes {
    type Row = Process;

    fn rows(&self) -> &Vec<Process> {
        &self.rows
    }

    fn rows_mut(&mut self) -> &mut Vec<Process> {
        &mut self.rows
    }

    fn leave_out(&mut self, rows: u32) {
        self.left_out += rows;
    }
}

table_answer!(Processes, left_out: |answer| answer.left_out);

/// The next line for a view: the processes of a turn whose names have the text in them.
pub(super) fn answer(seen: Seen, turn: u32, text: &str, head: Processes) -> ViewNews<Processes> {
    let all = processes(turn);
    let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let found = all.into_iter().filter_map(|mut row| {
        let at = row.name.find(text)?;
        let first = row.name[..at].chars().count();
        row.matched = (first..first + text.chars().count()).filter_map(|at| u32::try_from(at).ok()).collect();
        Some(row)
    });
    whole(seen, turn, Processes { total, rows: found.collect(), ..head })
}

/// A table as the next line for a view.
pub(super) fn whole(seen: Seen, generation: u32, table: Processes) -> ViewNews<Processes> {
    ViewNews { seq: seen.seq + 1, news: News::Whole { generation, table } }
}

/// A host that nobody saved.
pub(super) fn host(name: &str, is_guarded: bool) -> Host {
    Host {
        id: format!("gallery-{name}"),
        name: name.to_owned(),
        address: "192.0.2.17".to_owned(),
        port: 22,
        user: "deploy".to_owned(),
        identity: Identity::Agent,
        jump: None,
        groups: vec!["Web".to_owned()],
        tags: if is_guarded { vec!["prod".to_owned()] } else { Vec::new() },
        sudo: Sudo::Nopasswd,
        helper_dir: None,
        helper: HelperUse::Placed,
        added_ms: 0,
    }
}

pub(super) fn row(link: LinkState) -> HostRow {
    HostRow { host: host("web-3", false), link, last: None }
}

pub(super) fn target(name: &str, is_guarded: bool) -> Target {
    Target::to(name.to_owned(), Some(host(name, is_guarded)))
}

/// A command that was never run, and how it ended.
pub(super) fn operation(result: OperationResult, exit_code: Option<i32>) -> Operation {
    Operation {
        id: 4_183,
        started_ms: now_ms(),
        operator: "chen".to_owned(),
        host: Some(HostThen {
            id: "gallery-web-3".to_owned(),
            name: "web-3".to_owned(),
            address: "192.0.2.17".to_owned(),
            port: 22,
            ..HostThen::default()
        }),
        kind: OperationKind::Command,
        target: "df -h /".to_owned(),
        command: "df -h /".to_owned(),
        custom: true,
        privilege: Some(Privilege::User),
        result,
        outcome: None,
        exit_code,
        took_ms: Some(340),
        output: String::new(),
        output_bytes: None,
        errors: String::new(),
        errors_bytes: None,
        summary: String::new(),
        ended_by: None,
        before: None,
        after: None,
        job_result: None,
        moments: Vec::new(),
        journal: Vec::new(),
        comments: Vec::new(),
        read: None,
        read_by: Vec::new(),
        unlogged: None,
    }
}
