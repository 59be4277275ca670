//! Where a row stands among many, by where it stood a moment ago: a key is written for the few rows that
//! are looked at, and not for each of 20,000. Pure.

/// Where the row that has the keyboard stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// No row has the keyboard.
    Nowhere,
    At(usize),
    /// It stood here last and is not in the table any more.
    Gone(usize),
}

impl Place {
    pub(crate) fn at(self) -> Option<usize> {
        match self {
            Self::At(at) => Some(at),
            Self::Nowhere | Self::Gone(_) => None,
        }
    }
}

/// Finds a row, looking from `near` to both sides.
pub(crate) fn locate(count: usize, near: usize, is: impl Fn(usize) -> bool) -> Option<usize> {
    let near = near.min(count.checked_sub(1)?);
    around(count, near).find(|at| is(*at))
}

/// All places, the nearest first.
pub(crate) fn around(count: usize, near: usize) -> impl Iterator<Item = usize> {
    let beside = move |by: usize| {
        let below = near.checked_add(by).filter(|at| *at < count);
        let above = near.checked_sub(by).filter(|at| *at < count && by > 0);
        below.into_iter().chain(above)
    };
    (0..count.max(near.saturating_add(1))).flat_map(beside)
}

/// Where so many steps lead to.
pub(crate) fn step(count: usize, from: Place, by: isize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(match from {
        Place::At(at) => at.saturating_add_signed(by).min(last),
        // What followed the row that is gone stands in its place: that is the first step down.
        Place::Gone(at) if by > 0 => at.saturating_add_signed(by - 1).min(last),
        Place::Gone(at) => at.saturating_add_signed(by).min(last),
        // Down and the first from the top, up and the last from the end.
        Place::Nowhere if by == isize::MIN || (0..isize::MAX).contains(&by) => 0,
        Place::Nowhere => last,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_row_that_hardly_moved_costs_a_few_looks_however_long_the_table_is() {
        let looks = Cell::new(0);
        let is = |wanted: usize| {
            let looks = &looks;
            move |at: usize| {
                looks.set(looks.get() + 1);
                at == wanted
            }
        };
        assert_eq!(locate(20_000, 12_000, is(12_003)), Some(12_003));
        assert!(looks.get() < 10, "{} looks", looks.get());
        assert_eq!(locate(20_000, 12_000, is(0)), Some(0), "and a row that went far is found too");
        assert_eq!(locate(20_000, 90_000, is(19_999)), Some(19_999), "also where the table was longer");
    }

    #[test]
    fn each_place_is_looked_at_once_and_a_row_that_is_gone_is_not_found() {
        for (count, near) in [(0, 0), (1, 0), (5, 0), (5, 2), (5, 4), (5, 9)] {
            let mut places: Vec<usize> = around(count, near).collect();
            places.sort_unstable();
            assert_eq!(places, (0..count).collect::<Vec<_>>(), "{count} rows, near {near}");
        }
        assert_eq!(locate(5, 2, |_| false), None);
        assert_eq!(locate(0, 0, |_| true), None);
    }

    #[test]
    fn steps_end_at_the_edges() {
        assert_eq!(step(5, Place::At(1), 1), Some(2));
        assert_eq!(step(5, Place::At(1), -9), Some(0));
        assert_eq!(step(5, Place::At(1), isize::MAX), Some(4));
        assert_eq!(step(5, Place::At(4), isize::MIN), Some(0));
        assert_eq!(step(0, Place::At(0), 1), None);
    }

    #[test]
    fn without_a_row_down_begins_at_the_top_and_up_at_the_end() {
        assert_eq!(step(5, Place::Nowhere, 1), Some(0));
        assert_eq!(step(5, Place::Nowhere, isize::MIN), Some(0));
        assert_eq!(step(5, Place::Nowhere, -1), Some(4));
        assert_eq!(step(5, Place::Nowhere, isize::MAX), Some(4));
    }

    #[test]
    fn a_row_that_vanished_leaves_the_keyboard_where_it_stood() {
        assert_eq!(step(5, Place::Gone(2), 1), Some(2), "the row that moved up to its place");
        assert_eq!(step(5, Place::Gone(2), -1), Some(1));
        assert_eq!(step(2, Place::Gone(7), 1), Some(1));
        assert_eq!(step(5, Place::Gone(2), isize::MIN), Some(0));
    }
}
