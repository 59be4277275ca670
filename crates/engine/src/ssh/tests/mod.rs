//! The ssh layer against a real sshd, and against servers that are none.

mod connecting;
mod hostile;
mod lying;
mod proofs;
mod running;
pub(crate) mod sshd;
