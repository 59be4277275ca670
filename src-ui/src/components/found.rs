//! The rows of a table that are looked for by their keys, at each refresh again.
//!
//! A key is written from the fields of its row, and to write that of each of 20,000 rows costs more than a
//! refresh. But a row keeps its number until the table comes whole: those that were found before are known by
//! theirs, and the others need a look only if they came since.

/// Of which look the numbers of rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// How often something else was looked for.
    pub(crate) wanted: u64,
    /// How often the table came whole, with other numbers.
    pub(crate) whole: u64,
}

/// What is known from the look before.
#[derive(Default)]
pub(crate) struct Found {
    look: Option<Look>,
    /// In their order.
    ids: Vec<u32>,
    /// Rows from this number on came since.
    next_id: u32,
}

impl Found {
    /// The rows that are wanted, in the order of `rows`. `next_id` is the number of the next row to come.
    pub(crate) fn look<'a, R>(
        &mut self,
        look: Look,
        next_id: u32,
        rows: impl Iterator<Item = (u32, &'a R)>,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Vec<&'a R> {
        if self.look != Some(look) {
            *self = Self { look: Some(look), ..Self::default() };
        }
        let mut ids = Vec::new();
        let mut found = Vec::new();
        for (id, row) in rows {
            let is_known = id < self.next_id;
            if is_known && self.ids.binary_search(&id).is_err() {
                continue;
            }
            let is_wanted = is_wanted(row);
            // A row may change so that it has another key for a while.
            if is_known || is_wanted {
                ids.push(id);
            }
            if is_wanted {
                found.push(row);
            }
        }
        ids.sort_unstable();
        (self.ids, self.next_id) = (ids, next_id);
        found
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A table of words and what is looked for in it.
    struct Words {
        found: Found,
        rows: Vec<(u32, String)>,
        look: Look,
        wanted: Vec<&'static str>,
        compared: Cell<usize>,
    }

    impl Words {
        fn of(words: &[&str], wanted: &[&'static str]) -> Self {
            let rows = (0..).zip(words.iter().map(|word| (*word).to_owned())).collect();
            let look = Look { wanted: 0, whole: 1 };
            Self { found: Found::default(), rows, look, wanted: wanted.to_vec(), compared: Cell::new(0) }
        }

        fn look(&mut self) -> (String, usize) {
            self.compared.set(0);
            let is_wanted = |word: &String| {
                self.compared.set(self.compared.get() + 1);
                self.wanted.contains(&word.as_str())
            };
            let next_id = self.rows.iter().map(|(id, _)| id + 1).max().unwrap_or_default();
            let rows = self.rows.iter().map(|(id, word)| (*id, word));
            let found = self.found.look(self.look, next_id, rows, is_wanted);
            let found: Vec<&str> = found.into_iter().map(String::as_str).collect();
            (found.join(" "), self.compared.get())
        }
    }

    #[test]
    fn a_refresh_looks_at_what_was_found_and_at_what_came() {
        let mut table = Words::of(&["a", "b", "c", "d"], &["d", "b"]);
        assert_eq!(table.look(), ("b d".to_owned(), 4), "a first look is at all");
        assert_eq!(table.look(), ("b d".to_owned(), 2));
        table.rows.push((4, "e".to_owned()));
        table.rows.swap(1, 3);
        assert_eq!(table.look(), ("d b".to_owned(), 3), "in the order of the table");
        table.rows.retain(|(_, word)| word != "b");
        assert_eq!(table.look(), ("d".to_owned(), 1));
    }

    #[test]
    fn a_row_that_comes_back_under_another_number_is_found() {
        let mut table = Words::of(&["a", "b", "c"], &["b"]);
        table.look();
        table.rows.retain(|(_, word)| word != "b");
        assert_eq!(table.look().0, "");
        table.rows.push((3, "b".to_owned()));
        assert_eq!(table.look(), ("b".to_owned(), 1));
        assert_eq!(table.look(), ("b".to_owned(), 1));
    }

    #[test]
    fn a_row_that_is_another_for_a_while_is_found_again() {
        let mut table = Words::of(&["a", "b"], &["b"]);
        table.look();
        table.rows[1].1 = "x".to_owned();
        assert_eq!(table.look().0, "");
        table.rows[1].1 = "b".to_owned();
        assert_eq!(table.look(), ("b".to_owned(), 1));
    }

    #[test]
    fn whatever_gives_numbers_another_meaning_is_a_look_at_all() {
        let mut table = Words::of(&["a", "b", "c"], &["b"]);
        table.look();
        table.wanted = vec!["c"];
        table.look.wanted += 1;
        assert_eq!(table.look(), ("c".to_owned(), 3));
        table.rows = vec![(0, "c".to_owned()), (1, "a".to_owned())];
        table.look.whole += 1;
        assert_eq!(table.look(), ("c".to_owned(), 2));
        assert_eq!(table.look(), ("c".to_owned(), 1));
    }

    #[test]
    fn one_chosen_row_of_a_long_table_costs_one_key() {
        let words: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut table = Words::of(&words, &["19999"]);
        assert_eq!(table.look(), ("19999".to_owned(), 20_000));
        assert_eq!(table.look(), ("19999".to_owned(), 1));
    }
}
