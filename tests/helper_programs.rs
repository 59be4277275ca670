//! The helpers that are put on hosts, as they are built: the one for aarch64 runs under an emulator.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use protocol::wire::{Answer, Ask, Line, Request};
use serde_json::Value;
use support::needs;
use support::places;

fn helper(arch: &str) -> PathBuf {
    let path = places::root().join(format!("remote-helper/built/muster-helper-{arch}"));
    assert!(path.is_file(), "{} is not built: run 'cargo xtask test', which builds it first", path.display());
    path
}

fn emulated() -> Command {
    let mut command = Command::new("qemu-aarch64-static");
    command.arg(helper("aarch64"));
    command
}

#[test]
fn both_are_static_and_in_the_budget() {
    for arch in ["x86_64", "aarch64"] {
        let bytes = std::fs::read(helper(arch)).unwrap();
        assert!(bytes.len() < 1_000_000, "{arch}: {} bytes are over the budget of 1.0 MB", bytes.len());
        let interpreter = b"/lib/ld-";
        let is_dynamic = bytes.windows(interpreter.len()).any(|part| part == interpreter);
        assert!(!is_dynamic, "{arch}: a host need not have any library");
    }
}

#[test]
fn the_one_for_aarch64_tells_of_this_computer_what_the_other_does() {
    needs!(Qemu);
    let document = |command: &mut Command| -> Value {
        let output = command.arg("system").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (foreign, own) =
        (document(&mut emulated()), document(&mut Command::new(helper(std::env::consts::ARCH))));
    assert_eq!(foreign["arch"], "aarch64");
    for fact in ["host_name", "kernel", "boot_id", "os", "init", "cpus", "memory_bytes", "time_zone", "jobs"]
    {
        assert_eq!(foreign[fact], own[fact], "{fact}");
    }
}

#[test]
fn the_one_for_aarch64_speaks_the_wire_and_ends_with_it() {
    needs!(Qemu);
    let mut child = emulated().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || loop {
        let line = lines.next().unwrap().unwrap();
        if !line.is_empty() {
            break serde_json::from_str::<Line>(&line).unwrap();
        }
    };
    assert!(matches!(next(), Line::Hello(hello) if hello.host.arch == "aarch64"));
    let ask = Ask::Processes { interval_ms: None, detail: Vec::new() };
    writeln!(stdin, "{}", serde_json::to_string(&Request { id: 1, ask }).unwrap()).unwrap();
    let Line::Reply { id: 1, answer: Answer::Processes(table) } = next() else { panic!("no table") };
    let own = std::process::id();
    let me = table.processes.iter().find(|process| process.pid == own).unwrap();
    assert!(me.rss_bytes > 0 && me.threads > 1 && me.cpu_pct.is_some(), "{me:?}");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
