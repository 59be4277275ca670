//! store: what is told of the data on this computer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the store is like now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreFacts {
    /// The data folder.
    pub dir: String,
    /// The format of what is in it.
    pub format: u32,
    /// How much room its files take.
    pub size_bytes: u64,
    /// How much of that is data.
    pub live_bytes: u64,
    pub values: u64,
    /// Names the key that it is sealed by; `None` if it is in the clear.
    pub sealed_by: Option<String>,
    /// Why it is in the clear, where that is known.
    pub not_sealed: Option<String>,
    /// Why nothing can be changed, if nothing can.
    pub read_only: Option<String>,
    /// The automatic backups, the newest first.
    pub backups: Vec<BackupFacts>,
    /// What happened to it when it was opened.
    pub notices: Vec<StoreNotice>,
}

/// One backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFacts {
    pub file: String,
    pub made_ms: i64,
    pub bytes: u64,
    /// Not counted for one that was not read to its end.
    pub values: Option<u64>,
    /// Names the key that its values are sealed by.
    pub sealed_by: Option<String>,
    /// Whether it brings that key along, under a passphrase.
    pub with_key: bool,
}

/// What came of reading all of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreReport {
    pub facts: StoreFacts,
    /// Values that were read and are whole.
    pub whole: u64,
    /// Values that are damaged.
    pub broken: u64,
}

/// What came of a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRestored {
    pub backup: BackupFacts,
    /// Where the store that was there is kept.
    pub kept: Option<String>,
    /// The backup is sealed by another key than the store that was there.
    pub other_key: bool,
}

/// Something that happened to the store, most of it when it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreNotice {
    /// It can be read and not be written.
    ReadOnly { cause: String },
    /// Files that only repeat its log were damaged and have been made anew.
    ReadAnew { kept: String },
    /// The newest changes are gone.
    LastChangesLost { changes: u64, kept: String },
    /// It was damaged: so much of it is here again.
    Recovered {
        recovered: u64,
        /// At least so many: a removal that is lost brings back what it removed. `None` if nobody knows
        /// how much there was.
        lost: Option<u64>,
        /// How many of the recovered come from a backup, made at that time.
        from_backup: u64,
        backup_ms: Option<i64>,
        /// Some may be as they were before their last changes.
        #[serde(default)]
        may_be_old: bool,
        kept: String,
    },
    /// It is in a later format now.
    Upgraded { from: u32, to: u32, copy: String },
    /// It was in the clear and is sealed now. These files and folders of before still are in the clear.
    Sealed {
        #[serde(default)]
        clear: Vec<String>,
    },
    /// Its key was not where it is kept any more, while the store was open and so still had it. Put back,
    /// unless there is a `cause` why that could not be.
    KeyGone { cause: Option<String> },
    #[serde(other)]
    Unknown,
}

impl fmt::Display for StoreNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreNotice::ReadOnly { cause } => write!(
                f,
                "the data can be read and not be changed ({cause}): nothing is done on a host until it can be logged"
            ),
            StoreNotice::ReadAnew { kept } => write!(
                f,
                "the store was damaged and has been read anew from its log, nothing is lost; the damaged files are kept in {kept}"
            ),
            StoreNotice::LastChangesLost { changes, kept } => write!(
                f,
                "the store was damaged: its last {changes} changes are lost, the rest is here; the damaged files are kept in {kept}"
            ),
            StoreNotice::Recovered { recovered, lost, from_backup, may_be_old, kept, .. } => {
                write!(f, "the store was damaged: {recovered} ")?;
                match lost {
                    Some(lost) => {
                        write!(f, "of its {} values were recovered and {lost} are lost", recovered + lost)?
                    }
                    None => write!(f, "values were recovered, and how many are lost is not known")?,
                }
                if *from_backup > 0 {
                    write!(f, " ({from_backup} come from a backup and are as old as it is)")?;
                }
                if *may_be_old {
                    write!(f, "; some may be as they were before their last changes")?;
                }
                write!(f, "; the damaged files are kept in {kept}")
            }
            StoreNotice::Upgraded { from, to, copy } => {
                write!(
                    f,
                    "the store was brought from format {from} to {to}; as it was before it is in {copy}"
                )
            }
            StoreNotice::Sealed { clear } => {
                write!(f, "the store is sealed from now on, by a key that is kept with the secrets")?;
                if !clear.is_empty() {
                    write!(
                        f,
                        "; kept from before and still in the clear, to be removed when you need them no more: {}",
                        clear.join(", ")
                    )?;
                }
                Ok(())
            }
            StoreNotice::KeyGone { cause: None } => write!(
                f,
                "the key of the data was removed from where it is kept, and was put back there: it alone opens the data"
            ),
            StoreNotice::KeyGone { cause: Some(cause) } => write!(
                f,
                "the key of the data was removed from where it is kept, and cannot be put back ({cause}): it alone \
                 opens the data, and this program forgets it when it ends"
            ),
            StoreNotice::Unknown => {
                write!(f, "something happened to the store that this version does not know")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_damage_cost_is_said_with_every_count() {
        let lost = |lost| StoreNotice::Recovered {
            recovered: 90,
            lost,
            from_backup: 4,
            backup_ms: Some(0),
            may_be_old: true,
            kept: "/d/store.damaged-1".into(),
        };
        let said = lost(Some(10)).to_string();
        for part in [
            "90 of its 100",
            "10 are lost",
            "4 come from a backup",
            "before their last changes",
            "/d/store.damaged-1",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert!(lost(None).to_string().contains("not known"));
    }

    #[test]
    fn a_notice_of_a_later_version_does_not_hide_the_others() {
        let notices: Vec<StoreNotice> =
            serde_json::from_str(r#"["from_the_future", {"sealed":{}}]"#).unwrap();
        assert_eq!(notices, [StoreNotice::Unknown, StoreNotice::Sealed { clear: Vec::new() }]);
    }
}
