//! operations: the log of what operators did, an inbox that can be read offline.

use serde::{Deserialize, Serialize};

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
    pub result: OperationResult,
    /// Truth about the unit, for actions on services.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    #[serde(default)]
    pub exit_code: Option<i32>,
    #[serde(default)]
    pub took_ms: Option<u64>,
    #[serde(default)]
    pub output: String,
    #[serde(default)]
    pub errors: String,
    /// One sentence on what came of it.
    #[serde(default)]
    pub summary: String,
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
    #[serde(default)]
    pub read: Option<ReadMark>,
}

impl Operation {
    pub fn is_unread(&self) -> bool {
        self.read.is_none()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostThen {
    pub id: String,
    pub name: String,
    pub address: String,
    pub port: u16,
    #[serde(default)]
    pub guarded: bool,
}

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
    #[serde(other)]
    Unknown,
}

impl OperationKind {
    pub const ALL: [OperationKind; 20] = [
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
    /// The link was cut, or the program ended, before the answer came.
    OutcomeUnknown,
    #[serde(other)]
    Unknown,
}

impl OperationResult {
    /// True if a person should look at it first.
    pub fn is_bad(self) -> bool {
        !matches!(self, Self::Done | Self::UnderWay)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::UnderWay => "under way",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::OutcomeUnknown => "outcome unknown",
            Self::Unknown => "?",
        }
    }
}

/// Which entries a person wants to see. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationFilter {
    /// Name of a host, as it was or is named.
    pub host: Option<String>,
    pub kind: Option<OperationKind>,
    pub result: Option<OperationResult>,
    /// Failed, refused, timed out or unknown.
    pub failed: bool,
    pub unread: bool,
    /// Text that occurs in target, command, output, host or operator; case does not count.
    pub text: String,
    pub since_ms: Option<i64>,
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
    /// Give it as `before` to read on; `None` at the end.
    pub next: Option<u64>,
    pub counts: OperationCounts,
}

/// The badge and its relatives, right after any crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationCounts {
    pub total: u64,
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
}
