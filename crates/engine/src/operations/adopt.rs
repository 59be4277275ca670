//! The log of an earlier version, brought to what this one keeps beside the entries: marks for each
//! operator, counts for each host, and the chain. The entries themselves stay as they are.
//!
//! It goes in steps that can be cut anywhere, and does nothing where there is nothing to bring.

use std::ops::{Bound, ControlFlow};

use protocol::Fault;
use protocol::operations::{Operation, ReadMark};

use super::book::Book;
use super::chain::{What, digest};
use super::{log, marks};
use crate::store::{Order, Reader, Tree, Writer};

/// Marks as they were: one for all operators.
const OLD_UNREAD: Tree<u64, bool> = Tree::new("operations_unread", 1);
const OLD_MARKS: Tree<u64, ReadMark> = Tree::new("operations_read", 1);

/// Entries of one transaction.
const AT_ONCE: usize = 256;

/// One entry with the digest of its text.
pub(super) struct Old {
    entry: Operation,
    digest: super::chain::Digest,
}

/// The next entries to bring, after this one.
pub(super) fn some_after(reader: &Reader<'_>, id: u64) -> Result<Vec<Old>, Fault> {
    let mut some = Vec::new();
    log::ENTRIES.scan(reader, (Bound::Excluded(id), Bound::Unbounded), Order::LowestFirst, |id, text| {
        some.push(Old { entry: log::parse(id, &text), digest: digest(&text.0) });
        Ok(if some.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(some)
}

/// Brings these entries, or notes that there are no more.
pub(super) fn bring(
    writer: &mut Writer<'_>,
    book: &mut Book,
    some: &[Old],
    now_ms: i64,
) -> Result<(), Fault> {
    for Old { entry, digest } in some {
        book.pen.add(writer, What::Found, entry.id, now_ms, *digest)?;
        let bad = entry.result.is_bad();
        book.scopes(writer, entry, |scope| {
            scope.total += 1;
            scope.failed += u64::from(bad);
        })?;
        if OLD_UNREAD.has(writer, &entry.id)? {
            OLD_UNREAD.remove(writer, &entry.id)?;
            marks::put_unread(writer, book, entry)?;
        }
        if let Some(mark) = OLD_MARKS.get(writer, &entry.id)? {
            OLD_MARKS.remove(writer, &entry.id)?;
            marks::keep_mark(writer, entry.id, &mark)?;
        }
        book.ledger.adopted_through = entry.id;
    }
    book.ledger.is_adopted = some.is_empty();
    Ok(())
}
