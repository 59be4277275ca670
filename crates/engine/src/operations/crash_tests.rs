//! A program that writes to the log is killed again and again; whatever it was told is on the disk
//! must be there, and the counts must be those of the entries.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

const ROUNDS: u64 = 12;
const SEED: u64 = 0x5eed_0f10_9500;
/// Set for the program that is killed: where it writes, and its seed.
const WRITER_DIR: &str = "MUSTER_TEST_WRITER_DIR";
const WRITER_SEED: &str = "MUSTER_TEST_WRITER_SEED";
/// After so many entries it ends by itself, if this is set.
const WRITER_ENTRIES: &str = "MUSTER_TEST_WRITER_ENTRIES";
const NAME: &str = "operations::crash_tests::whatever_was_acknowledged_survives_a_kill";

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

#[tokio::test]
async fn whatever_was_acknowledged_survives_a_kill() {
    match (std::env::var_os(WRITER_DIR), std::env::var(WRITER_SEED)) {
        (Some(dir), Ok(seed)) => write_until_killed(Path::new(&dir), seed.parse().unwrap()).await,
        _ => kill_and_look(ROUNDS).await,
    }
}

/// The killed program: tells on its output what it was told is done.
async fn write_until_killed(dir: &Path, seed: u64) {
    let mut dice = Dice(seed);
    let opened = Store::open(dir).await.unwrap();
    assert_eq!(opened.notice, None);
    let log = Operations::open(opened.store, Clock::system(), "ann".into()).await.unwrap();
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\nack {line}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    say("open 0 0".into());
    let entries = std::env::var(WRITER_ENTRIES).map_or(u64::MAX, |entries| entries.parse().unwrap());
    for number in 0..entries {
        let draft = OperationDraft::new(OperationKind::Command, None, format!("{seed}-{number}"))
            .running("x".repeat(dice.roll(9_000) as usize), Privilege::User);
        let id = log.begin(draft).await.unwrap();
        say(format!("begun {id} 0"));
        if dice.roll(4) > 0 {
            let result = if dice.roll(3) == 0 { OperationResult::Failed } else { OperationResult::Done };
            let output = "y".repeat(dice.roll(20_000) as usize);
            log.finish(id, Finish { output, ..Finish::new(result) }).await.unwrap();
            say(format!("finished {id} {}", u64::from(result.is_bad())));
        }
        if dice.roll(3) == 0 {
            let read = dice.roll(id) + 1;
            log.mark_read(ReadSelection::Ids(vec![read])).await.unwrap();
        }
        if dice.roll(20) == 0 {
            log.mark_read(ReadSelection::All).await.unwrap();
        }
    }
}

async fn kill_and_look(rounds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(SEED);
    let mut acknowledged: BTreeMap<u64, Option<bool>> = BTreeMap::new();
    for round in 0..rounds {
        let seed = SEED + round;
        let mut writer = Writer::start(dir.path(), seed);
        for (what, id, bad) in writer.run_for(Duration::from_millis(30 + dice.roll(250))) {
            match what.as_str() {
                "begun" => drop(acknowledged.insert(id, None)),
                "finished" => drop(acknowledged.insert(id, Some(bad))),
                _ => {}
            }
        }
        drop(writer);
        check(dir.path(), &acknowledged, &format!("seed {seed}")).await;
    }
    assert!(acknowledged.len() as u64 > rounds, "the writer wrote too little to prove anything");
}

async fn check(dir: &Path, acknowledged: &BTreeMap<u64, Option<bool>>, round: &str) {
    let opened = Store::open(dir).await.unwrap_or_else(|why| panic!("{round}: {why}"));
    assert_eq!(opened.notice, None, "{round}: a kill damages nothing");
    let log = Operations::open(opened.store, Clock::standing_at(1), "ann".into()).await.unwrap();
    let mut entries = Vec::new();
    let mut filter = OperationFilter { limit: Some(1_000), ..OperationFilter::default() };
    loop {
        let page = log.page(filter.clone()).await.unwrap();
        entries.extend(page.operations);
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    entries.reverse();
    assert!(
        entries.iter().map(|entry| entry.id).eq(1..=entries.len() as u64),
        "{round}: ids count up without a gap"
    );
    for (id, finished) in acknowledged {
        let entry =
            entries.get(*id as usize - 1).unwrap_or_else(|| panic!("{round}: operation {id} is lost"));
        match finished {
            Some(bad) => {
                assert_eq!(entry.result.is_bad(), *bad, "{round}: operation {id} has another result")
            }
            None => {
                assert_ne!(entry.result, OperationResult::UnderWay, "{round}: operation {id} is not closed")
            }
        }
    }
    let count =
        |wanted: &dyn Fn(&Operation) -> bool| entries.iter().filter(|entry| wanted(entry)).count() as u64;
    let counted = OperationCounts {
        total: entries.len() as u64,
        unread: count(&|entry| entry.is_unread()),
        unread_failed: count(&|entry| entry.is_unread() && entry.result.is_bad()),
        failed: count(&|entry| entry.result.is_bad()),
    };
    assert_eq!(log.counts(), counted, "{round}: the badge is not that of the entries");
    let unread = OperationFilter { unread: true, limit: Some(1_000), ..OperationFilter::default() };
    let unread = log.page(unread).await.unwrap();
    if unread.next.is_none() {
        assert_eq!(unread.operations.len() as u64, counted.unread, "{round}: unread entries are not listed");
    }
}

/// This very test, started once more as the program that writes.
struct Writer {
    child: Child,
}

impl Writer {
    fn start(dir: &Path, seed: u64) -> Self {
        let program = Command::new(std::env::current_exe().unwrap());
        Self::start_by(program, dir, seed).expect("this test is a program")
    }

    /// `None` if the command's program is not installed.
    fn start_by(mut command: Command, dir: &Path, seed: u64) -> Option<Self> {
        let child = command
            .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
            .env(WRITER_DIR, dir)
            .env(WRITER_SEED, seed.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { child })
    }

    fn run_for(&mut self, time: Duration) -> Vec<(String, u64, bool)> {
        self.try_run_for(time).expect("the writer did not come so far as to open the store")
    }

    /// Lets it write for a while after it opened the store, kills it, and gives what it said.
    fn try_run_for(&mut self, time: Duration) -> Option<Vec<(String, u64, bool)>> {
        let lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let mut end = None;
        for line in lines {
            let Ok(line) = line else { break };
            let mut words = line.split(' ');
            if words.next() != Some("ack") {
                continue;
            }
            let what = words.next().unwrap().to_owned();
            let mut number = || words.next().unwrap().parse::<u64>().unwrap();
            let (id, bad) = (number(), number() == 1);
            let end = *end.get_or_insert_with(|| Instant::now() + time);
            said.push((what, id, bad));
            if Instant::now() >= end {
                // What it still says after this is read too: it was acknowledged.
                self.child.kill().unwrap();
            }
        }
        end.map(|_| said)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `flush` of sled alone does not reach the disk, and a kill cannot show that; the system calls can.
#[test]
fn nothing_is_acknowledged_before_it_was_synced() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=fdatasync,write", "-e", "signal=none", "-o"]).arg(&trace);
    command.arg(std::env::current_exe().unwrap()).env(WRITER_ENTRIES, "20");
    let Some(mut writer) = Writer::start_by(command, &dir.path().join("data"), SEED) else {
        eprintln!("skipped: strace is not installed");
        return;
    };
    // No kill: it would end strace alone and let the writer run on.
    if writer.try_run_for(Duration::from_secs(3_600)).is_none() {
        eprintln!("skipped: strace may not trace here");
        return;
    }
    drop(writer);
    let mut synced = false;
    let mut acknowledged = 0;
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        if line.contains("fdatasync") && line.ends_with("= 0") {
            synced = true;
        } else if line.contains("ack begun") || line.contains("ack finished") {
            assert!(synced, "no sync came before: {line}");
            synced = false;
            acknowledged += 1;
        }
    }
    assert!(acknowledged > 2, "the writer wrote too little to prove anything: {acknowledged}");
}
