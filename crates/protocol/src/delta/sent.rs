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
    rows: Vec<T::Row>,
    /// Of each row, by identity.
    marks: Vec<Mark>,
    head: T,
    rows_limit: usize,
}

/// Where a row is and how it is called. Rows are large and never moved.
#[derive(Clone, Copy, Debug)]
struct Mark {
    rank: u64,
    place: u32,
    id: u32,
}

impl<T: Table> Default for Sent<T> {
    fn default() -> Self {
        let (rows, marks, head) = (Vec::new(), Vec::new(), T::default());
        Self { generation: 0, anew: true, next_id: 0, rows, marks, head, rows_limit: usize::MAX }
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
        let mut marks = marks_of(&rows);
        let mut before = self.marks.iter().peekable();
        for mark in &mut marks {
            let Some(row) = rows.get(mark.place as usize) else { continue };
            let order = |old: &Mark| {
                old.rank.cmp(&mark.rank).then_with(|| match self.rows.get(old.place as usize) {
                    Some(old) => old.by_rest(row),
                    None => Ordering::Less,
                })
            };
            let same = loop {
                match before.peek().map(|old| order(old)) {
                    Some(Ordering::Less) => delta.gone.extend(before.next().map(|gone| gone.id)),
                    Some(Ordering::Equal) => break before.next(),
                    Some(Ordering::Greater) | None => break None,
                }
            };
            match same {
                Some(old) => {
                    mark.id = old.id;
                    if let Some(old) = self.rows.get(old.place as usize).filter(|old| *old != row) {
                        delta.changed.push((mark.id, old.change_to(row)));
                    }
                }
                None => {
                    mark.id = self.next_id;
                    self.next_id += 1;
                    delta.added.push(row.clone());
                }
            }
        }
        delta.gone.extend(before.map(|old| old.id));
        (self.rows, self.marks) = (rows, marks);
        News::Delta(Box::new(delta))
    }

    /// In the place of a line that was too long: the whole, with at most so many rows, from now on if
    /// there are more.
    pub fn cut(&mut self, rows: usize) -> News<T> {
        if rows < self.rows.len() {
            self.rows_limit = rows;
        }
        let mut table = self.head.clone();
        *table.rows_mut() = std::mem::take(&mut self.rows);
        table.rows_mut().sort_by(Row::by_place);
        table.cut_to(rows);
        self.whole(table)
    }

    fn whole(&mut self, mut table: T) -> News<T> {
        self.anew = false;
        self.generation = self.generation.wrapping_add(1);
        self.next_id = u32::try_from(table.rows().len()).unwrap_or(u32::MAX);
        self.rows.clone_from(table.rows());
        self.marks = marks_of(&self.rows);
        let rows = std::mem::take(table.rows_mut());
        self.head = table.clone();
        *table.rows_mut() = rows;
        News::Whole { generation: self.generation, table }
    }
}

/// The rows by identity, each called by its place.
fn marks_of<R: Row>(rows: &[R]) -> Vec<Mark> {
    let mut marks: Vec<Mark> =
        (0..).zip(rows).map(|(place, row)| Mark { rank: row.rank(), place, id: place }).collect();
    // Most have a rank of their own, so that the rows themselves are hardly looked at.
    marks.sort_unstable_by(|a, b| {
        let rest = || match (rows.get(a.place as usize), rows.get(b.place as usize)) {
            (Some(one), Some(other)) => one.by_rest(other).then(a.place.cmp(&b.place)),
            _ => Ordering::Equal,
        };
        a.rank.cmp(&b.rank).then_with(rest)
    });
    marks
}
