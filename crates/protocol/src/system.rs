//! system: the facts of a host that change seldom.

use serde::{Deserialize, Serialize};

/// Facts of a host. `None` means that this host does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    /// When it was read, milliseconds since 1970 UTC by the host's clock.
    pub at_ms: i64,
    /// `PRETTY_NAME` of os-release(5).
    pub os: Option<String>,
    /// `ID` of os-release(5).
    pub os_id: Option<String>,
    /// `VERSION_ID` of os-release(5).
    pub os_version: Option<String>,
    pub host_name: String,
    /// `release` of uname(2).
    pub kernel: String,
    /// `machine` of uname(2).
    pub arch: String,
    pub cpu_model: Option<String>,
    /// CPUs that are online.
    pub cpus: u32,
    pub memory_bytes: u64,
    /// Name as systemd-detect-virt(1) has it, `none` on bare metal.
    pub virtualization: Option<String>,
    pub machine_id: Option<String>,
    pub boot_id: Option<String>,
    pub boot_ms: Option<i64>,
    pub uptime_s: u64,
    /// IANA name, such as `Asia/Shanghai`.
    pub time_zone: Option<String>,
    pub utc_offset_s: Option<i32>,
    /// How much the host's clock is ahead of the one of this computer. The time that the question
    /// took to the host is in it. The helper alone does not know it.
    pub clock_ahead_ms: Option<i64>,
    /// `systemd` or another init, by the name of PID 1.
    pub init: Option<String>,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub interfaces: Vec<Interface>,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub logins: Vec<Login>,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub jobs: Vec<ScheduledJob>,
    /// Places of scheduled jobs that this user may not read, counted.
    pub jobs_unreadable: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    pub name: String,
    /// Addresses with their prefix length, such as `10.0.0.11/24`.
    pub addresses: Vec<String>,
}

/// A user who is logged in, as who(1) shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Login {
    pub user: String,
    pub terminal: String,
    pub from: Option<String>,
    pub since_ms: Option<i64>,
}

/// A scheduled job: a line of a crontab(5) or a systemd.timer(5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduledJob {
    /// `cron` or `timer`.
    pub kind: String,
    /// File of the crontab or name of the timer unit.
    pub source: String,
    /// The five fields of the crontab, or the timer's calendar as systemd says it.
    pub schedule: Option<String>,
    pub user: Option<String>,
    /// A zone of its own (`CRON_TZ`), which only some kinds of cron heed.
    pub time_zone: Option<String>,
    /// The command, or the unit that the timer starts.
    pub runs: String,
    pub next_ms: Option<i64>,
    pub last_ms: Option<i64>,
}
