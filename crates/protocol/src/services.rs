//! services: units of a host's service manager, actions on them, and what truly came of it.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::delta::{Row, Table, changes};

/// Properties of a unit that the table is made of, as systemctl(1) names them.
pub const UNIT_KEYS: &str = "Id,Description,LoadState,ActiveState,SubState,UnitFileState,MainPID,MemoryCurrent,\
    ActiveEnterTimestamp,ActiveExitTimestamp,InactiveEnterTimestamp,InactiveExitTimestamp";

use crate::hosts::Sudo;
use crate::sockets::{Matched, matched_bytes};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceTable {
    pub at_ms: i64,
    pub manager: Manager,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub services: Vec<Service>,
    /// Units that the host has and that were left out, if a cap was reached.
    pub left_out: u32,
    /// What is not in the table, or not as it should be, and why.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub notes: Vec<String>,
    /// Of each note, by its place, of which kind it is.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::delta::capped")]
    pub note_kinds: Vec<NoteKind>,
    pub took_ms: u64,
}

impl ServiceTable {
    /// Says what is not in the table, or not as it should be.
    pub fn note(&mut self, kind: NoteKind, words: String) {
        // Notes that came without a kind keep their places.
        self.note_kinds.resize(self.notes.len(), NoteKind::Unknown);
        self.notes.push(words);
        self.note_kinds.push(kind);
    }
}

/// What a note of a table is about, so that it can be said in any language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// Changes are looked for now and then, since they are not heard.
    NotHeard,
    /// The programs of supervisord are not in the table.
    SupervisordUnlisted,
    #[default]
    #[serde(other)]
    Unknown,
}

/// The program that manages the services of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    Systemd,
    OpenRc,
    /// Scripts of /etc/init.d, run by an init that keeps no state of them.
    SysV,
    Supervisord,
    /// None that this version knows.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Manager {
    /// The one that a service of this name belongs to; `None` for what is no full name of a service.
    /// A unit of systemd has its type in its name; others have their manager before it, so that no two
    /// services of a host have the same name: `openrc:cron`, `sysv:cron`, `supervisor:web:worker`.
    pub fn of(name: &str) -> Option<Self> {
        let (manager, own) = match name.split_once(':') {
            Some(("openrc", own)) => (Self::OpenRc, own),
            Some(("sysv", own)) => (Self::SysV, own),
            Some(("supervisor", own)) => (Self::Supervisord, own),
            Some(_) | None => return is_unit_name(name).then_some(Self::Systemd),
        };
        let is_fit = |c: char| c.is_ascii_alphanumeric() || "-_.+@".contains(c);
        let is_own = |c: char| is_fit(c) || (manager == Self::Supervisord && c == ':');
        let is_name = !own.is_empty()
            && own.len() <= 200
            && !own.starts_with(['-', '.', ':'])
            && own.chars().all(is_own)
            // A script may have the name of a unit, but not of a folder above.
            && !own.contains("..");
        is_name.then_some(manager)
    }

    /// What stands before the names of its services.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::OpenRc => "openrc:",
            Self::SysV => "sysv:",
            Self::Supervisord => "supervisor:",
            Self::Systemd | Self::Unknown => "",
        }
    }

    /// What it is called.
    pub fn words(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::OpenRc => "OpenRC",
            Self::SysV => "SysV init",
            Self::Supervisord => "supervisord",
            Self::Unknown => "an unknown service manager",
        }
    }
}

/// A unit, with the words of systemctl(1); of another manager, a service in the same words as far as
/// it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Full name, such as `cron.service`.
    pub name: String,
    pub description: String,
    /// `loaded`, `not-found`, `masked`, ...
    pub load_state: String,
    /// `active`, `inactive`, `failed`, `activating`, ...
    pub active_state: String,
    /// `running`, `exited`, `dead`, ...
    pub sub_state: String,
    /// `enabled`, `disabled`, `static`, ...; `None` where there is no unit file.
    pub enabled_state: Option<String>,
    pub main_pid: Option<u32>,
    pub memory_bytes: Option<u64>,
    /// When it entered its active state, milliseconds since 1970 UTC.
    pub since_ms: Option<i64>,
}

impl Service {
    pub fn is_failed(&self) -> bool {
        self.active_state == "failed"
    }

    /// True if a file of the host defines it, so that it is there also when it does not run.
    pub fn has_file(&self) -> bool {
        self.enabled_state.as_deref().is_some_and(|state| state != "transient")
    }

    /// `active (running)`.
    pub fn state(&self) -> String {
        format!("{} ({})", self.active_state, self.sub_state)
    }
}

changes! {
    ServiceChange of Service {
        name: String,
        description: String,
        load_state: String,
        active_state: String,
        sub_state: String,
        enabled_state: Option<String>,
        main_pid: Option<u32>,
        memory_bytes: Option<u64>,
        since_ms: Option<i64>,
    }
}

impl Row for Service {
    fn rank(&self) -> u64 {
        0
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }

    fn by_place(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }

    fn text_bytes(&self) -> usize {
        let states = [&self.load_state, &self.active_state, &self.sub_state].map(String::len);
        let enabled = self.enabled_state.as_ref().map_or(0, String::len);
        self.name.len() + self.description.len() + states.iter().sum::<usize>() + enabled
    }
}

impl Table for ServiceTable {
    type Row = Service;

    fn rows(&self) -> &Vec<Service> {
        &self.services
    }

    fn rows_mut(&mut self) -> &mut Vec<Service> {
        &mut self.services
    }

    fn leave_out(&mut self, rows: u32) {
        self.left_out = self.left_out.saturating_add(rows);
    }
}

/// What can be done to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceAction {
    Start,
    Stop,
    Restart,
    Reload,
    Enable,
    Disable,
}

impl ServiceAction {
    pub const ALL: [ServiceAction; 6] =
        [Self::Start, Self::Stop, Self::Restart, Self::Reload, Self::Enable, Self::Disable];

    /// The verb of systemctl(1).
    pub fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Enable => "enable",
            Self::Disable => "disable",
        }
    }
}

/// The command that an action runs on the host, as it is shown before, logged and run.
pub fn exact_command(action: ServiceAction, unit: &str, sudo: Sudo) -> String {
    let prefix = sudo.prefix();
    let manager = Manager::of(unit).unwrap_or_default();
    let own = unit.strip_prefix(manager.prefix()).unwrap_or(unit);
    let verb = action.verb();
    match manager {
        Manager::Systemd | Manager::Unknown => {
            format!("{prefix}systemctl --no-ask-password {verb} -- {unit}")
        }
        Manager::OpenRc => format!("{prefix}rc-service {own} {verb}"),
        Manager::SysV => format!("{prefix}/etc/init.d/{own} {verb}"),
        Manager::Supervisord => format!("{prefix}supervisorctl {verb} {own}"),
    }
}

/// What a unit was at one moment of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitState {
    pub load_state: String,
    pub active_state: String,
    pub sub_state: String,
    pub enabled_state: Option<String>,
    /// `Result=` of the unit: `success`, `exit-code`, `timeout`, `start-limit-hit`, ...
    pub result: String,
    pub main_pid: Option<u32>,
    /// Ports it listens on, as far as this user may see them.
    pub listens: Vec<String>,
    /// `ExecMainStatus=`, with the way it ended in `exec_main_code` (`exited`, `killed`, ...).
    pub exec_main_status: Option<i32>,
    pub exec_main_code: Option<String>,
    pub restarts: Option<u32>,
    /// `ConditionResult=no` or `AssertResult=no`: it was not to run.
    pub condition_failed: bool,
}

impl UnitState {
    /// `active (running)`.
    pub fn state(&self) -> String {
        format!("{} ({})", self.active_state, self.sub_state)
    }
}

/// What truly came of an action on a unit. The exit status of systemctl(1) does not tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It runs, the same process since the action, and stayed up while it was watched.
    Running,
    /// Its work is done and it ended well (oneshot, or a main process that exited with 0).
    RanAndEnded,
    /// It took its configuration anew, and its process stayed up while it was watched.
    Reloaded,
    /// It does not run, as asked by stop.
    Stopped,
    /// A condition was not met, so it was not started.
    NotRun,
    /// It starts, dies and is started again.
    KeepsCrashing,
    Failed,
    /// Another job took its place before it was done.
    Replaced,
    /// Enabled or disabled, as asked.
    Enabled,
    Disabled,
    /// It could not be learnt.
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// True if what was asked for is what is.
    pub fn is_done(self, action: ServiceAction) -> bool {
        match action {
            ServiceAction::Start | ServiceAction::Restart => {
                matches!(self, Outcome::Running | Outcome::RanAndEnded)
            }
            ServiceAction::Stop => self == Outcome::Stopped,
            ServiceAction::Reload => self == Outcome::Reloaded,
            ServiceAction::Enable => self == Outcome::Enabled,
            ServiceAction::Disable => self == Outcome::Disabled,
        }
    }

    /// English words for a terminal.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Running => "running",
            Outcome::RanAndEnded => "ran and ended",
            Outcome::Reloaded => "reloaded",
            Outcome::Stopped => "stopped",
            Outcome::NotRun => "not run: a condition was not met",
            Outcome::KeepsCrashing => "keeps crashing",
            Outcome::Failed => "failed",
            Outcome::Replaced => "replaced by another job",
            Outcome::Enabled => "enabled",
            Outcome::Disabled => "disabled",
            Outcome::Unknown => "outcome unknown",
        }
    }
}

/// The record of an action, as the helper saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionReport {
    pub unit: String,
    pub action: ServiceAction,
    pub outcome: Outcome,
    /// Exactly what was run.
    pub command: String,
    /// Exit status of that command, `None` if a signal ended it.
    pub exit_code: Option<i32>,
    /// What that command printed.
    pub output: String,
    pub before: UnitState,
    pub after: UnitState,
    /// How systemd ended the job: `done`, `failed`, `canceled`, `timeout`, `dependency`, `skipped`, ...
    /// It is not the outcome. `None` where it was not heard, or there was no job.
    #[serde(default)]
    pub job_result: Option<String>,
    /// Moments, in milliseconds since the request: what happened and when.
    #[serde(default)]
    #[serde(deserialize_with = "crate::delta::capped")]
    pub moments: Vec<Moment>,
    /// Last journal lines of the unit since the request.
    #[serde(default)]
    #[serde(deserialize_with = "crate::delta::capped")]
    pub journal: Vec<String>,
    /// Until the command came back.
    pub command_ms: u64,
    /// Until the outcome was known.
    pub took_ms: u64,
}

/// Something that happened during an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    pub at_ms: u64,
    pub what: MomentKind,
    /// PID or port it is about.
    #[serde(default)]
    pub subject: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    Asked,
    /// The old main process ended.
    Ended,
    /// A main process started.
    Started,
    /// All ports it listened on before are open again.
    Listening,
    /// It failed.
    Failed,
    #[serde(other)]
    Unknown,
}

/// What a person must know before a unit is stopped or restarted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceImpact {
    pub unit: String,
    pub state: UnitState,
    /// Units that need it (`RequiredBy`, `WantedBy` without targets, `BoundBy`).
    #[serde(deserialize_with = "crate::delta::capped")]
    pub dependents: Vec<Dependent>,
    /// False where its service manager does not tell them: then there being none says nothing.
    pub dependents_known: bool,
    /// Peers connected to its sockets now: name of a saved host or address, port, count.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub clients: Vec<Client>,
    pub connections: u32,
    /// Whether there may be more clients than these.
    pub clients_told: Told,
}

/// How much of something a host tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    All,
    /// What this user may see; root would see more.
    WithoutRoot,
    /// Nothing to rely on.
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dependent {
    pub unit: String,
    /// True if it stops with the unit.
    pub stops_with_it: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    pub peer: String,
    pub saved_host: bool,
    pub local_port: u16,
    pub connections: u32,
}

/// What a person asks of the list of services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceQuery {
    /// Letters that must occur in this order in the name or the description.
    pub text: String,
    pub failed: bool,
    /// Connects if there is no link. Without it the last snapshot answers, marked as stale.
    pub connect: bool,
    /// It will be asked again within seconds: the host keeps the table up to date here meanwhile.
    pub watch: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceAnswer {
    pub at_ms: i64,
    pub stale: bool,
    pub manager: Manager,
    pub rows: Vec<Arc<ServiceRow>>,
    pub total: u32,
    pub failed: u32,
    /// What is not in the table, or not as it should be, and why.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub notes: Vec<String>,
    /// Of each note, by its place, of which kind it is.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::delta::capped")]
    pub note_kinds: Vec<NoteKind>,
    /// Units that the host has and that are not in the table.
    pub left_out: u32,
    pub took_ms: u64,
}

impl ServiceAnswer {
    /// The notes with their kinds.
    pub fn notes(&self) -> impl Iterator<Item = (NoteKind, &str)> {
        let kinds = self.note_kinds.iter().copied().chain(std::iter::repeat(NoteKind::Unknown));
        kinds.zip(self.notes.iter().map(String::as_str))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceRow {
    pub service: Service,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
}

changes! {
    ServiceRowChange of ServiceRow {
        matched: Vec<Matched>,
    } within service: Service
}

impl Row for ServiceRow {
    fn rank(&self) -> u64 {
        Row::rank(&self.service)
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        Row::by_rest(&self.service, &other.service)
    }

    fn by_place(&self, other: &Self) -> Ordering {
        self.service.by_place(&other.service)
    }

    fn text_bytes(&self) -> usize {
        self.service.text_bytes() + matched_bytes(&self.matched)
    }
}

impl Table for ServiceAnswer {
    type Row = Arc<ServiceRow>;

    fn rows(&self) -> &Vec<Arc<ServiceRow>> {
        &self.rows
    }

    fn rows_mut(&mut self) -> &mut Vec<Arc<ServiceRow>> {
        &mut self.rows
    }

    fn leave_out(&mut self, rows: u32) {
        self.left_out = self.left_out.saturating_add(rows);
    }
}

/// Checks a unit name by the rules of systemd.unit(5), so that nothing else is ever sent.
pub fn is_unit_name(name: &str) -> bool {
    const TYPES: [&str; 11] = [
        "service",
        "socket",
        "target",
        "device",
        "mount",
        "automount",
        "swap",
        "path",
        "timer",
        "slice",
        "scope",
    ];
    let Some((stem, kind)) = name.rsplit_once('.') else { return false };
    // The root of the mounts and of the slices is a dash, and nothing else begins with one.
    let is_root = stem == "-" && matches!(kind, "mount" | "slice");
    !stem.is_empty()
        && name.len() <= 255
        && (is_root || !stem.starts_with('-'))
        && TYPES.contains(&kind)
        && stem.chars().all(|c| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unit_names_of_systemd_pass() {
        for name in ["cron.service", "user@1001.service", "dev-sda1.mount", "-.mount", "-.slice"] {
            assert!(is_unit_name(name), "{name}");
        }
        for name in [
            "cron",
            "",
            ".service",
            "a b.service",
            "$(id).service",
            "-x.service",
            "-.service",
            "a/b.service",
            "a.exe",
        ] {
            assert!(!is_unit_name(name), "{name}");
        }
    }

    #[test]
    fn a_name_tells_its_manager_and_the_exact_command() {
        let restart = |name: &str| exact_command(ServiceAction::Restart, name, Sudo::Nopasswd);
        for (name, manager, command) in [
            ("cron.service", Manager::Systemd, "systemctl --no-ask-password restart -- cron.service"),
            ("openrc:cron", Manager::OpenRc, "rc-service cron restart"),
            ("sysv:x11-common", Manager::SysV, "/etc/init.d/x11-common restart"),
            ("supervisor:web:worker_00", Manager::Supervisord, "supervisorctl restart web:worker_00"),
        ] {
            assert_eq!(Manager::of(name), Some(manager), "{name}");
            assert_eq!(restart(name), format!("sudo -n -- {command}"));
        }
        for name in [
            "cron",
            "openrc:",
            "sysv:../x",
            "sysv:a/b",
            "openrc:-x",
            "sysv:a b",
            "supervisor:$(id)",
            "sysv:a:b",
        ] {
            assert_eq!(Manager::of(name), None, "{name}");
        }
    }

    #[test]
    fn an_impact_that_does_not_say_what_was_seen_promises_nothing() {
        let told: ServiceImpact = serde_json::from_str(r#"{"unit":"a.service","clients":[]}"#).unwrap();
        assert_eq!((told.clients_told, told.dependents_known), (Told::Unknown, false));
        let later: Told = serde_json::from_str(r#""of_a_later_version""#).unwrap();
        assert_eq!(later, Told::Unknown);
    }

    #[test]
    fn a_note_keeps_its_kind_beside_others_that_came_without_one() {
        let mut table: ServiceTable = serde_json::from_str(r#"{"notes":["as it was"]}"#).unwrap();
        table.note(NoteKind::SupervisordUnlisted, "refused".into());
        let ServiceTable { notes, note_kinds, .. } = table;
        let answer = ServiceAnswer { notes, note_kinds, ..ServiceAnswer::default() };
        let told: Vec<_> = answer.notes().collect();
        assert_eq!(told, [(NoteKind::Unknown, "as it was"), (NoteKind::SupervisordUnlisted, "refused")]);
        let old = ServiceAnswer { notes: vec!["alone".into()], ..ServiceAnswer::default() };
        assert_eq!(old.notes().collect::<Vec<_>>(), [(NoteKind::Unknown, "alone")]);
    }

    #[test]
    fn a_restart_is_done_only_if_it_runs_or_ended_well() {
        for (outcome, done) in [
            (Outcome::Running, true),
            (Outcome::RanAndEnded, true),
            (Outcome::NotRun, false),
            (Outcome::KeepsCrashing, false),
            (Outcome::Failed, false),
            (Outcome::Unknown, false),
        ] {
            assert_eq!(outcome.is_done(ServiceAction::Restart), done, "{outcome:?}");
        }
    }
}
