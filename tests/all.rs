//! Every test on real parts, one module for each noun and each promise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests end the test where something is not as it must be"
)]

mod access;
mod answers;
mod bare;
mod borders;
mod charts;
mod credentials;
mod data_window;
mod dialogs;
mod faults;
mod first_day;
mod helper_programs;
mod hosts;
mod journal;
mod jumps;
mod keyring;
mod layout;
mod load;
mod log_window;
mod machine;
mod managers;
mod numbers;
mod operations;
mod outcome_kinds;
mod outcomes;
mod packages;
mod privilege;
mod processes;
mod questions;
mod residue;
mod rigs;
mod secrets;
mod services;
mod sign_in;
mod sockets;
mod store;
mod tables;
mod thread;
mod trees;
mod trust;
mod window;
mod wire;
