//! `cargo xtask test`: every test, on real parts, and the list of those that could not run.

use std::fs;
use std::process::ExitCode;

use crate::app;
use crate::command::{cargo, shown, status};
use crate::places::Places;
use crate::progress::say;

/// Tests that wait for a host spend no processor: more of them run at once than there are cores.
const THREADS: &str = "4";

pub(crate) fn test(places: &Places, words: &[String]) -> anyhow::Result<ExitCode> {
    app::build_with_tests(places)?;
    let skips = places.target.join("test-skips.txt");
    if skips.exists() {
        fs::remove_file(&skips)?;
    }
    let mut tests = cargo(places);
    // One run shows everything that is wrong.
    tests.args(["test", "--workspace", "--no-fail-fast"]).args(words);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        tests.env("RUST_TEST_THREADS", THREADS);
    }
    let ended = status(&mut tests)?;
    say_skips(&fs::read_to_string(&skips).unwrap_or_default());
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tests that run for many rounds where this is set, each by its name.
const LONG: [&str; 8] = [
    "store::crash_tests::",
    "store::damage_tests::",
    "store::salvage::tests::",
    "operations::crash_tests::",
    "ssh::tests::hostile::mutated",
    "sessions::cut_tests::random",
    "sessions::hostile_tests::",
    "helper::tests::shells::whatever",
];

/// The tests that have a short and a long form, in the long one. They print their seeds and counts.
pub(crate) fn test_long(places: &Places, words: &[String]) -> anyhow::Result<ExitCode> {
    let mut tests = cargo(places);
    tests.args(["test", "--workspace", "--lib", "--no-fail-fast", "--", "--nocapture", "--test-threads=1"]);
    if words.is_empty() {
        tests.args(LONG);
    } else {
        tests.args(words);
    }
    tests.env("MUSTER_TEST_LONG", "1");
    say(format!("MUSTER_TEST_LONG=1 {}", shown(&tests)));
    let ended = status(&mut tests)?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say_skips(skips: &str) {
    let mut lines: Vec<&str> = skips.lines().collect();
    if lines.is_empty() {
        return;
    }
    lines.sort_unstable();
    lines.dedup();
    say(format!("\n{} tests were skipped, as this machine lacks what they need:", lines.len()));
    for line in lines {
        say(format!("  {line}"));
    }
}
