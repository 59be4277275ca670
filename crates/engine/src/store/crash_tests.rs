//! A program that works on a store is killed, loses its disk, or has one of its system calls fail,
//! again and again. What it was told is on the disk must be there, nothing that was never written
//! may be, and the store must open.
//!
//! The program is this test once more, with `WORK` set. More rounds with `MUSTER_TEST_LONG`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::secrets::Memory;

const SEED: u64 = 0x0d15_c0de;
/// Set for the program that is cut: what it does, and on which folder.
const WORK: &str = "MUSTER_TEST_STORE_WORK";
const NAME: &str = "store::crash_tests::what_was_acknowledged_is_there_after_a_kill";
const ENTRIES: Tree<u64, String> = Tree::new("entries", 1);
/// Entries that are there before the program begins.
const BASE: u64 = 12;

fn is_long() -> bool {
    std::env::var_os("MUSTER_TEST_LONG").is_some()
}

/// Numbers that are the same at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn text(id: u64) -> String {
    format!("entry {id} ").repeat(1 + (id as usize * 37) % 700)
}

fn put(store: &inner::Inner, id: u64) -> Result<(), Fault> {
    store.write(|writer| ENTRIES.put(writer, &id, &text(id)))
}

/// The open store without a runtime round it.
fn open_inner(dir: &Path) -> Result<(inner::Inner, Vec<StoreNotice>), Fault> {
    let places = open::Places::of(dir);
    let lock = Arc::new(open::take_lock(&places)?);
    open::open_locked(&places, &None, &lock)
}

fn base(dir: &Path) {
    let (store, _) = open_inner(dir).unwrap();
    (0..BASE).for_each(|id| put(&store, id).unwrap());
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Its reader may be gone, and so may the disk.
    let _ = out.write_all(format!("\nack {line}\n").as_bytes());
    let _ = out.flush();
}

/// The program: does one thing to the store in the folder and says what it was told is done.
fn work(what: &str, dir: &Path) -> Result<(), Fault> {
    let places = open::Places::of(dir);
    match what {
        "append" => {
            let (store, _) = open_inner(dir)?;
            say("open");
            let first = entries(&store)?.last_key_value().map_or(0, |(id, _)| id + 1);
            for id in first.. {
                put(&store, id)?;
                say(&id.to_string());
                // A few are enough where each call is made to fail in its turn.
                if std::env::var_os("MUSTER_TEST_STORE_FEW").is_some() && id == first + 4 {
                    break;
                }
            }
        }
        "backup" => {
            let (store, _) = open_inner(dir)?;
            backup::write(&store, &dir.join("made"), 5, None, || true)?;
            say("backup");
        }
        "restore" => {
            renew::restore(&places, &dir.join("given"), &None, None)?;
            say("restore");
        }
        "compact" => {
            let lock = Arc::new(open::take_lock(&places)?);
            let (store, _) = open::open_locked(&places, &None, &lock)?;
            renew::compact(store, &places, &None, &lock)?;
            say("compact");
        }
        _ => {
            // A store of format 1 becomes one of this format, and is sealed on the way.
            let lock = Arc::new(open::take_lock(&places)?);
            open::open_locked(&places, &Some(Arc::new(FileKeys(dir.join("keys")))), &lock)?;
            say("migrate");
        }
    }
    Ok(())
}

/// A place for secrets that outlives the program; in the clear, for tests alone.
struct FileKeys(PathBuf);

impl SecretStore for FileKeys {
    fn get(&self, item: &str) -> Result<Option<SecretString>, Fault> {
        Ok(fs::read_to_string(self.0.join(item.replace('/', "-"))).ok().map(Into::into))
    }

    fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault> {
        use secrecy::ExposeSecret;
        let kept = fs::create_dir_all(&self.0)
            .and_then(|()| fs::write(self.0.join(item.replace('/', "-")), secret.expose_secret()));
        kept.map_err(|why| internal("a key", why))
    }

    fn delete(&self, item: &str) -> Result<(), Fault> {
        let _ = fs::remove_file(self.0.join(item.replace('/', "-")));
        Ok(())
    }

    fn items(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn state(&self) -> protocol::credentials::KeyringState {
        protocol::credentials::KeyringState::Ready
    }
}

fn entries(store: &inner::Inner) -> Result<BTreeMap<u64, String>, Fault> {
    Ok(store.read(|reader| ENTRIES.list(reader, ..))?.into_iter().collect())
}

/// The program on its way.
struct Program {
    child: Child,
}

impl Program {
    fn start(mut command: Command, what: &str, dir: &Path) -> Self {
        command.args(["--exact", NAME, "--nocapture", "--test-threads=1"]);
        command.env(WORK, format!("{what} {}", dir.display()));
        Self { child: command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap() }
    }

    /// Everything that it says, up to its end; `cut` is done to it a while after it opened the store.
    fn hear(&mut self, after: Duration, mut cut: impl FnMut(&mut Child)) -> Vec<String> {
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
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// Every acknowledged entry is there, and of the others only one that was just being written.
fn check(dir: &Path, acknowledged: &BTreeSet<u64>, round: &str) -> BTreeSet<u64> {
    let (store, notices) = open_inner(dir).unwrap_or_else(|why| panic!("{round}: {why}"));
    assert_eq!(notices, [], "{round}: a cut damages nothing");
    let found = entries(&store).unwrap_or_else(|why| panic!("{round}: {why}"));
    for (id, value) in &found {
        assert_eq!(*value, text(*id), "{round}: entry {id} is not what was written");
    }
    let ids: BTreeSet<u64> = found.into_keys().collect();
    let lost: Vec<&u64> = acknowledged.difference(&ids).collect();
    assert!(lost.is_empty(), "{round}: {lost:?} were acknowledged and are lost");
    let more = ids.difference(acknowledged).count();
    assert!(more <= 1, "{round}: {more} entries are there that were never acknowledged");
    ids
}

fn numbers(said: &[String]) -> impl Iterator<Item = u64> {
    said.iter().filter_map(|line| line.parse().ok())
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    if let Ok(asked) = std::env::var(WORK) {
        let (what, dir) = asked.split_once(' ').unwrap();
        if let Err(fault) = work(what, Path::new(dir)) {
            eprintln!("{:?}: {fault}", fault.code);
        }
        // Nothing of the harness runs after it: its calls would count too.
        std::process::exit(0);
    }
    let rounds = if is_long() { 200 } else { 8 };
    println!("seed {SEED}, {rounds} kills");
    let dir = tempfile::tempdir().unwrap();
    base(dir.path());
    let mut dice = Dice(SEED);
    let mut acknowledged: BTreeSet<u64> = (0..BASE).collect();
    for round in 0..rounds {
        let mut program = Program::start(this_program(), "append", dir.path());
        let said = program.hear(Duration::from_millis(dice.roll(200)), |child| child.kill().unwrap());
        drop(program);
        acknowledged.extend(numbers(&said));
        acknowledged = check(dir.path(), &acknowledged, &format!("seed {SEED}, round {round}"));
    }
    assert!(acknowledged.len() as u64 > BASE + rounds, "it wrote too little to prove anything");
}

/// A file system of its own, in a file.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn make(folder: &Path) -> Self {
        let disk = Self { image: folder.join("image"), at: folder.join("disk") };
        fs::create_dir(&disk.at).unwrap();
        fs::File::create(&disk.image).unwrap().set_len(96 << 20).unwrap();
        let image = disk.image.to_str().unwrap();
        run("mkfs.ext4", &["-q", "-F", image]);
        disk.mount();
        disk
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

fn is_there(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|ended| ended.success())
}

#[test]
fn what_was_acknowledged_is_there_after_a_power_cut() {
    if !rustix::process::geteuid().is_root() || !is_there("mkfs.ext4") || !is_there("perl") {
        eprintln!("skipped: a disk that loses its power needs root, mkfs.ext4 and perl");
        return;
    }
    let rounds = if is_long() { 60 } else { 3 };
    println!("seed {SEED}, {rounds} power cuts");
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(SEED);
    let mut written = 0;
    for round in 0..rounds {
        // A young file system each time: most is lost of one that was just made.
        let room = folder.path().join(format!("round-{round}"));
        fs::create_dir(&room).unwrap();
        let disk = Disk::make(&room);
        let data = disk.at.join("data");
        fs::create_dir(&data).unwrap();
        let mut program = Program::start(this_program(), "append", &data);
        let mut is_cut = false;
        let said = program.hear(Duration::from_millis(dice.roll(400)), |child| {
            if !is_cut {
                is_cut = true;
                disk.cut_power();
                // What it says after this was acknowledged before, or never can be.
                child.kill().unwrap();
            }
        });
        drop(program);
        let disk = disk.after_the_cut();
        let acknowledged: BTreeSet<u64> = numbers(&said).collect();
        written += acknowledged.len();
        if said.is_empty() {
            continue;
        }
        let data = disk.at.join("data");
        check(&data, &acknowledged, &format!("seed {SEED}, power cut {round}"));
        drop(disk);
        fs::remove_dir_all(&room).unwrap();
    }
    assert!(written as u64 > rounds, "it wrote too little to prove anything");
}

/// What a system call can be answered with instead of being done.
const FAILING: [(&str, &str); 8] = [
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("write", "ENOSPC"),
    ("fsync", "EIO"),
    ("fdatasync", "EIO"),
    ("openat", "EIO"),
    ("rename", "EIO"),
    ("ftruncate", "ENOSPC"),
];

/// A copy of a store for one work, as it is before it.
fn prepared(what: &str, dir: &Path) {
    base(dir);
    if what == "restore" {
        let (store, _) = open_inner(dir).unwrap();
        backup::write(&store, &dir.join("given"), 5, None, || true).unwrap();
        (BASE..BASE + 6).for_each(|id| put(&store, id).unwrap());
    }
    if what == "migrate" {
        renew_tests::make_format_1(dir);
    }
}

fn strace(trace: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "signal=none", "-o"]).arg(trace).args(words);
    command.arg(std::env::current_exe().unwrap()).env("MUSTER_TEST_STORE_FEW", "1");
    command
}

/// The numbers of those calls of this kind that are about files of the data folder.
fn calls_on(trace: &Path, call: &str, dir: &Path) -> Vec<u64> {
    let named = format!("{call}(");
    let dir = dir.to_str().unwrap();
    let text = fs::read_to_string(trace).unwrap();
    let calls = text.lines().filter(|line| line.contains(&named) && !line.contains("resumed>"));
    (1..).zip(calls).filter(|(_, line)| line.contains(dir)).map(|(number, _)| number).collect()
}

#[test]
fn whichever_call_fails_the_store_is_whole_and_what_was_acknowledged_is_there() {
    if !is_there("strace") {
        eprintln!("skipped: strace is not installed");
        return;
    }
    println!("seed {SEED}");
    let mut dice = Dice(SEED);
    let mut injected = 0;
    let (mut told, mut carried_out) = (0, 0);
    for what in ["append", "backup", "restore", "compact", "migrate"] {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        fs::create_dir(&origin).unwrap();
        prepared(what, &origin);
        let trace = folder.path().join("trace");
        for (call, error) in FAILING {
            let data = folder.path().join("data");
            damage_tests::copy(&origin, &data);
            let mut watched = Program::start(strace(&trace, &["-e", &format!("trace={call}")]), what, &data);
            watched.hear(Duration::from_secs(3_600), |_| {});
            drop(watched);
            if !trace.exists() {
                eprintln!("skipped: strace may not trace here");
                return;
            }
            let mut numbers = calls_on(&trace, call, &data);
            fs::remove_dir_all(&data).unwrap();
            if !is_long() && numbers.len() > 1 {
                // One of them, another one for each work and call.
                numbers = vec![numbers[dice.roll(numbers.len() as u64) as usize]];
            }
            for number in numbers {
                let round = format!("{what}: {call} number {number} fails with {error}, seed {SEED}");
                damage_tests::copy(&origin, &data);
                let rule = format!("inject={call}:error={error}:when={number}");
                let words = ["-e", &format!("trace={call}"), "-e", &rule];
                let mut program = Program::start(strace(&trace, &words), what, &data);
                let said = program.hear(Duration::from_secs(3_600), |_| {});
                let mut errors = String::new();
                std::io::Read::read_to_string(&mut program.child.stderr.take().unwrap(), &mut errors)
                    .unwrap();
                drop(program);
                assert!(!errors.contains("panicked"), "{round}: {errors}");
                injected += fs::read_to_string(&trace).unwrap().matches("(INJECTED)").count();
                if errors.contains(": ") {
                    told += 1
                } else {
                    carried_out += 1
                }
                judge(what, &data, &said, &round);
                fs::remove_dir_all(&data).unwrap();
            }
        }
    }
    println!(
        "{injected} calls failed; {told} times it was told, {carried_out} times the work was done all the same"
    );
    assert!(injected > 10, "too little failed to prove anything: {injected}");
}

/// What is in the folder after a call failed: the work is done or not begun, and nothing is lost.
fn judge(what: &str, dir: &Path, said: &[String], round: &str) {
    let place: keys::Place = (what == "migrate").then(|| {
        let keys: Arc<dyn SecretStore> = Arc::new(FileKeys(dir.join("keys")));
        keys
    });
    let places = open::Places::of(dir);
    let lock = Arc::new(open::take_lock(&places).unwrap());
    let (store, notices) =
        open::open_locked(&places, &place, &lock).unwrap_or_else(|why| panic!("{round}: {why}"));
    let quiet =
        |notice: &StoreNotice| matches!(notice, StoreNotice::Upgraded { .. } | StoreNotice::Sealed {});
    assert!(notices.iter().all(quiet), "{round}: {notices:?}");
    let found = entries(&store).unwrap_or_else(|why| panic!("{round}: {why}"));
    assert!(found.iter().all(|(id, value)| *value == text(*id)), "{round}: an entry is not what was written");
    let ids: BTreeSet<u64> = found.into_keys().collect();
    let done = said.iter().any(|line| line == what);
    let upto = |count: u64| (0..count).collect::<BTreeSet<u64>>();
    match what {
        "append" => {
            let acknowledged: BTreeSet<u64> = upto(BASE).into_iter().chain(numbers(said)).collect();
            assert!(ids.is_superset(&acknowledged), "{round}: {acknowledged:?} of {ids:?}");
            assert!(ids.len() <= acknowledged.len() + 1, "{round}: {ids:?}");
        }
        "restore" => {
            let (old, new) = (upto(BASE + 6), upto(BASE));
            assert!(if done { ids == new } else { ids == old || ids == new }, "{round}: {ids:?}");
        }
        _ => assert_eq!(ids, upto(BASE), "{round}"),
    }
    if what == "backup" {
        let made = dir.join("made");
        assert!(made.exists() || !done, "{round}");
        assert!(!made.exists() || backup::Backup::open(&made).is_ok(), "{round}: half a backup");
    }
    if what == "migrate" {
        assert!(store.sealer.key_id().is_some() && store.schema() == Ok(SCHEMA), "{round}");
    }
    // It takes writes as before.
    put(&store, 1_000).unwrap_or_else(|why| panic!("{round}: {why}"));
}

#[tokio::test]
async fn a_store_that_met_a_full_disk_while_it_was_open_can_be_read_and_goes_on_when_there_is_room() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: a full disk needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("disk");
    fs::create_dir(&at).unwrap();
    run("mount", &["-t", "tmpfs", "-o", "size=16m", "none", at.to_str().unwrap()]);
    let disk = Disk { image: PathBuf::new(), at };
    let memory = Arc::new(Memory::new());
    let store = Store::open_sealed(&disk.at.join("data"), memory).await.unwrap().store;
    let write = |id: u64| store.write(move |writer| ENTRIES.put(writer, &id, &text(id)));
    write(1).await.unwrap();
    let filler = disk.at.join("filler");
    let mut out = fs::File::create(&filler).unwrap();
    while out.write_all(&[0; 1 << 16]).is_ok() {}
    for _ in 0..3 {
        let fault = write(2).await.unwrap_err();
        assert_eq!(fault.code, protocol::FaultCode::StoreUnwritable, "{fault}");
        assert_eq!(store.read(|reader| ENTRIES.get(reader, &1)).await.unwrap(), Some(text(1)));
    }
    drop(out);
    fs::remove_file(&filler).unwrap();
    write(2).await.unwrap();
    assert_eq!(store.read(|reader| ENTRIES.get(reader, &2)).await.unwrap(), Some(text(2)));
}
