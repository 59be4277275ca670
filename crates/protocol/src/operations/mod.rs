//! operations: the log of what operators did, an inbox that can be read offline.

mod check;
mod ended_by;
mod export;
mod found;

use serde::{Deserialize, Serialize};

pub use check::{ChainHead, ChainKey, LogBreak, LogBreakKind, LogCheck, LogRestore};
pub use ended_by::EndedBy;
pub use export::{ExportFormat, ExportReport, ExportWords, Retained};
pub use found::{Found, FoundIn, Piece, excerpt};

use crate::hosts::Sudo;
use crate::services::{Moment, Outcome, ServiceAction, UnitState};

/// One entry. It is on disk before the operation is sent, and finished after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Counts up in the order in which operations were begun.
    pub id: u64,
    pub started_ms: i64,
    /// Who did it; until operators sign in, the user of this computer.
    pub operator: String,
    /// The host as it was named and addressed then; `None` for what concerns no host.
    #[serde(default)]
    pub host: Option<HostThen>,
    pub kind: OperationKind,
    /// What it was done to: a unit, a key, a host.
    pub target: String,
    /// Exactly what was run on the host; empty where nothing was.
    #[serde(default)]
    pub command: String,
    /// A person wrote the command; otherwise Muster made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub custom: bool,
    /// With which rights it was run; `None` where nothing was run, or where it was not noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privilege: Option<Privilege>,
    pub result: OperationResult,
    /// Truth about the unit, for actions on services.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    #[serde(default)]
    pub exit_code: Option<i32>,
    #[serde(default)]
    pub took_ms: Option<u64>,
    /// Its beginning and its end, where it was long.
    #[serde(default)]
    pub output: String,
    /// How long it was in full, where not all of it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    #[serde(default)]
    pub errors: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors_bytes: Option<u64>,
    /// One sentence on what came of it.
    #[serde(default)]
    pub summary: String,
    /// The fault that it ended with, if one ended it. Entries of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
    #[serde(default)]
    pub before: Option<UnitState>,
    #[serde(default)]
    pub after: Option<UnitState>,
    /// How systemd ended its job, which is not what came of it.
    #[serde(default)]
    pub job_result: Option<String>,
    #[serde(default)]
    pub moments: Vec<Moment>,
    #[serde(default)]
    pub journal: Vec<String>,
    /// What was added later, oldest first. Nothing else of an entry can be changed by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// When the operator who asks read it.
    #[serde(default)]
    pub read: Option<ReadMark>,
    /// The marks of other operators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_by: Vec<ReadMark>,
    /// Why its end is not in the log, where it could not be written down. Nothing of the log has this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlogged: Option<String>,
}

impl Operation {
    pub fn is_unread(&self) -> bool {
        self.read.is_none()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostThen {
    pub id: String,
    pub name: String,
    pub address: String,
    pub port: u16,
    #[serde(default)]
    pub guarded: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// With which rights something was run on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// Those of the user who signed in.
    User,
    /// Root's, by sudo.
    Sudo,
    #[serde(other)]
    Unknown,
}

impl From<Sudo> for Privilege {
    fn from(sudo: Sudo) -> Self {
        match sudo {
            Sudo::None => Self::User,
            Sudo::Nopasswd | Sudo::Password => Self::Sudo,
        }
    }
}

impl Privilege {
    pub fn words(self) -> &'static str {
        match self {
            Self::User => "as the user who signed in",
            Self::Sudo => "as root, by sudo",
            Self::Unknown => "?",
        }
    }
}

/// A remark that somebody added to an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub by: String,
    pub at_ms: i64,
    pub text: String,
}

/// No comment is longer.
pub const COMMENT_LIMIT_BYTES: usize = 16 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    pub by: String,
    pub at_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    ServiceStart,
    ServiceStop,
    ServiceRestart,
    ServiceReload,
    ServiceEnable,
    ServiceDisable,
    Command,
    Signal,
    HostAdd,
    HostEdit,
    HostRemove,
    TrustAccept,
    TrustForget,
    HelperPlace,
    HelperRemove,
    VaultCreate,
    VaultChange,
    VaultRemove,
    HostImport,
    KeySetUp,
    SignIn,
    SettingsChange,
    /// Entries were written to a file.
    LogExport,
    /// Entries were taken away because of their age or number.
    LogRetention,
    /// A backup was put in the place of the data.
    StoreRestore,
    #[serde(other)]
    Unknown,
}

impl OperationKind {
    pub const ALL: [OperationKind; 25] = [
        Self::ServiceStart,
        Self::ServiceStop,
        Self::ServiceRestart,
        Self::ServiceReload,
        Self::ServiceEnable,
        Self::ServiceDisable,
        Self::Command,
        Self::Signal,
        Self::HostAdd,
        Self::HostEdit,
        Self::HostRemove,
        Self::TrustAccept,
        Self::TrustForget,
        Self::HelperPlace,
        Self::HelperRemove,
        Self::VaultCreate,
        Self::VaultChange,
        Self::VaultRemove,
        Self::HostImport,
        Self::KeySetUp,
        Self::SignIn,
        Self::SettingsChange,
        Self::LogExport,
        Self::LogRetention,
        Self::StoreRestore,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceStart => "service_start",
            Self::ServiceStop => "service_stop",
            Self::ServiceRestart => "service_restart",
            Self::ServiceReload => "service_reload",
            Self::ServiceEnable => "service_enable",
            Self::ServiceDisable => "service_disable",
            Self::Command => "command",
            Self::Signal => "signal",
            Self::HostAdd => "host_add",
            Self::HostEdit => "host_edit",
            Self::HostRemove => "host_remove",
            Self::TrustAccept => "trust_accept",
            Self::TrustForget => "trust_forget",
            Self::HelperPlace => "helper_place",
            Self::HelperRemove => "helper_remove",
            Self::VaultCreate => "vault_create",
            Self::VaultChange => "vault_change",
            Self::VaultRemove => "vault_remove",
            Self::HostImport => "host_import",
            Self::KeySetUp => "key_set_up",
            Self::SignIn => "sign_in",
            Self::SettingsChange => "settings_change",
            Self::LogExport => "log_export",
            Self::LogRetention => "log_retention",
            Self::StoreRestore => "store_restore",
            Self::Unknown => "unknown",
        }
    }
}

impl From<ServiceAction> for OperationKind {
    fn from(action: ServiceAction) -> Self {
        match action {
            ServiceAction::Start => Self::ServiceStart,
            ServiceAction::Stop => Self::ServiceStop,
            ServiceAction::Restart => Self::ServiceRestart,
            ServiceAction::Reload => Self::ServiceReload,
            ServiceAction::Enable => Self::ServiceEnable,
            ServiceAction::Disable => Self::ServiceDisable,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationResult {
    /// Written to disk, sent or about to be sent.
    UnderWay,
    Done,
    /// The host did it and it failed.
    Failed,
    /// Nothing was done: the host or Muster refused it, or the host could not be reached.
    Refused,
    TimedOut,
    /// The person who began it called it off.
    Cancelled,
    /// The link was cut, or the program ended, before the answer came.
    OutcomeUnknown,
    #[serde(other)]
    Unknown,
}

impl OperationResult {
    /// Every result that this version gives, the bad ones first.
    pub const ALL: [OperationResult; 7] = [
        Self::Failed,
        Self::Refused,
        Self::TimedOut,
        Self::OutcomeUnknown,
        Self::Cancelled,
        Self::Done,
        Self::UnderWay,
    ];

    /// True if a person should look at it first.
    pub fn is_bad(self) -> bool {
        !matches!(self, Self::Done | Self::UnderWay | Self::Cancelled)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::UnderWay => "under_way",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Unknown => "unknown",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::UnderWay => "under way",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::OutcomeUnknown => "outcome unknown",
            Self::Unknown => "?",
        }
    }
}

/// Which entries a person wants to see. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationFilter {
    /// Name of a host, as it was or is named, or its id.
    pub host: Option<String>,
    /// A group that the host was in then.
    pub group: Option<String>,
    pub operator: Option<String>,
    pub kind: Option<OperationKind>,
    pub result: Option<OperationResult>,
    /// Failed, refused, timed out or unknown.
    pub failed: bool,
    /// Not read by the operator who asks.
    pub unread: bool,
    /// Words that must all occur in target, command, output, journal, comments, host or operator;
    /// a phrase stands in double quotes. Case does not count.
    pub text: String,
    pub since_ms: Option<i64>,
    /// Only entries that began before this moment.
    pub until_ms: Option<i64>,
    /// Only entries older than this one, to page on.
    pub before: Option<u64>,
    /// `None` is 100.
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationPage {
    /// Newest first.
    pub operations: Vec<Operation>,
    /// Where the words that were looked for stand, for each entry in the same order; empty where no
    /// words were asked for.
    pub found: Vec<Vec<Found>>,
    /// Give it as `before` to read on; `None` at the end.
    pub next: Option<u64>,
    /// Of the whole log, whatever the filter.
    pub counts: OperationCounts,
}

/// The badge and its relatives, right after any crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationCounts {
    pub total: u64,
    /// Not read by the operator who asks.
    pub unread: u64,
    pub unread_failed: u64,
    pub failed: u64,
}

/// Which entries to mark as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadSelection {
    All,
    Ids(Vec<u64>),
    /// What the filter asks for now; what comes in meanwhile stays unread.
    Filter(OperationFilter),
}
