//! Rows that are chosen together, by pointer and by keys, as lists of files do it. Pure.

use std::collections::BTreeSet;

/// Keys of the chosen rows. A row that a refresh took away stays chosen until something else is: it
/// may come back, and what acts on rows takes only those that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    keys: BTreeSet<String>,
    /// Where a range begins.
    anchor: Option<String>,
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

    /// A press on a row: alone it begins anew, with Ctrl it adds or takes away, with Shift it chooses
    /// all from the anchor. `cursor` is the row that had the keyboard.
    pub(crate) fn press(
        &mut self,
        order: &[String],
        key: &str,
        cursor: Option<&str>,
        with_ctrl: bool,
        with_shift: bool,
    ) {
        if with_shift {
            self.extend(order, key, cursor);
        } else if with_ctrl {
            // The row that was pressed before counts as the first of several.
            if let (true, Some(cursor)) = (self.keys.is_empty(), cursor)
                && cursor != key
                && order.iter().any(|one| one == cursor)
            {
                self.keys.insert(cursor.to_owned());
            }
            self.toggle(key);
        } else {
            self.keys.clear();
            self.anchor = Some(key.to_owned());
        }
    }

    pub(crate) fn toggle(&mut self, key: &str) {
        if !self.keys.remove(key) {
            self.keys.insert(key.to_owned());
        }
        self.anchor = Some(key.to_owned());
    }

    /// Chooses from the anchor, or else from the cursor, to a row, and nothing else.
    pub(crate) fn extend(&mut self, order: &[String], to: &str, cursor: Option<&str>) {
        let place = |key: &str| order.iter().position(|one| one == key);
        let anchor = self.anchor.as_deref().filter(|key| place(key).is_some()).or(cursor).unwrap_or(to);
        let (Some(from), Some(until)) = (place(anchor), place(to)) else { return };
        let anchor = anchor.to_owned();
        self.keys = order[from.min(until)..=from.max(until)].iter().cloned().collect();
        self.anchor = Some(anchor);
    }

    pub(crate) fn all(&mut self, order: &[String]) {
        self.keys = order.iter().cloned().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Vec<String> {
        ["a", "b", "c", "d", "e"].map(String::from).to_vec()
    }

    fn chosen(selection: &Selection) -> String {
        selection.keys.iter().map(String::as_str).collect()
    }

    #[test]
    fn a_press_begins_anew_and_ctrl_adds_to_the_row_that_was_pressed_before() {
        let mut selection = Selection::default();
        selection.press(&order(), "b", None, false, false);
        assert!(selection.is_empty(), "one row is the cursor and no selection");
        selection.press(&order(), "d", Some("b"), true, false);
        assert_eq!(chosen(&selection), "bd");
        selection.press(&order(), "b", Some("d"), true, false);
        assert_eq!(chosen(&selection), "d");
    }

    #[test]
    fn shift_chooses_from_the_anchor_in_both_directions() {
        let mut selection = Selection::default();
        selection.press(&order(), "c", None, false, false);
        selection.press(&order(), "e", Some("c"), false, true);
        assert_eq!(chosen(&selection), "cde");
        selection.press(&order(), "a", Some("e"), false, true);
        assert_eq!(chosen(&selection), "abc", "the anchor stays");
    }

    #[test]
    fn a_range_begins_at_the_cursor_when_the_anchor_is_gone() {
        let mut selection = Selection::default();
        selection.press(&order(), "x", None, false, false);
        selection.extend(&order(), "d", Some("b"));
        assert_eq!(chosen(&selection), "bcd");
        selection.extend(&order(), "nowhere", Some("b"));
        assert_eq!(chosen(&selection), "bcd", "a row that is not there changes nothing");
    }

    #[test]
    fn what_a_refresh_took_away_stays_chosen() {
        let mut selection = Selection::default();
        selection.all(&order());
        selection.press(&order()[1..], "c", Some("b"), true, false);
        assert_eq!(chosen(&selection), "abde");
    }
}
