//! What a check of the log finds.

use serde::{Deserialize, Serialize};

/// What a check of the log's chain found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogCheck {
    /// Entries that were compared with the chain.
    pub entries: u64,
    /// Records of the chain that were followed.
    pub records: u64,
    /// In the order of the log: the first one is what a person must look at.
    pub breaks: Vec<LogBreak>,
    /// More than are listed.
    pub breaks_in_all: u64,
    /// Entries that were taken away by retention, each time recorded.
    pub retired: u64,
    /// Each time that a person put a backup in the place of the store.
    pub restored: Vec<LogRestore>,
    pub key: ChainKey,
    /// Where the end of the chain is noted apart from the store.
    pub head: ChainHead,
}

impl LogCheck {
    /// Nothing was found, and it could be looked for with the key.
    pub fn is_proved(&self) -> bool {
        self.breaks_in_all == 0 && self.key != ChainKey::Lost
    }
}

/// A backup in the place of the store: what it had not is not in the log any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRestore {
    pub at_ms: i64,
    /// The chain goes on from here.
    pub record: u64,
    /// It had come to here before.
    pub had: u64,
}

impl LogRestore {
    /// How many records it cost.
    pub fn gone(&self) -> u64 {
        (self.had + 1).saturating_sub(self.record)
    }
}

/// Where the key is that the chain began with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainKey {
    Keyring,
    /// In the encrypted file of secrets, which lies beside the store.
    Vault,
    /// In a file beside the store: who can change the one can read the other.
    #[default]
    File,
    /// Nowhere: what was written under it cannot be proved any more.
    Lost,
}

/// Where the end of the chain is noted apart from the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainHead {
    /// In the keyring up to this record, and in a file up to the last one.
    Keyring { record: u64 },
    /// In the encrypted file of secrets up to this record, and in a file up to the last one: both lie
    /// beside the store.
    Vault { record: u64 },
    #[default]
    File,
}

/// Something that the chain does not agree with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBreak {
    pub kind: LogBreakKind,
    /// The operation it concerns, where it is one.
    pub operation: Option<u64>,
    /// The record of the chain, where it is one.
    pub record: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogBreakKind {
    /// The entry is other than it was written.
    EntryChanged,
    EntryMissing,
    /// The chain knows nothing of the entry.
    EntryAdded,
    RecordChanged,
    RecordMissing,
    /// Records that were noted apart are gone, with a damaged file or by an older copy of the store in its place.
    RolledBack,
    /// The chain was begun anew, because its running key was gone.
    KeyReplaced,
    #[serde(other)]
    Unknown,
}

impl LogBreak {
    /// What it is, as a sentence for a terminal.
    pub fn words(&self) -> String {
        let operation = self.operation.map_or_else(String::new, |id| format!("operation {id}"));
        let record = self.record.map_or_else(String::new, |number| format!("record {number} of the chain"));
        match self.kind {
            LogBreakKind::EntryChanged => format!("{operation} is other than it was written"),
            LogBreakKind::EntryMissing => format!("{operation} was written and is gone"),
            LogBreakKind::EntryAdded => format!("{operation} is not in the chain: somebody added it"),
            LogBreakKind::RecordChanged if operation.is_empty() => format!("{record} was changed"),
            LogBreakKind::RecordChanged => format!("{record} was changed; it is about {operation}"),
            LogBreakKind::RecordMissing => format!("{record} is gone"),
            LogBreakKind::RolledBack => {
                format!(
                    "the log does not go on to {record}: the end was lost with a damaged file, or an older copy of the \
                     store stands in its place"
                )
            }
            LogBreakKind::KeyReplaced => {
                format!(
                    "the chain was begun anew at {record}, because the file with its running key was gone"
                )
            }
            LogBreakKind::Unknown => "something that this version does not know".into(),
        }
    }
}
