//! A busy host, made of this computer: processes that sleep, and sockets that are connected.
//!
//! All of it ends when it is dropped, or when this program ends however it does: each child reads its
//! stdin, which then ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A connection has two ends, both in the process that made it.
const ENDS_A_PROCESS: usize = 1_000;
/// Between two bytes that each end is sent and never reads, where they are not to stand still.
const STIR: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Busy {
    children: Vec<Child>,
    /// What was asked for and could not be made.
    pub(crate) missing: Vec<String>,
}

impl Busy {
    /// Makes sleeping processes and connected sockets until this computer has so many.
    pub(crate) fn make(processes: usize, sockets: usize) -> Self {
        let mut busy = Self::connected(sockets, &[]);
        while count_processes() < processes {
            match Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn() {
                Ok(child) => busy.children.push(child),
                Err(why) => {
                    busy.missing.push(format!("processes: {} of {processes} ({why})", count_processes()));
                    break;
                }
            }
        }
        busy
    }

    /// Makes connected sockets of which each has another queue every second.
    pub(crate) fn stirred(sockets: usize) -> Self {
        Self::connected(sockets, &["stirred"])
    }

    fn connected(sockets: usize, how: &[&str]) -> Self {
        let mut busy = Self::default();
        let wanted = sockets.saturating_sub(count_sockets()).div_ceil(ENDS_A_PROCESS);
        for _ in 0..wanted {
            busy.hold(ENDS_A_PROCESS.min(sockets), how);
        }
        busy
    }

    fn hold(&mut self, ends: usize, how: &[&str]) {
        let own = std::env::current_exe().unwrap();
        let mut command = Command::new(own);
        command.args(["hold", &ends.to_string()]).args(how).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said.trim() != "held" {
            self.missing.push(format!("sockets: {}", said.trim()));
        }
        self.children.push(child);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}

/// The child: opens so many ends of connections to itself, says so, and keeps them until its stdin
/// ends.
pub(crate) fn hold(ends: usize, is_stirred: bool) -> String {
    let hard = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard });
    let connect = || -> std::io::Result<Vec<(TcpStream, TcpStream)>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let to = listener.local_addr()?;
        (0..ends / 2)
            .map(|_| {
                let client = TcpStream::connect(to)?;
                Ok((client, listener.accept()?.0))
            })
            .collect()
    };
    match connect() {
        Ok(mut held) => {
            println!("held");
            let (end, ended) = channel();
            std::thread::spawn(move || {
                let _ = std::io::stdin().read(&mut [0]);
                let _ = end.send(());
            });
            while is_stirred && ended.recv_timeout(STIR) == Err(RecvTimeoutError::Timeout) {
                for (one, other) in &mut held {
                    let _ = one.write(&[0]);
                    let _ = other.write(&[0]);
                }
            }
            let _ = ended.recv();
            String::new()
        }
        Err(why) => format!("{ends} in one process: {why}"),
    }
}

pub(crate) fn count_processes() -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        .count()
}

/// TCP and UDP of both families.
pub(crate) fn count_sockets() -> usize {
    let lines =
        |file: &str| fs::read_to_string(format!("/proc/net/{file}")).unwrap_or_default().lines().count();
    ["tcp", "tcp6", "udp", "udp6"].iter().map(|file| lines(file).saturating_sub(1)).sum()
}
