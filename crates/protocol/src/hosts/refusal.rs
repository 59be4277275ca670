//! Why no host of a file is taken over at all.
//!
//! A reason is a value for the same ends as those of single hosts: each language has words of its own, `Display` is the
//! English of `musterctl`, and what is repeated of a file is made safe to show where it is shown.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::FileProblem;
use crate::fault::Fault;
use crate::text::printable;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRefusal {
    /// No file is named.
    Unnamed,
    /// Its path leads nowhere, in the words of the system.
    Path {
        file: String,
        why: String,
    },
    Unread {
        file: String,
        why: FileProblem,
    },
    TooManyHosts {
        file: String,
        hosts: usize,
        most: usize,
    },
    NotCsv {
        why: CsvProblem,
    },
    /// With what the parser says of it in English, which repeats nothing of the file.
    NotJson {
        line: usize,
        column: usize,
        why: String,
    },
    /// It is JSON, and neither a list nor a host.
    NotHosts,
    NotYaml {
        why: FileProblem,
    },
    /// A section of an inventory that none has.
    Section {
        line: usize,
        section: String,
    },
    NotInventory {
        /// Where its format tells lines.
        line: Option<usize>,
        why: InventoryProblem,
    },
}

impl Display for FileRefusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str("no file is named"),
            Self::Path { file, why } => {
                write!(f, "the path {} cannot be used: {}", printable(file), printable(why))
            }
            Self::Unread { file, why } => write!(f, "the file {} cannot be read: {why}", printable(file)),
            Self::TooManyHosts { file, hosts, most } => {
                write!(f, "{} has {hosts} hosts, and no import takes more than {most}", printable(file))
            }
            Self::NotCsv { why } => write!(f, "the file is not CSV: {why}"),
            Self::NotJson { why, .. } => write!(f, "the file is not JSON: {}", printable(why)),
            Self::NotHosts => f.write_str("the file is not JSON of hosts: it is neither a list nor a host"),
            Self::NotYaml { why } => write!(f, "the file is not YAML: {why}"),
            Self::Section { line, section } => write!(
                f,
                "the file is not an inventory: line {line} begins a section of '{}'",
                printable(section)
            ),
            Self::NotInventory { line: Some(line), why } => {
                write!(f, "the file is not an inventory: line {line}: {why}")
            }
            Self::NotInventory { line: None, why } => write!(f, "the file is not an inventory: {why}"),
        }
    }
}

impl From<FileRefusal> for Fault {
    fn from(refusal: FileRefusal) -> Self {
        let mut fault = Self::bad_input("file", refusal.to_string());
        fault.detail.refused_file = Some(refusal);
        fault
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CsvProblem {
    Empty,
    /// A column without which nothing can be taken over.
    NoColumn {
        column: String,
    },
    OpenQuote,
}

impl Display for CsvProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::NoColumn { column } => {
                write!(f, "its first line names no column '{}'", printable(column))
            }
            Self::OpenQuote => f.write_str("a quote is not closed"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InventoryProblem {
    OpenQuote,
    /// Behind a host stands something other than `key=value`.
    NoVariable,
    OpenRange,
    NotRange {
        range: String,
    },
    /// A range of no number, or of too many.
    RangeSize {
        range: String,
    },
    /// The ranges of a name make no host, or too many.
    NameSize {
        name: String,
    },
    TooManyHosts,
    TooDeep,
    NotGroup {
        name: String,
    },
}

impl Display for InventoryProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenQuote => f.write_str("a quote is not closed"),
            Self::NoVariable => f.write_str("a host is followed by something other than key=value"),
            Self::OpenRange => f.write_str("a range is not closed"),
            Self::NotRange { range } => write!(f, "'[{}]' is not a range", printable(range)),
            Self::RangeSize { range } => {
                write!(f, "'[{}]' has no host, or more than any import takes", printable(range))
            }
            Self::NameSize { name } => {
                write!(f, "'{}' stands for no host, or for more than any import takes", printable(name))
            }
            Self::TooManyHosts => f.write_str("there are more hosts than any import takes"),
            Self::TooDeep => f.write_str("its groups lie deeper in each other than any does"),
            Self::NotGroup { name } => write!(f, "'{}' is not a group", printable(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultCode;

    #[test]
    fn a_fault_of_a_file_has_its_sentence_and_its_reason_and_an_older_one_has_none() {
        let why = InventoryProblem::NotRange { range: "1".into() };
        let fault = Fault::from(FileRefusal::NotInventory { line: Some(3), why });
        assert_eq!((fault.code, fault.detail.subject.as_deref()), (FaultCode::BadInput, Some("file")));
        assert_eq!(fault.message, "the file is not an inventory: line 3: '[1]' is not a range");
        let text = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault);
        let plain = Fault::bad_input("file", "it is odd");
        assert!(!serde_json::to_string(&plain).unwrap().contains("refused_file"));
    }

    #[test]
    fn what_is_repeated_of_a_file_moves_no_terminal() {
        let odd = "\u{1b}[2J\u{202e}x".to_owned();
        let inventory = |why| FileRefusal::NotInventory { line: None, why };
        for refusal in [
            FileRefusal::Path { file: odd.clone(), why: odd.clone() },
            FileRefusal::Unread { file: odd.clone(), why: FileProblem::Unreadable { why: odd.clone() } },
            FileRefusal::TooManyHosts { file: odd.clone(), hosts: 2, most: 1 },
            FileRefusal::Section { line: 1, section: odd.clone() },
            inventory(InventoryProblem::RangeSize { range: odd.clone() }),
            inventory(InventoryProblem::NameSize { name: odd.clone() }),
            inventory(InventoryProblem::NotGroup { name: odd }),
        ] {
            let said = refusal.to_string();
            assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        }
    }
}
