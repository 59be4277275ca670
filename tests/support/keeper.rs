//! The keeper: cleans up after a test, whatever becomes of the test's process.
//!
//! A value that is dropped cleans up in a test that fails, but not in one that is killed, and a
//! `static` is never dropped. So each rig has a small shell that waits for the end of a pipe held
//! by this process, and then does the cleaning. Dropping the rig closes the pipe too: there is
//! one way to clean up, and it is used every time.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use std::os::unix::process::CommandExt;

/// Ends the process group `$1`, bounded in time.
pub const END_GROUP: &str = r#"
end_group() {
    kill -KILL "-$1" 2>/dev/null
    i=0
    while readlink "/proc/$1/exe" >/dev/null 2>&1 && [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done
}
"#;

pub struct Keeper {
    shell: Child,
}

impl Keeper {
    /// `script` runs when this value is dropped or the process ends; `words` are its `$1`, `$2`, ...
    pub fn new(script: &str, words: &[&str]) -> Self {
        Self::start(script, words, Stdio::null())
    }

    /// The same, and a lock on this file lasts until the script has ended, even if this process ends before.
    pub fn holding(lock: &File, script: &str, words: &[&str]) -> Self {
        Self::start(script, words, lock.try_clone().expect("a file has another descriptor").into())
    }

    fn start(script: &str, words: &[&str], held: Stdio) -> Self {
        let shell = Command::new("sh")
            .arg("-c")
            .arg(format!("{END_GROUP}\nread -r _\n{script}"))
            .arg("keeper")
            .args(words)
            .stdin(Stdio::piped())
            // Nothing is printed: what is held is only held.
            .stdout(held)
            .stderr(Stdio::null())
            // Not in the terminal's group: an interrupt must not end the cleaning.
            .process_group(0)
            .spawn()
            .expect("sh, which every system has, could not be started");
        Self { shell }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
