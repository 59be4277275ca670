//! The ssh layer against a real sshd, and against servers that are none.

mod connecting;
mod lying;
mod running;
pub(crate) mod sshd;
