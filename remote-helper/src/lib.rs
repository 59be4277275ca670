//! muster-helper: the part of Muster that is on a host while a connection lives.
//!
//! It reads the host and says what it read, one JSON value a line; it acts on units and runs
//! commands when asked to. It opens no port, writes no file, stays no longer than its stdin is
//! open, and takes the children it started with it. `serve` is the whole of it, so that tests run
//! it in their own process; `main` only gives it stdin, stdout and the arguments.

mod changed;
mod children;
mod clock;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod journal;
mod json;
mod log;
mod machine;
mod metrics;
mod netlink;
mod once;
mod priority;
mod processes;
mod pulled;
mod root;
mod runs;
mod serve;
mod services;
mod sockets;
mod stop;
mod system;
mod users;

pub use error::Error;
pub use once::start;
pub use root::Root;
pub use serve::serve;
