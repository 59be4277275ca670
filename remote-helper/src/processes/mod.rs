//! processes: which there are, and what `/proc/PID/stat` says of each.
//!
//! The numbers of tasks and the owners of sockets both start from this walk. A process that ends
//! while it is looked at is left out, never an error.

mod stat;
mod walk;

pub(crate) use stat::parse_stat;
pub(crate) use walk::ProcDir;
