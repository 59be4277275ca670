//! What the page has read of a log: newest first, each entry once, with what came while it was held.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::journal::JournalEntry;

/// Entries that are kept; older ones are read again when they are asked for.
pub(crate) const KEPT: usize = 20_000;

/// The least severe priorities that can be chosen, beside all.
pub(crate) const PRIORITIES: [u8; 3] = [5, 4, 3];

/// Reads a choice that was remembered; what is no choice is all.
pub(crate) fn parse_priority(word: &str) -> Option<u8> {
    word.parse().ok().filter(|priority| PRIORITIES.contains(priority))
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entries {
    /// Newest first.
    shown: VecDeque<Arc<JournalEntry>>,
    /// Oldest first: they came while the list was held still.
    waiting: Vec<Arc<JournalEntry>>,
}

impl Entries {
    /// Starts anew with a page of the log, oldest first.
    pub(crate) fn of_page(page: Vec<JournalEntry>) -> Self {
        Self { shown: page.into_iter().rev().map(Arc::new).collect(), waiting: Vec::new() }
    }

    /// Adds a page that is older than all.
    pub(crate) fn add_older(&mut self, page: Vec<JournalEntry>) {
        let room = KEPT.saturating_sub(self.shown.len());
        self.shown.extend(page.into_iter().rev().map(Arc::new).take(room));
    }

    /// Adds what was written since. While the list is held it waits, so that no row moves.
    pub(crate) fn add_newer(&mut self, news: Vec<JournalEntry>, is_held: bool) {
        self.waiting.extend(news.into_iter().map(Arc::new));
        let over = self.waiting.len().saturating_sub(KEPT);
        self.waiting.drain(..over);
        if !is_held {
            self.release();
        }
    }

    /// Shows what waited.
    pub(crate) fn release(&mut self) {
        for entry in self.waiting.drain(..) {
            self.shown.push_front(entry);
        }
        self.shown.truncate(KEPT);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.shown.len() >= KEPT
    }

    pub(crate) fn rows(&self) -> Vec<Arc<JournalEntry>> {
        self.shown.iter().cloned().collect()
    }
}

/// As a terminal would show it, for the clipboard: oldest first.
pub(crate) fn as_text(rows: &[Arc<JournalEntry>], stamp: impl Fn(i64) -> String) -> String {
    let mut out = String::new();
    for entry in rows.iter().rev() {
        let who = entry.identifier.as_deref().or(entry.unit.as_deref()).unwrap_or("-");
        let pid = entry.pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
        let line = format!("{} {who}{pid}: {}", stamp(entry.at_ms), entry.message);
        out.push_str(&protocol::text::printable_lines(&line));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: i64) -> JournalEntry {
        JournalEntry { at_ms: n, cursor: format!("s=1;i={n}"), ..JournalEntry::default() }
    }

    fn times(entries: &Entries) -> Vec<i64> {
        entries.rows().iter().map(|entry| entry.at_ms).collect()
    }

    #[test]
    fn a_priority_that_cannot_be_chosen_is_none() {
        assert_eq!(parse_priority("4"), Some(4));
        for word in ["", "0", "9", "-1", "4 ", "999999999999999999999"] {
            assert_eq!(parse_priority(word), None, "{word:?}");
        }
    }

    #[test]
    fn pages_come_oldest_first_and_are_shown_newest_first() {
        let mut entries = Entries::of_page(vec![entry(3), entry(4)]);
        entries.add_older(vec![entry(1), entry(2)]);
        entries.add_newer(vec![entry(5), entry(6)], false);
        assert_eq!(times(&entries), [6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn while_the_list_is_held_no_row_moves_and_nothing_is_lost() {
        let mut entries = Entries::of_page(vec![entry(1)]);
        entries.add_newer(vec![entry(2)], true);
        entries.add_newer(vec![entry(3)], true);
        assert_eq!((times(&entries), entries.waiting()), (vec![1], 2));
        entries.release();
        assert_eq!((times(&entries), entries.waiting()), (vec![3, 2, 1], 0));
    }

    #[test]
    fn a_flood_is_bounded_and_keeps_the_newest() {
        let mut entries = Entries::default();
        for n in 0..3 {
            entries.add_newer((0..10_000).map(|i| entry(n * 10_000 + i)).collect(), false);
        }
        assert_eq!(entries.rows().len(), KEPT);
        assert_eq!(times(&entries)[0], 29_999);
        assert!(entries.is_full());
    }

    #[test]
    fn a_message_cannot_forge_a_terminal_sequence_in_what_is_copied() {
        let hostile = JournalEntry { message: "a\u{1b}[2Jb".into(), ..entry(1) };
        let text = as_text(&[Arc::new(hostile)], |ms| ms.to_string());
        assert_eq!(text, "1 -: a\\x1b[2Jb\n");
    }
}
