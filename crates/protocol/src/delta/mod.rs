//! delta: a table that is sent once, and then by what changed in it.
//!
//! The sender (`Sent`) remembers what it sent last. It says the whole table first, and from then on
//! the rows that were added, the fields that changed and the rows that are gone. A row is named by a
//! number: its place in the whole, and for later ones the next that is free. The receiver (`Kept`)
//! applies the lines in their order and tells at once when one is missing, doubled or late; a whole
//! that it asks for mends it. So what it shows was the table of the sender at some moment, or is
//! known not to be: never something in between. What a host may take of the memory has a limit, and
//! what is cut is counted.
//!
//! Pure: no time, no waiting. `changes!` makes the fields of a row known here; it names all of them,
//! so a row with a new field does not compile until it is listed.

mod kept;
mod sent;
mod settle;
#[cfg(test)]
mod tests;
mod view;

use std::cmp::Ordering;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use kept::{Kept, Taken};
pub use sent::{Sent, Source};
pub use settle::settle;
pub use view::{Seen, ViewNews};

/// No line has more rows, and no table either. A helper sends fewer; a reader refuses the line
/// rather than to give it its memory.
pub const ROWS_LIMIT: usize = 65_536;
/// What the rows of one table may take of the reader's memory; the others are cut and counted.
pub const TABLE_LIMIT_BYTES: usize = 32 << 20;

/// A row whose changed fields can be told alone. Made by `changes!`.
pub trait Changing {
    type Change: Clone + Debug + PartialEq + Serialize + DeserializeOwned;

    /// What must change to make it `new`.
    fn change_to(&self, new: &Self) -> Self::Change;
    fn change(&mut self, change: Self::Change);
}

/// One thing of a table.
pub trait Row: Changing + Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// A number that the same thing has at two moments, different for most others.
    fn rank(&self) -> u64;
    /// Among those of one rank, `Equal` for the same thing at two moments, whatever changed about it.
    fn by_rest(&self, other: &Self) -> Ordering;
    /// The order in which a table shows its rows.
    fn by_place(&self, other: &Self) -> Ordering;
    /// Bytes of all its texts.
    fn text_bytes(&self) -> usize;
}

/// A row that several hold: a copy of the table costs a number for each, and one that changes is copied
/// first where another still shows it as it was.
impl<R: Changing + Clone> Changing for Arc<R> {
    type Change = R::Change;

    fn change_to(&self, new: &Self) -> Self::Change {
        (**self).change_to(new)
    }

    fn change(&mut self, change: Self::Change) {
        Arc::make_mut(self).change(change);
    }
}

impl<R: Row> Row for Arc<R> {
    fn rank(&self) -> u64 {
        Row::rank(&**self)
    }

    fn by_rest(&self, other: &Self) -> Ordering {
        Row::by_rest(&**self, other)
    }

    fn by_place(&self, other: &Self) -> Ordering {
        (**self).by_place(other)
    }

    fn text_bytes(&self) -> usize {
        size_of::<R>() + (**self).text_bytes()
    }
}

/// Rows with a head: when they were read, and what could not be.
pub trait Table: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned {
    type Row: Row;

    fn rows(&self) -> &Vec<Self::Row>;
    fn rows_mut(&mut self) -> &mut Vec<Self::Row>;
    /// Counts rows that were cut.
    fn leave_out(&mut self, rows: u32);

    /// Keeps that many rows, the first ones, and counts the others.
    fn cut_to(&mut self, rows: usize) {
        let over = self.rows().len().saturating_sub(rows);
        if over > 0 {
            self.rows_mut().truncate(rows);
            self.leave_out(u32::try_from(over).unwrap_or(u32::MAX));
        }
    }
}

/// One line of a subscription to a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", bound = "")]
pub enum News<T: Table> {
    /// All of it. Its rows have the numbers 0, 1, 2, ...
    Whole { generation: u32, table: T },
    /// What changed since the line before.
    Delta(Box<Delta<T>>),
}

impl<T: Table> News<T> {
    /// True if a row may be other than the line before told.
    pub fn has_rows(&self) -> bool {
        match self {
            Self::Whole { .. } => true,
            Self::Delta(delta) => {
                !(delta.added.is_empty() && delta.changed.is_empty() && delta.gone.is_empty())
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Delta<T: Table> {
    /// Of the whole that it belongs to.
    pub generation: u32,
    /// The table as it is now, without its rows.
    pub head: T,
    /// How many rows it has now.
    pub rows: u32,
    /// Rows with the next free numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "capped")]
    pub added: Vec<T::Row>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "capped")]
    pub changed: Vec<(u32, <T::Row as Changing>::Change)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "capped")]
    pub gone: Vec<u32>,
}

/// Makes a row tell its changed fields alone: every field of it, with its type. A part that is a row
/// itself is told by what changed within.
macro_rules! changes {
    ($change:ident of $row:ident { $($field:ident: $type:ty),* $(,)? } $(within $part:ident: $kind:ty)?) => {
        #[doc = concat!("The fields of a `", stringify!($row), "` that changed.")]
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $change {
            $(
                #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::delta::present")]
                pub $field: Option<$type>,
            )*
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $part: Option<<$kind as crate::delta::Changing>::Change>,
            )?
        }

        impl crate::delta::Changing for $row {
            type Change = $change;

            fn change_to(&self, new: &Self) -> $change {
                let Self { $($field,)* $($part)? } = self;
                $change {
                    $($field: (*$field != new.$field).then(|| new.$field.clone()),)*
                    $($part: (*$part != new.$part).then(|| $part.change_to(&new.$part)),)?
                }
            }

            fn change(&mut self, change: $change) {
                $(if let Some(value) = change.$field {
                    self.$field = value;
                })*
                $(if let Some(change) = change.$part {
                    self.$part.change(change);
                })?
            }
        }
    };
}
pub(crate) use changes;

/// A field that is there has a value, if only `null`.
pub(crate) fn present<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<V>, D::Error> {
    V::deserialize(from).map(Some)
}

/// A list of at most `ROWS_LIMIT`, for every list that a host fills. An empty object is three bytes on the wire and hundreds in
/// memory: the length of the line alone does not hold a hostile host back.
pub(crate) fn capped<'de, V: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<V>, D::Error> {
    struct Capped<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Capped<V> {
        type Value = Vec<V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {ROWS_LIMIT}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<V>, A::Error> {
            let mut values = Vec::with_capacity(list.size_hint().unwrap_or(0).min(1_024));
            while values.len() < ROWS_LIMIT {
                match list.next_element()? {
                    Some(value) => values.push(value),
                    None => return Ok(values),
                }
            }
            match list.next_element::<IgnoredAny>()? {
                None => Ok(values),
                Some(_) => Err(A::Error::custom(format_args!("a list is longer than {ROWS_LIMIT}"))),
            }
        }
    }

    from.deserialize_seq(Capped(PhantomData))
}
