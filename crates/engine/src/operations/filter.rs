//! Which entries a filter asks for, and a page of them.
//!
//! Text is searched as it stands, in any language, case aside: entries are read newest first until
//! the page is full. Nothing else is kept to search in, so nothing can disagree with the log.

use std::ops::{Bound, ControlFlow};

use memchr::memmem::Finder;
use protocol::Fault;
use protocol::operations::{Operation, OperationFilter, OperationPage};

use super::{PAGE_DEFAULT, PAGE_LIMIT, entry, log};
use crate::store::{Order, Reader};

/// A page that holds this much ends, however few its entries.
const PAGE_BYTES: usize = 4 << 20;

/// A filter made ready to be asked many times.
struct Sieve<'f> {
    filter: &'f OperationFilter,
    text: Option<Finder<'f>>,
}

pub(super) fn page(reader: &Reader<'_>, filter: &OperationFilter) -> Result<OperationPage, Fault> {
    let wanted = filter.text.trim().to_lowercase();
    let sieve = Sieve { filter, text: (!wanted.is_empty()).then(|| Finder::new(wanted.as_bytes())) };
    let limit = filter.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_LIMIT) as usize;
    let range = (Bound::Unbounded, filter.before.map_or(Bound::Unbounded, Bound::Excluded));
    let mut operations = Vec::new();
    let mut next = None;
    let mut held_bytes = 0;
    let mut visit = |entry: Operation| -> Result<ControlFlow<()>, Fault> {
        if !sieve.passes(&entry) {
            return Ok(ControlFlow::Continue(()));
        }
        if operations.len() == limit || held_bytes > PAGE_BYTES {
            next = operations.last().map(|last: &Operation| last.id);
            return Ok(ControlFlow::Break(()));
        }
        held_bytes += entry::size_bytes(&entry);
        operations.push(log::with_mark(reader, entry)?);
        Ok(ControlFlow::Continue(()))
    };
    if filter.unread {
        // The unread are few: no need to read the others.
        log::UNREAD.scan(reader, range, Order::HighestFirst, |id, bad| {
            if filter.failed && !bad {
                return Ok(ControlFlow::Continue(()));
            }
            match log::ENTRIES.get(reader, &id)? {
                Some(entry) => visit(entry),
                None => Err(super::unknown(id)),
            }
        })?;
    } else {
        log::ENTRIES.scan(reader, range, Order::HighestFirst, |_, entry| visit(entry))?;
    }
    Ok(OperationPage { operations, next, counts: log::counts(reader)? })
}

impl Sieve<'_> {
    /// All conditions but the marks, which the caller looks up.
    fn passes(&self, entry: &Operation) -> bool {
        let filter = self.filter;
        filter.kind.is_none_or(|kind| entry.kind == kind)
            && filter.result.is_none_or(|result| entry.result == result)
            && (!filter.failed || entry.result.is_bad())
            && filter.since_ms.is_none_or(|since_ms| entry.started_ms >= since_ms)
            && filter.host.as_ref().is_none_or(|name| {
                entry.host.as_ref().is_some_and(|host| host.name == *name || host.id == *name)
            })
            && self.text.as_ref().is_none_or(|text| texts(entry).any(|part| occurs(text, part)))
    }
}

fn texts(entry: &Operation) -> impl Iterator<Item = &str> {
    let host = entry.host.as_ref();
    [&entry.target, &entry.command, &entry.summary, &entry.operator, &entry.output, &entry.errors]
        .into_iter()
        .map(String::as_str)
        .chain(host.into_iter().flat_map(|host| [host.name.as_str(), host.address.as_str()]))
        .chain(entry.journal.iter().map(String::as_str))
}

fn occurs(wanted: &Finder<'_>, text: &str) -> bool {
    wanted.find(text.to_lowercase().as_bytes()).is_some()
}
