//! The log is changed behind its back, in every way that a seed leads to, and each must be found.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use protocol::operations::{
    ChainKey, LogBreakKind, LogCheck, OperationFilter, OperationKind, OperationResult,
};

use super::*;
use crate::clock::Clock;
use crate::operations::log::{ENTRIES, UNDER_WAY};
use crate::operations::{Finish, OperationDraft, Operations};
use crate::rig::Dice;
use crate::secrets::Memory;
use crate::store::{Bytes, Order, Store};

const SEED: u64 = 0x0ddb_a115_ea1e_d109;
const ROUNDS: u64 = 200;
const ENTRIES_WRITTEN: u64 = 40;

async fn open(dir: &Path) -> Operations {
    let store = Store::open(dir).await.unwrap().store;
    Operations::open(store, Clock::standing_at(1_000), "ann".into()).await.unwrap()
}

async fn fill(log: &Operations, entries: u64) {
    fill_with(log, entries, "target").await;
}

async fn fill_with(log: &Operations, entries: u64, word: &str) {
    for n in 0..entries {
        let draft = OperationDraft::new(OperationKind::Command, None, format!("{word} {n}"));
        let id = log.begin(draft).await.unwrap();
        if n % 5 != 4 {
            let finish = Finish { output: format!("output {n}"), ..Finish::new(OperationResult::Done) };
            log.finish(id, finish).await.unwrap();
        }
        if n % 7 == 0 {
            log.comment(id, "a remark".into()).await.unwrap();
        }
    }
}

async fn check(dir: &Path, secrets: &Arc<Memory>) -> LogCheck {
    open(dir).await.verify(secrets.clone()).await.unwrap()
}

fn words(text: &Bytes) -> String {
    String::from_utf8(text.0.clone()).unwrap()
}

/// One change that somebody with the store open could make.
fn tamper(writer: &mut Writer<'_>, dice: &mut Dice) -> Result<String, Fault> {
    let id = 1 + dice.roll(ENTRIES_WRITTEN);
    let other = 1 + (id + dice.roll(ENTRIES_WRITTEN - 1)) % ENTRIES_WRITTEN;
    let last = tip(writer)?.record;
    let record = 2 + dice.roll(last - 1);
    let text = |writer: &Writer<'_>, id| ENTRIES.get(writer, &id).map(|text| words(&text.unwrap()));
    Ok(match dice.roll(9) {
        0 => {
            // The second one cannot even be read as an entry any more.
            let (was, is) = [("target 1", "target 7"), ("target", "tarqet")][dice.roll(2) as usize];
            let text = text(writer, id)?;
            let changed = text.replace(was, is);
            let changed = if changed == text { changed.replace("ann", "bob") } else { changed };
            ENTRIES.put(writer, &id, &Bytes(changed.into_bytes()))?;
            format!("entry {id} edited")
        }
        1 => {
            ENTRIES.remove(writer, &id)?;
            format!("entry {id} cut")
        }
        2 => {
            let (a, b) = (text(writer, id)?, text(writer, other)?);
            ENTRIES.put(writer, &id, &Bytes(b.into_bytes()))?;
            ENTRIES.put(writer, &other, &Bytes(a.into_bytes()))?;
            format!("entries {id} and {other} swapped")
        }
        3 => {
            let invented = text(writer, id)?.replace("target", "never was");
            ENTRIES.put(writer, &(1_000 + id), &Bytes(invented.into_bytes()))?;
            format!("an entry invented after {id}")
        }
        4 => {
            let mut changed = CHAIN.get(writer, &record)?.unwrap();
            changed.at_ms += 1;
            CHAIN.put(writer, &record, &changed)?;
            format!("record {record} edited")
        }
        5 => {
            CHAIN.remove(writer, &record)?;
            format!("record {record} cut")
        }
        6 => {
            let swapped = 2 + (record - 1) % (last - 1);
            let (a, b) = (CHAIN.get(writer, &record)?.unwrap(), CHAIN.get(writer, &swapped)?.unwrap());
            CHAIN.put(writer, &record, &b)?;
            CHAIN.put(writer, &swapped, &a)?;
            format!("records {record} and {swapped} swapped")
        }
        // Entry and record changed together, as somebody would who knows the format but not the key.
        7 => {
            let changed = text(writer, id)?.replace("target", "tarqet");
            let changed = Bytes(changed.into_bytes());
            let mut number = 0;
            CHAIN.scan(writer, .., Order::LowestFirst, |at, record| {
                number = if record.what.is_entry() && record.id == id { at } else { number };
                Ok(ControlFlow::Continue(()))
            })?;
            let mut record = CHAIN.get(writer, &number)?.unwrap();
            record.digest = digest(&changed.0);
            ENTRIES.put(writer, &id, &changed)?;
            CHAIN.put(writer, &number, &record)?;
            format!("entry {id} and its record edited")
        }
        // The end of the log taken away, with its tip set back.
        _ => {
            let keep = record - 1;
            let mut gone = Vec::new();
            CHAIN.scan(writer, record.., Order::LowestFirst, |at, record| {
                gone.push((at, record.id));
                Ok(ControlFlow::Continue(()))
            })?;
            for (at, id) in gone {
                CHAIN.remove(writer, &at)?;
                ENTRIES.remove(writer, &id)?;
            }
            let seal = CHAIN.get(writer, &keep)?.unwrap().seal;
            TIP.put(writer, &KEY.to_owned(), &Tip { record: keep, seal, ..tip(writer)? })?;
            format!("everything after record {keep} cut")
        }
    })
}

#[tokio::test]
async fn two_hundred_edits_cuts_and_swaps_are_each_found() {
    println!("seed {SEED:#x}");
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Memory::new());
    {
        let log = open(dir.path()).await;
        fill(&log, ENTRIES_WRITTEN).await;
        log.note_apart(secrets.clone()).await.unwrap();
        assert!(log.verify(secrets.clone()).await.unwrap().is_proved());
    }
    let mut dice = Dice(SEED);
    for round in 0..ROUNDS {
        let copy = tempfile::tempdir().unwrap();
        copy_all(dir.path(), copy.path());
        let mut thrown = Dice(SEED ^ (dice.roll(u64::MAX) | 1));
        let store = Store::open(copy.path()).await.unwrap().store;
        let what = store.write(move |writer| tamper(writer, &mut thrown)).await.unwrap();
        drop(store);
        let found = check(copy.path(), &secrets).await;
        assert!(!found.breaks.is_empty(), "round {round}: {what} was not found");
        assert!(!found.breaks[0].words().is_empty());
        // It stays found, whatever is written afterwards.
        if round % 20 == 0 {
            fill(&open(copy.path()).await, 3).await;
            let found = check(copy.path(), &secrets).await;
            assert!(!found.breaks.is_empty(), "round {round}: {what} was forgotten");
        }
    }
}

#[tokio::test]
async fn a_remark_does_not_make_a_change_look_like_ours() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    fill(&log, 6).await;
    log.store
        .write(|writer| {
            for id in [3, 5] {
                let text = words(&ENTRIES.get(writer, &id)?.unwrap()).replace("target", "tarqet");
                ENTRIES.put(writer, &id, &Bytes(text.into_bytes()))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    // Entry 5 is under way.
    let done = log.finish(5, Finish::new(OperationResult::Done)).await;
    for fault in [log.comment(3, "fine".into()).await, done] {
        assert_eq!(fault.unwrap_err().code, protocol::FaultCode::LogBroken);
    }
    log.comment(2, "fine".into()).await.unwrap();
    drop(log);
    let found = check(dir.path(), &Arc::new(Memory::new())).await;
    assert_eq!(found.breaks.iter().map(|found| found.operation).collect::<Vec<_>>(), [Some(3), Some(5)]);
}

#[tokio::test]
async fn the_first_break_is_named_with_its_operation() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Memory::new());
    let log = open(dir.path()).await;
    fill(&log, 10).await;
    log.store
        .write(|writer| {
            for id in [3, 7] {
                let text = words(&ENTRIES.get(writer, &id)?.unwrap()).replace("target", "tarqet");
                ENTRIES.put(writer, &id, &Bytes(text.into_bytes()))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let found = log.verify(secrets.clone()).await.unwrap();
    assert_eq!((found.breaks_in_all, found.breaks[0].kind), (2, LogBreakKind::EntryChanged));
    // What is no text at all is named too, and hides nothing else.
    log.store.write(|writer| ENTRIES.put(writer, &3, &Bytes(vec![0xff, 0]))).await.unwrap();
    assert_eq!(log.verify(secrets).await.unwrap().breaks[0], found.breaks[0]);
    let page = log.page(OperationFilter::default()).await.unwrap();
    assert_eq!(page.operations.len(), 10);
    assert!(page.operations.iter().any(|entry| entry.id == 3 && entry.summary.contains("cannot be read")));
    assert_eq!(found.breaks[0].words(), "operation 3 is other than it was written");
}

#[tokio::test]
async fn yesterday_s_copy_of_the_store_is_seen_and_told_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let yesterday = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Memory::new());
    fill(&open(dir.path()).await, 10).await;
    copy_all(dir.path(), yesterday.path());
    let log = open(dir.path()).await;
    fill(&log, 10).await;
    log.note_apart(secrets.clone()).await.unwrap();
    drop(log);

    // The store alone put back: the file beside it knows more.
    let store_alone = tempfile::tempdir().unwrap();
    copy_all(dir.path(), store_alone.path());
    std::fs::remove_dir_all(store_alone.path().join("store")).unwrap();
    copy_all(&yesterday.path().join("store"), &store_alone.path().join("store"));
    std::fs::copy(yesterday.path().join("store.witness"), store_alone.path().join("store.witness")).unwrap();
    for _ in 0..2 {
        let found = check(store_alone.path(), &secrets).await;
        assert_eq!(found.breaks[0].kind, LogBreakKind::RolledBack, "{found:?}");
        fill(&open(store_alone.path()).await, 20).await;
    }

    // The whole folder put back: the keyring knows more, and is not talked out of it.
    for _ in 0..2 {
        let log = open(yesterday.path()).await;
        log.note_apart(secrets.clone()).await.unwrap();
        let found = log.verify(secrets.clone()).await.unwrap();
        assert_eq!(found.breaks[0].kind, LogBreakKind::RolledBack, "{found:?}");
    }
    // Written on until it is as long as before: the seals are others.
    fill_with(&open(yesterday.path()).await, 30, "another target").await;
    let found = check(yesterday.path(), &secrets).await;
    assert_eq!(found.breaks[0].kind, LogBreakKind::RolledBack, "{found:?}");
}

#[tokio::test]
async fn a_backup_in_the_place_of_the_store_is_an_entry_and_no_break() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("yesterday.muster-backup");
    let secrets = Arc::new(Memory::new());
    let log = open(dir.path()).await;
    fill(&log, 10).await;
    log.store.back_up(&file, 5, None).await.unwrap();
    fill(&log, 10).await;
    log.note_apart(secrets.clone()).await.unwrap();
    let had = log.verify(secrets.clone()).await.unwrap().records;
    drop(log);
    Store::restore(dir.path(), &file, secrets.clone(), None).await.unwrap();
    for round in 1..=2 {
        // Once more than the chain had before, so that numbers of records come again.
        fill_with(&open(dir.path()).await, 20, "afterwards").await;
        let log = open(dir.path()).await;
        log.note_apart(secrets.clone()).await.unwrap();
        let found = log.verify(secrets.clone()).await.unwrap();
        assert_eq!(found.breaks, [], "round {round}");
        assert_eq!(found.restored.iter().map(|one| one.had).collect::<Vec<_>>(), [had], "round {round}");
        assert!(found.restored[0].gone() > 0);
        let kind = Some(OperationKind::StoreRestore);
        let page = log.page(OperationFilter { kind, ..OperationFilter::default() }).await.unwrap();
        let [entry] = &page.operations[..] else { panic!("round {round}: {:?}", page.operations) };
        assert!(entry.id > 20, "a number that was given before is not given again: {}", entry.id);
        assert!(entry.summary.contains("kept in store.replaced-1"), "{}", entry.summary);
    }
    // A restore does not cover what comes after it.
    let log = open(dir.path()).await;
    log.store
        .write(|writer| {
            let text = words(&ENTRIES.get(writer, &3)?.unwrap()).replace("target", "tarqet");
            ENTRIES.put(writer, &3, &Bytes(text.into_bytes()))
        })
        .await
        .unwrap();
    let found = log.verify(secrets.clone()).await.unwrap();
    assert_eq!(found.breaks.iter().map(|found| found.operation).collect::<Vec<_>>(), [Some(3)]);
}

#[tokio::test]
async fn yesterday_s_store_with_its_own_head_is_seen_by_the_witness_and_told_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let yesterday = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Memory::new());
    fill(&open(dir.path()).await, 10).await;
    copy_all(dir.path(), yesterday.path());
    fill(&open(dir.path()).await, 10).await;
    std::fs::remove_dir_all(dir.path().join("store")).unwrap();
    copy_all(&yesterday.path().join("store"), &dir.path().join("store"));
    std::fs::copy(yesterday.path().join("operations.head"), dir.path().join("operations.head")).unwrap();
    for _ in 0..2 {
        let found = check(dir.path(), &secrets).await;
        assert_eq!(
            found.breaks.iter().map(|found| found.kind).collect::<Vec<_>>(),
            [LogBreakKind::RolledBack]
        );
        fill(&open(dir.path()).await, 20).await;
    }
}

#[tokio::test]
async fn an_end_that_went_with_a_damaged_file_is_said_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Memory::new());
    let log = open(dir.path()).await;
    let begin =
        async || log.begin(OperationDraft::new(OperationKind::Command, None, "target")).await.unwrap();
    let ids = [begin().await, begin().await];
    let begun = log.store.read(move |reader| ENTRIES.get(reader, &ids[0])).await.unwrap().unwrap();
    log.finish(ids[0], Finish::new(OperationResult::Done)).await.unwrap();
    // As it is after a recovery: the older text of one that was finished, beside one that was not.
    log.store
        .write(move |writer| {
            ENTRIES.put(writer, &ids[0], &begun)?;
            ids.iter().try_for_each(|id| UNDER_WAY.put(writer, id, &None))
        })
        .await
        .unwrap();
    drop(log);
    for _ in 0..2 {
        let log = open(dir.path()).await;
        let [lost, cut] = [log.show(ids[0]).await.unwrap(), log.show(ids[1]).await.unwrap()];
        assert_eq!([lost.result, cut.result], [OperationResult::OutcomeUnknown; 2]);
        assert!(lost.summary.contains("lost with a damaged file"), "{}", lost.summary);
        assert!(cut.summary.contains("Muster ended"), "{}", cut.summary);
        let found = log.verify(secrets.clone()).await.unwrap();
        let named: Vec<_> = found.breaks.iter().map(|found| (found.kind, found.operation)).collect();
        assert_eq!(named, [(LogBreakKind::EntryChanged, Some(ids[0]))]);
    }
}

#[tokio::test]
async fn a_lost_key_is_said_and_none_is_made_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Memory::new());
    let log = open(dir.path()).await;
    fill(&log, 5).await;
    assert_eq!(log.verify(secrets.clone()).await.unwrap().key, ChainKey::File);
    log.note_apart(secrets.clone()).await.unwrap();
    let found = log.verify(secrets.clone()).await.unwrap();
    assert_eq!(found.key, ChainKey::Keyring);
    assert!(
        matches!(found.head, protocol::operations::ChainHead::Keyring { record } if record == found.records)
    );
    let files = std::fs::read_dir(dir.path()).unwrap().flatten();
    assert!(
        files
            .map(|file| file.file_name().into_string().unwrap())
            .all(|name| !name.contains("operations.start")),
        "the keyring has the key, so the file is gone"
    );
    // The item is deleted under the running app.
    let gone = Arc::new(Memory::new());
    for _ in 0..2 {
        log.note_apart(gone.clone()).await.unwrap();
        let found = log.verify(gone.clone()).await.unwrap();
        assert_eq!((found.key, found.is_proved(), found.breaks_in_all), (ChainKey::Lost, false, 0));
    }
    fill(&log, 1).await;
    assert!(log.verify(secrets).await.unwrap().is_proved(), "the log went on under its own key");
    // The running key is gone: the chain begins anew, and says so.
    drop(log);
    std::fs::remove_file(dir.path().join("operations.head")).unwrap();
    let found = check(dir.path(), &gone).await;
    assert_eq!(found.breaks[0].kind, LogBreakKind::KeyReplaced);
}

#[tokio::test]
async fn what_retention_takes_away_is_told_from_a_theft() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Memory::new());
    let log = open(dir.path()).await;
    fill(&log, 30).await;
    log.note_apart(secrets.clone()).await.unwrap();
    // Entry 5 is under way and ends what may go.
    let gone = log.retire(None, Some(10)).await.unwrap();
    assert_eq!(gone, 4);
    for id in (5..=30).step_by(5) {
        log.finish(id, Finish::new(OperationResult::Done)).await.unwrap();
    }
    assert_eq!(log.retire(None, Some(10)).await.unwrap(), 16);
    assert_eq!(log.retire(None, Some(10)).await.unwrap(), 0);
    let page = log.page(OperationFilter::default()).await.unwrap();
    assert_eq!(page.operations.len(), 10);
    assert_eq!((page.counts.total, page.counts.unread), (10, 10));
    let check = log.verify(secrets.clone()).await.unwrap();
    assert_eq!((check.breaks_in_all, check.retired, check.entries), (0, 20, 10));
    assert!(check.records < 40, "the records of what is gone went with it: {}", check.records);
    log.store.write(|writer| ENTRIES.remove(writer, &21)).await.unwrap();
    let check = log.verify(secrets.clone()).await.unwrap();
    assert_eq!(check.breaks[0].kind, LogBreakKind::EntryMissing);
    drop(log);
    assert_eq!(open(dir.path()).await.retire(Some(2_000), None).await.unwrap(), 9);
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy_all(&file.path(), &target);
        } else if file.file_name() != "store.lock" {
            std::fs::copy(file.path(), target).unwrap();
        }
    }
}
