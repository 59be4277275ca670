//! The log against a plain list that does the same by hand.

use proptest::prelude::*;

use super::*;

async fn open(dir: &tempfile::TempDir) -> Operations {
    let store = Store::open(dir.path()).await.unwrap().store;
    Operations::open(store, Clock::standing_at(1_000), "ann".into()).await.unwrap()
}

fn host(name: &str) -> HostThen {
    HostThen {
        id: format!("id-{name}"),
        name: name.into(),
        address: "10.0.0.11".into(),
        port: 22,
        ..HostThen::default()
    }
}

fn restart(target: &str) -> OperationDraft {
    OperationDraft::new(OperationKind::ServiceRestart, Some(host("web-1")), target)
        .running(format!("systemctl restart {target}"), Privilege::User)
}

fn failed() -> Finish {
    Finish { exit_code: Some(1), ..Finish::new(OperationResult::Failed) }
}

fn ids(page: &OperationPage) -> Vec<u64> {
    page.operations.iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn an_operation_is_written_before_and_finished_after() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let id = log.begin(restart("cron.service")).await.unwrap();
    let begun = log.show(id).await.unwrap();
    assert_eq!(
        (begun.result, begun.operator.as_str(), begun.started_ms),
        (OperationResult::UnderWay, "ann", 1_000)
    );
    assert_eq!(log.counts(), OperationCounts { total: 1, unread: 1, unread_failed: 0, failed: 0 });
    let finish = Finish { took_ms: Some(40), output: "done".into(), ..failed().saying("it failed") };
    let entry = log.finish(id, finish.clone()).await.unwrap();
    assert_eq!(entry, log.show(id).await.unwrap());
    assert_eq!(
        (entry.result, entry.output.as_str(), entry.summary.as_str()),
        (OperationResult::Failed, "done", "it failed")
    );
    assert_eq!(log.counts(), OperationCounts { total: 1, unread: 1, unread_failed: 1, failed: 1 });
    assert_eq!(
        log.finish(id, finish).await.unwrap_err().code,
        FaultCode::Internal,
        "what came of it is said once"
    );
    assert_eq!(log.finish(99, failed()).await.unwrap_err().code, FaultCode::OperationUnknown);
    assert_eq!(log.show(99).await.unwrap_err().code, FaultCode::OperationUnknown);
}

#[tokio::test]
async fn what_was_under_way_at_the_end_becomes_unknown_and_unread() {
    let dir = tempfile::tempdir().unwrap();
    {
        let log = open(&dir).await;
        log.record(restart("a.service"), Finish::new(OperationResult::Done)).await.unwrap();
        log.begin(restart("b.service")).await.unwrap();
        log.mark_read(ReadSelection::All).await.unwrap();
        assert_eq!(log.counts().unread, 0);
    }
    for _ in 0..2 {
        let log = open(&dir).await;
        let cut = log.show(2).await.unwrap();
        assert_eq!((cut.result, cut.is_unread()), (OperationResult::OutcomeUnknown, true));
        assert!(!log.show(1).await.unwrap().is_unread());
        assert_eq!(log.counts(), OperationCounts { total: 2, unread: 1, unread_failed: 1, failed: 1 });
    }
}

#[tokio::test]
async fn a_mark_says_who_and_when_and_the_first_one_stands() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    for _ in 0..3 {
        log.record(restart("a.service"), failed()).await.unwrap();
    }
    log.mark_read(ReadSelection::Ids(vec![2])).await.unwrap();
    log.clock.set(2_000);
    let counts = log.mark_read(ReadSelection::Ids(vec![2, 3])).await.unwrap();
    assert_eq!(counts, OperationCounts { total: 3, unread: 1, unread_failed: 1, failed: 3 });
    assert_eq!(log.show(2).await.unwrap().read, Some(ReadMark { by: "ann".into(), at_ms: 1_000 }));
    let fault = log.mark_read(ReadSelection::Ids(vec![1, 77])).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::OperationUnknown);
    assert_eq!(log.counts().unread, 1, "a selection is marked whole or not at all");
    let counts = log.mark_unread(vec![1, 2]).await.unwrap();
    assert_eq!((counts.unread, counts.unread_failed), (2, 2));
    assert_eq!(log.mark_unread(vec![77]).await.unwrap_err().code, FaultCode::OperationUnknown);
}

#[tokio::test]
async fn all_are_marked_however_many_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    log.record_all(vec![(restart("a.service"), failed()); 1_100]).await.unwrap();
    assert_eq!(log.mark_read(ReadSelection::All).await.unwrap().unread, 0);
    let page = log.page(OperationFilter { unread: true, ..OperationFilter::default() }).await.unwrap();
    assert!(page.operations.is_empty());
}

#[tokio::test]
async fn everyone_who_looks_on_is_told_the_counts() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let mut seen = log.subscribe();
    assert!(!seen.has_changed().unwrap());
    log.record(restart("a.service"), failed()).await.unwrap();
    seen.changed().await.unwrap();
    let told = *seen.borrow_and_update();
    assert_eq!(told.counts, OperationCounts { total: 1, unread: 1, unread_failed: 1, failed: 1 });
    log.mark_read(ReadSelection::All).await.unwrap();
    seen.changed().await.unwrap();
    let marked = *seen.borrow_and_update();
    assert_eq!((marked.counts.unread, marked.record), (0, told.record), "a mark is no change of an entry");
    log.comment(1, "the disk was full".into()).await.unwrap();
    seen.changed().await.unwrap();
    let told = *seen.borrow_and_update();
    assert_eq!((told.counts, told.record), (marked.counts, marked.record + 1));
    log.mark_read(ReadSelection::All).await.unwrap();
    assert!(!seen.has_changed().unwrap(), "nothing changed, nothing to tell");
}

#[tokio::test]
async fn counts_stay_right_when_many_write_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let writers = (0..40).map(|n| {
        let log = log.clone();
        async move {
            let id = log.begin(restart(&format!("{n}.service"))).await.unwrap();
            log.finish(id, if n % 4 == 0 { failed() } else { Finish::new(OperationResult::Done) })
                .await
                .unwrap();
            if n % 2 == 0 {
                log.mark_read(ReadSelection::Ids(vec![id])).await.unwrap();
            }
            id
        }
    });
    let mut ids = futures::future::join_all(writers).await;
    ids.sort_unstable();
    assert_eq!(ids, (1..=40).collect::<Vec<_>>(), "each its own id, in order, without a gap");
    assert_eq!(log.counts(), OperationCounts { total: 40, unread: 20, unread_failed: 0, failed: 10 });
}

#[tokio::test]
async fn text_is_found_in_any_language_and_any_case() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let draft = |target: &str, command: &str| OperationDraft {
        target: target.into(),
        command: command.into(),
        ..restart("x")
    };
    let finish = |output: &str, errors: &str| Finish {
        output: output.into(),
        errors: errors.into(),
        journal: vec!["cron[7]: ÄRGER im Anzug".into()],
        ..failed().saying("Unit NGINX.service is down")
    };
    log.record(draft("nginx.service", "systemctl restart nginx.service"), finish("", "")).await.unwrap();
    log.record(draft("备份", "tar czf /srv/数据库.tgz"), finish("磁盘空间不足", "No Space Left"))
        .await
        .unwrap();
    for (text, found) in [
        ("NGINX", vec![2, 1]),
        ("磁盘空间", vec![2]),
        ("数据库", vec![2]),
        ("no space", vec![2]),
        ("  restart ", vec![1]),
        ("ärger", vec![2, 1]),
        ("web-1", vec![2, 1]),
        ("10.0.0.11", vec![2, 1]),
        ("ANN", vec![2, 1]),
        ("磁盘不足", vec![]),
        ("no restart", vec![]),
        ("service restart", vec![1]),
        ("\"left no\"", vec![]),
        ("\"space left\"", vec![2]),
        ("ＮＧＩＮＸ", vec![2, 1]),
        ("", vec![2, 1]),
    ] {
        let page =
            log.page(OperationFilter { text: text.into(), ..OperationFilter::default() }).await.unwrap();
        assert_eq!(ids(&page), found, "{text:?}");
    }
}

#[tokio::test]
async fn a_page_of_long_outputs_ends_early_and_says_where_to_read_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    for _ in 0..60 {
        let finish = Finish { output: "x".repeat(200_000), ..failed() };
        let entry = log.record(restart("a.service"), finish).await.unwrap();
        assert!(entry.output.len() < 132_000 && entry.output.contains("bytes left out"));
    }
    let mut filter = OperationFilter::default();
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let page = log.page(filter.clone()).await.unwrap();
        seen.extend(ids(&page));
        pages += 1;
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=60).rev().collect::<Vec<_>>());
    assert!(pages > 1);
}

#[derive(Clone, Debug)]
enum Step {
    Begin(u8, u8),
    Finish(u8, bool),
    Record(u8, u8, bool),
    Read(Vec<u8>),
    ReadAll,
    Unread(Vec<u8>),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let few = prop::collection::vec(0u8..30, 0..4);
    prop::collection::vec(
        prop_oneof![
            4 => (0u8..3, 0u8..4).prop_map(|(host, word)| Step::Begin(host, word)),
            4 => (0u8..30, any::<bool>()).prop_map(|(at, bad)| Step::Finish(at, bad)),
            4 => (0u8..3, 0u8..4, any::<bool>()).prop_map(|(host, word, bad)| Step::Record(host, word, bad)),
            3 => few.clone().prop_map(Step::Read),
            1 => Just(Step::ReadAll),
            2 => few.prop_map(Step::Unread),
            1 => Just(Step::Restart),
        ],
        1..40,
    )
}

const WORDS: [&str; 4] = ["cron", "nginx", "备份", ""];

fn drafted(host_number: u8, word: u8) -> OperationDraft {
    let kind = if word.is_multiple_of(2) { OperationKind::Command } else { OperationKind::HostAdd };
    let host = (host_number > 0).then(|| host(&format!("web-{host_number}")));
    OperationDraft::new(kind, host, WORDS[usize::from(word)])
}

/// What the filter means, said the slow way.
fn wanted(entries: &[Operation], filter: &OperationFilter) -> Vec<u64> {
    let host_of = |entry: &Operation| entry.host.as_ref().map(|host| host.name.clone());
    entries
        .iter()
        .rev()
        .filter(|entry| {
            filter.before.is_none_or(|before| entry.id < before)
                && filter.host.as_ref().is_none_or(|name| host_of(entry).as_ref() == Some(name))
                && filter.kind.is_none_or(|kind| entry.kind == kind)
                && filter.result.is_none_or(|result| entry.result == result)
                && (!filter.failed || entry.result.is_bad())
                && (!filter.unread || entry.is_unread())
                && entry.target.contains(&filter.text)
        })
        .map(|entry| entry.id)
        .collect()
}

fn counted(entries: &[Operation]) -> OperationCounts {
    let count =
        |wanted: &dyn Fn(&Operation) -> bool| entries.iter().filter(|entry| wanted(entry)).count() as u64;
    OperationCounts {
        total: count(&|_| true),
        unread: count(&|entry| entry.is_unread()),
        unread_failed: count(&|entry| entry.is_unread() && entry.result.is_bad()),
        failed: count(&|entry| entry.result.is_bad()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn marks_counts_filters_and_pages_agree_with_a_plain_list(
        steps in steps(), host_number in 0u8..4, kind in 0u8..3, result in 0u8..3,
        failed_only in any::<bool>(), unread in any::<bool>(), word in 0usize..4, limit in 1u32..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let mut log = open(&dir).await;
            let mut list: Vec<Operation> = Vec::new();
            for step in steps {
                match step {
                    Step::Begin(host, word) => {
                        let id = log.begin(drafted(host, word)).await.unwrap();
                        list.push(Operation { id, ..entry::begun(drafted(host, word), "ann".into(), 1_000) });
                    }
                    Step::Record(host, word, bad) => {
                        let finish = Finish::new(if bad { OperationResult::TimedOut } else { OperationResult::Done });
                        list.push(log.record(drafted(host, word), finish).await.unwrap());
                    }
                    Step::Finish(at, bad) => {
                        let Some(entry) = list.get_mut(usize::from(at)) else { continue };
                        let result = if bad { OperationResult::Refused } else { OperationResult::Done };
                        let done = log.finish(entry.id, Finish::new(result)).await;
                        if entry.result == OperationResult::UnderWay {
                            *entry = done.unwrap();
                        } else {
                            assert!(done.is_err());
                        }
                    }
                    Step::Read(at) => {
                        let ids: Vec<u64> = at.iter().filter_map(|at| list.get(usize::from(*at))).map(|entry| entry.id).collect();
                        log.mark_read(ReadSelection::Ids(ids.clone())).await.unwrap();
                        for entry in list.iter_mut().filter(|entry| ids.contains(&entry.id)) {
                            entry.read.get_or_insert(ReadMark { by: "ann".into(), at_ms: 1_000 });
                        }
                    }
                    Step::ReadAll => {
                        log.mark_read(ReadSelection::All).await.unwrap();
                        for entry in &mut list {
                            entry.read.get_or_insert(ReadMark { by: "ann".into(), at_ms: 1_000 });
                        }
                    }
                    Step::Unread(at) => {
                        let ids: Vec<u64> = at.iter().filter_map(|at| list.get(usize::from(*at))).map(|entry| entry.id).collect();
                        log.mark_unread(ids.clone()).await.unwrap();
                        for entry in list.iter_mut().filter(|entry| ids.contains(&entry.id)) {
                            entry.read = None;
                        }
                    }
                    Step::Restart => {
                        drop(log);
                        log = open(&dir).await;
                        for entry in list.iter_mut().filter(|entry| entry.result == OperationResult::UnderWay) {
                            entry::cut(entry);
                            entry.read = None;
                        }
                    }
                }
                assert_eq!(log.counts(), counted(&list));
            }
            let filter = OperationFilter {
                host: (host_number > 0).then(|| format!("web-{host_number}")),
                kind: [None, Some(OperationKind::Command), Some(OperationKind::HostAdd)][usize::from(kind)],
                result: [None, Some(OperationResult::Done), Some(OperationResult::OutcomeUnknown)][usize::from(result)],
                failed: failed_only,
                unread,
                text: WORDS[word].into(),
                limit: Some(limit),
                ..OperationFilter::default()
            };
            let mut found = Vec::new();
            let mut before = None;
            loop {
                let page = log.page(OperationFilter { before, ..filter.clone() }).await.unwrap();
                assert!(page.operations.len() <= limit as usize);
                for entry in &page.operations {
                    assert_eq!(Some(entry), list.iter().find(|other| other.id == entry.id));
                }
                found.extend(ids(&page));
                before = page.next;
                if before.is_none() { break; }
            }
            assert_eq!(found, wanted(&list, &filter));
        });
    }
}

#[tokio::test]
async fn each_operator_has_a_badge_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let by = async |name: &str| {
        let store = Store::open(dir.path()).await.unwrap().store;
        Operations::open(store, Clock::standing_at(2_000), name.into()).await.unwrap()
    };
    let log = open(&dir).await;
    log.record(restart("a.service"), failed()).await.unwrap();
    drop(log);
    // What was there before somebody came counts as read by them.
    let log = by("bea").await;
    assert_eq!((log.counts().total, log.counts().unread), (1, 0));
    assert!(!log.show(1).await.unwrap().is_unread());
    log.record(restart("b.service"), failed()).await.unwrap();
    log.mark_read(ReadSelection::All).await.unwrap();
    let seen = log.show(2).await.unwrap();
    assert_eq!((seen.operator.as_str(), seen.read.unwrap().by.as_str()), ("bea", "bea"));
    drop(log);
    let log = by("ann").await;
    assert_eq!(log.counts(), OperationCounts { total: 2, unread: 2, unread_failed: 2, failed: 2 });
    assert_eq!(log.counts_of("id-web-1".into()).await.unwrap(), log.counts());
    assert_eq!(log.counts_of("id-web-2".into()).await.unwrap(), OperationCounts::default());
    let page = log.page(OperationFilter { unread: true, ..OperationFilter::default() }).await.unwrap();
    assert_eq!(ids(&page), [2, 1]);
    let mark = ReadMark { by: "bea".into(), at_ms: 2_000 };
    assert_eq!((&page.operations[0].read, &page.operations[0].read_by), (&None, &vec![mark]));
}

#[tokio::test]
async fn what_a_filter_finds_is_marked_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    for n in 0..30 {
        let target = if n % 3 == 0 { "nginx.service" } else { "cron.service" };
        log.record(restart(target), if n % 2 == 0 { failed() } else { Finish::new(OperationResult::Done) })
            .await
            .unwrap();
    }
    let filter = OperationFilter { text: "NGINX".into(), failed: true, ..OperationFilter::default() };
    let counts = log.mark_read(ReadSelection::Filter(filter.clone())).await.unwrap();
    assert_eq!((counts.unread, counts.unread_failed), (25, 10));
    let left = log.page(OperationFilter { unread: true, ..filter }).await.unwrap();
    assert!(left.operations.is_empty());
}

#[tokio::test]
async fn a_comment_is_added_and_found_and_changes_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let before = log.record(restart("a.service"), failed()).await.unwrap();
    log.mark_read(ReadSelection::All).await.unwrap();
    let after = log.comment(1, "  磁盘满了, cleaned up ".into()).await.unwrap();
    let comment = Comment { by: "ann".into(), at_ms: 1_000, text: "磁盘满了, cleaned up".into() };
    assert_eq!(after.comments, [comment]);
    assert_eq!(Operation { comments: Vec::new(), read: None, ..after.clone() }, before);
    assert!(!after.is_unread(), "a comment is no new outcome");
    let found =
        log.page(OperationFilter { text: "磁盘".into(), ..OperationFilter::default() }).await.unwrap();
    assert_eq!(ids(&found), [1]);
    assert_eq!(found.found[0][0].field, protocol::operations::FoundIn::Comment(0));
    for text in [String::new(), " \n".into(), "x".repeat(COMMENT_LIMIT_BYTES + 1)] {
        assert_eq!(log.comment(1, text).await.unwrap_err().code, FaultCode::BadInput);
    }
    assert_eq!(log.comment(7, "x".into()).await.unwrap_err().code, FaultCode::OperationUnknown);
}

/// What version 0.1 wrote: one mark for all operators, counts in the ledger, no chain.
#[tokio::test]
async fn the_log_of_an_earlier_version_is_read_and_chained() {
    use crate::store::Tree;
    let dir = tempfile::tempdir().unwrap();
    {
        let entries: Tree<u64, serde_json::Value> = Tree::new("operations", 1);
        let unread: Tree<u64, bool> = Tree::new("operations_unread", 1);
        let marks: Tree<u64, ReadMark> = Tree::new("operations_read", 1);
        let under_way: Tree<u64, ()> = Tree::new("operations_under_way", 1);
        let ledger: Tree<String, serde_json::Value> = Tree::new("operations_ledger", 1);
        let store = Store::open(dir.path()).await.unwrap().store;
        store
            .write(move |writer| {
                for id in 1..=300_u64 {
                    let result = if id == 300 { "under_way" } else if id % 10 == 0 { "failed" } else { "done" };
                    let entry = serde_json::json!({
                        "id": id, "started_ms": id, "operator": "ann",
                        "host": { "id": "id-web-1", "name": "web-1", "address": "10.0.0.11", "port": 22, "guarded": false },
                        "kind": "service_restart", "target": "a.service", "command": "systemctl restart a.service",
                        "result": result, "output": "", "errors": "", "summary": "", "read": null,
                    });
                    entries.put(writer, &id, &entry)?;
                    if id > 290 {
                        unread.put(writer, &id, &(id % 10 == 0))?;
                    } else {
                        marks.put(writer, &id, &ReadMark { by: "ann".into(), at_ms: 7 })?;
                    }
                }
                under_way.put(writer, &300, &())?;
                let counts = serde_json::json!({ "total": 300, "unread": 10, "unread_failed": 0, "failed": 29 });
                ledger.put(writer, &"ledger".to_owned(), &serde_json::json!({ "newest": 300, "counts": counts }))
            })
            .await
            .unwrap();
    }
    for _ in 0..2 {
        let log = open(&dir).await;
        assert_eq!(log.counts(), OperationCounts { total: 300, unread: 10, unread_failed: 1, failed: 30 });
        assert_eq!(log.counts_of("id-web-1".into()).await.unwrap(), log.counts());
        assert_eq!(log.show(5).await.unwrap().read, Some(ReadMark { by: "ann".into(), at_ms: 7 }));
        assert_eq!(log.show(300).await.unwrap().result, OperationResult::OutcomeUnknown);
        let check = log.verify(Arc::new(crate::secrets::Memory::new())).await.unwrap();
        assert_eq!((check.entries, check.breaks), (300, Vec::new()));
    }
    assert_eq!(open(&dir).await.record(restart("b.service"), failed()).await.unwrap().id, 301);
}

#[tokio::test]
async fn after_a_recovery_all_is_counted_anew_from_the_entries() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let web = || Some(host("web"));
    let mut entries = Vec::new();
    for number in 0..12 {
        let draft = OperationDraft::new(OperationKind::Command, web().filter(|_| number % 3 != 0), "x");
        let result = if number % 4 == 0 { OperationResult::Failed } else { OperationResult::Done };
        entries.push(log.record(draft, Finish::new(result)).await.unwrap());
    }
    let read: Vec<u64> = entries.iter().map(|entry| entry.id).filter(|id| id % 2 == 0).collect();
    log.mark_read(ReadSelection::Ids(read)).await.unwrap();
    let (all, of_web) = (log.counts(), log.counts_of(host("web").id).await.unwrap());
    // What a damaged file may take: an entry with its unread mark still there, and all that is counted.
    let lost = entries[11].clone();
    assert!(lost.result == OperationResult::Done && lost.host.is_some() && lost.id % 2 == 0);
    let gone = entries[2].clone();
    assert!(gone.result == OperationResult::Done && gone.host.is_some() && gone.id % 2 == 1);
    let (lost_id, gone_id) = (lost.id, gone.id);
    let damage = move |writer: &mut Writer<'_>| {
        log::ENTRIES.remove(writer, &lost_id)?;
        log::ENTRIES.remove(writer, &gone_id)?;
        let ledger = book::Ledger { counted_after: 7, ..book::Ledger::default() };
        book::LEDGER.put(writer, &book::KEY.to_owned(), &ledger)?;
        book::HOSTS.put(writer, &"nobody".to_owned(), &book::Scope { total: 5, ..book::Scope::default() })?;
        book::HOSTS.remove(writer, &host("web").id)
    };
    log.store.write(damage).await.unwrap();
    drop(log);
    let log = open(&dir).await;
    let less = |counts: OperationCounts| OperationCounts {
        total: counts.total - 2,
        unread: counts.unread - 1,
        ..counts
    };
    assert_eq!(log.counts(), less(all));
    assert_eq!(log.counts_of(host("web").id).await.unwrap(), less(of_web));
    assert_eq!(log.counts_of("nobody".into()).await.unwrap(), OperationCounts::default());
    let next = log.record(restart("y"), failed()).await.unwrap();
    assert_eq!(next.id, lost_id + 1, "the number of an entry that is lost is not given again");
    drop(log);
    let log = open(&dir).await;
    assert_eq!(log.counts().total, all.total - 1, "it is counted once, and what came later stays counted");
}
