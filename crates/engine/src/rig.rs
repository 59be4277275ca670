//! What tests of the engine share: its options, numbers by a seed, a program to cut off, a disk that loses its power,
//! and system calls that fail.
//!
//! The program is the running test once more: it is started with `WORK` set, does what that says and tells on
//! its output what it was told is on the disk.

use std::fs;
use std::io::{BufRead, BufReader, IoSlice, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::engine::EngineOptions;
use crate::secrets::Memory;

/// Set for the program that is cut: what it does, and on which folder.
const WORK: &str = "MUSTER_TEST_WORK";
/// Set for the program that runs one test alone.
const ALONE: &str = "MUSTER_TEST_ALONE";
/// Set where a few pieces of work are enough.
const FEW: &str = "MUSTER_TEST_FEW";

/// An engine on the data of this folder, with the clock of this computer and secrets in memory.
pub(crate) fn options(data_dir: &Path, secrets: Arc<Memory>) -> EngineOptions {
    EngineOptions { data_dir: data_dir.to_owned(), clock: Clock::system(), secrets, operator: "ann".into() }
}

/// Whether the long runs are wanted.
pub(crate) fn is_long() -> bool {
    std::env::var_os("MUSTER_TEST_LONG").is_some()
}

/// Numbers that are the same at every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Those of one round, as unlike those of the next as can be.
    pub(crate) fn of_round(seed: u64, round: u64) -> Self {
        let mut dice = Self(seed + round * 7_919);
        for _ in 0..8 {
            dice.roll(2);
        }
        dice
    }

    pub(crate) fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.roll(words.len() as u64) as usize]
    }
}

/// True in a program that runs the test `name` and nothing else, so that what is counted of the program is the
/// test's. Elsewhere such a program is run, and must succeed.
pub(crate) fn runs_alone(name: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(ALONE, "1");
    let status = command.status().unwrap();
    assert!(status.success(), "{name} by itself ended with {status}");
    false
}

/// What this program was started to do, if it is one that is cut.
pub(crate) fn work_asked() -> Option<(String, PathBuf)> {
    let asked = std::env::var(WORK).ok()?;
    let (what, dir) = asked.split_once(' ')?;
    Some((what.to_owned(), dir.into()))
}

/// True where each call of the work is made to fail in its turn.
pub(crate) fn a_few_are_enough() -> bool {
    std::env::var_os(FEW).is_some()
}

/// Tells the program that started this one. By `writev`, which no work of the store uses: where every `write`
/// fails it is still heard.
pub(crate) fn say(line: &str) {
    let text = format!("\nack {line}\n");
    // Its reader may be gone, and so may the disk.
    let _ = rustix::io::writev(std::io::stdout(), &[IoSlice::new(text.as_bytes())]);
}

/// The program on its way.
pub(crate) struct Program {
    pub(crate) child: Child,
}

impl Program {
    /// This program once more, with the test `name` to run, that looks for `work_asked`.
    pub(crate) fn start(name: &str, what: &str, dir: &Path) -> Self {
        Self::start_by(Command::new(std::env::current_exe().unwrap()), name, what, dir)
    }

    fn start_by(mut command: Command, name: &str, what: &str, dir: &Path) -> Self {
        command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
        command.env(WORK, format!("{what} {}", dir.display()));
        Self { child: command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap() }
    }

    /// Everything that it says, up to its end; `cut` is done to it a while after its first word.
    pub(crate) fn hear(&mut self, after: Duration, mut cut: impl FnMut(&mut Child)) -> Vec<String> {
        let lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let mut end = None;
        for line in lines.map_while(Result::ok) {
            let Some(what) = line.strip_prefix("ack ") else { continue };
            said.push(what.to_owned());
            if Instant::now() >= *end.get_or_insert_with(|| Instant::now() + after) {
                cut(&mut self.child);
            }
        }
        said
    }

    /// Everything that it says when nothing cuts it, and what it complained of.
    fn hear_out(mut self) -> (Vec<String>, String) {
        let said = self.hear(Duration::from_secs(3_600), |_| {});
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (said, errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file system of its own, in a file.
pub(crate) struct Disk {
    image: PathBuf,
    pub(crate) at: PathBuf,
}

impl Disk {
    /// A young file system: most is lost of one that was just made.
    fn make(folder: &Path) -> Self {
        let disk = Self { image: folder.join("image"), at: folder.join("disk") };
        fs::create_dir(&disk.at).unwrap();
        fs::File::create(&disk.image).unwrap().set_len(96 << 20).unwrap();
        let image = disk.image.to_str().unwrap();
        run("mkfs.ext4", &["-q", "-F", image]);
        disk.mount();
        disk
    }

    /// A small one in memory, that is soon full.
    pub(crate) fn small(folder: &Path) -> Self {
        let at = folder.join("disk");
        fs::create_dir(&at).unwrap();
        run("mount", &["-t", "tmpfs", "-o", "size=16m", "none", at.to_str().unwrap()]);
        Self { image: PathBuf::new(), at }
    }

    fn mount(&self) {
        run("mount", &["-o", "loop", self.image.to_str().unwrap(), self.at.to_str().unwrap()]);
    }

    /// From now on nothing reaches the disk, and what had not reached it is gone.
    fn cut_power(&self) {
        // EXT4_IOC_SHUTDOWN with NOLOGFLUSH.
        let call =
            "open my $f, '<', $ARGV[0] or die; my $how = pack('L', 2); ioctl($f, 0x8004587D, $how) or die $!";
        run("perl", &["-e", call, self.at.to_str().unwrap()]);
    }

    /// The disk when the power is back. A copy of it: where another namespace still has the old file
    /// system mounted, the same file would give the one that was shut down once more.
    fn after_the_cut(self) -> Self {
        let folder = self.image.parent().unwrap().join("after");
        fs::create_dir(&folder).unwrap();
        let after = Self { image: folder.join("image"), at: folder.join("disk") };
        fs::create_dir(&after.at).unwrap();
        let image = self.image.clone();
        drop(self);
        run("cp", &["--sparse=always", image.to_str().unwrap(), after.image.to_str().unwrap()]);
        after.mount();
        after
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).stderr(Stdio::null()).status();
    }
}

fn run(program: &str, words: &[&str]) {
    let ended = Command::new(program).args(words).status().unwrap();
    assert!(ended.success(), "{program} {words:?}");
}

pub(crate) fn is_there(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|ended| ended.success())
}

/// True if these programs are there. Else the test is skipped with a word, or fails where the machine was set up
/// for all tests (`MUSTER_TEST_REQUIRE=all`).
pub(crate) fn can(programs: &[&str]) -> bool {
    let Some(missing) = programs.iter().find(|program| !is_there(program)) else { return true };
    let required = std::env::var("MUSTER_TEST_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "{missing} is missing, and MUSTER_TEST_REQUIRE=all forbids to skip this");
    eprintln!("skipped: {missing} is not installed");
    false
}

/// Whether disks can be made that lose their power; says so if not.
pub(crate) fn power_can_be_cut() -> bool {
    let can = rustix::process::geteuid().is_root() && is_there("mkfs.ext4") && is_there("perl");
    if !can {
        eprintln!("skipped: a disk that loses its power needs root, mkfs.ext4 and perl");
    }
    can
}

/// Has the program work on a disk of its own that loses its power a while after the first word; `look` then gets
/// the data folder and what was said before.
pub(crate) fn cut_power_under(
    name: &str,
    what: &str,
    room: &Path,
    after: Duration,
    look: impl FnOnce(&Path, &[String]),
) {
    fs::create_dir(room).unwrap();
    let disk = Disk::make(room);
    let data = disk.at.join("data");
    fs::create_dir(&data).unwrap();
    let mut program = Program::start(name, what, &data);
    let mut is_cut = false;
    let said = program.hear(after, |child| {
        if !is_cut {
            is_cut = true;
            disk.cut_power();
            // What it says after this was acknowledged before, or never can be.
            child.kill().unwrap();
        }
    });
    drop(program);
    let disk = disk.after_the_cut();
    if !said.is_empty() {
        look(&disk.at.join("data"), &said);
    }
    drop(disk);
    fs::remove_dir_all(room).unwrap();
}

/// What a system call can be answered with instead of being done.
const FAILING: [(&str, &[&str]); 12] = [
    ("pwrite64", &["EIO", "ENOSPC", "EDQUOT"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT"]),
    ("fsync", &["EIO", "ENOSPC", "EDQUOT"]),
    ("fdatasync", &["EIO", "ENOSPC", "EDQUOT"]),
    ("sync_file_range", &["EIO", "ENOSPC"]),
    ("openat", &["EIO", "EMFILE", "ENOSPC", "EROFS"]),
    ("rename", &["EIO", "ENOSPC", "EDQUOT"]),
    ("unlink", &["EIO", "EACCES"]),
    ("unlinkat", &["EIO", "EACCES"]),
    ("mkdir", &["ENOSPC", "EDQUOT", "EIO"]),
    ("ftruncate", &["ENOSPC", "EIO"]),
    ("fallocate", &["EIO", "ENOSPC"]),
];

/// How calls were made to fail, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) runs: usize,
    pub(crate) injected: usize,
    /// How often it was told.
    pub(crate) told: usize,
    /// How often the work was done all the same.
    pub(crate) carried_out: usize,
}

/// The program under strace, which lets it make few calls.
fn strace(trace: &Path, rules: &[&str], name: &str, what: &str, dir: &Path) -> Program {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "signal=none", "-o"]).arg(trace);
    for rule in rules {
        command.args(["-e", rule]);
    }
    command.arg(std::env::current_exe().unwrap()).env(FEW, "1");
    Program::start_by(command, name, what, dir)
}

/// The numbers of those calls of this kind that are about files of the data folder. None where threads wake each
/// other by the same call: its numbers would be others each time.
fn calls_on(trace: &Path, call: &str, dir: &Path) -> Vec<u64> {
    let named = format!("{call}(");
    let dir = dir.to_str().unwrap();
    let text = fs::read_to_string(trace).unwrap();
    let calls = text.lines().filter(|line| line.contains(&named) && !line.contains("resumed>"));
    if calls.clone().any(|line| line.contains("<anon_inode:")) {
        return Vec::new();
    }
    (1..).zip(calls).filter(|(_, line)| line.contains(dir)).map(|(number, _)| number).collect()
}

/// Lets each call of the work fail in its turn, once and from then on for ever, in a copy of `origin`; `judge`
/// looks at the copy afterwards, with what the program said. In short runs one of each kind of call.
///
/// False where strace cannot be used.
pub(crate) fn fail_each_call(
    (name, what): (&str, &str),
    origin: &Path,
    dice: &mut Dice,
    failures: &mut Failures,
    mut judge: impl FnMut(&Path, &[String], &str),
) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (trace, data) = (folder.path().join("trace"), folder.path().join("data"));
    let seed = dice.0;
    for (call, errors) in FAILING {
        copy(origin, &data);
        let only = format!("trace={call}");
        strace(&trace, &[&only], name, what, &data).hear_out();
        if !trace.exists() {
            return false;
        }
        let mut rounds = Vec::new();
        for number in calls_on(&trace, call, &data) {
            let ways = errors.iter().flat_map(|error| [(*error, ""), (*error, "+")]);
            rounds.extend(ways.map(|(error, on)| (number, error, on)));
        }
        fs::remove_dir_all(&data).unwrap();
        if !is_long() && rounds.len() > 1 {
            // Another one for each work and call.
            rounds = vec![rounds[dice.roll(rounds.len() as u64) as usize]];
        }
        for (number, error, on) in rounds {
            let round = format!("{what}: {call} number {number}{on} fails with {error}, seed {seed}");
            copy(origin, &data);
            let rule = format!("inject={call}:error={error}:when={number}{on}");
            let (said, complaints) = strace(&trace, &[&only, &rule], name, what, &data).hear_out();
            assert!(!complaints.contains("panicked"), "{round}: {complaints}");
            failures.runs += 1;
            failures.injected += fs::read_to_string(&trace).unwrap().matches("(INJECTED)").count();
            match complaints.contains(": ") {
                true => failures.told += 1,
                false => failures.carried_out += 1,
            }
            judge(&data, &said, &round);
            fs::remove_dir_all(&data).unwrap();
        }
    }
    true
}

/// What the program traced under strace did of these calls, line by line; `None` where that cannot be used.
pub(crate) fn traced(calls: &str, name: &str, what: &str, dir: &Path) -> Option<(String, Vec<String>)> {
    if !is_there("strace") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let (said, _) = strace(&trace, &[&format!("trace={calls}")], name, what, dir).hear_out();
    Some((fs::read_to_string(&trace).ok()?, said))
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
