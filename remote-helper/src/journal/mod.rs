//! journal: the log of the host, from journald or, where there is none, from the files of syslog.
//!
//! A page is read backwards from its place, never the whole log; a follow reads no faster than its
//! reader takes. Nothing here decides what a message means; it only cuts what is too long and counts
//! what it cuts or cannot read.

mod back;
mod entry;
mod files;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod journald;
mod lines;
mod syslog;

use protocol::hosts::Sudo;
use protocol::journal::{JournalEntry, JournalNews, JournalPage, JournalQuery};

use crate::clock;
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;
use files::Files;
use journald::Journald;

/// Of a longer message the rest is cut off, and counted.
const MESSAGE_LIMIT_BYTES: usize = 16 << 10;
/// A page ends early rather than to be larger.
const PAGE_LIMIT_BYTES: usize = 4 << 20;

/// Takes what is new; false if nobody waits for it any more.
pub(crate) type Push<'a> = dyn FnMut(JournalNews) -> bool + 'a;

/// One page of the log.
///
/// # Errors
/// `bad_input`, `not_permitted` if this user may read nothing of it, `not_on_this_host` if none is
/// kept.
pub(crate) fn read_page(
    root: &Root,
    query: &JournalQuery,
    sudo: Sudo,
    stop: &Stop,
) -> Result<JournalPage, Error> {
    query.check()?;
    let started_ms = clock::now_ms();
    if root.since_boot().is_some() {
        return journald::read_said(root, query);
    }
    let mut page = match Journald::of(root, sudo) {
        Some(journald) => journald.read_page(query, stop)?,
        None => Files::of(root)?.read_page(query, stop)?,
    };
    page.at_ms = started_ms;
    page.took_ms = u64::try_from(clock::now_ms() - started_ms).unwrap_or(0);
    Ok(page)
}

/// Pushes the last entries and then each new one, until it is stopped or a push is not taken.
pub(crate) fn follow(
    root: &Root,
    query: &JournalQuery,
    sudo: Sudo,
    stop: &Stop,
    push: &mut Push<'_>,
) -> Result<(), Error> {
    query.check()?;
    match Journald::of(root, sudo) {
        Some(journald) => journald.follow(query, stop, push),
        None => files::follow(root, query, stop, push),
    }
}

/// What the log itself cannot filter by.
struct Filter {
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    text: String,
}

impl Filter {
    fn of(query: &JournalQuery) -> Self {
        Self { since_ms: query.since_ms, until_ms: query.until_ms, text: query.text.to_ascii_lowercase() }
    }

    /// True for what is older than all that is asked for.
    fn is_before(&self, entry: &JournalEntry) -> bool {
        self.since_ms.is_some_and(|since_ms| entry.at_ms < since_ms)
    }

    fn keeps(&self, entry: &JournalEntry) -> bool {
        let has = |text: &str| text.to_ascii_lowercase().contains(&self.text);
        !self.is_before(entry)
            && self.until_ms.is_none_or(|until_ms| entry.at_ms <= until_ms)
            && (self.text.is_empty() || has(&entry.message) || entry.identifier.as_deref().is_some_and(has))
    }
}

/// Entries of a page as they come, newest first or, after a cursor, oldest first.
struct Gather {
    filter: Filter,
    limit: usize,
    onward: bool,
    entries: Vec<JournalEntry>,
    bytes: usize,
    looked_at: u64,
    /// Place of the first entry that was looked at, and of the last.
    first: Option<String>,
    last: Option<String>,
    full: bool,
    /// Everything older is not asked for.
    ended: bool,
}

impl Gather {
    fn new(query: &JournalQuery) -> Self {
        Self {
            filter: Filter::of(query),
            limit: query.page_limit(),
            onward: query.after.is_some(),
            entries: Vec::new(),
            bytes: 0,
            looked_at: 0,
            first: None,
            last: None,
            full: false,
            ended: false,
        }
    }

    fn is_done(&self) -> bool {
        self.full || self.ended
    }

    fn take(&mut self, entry: JournalEntry) {
        if self.is_done() {
            return;
        }
        if !self.onward && self.filter.is_before(&entry) {
            self.ended = true;
            return;
        }
        let keeps = self.filter.keeps(&entry);
        // One more than fits tells that there are more; it is not looked at then.
        if keeps && (self.entries.len() >= self.limit || self.bytes >= PAGE_LIMIT_BYTES) {
            self.full = true;
            return;
        }
        self.looked_at += 1;
        self.first.get_or_insert_with(|| entry.cursor.clone());
        self.last = Some(entry.cursor.clone());
        if keeps {
            self.bytes += entry.message.len() + entry.cursor.len() + 64;
            self.entries.push(entry);
        }
    }

    /// The page; `cut` if the reading ended before the log did.
    fn finish(self, query: &JournalQuery, cut: bool) -> JournalPage {
        let more = self.full || cut;
        let (older, newer) = if self.onward {
            (self.first.or(query.after.clone()), self.last.or(query.after.clone()))
        } else {
            (if more { self.last } else { None }, self.first)
        };
        let mut entries = self.entries;
        if !self.onward {
            entries.reverse();
        }
        JournalPage { entries, older, newer, looked_at: self.looked_at, ..JournalPage::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at_ms: i64, message: &str) -> JournalEntry {
        JournalEntry {
            at_ms,
            cursor: format!("c{at_ms}"),
            message: message.into(),
            ..JournalEntry::default()
        }
    }

    #[test]
    fn a_full_page_says_where_older_entries_are_and_the_last_page_that_there_are_none() {
        let query = JournalQuery { limit: Some(2), ..JournalQuery::default() };
        for (count, older) in [(1, None), (2, None), (3, Some("c9")), (5, Some("c9"))] {
            let mut gather = Gather::new(&query);
            (0..count).for_each(|age| gather.take(entry(10 - age, "x")));
            let page = gather.finish(&query, false);
            assert_eq!(page.older.as_deref(), older, "{count}");
            assert_eq!(page.newer.as_deref(), Some("c10"));
            let times: Vec<i64> = page.entries.iter().map(|entry| entry.at_ms).collect();
            assert!(times.is_sorted(), "oldest first: {times:?}");
        }
    }

    #[test]
    fn a_search_that_was_cut_goes_on_from_the_last_entry_it_looked_at() {
        let query = JournalQuery { text: "NEEDLE".into(), ..JournalQuery::default() };
        let mut gather = Gather::new(&query);
        gather.take(entry(9, "a needle"));
        gather.take(entry(8, "hay"));
        let page = gather.finish(&query, true);
        assert_eq!((page.entries.len(), page.looked_at, page.older.as_deref()), (1, 2, Some("c8")));
    }

    #[test]
    fn nothing_older_than_asked_for_is_read_on() {
        let query = JournalQuery { since_ms: Some(9), until_ms: Some(9), ..JournalQuery::default() };
        let mut gather = Gather::new(&query);
        [10, 9, 8].into_iter().for_each(|at_ms| gather.take(entry(at_ms, "x")));
        assert!(gather.is_done());
        let page = gather.finish(&query, false);
        assert_eq!((page.entries.len(), page.older), (1, None));
    }
}
