//! Every fuzzer: the one whose name the program has.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| remote_helper::fuzz::run(env!("CARGO_BIN_NAME"), bytes));
