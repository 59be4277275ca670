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
