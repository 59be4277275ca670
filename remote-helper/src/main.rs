//! Gives the library its arguments and ends with its exit status.

#[cfg(target_env = "musl")]
#[expect(unsafe_code, reason = "the names are those that the standard library links to, each given once")]
mod unwinding;

use std::process::ExitCode;

fn main() -> ExitCode {
    remote_helper::start(std::env::args_os().skip(1))
}
