//! The trees of the log, and the changes to them. Each function here runs inside one transaction.
//!
//! An entry's text is stored as it was written and is in the chain by its digest; later versions read
//! old texts and never write them anew. Marks lie beside the entries, so that marking a thousand of them
//! rewrites none.

use std::ops::ControlFlow;

use protocol::operations::{Comment, Operation, OperationResult};
use protocol::{Fault, FaultCode};

use super::book::Book;
use super::chain::{CHAIN, What, digest};
use super::{Finish, entry, marks, unknown};
use crate::error::internal;
use crate::store::{Bytes, Order, Tree, View, Writer};

/// The entries as they were written, without their read marks.
pub(super) const ENTRIES: Tree<u64, Bytes> = Tree::new("operations", 1);
/// What is under way, with the record of its beginning; an earlier version knew no records.
pub(super) const UNDER_WAY: Tree<u64, Option<u64>> = Tree::new("operations_under_way", 1);

/// An entry without its marks; `None` if there is none.
pub(super) fn find(view: &impl View, id: u64) -> Result<Option<Operation>, Fault> {
    Ok(ENTRIES.get(view, &id)?.map(|text| parse(id, &text)))
}

/// The entry of a text. One that somebody made unreadable is shown as such, and does not hide the others.
pub(super) fn parse(id: u64, text: &Bytes) -> Operation {
    read(text).unwrap_or_else(|_| entry::unreadable(id))
}

fn read(text: &Bytes) -> Result<Operation, Fault> {
    // serde's words would repeat a part of the text.
    serde_json::from_slice(&text.0)
        .map_err(|why| internal("the log", format!("an entry cannot be read at its column {}", why.column())))
}

/// The entry as an operator sees it, with the marks.
pub(super) fn entry(view: &impl View, id: u64, operator: &str) -> Result<Operation, Fault> {
    marks::with_marks(view, find(view, id)?.ok_or_else(|| unknown(id))?, operator)
}

fn write(
    writer: &mut Writer<'_>,
    book: &mut Book,
    what: What,
    entry: &Operation,
    at_ms: i64,
) -> Result<u64, Fault> {
    let text =
        serde_json::to_vec(entry).map(Bytes).map_err(|why| internal("an entry cannot be stored", why))?;
    let record = book.pen.add(writer, what, entry.id, at_ms, digest(&text.0))?;
    ENTRIES.put(writer, &entry.id, &text)?;
    Ok(record)
}

/// An entry that shall be written anew. One that somebody changed is not: a new record would make the
/// change look like ours.
fn unchanged(view: &impl View, id: u64, record: Option<u64>) -> Result<Operation, Fault> {
    let text = ENTRIES.get(view, &id)?.ok_or_else(|| unknown(id))?;
    let record = record.map(|number| CHAIN.get(view, &number)).transpose()?.flatten();
    if record.is_some_and(|record| record.id != id || record.digest != digest(&text.0)) {
        return Err(Fault::new(FaultCode::LogBroken, format!("operation {id} is other than it was written")));
    }
    read(&text)
}

/// Adds an entry under the next id. It is unread by everybody.
pub(super) fn append(
    writer: &mut Writer<'_>,
    book: &mut Book,
    mut entry: Operation,
) -> Result<Operation, Fault> {
    book.ledger.newest += 1;
    entry.id = book.ledger.newest;
    let is_under_way = entry.result == OperationResult::UnderWay;
    let what = if is_under_way { What::Begun } else { What::Finished };
    let at_ms = entry.started_ms;
    let record = write(writer, book, what, &entry, at_ms)?;
    if is_under_way {
        UNDER_WAY.put(writer, &entry.id, &Some(record))?;
    }
    let bad = entry.result.is_bad();
    book.scopes(writer, &entry, |scope| {
        scope.total += 1;
        scope.failed += u64::from(bad);
    })?;
    marks::put_unread(writer, book, &entry)?;
    Ok(entry)
}

/// Finishes an entry that is under way. What came of it is news, so it is unread again.
pub(super) fn finish(
    writer: &mut Writer<'_>,
    book: &mut Book,
    id: u64,
    finish: Finish,
    now_ms: i64,
) -> Result<Operation, Fault> {
    change_under_way(writer, book, id, now_ms, |entry| entry::finish(entry, finish))
}

/// Finishes every entry that was under way when the program ended.
pub(super) fn close_what_was_cut(writer: &mut Writer<'_>, book: &mut Book, now_ms: i64) -> Result<(), Fault> {
    for (id, record) in UNDER_WAY.list(writer, ..)? {
        match unchanged(writer, id, record) {
            Ok(entry) if entry.result == OperationResult::UnderWay => {
                // Without its record it came back from damaged files, and may have been finished before.
                let close = match record {
                    None if was_finished(writer, id)? => entry::lose_end,
                    _ => entry::cut,
                };
                change_under_way(writer, book, id, now_ms, close)?;
            }
            // It was finished, and only that it was under way came back from damaged files.
            Ok(_) => UNDER_WAY.remove(writer, &id)?,
            Err(_) => {
                // Somebody took it away or changed it. `verify` names it, and the rest of the log must open.
                tracing::error!(id, "an operation that was under way cannot be read in the log any more");
                UNDER_WAY.remove(writer, &id)?;
            }
        }
    }
    Ok(())
}

fn change_under_way(
    writer: &mut Writer<'_>,
    book: &mut Book,
    id: u64,
    now_ms: i64,
    change: impl FnOnce(&mut Operation),
) -> Result<Operation, Fault> {
    let Some(record) = UNDER_WAY.get(writer, &id)? else {
        find(writer, id)?.ok_or_else(|| unknown(id))?;
        return Err(internal("an operation is finished once", format!("operation {id} was finished before")));
    };
    let mut entry = unchanged(writer, id, record)?;
    change(&mut entry);
    write(writer, book, What::Finished, &entry, now_ms)?;
    UNDER_WAY.remove(writer, &id)?;
    // What was under way was not bad, so only the end counts.
    let bad = entry.result.is_bad();
    book.scopes(writer, &entry, |scope| scope.failed += u64::from(bad))?;
    marks::put_unread(writer, book, &entry)?;
    Ok(entry)
}

/// Adds a remark. Nothing else of a finished entry is ever changed.
pub(super) fn comment(
    writer: &mut Writer<'_>,
    book: &mut Book,
    id: u64,
    comment: Comment,
) -> Result<(), Fault> {
    let record = last_record(writer, id)?;
    let mut entry = unchanged(writer, id, record)?;
    let at_ms = comment.at_ms;
    entry.comments.push(comment);
    write(writer, book, What::Commented, &entry, at_ms)?;
    // An entry that is under way is finished from what it is now.
    match UNDER_WAY.get(writer, &id)? {
        Some(_) => UNDER_WAY.put(writer, &id, &Some(book.pen.tip().record)),
        None => Ok(()),
    }
}

/// Whether the chain knows an end of this entry.
fn was_finished(view: &impl View, id: u64) -> Result<bool, Fault> {
    let mut is_finished = false;
    CHAIN.scan(view, .., Order::HighestFirst, |_, record| {
        is_finished = record.id == id && record.what == What::Finished;
        Ok(if is_finished { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(is_finished)
}

/// The last record about an entry, looked for from the end: remarks are mostly about what is new.
fn last_record(view: &impl View, id: u64) -> Result<Option<u64>, Fault> {
    let mut last = None;
    CHAIN.scan(view, .., Order::HighestFirst, |number, record| {
        if record.what.is_entry() && record.id == id {
            last = Some(number);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(last)
}
