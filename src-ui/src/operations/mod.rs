//! operations: the log of what was done, as an inbox that works offline.
//!
//! The log is on this computer, so nothing here waits for a host. Filters and search run in the
//! engine; `groups` decides the order on screen and keeps it still while entries are read; `summary` reads the
//! engine's sentence so that it can be said in the reader's language.

mod groups;
mod summary;

#[cfg(target_arch = "wasm32")]
mod comments;
#[cfg(target_arch = "wasm32")]
pub(crate) mod course;
#[cfg(target_arch = "wasm32")]
mod desk;
#[cfg(target_arch = "wasm32")]
mod detail;
#[cfg(target_arch = "wasm32")]
mod export;
#[cfg(target_arch = "wasm32")]
mod list;
#[cfg(target_arch = "wasm32")]
mod marked;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod verify;
#[cfg(target_arch = "wasm32")]
pub(crate) mod words;

#[cfg(target_arch = "wasm32")]
pub(crate) use {page::*, verify::VerifyDialog};
