//! What the helper costs on a host, beside the tools that people use for the same today.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::wire::Ask;
use support::places;

use crate::bare;
use crate::busy::{Busy, count_processes, count_sockets};
use crate::figures::{children_ms, kernel_ms, ms};
use crate::linked::Linked;

const RUNS: u32 = 20;
/// Refreshes of which the mean is taken, after the first ones.
const REFRESHES: u32 = 20;
const INTERVAL_MS: u32 = 500;
const WARM_UP: u32 = 60;

/// Prints the figures of the helper.
pub(crate) fn helper() {
    let helper = places::root().join(format!("remote-helper/built/muster-helper-{}", std::env::consts::ARCH));
    sizes(&helper);
    println!("\n{:<52} {:>9} {:>9}", "a single run, mean", "CPU ms", "wall ms");
    let own = helper.to_str().unwrap();
    for (program, words) in [
        (own, &["system"] as &[&str]),
        (own, &["metrics"]),
        (own, &["processes"]),
        (own, &["sockets"]),
        ("ss", &["-tunap"]),
        ("top", &["-b", "-n", "1"]),
    ] {
        measure(program, words, RUNS);
    }
    let hello: Duration = (0..RUNS).map(|_| Linked::start(&helper).to_hello).sum();
    println!("{:<52} {:>9} {:>9.2}", "from the start of the helper to its first line", "", ms(hello / RUNS));
    let quiet = Busy::make(200, 1_000);
    refreshes(&helper, &quiet);
    drop(quiet);
    let busy = Busy::make(2_000, 20_000);
    first(&helper);
    refreshes(&helper, &busy);
}

fn sizes(helper: &Path) {
    for arch in ["x86_64", "aarch64"] {
        let file = helper.with_file_name(format!("muster-helper-{arch}"));
        println!("the helper for {arch}: {} bytes", fs::metadata(file).unwrap().len());
    }
}

/// Runs a command and prints what it took; its processor time in milliseconds is given back.
fn measure(program: &str, words: &[&str], runs: u32) -> f64 {
    let (before, start) = (children_ms(), Instant::now());
    for _ in 0..runs {
        Command::new(program).args(words).stdout(Stdio::null()).status().unwrap();
    }
    let cpu_ms = (children_ms() - before) / f64::from(runs);
    let name = format!("{} {}", program.rsplit('/').next().unwrap(), words.join(" "));
    println!("{name:<52} {cpu_ms:>9.2} {:>9.2}", ms(start.elapsed()) / f64::from(runs));
    cpu_ms
}

/// One link that looks at processes and sockets, as a window does, and the same by other means.
fn refreshes(helper: &Path, host: &Busy) {
    println!("\na host with {} processes and {} sockets", count_processes(), count_sockets());
    for missing in &host.missing {
        println!("    could not be made: {missing}");
    }
    let mut link = Linked::start(helper);
    link.ask(Ask::Processes { interval_ms: Some(INTERVAL_MS), detail: Vec::new() });
    link.ask(Ask::Sockets { interval_ms: Some(INTERVAL_MS), unix: false });
    let whole: usize = (0..2).map(|_| link.next_line()).sum();
    // A young process is looked at again soon; after a while the state is steady.
    for _ in 0..2 * WARM_UP {
        link.next_line();
    }
    let before = link.cpu_ms();
    let bytes: usize = (0..2 * REFRESHES).map(|_| link.next_line()).sum();
    let cpu_ms = (link.cpu_ms() - before) / f64::from(REFRESHES);
    let bare_ms = {
        let before = kernel_ms();
        let given: usize = (0..RUNS).map(|_| bare::read_all()).sum();
        assert!(given > 0);
        (kernel_ms() - before) / f64::from(RUNS)
    };
    println!("{:<52} {:>9} {:>9}", "mean", "CPU ms", "");
    println!("{:<52} {cpu_ms:>9.2}", "a refresh of processes and sockets with owners");
    println!("{:<52} {bare_ms:>9.2}   {:.2} times that", "the bare system calls", cpu_ms / bare_ms);
    let tools_ms = measure("top", &["-b", "-n", "1"], RUNS) + measure("ss", &["-tunap"], RUNS);
    println!("{:<52} {tools_ms:>9.2}   1/{:.1} of that", "both tools", tools_ms / cpu_ms);
    println!("{:<52} {whole:>9} bytes", "on the wire: the first of both");
    println!("{:<52} {:>9} bytes", "on the wire: each later one of both", bytes / REFRESHES as usize);
    println!(
        "{:<52} {:>9} KiB, at most {} KiB",
        "resident memory",
        link.memory_kib("VmRSS"),
        link.memory_kib("VmHWM")
    );
}

/// What the first look costs, before anything is known.
fn first(helper: &Path) {
    let cpu: f64 = (0..RUNS)
        .map(|_| {
            let mut link = Linked::start(helper);
            link.ask(Ask::Sockets { interval_ms: None, unix: false });
            link.next_line();
            link.cpu_ms()
        })
        .sum();
    println!("{:<52} {:>9.2}", "the first look at all sockets with owners", cpu / f64::from(RUNS));
    let both: f64 = (0..RUNS)
        .map(|_| {
            let mut link = Linked::start(helper);
            link.ask(Ask::Sockets { interval_ms: Some(60_000), unix: false });
            link.ask(Ask::Processes { interval_ms: Some(60_000), detail: Vec::new() });
            link.next_line();
            link.next_line();
            link.cpu_ms()
        })
        .sum();
    println!("{:<52} {:>9.2}", "the first look at processes and sockets", both / f64::from(RUNS));
}
