//! The sender's side: what was said last, and what to say next.

use std::cmp::Ordering;

use super::{Changing, Delta, News, Row, Table};

/// What a subscriber was sent. Lines that were never sent do not count: the next one says what
/// changed since the last that was.
#[derive(Debug)]
pub struct Sent<T: Table> {
    generation: u32,
    /// The next line is a whole.
    anew: bool,
    next_id: u32,
    /// By identity.
    rows: Vec<(u32, T::Row)>,
    head: T,
    rows_limit: usize,
}

impl<T: Table> Default for Sent<T> {
    fn default() -> Self {
        let (rows, head) = (Vec::new(), T::default());
        Self { generation: 0, anew: true, next_id: 0, rows, head, rows_limit: usize::MAX }
    }
}

impl<T: Table> Sent<T> {
    /// Makes the next line a whole.
    pub fn renew(&mut self) {
        self.anew = true;
    }

    /// The next line, which must be sent.
    pub fn news(&mut self, mut table: T) -> News<T> {
        table.cut_to(self.rows_limit);
        let free = (u32::MAX - self.next_id) as usize;
        if self.anew || table.rows().len() > free {
            return self.whole(table);
        }
        let rows = std::mem::take(table.rows_mut());
        self.head = table.clone();
        let mut delta = Delta {
            generation: self.generation,
            head: table,
            rows: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            added: Vec::new(),
            changed: Vec::new(),
            gone: Vec::new(),
        };
        let mut now = Vec::with_capacity(rows.len());
        let mut before = std::mem::take(&mut self.rows).into_iter().peekable();
        for row in in_order(rows) {
            while let Some((gone, _)) = before.next_if(|(_, old)| old.by_identity(&row) == Ordering::Less) {
                delta.gone.push(gone);
            }
            match before.next_if(|(_, old)| old.by_identity(&row) == Ordering::Equal) {
                Some((id, old)) => {
                    if old != row {
                        delta.changed.push((id, old.change_to(&row)));
                    }
                    now.push((id, row));
                }
                None => {
                    delta.added.push(row.clone());
                    now.push((self.next_id, row));
                    self.next_id += 1;
                }
            }
        }
        delta.gone.extend(before.map(|(id, _)| id));
        self.rows = now;
        News::Delta(Box::new(delta))
    }

    /// In the place of a line that was too long: the whole, with at most so many rows, from now on if
    /// there are more.
    pub fn cut(&mut self, rows: usize) -> News<T> {
        if rows < self.rows.len() {
            self.rows_limit = rows;
        }
        let mut table = self.head.clone();
        table.rows_mut().extend(std::mem::take(&mut self.rows).into_iter().map(|(_, row)| row));
        table.rows_mut().sort_by(Row::by_place);
        table.cut_to(rows);
        self.whole(table)
    }

    fn whole(&mut self, table: T) -> News<T> {
        self.anew = false;
        self.generation = self.generation.wrapping_add(1);
        self.next_id = u32::try_from(table.rows().len()).unwrap_or(u32::MAX);
        let mut rows: Vec<(u32, T::Row)> = (0..).zip(table.rows().iter().cloned()).collect();
        rows.sort_by(|(_, a), (_, b)| a.by_identity(b));
        self.rows = rows;
        self.head = table.clone();
        self.head.rows_mut().clear();
        News::Whole { generation: self.generation, table }
    }
}

/// The rows by identity. Rows are large: their places are sorted, and each is moved once.
fn in_order<R: Row>(rows: Vec<R>) -> impl Iterator<Item = R> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by(|&a, &b| match (rows.get(a), rows.get(b)) {
        (Some(a), Some(b)) => a.by_identity(b),
        _ => Ordering::Equal,
    });
    let mut rows: Vec<Option<R>> = rows.into_iter().map(Some).collect();
    places.into_iter().filter_map(move |at| rows.get_mut(at).and_then(Option::take))
}
