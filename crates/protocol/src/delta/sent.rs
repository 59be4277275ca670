//! The sender's side: what was said last, and what to say next.

use std::cmp::Ordering;

use super::{Changing, Delta, News, Row, Table};

/// What is remembered of a row: the row itself, or something shorter that it can be made of.
pub trait Source<R: Row>: PartialEq {
    /// As of the row.
    fn rank(&self) -> u64;
    /// As of the row.
    fn by_rest(&self, other: &Self) -> Ordering;
    fn to_row(&self) -> R;
}

impl<R: Row> Source<R> for R {
    fn rank(&self) -> u64 {
        Row::rank(self)
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        Row::by_rest(self, other)
    }

    fn to_row(&self) -> R {
        self.clone()
    }
}

/// What a subscriber was sent. Lines that were never sent do not count: the next one says what
/// changed since the last that was.
#[derive(Debug)]
pub struct Sent<T: Table, S: Source<T::Row> = <T as Table>::Row> {
    generation: u32,
    /// The next line is a whole.
    anew: bool,
    next_id: u32,
    rows: Vec<S>,
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

impl<T: Table, S: Source<T::Row>> Default for Sent<T, S> {
    fn default() -> Self {
        let (rows, marks, head) = (Vec::new(), Vec::new(), T::default());
        Self { generation: 0, anew: true, next_id: 0, rows, marks, head, rows_limit: usize::MAX }
    }
}

impl<T: Table> Sent<T> {
    /// The next line, which must be sent.
    pub fn news(&mut self, mut table: T) -> News<T> {
        let rows = std::mem::take(table.rows_mut());
        self.news_of(table, rows)
    }
}

impl<T: Table, S: Source<T::Row>> Sent<T, S> {
    /// Makes the next line a whole.
    pub fn renew(&mut self) {
        self.anew = true;
    }

    /// The next line, which must be sent: a table without its rows, and what they are made of.
    pub fn news_of(&mut self, mut head: T, mut rows: Vec<S>) -> News<T> {
        let over = rows.len().saturating_sub(self.rows_limit);
        if over > 0 {
            rows.truncate(self.rows_limit);
            head.leave_out(u32::try_from(over).unwrap_or(u32::MAX));
        }
        let free = (u32::MAX - self.next_id) as usize;
        if self.anew || rows.len() > free {
            return self.whole(head, rows);
        }
        self.head = head.clone();
        let mut delta = Delta {
            generation: self.generation,
            head,
            rows: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            added: Vec::new(),
            changed: Vec::new(),
            gone: Vec::new(),
        };
        let mut marks = marks_of::<T::Row, S>(&rows);
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
                        delta.changed.push((mark.id, old.to_row().change_to(&row.to_row())));
                    }
                }
                None => {
                    mark.id = self.next_id;
                    self.next_id += 1;
                    delta.added.push(row.to_row());
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
        let mut made: Vec<(T::Row, S)> =
            std::mem::take(&mut self.rows).into_iter().map(|row| (row.to_row(), row)).collect();
        made.sort_by(|(a, _), (b, _)| a.by_place(b));
        let mut head = self.head.clone();
        let over = made.len().saturating_sub(rows);
        if over > 0 {
            head.leave_out(u32::try_from(over).unwrap_or(u32::MAX));
        }
        let kept = made.into_iter().take(rows).map(|(_, row)| row).collect();
        self.whole(head, kept)
    }

    fn whole(&mut self, head: T, rows: Vec<S>) -> News<T> {
        self.anew = false;
        self.generation = self.generation.wrapping_add(1);
        self.next_id = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.marks = marks_of::<T::Row, S>(&rows);
        let mut table = head.clone();
        *table.rows_mut() = rows.iter().map(Source::to_row).collect();
        (self.rows, self.head) = (rows, head);
        News::Whole { generation: self.generation, table }
    }
}

/// The rows by identity, each called by its place.
fn marks_of<R: Row, S: Source<R>>(rows: &[S]) -> Vec<Mark> {
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
