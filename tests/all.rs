//! Every test on real parts, one module for each noun and each promise.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests end the test where something is not as it must be"
)]

mod layout;
mod rigs;
