//! A table that is sent over a bad line, beside the table that was sent.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::processes::{Process, ProcessDetail, ProcessState, ProcessTable};
use crate::services::{Service, ServiceTable};
use crate::sockets::{Protocol, Socket, SocketAnswer, SocketRow, SocketState, SocketTable};

fn process(pid: u32, name: &str) -> Process {
    Process { pid, start_ticks: 7, name: name.into(), ..Process::default() }
}

fn table(rows: &[(u32, &str)]) -> ProcessTable {
    let processes = rows.iter().map(|(pid, name)| process(*pid, name)).collect();
    ProcessTable { at_ms: 1, processes, ..ProcessTable::default() }
}

/// What the line is after it was on the wire.
fn sent_over<T: Table>(news: &News<T>) -> News<T> {
    serde_json::from_str(&serde_json::to_string(news).unwrap()).unwrap()
}

#[test]
fn after_the_whole_only_what_changed_is_said() {
    let mut sent = Sent::default();
    let first = sent.news(table(&[(1, "init"), (2, "sh"), (9, "top")]));
    assert!(matches!(&first, News::Whole { generation: 1, table } if table.processes.len() == 3));
    let second = sent.news(ProcessTable { at_ms: 2, ..table(&[(1, "init"), (3, "new"), (9, "htop")]) });
    let line = serde_json::to_string(&second).unwrap();
    assert!(line.contains(r#""changed":[[2,{"name":"htop"}]],"gone":[1]"#), "{line}");
    assert!(line.contains(r#""at_ms":2"#) && !line.contains("init"), "{line}");
    let News::Delta(quiet) = sent.news(table(&[(1, "init"), (3, "new"), (9, "htop")])) else { panic!() };
    assert_eq!((quiet.rows, quiet.added, quiet.changed, quiet.gone), (3, vec![], vec![], vec![]));
}

#[test]
fn a_field_that_became_nothing_is_told_apart_from_one_that_did_not_change() {
    let before = Process { user: Some("ann".into()), cpu_pct: Some(0.5), ..process(1, "a") };
    let after = Process { user: None, ..before.clone() };
    let change = serde_json::to_string(&before.change_to(&after)).unwrap();
    assert_eq!(change, r#"{"user":null}"#);
    let mut changed = before;
    changed.change(serde_json::from_str(&change).unwrap());
    assert_eq!(changed, after);
}

#[test]
fn a_row_that_holds_another_tells_what_changed_within() {
    let row = |recv_q, peer_host: Option<&str>| {
        let socket = Socket { inode: 7, recv_q, local_address: "10.0.0.1".into(), ..Socket::default() };
        let row = SocketRow { socket, peer_host: peer_host.map(str::to_owned), ..SocketRow::default() };
        SocketAnswer { rows: vec![Arc::new(row)], ..SocketAnswer::default() }
    };
    let (mut sent, mut kept) = (Sent::default(), Kept::default());
    let tables = [row(0, None), row(5, None), row(5, Some("lb")), row(6, None)];
    let lines: Vec<_> = tables.iter().map(|table| sent_over(&sent.news(table.clone()))).collect();
    let told = |at: usize| match &lines[at] {
        News::Delta(delta) => serde_json::to_string(&delta.changed).unwrap(),
        News::Whole { .. } => "whole".into(),
    };
    assert_eq!(
        [told(0), told(1), told(2), told(3)],
        [
            "whole",
            r#"[[0,{"socket":{"recv_q":5}}]]"#,
            r#"[[0,{"peer_host":"lb"}]]"#,
            r#"[[0,{"peer_host":null,"socket":{"recv_q":6}}]]"#,
        ]
    );
    let mut shown = Vec::new();
    for (seq, line) in (1..).zip(lines) {
        assert_eq!(kept.take(seq, line), Taken::Current);
        shown.push(kept.table().clone());
    }
    assert_eq!(shown, tables, "what was shown before stays as it was when a row changes");
}

#[test]
fn the_rows_stand_in_the_order_that_is_asked_for_and_keep_their_numbers() {
    let (mut sent, mut kept) = (Sent::default(), Kept::default());
    let by_name = |a: &Process, b: &Process| a.name.cmp(&b.name);
    kept.take_in_order(1, sent.news(table(&[(1, "c"), (2, "a"), (3, "b")])), by_name);
    let first = kept.next_id();
    kept.take_in_order(2, sent.news(table(&[(1, "c"), (3, "d"), (4, "b")])), by_name);
    let rows: Vec<(bool, &str)> =
        kept.numbered().map(|(id, process)| (id >= first, process.name.as_str())).collect();
    assert_eq!(rows, [(true, "b"), (false, "c"), (false, "d")], "only b came");
}

#[test]
fn a_pid_that_was_given_again_is_another_row() {
    let mut sent = Sent::default();
    sent.news(table(&[(5, "old")]));
    let mut again = table(&[(5, "new")]);
    again.processes[0].start_ticks = 8;
    let News::Delta(delta) = sent.news(again) else { panic!() };
    assert_eq!((delta.added.len(), delta.changed.len(), delta.gone), (1, 0, vec![0]));
}

#[test]
fn two_rows_of_the_same_identity_are_two_rows() {
    let orphan = |state| Socket { state, local_port: 80, peer_port: 9, ..Socket::default() };
    let of = |states: &[SocketState]| SocketTable {
        sockets: states.iter().map(|state| orphan(*state)).collect(),
        ..SocketTable::default()
    };
    let (mut sent, mut kept) = (Sent::default(), Kept::default());
    let steps: [&[SocketState]; 4] = [
        &[SocketState::TimeWait],
        &[SocketState::TimeWait, SocketState::FinWait2],
        &[SocketState::FinWait2],
        &[SocketState::FinWait2, SocketState::FinWait2, SocketState::Closing],
    ];
    for (seq, states) in (1..).zip(steps) {
        assert_eq!(kept.take(seq, sent.news(of(states))), Taken::Current);
        assert_eq!(kept.table().sockets.len(), states.len());
    }
}

#[test]
fn a_missing_a_doubled_and_a_late_line_are_seen_and_a_whole_mends_it() {
    let (mut sent, mut kept) = (Sent::default(), Kept::default());
    let names = ["a", "b", "c", "d", "e"];
    let lines: Vec<_> = names.iter().map(|name| sent.news(table(&[(1, name)]))).collect();
    let name = |kept: &Kept<ProcessTable>| kept.table().processes[0].name.clone();
    assert_eq!(kept.take(1, lines[0].clone()), Taken::Current);
    assert_eq!(kept.take(1, lines[0].clone()), Taken::Repeated);
    assert_eq!(kept.take(3, lines[2].clone()), Taken::Torn);
    assert_eq!((name(&kept), kept.is_current()), ("a".into(), false), "what is shown is what it was");
    assert_eq!(kept.take(2, lines[1].clone()), Taken::Repeated, "late: it was given up");
    assert_eq!(kept.take(4, lines[3].clone()), Taken::Torn, "nothing is built on a gap");
    sent.renew();
    assert_eq!(kept.take(6, sent.news(table(&[(1, "f")]))), Taken::Current);
    assert_eq!((name(&kept), kept.is_current()), ("f".into(), true));
}

#[test]
fn a_line_that_does_not_fit_changes_nothing() {
    let good = |generation, rows| Delta {
        generation,
        head: ProcessTable { at_ms: 9, ..ProcessTable::default() },
        rows,
        added: vec![],
        changed: vec![],
        gone: vec![],
    };
    let change = process(1, "a").change_to(&process(1, "b"));
    let bad = [
        Delta { gone: vec![7], ..good(1, 1) },
        Delta { gone: vec![0, 0], ..good(1, 0) },
        Delta { changed: vec![(7, change.clone())], ..good(1, 2) },
        Delta { changed: vec![(0, change.clone()), (0, change.clone())], ..good(1, 2) },
        Delta { changed: vec![(0, change)], gone: vec![0], ..good(1, 1) },
        Delta { added: vec![process(3, "c")], ..good(1, 2) },
        good(1, 1),
        good(2, 2),
    ];
    for delta in bad {
        let mut kept = Kept::default();
        kept.take(1, News::Whole { generation: 1, table: table(&[(1, "a"), (2, "b")]) });
        let before = kept.table().clone();
        assert_eq!(kept.take(2, News::Delta(Box::new(delta.clone()))), Taken::Torn, "{delta:?}");
        assert_eq!(kept.table(), &before, "{delta:?}");
    }
}

#[test]
fn what_is_over_the_room_is_cut_and_counted_and_the_rest_goes_on() {
    let row_bytes = size_of::<Process>() + 1;
    let mut kept = Kept::within(2 * row_bytes);
    let mut sent = Sent::default();
    kept.take(1, sent.news(table(&[(1, "a"), (2, "b"), (3, "c"), (4, "d")])));
    assert_eq!((kept.table().processes.len(), kept.table().left_out), (2, 2));
    // A row that was cut changes, another one ends, and one of those that are shown grows.
    assert_eq!(kept.take(2, sent.news(table(&[(1, "a"), (2, "b"), (3, "x")]))), Taken::Current);
    assert_eq!((kept.table().processes.len(), kept.table().left_out), (2, 1));
    assert_eq!(kept.take(3, sent.news(table(&[(1, "aa"), (2, "b"), (3, "x")]))), Taken::Current);
    assert_eq!((kept.table().processes.len(), kept.table().left_out), (1, 2));
    assert_eq!(kept.take(4, sent.news(table(&[(1, "aa")]))), Taken::Current);
    assert_eq!((kept.table().processes.len(), kept.table().left_out), (1, 0));
}

#[test]
fn a_line_that_would_be_too_long_is_said_again_with_fewer_rows() {
    let (mut sent, mut kept) = (Sent::default(), Kept::default());
    let rows = [(1, "a"), (2, "b"), (3, "c")];
    sent.news(table(&rows));
    assert_eq!(kept.take(1, sent.cut(2)), Taken::Current);
    assert_eq!((kept.table().processes.len(), kept.table().left_out), (2, 1));
    assert_eq!(kept.take(2, sent.news(table(&rows))), Taken::Current);
    assert_eq!((kept.table().processes.len(), kept.table().left_out), (2, 1), "and so are those after it");
}

#[test]
fn a_list_of_more_rows_than_a_table_may_have_is_refused() {
    let rows = |count: usize| {
        format!(r#"{{"whole":{{"generation":1,"table":{{"processes":[{}{{}}]}}}}}}"#, "{},".repeat(count - 1))
    };
    assert!(serde_json::from_str::<News<ProcessTable>>(&rows(ROWS_LIMIT)).is_ok());
    let why = serde_json::from_str::<News<ProcessTable>>(&rows(ROWS_LIMIT + 1)).unwrap_err();
    assert!(why.to_string().contains("longer than 65536"), "{why}");
}

fn processes() -> impl Strategy<Value = ProcessTable> {
    let row = (0..6u32, 0..2u64, "[ab]?", prop::option::of(0..3u32), 0..3u64, any::<bool>());
    let rows = prop::collection::vec(row, 0..9);
    (rows, any::<i64>()).prop_map(|(rows, at_ms)| {
        let by_identity: BTreeMap<_, _> = rows.into_iter().map(|row| ((row.0, row.1), row)).collect();
        let processes = by_identity
            .into_values()
            .map(|(pid, start_ticks, name, pct, rss_bytes, odd)| Process {
                pid,
                start_ticks,
                user: odd.then(|| name.clone()),
                name,
                cpu_pct: pct.map(|pct| f64::from(pct) / 10.0),
                rss_bytes,
                state: if odd { ProcessState::Running } else { ProcessState::Unknown },
                detail: odd.then(|| ProcessDetail { pss_bytes: Some(rss_bytes), ..ProcessDetail::default() }),
                ..Process::default()
            })
            .collect();
        ProcessTable { at_ms, processes, cpus: 4, ..ProcessTable::default() }
    })
}

/// With rows of the same identity.
fn sockets() -> impl Strategy<Value = SocketTable> {
    let row = (0..4u64, 0..2u16, 0..3u32, any::<bool>());
    prop::collection::vec(row, 0..9).prop_map(|rows| {
        let sockets = rows.into_iter().map(|(inode, peer_port, recv_q, listens)| Socket {
            inode,
            peer_port,
            recv_q,
            state: if listens { SocketState::Listen } else { SocketState::Estab },
            protocol: if listens { Protocol::Tcp6 } else { Protocol::Tcp },
            pid: listens.then_some(recv_q),
            ..Socket::default()
        });
        let mut table = SocketTable { sockets: sockets.collect(), ..SocketTable::default() };
        table.sockets.sort_by(Row::by_place);
        table
    })
}

fn services() -> impl Strategy<Value = ServiceTable> {
    let row = ("[a-d]\\.service", "active|failed", prop::option::of(0..3u32));
    prop::collection::vec(row, 0..6).prop_map(|rows| {
        let by_name: BTreeMap<_, _> = rows.into_iter().map(|row| (row.0.clone(), row)).collect();
        let services = by_name.into_values().map(|(name, active_state, main_pid)| Service {
            name,
            active_state,
            main_pid,
            ..Service::default()
        });
        ServiceTable { services: services.collect(), ..ServiceTable::default() }
    })
}

/// What becomes of a line on its way.
#[derive(Clone, Copy, Debug)]
enum Way {
    Good,
    Lost,
    Doubled,
    /// It comes after the next one.
    Late,
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![4 => Just(Way::Good), 1 => Just(Way::Lost), 1 => Just(Way::Doubled), 1 => Just(Way::Late)]
}

/// The rows, those of one place in an order of their own.
fn rows_of<T: Table>(table: &T) -> Vec<String> {
    let mut rows: Vec<String> = table.rows().iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

/// Sends the tables over a bad line to a receiver who asks for a whole whenever one is missing, and
/// compares what the receiver has with what was sent, at each line and after the last.
fn over_a_bad_line<T: Table>(steps: Vec<(T, Way)>) -> Result<(), TestCaseError> {
    let (mut sent, mut kept) = (Sent::default(), Kept::default());
    let mut truth: Vec<T> = Vec::new();
    let mut on_its_way: Vec<(u64, News<T>)> = Vec::new();
    let mut last = T::default();
    for (table, way) in steps {
        last = table.clone();
        truth.push(table.clone());
        let line = (truth.len() as u64, sent_over(&sent.news(table)));
        let mut arrives = Vec::new();
        match way {
            Way::Good => arrives.push(line),
            Way::Lost => {}
            Way::Doubled => arrives.extend([line.clone(), line]),
            Way::Late => {
                on_its_way.push(line);
                continue;
            }
        }
        arrives.append(&mut on_its_way);
        for (seq, news) in arrives {
            match kept.take(seq, news) {
                Taken::Current => {
                    prop_assert_eq!(rows_of(kept.table()), rows_of(&truth[seq as usize - 1]), "line {}", seq);
                }
                Taken::Torn => {
                    prop_assert!(!kept.is_current());
                    sent.renew();
                }
                Taken::Repeated => {}
            }
        }
    }
    // One more line shows a loss at the end, and the whole that is asked for mends it.
    for _ in 0..2 {
        truth.push(last.clone());
        if kept.take(truth.len() as u64, sent_over(&sent.news(last.clone()))) == Taken::Torn {
            sent.renew();
        }
    }
    prop_assert!(kept.is_current());
    let mut fresh = Kept::default();
    fresh.take(1, Sent::default().news(last));
    prop_assert_eq!(rows_of(kept.table()), rows_of(fresh.table()));
    let places = |table: &T| table.rows().windows(2).all(|two| two[0].by_place(&two[1]).is_le());
    prop_assert!(places(kept.table()), "in the order of a table");
    Ok(())
}

proptest! {
    #[test]
    fn any_change_of_processes_over_any_bad_line_ends_in_the_same_table(
        steps in prop::collection::vec((processes(), way()), 1..12),
    ) {
        over_a_bad_line(steps)?;
    }

    #[test]
    fn any_change_of_sockets_over_any_bad_line_ends_in_the_same_table(
        steps in prop::collection::vec((sockets(), way()), 1..12),
    ) {
        over_a_bad_line(steps)?;
    }

    #[test]
    fn any_change_of_services_over_any_bad_line_ends_in_the_same_table(
        steps in prop::collection::vec((services(), way()), 1..12),
    ) {
        over_a_bad_line(steps)?;
    }

    #[test]
    fn lines_of_a_hostile_host_never_break_the_count(
        steps in prop::collection::vec((any::<bool>(), 0..3u32, prop::collection::vec(0..6u32, 0..4), 0..4usize, 0..8u32), 0..12),
        rows_of_room in 0..4usize,
    ) {
        let mut kept = Kept::within(rows_of_room * (size_of::<Process>() + 1));
        for (seq, (whole, generation, gone, added, rows)) in (1..).zip(steps) {
            let fresh = table(&vec![(1, "a"); added]);
            let news = if whole { News::Whole { generation, table: fresh } } else {
                let (head, added) = (ProcessTable::default(), fresh.processes);
                News::Delta(Box::new(Delta { generation, head, rows, added, changed: vec![], gone }))
            };
            let taken = kept.take(seq, news);
            prop_assert!(kept.table().processes.len() <= rows_of_room);
            if taken == Taken::Current && !whole {
                let count = kept.table().processes.len() + kept.table().left_out as usize;
                prop_assert_eq!(count, rows as usize);
            }
        }
    }
}
