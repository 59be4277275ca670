//! Everything Muster does on the desktop, without a window.
//!
//! The window and `musterctl` give the same commands to the same `Engine`. Below it, from the
//! ground up: `store` and `secrets` keep things, `ssh` reaches hosts, `helper` speaks with the
//! program put there; the nouns are built on these; `sessions` holds one link per host.
//! A lower layer never knows a noun, and nothing here knows a window.

pub mod clock;
pub mod commands;
pub mod credentials;
mod door;
pub mod engine;
pub mod error;
pub mod helper;
pub mod hosts;
pub mod journal;
pub mod notes;
pub mod operations;
pub mod processes;
#[cfg(test)]
mod rig;
mod runs;
mod runtime;
mod schema;
pub mod search;
pub mod secrets;
pub mod services;
pub mod sessions;
pub mod settings;
pub mod snapshot;
pub mod sockets;
pub mod ssh;
pub mod store;
mod system;
pub mod this_computer;
pub mod trust;

pub use door::{Asks, Desk, Entries, News, Samples, Topic, open_door};
pub use engine::{Engine, EngineOptions};
pub use runtime::runtime;
