//! Which entries a filter asks for, and a page of them.
//!
//! A plain page is read from the log as it stands. For everything else the index says what may be
//! wanted, and each entry is looked at itself before it is shown.

use std::collections::HashSet;
use std::ops::{Bound, ControlFlow, Range};

use protocol::Fault;
use protocol::operations::{Operation, OperationFilter, OperationPage};

use super::search::{Index, View};
use super::words::Words;
use super::{PAGE_DEFAULT, PAGE_LIMIT, book, entry, log, marks};
use crate::store::{Order, Reader};

/// A page that holds this much ends, however few its entries.
const PAGE_BYTES: usize = 4 << 20;

/// Up to this number the unread are looked at one by one.
const FEW: u64 = 200;

/// A filter made ready to be asked many times.
pub(super) struct Sieve<'f> {
    pub(super) filter: &'f OperationFilter,
    pub(super) words: Words,
}

impl<'f> Sieve<'f> {
    pub(super) fn new(filter: &'f OperationFilter) -> Self {
        Self { filter, words: Words::parse(&filter.text) }
    }

    /// All conditions but the marks, which the caller looks up.
    pub(super) fn passes(&self, entry: &Operation) -> bool {
        let filter = self.filter;
        let host = entry.host.as_ref();
        filter.kind.is_none_or(|kind| entry.kind == kind)
            && filter.result.is_none_or(|result| entry.result == result)
            && (!filter.failed || entry.result.is_bad())
            && filter.since_ms.is_none_or(|since_ms| entry.started_ms >= since_ms)
            && filter.until_ms.is_none_or(|until_ms| entry.started_ms < until_ms)
            && filter.operator.as_ref().is_none_or(|name| entry.operator == *name)
            && filter
                .host
                .as_ref()
                .is_none_or(|name| host.is_some_and(|host| host.name == *name || host.id == *name))
            && filter.group.as_ref().is_none_or(|group| host.is_some_and(|host| host.groups.contains(group)))
            && self.words.all_in(entry)
    }
}

impl Sieve<'_> {
    /// Everything passes that the marks do not keep back.
    fn is_plain(&self) -> bool {
        !self.filter.failed && self.is_by_marks_alone()
    }

    /// The marks say all that is asked.
    fn is_by_marks_alone(&self) -> bool {
        let filter = self.filter;
        let OperationFilter { host, group, operator, kind, result, since_ms, until_ms, .. } = filter;
        self.words.is_empty()
            && [host, group, operator].into_iter().all(Option::is_none)
            && kind.is_none()
            && result.is_none()
            && since_ms.is_none()
            && until_ms.is_none()
    }
}

/// A page that is being filled.
struct Filling<'r, 'a> {
    reader: &'r Reader<'a>,
    operator: &'r str,
    sieve: &'r Sieve<'r>,
    limit: usize,
    held_bytes: usize,
    page: OperationPage,
}

impl Filling<'_, '_> {
    /// Goes through what is unread.
    fn take_unread(&mut self) -> Result<(), Fault> {
        let (reader, failed) = (self.reader, self.sieve.filter.failed);
        let range = unread_range(self.operator, 0, self.sieve.filter.before.unwrap_or(u64::MAX));
        marks::UNREAD.scan(reader, range, Order::HighestFirst, |(_, id), waiting| {
            if failed && !waiting.bad {
                return Ok(ControlFlow::Continue(()));
            }
            // One that somebody took away is for `verify` to name; the others are shown.
            log::find(reader, id)?.map_or(Ok(ControlFlow::Continue(())), |entry| self.offer(entry))
        })
    }

    /// Goes through the log: what no block has as it stands, and of the blocks what may be wanted.
    fn take_all(&mut self, view: Option<View>) -> Result<(), Fault> {
        let reader = self.reader;
        let before = self.sieve.filter.before.unwrap_or(u64::MAX);
        let covered = view.as_ref().map_or(0, |view| view.covered);
        let mut is_full = false;
        log::ENTRIES.scan(
            reader,
            (Bound::Excluded(covered), Bound::Excluded(before)),
            Order::HighestFirst,
            |id, text| {
                let flow = match self.is_asked_for(id)? {
                    true => self.offer(log::parse(id, &text))?,
                    false => ControlFlow::Continue(()),
                };
                is_full = flow.is_break();
                Ok(flow)
            },
        )?;
        let Some(view) = view else { return Ok(()) };
        for card in view.cards.iter().filter(|card| card.first < before) {
            if is_full {
                return Ok(());
            }
            let unread = self.unread_among(card.first, card.last)?;
            if unread.as_ref().is_some_and(HashSet::is_empty) {
                continue;
            }
            for id in view.candidates(card, self.sieve.filter, &self.sieve.words)? {
                if id >= before || unread.as_ref().is_some_and(|unread| !unread.contains(&id)) {
                    continue;
                }
                if let Some(entry) = log::find(reader, id)?
                    && self.offer(entry)?.is_break()
                {
                    is_full = true;
                    break;
                }
            }
        }
        Ok(())
    }

    fn is_asked_for(&self, id: u64) -> Result<bool, Fault> {
        Ok(!self.sieve.filter.unread || marks::UNREAD.has(self.reader, &(self.operator.to_owned(), id))?)
    }

    /// Which of these are unread; `None` if this is not asked.
    fn unread_among(&self, first: u64, last: u64) -> Result<Option<HashSet<u64>>, Fault> {
        if !self.sieve.filter.unread {
            return Ok(None);
        }
        let mut unread = HashSet::new();
        let range = unread_range(self.operator, first, last.saturating_add(1));
        marks::UNREAD.scan(self.reader, range, Order::LowestFirst, |(_, id), _| {
            unread.insert(id);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Some(unread))
    }

    /// Takes an entry that may belong to the page.
    fn offer(&mut self, entry: Operation) -> Result<ControlFlow<()>, Fault> {
        if !self.sieve.passes(&entry) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.page.operations.len() == self.limit || self.held_bytes > PAGE_BYTES {
            self.page.next = self.page.operations.last().map(|last| last.id);
            return Ok(ControlFlow::Break(()));
        }
        self.held_bytes += entry::size_bytes(&entry);
        if !self.sieve.words.is_empty() {
            self.page.found.push(self.sieve.words.found_in(&entry));
        }
        self.page.operations.push(marks::with_marks(self.reader, entry, self.operator)?);
        Ok(ControlFlow::Continue(()))
    }
}

fn unread_range(operator: &str, from: u64, before: u64) -> Range<(String, u64)> {
    (operator.to_owned(), from)..(operator.to_owned(), before)
}

pub(super) fn page(
    reader: &Reader<'_>,
    index: &Index,
    filter: &OperationFilter,
    operator: &str,
) -> Result<OperationPage, Fault> {
    let sieve = Sieve::new(filter);
    let limit = filter.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_LIMIT) as usize;
    let mut filling =
        Filling { reader, operator, sieve: &sieve, limit, held_bytes: 0, page: OperationPage::default() };
    let counts = book::counts(reader, None, operator)?;
    if filter.unread && (sieve.is_by_marks_alone() || counts.unread <= FEW) {
        filling.take_unread()?;
    } else {
        let view = if sieve.is_plain() { None } else { index.view(reader)? };
        filling.take_all(view)?;
    }
    Ok(OperationPage { counts, ..filling.page })
}
