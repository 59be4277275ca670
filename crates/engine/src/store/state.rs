//! What the store says of itself, in a tree of its own that is never sealed: its format, how often
//! it was written to, what it holds, and the name of its key.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::tree::{Key, parse_head};
use super::value;

pub(super) const STATE_TREE: &str = "state";
pub(super) const WRITES: &str = "writes";
pub(super) const TALLY: &str = "tally";
const SCHEMA: &str = "schema";
const SEALED_BY: &str = "sealed_by";
const FRESH_BYTES: &str = "fresh_bytes";
const MENDED: &str = "mended";
const TURN: &str = "turn";
/// The format of what stands in this tree.
const VERSION: u8 = 1;

/// What all other trees hold together: sled passes over a segment whose head is damaged and says
/// nothing, so what is there is counted against what was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub rows: u64,
    pub values: u64,
    /// Keys and values, without what sled needs for itself.
    pub bytes: u64,
}

/// What made the store another than the one whose writes were acknowledged. Who keeps a history of their own
/// in it tells it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Tells one from another.
    pub number: u64,
    pub at_ms: i64,
    pub what: Turned,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turned {
    /// A person put a backup in its place.
    Restored {
        /// The name of its file.
        file: String,
        made_ms: i64,
        values: u64,
        /// The name of the folder that has what was there.
        kept: Option<String>,
    },
    /// Its last changes were lost.
    Behind { changes: u64 },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// `None` in a store that was never written to.
    pub schema: Option<u64>,
    /// Number of the last committed write.
    pub writes: u64,
    /// `None` where an earlier version did not count.
    pub tally: Option<Tally>,
    pub sealed_by: Option<String>,
    /// How much room the files took when they were made anew.
    pub fresh_bytes: Option<u64>,
    /// How often the store was recovered from damage.
    pub mended: u64,
    /// The last time that it became another.
    pub turn: Option<Turn>,
}

impl State {
    pub(super) fn read(db: &sled::Db) -> sled::Result<Self> {
        let tree = db.open_tree(STATE_TREE)?;
        Self::from_rows(|key| Ok(tree.get(key)?.map(|row| row.to_vec())))
    }

    /// The same from rows that are found in any other way.
    pub(super) fn from_rows(row: impl Fn(&[u8]) -> sled::Result<Option<Vec<u8>>>) -> sled::Result<Self> {
        Ok(Self {
            schema: get(&row, SCHEMA)?,
            writes: get(&row, WRITES)?.unwrap_or(0),
            tally: get(&row, TALLY)?,
            sealed_by: get(&row, SEALED_BY)?,
            fresh_bytes: get(&row, FRESH_BYTES)?,
            mended: get(&row, MENDED)?.unwrap_or(0),
            turn: get(&row, TURN)?,
        })
    }

    /// The rows that say all this.
    pub(super) fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Self { schema, writes, tally, sealed_by, fresh_bytes, mended, turn } = self;
        [
            schema.and_then(|schema| row(SCHEMA, &schema)),
            row(WRITES, writes),
            tally.and_then(|tally| row(TALLY, &tally)),
            sealed_by.as_ref().and_then(|id| row(SEALED_BY, id)),
            fresh_bytes.and_then(|bytes| row(FRESH_BYTES, &bytes)),
            row(MENDED, mended),
            turn.as_ref().and_then(|turn| row(TURN, turn)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The row that says one thing; numbers and names always fit into one.
pub(super) fn row<T: Serialize>(name: &str, what: &T) -> Option<(Vec<u8>, Vec<u8>)> {
    let text = serde_json::to_vec(what).ok()?;
    let mut rows = value::cut(VERSION, &text)?;
    (rows.len() == 1).then(|| (key(name), rows.swap_remove(0)))
}

pub(super) fn key(name: &str) -> Vec<u8> {
    value::piece_key(&name.to_owned().to_bytes(), 0)
}

/// What a row says; `None` if it is not as it was written.
pub(super) fn parse<T: DeserializeOwned>(row: &[u8]) -> Option<T> {
    let (version, _, text) = parse_head(row)?;
    (version == VERSION).then(|| serde_json::from_slice(text).ok()).flatten()
}

fn get<T: DeserializeOwned>(
    row: impl Fn(&[u8]) -> sled::Result<Option<Vec<u8>>>,
    name: &str,
) -> sled::Result<Option<T>> {
    let Some(row) = row(&key(name))? else { return Ok(None) };
    parse(&row).map(Some).ok_or(sled::Error::Corruption { at: None, bt: () })
}
