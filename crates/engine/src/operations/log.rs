//! The trees of the log, and the changes to them. Each function here runs inside one transaction.
//!
//! An entry never changes for being read: marks lie beside it, so that marking a thousand entries
//! rewrites none of them. An entry is in exactly one of `unread` and `marks`.

use std::ops::ControlFlow;

use protocol::Fault;
use protocol::operations::{Operation, OperationCounts, OperationResult, ReadMark};
use serde::{Deserialize, Serialize};

use super::{Finish, entry, unknown};
use crate::error::internal;
use crate::store::{Order, Reader, Tree, View, Writer};

/// The entries, without their read marks.
pub(super) const ENTRIES: Tree<u64, Operation> = Tree::new("operations", 1);
/// Entries that nobody has read; the value says whether it ended badly.
pub(super) const UNREAD: Tree<u64, bool> = Tree::new("operations_unread", 1);
const MARKS: Tree<u64, ReadMark> = Tree::new("operations_read", 1);
const UNDER_WAY: Tree<u64, ()> = Tree::new("operations_under_way", 1);
const LEDGER: Tree<String, Ledger> = Tree::new("operations_ledger", 1);
const KEY: &str = "ledger";

/// Marks set in one transaction when all are marked.
const AT_ONCE: usize = 512;

/// What is known of the log as a whole.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
struct Ledger {
    newest: u64,
    counts: OperationCounts,
}

fn ledger(view: &impl View) -> Result<Ledger, Fault> {
    Ok(LEDGER.get(view, &KEY.to_owned())?.unwrap_or_default())
}

fn keep_ledger(writer: &mut Writer<'_>, ledger: &Ledger) -> Result<(), Fault> {
    LEDGER.put(writer, &KEY.to_owned(), ledger)
}

pub(super) fn counts(reader: &Reader<'_>) -> Result<OperationCounts, Fault> {
    Ok(ledger(reader)?.counts)
}

/// The id of the newest entry, 0 if there is none.
pub(super) fn newest(reader: &Reader<'_>) -> Result<u64, Fault> {
    Ok(ledger(reader)?.newest)
}

/// The entry as a person sees it, with its mark.
pub(super) fn entry(view: &impl View, id: u64) -> Result<Operation, Fault> {
    let entry = ENTRIES.get(view, &id)?.ok_or_else(|| unknown(id))?;
    with_mark(view, entry)
}

pub(super) fn with_mark(view: &impl View, mut entry: Operation) -> Result<Operation, Fault> {
    entry.read = MARKS.get(view, &entry.id)?;
    Ok(entry)
}

/// Adds an entry under the next id. It is unread.
pub(super) fn append(writer: &mut Writer<'_>, mut entry: Operation) -> Result<Operation, Fault> {
    let mut ledger = ledger(writer)?;
    ledger.newest += 1;
    entry.id = ledger.newest;
    ENTRIES.put(writer, &entry.id, &entry)?;
    let bad = entry.result.is_bad();
    UNREAD.put(writer, &entry.id, &bad)?;
    ledger.counts.total += 1;
    ledger.counts.unread += 1;
    ledger.counts.failed += u64::from(bad);
    ledger.counts.unread_failed += u64::from(bad);
    if entry.result == OperationResult::UnderWay {
        UNDER_WAY.put(writer, &entry.id, &())?;
    }
    keep_ledger(writer, &ledger)?;
    Ok(entry)
}

/// Finishes an entry that is under way. What came of it is news, so it is unread again.
pub(super) fn finish(writer: &mut Writer<'_>, id: u64, finish: Finish) -> Result<Operation, Fault> {
    change_under_way(writer, id, |entry| entry::finish(entry, finish))
}

/// Finishes every entry that was under way when the program ended.
pub(super) fn close_what_was_cut(writer: &mut Writer<'_>) -> Result<(), Fault> {
    for (id, ()) in UNDER_WAY.list(writer, ..)? {
        change_under_way(writer, id, entry::cut)?;
    }
    Ok(())
}

fn change_under_way(
    writer: &mut Writer<'_>,
    id: u64,
    change: impl FnOnce(&mut Operation),
) -> Result<Operation, Fault> {
    let mut entry = ENTRIES.get(writer, &id)?.ok_or_else(|| unknown(id))?;
    if !UNDER_WAY.has(writer, &id)? {
        return Err(internal("an operation is finished once", format!("operation {id} was finished before")));
    }
    change(&mut entry);
    entry.read = None;
    ENTRIES.put(writer, &id, &entry)?;
    UNDER_WAY.remove(writer, &id)?;
    let mut ledger = ledger(writer)?;
    take_back(writer, &mut ledger, id)?;
    let bad = entry.result.is_bad();
    UNREAD.put(writer, &id, &bad)?;
    ledger.counts.failed += u64::from(bad);
    ledger.counts.unread_failed += u64::from(bad);
    keep_ledger(writer, &ledger)?;
    Ok(entry)
}

/// Puts an entry among the unread if it was read. Its badness is left to the caller.
fn take_back(writer: &mut Writer<'_>, ledger: &mut Ledger, id: u64) -> Result<bool, Fault> {
    if UNREAD.has(writer, &id)? {
        return Ok(false);
    }
    MARKS.remove(writer, &id)?;
    ledger.counts.unread += 1;
    Ok(true)
}

/// Marks these entries; those read before keep their first mark. All must exist.
pub(super) fn mark_read(writer: &mut Writer<'_>, ids: &[u64], mark: &ReadMark) -> Result<(), Fault> {
    let mut ledger = ledger(writer)?;
    for &id in ids {
        match UNREAD.get(writer, &id)? {
            Some(bad) => put_mark(writer, &mut ledger, id, bad, mark)?,
            None if ENTRIES.has(writer, &id)? => {}
            None => return Err(unknown(id)),
        }
    }
    keep_ledger(writer, &ledger)
}

/// Marks some entries up to `newest` and tells how many; 0 when none is left.
pub(super) fn mark_some_read(writer: &mut Writer<'_>, newest: u64, mark: &ReadMark) -> Result<usize, Fault> {
    let mut some = Vec::new();
    UNREAD.scan(writer, ..=newest, Order::LowestFirst, |id, bad| {
        some.push((id, bad));
        Ok(if some.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    if some.is_empty() {
        return Ok(0);
    }
    let mut ledger = ledger(writer)?;
    for &(id, bad) in &some {
        put_mark(writer, &mut ledger, id, bad, mark)?;
    }
    keep_ledger(writer, &ledger)?;
    Ok(some.len())
}

fn put_mark(
    writer: &mut Writer<'_>,
    ledger: &mut Ledger,
    id: u64,
    bad: bool,
    mark: &ReadMark,
) -> Result<(), Fault> {
    UNREAD.remove(writer, &id)?;
    MARKS.put(writer, &id, mark)?;
    ledger.counts.unread = ledger.counts.unread.saturating_sub(1);
    ledger.counts.unread_failed = ledger.counts.unread_failed.saturating_sub(u64::from(bad));
    Ok(())
}

/// Puts these entries back among the unread. All must exist.
pub(super) fn mark_unread(writer: &mut Writer<'_>, ids: &[u64]) -> Result<(), Fault> {
    let mut ledger = ledger(writer)?;
    for &id in ids {
        let bad = ENTRIES.get(writer, &id)?.ok_or_else(|| unknown(id))?.result.is_bad();
        if take_back(writer, &mut ledger, id)? {
            UNREAD.put(writer, &id, &bad)?;
            ledger.counts.unread_failed += u64::from(bad);
        }
    }
    keep_ledger(writer, &ledger)
}
