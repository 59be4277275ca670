//! Which short notices stand in the corner of the window, and for how long. Pure.

/// How long a notice stands while nobody looks at it.
pub(crate) const STANDS_MS: i64 = 6_000;
/// More of them at once would be a list that nobody reads.
pub(crate) const MOST: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToastKind {
    /// It ended well.
    Done,
    /// It did not, and no place on the page says so.
    Alert,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toast {
    pub(crate) kind: ToastKind,
    /// Both are safe to show.
    pub(crate) title: String,
    pub(crate) text: String,
    /// The code of a fault as on the wire, for tests.
    pub(crate) code: Option<String>,
    /// Where more is told: the path of the page, and what the way there is called.
    pub(crate) way: Option<(&'static str, String)>,
}

/// A notice that stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnShelf {
    pub(crate) id: u64,
    pub(crate) toast: Toast,
    until_ms: i64,
}

/// The notices, the newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    standing: Vec<OnShelf>,
    next_id: u64,
    is_held: bool,
}

impl Shelf {
    pub(crate) fn standing(&self) -> &[OnShelf] {
        &self.standing
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }

    pub(crate) fn newest(&self) -> Option<u64> {
        self.standing.last().map(|last| last.id)
    }

    /// Adds one. The same words take the place of those that stand there already; where there is no
    /// room, the oldest that ended well makes it, and a fault only for want of such.
    pub(crate) fn put(&mut self, toast: Toast, now_ms: i64) {
        self.standing.retain(|old| old.toast != toast);
        while self.standing.len() >= MOST {
            let well = self.standing.iter().position(|old| old.toast.kind == ToastKind::Done);
            self.standing.remove(well.unwrap_or(0));
        }
        self.standing.push(OnShelf { id: self.next_id, toast, until_ms: now_ms + STANDS_MS });
        self.next_id += 1;
    }

    pub(crate) fn take_down(&mut self, id: u64) {
        self.standing.retain(|old| old.id != id);
    }

    pub(crate) fn clear(&mut self) {
        self.standing.clear();
        self.is_held = false;
    }

    /// While somebody looks at one of them none goes: those below would move under the pointer.
    /// When nobody does any more, the time of each begins anew.
    pub(crate) fn hold(&mut self, is_held: bool, now_ms: i64) {
        if self.is_held && !is_held {
            for one in &mut self.standing {
                one.until_ms = now_ms + STANDS_MS;
            }
        }
        self.is_held = is_held;
    }

    /// When the next one goes by itself.
    pub(crate) fn next_end_ms(&self) -> Option<i64> {
        let ends = self.standing.iter().map(|one| one.until_ms);
        ends.min().filter(|_| !self.is_held)
    }

    /// Takes down what has stood long enough.
    pub(crate) fn tire(&mut self, now_ms: i64) {
        if !self.is_held {
            self.standing.retain(|one| one.until_ms > now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toast(kind: ToastKind, title: &str) -> Toast {
        Toast { kind, title: title.into(), text: String::new(), code: None, way: None }
    }

    fn shelf(toasts: &[(ToastKind, &str)]) -> Shelf {
        let mut shelf = Shelf::default();
        for (at, (kind, title)) in toasts.iter().enumerate() {
            shelf.put(toast(*kind, title), at as i64 * 1_000);
        }
        shelf
    }

    fn titles(shelf: &Shelf) -> String {
        shelf.standing().iter().map(|one| one.toast.title.as_str()).collect()
    }

    use ToastKind::{Alert, Done};

    #[test]
    fn a_notice_goes_after_six_seconds_and_the_newest_stands_last() {
        let mut shelf = shelf(&[(Done, "a"), (Done, "b")]);
        assert_eq!(titles(&shelf), "ab");
        assert_eq!(shelf.next_end_ms(), Some(6_000));
        shelf.tire(5_999);
        assert_eq!(titles(&shelf), "ab");
        shelf.tire(6_000);
        assert_eq!(titles(&shelf), "b");
        shelf.tire(7_000);
        assert!(shelf.is_empty());
        assert_eq!(shelf.next_end_ms(), None);
    }

    #[test]
    fn there_are_never_more_than_three_and_a_fault_outlasts_what_ended_well() {
        let mut shelf = shelf(&[(Alert, "a"), (Done, "b"), (Done, "c"), (Done, "d")]);
        assert_eq!(titles(&shelf), "acd");
        shelf.put(toast(Alert, "e"), 4_000);
        shelf.put(toast(Alert, "f"), 4_000);
        assert_eq!(titles(&shelf), "aef");
        shelf.put(toast(Done, "g"), 4_000);
        assert_eq!(titles(&shelf), "efg", "among faults alone the oldest makes room");
    }

    #[test]
    fn the_same_words_are_said_once_and_their_time_begins_anew() {
        let mut shelf = shelf(&[(Done, "a"), (Done, "b"), (Done, "a")]);
        assert_eq!(titles(&shelf), "ba");
        shelf.tire(7_500);
        assert_eq!(titles(&shelf), "a");
    }

    #[test]
    fn nothing_goes_while_it_is_looked_at_and_then_all_have_their_whole_time() {
        let mut shelf = shelf(&[(Done, "a"), (Done, "b")]);
        shelf.hold(true, 2_000);
        assert_eq!(shelf.next_end_ms(), None);
        shelf.tire(60_000);
        assert_eq!(titles(&shelf), "ab");
        shelf.hold(false, 60_000);
        assert_eq!(shelf.next_end_ms(), Some(66_000));
        shelf.hold(false, 61_000);
        assert_eq!(shelf.next_end_ms(), Some(66_000), "letting go twice gives no more time");
    }

    #[test]
    fn one_that_is_taken_down_leaves_the_others() {
        let mut shelf = shelf(&[(Done, "a"), (Alert, "b")]);
        let newest = shelf.newest().unwrap();
        shelf.take_down(newest);
        assert_eq!(titles(&shelf), "a");
        shelf.put(toast(Done, "c"), 0);
        assert_ne!(shelf.newest(), Some(newest), "a number is not given again");
    }
}
