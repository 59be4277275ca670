//! The ssh layer against a real sshd, and against servers that are none.

mod agents;
mod connecting;
mod hostile;
mod liar;
mod lies;
pub(crate) mod lying;
mod proofs;
mod quiet;
mod raw;
mod running;
pub(crate) mod sshd;
mod strict;
