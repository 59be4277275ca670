//! Rows that are chosen together, by pointer and by keys, as lists of files do it. Pure.

use std::collections::BTreeSet;

use super::place::locate;

/// The rows of a table by their places, of which keys are written only for those that are looked at.
pub(crate) struct Rows<K, T> {
    pub(crate) count: usize,
    pub(crate) key: K,
    /// Can the row be chosen: a head of a group cannot.
    pub(crate) takes: T,
}

/// Keys of the chosen rows. A row that a refresh took away stays chosen until something else is: it
/// may come back, and what acts on rows takes only those that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    keys: BTreeSet<String>,
    /// Where a range begins.
    anchor: Option<String>,
    /// Where that stood last.
    anchor_at: usize,
}

impl Selection {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    pub(crate) fn clear(&mut self) {
        *self = Selection::default();
    }

    /// A press on a row begins anew.
    pub(crate) fn begin(&mut self, key: &str, at: usize) {
        *self = Selection { anchor: Some(key.to_owned()), anchor_at: at, ..Selection::default() };
    }

    /// A press on a row with Ctrl adds it or takes it away. `before` is the row that was pressed before: it
    /// counts as the first of several.
    pub(crate) fn add(&mut self, key: &str, before: Option<String>) {
        if self.keys.is_empty() {
            self.keys.extend(before.filter(|before| before != key));
        }
        self.toggle(key);
    }

    pub(crate) fn toggle(&mut self, key: &str) {
        if !self.keys.remove(key) {
            self.keys.insert(key.to_owned());
        }
        self.anchor = Some(key.to_owned());
    }

    /// Chooses from the anchor, or else from the row that has the keyboard, to a row, and nothing else.
    pub(crate) fn extend<K: Fn(usize) -> String, T: Fn(usize) -> bool>(
        &mut self,
        rows: &Rows<K, T>,
        to: usize,
        cursor: Option<usize>,
    ) {
        let stands = |anchor: &String| locate(rows.count, self.anchor_at, |at| (rows.key)(at) == *anchor);
        let from = self.anchor.as_ref().and_then(stands).or(cursor).unwrap_or(to);
        if from >= rows.count || to >= rows.count {
            return;
        }
        let range = from.min(to)..=from.max(to);
        self.keys = range.filter(|at| (rows.takes)(*at)).map(&rows.key).collect();
        (self.anchor, self.anchor_at) = (Some((rows.key)(from)), from);
    }

    pub(crate) fn all<K: Fn(usize) -> String, T: Fn(usize) -> bool>(&mut self, rows: &Rows<K, T>) {
        self.keys = (0..rows.count).filter(|at| (rows.takes)(*at)).map(&rows.key).collect();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const ORDER: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn of(order: &[&str]) -> Rows<impl Fn(usize) -> String, impl Fn(usize) -> bool> {
        let keys: Vec<String> = order.iter().map(|key| (*key).to_owned()).collect();
        let takes: Vec<bool> = order.iter().map(|key| *key != "-").collect();
        Rows { count: keys.len(), key: move |at: usize| keys[at].clone(), takes: move |at: usize| takes[at] }
    }

    fn chosen(selection: &Selection) -> String {
        selection.keys.iter().map(String::as_str).collect()
    }

    #[test]
    fn a_press_begins_anew_and_ctrl_adds_to_the_row_that_was_pressed_before() {
        let mut selection = Selection::default();
        selection.begin("b", 1);
        assert!(selection.is_empty(), "one row is the cursor and no selection");
        selection.add("d", Some("b".to_owned()));
        assert_eq!(chosen(&selection), "bd");
        selection.add("b", Some("d".to_owned()));
        assert_eq!(chosen(&selection), "d");
        selection.begin("a", 0);
        assert_eq!(chosen(&selection), "");
    }

    #[test]
    fn shift_chooses_from_the_anchor_in_both_directions() {
        let mut selection = Selection::default();
        selection.begin("c", 2);
        selection.extend(&of(&ORDER), 4, Some(2));
        assert_eq!(chosen(&selection), "cde");
        selection.extend(&of(&ORDER), 0, Some(4));
        assert_eq!(chosen(&selection), "abc", "the anchor stays");
    }

    #[test]
    fn the_anchor_is_followed_where_it_went_and_the_cursor_is_in_its_place_when_it_is_gone() {
        let mut selection = Selection::default();
        selection.begin("a", 0);
        selection.extend(&of(&["b", "c", "a", "d"]), 3, Some(0));
        assert_eq!(chosen(&selection), "ad");
        selection.begin("x", 7);
        selection.extend(&of(&ORDER), 3, Some(1));
        assert_eq!(chosen(&selection), "bcd");
        selection.extend(&of(&ORDER), 9, Some(1));
        assert_eq!(chosen(&selection), "bcd", "a place that is not there changes nothing");
    }

    #[test]
    fn rows_that_cannot_be_chosen_are_left_out_of_a_range() {
        let mut selection = Selection::default();
        selection.extend(&of(&["-", "a", "-", "b"]), 3, Some(0));
        assert_eq!(chosen(&selection), "ab");
        selection.extend(&of(&["-", "a", "-", "b"]), 1, Some(3));
        assert_eq!(chosen(&selection), "a", "from the same head on");
        selection.all(&of(&["-", "a", "-", "b"]));
        assert_eq!(chosen(&selection), "ab");
    }

    #[test]
    fn what_a_refresh_took_away_stays_chosen() {
        let mut selection = Selection::default();
        selection.all(&of(&ORDER));
        selection.add("c", Some("b".to_owned()));
        assert_eq!(chosen(&selection), "abde");
    }

    #[test]
    fn a_range_of_two_in_a_long_table_costs_a_few_keys() {
        let written = Cell::new(0);
        let key = |at: usize| {
            written.set(written.get() + 1);
            at.to_string()
        };
        let mut selection = Selection::default();
        selection.begin("15000", 15_000);
        selection.extend(&Rows { count: 20_000, key, takes: |_| true }, 15_001, Some(15_000));
        assert_eq!(chosen(&selection), "1500015001");
        assert!(written.get() < 10, "{} keys", written.get());
    }
}
