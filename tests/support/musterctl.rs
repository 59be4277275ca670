//! `musterctl` as a person or a script runs it, with a data folder of the test's own.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::keyring::Session;
use crate::places;
use crate::wait::until;

/// No command of the tests takes longer, on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// An operator's computer: data folder, home and environment for musterctl.
pub struct Operator {
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// The program that starts every command, with its words.
    within: Vec<String>,
    works_in: Option<PathBuf>,
}

impl Operator {
    /// Without a session bus, so without a keyring.
    pub fn without_keyring() -> Self {
        Self::with_variables(Vec::new())
    }

    /// In a session, with the keyring that it has.
    pub fn in_session(session: &Session) -> Self {
        Self::with_variables(session.variables())
    }

    fn with_variables(mut variables: Vec<(String, String)>) -> Self {
        let folder = tempfile::Builder::new().prefix("muster-operator-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        if variables.is_empty() {
            variables = vec![
                ("HOME".into(), folder.path().join("home").to_str().unwrap().into()),
                ("PATH".into(), std::env::var("PATH").unwrap_or_default()),
                ("LANG".into(), "C.UTF-8".into()),
                ("USER".into(), crate::sshd::own_user()),
            ];
        }
        variables.push(("MUSTER_DATA_DIR".into(), folder.path().join("data").to_str().unwrap().into()));
        Self { folder, variables, within: Vec::new(), works_in: None }
    }

    /// Has every command from now on be started by this program, which is given these words and then the command.
    pub fn start_within(&mut self, program: &[&str]) {
        self.within = program.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Runs every command in this folder from now on, instead of where the tests run.
    pub fn work_in(&mut self, folder: PathBuf) {
        self.works_in = Some(folder);
    }

    /// Sets a variable for every command from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.into()));
    }

    /// Takes a variable away again.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All that the operator's programs may have written, the data folder included.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        self.run_with_input(words, "")
    }

    /// Runs it with `input` on stdin.
    pub fn run_with_input(&self, words: &[&str], input: &str) -> Ran {
        let mut running = self.start(words);
        // It may refuse the command before it reads.
        let _ = running.child.stdin.take().unwrap().write_all(input.as_bytes());
        running.end()
    }

    /// Starts it and does not wait.
    pub fn start(&self, words: &[&str]) -> Running {
        let program = places::program("musterctl");
        let mut command = match self.within.split_first() {
            Some((first, more)) => {
                let mut command = Command::new(first);
                command.args(more).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(words).env_clear().envs(self.variables.iter().cloned());
        if let Some(folder) = &self.works_in {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Running { child: command.spawn().unwrap(), words }
    }

    /// Saves a host with a key and accepts the key that it shows.
    pub fn add_trusted(&self, name: &str, address: &str, port: u16, user: &str, key: &Path, more: &[&str]) {
        let port = port.to_string();
        let key = key.to_str().unwrap();
        let mut words =
            vec!["host", "add", name, "--address", address, "--port", &port, "--user", user, "--key", key];
        words.extend(more);
        self.run(&words).done();
        self.accept(name);
    }

    /// Saves a host at an address where nobody answers, for what a list shows of hosts.
    pub fn add_silent(&self, name: &str, more: &[&str]) {
        let words = ["host", "add", name, "--address", "192.0.2.1", "--user", "ann"];
        self.run(&[&words, more].concat()).done();
    }

    /// Accepts the key that a saved host shows.
    pub fn accept(&self, name: &str) {
        let offer = self.run(&["trust", "show", name, "--json"]).done().json();
        let fingerprint = offer["shown"]["fingerprint"].as_str().unwrap().to_owned();
        self.run(&["trust", "accept", name, "--fingerprint", &fingerprint]).done();
    }
}

/// A command on its way.
pub struct Running {
    pub child: Child,
    words: Vec<String>,
}

impl Running {
    /// Waits for its end; one that hangs ends the test.
    pub fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        let stdout = read_beside(self.child.stdout.take().unwrap());
        let stderr = read_beside(self.child.stderr.take().unwrap());
        let what = format!("musterctl {} to end", self.words.join(" "));
        let child = &mut self.child;
        let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(&what, LIMIT, || child.try_wait().unwrap())
        }));
        if status.is_err() {
            let _ = self.child.kill();
        }
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        match status {
            Ok(status) => Ran { words: self.words, status: status.code().unwrap_or(-1), stdout, stderr },
            Err(_) => panic!("{what}: it hangs; it printed: {stdout}\n{stderr}"),
        }
    }
}

fn read_beside(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub words: Vec<String>,
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// It must have succeeded.
    pub fn done(self) -> Self {
        self.status_is(0)
    }

    /// It must have ended with this status.
    pub fn status_is(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            status,
            "musterctl {} ended with {}\nstdout: {}\nstderr: {}",
            self.words.join(" "),
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// It must have refused with this status and a sentence on stderr that has each of `parts`.
    pub fn refused(self, status: i32, parts: &[&str]) -> Self {
        let ran = self.status_is(status);
        let said = ran.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default().to_owned();
        assert!(
            said.contains("; "),
            "musterctl {} must say 'error: what, where, why; what to do' but said: {}",
            ran.words.join(" "),
            ran.stderr
        );
        for part in parts {
            assert!(
                ran.stderr.to_lowercase().contains(&part.to_lowercase()),
                "musterctl {} must name '{part}' but said: {}",
                ran.words.join(" "),
                ran.stderr
            );
        }
        ran
    }

    /// The one JSON document on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| {
            panic!("musterctl {} printed no JSON: {why}: {}", self.words.join(" "), self.stdout)
        })
    }

    /// The one JSON document on stdout as the type of the protocol that it must be.
    pub fn value<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.json()).unwrap_or_else(|why| {
            panic!("musterctl {} printed another type: {why}: {}", self.words.join(" "), self.stdout)
        })
    }

    /// The fault on stderr, where `--json` was given.
    pub fn fault(&self) -> protocol::Fault {
        let line = self.stderr.lines().find(|line| line.starts_with('{')).unwrap_or(&self.stderr);
        serde_json::from_str(line).unwrap_or_else(|why| {
            panic!("musterctl {} gave no fault as JSON: {why}: {}", self.words.join(" "), self.stderr)
        })
    }
}
