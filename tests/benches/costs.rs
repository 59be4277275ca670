//! What Muster costs, beside the tools that people use for the same today.
//!
//! Processor time is what the kernel charged for it, so other work on the machine does not count as
//! long as it does not run at the same moment in the same caches. Budgets are read by people:
//! nothing here fails.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made ends the program, and its result goes to stdout"
)]

mod bare;
mod busy;
mod chart;
mod figures;
mod fleet;
mod frames;
mod helper;
mod linked;
mod log;
mod search;
#[cfg(feature = "peers")]
mod sqlite;
mod window;

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use support::musterctl::Operator;

use crate::figures::{children_ms, ms};

const RUNS: u32 = 10;

/// Only where it is named: what is shipped lacks the page that it looks at.
const OF_THE_GALLERY: &str = "chart";

/// Each part by its name, in the order in which all are measured.
const PARTS: [(&str, fn()); 8] = [
    ("helper", helper::helper),
    ("musterctl", logged),
    ("search", search::search),
    ("log", log::log),
    ("fleet", fleet::fleets),
    ("window", window::window),
    ("window-fleet", window::window_of_a_fleet),
    (OF_THE_GALLERY, chart::chart),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["hold", ends, how @ ..] => {
            let why = busy::hold(ends.parse().unwrap(), *how == ["stirred"]);
            println!("{why}");
            return ExitCode::from(u8::from(!why.is_empty()));
        }
        ["log-look", folder] => {
            log::look(folder.as_ref());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if let Some(unknown) = words.iter().find(|word| PARTS.iter().all(|(name, _)| name != *word)) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        println!("'{unknown}' is no part; they are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    println!("{}", machine());
    for (name, measure) in PARTS {
        if words.contains(&name) || words.is_empty() && name != OF_THE_GALLERY {
            println!("\n== {name}");
            measure();
        }
    }
    ExitCode::SUCCESS
}

fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {}, Linux {}", model.map_or("an unknown CPU", |(_, name)| name), kernel.trim())
}

fn logged() {
    let operator = Operator::without_keyring();
    let (before, start) = (children_ms(), Instant::now());
    let runs = RUNS;
    (0..runs).for_each(|_| drop(operator.run(&["run", "local", "--", "true"]).done()));
    let (cpu, wall) = (children_ms() - before, ms(start.elapsed()));
    println!(
        "{:<52} {:>9.2} {:>9.2}",
        "musterctl run local -- true, logged and synced",
        cpu / f64::from(runs),
        wall / f64::from(runs)
    );
}
