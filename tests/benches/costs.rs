//! What Muster costs, beside the tools that people use for the same today.
//!
//! Each command is run a number of times; its processor time is what the kernel charged for it,
//! so other work on the machine does not count. Budgets are read by people: nothing here fails.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made ends the program, and its result goes to stdout"
)]

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use support::musterctl::Operator;
use support::places;

const RUNS: u32 = 40;

/// `sysconf(_SC_CLK_TCK)` of every Linux that Muster builds for.
const TICKS_PER_S: f64 = 100.0;

fn main() {
    let helper = places::root().join(format!("remote-helper/built/muster-helper-{}", std::env::consts::ARCH));
    println!("{:<44} {:>10} {:>10}", "command, mean of the runs", "CPU ms", "wall ms");
    for (program, words) in [
        (helper.to_str().unwrap(), &["system"] as &[&str]),
        (helper.to_str().unwrap(), &["metrics"]),
        (helper.to_str().unwrap(), &["sockets"]),
        ("ss", &["-tunap"]),
        ("top", &["-b", "-n", "1"]),
    ] {
        let mut command = Command::new(program);
        command.args(words).stdout(Stdio::null());
        measure(&format!("{} {}", program.rsplit('/').next().unwrap(), words.join(" ")), RUNS, || {
            command.status().unwrap();
        });
    }
    let bytes = fs::metadata(&helper).unwrap().len();
    println!("{:<44} {:>10} KiB", "the helper's file", bytes / 1024);

    let operator = Operator::without_keyring();
    measure("musterctl run local -- true, logged and synced", RUNS / 4, || {
        operator.run(&["run", "local", "--", "true"]).done();
    });
}

fn measure(name: &str, runs: u32, mut work: impl FnMut()) {
    let (before, start) = (children_ticks(), Instant::now());
    for _ in 0..runs {
        work();
    }
    let cpu_ms = (children_ticks() - before) / TICKS_PER_S * 1000.0 / f64::from(runs);
    let wall_ms = start.elapsed().as_secs_f64() * 1000.0 / f64::from(runs);
    println!("{name:<44} {cpu_ms:>10.2} {wall_ms:>10.2}");
}

/// Processor time of all children that ended: fields 16 and 17 of proc_pid_stat(5).
fn children_ticks() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[13].parse::<f64>().unwrap() + fields[14].parse::<f64>().unwrap()
}
