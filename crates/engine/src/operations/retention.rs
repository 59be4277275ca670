//! Taking away what is older than a person wants to keep: always the oldest entries, in one piece.
//!
//! What is taken away leaves a record in the chain, so that `verify` can tell a retirement from a theft.
//! The records of retired entries go with them; the note says where the chain begins now.

use std::ops::ControlFlow;

use protocol::Fault;
use protocol::operations::Operation;
use serde::{Deserialize, Serialize};

use super::book::{Book, ledger};
use super::chain::{CHAIN, Digest, What, cut_before, digest};
use super::{log, marks};
use crate::error::internal;
use crate::store::{Order, Reader, Tree, View, Writer};

/// Notes on retirements, by the number of their record. It grows by fields that are left out where
/// they say nothing, because the chain has the digest of its text.
pub(super) const RETIRED: Tree<u64, Note> = Tree::new("operations_retired", 1);

/// Entries of one transaction.
const AT_ONCE: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Entries up to this one are gone.
    pub(super) through: u64,
    pub(super) count: u64,
    /// With those of every retirement before.
    pub(super) in_all: u64,
    /// The last record that went with them, and its seal.
    pub(super) cut_record: u64,
    pub(super) cut_seal: Digest,
}

impl Note {
    pub(super) fn digest(&self) -> Result<Digest, Fault> {
        serde_json::to_vec(self)
            .map(|text| digest(&text))
            .map_err(|why| internal("the note of a retirement", why))
    }
}

/// What a person wants to keep.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keep {
    /// Not what began before this moment.
    pub(super) since_ms: Option<i64>,
    /// Not more than this.
    pub(super) entries: Option<u64>,
}

/// The last entry that is not kept; `None` if all are. One that is under way ends what can be taken away.
pub(super) fn last_to_go(reader: &Reader<'_>, keep: Keep) -> Result<Option<u64>, Fault> {
    let ledger = ledger(reader)?;
    let by_number = keep.entries.map_or(0, |most| ledger.newest.saturating_sub(most));
    let mut last = None;
    log::ENTRIES.scan(reader, .., Order::LowestFirst, |id, text| {
        let is_old = match keep.since_ms {
            Some(since_ms) => log::parse(id, &text).started_ms < since_ms,
            None => false,
        };
        if (id > by_number && !is_old) || log::UNDER_WAY.has(reader, &id)? {
            return Ok(ControlFlow::Break(()));
        }
        last = Some(id);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(last)
}

/// The oldest entries, up to one of them and not too many at once.
pub(super) fn some_to_go(reader: &Reader<'_>, through: u64) -> Result<Vec<Operation>, Fault> {
    let mut some = Vec::new();
    log::ENTRIES.scan(reader, ..=through, Order::LowestFirst, |id, text| {
        some.push(log::parse(id, &text));
        Ok(if some.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(some)
}

/// Takes these entries away, which are the oldest.
pub(super) fn retire(
    writer: &mut Writer<'_>,
    book: &mut Book,
    entries: &[Operation],
    now_ms: i64,
) -> Result<(), Fault> {
    let Some(through) = entries.last().map(|entry| entry.id) else { return Ok(()) };
    for entry in entries {
        log::ENTRIES.remove(writer, &entry.id)?;
        marks::forget(writer, book, entry)?;
        let bad = entry.result.is_bad();
        book.scopes(writer, entry, |scope| {
            scope.total = scope.total.saturating_sub(1);
            scope.failed = scope.failed.saturating_sub(u64::from(bad));
        })?;
    }
    book.ledger.retired = through;
    let before = last_note(writer)?;
    let begins_after =
        before.as_ref().map_or((0, Digest::default()), |(_, note)| (note.cut_record, note.cut_seal));
    let (cut_record, cut_seal) = last_to_cut(writer, begins_after, through)?;
    cut_before(writer, begins_after.0 + 1, cut_record)?;
    let in_all = before.as_ref().map_or(0, |(_, note)| note.in_all) + entries.len() as u64;
    if let Some((number, _)) = before.filter(|(number, _)| *number <= cut_record) {
        RETIRED.remove(writer, &number)?;
    }
    let note = Note { through, count: entries.len() as u64, in_all, cut_record, cut_seal };
    let number = book.pen.add(writer, What::Retired, through, now_ms, note.digest()?)?;
    RETIRED.put(writer, &number, &note)
}

fn last_note(view: &impl View) -> Result<Option<(u64, Note)>, Fault> {
    let mut last = None;
    RETIRED.scan(view, .., Order::HighestFirst, |number, note| {
        last = Some((number, note));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(last)
}

/// The last record before the first that is about an entry that stays.
fn last_to_cut(view: &impl View, begins_after: (u64, Digest), through: u64) -> Result<(u64, Digest), Fault> {
    let mut last = begins_after;
    CHAIN.scan(view, begins_after.0 + 1.., Order::LowestFirst, |number, record| {
        if record.what.is_entry() && record.id > through {
            return Ok(ControlFlow::Break(()));
        }
        last = (number, record.seal);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(last)
}
