//! journal: the log of a host as a page, and its lines where an operation quotes them.
//!
//! `entries` keeps what was read in its order and is tested natively; `lines` makes the lines of an
//! operation readable.

pub(crate) mod entries;
mod lines;

#[cfg(target_arch = "wasm32")]
mod entry;
#[cfg(target_arch = "wasm32")]
mod log;
#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(target_arch = "wasm32")]
pub(crate) use lines::{readable_line, telling_line};
#[cfg(target_arch = "wasm32")]
pub(crate) use page::JournalPage;
