//! What streams over a link that is cut and comes back: who listens sees numbers that only rise, is told where
//! they end, and gets afterwards what the host has then. And links that a sleep of this computer took.

use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use protocol::hosts::{HelperUse, Host, Identity};
use protocol::ipc::{Event, HostConnect};
use protocol::journal::JournalQuery;
use protocol::link::LinkState;
use protocol::processes::ProcessTable;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::cut_tests::{LONG, Line, Rig, Wire};
use super::tests::{mute_host, names, names_become, push, renamed, session_with_a_helper, whole};
use super::{Live, Session, wake};
use crate::clock::Clock;
use crate::helper::Subscription;
use crate::helper::tests::linking::linked;
use crate::hosts::Hosts;
use crate::journal::{JournalFollow, follow_ask};

const INTERVAL_MS: u32 = 500;

/// Takes `count` answers of a stream, whose numbers must follow each other from `last` on.
async fn numbers_go_on(stream: &mut Subscription, last: &mut u64, count: usize) {
    for _ in 0..count {
        let next = timeout(LONG, stream.recv()).await.unwrap();
        let (seq, _) = next.expect("the stream goes on").expect("the stream goes on");
        assert_eq!(seq, *last + 1, "a number is missing, or came twice");
        *last = seq;
    }
}

/// Takes what is left of a stream whose link was cut, up to the reason of its end.
async fn end_of(stream: &mut Subscription, last: &mut u64) -> Fault {
    loop {
        match timeout(LONG, stream.recv()).await.unwrap() {
            Some(Ok((seq, _))) => {
                assert_eq!(seq, *last + 1, "a number is missing, or came twice");
                *last = seq;
            }
            Some(Err(fault)) => {
                assert!(timeout(LONG, stream.recv()).await.unwrap().is_none(), "the end is the last thing");
                return fault;
            }
            None => panic!("a stream that was cut ended as if it were complete"),
        }
    }
}

/// Waits until views are told that the host is lost, and gives what they were told of it before.
async fn until_lost(events: &mut broadcast::Receiver<Event>, samples: &mut Vec<i64>) {
    let lost = async {
        loop {
            match events.recv().await.unwrap() {
                Event::Link { state: LinkState::Lost { .. }, .. } => return,
                Event::Metrics { metrics, .. } => samples.push(metrics.at_ms),
                _ => {}
            }
        }
    };
    timeout(LONG, lost).await.unwrap();
}

async fn samples_come(events: &mut broadcast::Receiver<Event>, samples: &mut Vec<i64>, count: usize) {
    let come = async {
        let wanted = samples.len() + count;
        while samples.len() < wanted {
            if let Event::Metrics { metrics, .. } = events.recv().await.unwrap() {
                samples.push(metrics.at_ms);
            }
        }
    };
    timeout(LONG, come).await.unwrap();
}

/// A process of this computer, which is the host too. Ended when it is dropped.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("3600").spawn().unwrap())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the table that is watched shows the one process and not the other.
async fn table_shows(session: &Arc<Session>, there: u32, gone: Option<u32>) {
    let shown = async {
        loop {
            // While the link is away there is a reason instead of a table.
            if let Ok(reading) = session.watch_table::<ProcessTable>().await {
                let pids: BTreeSet<u32> = reading.table().processes.iter().map(|one| one.pid).collect();
                assert!(pids.len() > 1 && pids.len() == reading.table().processes.len(), "each row once");
                if pids.contains(&there) && gone.is_none_or(|gone| !pids.contains(&gone)) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LONG, shown).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_over_a_link_that_was_cut_and_came_back_have_no_gap_in_their_numbers_and_show_what_changed_meanwhile()
 {
    let rig = Rig::new().await;
    let wire = Wire::to(rig.sshd.port).await;
    rig.add("web", wire.port, None, HelperUse::Placed).await;
    let mut events = rig.engine.events();
    rig.engine.call(HostConnect { host: "web".into() }).await.unwrap();
    rig.all_live(&["web"]).await;
    let host = rig.engine.host("web").await.unwrap();
    let session = rig.engine.parts.sessions.of(&host);
    let mut samples = Vec::new();
    let mut old = Sleeper::start();
    table_shows(&session, old.0.id(), None).await;
    for line in [Line::Cut, Line::Cut, Line::Stalled] {
        // A subscriber of its own, beside that of the session.
        let (mut stream, mut last) = (rig.engine.watch_metrics("web", INTERVAL_MS).await.unwrap(), 0);
        numbers_go_on(&mut stream, &mut last, 3).await;
        samples_come(&mut events, &mut samples, 1).await;
        wire.line.send_replace(line);
        let fault = end_of(&mut stream, &mut last).await;
        assert_eq!(fault.code, FaultCode::LinkLost, "{line:?}: the end of the numbers is told: {fault:?}");
        until_lost(&mut events, &mut samples).await;
        let before = session.recent();
        let known = samples.len();
        // What changes on the host while nobody here can see it.
        let new = Sleeper::start();
        let gone = old.0.id();
        old = new;
        wire.line.send_replace(Line::Whole);
        rig.all_live(&["web"]).await;
        samples_come(&mut events, &mut samples, 2).await;
        assert!(samples.len() > known, "{line:?}: the session streams again without being asked");
        let after = session.recent();
        assert!(after.samples.starts_with(&before.samples), "{line:?}: what was known stays");
        let times: Vec<i64> = after.samples.iter().map(|sample| sample.host_ms).collect();
        assert!(times.is_sorted_by(|one, next| one < next), "{line:?}: nothing comes twice: {times:?}");
        table_shows(&session, old.0.id(), Some(gone)).await;
        let (mut again, mut first) = (rig.engine.watch_metrics("web", INTERVAL_MS).await.unwrap(), 0);
        numbers_go_on(&mut again, &mut first, 2).await;
    }
    assert!(samples.is_sorted_by(|one, next| one < next), "told in their order, each once: {samples:?}");
    rig.engine.shutdown().await;
}

#[tokio::test]
async fn a_table_over_a_new_link_begins_with_the_whole_and_takes_no_line_of_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let (session, mut fake) = session_with_a_helper(&dir).await;
    let look = |session: &Arc<Session>| {
        let session = session.clone();
        tokio::spawn(async move { session.watch_table::<ProcessTable>().await })
    };
    let looking = look(&session);
    let id = fake.next().await.id;
    push(&mut fake, id, 1, &whole(1, &["init", "sh"])).await;
    looking.await.unwrap().unwrap();
    push(&mut fake, id, 2, &renamed("top")).await;
    names_become(&session, &["init", "top"]).await;
    // The link ends with the number 2; the next one has numbers of its own.
    let (link, mut next) = linked().await;
    drop(fake);
    let watcher = super::session::locked(&session.processes.watcher).take().unwrap();
    timeout(LONG, watcher).await.unwrap().unwrap();
    *session.live.lock().await = Some(Arc::new(Live::over(link)));
    let looking = look(&session);
    let id = next.next().await.id;
    push(&mut next, id, 1, &whole(1, &["init", "vi"])).await;
    assert_eq!(names(&looking.await.unwrap().unwrap()), ["init", "vi"], "as it is now, not as it was");
    push(&mut next, id, 2, &renamed("less")).await;
    names_become(&session, &["init", "less"]).await;
    // A line that is missing is asked for here as on any link.
    push(&mut next, id, 4, &renamed("lost")).await;
    assert_eq!(next.next().await.ask, Ask::Refresh { id, whole: true });
    push(&mut next, id, 5, &whole(2, &["init"])).await;
    names_become(&session, &["init"]).await;
}

fn journal(sent_before: u64, entries: usize) -> String {
    let entries = vec!["{}"; entries].join(",");
    format!(r#"{{"journal_news":{{"entries":[{entries}],"sent_before":{sent_before}}}}}"#)
}

#[tokio::test]
async fn a_follow_says_what_was_lost_on_its_link_and_counts_anew_on_the_next() {
    let query = || JournalQuery { after: Some("s=1;i=2".into()), ..JournalQuery::default() };
    for _ in 0..2 {
        let (link, mut fake) = linked().await;
        let ask = follow_ask(&Hosts::local(), query()).unwrap();
        let mut follow = JournalFollow::new(link.subscribe(ask).await.unwrap());
        let asked = fake.next().await;
        assert!(matches!(asked.ask, Ask::JournalFollow { query, .. } if query.after.is_some()));
        for (seq, sent_before, entries, skipped) in [(1, 0, 3, 0), (2, 3, 1, 0), (4, 9, 2, 5)] {
            let (id, news) = (asked.id, journal(sent_before, entries));
            fake.say(&format!(r#"{{"push":{{"id":{id},"seq":{seq},"answer":{news}}}}}"#)).await;
            let news = timeout(LONG, follow.next()).await.unwrap().unwrap().unwrap();
            assert_eq!((news.entries.len(), news.skipped), (entries, skipped), "number {seq}");
        }
        drop(fake);
        let end = timeout(LONG, follow.next()).await.unwrap().expect("the end is told").unwrap_err();
        assert_eq!(end.code, FaultCode::LinkLost);
        assert!(timeout(LONG, follow.next()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_subscriber_who_is_slow_sees_by_the_numbers_what_was_dropped_here() {
    let (link, mut fake) = linked().await;
    let mut stream = link.subscribe(Ask::Metrics { interval_ms: Some(INTERVAL_MS) }).await.unwrap();
    let id = fake.next().await.id;
    for seq in 1..=10 {
        let answer = format!(r#"{{"metrics":{{"at_ms":{seq}}}}}"#);
        fake.say(&format!(r#"{{"push":{{"id":{id},"seq":{seq},"answer":{answer}}}}}"#)).await;
    }
    drop(fake);
    link.closed().await;
    let mut seen = Vec::new();
    while let Some(Ok((seq, Answer::Metrics(metrics)))) = stream.recv().await {
        assert_eq!(u64::try_from(metrics.at_ms).unwrap(), seq, "each has the number it was sent with");
        seen.push(seq);
    }
    assert_eq!(seen, [7, 8, 9, 10], "the newest, and the first number tells how many are missing");
}

/// How long this computer slept, as the test says.
#[derive(Clone, Default)]
struct Slept(Arc<AtomicU64>);

impl Slept {
    fn watched(&self, sessions: &super::Sessions) {
        let slept = self.0.clone();
        let read = move || Some(Duration::from_secs(slept.load(Ordering::SeqCst)));
        tokio::spawn(wake::watch(Arc::downgrade(&sessions.by_id), read, Duration::from_millis(5)));
    }

    /// Sleeps for an hour, and is watched by then.
    fn sleeps(&self) {
        self.0.fetch_add(3_600, Ordering::SeqCst);
    }
}

/// A host that takes each connection and closes it at once; counts them.
async fn closing_host(number: usize) -> (Host, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Host {
        id: format!("host-{number}"),
        name: format!("host-{number}"),
        address: "127.0.0.1".into(),
        port: listener.local_addr().unwrap().port(),
        user: "nobody".into(),
        identity: Identity::Agent,
        ..Hosts::local()
    };
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.shutdown().await;
        }
    });
    (host, tried)
}

/// The number of the last try and the time of the next, while the session waits for that.
fn waits(session: &Session) -> Option<(u32, i64)> {
    match session.state() {
        LinkState::Lost { tries, next_ms: Some(next_ms), .. } => Some((tries, next_ms)),
        _ => None,
    }
}

#[tokio::test]
async fn after_a_sleep_every_host_that_waits_for_its_next_try_is_tried_at_once() {
    const HOSTS: usize = 5;
    /// The wait after it is six seconds at least.
    const TRIES: u32 = 4;
    let dir = tempfile::tempdir().unwrap();
    let (sessions, ..) = mute_host(&dir).await;
    let slept = Slept::default();
    slept.watched(&sessions);
    let mut all = Vec::new();
    for number in 0..HOSTS {
        let (host, tried) = closing_host(number).await;
        let session = sessions.of(&host);
        session.keep(1_000);
        all.push((session, tried));
    }
    let waiting = async {
        while !all.iter().all(|(session, _)| waits(session).is_some_and(|(tries, _)| tries == TRIES)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, waiting).await.unwrap();
    let before: Vec<_> = all.iter().map(|(_, tried)| tried.load(Ordering::SeqCst)).collect();
    let due_ms = all.iter().filter_map(|(session, _)| waits(session)).map(|(_, next_ms)| next_ms).min();
    slept.sleeps();
    let tried = async {
        while !all.iter().zip(&before).all(|((_, tried), before)| tried.load(Ordering::SeqCst) > *before) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, tried).await.unwrap();
    assert!(
        Clock::system().now_ms() < due_ms.unwrap(),
        "all were tried before the first of them would have been due"
    );
    for (session, _) in &all {
        session.disconnect();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_lost_soon_after_a_sleep_was_lost_by_it_and_a_later_one_was_not() {
    let clock = Clock::standing_at(1_700_000_000_000);
    let rig = Rig::by(clock.clone()).await;
    let wire = Wire::to(rig.sshd.port).await;
    rig.add("web", wire.port, None, HelperUse::None).await;
    let sessions = &rig.engine.parts.sessions;
    let slept = Slept::default();
    slept.watched(sessions);
    rig.engine.call(HostConnect { host: "web".into() }).await.unwrap();
    let session = sessions.of(&rig.engine.host("web").await.unwrap());
    let own_cause = "this computer slept";
    for (after_ms, by_sleep) in [(None, false), (Some(0), true), (Some(29_999), true), (Some(30_000), false)]
    {
        rig.all_live(&["web"]).await;
        if let Some(after_ms) = after_ms {
            slept.sleeps();
            let now_ms = clock.now_ms();
            let woke = async {
                while session.woke_ms() != now_ms {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(LONG, woke).await.unwrap();
            clock.set(now_ms + after_ms);
        }
        // The news of this loss alone.
        let mut events = rig.engine.events();
        wire.line.send_replace(Line::Cut);
        let lost = async {
            loop {
                if let Event::Link { state: LinkState::Lost { fault, .. }, .. } = events.recv().await.unwrap()
                {
                    return fault;
                }
            }
        };
        let fault = timeout(LONG, lost).await.unwrap();
        assert_eq!(fault.code, FaultCode::LinkLost);
        assert_eq!(fault.detail.cause.as_deref() == Some(own_cause), by_sleep, "{after_ms:?}: {fault:?}");
        assert_eq!(fault.message.contains(own_cause), by_sleep, "{after_ms:?}: {fault:?}");
        wire.line.send_replace(Line::Whole);
        // Moves on, so that the next sleep is told from this one; what was lost is tried again by itself.
        clock.set(clock.now_ms() + 3_600_000);
    }
    rig.engine.shutdown().await;
}
