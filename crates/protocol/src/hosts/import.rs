//! What an import of hosts does or would do, and why it leaves something out.
//!
//! A reason is a value, so that each language has words of its own for it; `Display` is the English
//! of `musterctl`. What a reason repeats of a file is as the file has it: it is made safe to show where it is shown.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::HostFormat;
use crate::text::printable;

/// What an import does with one host of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    pub name: String,
    pub address: String,
    pub port: u16,
    pub user: String,
    pub jump: Option<String>,
    pub verdict: ImportVerdict,
    /// What of the file was not taken over for this host.
    pub warnings: Vec<ImportWarning>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportVerdict {
    Added,
    /// It is saved already and gets what the file says.
    Changed {
        fields: Vec<FieldChange>,
    },
    /// It is saved already, as the file says.
    Same,
    Refused {
        why: ImportRefusal,
    },
}

/// A field of a saved host that an import changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: HostField,
    pub before: String,
    pub after: String,
}

/// A field of a host, by the name that `musterctl host edit` has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostField {
    Address,
    Port,
    User,
    Identity,
    Jump,
    Groups,
    Tags,
    Sudo,
    Helper,
    HelperDir,
}

impl Display for HostField {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "address",
            Self::Port => "port",
            Self::User => "user",
            Self::Identity => "identity",
            Self::Jump => "jump",
            Self::Groups => "groups",
            Self::Tags => "tags",
            Self::Sudo => "sudo",
            Self::Helper => "helper",
            Self::HelperDir => "helper_dir",
        })
    }
}

/// What an import does, or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    pub file: String,
    pub format: HostFormat,
    /// Nothing was changed: this is what would be.
    pub dry_run: bool,
    pub rows: Vec<ImportRow>,
    /// What else of the file was left out.
    pub notes: Vec<ImportNote>,
    /// Stands for all that would be saved. Who takes over what was shown gives it back: if it is another one
    /// by then, nothing is saved.
    pub digest: String,
}

impl ImportReport {
    /// How many hosts are added, changed, the same and refused.
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for row in &self.rows {
            let at = match row.verdict {
                ImportVerdict::Added => 0,
                ImportVerdict::Changed { .. } => 1,
                ImportVerdict::Same => 2,
                ImportVerdict::Refused { .. } => 3,
            };
            counts[at] += 1;
        }
        counts
    }
}

/// Why a host is not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportRefusal {
    /// Its port is no number that a port can be.
    Port {
        value: String,
    },
    Identity {
        value: String,
    },
    Sudo {
        value: String,
    },
    Helper {
        value: String,
    },
    /// A field of it has another form than a host's has. What it says is left out: it may be a secret.
    Form,
    NamedTwice,
    /// A field cannot be what the file says, by its name in faults; with the reason in English.
    Field {
        field: String,
        message: String,
    },
    /// It would lose the tag that guards it.
    Guard,
    /// Its jump cannot be read.
    Jump {
        jump: String,
    },
    /// It goes through a host by another way than that host itself does.
    OtherWay {
        hop: String,
    },
    /// It would be reached through itself.
    Circle {
        way: String,
    },
    /// It goes through a host that is not saved and is not taken over.
    Behind {
        jump: String,
    },
}

impl Display for ImportRefusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { value } => {
                write!(f, "its port '{}' is not a number from 1 to 65535", printable(value))
            }
            Self::Identity { value } => {
                write!(f, "its identity '{}' is none of agent, password and key:PATH", printable(value))
            }
            Self::Sudo { value } => {
                write!(f, "its sudo '{}' is none of none, nopasswd and password", printable(value))
            }
            Self::Helper { value } => {
                write!(f, "its helper '{}' is neither placed nor none", printable(value))
            }
            Self::Form => f.write_str("one of its fields has another form than a host's has"),
            Self::NamedTwice => f.write_str("the file names it more than once"),
            Self::Field { message, .. } => f.write_str(message),
            Self::Guard => f.write_str("it would lose the tag prod, which guards it: take that away by hand"),
            Self::Jump { jump } => write!(f, "its jump '{}' cannot be read", printable(jump)),
            Self::OtherWay { hop } => {
                write!(f, "it goes through {} by another way than that host itself does", printable(hop))
            }
            Self::Circle { way } => write!(f, "it would be reached through itself: {}", printable(way)),
            Self::Behind { jump } => {
                write!(f, "it goes through '{}', which is not saved and is not taken over", printable(jump))
            }
        }
    }
}

/// What of a file is not taken over for a host that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportWarning {
    /// The same place is saved under another name.
    SavedAs {
        name: String,
    },
    /// Its key file cannot be used: it signs in as before, or with the agent.
    KeyFile {
        path: String,
        as_before: bool,
    },
    ProxyCommand,
    /// A variable of an inventory that is a template.
    Template {
        variable: String,
    },
    Password,
}

impl Display for ImportWarning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::SavedAs { name } => write!(f, "it is saved as {}", printable(name)),
            Self::KeyFile { path, as_before } => write!(
                f,
                "the key file {} cannot be used: it signs in {}",
                printable(path),
                if *as_before { "as before" } else { "with the agent" }
            ),
            Self::ProxyCommand => {
                f.write_str("its ProxyCommand was not taken over: Muster runs no command of a file")
            }
            Self::Template { variable } => {
                write!(f, "its {} is a template and was left out", printable(variable))
            }
            Self::Password => f.write_str("a password of it was not taken over: give it to the host by hand"),
        }
    }
}

/// What a file says that no host has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportNote {
    /// A line of an ssh_config with a quote that is not closed.
    OpenQuote {
        line: usize,
        file: String,
    },
    /// A `Match` that is not followed, with all that it sets.
    Match {
        line: usize,
        file: String,
        why: MatchProblem,
    },
    IncludesTooDeep {
        file: String,
    },
    IncludesTooMany,
    /// A file beside the one that was named.
    File {
        file: String,
        why: FileProblem,
    },
    /// No line of an ssh_config names a host in full.
    NoHost,
    /// A column or a field that hosts have not.
    Unknown {
        field: String,
    },
    /// The item of this number has no name.
    Nameless {
        item: usize,
    },
    ThisComputer {
        name: String,
    },
    /// A line that sets nothing.
    Idle {
        line: usize,
    },
    /// A part of a group of an inventory.
    Part {
        part: String,
        group: String,
    },
    /// So many more than are told.
    More {
        count: usize,
    },
}

impl Display for ImportNote {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenQuote { line, file } => write!(
                f,
                "line {line} of {} has a quote that is not closed and was left out",
                printable(file)
            ),
            Self::Match { line, file, why } => {
                write!(f, "line {line} of {}: {why}; what it sets was left out", printable(file))
            }
            Self::IncludesTooDeep { file } => {
                write!(f, "{} includes files too deep in each other: the rest was left out", printable(file))
            }
            Self::IncludesTooMany => {
                f.write_str("more files are included than are read: the rest was left out")
            }
            Self::File { file, why } => write!(f, "{} was left out: {why}", printable(file)),
            Self::NoHost => f.write_str("no Host line names a host in full"),
            Self::Unknown { field } => {
                write!(f, "'{}' was left out: hosts have no such field", printable(field))
            }
            Self::Nameless { item } => write!(f, "the item {item} has no name and was left out"),
            Self::ThisComputer { name } => {
                write!(f, "{} is this computer and was left out", printable(name))
            }
            Self::Idle { line } => write!(f, "line {line} sets nothing and was left out"),
            Self::Part { part, group } => {
                write!(f, "'{}' of the group '{}' was left out", printable(part), printable(group))
            }
            Self::More { count } => write!(f, "and {count} more of that kind"),
        }
    }
}

/// Why a `Match` of an ssh_config is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchProblem {
    RunsCommand,
    Unknown { criterion: String },
    NoValue,
    NoCriterion,
}

impl Display for MatchProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunsCommand => f.write_str("a Match that runs a command is not followed"),
            Self::Unknown { criterion } => {
                write!(f, "a Match of '{}' is not followed", printable(criterion))
            }
            Self::NoValue => f.write_str("a Match has a criterion without a value"),
            Self::NoCriterion => f.write_str("a Match has no criterion"),
        }
    }
}

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileProblem {
    Folder,
    TooLarge,
    NotText,
    Encrypted,
    NotMapping,
    NotYaml,
    Missing,
    Forbidden,
    /// Anything else, in the words of the system.
    Unreadable {
        why: String,
    },
}

impl Display for FileProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => f.write_str("it is a folder"),
            Self::TooLarge => f.write_str("it is larger than 16 MiB"),
            Self::NotText => f.write_str("it is not text"),
            Self::Encrypted => f.write_str("it is encrypted"),
            Self::NotMapping => f.write_str("it is not a mapping of names"),
            Self::NotYaml => f.write_str("it cannot be read as YAML"),
            Self::Missing => f.write_str("there is no such file"),
            Self::Forbidden => f.write_str("this user may not read it"),
            Self::Unreadable { why } => f.write_str(&printable(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reason_repeats_of_a_file_moves_no_terminal() {
        let hostile = "\u{1b}[2J\u{202e}x".to_owned();
        let said = [
            ImportRefusal::Port { value: hostile.clone() }.to_string(),
            ImportRefusal::Circle { way: hostile.clone() }.to_string(),
            ImportWarning::KeyFile { path: hostile.clone(), as_before: true }.to_string(),
            ImportNote::Part { part: hostile.clone(), group: hostile.clone() }.to_string(),
            ImportNote::File { file: hostile.clone(), why: FileProblem::Unreadable { why: hostile.clone() } }
                .to_string(),
            MatchProblem::Unknown { criterion: hostile }.to_string(),
        ];
        for said in said {
            assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        }
    }

    #[test]
    fn a_field_is_called_the_same_in_words_and_in_json() {
        for field in [HostField::Address, HostField::HelperDir, HostField::Groups] {
            assert_eq!(serde_json::to_string(&field).unwrap(), format!("\"{field}\""));
        }
    }
}
