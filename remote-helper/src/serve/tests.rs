//! The wire, spoken to in this process: real pipes, the real machine.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write, pipe};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use protocol::delta::{Kept, News, Table, Taken};
use protocol::journal::PRIORITIES;
use protocol::processes::ProcessTable;
use protocol::sockets::SocketTable;
use protocol::wire::{Answer, Hello, Line, REQUEST_LIMIT_BYTES};
use protocol::{Fault, FaultCode};

use super::serve;
use crate::error::Error;
use crate::root::Root;

struct Link {
    to: PipeWriter,
    from: BufReader<PipeReader>,
    helper: JoinHandle<Result<(), Error>>,
}

impl Link {
    fn open() -> (Self, Hello) {
        let mut link = Self::open_unread();
        let Line::Hello(hello) = link.next() else { panic!("the first line is Hello") };
        (link, hello)
    }

    fn open_on(root: Root) -> (Self, Hello) {
        let mut link = Self::open_unread_on(root);
        let Line::Hello(hello) = link.next() else { panic!("the first line is Hello") };
        (link, hello)
    }

    fn open_unread() -> Self {
        Self::open_unread_on(Root::live())
    }

    fn open_unread_on(root: Root) -> Self {
        let (input, to) = pipe().unwrap();
        let (from, output) = pipe().unwrap();
        let helper = std::thread::spawn(move || serve(input, output, root));
        Self { to, from: BufReader::new(from), helper }
    }

    fn send(&mut self, line: &str) {
        self.to.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn next(&mut self) -> Line {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line:?}"))
    }

    fn next_fault(&mut self) -> (u64, Fault) {
        match self.next() {
            Line::Fault { id, fault } => (id, fault),
            other => panic!("{other:?}"),
        }
    }

    /// Closes the input and gives how long the helper still took.
    fn hang_up(self) -> Duration {
        let started = Instant::now();
        drop(self.to);
        self.helper.join().unwrap().unwrap();
        started.elapsed()
    }
}

#[test]
fn it_speaks_first_and_says_what_it_can_and_where_it_is() {
    let (link, hello) = Link::open();
    assert_eq!((hello.version.as_str(), hello.pid), (protocol::VERSION, std::process::id()));
    for word in [
        "system",
        "metrics",
        "sockets",
        "services",
        "processes",
        "details",
        "signal",
        "blame",
        "impact",
        "act",
        "run",
        "cancel",
        "refresh",
        "journal",
    ] {
        assert!(hello.can.iter().any(|can| can == word), "{word}");
    }
    assert!(!hello.host.host_name.is_empty() && !hello.host.user.is_empty());
    assert!(link.hang_up() < Duration::from_secs(1), "with nothing under way it ends at once");
}

#[test]
fn what_it_does_not_know_is_a_fault_with_the_id_and_nonsense_one_with_0() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":7,"ask":{"teleport":{"to":"mars"}}}"#);
    let (id, fault) = link.next_fault();
    assert_eq!((id, fault.code), (7, FaultCode::NotInThisVersion));
    link.send(r#"{"id":8,"ask":{"act":{"unit":5}}}"#);
    let (id, fault) = link.next_fault();
    assert_eq!((id, fault.code), (8, FaultCode::BadInput));
    link.send(r#"{"id":9,"ask":{"signal":{"pid":5,"start_ticks":1,"signal":"nonsense"}}}"#);
    let (id, fault) = link.next_fault();
    assert_eq!((id, fault.code), (9, FaultCode::BadInput), "the request is known, its word is not");
    for nonsense in ["x", "{}", "[true]", "\u{1b}[31m", &"[".repeat(10_000), r#"{"id":-1,"ask":{}}"#] {
        link.send(nonsense);
        let (id, fault) = link.next_fault();
        assert_eq!((id, fault.code), (0, FaultCode::BadInput), "{nonsense}");
    }
    link.send(&"x".repeat(REQUEST_LIMIT_BYTES + 1));
    assert_eq!(link.next_fault().0, 0);
    link.send(&format!(r#"{{"id":11,"ask":{{"run":{{"command":"{}"}}}}}}"#, "x".repeat(REQUEST_LIMIT_BYTES)));
    let (id, fault) = link.next_fault();
    assert_eq!((id, fault.code), (11, FaultCode::BadInput), "who asked too long is told");
    link.send("");
    link.send(r#"{"id":9,"ask":{"system":{}}}"#);
    assert!(
        matches!(link.next(), Line::Reply { id: 9, answer: Answer::System(_) }),
        "it goes on after all that"
    );
}

#[test]
fn a_long_command_delays_no_other_answer_and_can_be_cancelled() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":1,"ask":{"run":{"command":"echo begun; exec sleep 60"}}}"#);
    link.send(r#"{"id":2,"ask":{"metrics":{}}}"#);
    let Line::Reply { id: 2, answer: Answer::Metrics(metrics) } = link.next() else { panic!() };
    assert!(metrics.cpu.is_some() && metrics.over_ms.is_some(), "one answer has rates of two samples");
    link.send(r#"{"id":1,"ask":{"system":{}}}"#);
    assert_eq!(link.next_fault().1.code, FaultCode::BadInput, "an id that is under way is not taken again");
    link.send(r#"{"id":3,"ask":{"cancel":{"id":1}}}"#);
    let lines = [link.next(), link.next()];
    assert!(lines.iter().any(|line| matches!(line, Line::Reply { id: 3, answer: Answer::Cancelled {} })));
    let ran = lines.iter().find_map(|line| match line {
        Line::Reply { id: 1, answer: Answer::Run(report) } => Some(report),
        _ => None,
    });
    assert_eq!(ran.unwrap().signal, Some(15));
}

#[test]
fn pushes_are_numbered_from_1_and_end_when_cancelled() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":5,"ask":{"metrics":{"interval_ms":200}}}"#);
    for wanted in 1..=3 {
        let Line::Push { id: 5, seq, answer: Answer::Metrics(metrics) } = link.next() else { panic!() };
        assert_eq!(seq, wanted);
        assert_eq!(metrics.cpu.is_some(), seq > 1, "the first sample has no rates");
    }
    link.send(r#"{"id":6,"ask":{"cancel":{"id":5}}}"#);
    let mut ended = false;
    let mut cancelled = false;
    while !(ended && cancelled) {
        match link.next() {
            Line::End { id: 5 } => ended = true,
            Line::Reply { id: 6, .. } => cancelled = true,
            Line::Push { id: 5, .. } => assert!(!ended, "nothing is pushed after the end"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn while_metrics_are_pushed_who_used_the_most_can_be_asked() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":1,"ask":{"blame":{"at_ms":0}}}"#);
    let Line::Reply { answer: Answer::Blame(blame), .. } = link.next() else { panic!() };
    assert_eq!((blame.at_ms, blame.from_ms), (None, None), "nothing is kept before metrics are asked for");
    link.send(r#"{"id":2,"ask":{"metrics":{"interval_ms":500}}}"#);
    let mut times = Vec::new();
    while times.len() < 5 {
        let Line::Push { answer: Answer::Metrics(metrics), .. } = link.next() else { panic!() };
        times.push(metrics.at_ms);
    }
    let at_ms = times[2];
    link.send(&format!(r#"{{"id":3,"ask":{{"blame":{{"at_ms":{at_ms}}}}}}}"#));
    let blame = loop {
        if let Line::Reply { answer: Answer::Blame(blame), .. } = link.next() {
            break blame;
        }
    };
    assert_eq!(blame.at_ms, Some(at_ms), "a second after the first sample there is one");
    assert!(blame.over_ms >= 900 && !blame.memory.is_empty() && blame.cpus > 0, "{blame:?}");
}

/// The next push of the request `id` that is about a table, with its number.
fn next_news<T>(link: &mut Link, of: u64, pick: impl Fn(Answer) -> Option<Box<News<T>>>) -> (u64, News<T>)
where
    T: Table,
{
    loop {
        if let Line::Push { id, seq, answer } = link.next()
            && id == of
            && let Some(news) = pick(answer)
        {
            return (seq, *news);
        }
    }
}

fn process_news(answer: Answer) -> Option<Box<News<ProcessTable>>> {
    if let Answer::ProcessNews(news) = answer { Some(news) } else { None }
}

fn socket_news(answer: Answer) -> Option<Box<News<SocketTable>>> {
    if let Answer::SocketNews(news) = answer { Some(news) } else { None }
}

#[test]
fn a_process_table_comes_whole_with_shares_and_then_by_what_changed() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":4,"ask":{"processes":{"interval_ms":300}}}"#);
    let mut kept = Kept::default();
    let (seq, whole) = next_news(&mut link, 4, process_news);
    assert!(seq == 1 && matches!(whole, News::Whole { .. }));
    assert_eq!(kept.take(seq, whole), Taken::Current);
    let own = |kept: &Kept<ProcessTable>| {
        kept.table().processes.iter().find(|one| one.pid == std::process::id()).unwrap().clone()
    };
    assert!(own(&kept).cpu_pct.is_some(), "the first has shares already: {:?}", own(&kept));
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let is_there = |kept: &Kept<ProcessTable>| kept.table().processes.iter().any(|one| one.pid == child.id());
    while !is_there(&kept) {
        let (seq, news) = next_news(&mut link, 4, process_news);
        assert!(matches!(news, News::Delta(_)));
        assert_eq!(kept.take(seq, news), Taken::Current);
    }
    let pid = child.id();
    child.kill().unwrap();
    child.wait().unwrap();
    while kept.table().processes.iter().any(|one| one.pid == pid) {
        let (seq, news) = next_news(&mut link, 4, process_news);
        assert_eq!(kept.take(seq, news), Taken::Current);
    }
    link.send(r#"{"id":5,"ask":{"signal":{"pid":1,"start_ticks":1,"signal":"term"}}}"#);
    let fault = loop {
        if let Line::Fault { fault, .. } = link.next() {
            break fault;
        }
    };
    assert_eq!(fault.code, FaultCode::BadInput);
}

#[test]
fn two_subscriptions_to_one_table_have_their_own_intervals_and_one_can_be_mended_alone() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":1,"ask":{"sockets":{"interval_ms":200}}}"#);
    link.send(r#"{"id":2,"ask":{"sockets":{"interval_ms":3600000}}}"#);
    let mut wholes = 0;
    let mut fast = 0;
    while fast < 4 || wholes < 2 {
        let Line::Push { id, answer: Answer::SocketNews(news), .. } = link.next() else { panic!() };
        wholes += usize::from(matches!(*news, News::Whole { .. }));
        fast += usize::from(id == 1);
    }
    link.send(r#"{"id":3,"ask":{"refresh":{"id":2}}}"#);
    let (seq, news) = next_news(&mut link, 2, socket_news);
    assert!(seq == 2 && matches!(news, News::Delta(_)), "now, and only what changed");
    link.send(r#"{"id":4,"ask":{"refresh":{"id":2,"whole":true}}}"#);
    let (seq, news) = next_news(&mut link, 2, socket_news);
    assert!(seq == 3 && matches!(news, News::Whole { generation: 2, .. }));
    assert!(matches!(next_news(&mut link, 1, socket_news).1, News::Delta(_)), "the other one goes on");
    for (asked, id) in
        [(r#"{"id":5,"ask":{"refresh":{"id":77}}}"#, 5), (r#"{"id":6,"ask":{"refresh":{"id":6}}}"#, 6)]
    {
        link.send(asked);
        let fault = loop {
            if let Line::Fault { id: of, fault } = link.next() {
                assert_eq!(of, id);
                break fault;
            }
        };
        assert_eq!(fault.code, FaultCode::BadInput, "{asked}");
    }
}

#[test]
fn a_slow_reader_gets_fewer_pushes_and_the_newest_ones() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":5,"ask":{"sockets":{"interval_ms":200}}}"#);
    // A command whose answer fills the pipe, so that pushes wait behind it.
    link.send(r#"{"id":1,"ask":{"run":{"command":"head -c 200000 /dev/zero"}}}"#);
    std::thread::sleep(Duration::from_millis(2_500));
    let read_at = Instant::now();
    link.send(r#"{"id":6,"ask":{"cancel":{"id":5}}}"#);
    let mut pushes = 0;
    loop {
        match link.next() {
            Line::Push { .. } => pushes += 1,
            Line::End { .. } => break,
            _ => {}
        }
    }
    assert!(pushes < 10, "{pushes} of the 12 that were due; they were not queued");
    assert!(read_at.elapsed() < Duration::from_secs(2));
}

#[test]
fn it_ends_in_time_when_its_input_ends_while_a_command_runs() {
    let (mut link, _) = Link::open();
    let mark = format!("/tmp/muster-helper-test-{}", std::process::id());
    let command = format!("trap '' TERM; sleep 60 & echo $! > {mark}; sleep 60; sleep 60");
    link.send(&serde_json::json!({"id": 1, "ask": {"run": {"command": command}}}).to_string());
    let sleeper = loop {
        match std::fs::read_to_string(&mark) {
            Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    std::fs::remove_file(&mark).unwrap();
    let took = link.hang_up();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let state = std::fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "what the command started is ended too: {state}");
}

#[test]
fn it_ends_in_time_when_its_input_ends_while_its_output_is_blocked() {
    let mut link = Link::open_unread();
    link.send(r#"{"id":1,"ask":{"run":{"command":"head -c 200000 /dev/zero"}}}"#);
    link.send(r#"{"id":2,"ask":{"metrics":{"interval_ms":200}}}"#);
    std::thread::sleep(Duration::from_millis(500));
    let Link { to, from, helper } = link;
    let started = Instant::now();
    drop(to);
    helper.join().unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(from);
}

#[test]
fn it_ends_when_nobody_reads_its_output_any_more() {
    let mut link = Link::open_unread();
    link.send(r#"{"id":1,"ask":{"run":{"command":"sleep 60"}}}"#);
    link.send(r#"{"id":2,"ask":{"metrics":{"interval_ms":200}}}"#);
    let Link { to, from, helper } = link;
    drop(from);
    let started = Instant::now();
    helper.join().unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(to);
}

#[test]
fn a_short_answer_that_is_under_way_when_the_input_ends_is_still_given() {
    let (mut link, _) = Link::open();
    link.send(r#"{"id":1,"ask":{"system":{}}}"#);
    let Link { to, mut from, helper } = link;
    drop(to);
    let mut rest = String::new();
    from.read_to_string(&mut rest).unwrap();
    helper.join().unwrap().unwrap();
    assert!(rest.contains(r#"{"reply":{"id":1,"answer":{"system":"#), "{rest}");
}

#[test]
fn a_peer_that_floods_nonsense_and_reads_nothing_is_dropped() {
    let link = Link::open_unread();
    let Link { mut to, from, helper } = link;
    let flood = std::thread::spawn(move || while to.write_all(b"nonsense\n").is_ok() {});
    let started = Instant::now();
    helper.join().unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    drop(from);
    drop(flood);
}

/// A folder of log files in the place of this machine.
fn captured(lines: usize) -> (tempfile::TempDir, Root) {
    let tree = tempfile::tempdir().unwrap();
    for folder in ["var/log", "etc", "proc", "run"] {
        std::fs::create_dir_all(tree.path().join(folder)).unwrap();
    }
    std::fs::create_dir_all(tree.path().join("proc/sys/kernel")).unwrap();
    let text: String = (0..lines)
        .map(|number| format!("2026-11-20T10:{:02}:{:02}Z web a[7]: {number}\n", number / 60, number % 60))
        .collect();
    std::fs::write(tree.path().join("var/log/syslog"), text).unwrap();
    let root = Root::captured(tree.path());
    (tree, root)
}

#[test]
fn the_log_is_paged_back_over_the_wire() {
    let (_tree, root) = captured(25);
    let (mut link, _) = Link::open_on(root);
    let mut before = String::new();
    let mut seen = Vec::new();
    for id in 1..=3 {
        link.send(&format!(r#"{{"id":{id},"ask":{{"journal":{{"query":{{"limit":10{before}}}}}}}}}"#));
        let Line::Reply { answer: Answer::Journal(page), .. } = link.next() else { panic!() };
        seen.splice(0..0, page.entries.into_iter().map(|entry| entry.message));
        let Some(older) = page.older else { break };
        before = format!(r#","before":"{older}""#);
    }
    assert_eq!(seen, (0..25).map(|number| number.to_string()).collect::<Vec<_>>());
    for bad in [
        r#"{"unit":"--vacuum-time=1s"}"#.to_owned(),
        r#"{"before":"$(id)"}"#.to_owned(),
        format!(r#"{{"priority":{}}}"#, PRIORITIES.len()),
    ] {
        link.send(&format!(r#"{{"id":9,"ask":{{"journal":{{"query":{bad}}}}}}}"#));
        let (id, fault) = link.next_fault();
        assert_eq!((id, fault.code), (9, FaultCode::BadInput), "{bad}");
    }
}

#[test]
fn a_follow_pushes_what_is_written_and_ends_when_cancelled() {
    let (tree, root) = captured(3);
    let (mut link, _) = Link::open_on(root);
    link.send(r#"{"id":4,"ask":{"journal_follow":{"query":{"limit":2}}}}"#);
    let Line::Push { id: 4, seq: 1, answer: Answer::JournalNews(news) } = link.next() else { panic!() };
    assert_eq!((news.entries.len(), news.sent_before), (2, 0));
    let path = tree.path().join("var/log/syslog");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"2026-11-20T11:00:00Z web b: new\n").unwrap();
    let Line::Push { id: 4, seq: 2, answer: Answer::JournalNews(news) } = link.next() else { panic!() };
    assert_eq!((news.entries[0].message.as_str(), news.sent_before), ("new", 2));
    link.send(r#"{"id":5,"ask":{"cancel":{"id":4}}}"#);
    let lines = [link.next(), link.next()];
    assert!(lines.iter().any(|line| matches!(line, Line::End { id: 4 })), "{lines:?}");
    link.send(r#"{"id":6,"ask":{"journal_follow":{"query":{}}}}"#);
    link.next();
    assert!(link.hang_up() < Duration::from_secs(2), "a follow ends with its link");
}

#[test]
fn every_request_of_a_flood_is_answered_to_whoever_reads() {
    const COUNT: u64 = 3_000;
    let (link, _) = Link::open();
    let Link { mut to, mut from, helper } = link;
    let asking = std::thread::spawn(move || {
        for id in 1..=COUNT {
            let ask = if id % 3 == 0 { r#"{"teleport":{}}"# } else { r#"{"system":{}}"# };
            to.write_all(format!("{{\"id\":{id},\"ask\":{ask}}}\n").as_bytes()).unwrap();
        }
        to
    });
    let mut answered = vec![0; COUNT as usize + 1];
    for _ in 0..COUNT {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        match serde_json::from_str(&line).unwrap() {
            Line::Reply { id, .. } | Line::Fault { id, .. } => answered[id as usize] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(answered[1..].iter().all(|count| *count == 1), "each once");
    drop(asking.join().unwrap());
    helper.join().unwrap().unwrap();
}

#[test]
fn who_floods_and_does_not_read_loses_the_link() {
    let link = Link::open_unread();
    let Link { mut to, from, helper } = link;
    let begun = Instant::now();
    let flood = std::thread::spawn(move || {
        let line = format!("{{\"id\":1,\"ask\":{{\"{}\":{{}}}}}}\n", "x".repeat(1_000));
        (0..100_000).take_while(|_| to.write_all(line.as_bytes()).is_ok()).count()
    });
    helper.join().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(from);
    flood.join().unwrap();
}

#[test]
fn where_as_much_as_may_be_is_under_way_each_of_it_can_still_be_ended() {
    let (mut link, _) = Link::open();
    for id in 1..=64 {
        link.send(&format!(r#"{{"id":{id},"ask":{{"metrics":{{"interval_ms":60000}}}}}}"#));
    }
    let mut pushed = std::collections::BTreeSet::new();
    while pushed.len() < 64 {
        match link.next() {
            Line::Push { id, .. } => pushed.insert(id),
            other => panic!("{other:?}"),
        };
    }
    link.send(r#"{"id":100,"ask":{"system":{}}}"#);
    assert_eq!(link.next_fault().0, 100, "one too many");
    link.send(r#"{"id":101,"ask":{"refresh":{"id":7}}}"#);
    link.send(r#"{"id":102,"ask":{"cancel":{"id":9}}}"#);
    let mut said: Vec<String> = Vec::new();
    for _ in 0..4 {
        said.push(match link.next() {
            Line::Reply { id, answer: Answer::Refreshed {} } => format!("{id} refreshed"),
            Line::Reply { id, answer: Answer::Cancelled {} } => format!("{id} cancelled"),
            Line::Push { id, .. } => format!("{id} pushed"),
            Line::End { id } => format!("{id} ended"),
            other => panic!("{other:?}"),
        });
    }
    said.sort();
    assert_eq!(said, ["101 refreshed", "102 cancelled", "7 pushed", "9 ended"]);
    assert!(link.hang_up() < Duration::from_secs(5));
}
