//! The receiver's side: the table as it was said, or the knowledge that a line is missing.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::{Changing, Delta, News, ROWS_LIMIT, Row, TABLE_LIMIT_BYTES, Table, settle};

/// What a line did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The table is the sender's, as of this line.
    Current,
    /// The line, or a later one, was seen before: nothing changed.
    Repeated,
    /// A line before this one is missing, or this one does not fit to what was said: the table
    /// stays as it was, until a whole comes.
    Torn,
}

/// A table that is received.
#[derive(Clone, Debug)]
pub struct Kept<T: Table> {
    generation: u32,
    /// Number of the newest line that was seen.
    seq: u64,
    is_begun: bool,
    is_current: bool,
    next_id: u32,
    /// Numbers of the rows, in their order.
    ids: Vec<u32>,
    /// Numbers of rows that the sender has and for which there is no room.
    cut: HashSet<u32>,
    table: T,
    limit_bytes: usize,
}

impl<T: Table> Default for Kept<T> {
    fn default() -> Self {
        Self::within(TABLE_LIMIT_BYTES)
    }
}

impl<T: Table> Kept<T> {
    /// A table whose rows take so much memory at most.
    pub fn within(limit_bytes: usize) -> Self {
        Self {
            generation: 0,
            seq: 0,
            is_begun: false,
            is_current: false,
            next_id: 0,
            ids: Vec::new(),
            cut: HashSet::new(),
            table: T::default(),
            limit_bytes,
        }
    }

    /// The table as of the last line that could be applied; rows that were cut are counted in it.
    pub fn table(&self) -> &T {
        &self.table
    }

    /// True once a whole was taken.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// False before the first whole, and while lines are missing.
    pub fn is_current(&self) -> bool {
        self.is_current
    }

    /// Number of the newest line that was seen.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Rows that come from now on have this number or a higher one, until a whole comes.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// The rows in their order, each with its number.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &T::Row)> {
        self.ids.iter().copied().zip(self.table.rows())
    }

    /// Takes the line with this number; the lines of a subscription count from 1.
    pub fn take(&mut self, seq: u64, news: News<T>) -> Taken {
        self.take_in_order(seq, news, T::Row::by_place)
    }

    /// The same, with the rows in an order that is not the table's own.
    pub fn take_in_order(
        &mut self,
        seq: u64,
        news: News<T>,
        order: impl Fn(&T::Row, &T::Row) -> Ordering,
    ) -> Taken {
        if seq <= self.seq {
            return Taken::Repeated;
        }
        let follows = seq == self.seq + 1;
        self.seq = seq;
        self.is_current = match news {
            News::Whole { generation, table } => self.begin(generation, table, order),
            News::Delta(delta) => self.is_current && follows && self.apply(*delta, order),
        };
        if self.is_current { Taken::Current } else { Taken::Torn }
    }

    fn begin(&mut self, generation: u32, table: T, order: impl Fn(&T::Row, &T::Row) -> Ordering) -> bool {
        let Ok(count) = u32::try_from(table.rows().len()) else { return false };
        self.is_begun = true;
        self.generation = generation;
        self.next_id = count;
        self.ids = (0..count).collect();
        self.cut.clear();
        self.table = table;
        self.arrange(Vec::new(), order);
        true
    }

    /// False if the line does not fit; then nothing is changed.
    fn apply(&mut self, delta: Delta<T>, order: impl Fn(&T::Row, &T::Row) -> Ordering) -> bool {
        let Delta { generation, head, rows, added, changed, gone } = delta;
        let (changes, removals) = (changed.len(), gone.len());
        let mut changed: HashMap<u32, _> = changed.into_iter().collect();
        let gone: HashSet<u32> = gone.into_iter().collect();
        let known = self.ids.iter().chain(&self.cut);
        let (mut found_changed, mut found_gone) = (0, 0);
        for id in known {
            found_changed += usize::from(changed.contains_key(id) && !gone.contains(id));
            found_gone += usize::from(gone.contains(id));
        }
        let count = self.ids.len() + self.cut.len() + added.len();
        let next_id = u32::try_from(added.len()).ok().and_then(|added| self.next_id.checked_add(added));
        let Some(next_id) = next_id else { return false };
        let fits = generation == self.generation
            && (found_changed, found_gone) == (changes, removals)
            && count - found_gone == rows as usize
            && rows as usize <= ROWS_LIMIT;
        if !fits {
            return false;
        }
        self.cut.retain(|id| !gone.contains(id));
        let before = std::mem::replace(&mut self.table, head);
        let mut kept = before;
        let old = std::mem::take(kept.rows_mut());
        let ids = std::mem::take(&mut self.ids);
        let mut left = Vec::with_capacity(rows as usize);
        for (id, mut row) in ids.into_iter().zip(old) {
            if gone.contains(&id) {
                continue;
            }
            if let Some(change) = changed.remove(&id) {
                row.change(change);
            }
            left.push((id, row));
        }
        left.extend((self.next_id..).zip(added));
        self.next_id = next_id;
        self.table.rows_mut().clear();
        self.arrange(left, order);
        true
    }

    /// Puts the rows in their order, and cuts those for which there is no room.
    fn arrange(&mut self, mut rows: Vec<(u32, T::Row)>, order: impl Fn(&T::Row, &T::Row) -> Ordering) {
        let ids = std::mem::take(&mut self.ids);
        rows.extend(ids.into_iter().zip(std::mem::take(self.table.rows_mut())));
        let mut room = self.limit_bytes;
        rows.retain(|(id, row)| match room.checked_sub(size_of::<T::Row>() + row.text_bytes()) {
            Some(rest) => {
                room = rest;
                true
            }
            None => {
                self.cut.insert(*id);
                false
            }
        });
        settle(&mut rows, |(_, a), (_, b)| order(a, b));
        (self.ids, *self.table.rows_mut()) = rows.into_iter().unzip();
        self.table.leave_out(u32::try_from(self.cut.len()).unwrap_or(u32::MAX));
    }
}
