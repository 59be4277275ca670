//! The words that two processes of Muster must agree on.
//!
//! The helper on a host, the engine, the window and `musterctl` all speak in these types, so a
//! word means the same at both ends of every border. Nothing here reads a file, asks the time or
//! waits: the crate builds for the desktop, for a static helper and for the web view alike.
//!
//! A wire grows by addition only: a new field has a default, and every enum that a host can fill
//! has a case for what this version does not know.

pub mod credentials;
pub mod delta;
pub mod fault;
#[cfg(feature = "fuzzy")]
pub mod fuzzy;
pub mod hosts;
pub mod ipc;
pub mod journal;
pub mod link;
pub mod metrics;
pub mod notes;
pub mod operations;
pub mod processes;
pub mod runs;
pub mod search;
pub mod services;
pub mod settings;
pub mod snapshot;
pub mod sockets;
pub mod store;
pub mod system;
pub mod text;
pub mod trust;
pub mod wire;

pub use fault::{Fault, FaultCode, FaultDetail};

/// The version that every part of Muster built together carries.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
