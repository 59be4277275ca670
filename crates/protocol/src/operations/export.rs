//! Writing entries to a file.

use serde::{Deserialize, Serialize};

/// In which form entries are written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    /// One JSON document a line, exact.
    Json,
    /// One page to print.
    Html,
}

impl ExportFormat {
    pub const ALL: [ExportFormat; 3] = [Self::Csv, Self::Json, Self::Html];

    /// As it is named on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Html => "html",
        }
    }

    /// The usual ending of such a file.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "jsonl",
            other => other.name(),
        }
    }
}

/// How far an export has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportReport {
    pub file: String,
    pub written: u64,
    pub bytes: u64,
    /// How much of the log was looked through, of 1,000.
    pub permille: u32,
}

/// What retention took away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retained {
    pub gone: u64,
    /// The file that has what is gone, if that was wanted.
    pub exported: Option<String>,
}
