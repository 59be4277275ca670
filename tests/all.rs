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
mod composing;
mod credentials;
mod data_window;
mod dialogs;
mod faults;
mod first_day;
mod helper_programs;
mod hosts;
mod hosts_window;
mod impact;
mod journal;
mod jumps;
mod keyring;
mod labels;
mod layout;
mod live_tables;
mod load;
mod log_window;
mod machine;
mod managers;
mod manners;
mod network;
mod notes_window;
mod numbers;
mod operations;
mod outcome_kinds;
mod outcomes;
mod packages;
mod privilege;
mod processes;
mod prompts;
mod questions;
mod reaching;
mod reboot;
mod residue;
mod rigs;
mod search;
mod secrets;
mod services;
mod sign_in;
mod sockets;
mod steady_tables;
mod store;
mod tables;
mod thread;
mod trees;
mod trust;
mod typed;
mod window;
mod wire;
