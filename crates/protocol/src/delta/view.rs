//! A table for a view that asks for it again and again, by what is new for it.

use serde::{Deserialize, Serialize};

use super::{News, Table};

/// What a view has of its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// A number that the view took for itself. Of two views that ask for the same kind of table in turn
    /// each gets it whole each time; that is slower and as right.
    pub view: u64,
    /// Number of the last line that it took; 0 asks for the whole.
    pub seq: u64,
}

/// What is new for a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct ViewNews<T: Table> {
    /// One more than the line that the view has.
    pub seq: u64,
    pub news: News<T>,
}
