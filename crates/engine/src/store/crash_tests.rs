//! A program that works on a store is killed, loses its disk, or has one of its system calls fail,
//! again and again. What it was told is on the disk must be there, nothing that was never written
//! may be, and the store must open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::rig::{self, Dice, Disk, Failures, Program};
use crate::secrets::Memory;

const SEED: u64 = 0x0d15_c0de;
const NAME: &str = "store::crash_tests::what_was_acknowledged_is_there_after_a_kill";
const ENTRIES: Tree<u64, String> = Tree::new("entries", 1);
/// Entries that are there before the program begins.
const BASE: u64 = 12;

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

/// The program: does one thing to the store in the folder and says what it was told is done.
fn work(what: &str, dir: &Path) -> Result<(), Fault> {
    let places = open::Places::of(dir);
    match what {
        "append" => {
            let (store, _) = open_inner(dir)?;
            rig::say("open");
            let first = entries(&store)?.last_key_value().map_or(0, |(id, _)| id + 1);
            for id in first.. {
                put(&store, id)?;
                rig::say(&id.to_string());
                if rig::a_few_are_enough() && id == first + 4 {
                    break;
                }
            }
        }
        "backup" => {
            let (store, _) = open_inner(dir)?;
            backup::write(&store, &dir.join("made"), 5, None, || true)?;
            rig::say("backup");
        }
        "restore" => {
            renew::restore(&places, &dir.join("given"), &None, None)?;
            rig::say("restore");
        }
        "compact" => {
            let lock = Arc::new(open::take_lock(&places)?);
            let (store, _) = open::open_locked(&places, &None, &lock)?;
            renew::compact(store, &places, &None, &lock)?;
            rig::say("compact");
        }
        _ => {
            // A store of format 1 becomes one of this format, and is sealed on the way.
            let lock = Arc::new(open::take_lock(&places)?);
            open::open_locked(&places, &Some(Arc::new(FileKeys(dir.join("keys")))), &lock)?;
            rig::say("migrate");
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
    if let Some((what, dir)) = rig::work_asked() {
        if let Err(fault) = work(&what, &dir) {
            eprintln!("{:?}: {fault}", fault.code);
        }
        // Nothing of the harness runs after it: its calls would count too.
        std::process::exit(0);
    }
    let rounds = if rig::is_long() { 200 } else { 8 };
    println!("seed {SEED}, {rounds} kills");
    let dir = tempfile::tempdir().unwrap();
    base(dir.path());
    let mut dice = Dice(SEED);
    let mut acknowledged: BTreeSet<u64> = (0..BASE).collect();
    for round in 0..rounds {
        let mut program = Program::start(NAME, "append", dir.path());
        let said = program.hear(Duration::from_millis(dice.roll(200)), |child| child.kill().unwrap());
        drop(program);
        acknowledged.extend(numbers(&said));
        acknowledged = check(dir.path(), &acknowledged, &format!("seed {SEED}, round {round}"));
    }
    assert!(acknowledged.len() as u64 > BASE + rounds, "it wrote too little to prove anything");
}

#[test]
fn what_was_acknowledged_is_there_after_a_power_cut() {
    if !rig::power_can_be_cut() {
        return;
    }
    let rounds = if rig::is_long() { 60 } else { 3 };
    println!("seed {SEED}, {rounds} power cuts");
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(SEED);
    let mut written = 0;
    for round in 0..rounds {
        let after = Duration::from_millis(dice.roll(400));
        let room = folder.path().join(format!("round-{round}"));
        rig::cut_power_under(NAME, "append", &room, after, |data, said| {
            let acknowledged: BTreeSet<u64> = numbers(said).collect();
            written += acknowledged.len();
            check(data, &acknowledged, &format!("seed {SEED}, power cut {round}"));
        });
    }
    assert!(written as u64 > rounds, "it wrote too little to prove anything");
}

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

#[test]
fn whichever_call_fails_the_store_is_whole_and_what_was_acknowledged_is_there() {
    if !rig::is_there("strace") {
        eprintln!("skipped: strace is not installed");
        return;
    }
    println!("seed {SEED}");
    let mut dice = Dice(SEED);
    let mut failures = Failures::default();
    for what in ["append", "backup", "restore", "compact", "migrate"] {
        let origin = tempfile::tempdir().unwrap();
        prepared(what, origin.path());
        let judged =
            rig::fail_each_call((NAME, what), origin.path(), &mut dice, &mut failures, |dir, said, round| {
                judge(what, dir, said, round);
            });
        if !judged {
            eprintln!("skipped: strace may not trace here");
            return;
        }
    }
    println!("{failures:?}");
    assert!(failures.injected > 10, "too little failed to prove anything: {failures:?}");
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
        |notice: &StoreNotice| matches!(notice, StoreNotice::Upgraded { .. } | StoreNotice::Sealed { .. });
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
    let disk = Disk::small(folder.path());
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
