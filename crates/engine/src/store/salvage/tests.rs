//! What is read from the files here, beside what sled reads from them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::rig::{self, Dice};

const SEED: u64 = 0x5a17_a9e0;
const TREES: [&str; 3] = ["hosts", "operations", "words"];

type Trees = BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Every value that was ever written under a key.
type History = BTreeMap<(Vec<u8>, Vec<u8>), Vec<Vec<u8>>>;

fn open(dir: &Path) -> sled::Db {
    crate::store::open::try_sled(dir).unwrap_or_else(|refusal| panic!("{}", refusal.told(dir)))
}

fn value(dice: &mut Dice) -> Vec<u8> {
    // Now and then so long that sled gives it a file of its own.
    let length = match dice.roll(60) {
        0 => 200_000,
        1..8 => 4096,
        _ => dice.roll(300),
    };
    (0..length).map(|_| dice.roll(256) as u8).collect()
}

/// Writes as a store does: keys that count up, keys all over, changes and removals, several starts.
fn write(dir: &Path, dice: &mut Dice) -> History {
    let mut history = History::new();
    let starts = 1 + dice.roll(3);
    for _ in 0..starts {
        let db = open(dir);
        for step in 0..200 + dice.roll(2_000) {
            let name = TREES[dice.roll(3) as usize];
            let tree = db.open_tree(name).unwrap();
            let number = if name == "operations" { step } else { dice.roll(500) };
            let key = match name {
                "words" => format!("word-{number}-{}", "x".repeat(dice.roll(40) as usize)).into_bytes(),
                _ => number.to_be_bytes().to_vec(),
            };
            if dice.roll(5) == 0 {
                tree.remove(&key).unwrap();
            } else {
                let bytes = value(dice);
                tree.insert(&key, bytes.clone()).unwrap();
                history.entry((name.into(), key)).or_default().push(bytes);
            }
            if dice.roll(50) == 0 {
                db.flush().unwrap();
            }
        }
        db.flush().unwrap();
    }
    history
}

fn by_sled(dir: &Path) -> Trees {
    let db = open(dir);
    let names = db.tree_names().into_iter();
    let rows = |name: &[u8]| {
        let rows = db.open_tree(name).unwrap();
        rows.iter().map(|row| row.map(|(key, row)| (key.to_vec(), row.to_vec())).unwrap()).collect()
    };
    names.map(|name| (name.to_vec(), rows(&name))).collect()
}

fn by_us(dir: &Path) -> Trees {
    let remains = Remains::read(dir).unwrap().unwrap();
    let mut trees = Trees::new();
    for name in remains.trees() {
        let mut rows = BTreeMap::new();
        let mut last = None;
        remains
            .rows(&name, false, &mut |row| {
                assert!(last.as_ref() < Some(&row.key), "rows come in the order of their keys, each once");
                last = Some(row.key.clone());
                rows.insert(row.key, row.bytes);
            })
            .unwrap();
        trees.insert(name, rows);
    }
    trees
}

#[test]
fn what_is_whole_is_read_as_sled_reads_it() {
    let rounds = if rig::is_long() { 200 } else { 12 };
    println!("seed {SEED}, {rounds} rounds");
    for round in 0..rounds {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &mut Dice::of_round(SEED, round));
        assert!(!is_torn(dir.path()).unwrap(), "round {round}");
        let (ours, sleds) = (by_us(dir.path()), by_sled(dir.path()));
        for (name, rows) in &sleds {
            let found = &ours[name];
            let differ = rows.iter().filter(|(key, row)| found.get(*key) != Some(row)).count();
            assert_eq!((found.len(), differ), (rows.len(), 0), "round {round}, {}", name.escape_ascii());
        }
        assert!(sleds.values().map(BTreeMap::len).sum::<usize>() > 50, "round {round}");
    }
}

#[test]
fn one_flipped_bit_costs_nothing_wherever_it_is() {
    let rounds = if rig::is_long() { 400 } else { 24 };
    println!("seed {SEED}, {rounds} rounds");
    for round in 0..rounds {
        let mut dice = Dice::of_round(SEED + 1, round);
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &mut dice);
        let whole = by_us(dir.path());
        let at = damage(dir.path(), &mut dice, |bytes, at, dice| bytes[at] ^= 1 << dice.roll(8));
        assert!(by_us(dir.path()) == whole, "round {round}, bit at {at}");
    }
}

#[test]
fn what_is_left_of_a_log_with_a_hole_was_written_under_its_key() {
    let rounds = if rig::is_long() { 400 } else { 24 };
    println!("seed {SEED}, {rounds} rounds");
    let (mut lost, mut all) = (0, 0);
    for round in 0..rounds {
        let mut dice = Dice::of_round(SEED + 2, round);
        let dir = tempfile::tempdir().unwrap();
        let history = write(dir.path(), &mut dice);
        let whole = by_us(dir.path());
        let at = damage(dir.path(), &mut dice, |bytes, at, dice| {
            let end = bytes.len().min(at + [2, 60, 4096, 100_000][dice.roll(4) as usize]);
            bytes[at..end].fill(dice.roll(2) as u8 * 0xff);
        });
        let left = by_us(dir.path());
        for (name, rows) in &whole {
            let empty = BTreeMap::new();
            let left = left.get(name).unwrap_or(&empty);
            all += rows.len();
            lost += rows.keys().filter(|key| !left.contains_key(*key)).count();
            for (key, row) in left {
                let known = history.get(&(name.clone(), key.clone())).is_some_and(|all| all.contains(row));
                assert!(known, "round {round}, hole at {at}: {key:?} was never written so");
            }
        }
    }
    println!("{lost} of {all} rows are lost");
    assert!(lost > 0 && lost * 5 < all, "{lost} of {all} rows are lost");
}

/// Does something to a place that the log has reached; gives the place.
fn damage(dir: &Path, dice: &mut Dice, how: impl Fn(&mut [u8], usize, &mut Dice)) -> usize {
    let file = dir.join("db");
    let mut bytes = fs::read(&file).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    let at = dice.roll(used) as usize;
    how(&mut bytes, at, dice);
    fs::write(&file, bytes).unwrap();
    at
}

#[test]
fn what_is_torn_in_the_middle_is_told_from_what_ends() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    for number in 0..50u64 {
        db.insert(number.to_be_bytes(), vec![7; 100]).unwrap();
    }
    drop(db);
    let file = dir.path().join("db");
    let whole = fs::read(&file).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    assert!(used < segments::SEGMENT, "sled does not take a segment for safe until it is full");
    // Its head too: without it sled knows nothing of the segment.
    for at in [2, used / 2] {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        fs::write(&file, &bent).unwrap();
        assert!(is_torn(dir.path()).unwrap(), "bit at {at}");
    }
    fs::write(&file, &whole[..used - 3]).unwrap();
    assert!(!is_torn(dir.path()).unwrap(), "a log that was cut off ends there");
    fs::remove_file(&file).unwrap();
    assert!(!is_torn(dir.path()).unwrap(), "nothing is not torn");
}
