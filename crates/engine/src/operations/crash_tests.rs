//! A program that writes to the log is killed, loses its disk, or has one of its system calls fail, again and
//! again, and the files of its store are damaged. Whatever it was told is on the disk must be there, the
//! counts must be those of the entries, and the chain must be whole or say where it is not.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::rig::{self, Dice, Failures, Program};
use crate::secrets::Memory;
use crate::store::damage_tests::damage;

const SEED: u64 = 0x5eed_0f10_9500;
const NAME: &str = "operations::crash_tests::whatever_was_acknowledged_survives_a_kill";

/// What was said of each entry: that it was begun, and how it was finished; true if that is bad.
type Acknowledged = BTreeMap<u64, Option<bool>>;

async fn open(dir: &Path) -> Result<Operations, Fault> {
    Operations::open(Store::open(dir).await?.store, Clock::standing_at(1), "ann".into()).await
}

#[tokio::test]
async fn whatever_was_acknowledged_survives_a_kill() {
    if let Some((what, dir)) = rig::work_asked() {
        if let Err(fault) = work(&what, &dir).await {
            eprintln!("{:?}: {fault}", fault.code);
        }
        // Nothing of the harness runs after it: its calls would count too.
        std::process::exit(0);
    }
    let rounds = if rig::is_long() { 200 } else { 12 };
    println!("seed {SEED}, {rounds} kills");
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(SEED);
    let mut acknowledged = Acknowledged::new();
    for round in 0..rounds {
        let mut program = Program::start(NAME, &format!("write-{}", SEED + round), dir.path());
        let after = Duration::from_millis(30 + dice.roll(250));
        hear(&program.hear(after, |child| child.kill().unwrap()), &mut acknowledged);
        drop(program);
        check(dir.path(), &acknowledged, &format!("seed {SEED}, round {round}")).await;
    }
    assert!(acknowledged.len() as u64 > rounds, "the writer wrote too little to prove anything");
}

/// The program that is cut: tells on its output what it was told is done.
async fn work(what: &str, dir: &Path) -> Result<(), Fault> {
    match what.strip_prefix("write-") {
        Some(seed) => write(dir, seed.parse().unwrap()).await,
        None => mark(dir).await,
    }
}

async fn write(dir: &Path, seed: u64) -> Result<(), Fault> {
    let mut dice = Dice(seed);
    let log = open(dir).await?;
    rig::say("open 0 0");
    let entries = if rig::a_few_are_enough() { 6 } else { u64::MAX };
    for number in 0..entries {
        let draft = OperationDraft::new(OperationKind::Command, None, format!("{seed}-{number}"))
            .running("x".repeat(dice.roll(9_000) as usize), Privilege::User);
        let id = log.begin(draft).await?;
        rig::say(&format!("begun {id} 0"));
        if dice.roll(4) > 0 {
            let result = if dice.roll(3) == 0 { OperationResult::Failed } else { OperationResult::Done };
            let output = "y".repeat(dice.roll(20_000) as usize);
            let ended = log.finish(id, Finish { output, ..Finish::new(result) }).await?;
            // What could not be written down is told as such.
            if ended.unlogged.is_none() {
                rig::say(&format!("finished {id} {}", u64::from(result.is_bad())));
            }
        }
        if dice.roll(3) == 0 {
            log.mark_read(ReadSelection::Ids(vec![dice.roll(id) + 1])).await?;
        }
        if dice.roll(20) == 0 {
            log.mark_read(ReadSelection::All).await?;
        }
    }
    Ok(())
}

/// Marks what is there, in every way, and tells what was told.
async fn mark(dir: &Path) -> Result<(), Fault> {
    let log = open(dir).await?;
    log.mark_read(ReadSelection::Ids(vec![2, 5])).await?;
    rig::say("read 2 0");
    rig::say("read 5 0");
    log.mark_unread(vec![2]).await?;
    rig::say("unread 2 0");
    let filter = OperationFilter { failed: true, ..OperationFilter::default() };
    log.mark_read(ReadSelection::Filter(filter)).await?;
    log.comment(3, "a remark".into()).await?;
    rig::say("comment 3 0");
    Ok(())
}

fn parts(line: &str) -> (&str, u64, bool) {
    let mut words = line.split(' ');
    let what = words.next().unwrap();
    let mut number = || words.next().unwrap().parse::<u64>().unwrap();
    (what, number(), number() == 1)
}

fn hear(said: &[String], acknowledged: &mut Acknowledged) {
    for line in said {
        match parts(line) {
            ("begun", id, _) => drop(acknowledged.insert(id, None)),
            ("finished", id, bad) => drop(acknowledged.insert(id, Some(bad))),
            _ => {}
        }
    }
}

async fn all(log: &Operations) -> Result<Vec<Operation>, Fault> {
    let mut entries = Vec::new();
    let mut filter = OperationFilter { limit: Some(1_000), ..OperationFilter::default() };
    loop {
        let page = log.page(filter.clone()).await?;
        entries.extend(page.operations);
        filter.before = page.next;
        if page.next.is_none() {
            entries.reverse();
            return Ok(entries);
        }
    }
}

fn counted(entries: &[Operation]) -> OperationCounts {
    let count =
        |wanted: &dyn Fn(&Operation) -> bool| entries.iter().filter(|entry| wanted(entry)).count() as u64;
    OperationCounts {
        total: entries.len() as u64,
        unread: count(&|entry| entry.is_unread()),
        unread_failed: count(&|entry| entry.is_unread() && entry.result.is_bad()),
        failed: count(&|entry| entry.result.is_bad()),
    }
}

/// Nothing is lost, nothing invented, badges are those of the entries, the chain is whole.
async fn check(dir: &Path, acknowledged: &Acknowledged, round: &str) -> Vec<Operation> {
    let log = open(dir).await.unwrap_or_else(|why| panic!("{round}: {why}"));
    assert_eq!(log.store.notices(), [], "{round}: a cut damages nothing");
    let entries = all(&log).await.unwrap();
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
    let counted = counted(&entries);
    assert_eq!(log.counts(), counted, "{round}: the badge is not that of the entries");
    let unread = OperationFilter { unread: true, limit: Some(1_000), ..OperationFilter::default() };
    let unread = log.page(unread).await.unwrap();
    if unread.next.is_none() {
        assert_eq!(unread.operations.len() as u64, counted.unread, "{round}: unread entries are not listed");
    }
    let verified = log.verify(Arc::new(Memory::new())).await.unwrap();
    assert_eq!(verified.breaks, [], "{round}: the chain is broken");
    assert_eq!(verified.entries, entries.len() as u64, "{round}");
    entries
}

#[test]
fn whatever_was_acknowledged_survives_a_power_cut() {
    if !rig::power_can_be_cut() {
        return;
    }
    let rounds = if rig::is_long() { 60 } else { 3 };
    println!("seed {SEED}, {rounds} power cuts");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(SEED);
    let mut written = 0;
    for round in 0..rounds {
        let after = Duration::from_millis(dice.roll(400));
        let room = folder.path().join(format!("round-{round}"));
        rig::cut_power_under(NAME, &format!("write-{}", SEED + round), &room, after, |data, said| {
            let mut acknowledged = Acknowledged::new();
            hear(said, &mut acknowledged);
            written += acknowledged.len() as u64;
            let round = format!("seed {SEED}, power cut {round}");
            let entries = runtime.block_on(check(data, &acknowledged, &round));
            let more = entries.len() - acknowledged.len();
            assert!(more <= 1, "{round}: {more} entries are there that were never acknowledged");
        });
    }
    assert!(written > rounds, "it wrote too little to prove anything");
}

/// A log with something to mark: done, failed and cut, read and unread.
async fn prepare(dir: &Path) {
    let log = open(dir).await.unwrap();
    for number in 0..8 {
        let draft = OperationDraft::new(OperationKind::Command, None, format!("before {number}"));
        let result = if number % 3 == 0 { OperationResult::Failed } else { OperationResult::Done };
        log.record(draft, Finish { output: "z".repeat(number * 900), ..Finish::new(result) }).await.unwrap();
    }
    log.mark_read(ReadSelection::Ids(vec![1])).await.unwrap();
}

#[test]
fn whichever_call_fails_the_log_is_whole_and_what_was_acknowledged_is_there() {
    if !rig::is_there("strace") {
        eprintln!("skipped: strace is not installed");
        return;
    }
    println!("seed {SEED}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let origin = tempfile::tempdir().unwrap();
    runtime.block_on(prepare(origin.path()));
    let before: Acknowledged = (0..8).map(|number| (number + 1, Some(number % 3 == 0))).collect();
    let mut dice = Dice(SEED);
    let mut failures = Failures::default();
    for what in [format!("write-{SEED}"), "mark".to_owned()] {
        let judged = rig::fail_each_call(
            (NAME, &what),
            origin.path(),
            &mut dice,
            &mut failures,
            |data, said, round| runtime.block_on(judge(data, said, before.clone(), round)),
        );
        if !judged {
            eprintln!("skipped: strace may not trace here");
            return;
        }
    }
    println!("{failures:?}");
    assert!(failures.injected > 5, "too little failed to prove anything: {failures:?}");
}

async fn judge(data: &Path, said: &[String], mut acknowledged: Acknowledged, round: &str) {
    hear(said, &mut acknowledged);
    let entries = check(data, &acknowledged, round).await;
    let more = entries.len() - acknowledged.len();
    assert!(more <= 1, "{round}: {more} entries are there that were never acknowledged");
    let entry = |id: u64| &entries[id as usize - 1];
    let marks = said.iter().map(|line| parts(line));
    let marks: BTreeMap<u64, bool> = marks
        .filter(|(what, ..)| ["read", "unread"].contains(what))
        .map(|(what, id, _)| (id, what == "read"))
        .collect();
    for (id, read) in marks {
        // The mark after it may be there without having been told.
        let later = id == 2 && read && !said.iter().any(|line| line.starts_with("unread"));
        assert!(later || entry(id).is_unread() != read, "{round}: the mark of {id} is lost");
    }
    if said.iter().any(|line| line.starts_with("comment")) {
        assert_eq!(entry(3).comments.len(), 1, "{round}: the remark is lost");
    }
    // It takes entries as before.
    let log = open(data).await.unwrap();
    let draft = OperationDraft::new(OperationKind::Command, None, "after");
    log.begin(draft).await.unwrap_or_else(|why| panic!("{round}: {why}"));
}

/// A log that was opened several times, with a backup of the day in between.
async fn history(dir: &Path) -> BTreeMap<u64, Operation> {
    let mut dice = Dice(SEED);
    for part in 0..4 {
        let store = Store::open(dir).await.unwrap().store;
        let log = Operations::open(store.clone(), Clock::standing_at(part), "ann".into()).await.unwrap();
        if part == 2 {
            store.back_up_daily(5, false, Arc::default()).await.unwrap();
        }
        for number in 0..25 {
            let draft = OperationDraft::new(OperationKind::Command, None, format!("target {number}"));
            let id = log.begin(draft).await.unwrap();
            let result = if dice.roll(3) == 0 { OperationResult::Failed } else { OperationResult::Done };
            let output = format!("{id} ").repeat(dice.roll(900) as usize);
            log.finish(id, Finish { output, ..Finish::new(result) }).await.unwrap();
            if dice.roll(4) == 0 {
                log.mark_read(ReadSelection::Ids(vec![dice.roll(id) + 1])).await.unwrap();
            }
        }
    }
    let log = open(dir).await.unwrap();
    all(&log).await.unwrap().into_iter().map(|entry| (entry.id, entry)).collect()
}

#[derive(Debug, Default)]
struct Tally {
    whole: u32,
    fewer: u32,
    refused: u32,
}

#[tokio::test]
async fn a_damaged_log_keeps_what_it_can_counts_it_right_and_says_what_it_cost() {
    let origin = tempfile::tempdir().unwrap();
    let written = history(origin.path()).await;
    let rounds = if rig::is_long() { 200 } else { 40 };
    println!("seed {SEED}, {rounds} rounds");
    let mut tally = Tally::default();
    for round in 0..rounds {
        let mut dice = Dice::of_round(SEED, round);
        let dir = tempfile::tempdir().unwrap();
        rig::copy(origin.path(), dir.path());
        let what = format!("round {round}: {}", damage(dir.path(), &mut dice));
        match look(dir.path(), &written, &what).await {
            Ok(true) => tally.whole += 1,
            Ok(false) => tally.fewer += 1,
            Err(fault) => {
                assert_eq!(fault.code, FaultCode::StoreDamaged, "{what}: {fault}");
                tally.refused += 1;
            }
        }
    }
    println!("{tally:?}");
    assert!(tally.whole > 0 && tally.fewer > 0, "every way was taken: {tally:?}");
}

/// True if all entries are there. What is there is as it was written.
async fn look(dir: &Path, written: &BTreeMap<u64, Operation>, what: &str) -> Result<bool, Fault> {
    let opened = Store::open(dir).await?;
    let notices = opened.notices.clone();
    let log = Operations::open(opened.store, Clock::standing_at(9), "ann".into()).await?;
    let entries = all(&log).await?;
    assert_eq!(log.counts(), counted(&entries), "{what}: the badge is not that of the entries");
    for entry in &entries {
        let was = written.get(&entry.id).unwrap_or_else(|| panic!("{what}: {} is invented", entry.id));
        // Marks and remarks may be lost by themselves; what was done may not change.
        let now = Operation { read: was.read.clone(), read_by: was.read_by.clone(), ..entry.clone() };
        let is_cut = entry.result == OperationResult::OutcomeUnknown;
        assert!(now == *was || is_cut, "{what}: operation {} is not what was written", entry.id);
    }
    let verified = log.verify(Arc::new(Memory::new())).await?;
    let is_whole = entries.len() == written.len();
    if !is_whole {
        assert!(!notices.is_empty(), "{what}: {} of {} entries in silence", entries.len(), written.len());
        assert!(!entries.is_empty(), "{what}: it looks empty: {notices:?}");
        assert!(!verified.breaks.is_empty(), "{what}: entries are gone and the chain does not tell");
    }
    Ok(is_whole)
}

/// `flush` of sled alone does not reach the disk, and a kill cannot show that; the system calls can.
#[test]
fn nothing_is_acknowledged_before_it_was_synced() {
    let dir = tempfile::tempdir().unwrap();
    let work = format!("write-{SEED}");
    let Some((trace, _)) = rig::traced("fdatasync,writev", NAME, &work, dir.path()) else {
        eprintln!("skipped: strace is not installed or may not trace here");
        return;
    };
    let mut synced = false;
    let mut acknowledged = 0;
    for line in trace.lines() {
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
