//! Log lines of the helper: one JSON object a line on stderr, since stdout is for replies alone.
//!
//! A line that cannot be written is lost: the helper never waits for, or dies of, its log.

use std::io::Write;

use serde::Serialize;

#[derive(Serialize)]
struct LogLine<'a> {
    at_ms: i64,
    level: &'a str,
    message: &'a str,
}

pub(crate) fn warn(message: &str) {
    write("warn", message);
}

pub(crate) fn error(message: &str) {
    write("error", message);
}

/// Makes a panic a log line, so that whoever reads stderr finds JSON only.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

fn write(level: &str, message: &str) {
    let line = LogLine { at_ms: crate::clock::now_ms(), level, message };
    if let Ok(mut bytes) = crate::json::to_bytes(&line) {
        bytes.push(b'\n');
        // Nothing is left to tell it to.
        let _ = std::io::stderr().write_all(&bytes);
    }
}
