//! settings: what a person chose for the window.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub language: Language,
    pub theme: Theme,
    /// Time between two samples of metrics.
    pub interval_ms: u32,
    pub notify: Notify,
    pub log: LogSettings,
    /// The program that opens a terminal; `None` is one that is found.
    pub terminal: Option<String>,
    /// Locked after nobody was at the window for so long; 0 is never.
    pub lock_minutes: u32,
}

/// What is done with the log of operations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSettings {
    pub keep: LogKeep,
    /// A collector that gets every entry; `None` is off.
    pub syslog: Option<Syslog>,
}

/// How much of the log is kept. What is not is taken away, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogKeep {
    /// `None` is for ever.
    pub days: Option<u32>,
    /// `None` is all.
    pub entries: Option<u64>,
    /// A folder where what is taken away is written to first; nothing goes if it cannot be.
    pub export_to: Option<String>,
}

/// Where a collector listens, for messages of RFC 5424.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syslog {
    pub transport: Transport,
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    #[default]
    Tcp,
    Udp,
}

/// What the desktop is told of while nobody looks at the window; each can be silenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notify {
    pub host_lost: bool,
    pub unit_failed: bool,
    /// An action of one's own that ended.
    pub own_ended: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self { host_lost: true, unit_failed: true, own_ended: true }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: Language::System,
            theme: Theme::System,
            interval_ms: 2_000,
            notify: Notify::default(),
            log: LogSettings::default(),
            terminal: None,
            lock_minutes: 10,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    #[default]
    #[serde(rename = "system")]
    System,
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-CN")]
    Chinese,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Dark,
    Light,
}
