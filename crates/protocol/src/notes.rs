//! notes: what operators write down about a host or a group, beside the live data.

use serde::{Deserialize, Serialize};

/// Longer notes are refused.
pub const LONGEST_NOTE_BYTES: usize = 64 * 1024;

/// What a note is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteAbout {
    /// A saved host, by its name.
    Host(String),
    /// An application category, by its name.
    Group(String),
}

/// A note as it was written: text with the marks of Markdown, never trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub text: String,
    pub changed_ms: i64,
    /// Who changed it last.
    pub by: String,
}
