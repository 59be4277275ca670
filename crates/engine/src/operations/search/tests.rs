//! The index against the log itself, while the log changes under it.

use std::path::Path;

use protocol::operations::{HostThen, OperationKind, OperationResult, ReadSelection};

use super::*;
use crate::clock::Clock;
use crate::operations::filter::Sieve;
use crate::operations::{Finish, OperationDraft, Operations, marks};
use crate::rig::Dice;

const SEED: u64 = 0x5ea_4c4b_10c5;

const WORDS: [&str; 8] = ["nginx", "Cron", "备份失败", "磁盘空间", "/srv/数据", "10.0.3.7", "ÄRGER", "x"];

async fn open(dir: &Path) -> Operations {
    let store = Store::open(dir).await.unwrap().store;
    Operations::open(store, Clock::standing_at(1_000), "ann".into()).await.unwrap()
}

fn made(dice: &mut Dice) -> (OperationDraft, Finish) {
    let number = dice.roll(5);
    let host = HostThen {
        id: format!("id-{number}"),
        name: format!("web-{number}"),
        address: format!("10.0.0.{number}"),
        port: 22,
        groups: vec![format!("group-{}", number % 2)],
        ..HostThen::default()
    };
    let kind = [OperationKind::Command, OperationKind::Signal][dice.roll(2) as usize];
    let host = (dice.roll(10) > 0).then_some(host);
    let result =
        [OperationResult::Done, OperationResult::Done, OperationResult::Failed][dice.roll(3) as usize];
    let output = format!("{} {} {}", dice.pick(&WORDS), dice.roll(100_000), dice.pick(&WORDS));
    (OperationDraft::new(kind, host, dice.pick(&WORDS)), Finish { output, ..Finish::new(result) })
}

async fn bring(log: &Operations) {
    while step(&log.store, &log.index).await.unwrap() {}
}

/// Every page of a filter, by the index, against the whole log looked at one by one.
async fn compare(log: &Operations, filter: OperationFilter) {
    let wanted = filter.clone();
    let right = log
        .store
        .read(move |reader| {
            let sieve = Sieve::new(&wanted);
            let mut ids = Vec::new();
            log::ENTRIES.scan(reader, .., Order::HighestFirst, |id, text| {
                let is_asked = !wanted.unread || marks::UNREAD.has(reader, &("ann".to_owned(), id))?;
                if is_asked && sieve.passes(&log::parse(id, &text)) {
                    ids.push(id);
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(ids)
        })
        .await
        .unwrap();
    let mut found = Vec::new();
    let mut paged = OperationFilter { limit: Some(40), ..filter.clone() };
    loop {
        let page = log.page(paged.clone()).await.unwrap();
        found.extend(page.operations.iter().map(|entry| entry.id));
        assert!(filter.text.is_empty() || page.found.iter().all(|places| !places.is_empty()));
        paged.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(found, right, "{filter:?}");
}

async fn compare_all(log: &Operations) {
    let text = |text: &str| OperationFilter { text: text.into(), ..OperationFilter::default() };
    for filter in [
        text("NGINX"),
        text("磁盘"),
        text("ärger 数据"),
        text("\"0.3.7\""),
        text("zzz"),
        text("x"),
        OperationFilter { failed: true, unread: true, ..text("备份") },
        OperationFilter { unread: true, ..text("cron") },
        OperationFilter { failed: true, ..OperationFilter::default() },
        OperationFilter { host: Some("web-3".into()), ..OperationFilter::default() },
        OperationFilter { host: Some("id-2".into()), kind: Some(OperationKind::Signal), ..text("remark") },
        OperationFilter { group: Some("group-1".into()), ..OperationFilter::default() },
        OperationFilter { operator: Some("bob".into()), ..OperationFilter::default() },
        OperationFilter { result: Some(OperationResult::OutcomeUnknown), ..OperationFilter::default() },
        OperationFilter { since_ms: Some(1_001), ..OperationFilter::default() },
        OperationFilter { unread: true, until_ms: Some(1_001), ..OperationFilter::default() },
    ] {
        compare(log, filter).await;
    }
}

#[tokio::test]
async fn the_index_finds_what_the_log_has_whatever_changes() {
    println!("seed {SEED:#x}");
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(SEED);
    let mut log = open(dir.path()).await;
    let mut under_way = Vec::new();
    for round in 0..4 {
        let all = (0..900).map(|_| made(&mut dice)).collect();
        log.record_all(all).await.unwrap();
        for _ in 0..3 {
            under_way.push(log.begin(made(&mut dice).0).await.unwrap());
        }
        bring(&log).await;
        let newest = log.counts().total;
        assert!(round < 1 || log.index.covered() > 0, "there are blocks to speak of");
        // Old entries get remarks, marks and ends, after they are in a block.
        for _ in 0..4 {
            log.comment(1 + dice.roll(newest), "a late remark".into()).await.unwrap();
        }
        let ids = (0..100).map(|_| 1 + dice.roll(newest)).collect();
        log.mark_read(ReadSelection::Ids(ids)).await.unwrap();
        if round > 1 {
            let id = under_way.remove(0);
            log.finish(id, made(&mut dice).1).await.unwrap();
        }
        compare_all(&log).await;
        if round % 2 == 1 {
            drop(log);
            under_way.clear();
            log = open(dir.path()).await;
            compare_all(&log).await;
        }
    }
    // Entries of a whole block change: it is made anew.
    for id in 1..=100 {
        log.comment(id, "remark on all".into()).await.unwrap();
    }
    bring(&log).await;
    compare_all(&log).await;
    log.retire(None, Some(1_500)).await.unwrap();
    compare_all(&log).await;
    bring(&log).await;
    drop(log);
    compare_all(&open(dir.path()).await).await;
}

#[tokio::test]
async fn an_index_that_is_damaged_gone_or_of_another_log_is_made_again() {
    println!("seed {SEED:#x}");
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(SEED);
    {
        let log = open(dir.path()).await;
        log.record_all((0..2_600).map(|_| made(&mut dice)).collect()).await.unwrap();
        bring(&log).await;
        assert!(log.index.covered() > 2_000);
    }
    let folder = dir.path().join("operations.search");
    for round in 0..16 {
        let file = folder.join(["blocks", "cards"][round % 2]);
        let mut bytes = std::fs::read(&file).unwrap();
        match dice.roll(5) {
            0 => bytes.truncate(dice.roll(bytes.len() as u64) as usize),
            1 => bytes.clear(),
            2 => std::fs::remove_file(&file).unwrap(),
            3 => {
                let at = dice.roll(bytes.len() as u64) as usize;
                let end = (at + 4_096).min(bytes.len());
                bytes[at..end].fill(0);
            }
            _ => {
                let at = dice.roll(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << dice.roll(8);
            }
        }
        if file.exists() {
            std::fs::write(&file, bytes).unwrap();
        }
        let log = open(dir.path()).await;
        for text in ["nginx", "磁盘空间", "zzz"] {
            compare(&log, OperationFilter { text: text.into(), ..OperationFilter::default() }).await;
        }
        bring(&log).await;
        assert!(log.index.covered() > 2_000, "the index is made again");
    }
    // The index of a log that went another way does not fit this one.
    let other = tempfile::tempdir().unwrap();
    {
        let log = open(other.path()).await;
        log.record_all((0..2_600).map(|_| made(&mut dice)).collect()).await.unwrap();
        bring(&log).await;
    }
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(other.path().join("operations.search"), &folder).unwrap();
    let log = open(dir.path()).await;
    compare_all(&log).await;
}
