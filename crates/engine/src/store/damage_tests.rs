//! Files of the store are damaged in every way a disk knows. What is then told must be true: the
//! entries as they were, or a fault, or fewer entries with a notice; never a panic, never silence.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use protocol::FaultCode;

use super::*;
use crate::rig::{self, Dice, copy};

/// In the tests, and in the long ones.
const ROUNDS: [u64; 2] = [60, 200];
const SEED: u64 = 0xda_3a6e;
const ENTRIES: Tree<u64, String> = Tree::new("entries", 1);
const NAMES: Tree<String, u64> = Tree::new("names", 1);

fn value(id: u64) -> String {
    format!("entry {id} ").repeat(1 + (id as usize * 37) % 900)
}

/// A store with some history: entries written, overwritten and removed, opened several times.
async fn fill(dir: &Path) -> BTreeMap<u64, String> {
    let mut written = BTreeMap::new();
    for part in 0..4u64 {
        let store = Store::open(dir).await.unwrap().store;
        if part == 2 {
            store.back_up_daily(5, false, Arc::default()).await.unwrap();
        }
        for step in 0..40 {
            let id = part * 40 + step;
            store
                .write(move |writer| {
                    ENTRIES.put(writer, &id, &value(id))?;
                    NAMES.put(writer, &format!("name-{id}"), &id)?;
                    match id % 7 {
                        3 => ENTRIES.remove(writer, &(id - 1)),
                        _ => Ok(()),
                    }
                })
                .await
                .unwrap();
            written.insert(id, value(id));
            if id % 7 == 3 {
                written.remove(&(id - 1));
            }
        }
    }
    written
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir.join("store"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// Does one thing to one file and says what.
pub(crate) fn damage(dir: &Path, dice: &mut Dice) -> String {
    let files = files(dir);
    // Half of the rounds hit `db`, where the data is.
    let file = match dice.roll(2) {
        0 => dir.join("store/db"),
        _ => files[dice.roll(files.len() as u64) as usize].clone(),
    };
    let mut bytes = fs::read(&file).unwrap();
    let length = bytes.len() as u64;
    let at = dice.roll(length.max(1)) as usize;
    let what = match dice.roll(6) {
        0 => {
            bytes.clear();
            "emptied"
        }
        1 => {
            bytes.truncate(at);
            "cut"
        }
        2 => {
            bytes.truncate(length.saturating_sub(1 + dice.roll(700 << 10)) as usize);
            "without its tail"
        }
        3 => {
            let end = bytes.len().min(at + 4096);
            bytes[at..end].fill(0);
            "zeroed for 4 KiB"
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.roll(8);
            }
            "with one bit flipped"
        }
    };
    fs::write(&file, bytes).unwrap();
    format!("{} {what} at {at} of {length}", file.file_name().unwrap().display())
}

#[derive(Debug, Default)]
struct Tally {
    whole: u32,
    said_at_open: u32,
    said_at_reading: u32,
    refused: u32,
    recovered: u32,
    from_backup: u32,
}

#[tokio::test]
async fn a_damaged_store_never_panics_never_lies_and_never_looks_empty() {
    let origin = tempfile::tempdir().unwrap();
    let written = fill(origin.path()).await;
    let mut tally = Tally::default();
    let rounds = ROUNDS[usize::from(rig::is_long())];
    println!("seed {SEED}, {rounds} rounds");
    for round in 0..rounds {
        let mut dice = Dice::of_round(SEED, round);
        let dir = tempfile::tempdir().unwrap();
        copy(origin.path(), dir.path());
        let what = format!("round {round}: {}", damage(dir.path(), &mut dice));
        let damaged = fs::read(dir.path().join("store/db")).unwrap();
        match Store::open(dir.path()).await {
            Err(fault) => {
                assert_eq!(fault.code, FaultCode::StoreDamaged, "{what}: {fault}");
                assert!(kept_copies(dir.path()) > 0, "{what}: {fault}");
                let kept = fs::read(dir.path().join("store.damaged-1/db")).unwrap();
                assert!(kept == damaged, "{what}: the copy is not what was found");
                let again = Store::open(dir.path()).await.err();
                assert_eq!(
                    again.map(|fault| fault.code),
                    Some(FaultCode::StoreDamaged),
                    "{what}, a second time"
                );
                assert_eq!(kept_copies(dir.path()), 1, "{what}: one copy of one damage");
                tally.refused += 1;
            }
            Ok(opened) => judge(opened, &written, &what, &mut tally).await,
        }
    }
    println!("{tally:?}");
    let ways = [tally.whole, tally.said_at_open, tally.recovered, tally.from_backup];
    assert!(ways.iter().all(|way| *way > 0), "every way was taken: {tally:?}");
}

#[tokio::test]
async fn one_flipped_bit_costs_nothing() {
    let rounds = ROUNDS[usize::from(rig::is_long())];
    println!("seed {SEED}, {rounds} rounds");
    let origin = tempfile::tempdir().unwrap();
    let secrets: Arc<crate::secrets::Memory> = Arc::default();
    let open = async |dir: &Path| Store::open_sealed(dir, secrets.clone()).await.unwrap();
    let store = open(origin.path()).await.store;
    for id in 0..120 {
        store.write(move |writer| ENTRIES.put(writer, &id, &value(id))).await.unwrap();
    }
    drop(store);
    let whole = fs::read(origin.path().join("store/db")).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    for round in 0..rounds {
        let mut dice = Dice::of_round(SEED, round);
        let dir = tempfile::tempdir().unwrap();
        copy(origin.path(), dir.path());
        let at = dice.roll(used) as usize;
        let mut bent = whole.clone();
        bent[at] ^= 1 << dice.roll(8);
        fs::write(dir.path().join("store/db"), bent).unwrap();
        let opened = open(dir.path()).await;
        let list = opened.store.read(|reader| ENTRIES.list(reader, ..)).await.unwrap();
        assert!(list.iter().all(|(id, found)| *found == value(*id)), "round {round}, bit at {at}");
        let lost = 120 - list.len();
        assert_eq!(lost, 0, "round {round}, bit at {at}: {:?}", opened.notice);
    }
}

fn kept_copies(dir: &Path) -> usize {
    let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("store.damaged-");
    fs::read_dir(dir).unwrap().filter(|entry| name(entry.as_ref().unwrap())).count()
}

/// Of an open store, every entry is as it was written, or its loss was said.
async fn judge(opened: Opened, written: &BTreeMap<u64, String>, what: &str, tally: &mut Tally) {
    let Opened { store, notice, notices } = opened;
    let list = store.read(|reader| ENTRIES.list(reader, ..)).await;
    let names = store.read(|reader| NAMES.list(reader, ..)).await;
    for fault in [list.as_ref().err(), names.as_ref().err()].into_iter().flatten() {
        assert_eq!(fault.code, FaultCode::StoreDamaged, "{what}: {fault}");
    }
    let said_at_reading = list.is_err() || names.is_err();
    if let (Ok(list), Ok(names)) = (list, names) {
        for (id, found) in &list {
            assert_eq!(*found, value(*id), "{what}: entry {id} is not what was written");
        }
        for notice in &notices {
            let StoreNotice::Recovered { recovered, lost, from_backup, .. } = notice else { continue };
            tally.recovered += 1;
            tally.from_backup += u32::from(*from_backup > 0);
            assert_eq!(*recovered, (list.len() + names.len()) as u64, "{what}: recovered is what is there");
            let total = lost.map(|lost| recovered + lost);
            // More, where a removal is among what is lost.
            assert!(total.is_none_or(|total| total >= written.len() as u64 + 160), "{what}: {notice:?}");
        }
        let missing = written.keys().filter(|id| !list.iter().any(|(found, _)| found == *id)).count();
        let whole = missing == 0 && list.len() == written.len() && names.len() == 160;
        assert!(
            whole || notice.is_some(),
            "{what}: {missing} entries of {} and {} names of 160 are lost in silence",
            written.len(),
            160 - names.len()
        );
    }
    match (said_at_reading, notice) {
        (true, _) => tally.said_at_reading += 1,
        (false, Some(_)) => tally.said_at_open += 1,
        (false, None) => tally.whole += 1,
    }
}

#[tokio::test]
async fn a_store_whose_files_are_gone_is_not_a_new_store() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).await.unwrap());
    let store = Store::open(dir.path()).await.unwrap().store;
    store.write(|writer| ENTRIES.put(writer, &1, &"one".into())).await.unwrap();
    drop(store);
    fs::remove_dir_all(dir.path().join("store")).unwrap();
    for _ in 0..2 {
        let fault = Store::open(dir.path()).await.err().unwrap();
        assert_eq!(fault.code, FaultCode::StoreDamaged);
    }
}

#[tokio::test]
async fn a_store_too_long_to_hold_is_copied_before_sled_cuts_off_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap().store;
    let long = "x".repeat(100_000);
    for part in 0..9 {
        let long = long.clone();
        store
            .write(move |writer| {
                (part * 100..part * 100 + 100)
                    .try_for_each(|id| ENTRIES.put(writer, &id, &format!("{id} {long}")))
            })
            .await
            .unwrap();
    }
    for id in 0..20 {
        store.write(move |writer| NAMES.put(writer, &format!("name-{id}"), &id)).await.unwrap();
    }
    drop(store);
    let file = dir.path().join("store/db");
    let mut bytes = fs::read(&file).unwrap();
    assert!(bytes.len() > 64 << 20, "{} bytes are held in memory", bytes.len());
    // One of the last writes: sled would take all behind it away.
    let at = memchr::memmem::rfind(&bytes, b"name-5").unwrap();
    bytes[at..at + 3].fill(0);
    fs::write(&file, &bytes).unwrap();
    let opened = Store::open(dir.path()).await.unwrap();
    assert!(matches!(opened.notices[0], StoreNotice::Recovered { .. }), "{:?}", opened.notices);
    assert!(fs::read(dir.path().join("store.damaged-1/db")).unwrap() == bytes, "the copy is what was found");
    let names = opened.store.read(|reader| NAMES.list(reader, ..)).await.unwrap();
    assert!(names.len() >= 19 && names.contains(&("name-19".into(), 19)), "{names:?}");
    let entries = opened.store.read(|reader| ENTRIES.list(reader, ..)).await.unwrap();
    assert_eq!(entries.len(), 900);
}

#[tokio::test]
async fn what_lies_beside_a_store_tells_that_it_was_used() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).await.unwrap());
    fs::write(dir.path().join("operations.head"), "").unwrap();
    drop(Store::open(dir.path()).await.unwrap());
    fs::remove_dir_all(dir.path().join("store")).unwrap();
    fs::remove_file(dir.path().join("store.witness")).unwrap();
    for _ in 0..2 {
        let fault = Store::open(dir.path()).await.err().unwrap();
        assert_eq!(fault.code, FaultCode::StoreDamaged, "{fault}");
    }
}

#[tokio::test]
async fn a_store_that_is_gone_without_a_trace_but_its_backup_is_brought_back_from_that() {
    for is_sealed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let secrets: Arc<crate::secrets::Memory> = Arc::default();
        let open = async || match is_sealed {
            true => Store::open_sealed(dir.path(), secrets.clone()).await.unwrap(),
            false => Store::open(dir.path()).await.unwrap(),
        };
        let store = open().await.store;
        store.write(|writer| ENTRIES.put(writer, &1, &"one".into())).await.unwrap();
        store.back_up_daily(5, false, Arc::default()).await.unwrap();
        drop(store);
        fs::remove_dir_all(dir.path().join("store")).unwrap();
        fs::remove_file(dir.path().join("store.witness")).unwrap();
        let opened = open().await;
        assert!(
            matches!(opened.notices[..], [StoreNotice::Recovered { from_backup: 1, .. }]),
            "{:?}",
            opened.notices
        );
        let list = opened.store.read(|reader| ENTRIES.list(reader, ..)).await.unwrap();
        assert_eq!(list, [(1, "one".to_owned())]);
    }
}

#[tokio::test]
async fn files_that_only_repeat_the_log_are_made_anew_and_it_is_said() {
    let origin = tempfile::tempdir().unwrap();
    let written = fill(origin.path()).await;
    let derived: Vec<PathBuf> =
        files(origin.path()).into_iter().filter(|file| !file.ends_with("db")).collect();
    for file in derived {
        let dir = tempfile::tempdir().unwrap();
        copy(origin.path(), dir.path());
        let half = fs::read(&file).unwrap();
        fs::write(dir.path().join("store").join(file.file_name().unwrap()), &half[..half.len() / 2]).unwrap();
        let opened = Store::open(dir.path()).await.unwrap();
        let list = opened.store.read(|reader| ENTRIES.list(reader, ..)).await.unwrap();
        assert_eq!(list.into_iter().collect::<BTreeMap<_, _>>(), written, "{}", file.display());
    }
}

#[tokio::test]
async fn a_snapshot_that_was_not_finished_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let written = fill(dir.path()).await;
    fs::write(dir.path().join("store/snap.000000000000491F.generating"), "").unwrap();
    let opened = Store::open(dir.path()).await.unwrap();
    assert_eq!(opened.notice, None);
    let list = opened.store.read(|reader| ENTRIES.list(reader, ..)).await.unwrap();
    assert_eq!(list.into_iter().collect::<BTreeMap<_, _>>(), written);
}
