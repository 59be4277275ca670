//! What a person sees while a task runs: each step by name, with the time it took.
//!
//! All of it goes to stderr, so that stdout carries results alone.

use std::io::{self, Write};
use std::time::Instant;

/// Says one line.
pub(crate) fn say(line: impl AsRef<str>) {
    // A terminal that is gone must not end the work.
    let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
}

/// Names a step, does it, and says how long it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    say(format!("==> {name}"));
    let start = Instant::now();
    let done = work()?;
    say(format!("    {:.1} s: {name}", start.elapsed().as_secs_f64()));
    Ok(done)
}

/// Says what went wrong, with each cause on a line of its own.
pub(crate) fn error(why: &anyhow::Error) {
    say(format!("error: {why}"));
    for cause in why.chain().skip(1) {
        say(format!("  because: {cause}"));
    }
}
