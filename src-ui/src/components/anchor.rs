//! How far the rows in sight moved by a refresh, so that the view can move with them. Pure.

use super::place::around;

/// A row that went farther is not followed: that is the way of one row and not of the table.
const REACH: usize = 2_000;

/// How many places the rows moved that were in sight, from place `first` on: what most of them did. A row
/// of them that went to the top alone takes nobody with it.
///
/// Looks at rows near the place until more than half are found, and writes no other keys.
pub(crate) fn moved(first: usize, seen: &[String], count: usize, key: impl Fn(usize) -> String) -> isize {
    let near = around(count, first).take_while(|at| at.abs_diff(first) <= REACH + seen.len());
    let mut shifts: Vec<isize> = Vec::with_capacity(seen.len());
    for at in near {
        if shifts.len() > seen.len() / 2 {
            break;
        }
        let key = key(at);
        if let Some(nth) = seen.iter().position(|one| *one == key) {
            shifts.push(at.cast_signed() - (first + nth).cast_signed());
        }
    }
    shifts.sort_unstable();
    shifts.get(shifts.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn keys(rows: impl IntoIterator<Item = u32>) -> Vec<String> {
        rows.into_iter().map(|row| row.to_string()).collect()
    }

    fn moved_in(first: usize, seen: &[String], rows: &[String]) -> isize {
        moved(first, seen, rows.len(), |at| rows[at].clone())
    }

    #[test]
    fn rows_that_came_above_are_counted_and_those_that_went_too() {
        let before = keys(0..200);
        let seen = &before[100..120];
        assert_eq!(moved_in(100, seen, &before), 0);
        assert_eq!(moved_in(100, seen, &keys((900..903).chain(0..200))), 3);
        assert_eq!(moved_in(100, seen, &keys(40..200)), -40);
    }

    #[test]
    fn a_row_that_went_its_own_way_takes_nobody_with_it() {
        let seen = keys(100..120);
        let rows = keys([100].into_iter().chain(0..100).chain(101..200));
        assert_eq!(moved_in(100, &seen, &rows), 0, "the first in sight went to the top");
        let rows = keys((0..100).chain(105..200));
        assert_eq!(moved_in(100, &seen, &rows), -5, "the first five ended");
    }

    #[test]
    fn rows_of_which_none_is_left_move_nothing() {
        assert_eq!(moved_in(3, &keys(10..20), &keys(50..90)), 0);
        assert_eq!(moved_in(3, &keys(10..20), &[]), 0);
        assert_eq!(moved_in(3, &[], &keys(0..9)), 0);
    }

    #[test]
    fn a_refresh_of_a_long_table_costs_a_screenful_of_keys() {
        let written = Cell::new(0);
        let seen = keys(10_000..10_030);
        let key = |at: usize| {
            written.set(written.get() + 1);
            (at + 2).to_string()
        };
        assert_eq!(moved(10_000, &seen, 20_000, key), -2);
        assert!(written.get() < 100, "{} keys", written.get());
    }
}
