//! The helper as the engine runs it: over two pipes, with subscriptions.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use protocol::wire::{Ask, Request};

/// `sysconf(_SC_CLK_TCK)` of every Linux that Muster builds for.
pub(crate) const TICKS_PER_S: f64 = 100.0;

pub(crate) struct Linked {
    child: Child,
    stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
    next_id: u64,
    pub(crate) to_hello: Duration,
}

impl Linked {
    pub(crate) fn start(helper: &Path) -> Self {
        let begun = Instant::now();
        let mut child = Command::new(helper).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::with_capacity(1 << 20, child.stdout.take().unwrap());
        lines.read_until(b'\n', &mut Vec::new()).unwrap();
        let to_hello = begun.elapsed();
        Self { stdin: child.stdin.take().unwrap(), child, lines, next_id: 1, to_hello }
    }

    pub(crate) fn ask(&mut self, ask: Ask) {
        let request = Request { id: self.next_id, ask };
        self.next_id += 1;
        writeln!(self.stdin, "{}", serde_json::to_string(&request).unwrap()).unwrap();
    }

    /// Bytes of the next line that says something; a line that only shows life is not one.
    pub(crate) fn next_line(&mut self) -> usize {
        loop {
            let mut line = Vec::new();
            self.lines.read_until(b'\n', &mut line).unwrap();
            assert!(!line.is_empty(), "the helper ended");
            if line.len() > 1 {
                return line.len();
            }
        }
    }

    pub(crate) fn cpu_ms(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks * 1000.0 / TICKS_PER_S
    }

    /// A value of `/proc/PID/status` in KiB.
    pub(crate) fn memory_kib(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
