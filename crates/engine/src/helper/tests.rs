//! The helper layer: the link against a helper of our own making, and placing on a real sshd.

mod guarding;
mod linking;
mod placing;
mod removing;
