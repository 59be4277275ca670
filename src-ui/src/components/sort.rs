//! Orders of a table: which column, which way, and how names and missing values compare.

use std::cmp::Ordering;

/// The column that orders a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) column: &'static str,
    pub(crate) descending: bool,
}

impl Sort {
    pub(crate) fn by(column: &'static str) -> Sort {
        Sort { column, descending: false }
    }

    /// After a press on a head: the same column turns round, another one begins with the order
    /// that is asked for most: text from A, numbers from the greatest.
    pub(crate) fn pressed(self, column: &'static str, numeric: bool) -> Sort {
        if self.column == column {
            Sort { column, descending: !self.descending }
        } else {
            Sort { column, descending: numeric }
        }
    }

    /// Turns an order round if this one is descending.
    pub(crate) fn turn(self, order: Ordering) -> Ordering {
        if self.descending { order.reverse() } else { order }
    }

    /// Compares values of which some are missing; the missing ones are last both ways.
    pub(crate) fn missing_last<T>(
        self,
        a: Option<T>,
        b: Option<T>,
        compare: impl Fn(&T, &T) -> Ordering,
    ) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) => self.turn(compare(&a, &b)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

/// Compares as people number things: `web-2` before `web-10`, case does not count.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars().peekable(), b.chars().peekable());
    loop {
        let order = match (a.peek().copied(), b.peek().copied()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (digits(&mut a), digits(&mut b));
                x.len().cmp(&y.len()).then_with(|| x.cmp(&y))
            }
            (Some(x), Some(y)) => {
                a.next();
                b.next();
                x.to_lowercase().cmp(y.to_lowercase())
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A run of digits without leading zeros; of any length, so no number is too large.
fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut out = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        if !(out.is_empty() && digit == '0') {
            out.push(digit);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_number_them() {
        let mut names = ["web-10", "Web-2", "db-1", "web-1", "web-010b", "web-99999999999999999999999"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["db-1", "web-1", "Web-2", "web-10", "web-010b", "web-99999999999999999999999"]);
    }

    #[test]
    fn what_is_missing_is_last_both_ways() {
        for descending in [false, true] {
            let sort = Sort { column: "cpu", descending };
            let mut values = [None, Some(2.0), Some(1.0)];
            values.sort_by(|a, b| sort.missing_last(*a, *b, |a: &f64, b: &f64| a.total_cmp(b)));
            assert_eq!(values[2], None, "descending {descending}");
        }
    }

    #[test]
    fn a_second_press_turns_the_order_and_numbers_begin_with_the_greatest() {
        let sort = Sort::by("name").pressed("name", false);
        assert!(sort.descending);
        assert!(sort.pressed("cpu", true).descending);
        assert!(!sort.pressed("address", false).descending);
    }
}
