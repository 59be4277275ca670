//! sockets: who listens and who is connected, as a table that is asked of the back end as you type.
//!
//! The query runs in the engine; the window sorts, keeps the selection by socket and copies. What
//! may not be seen is counted and said, never left out.

pub(crate) mod order;

#[cfg(target_arch = "wasm32")]
mod detail;
#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(target_arch = "wasm32")]
pub(crate) use page::*;
