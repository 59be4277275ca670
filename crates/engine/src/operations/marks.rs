//! Who has read what. An entry is in exactly one of `UNREAD` and `MARKS` for each operator that was there
//! when it was written; what an operator who comes later finds in the log counts as read.

use std::ops::ControlFlow;

use protocol::Fault;
use protocol::operations::{Operation, ReadMark};
use serde::{Deserialize, Serialize};

use super::book::{Book, Unread};
use super::{log, unknown};
use crate::store::{Order, Reader, Tree, View, Writer};

/// What an operator has not read.
pub(super) const UNREAD: Tree<(String, u64), Waiting> = Tree::new("operations_unread_by", 1);
pub(super) const MARKS: Tree<(u64, String), i64> = Tree::new("operations_read_at", 1);

/// Changed in one transaction when many are marked.
pub(super) const AT_ONCE: usize = 512;

/// What the counts need to know of an entry that is unread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) bad: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<String>,
}

impl Waiting {
    pub(super) fn of(entry: &Operation) -> Self {
        Self { bad: entry.result.is_bad(), host: entry.host.as_ref().map(|host| host.id.clone()) }
    }
}

/// Fills in when the operator read it, and when others did.
pub(super) fn with_marks(view: &impl View, mut entry: Operation, operator: &str) -> Result<Operation, Fault> {
    let of_entry = (entry.id, String::new())..=(entry.id, char::MAX.to_string());
    let mut own = None;
    MARKS.scan(view, of_entry, Order::LowestFirst, |(_, by), at_ms| {
        let mark = ReadMark { by, at_ms };
        if mark.by == operator {
            own = Some(mark)
        } else {
            entry.read_by.push(mark)
        }
        Ok(ControlFlow::Continue(()))
    })?;
    // Written before this operator was first here.
    let is_waiting = UNREAD.has(view, &(operator.to_owned(), entry.id))?;
    entry.read = match (own, is_waiting) {
        (_, true) => None,
        (Some(mark), false) => Some(mark),
        (None, false) => Some(ReadMark { by: operator.to_owned(), at_ms: entry.started_ms }),
    };
    Ok(entry)
}

/// Makes the operator known, from this moment on.
pub(super) fn welcome(book: &mut Book, operator: &str) {
    book.ledger.scope.unread.entry(operator.to_owned()).or_default();
}

fn add(book: &mut Book, view: &impl View, operator: &str, waiting: &Waiting, sign: i64) -> Result<(), Fault> {
    book.scopes_of(view, waiting.host.as_deref(), |scope| {
        let unread = scope.unread.entry(operator.to_owned()).or_default();
        let bad = i64::from(waiting.bad);
        *unread = Unread {
            all: unread.all.saturating_add_signed(sign),
            failed: unread.failed.saturating_add_signed(sign * bad),
        };
    })
}

/// Puts an entry among the unread of everybody.
pub(super) fn put_unread(writer: &mut Writer<'_>, book: &mut Book, entry: &Operation) -> Result<(), Fault> {
    let operators: Vec<String> = book.ledger.scope.unread.keys().cloned().collect();
    operators.iter().try_for_each(|operator| put_unread_by(writer, book, operator, entry))
}

fn put_unread_by(
    writer: &mut Writer<'_>,
    book: &mut Book,
    operator: &str,
    entry: &Operation,
) -> Result<(), Fault> {
    let key = (operator.to_owned(), entry.id);
    let now = Waiting::of(entry);
    match UNREAD.get(writer, &key)? {
        Some(before) if before == now => return Ok(()),
        Some(before) => add(book, writer, operator, &before, -1)?,
        None => MARKS.remove(writer, &(entry.id, operator.to_owned()))?,
    }
    add(book, writer, operator, &now, 1)?;
    UNREAD.put(writer, &key, &now)
}

/// Marks these entries; those read before keep their first mark. All must exist.
pub(super) fn mark_read(
    writer: &mut Writer<'_>,
    book: &mut Book,
    ids: &[u64],
    mark: &ReadMark,
) -> Result<(), Fault> {
    for &id in ids {
        let key = (mark.by.clone(), id);
        match UNREAD.get(writer, &key)? {
            Some(waiting) => {
                UNREAD.remove(writer, &key)?;
                MARKS.put(writer, &(id, mark.by.clone()), &mark.at_ms)?;
                add(book, writer, &mark.by, &waiting, -1)?;
            }
            None if log::ENTRIES.has(writer, &id)? => {}
            None => return Err(unknown(id)),
        }
    }
    Ok(())
}

/// Puts these entries back among the unread of one operator. All must exist.
pub(super) fn mark_unread(
    writer: &mut Writer<'_>,
    book: &mut Book,
    ids: &[u64],
    operator: &str,
) -> Result<(), Fault> {
    for &id in ids {
        let entry = log::find(writer, id)?.ok_or_else(|| unknown(id))?;
        put_unread_by(writer, book, operator, &entry)?;
    }
    Ok(())
}

/// Some of what an operator has not read, lowest first, from one entry on up to another.
pub(super) fn some_unread(
    reader: &Reader<'_>,
    operator: &str,
    from: u64,
    through: u64,
) -> Result<Vec<u64>, Fault> {
    let mut some = Vec::new();
    let range = (operator.to_owned(), from)..=(operator.to_owned(), through);
    UNREAD.scan(reader, range, Order::LowestFirst, |(_, id), _| {
        some.push(id);
        Ok(if some.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(some)
}

/// Keeps a mark that was set before.
pub(super) fn keep_mark(writer: &mut Writer<'_>, id: u64, mark: &ReadMark) -> Result<(), Fault> {
    MARKS.put(writer, &(id, mark.by.clone()), &mark.at_ms)
}

/// Takes every mark of an entry away with it.
pub(super) fn forget(writer: &mut Writer<'_>, book: &mut Book, entry: &Operation) -> Result<(), Fault> {
    let operators: Vec<String> = book.ledger.scope.unread.keys().cloned().collect();
    for operator in operators {
        let key = (operator.clone(), entry.id);
        if let Some(waiting) = UNREAD.get(writer, &key)? {
            UNREAD.remove(writer, &key)?;
            add(book, writer, &operator, &waiting, -1)?;
        }
        MARKS.remove(writer, &(entry.id, operator))?;
    }
    Ok(())
}
