//! The helper layer: the link against a helper of our own making, and placing on a real sshd.

mod guarding;
pub(crate) mod linking;
mod placing;
mod removing;
mod rooting;
mod shells;
