//! Rows that stay in their places while a person points at them, whatever a refresh brings. Pure.

use std::cmp::Ordering;

use protocol::delta::Row;

/// The rows as they are now in the places where they were shown. One that is gone stays as it was last
/// seen, and what came stands behind all the others. Tells the places of those that are gone.
///
/// Costs a sort of numbers and a look at each row, and writes no key.
pub(crate) fn hold<R: Row>(shown: &[R], now: Vec<R>) -> (Vec<R>, Vec<usize>) {
    let mut by_rank: Vec<(u64, usize)> = now.iter().enumerate().map(|(at, row)| (row.rank(), at)).collect();
    by_rank.sort_unstable();
    let mut now: Vec<Option<R>> = now.into_iter().map(Some).collect();
    let mut take = |row: &R| -> Option<R> {
        let rank = row.rank();
        let first = by_rank.partition_point(|(other, _)| *other < rank);
        let alike = by_rank.get(first..)?.iter().take_while(|(other, _)| *other == rank);
        let is_same = |at: &usize| {
            now.get(*at).and_then(Option::as_ref).is_some_and(|other| other.by_rest(row) == Ordering::Equal)
        };
        let at = alike.map(|(_, at)| *at).find(is_same)?;
        now.get_mut(at)?.take()
    };
    let mut gone = Vec::new();
    let mut rows: Vec<R> = Vec::with_capacity(shown.len());
    for (at, row) in shown.iter().enumerate() {
        rows.push(take(row).unwrap_or_else(|| {
            gone.push(at);
            row.clone()
        }));
    }
    rows.extend(now.into_iter().flatten());
    (rows, gone)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::processes::{Process, ProcessRow};

    use super::*;

    fn row(pid: u32, start_ticks: u64, cpu_ms: u64) -> Arc<ProcessRow> {
        let process = Process { pid, start_ticks, cpu_ms, ..Process::default() };
        Arc::new(ProcessRow { process, ..ProcessRow::default() })
    }

    fn told(rows: &[Arc<ProcessRow>]) -> Vec<(u32, u64)> {
        rows.iter().map(|row| (row.process.pid, row.process.cpu_ms)).collect()
    }

    #[test]
    fn rows_stay_in_their_places_with_what_is_new_about_them() {
        let shown = [row(3, 0, 30), row(1, 0, 20), row(2, 0, 10)];
        let (rows, gone) = hold(&shown, vec![row(2, 0, 99), row(1, 0, 21), row(3, 0, 31)]);
        assert_eq!(told(&rows), [(3, 31), (1, 21), (2, 99)]);
        assert_eq!(gone, [] as [usize; 0]);
    }

    #[test]
    fn what_came_is_behind_and_what_is_gone_keeps_its_place() {
        let shown = [row(3, 0, 30), row(1, 0, 20), row(2, 0, 10)];
        let (rows, gone) = hold(&shown, vec![row(9, 0, 90), row(2, 0, 11), row(8, 0, 5), row(3, 0, 30)]);
        assert_eq!(told(&rows), [(3, 30), (1, 20), (2, 11), (9, 90), (8, 5)]);
        assert_eq!(gone, [1]);
        let (rows, gone) = hold(&rows, vec![row(1, 0, 25), row(3, 0, 30)]);
        assert_eq!(told(&rows)[..2], [(3, 30), (1, 25)], "what came back is in its place");
        assert_eq!(gone, [2, 3, 4]);
    }

    #[test]
    fn another_thing_under_the_same_number_is_not_the_same() {
        let (rows, gone) = hold(&[row(7, 100, 1)], vec![row(7, 200, 2)]);
        assert_eq!(told(&rows), [(7, 1), (7, 2)]);
        assert_eq!(gone, [0]);
    }

    #[test]
    fn rows_that_are_alike_are_each_taken_once() {
        let shown = [row(7, 1, 1), row(7, 1, 2)];
        let (rows, gone) = hold(&shown, vec![row(7, 1, 3)]);
        assert_eq!((told(&rows), gone), (vec![(7, 3), (7, 2)], vec![1]));
    }

    #[test]
    fn a_long_table_is_held_as_it_was() {
        let shown: Vec<_> = (0..20_000).map(|pid| row(pid, 0, 1)).collect();
        let now: Vec<_> = (1..20_001).rev().map(|pid| row(pid, 0, 2)).collect();
        let (rows, gone) = hold(&shown, now);
        assert_eq!((rows.len(), gone), (20_001, vec![0]));
        assert!(rows[1..20_000].iter().zip(1..).all(|(row, pid)| row.process.pid == pid));
        assert_eq!(rows[20_000].process.pid, 20_000);
    }
}
