//! Which rows of a table are new: they came with a refresh, not with another question.

use std::collections::{HashMap, HashSet};

/// How long a row counts as new.
pub(crate) const NEW_FOR_MS: i64 = 60_000;

/// Which rows a line brought.
pub(crate) enum Came {
    /// Those whose number is not below this.
    From(u32),
    /// All of them: the table came whole and has other numbers. These are the keys that it had before.
    Whole(HashSet<String>),
}

/// The rows that are new. Few are, however long the table is.
#[derive(Default)]
pub(crate) struct News {
    question: Option<u64>,
    new: Vec<NewRow>,
}

struct NewRow {
    id: u32,
    key: String,
    since_ms: i64,
}

impl News {
    /// Takes the rows after a line, by their numbers, and tells the keys of those that are new now. What
    /// another question brings was only not asked for before: it is not new by that.
    pub(crate) fn take<'a, R: 'a>(
        &mut self,
        question: u64,
        came: &Came,
        rows: impl Iterator<Item = (u32, &'a R)>,
        key: impl Fn(&R) -> String,
        now_ms: i64,
    ) -> HashSet<String> {
        let is_refresh = self.question.replace(question) == Some(question);
        let young = |row: &NewRow| now_ms - row.since_ms < NEW_FOR_MS;
        let before = std::mem::take(&mut self.new).into_iter().filter(young);
        self.new = match came {
            Came::From(first) => {
                let mut before: HashMap<u32, NewRow> = before.map(|row| (row.id, row)).collect();
                let stays_or_came = |(id, row): (u32, &'a R)| {
                    if is_refresh && id >= *first {
                        return Some(NewRow { id, key: key(row), since_ms: now_ms });
                    }
                    before.remove(&id)
                };
                rows.filter_map(stays_or_came).collect()
            }
            Came::Whole(had) => {
                let before: HashMap<String, i64> = before.map(|row| (row.key, row.since_ms)).collect();
                let stays_or_came = |(id, row): (u32, &'a R)| {
                    let key = key(row);
                    let came_ms = (is_refresh && !had.contains(&key)).then_some(now_ms);
                    let since_ms = before.get(&key).copied().or(came_ms)?;
                    Some(NewRow { id, key, since_ms })
                };
                rows.filter_map(stays_or_came).collect()
            }
        };
        self.new.iter().map(|row| row.key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of letters, which keep their numbers as long as they are there.
    #[derive(Default)]
    struct Letters {
        news: News,
        rows: Vec<(u32, char)>,
        next: u32,
    }

    impl Letters {
        fn take(&mut self, question: u64, letters: &str, now_ms: i64) -> String {
            let first = self.next;
            self.rows.retain(|(_, letter)| letters.contains(*letter));
            for letter in letters.chars() {
                if self.rows.iter().all(|(_, other)| *other != letter) {
                    self.rows.push((self.next, letter));
                    self.next += 1;
                }
            }
            self.told(question, &Came::From(first), now_ms)
        }

        fn take_whole(&mut self, question: u64, letters: &str, now_ms: i64) -> String {
            let had = self.rows.iter().map(|(_, letter)| letter.to_string()).collect();
            self.rows = (0..).zip(letters.chars()).collect();
            self.next = u32::try_from(self.rows.len()).unwrap();
            self.told(question, &Came::Whole(had), now_ms)
        }

        fn told(&mut self, question: u64, came: &Came, now_ms: i64) -> String {
            let rows = self.rows.iter().map(|(id, letter)| (*id, letter));
            let new = self.news.take(question, came, rows, char::to_string, now_ms);
            let mut new: Vec<&str> = new.iter().map(String::as_str).collect();
            new.sort_unstable();
            new.concat()
        }
    }

    #[test]
    fn a_row_is_new_for_a_minute_from_the_refresh_that_brought_it() {
        let mut table = Letters::default();
        assert_eq!(table.take_whole(1, "ab", 0), "", "a first answer has no news");
        assert_eq!(table.take(1, "abc", 1_000), "c");
        assert_eq!(table.take(1, "abcd", 2_000), "cd");
        assert_eq!(table.take(1, "abcd", 61_500), "d");
    }

    #[test]
    fn what_another_question_shows_was_there_before() {
        let mut table = Letters::default();
        table.take_whole(1, "a", 0);
        table.take(1, "ab", 1_000);
        assert_eq!(table.take(2, "bcd", 2_000), "b", "b is still new, c and d were not asked for");
        assert_eq!(table.take(2, "bcde", 3_000), "be");
    }

    #[test]
    fn what_went_and_came_back_is_new_again() {
        let mut table = Letters::default();
        table.take_whole(1, "ab", 0);
        assert_eq!(table.take(1, "a", 1_000), "");
        assert_eq!(table.take(1, "ab", 2_000), "b");
    }

    #[test]
    fn a_table_that_comes_whole_again_has_the_same_news() {
        let mut table = Letters::default();
        table.take_whole(1, "ab", 0);
        table.take(1, "abc", 1_000);
        assert_eq!(table.take_whole(1, "bcde", 2_000), "cde", "c from before, d and e in between");
        assert_eq!(table.take(1, "bcdef", 3_000), "cdef");
        assert_eq!(table.take_whole(2, "abcx", 4_000), "c", "another question");
    }
}
