//! The order of rows that were in it a moment ago.

use std::cmp::Ordering;

/// Sorts rows of which most are in their places already: what stands out of place is taken out, sorted by
/// itself and put back. Costs about one comparison for each row, and no more than a full sort where few
/// are in place. Equal rows stay as they stood, but for those that were taken out: these come behind.
pub fn settle<R>(rows: &mut Vec<R>, order: impl Fn(&R, &R) -> Ordering) {
    if rows.is_sorted_by(|a, b| order(a, b) != Ordering::Greater) {
        return;
    }
    let all = rows.len();
    let mut placed: Vec<R> = Vec::with_capacity(all);
    let mut taken: Vec<R> = Vec::new();
    for row in rows.drain(..) {
        let fits = |last: Option<&R>| last.is_none_or(|last| order(last, &row) != Ordering::Greater);
        if !fits(placed.last()) {
            // One of the two is out of place: the one before, if this one follows what is before it.
            let before = placed.len().checked_sub(2).and_then(|at| placed.get(at));
            if !fits(before) {
                taken.push(row);
                continue;
            }
            taken.extend(placed.pop());
        }
        placed.push(row);
    }
    if taken.len() > all / 4 {
        placed.append(&mut taken);
        placed.sort_by(&order);
        *rows = placed;
        return;
    }
    taken.sort_by(&order);
    let mut taken = taken.into_iter().peekable();
    for row in placed {
        while let Some(before) = taken.next_if(|before| order(before, &row) == Ordering::Less) {
            rows.push(before);
        }
        rows.push(row);
    }
    rows.extend(taken);
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_in_order_and_none_is_lost(mut rows: Vec<u16>) {
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            settle(&mut rows, Ord::cmp);
            prop_assert_eq!(rows, sorted);
        }

        #[test]
        fn so_are_those_of_which_a_few_moved(moves: Vec<(u16, u16)>) {
            let mut rows: Vec<u32> = (0..2_000).collect();
            for (from, to) in moves {
                rows[usize::from(from) % 2_000] = u32::from(to);
            }
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            settle(&mut rows, Ord::cmp);
            prop_assert_eq!(rows, sorted);
        }
    }

    /// How often two of 20,000 rows are compared after so many of them changed their place.
    fn compared(moved: usize) -> usize {
        let mut rows: Vec<u32> = (0..20_000).collect();
        for at in 0..moved {
            rows[at * 20_000 / moved] = (at as u32).wrapping_mul(7_919) % 20_000;
        }
        let count = Cell::new(0);
        settle(&mut rows, |a, b| {
            count.set(count.get() + 1);
            a.cmp(b)
        });
        assert!(rows.is_sorted());
        count.get()
    }

    #[test]
    fn a_few_that_moved_cost_about_one_look_at_each() {
        assert!(compared(0) < 20_000);
        let few = compared(200);
        assert!(few < 80_000, "{few}: a full sort takes about 280,000");
        let all = compared(20_000);
        assert!(all < 400_000, "{all}");
    }
}
