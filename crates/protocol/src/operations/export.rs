//! Writing entries to a file.

use std::collections::BTreeMap;

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

/// The words of a page to print, in the reader's language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportWords {
    /// A language tag of BCP 47, such as `zh-CN`; English if it is none.
    pub language: String,
    /// By the name of a label, or of a kind after `kind_` or a result after `result_`; what is not there stays as
    /// it is in English.
    pub words: BTreeMap<String, String>,
}

impl ExportWords {
    /// What stands on the page beside kinds and results.
    pub const LABELS: [&str; 8] =
        ["operations", "on", "exit_code", "command", "output", "errors", "journal", "utc"];

    /// The word for a name, or `english`.
    pub fn word<'w>(&'w self, name: &str, english: &'w str) -> &'w str {
        self.words.get(name).map_or(english, String::as_str)
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
    /// Why the export is not in the log itself, where that could not be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlogged: Option<String>,
}

/// What retention took away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retained {
    pub gone: u64,
    /// The file that has what is gone, if that was wanted.
    pub exported: Option<String>,
}
