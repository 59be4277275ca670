//! A session whose connection is called off while it is made.

use std::time::Duration;

use protocol::FaultCode;
use protocol::credentials::SecretKind;
use protocol::hosts::Identity;
use protocol::link::LinkState;
use protocol::processes::ProcessTable;
use protocol::wire::Ask;
use tokio::net::TcpListener;

use super::session::locked;
use super::*;
use crate::helper::tests::linking::{Fake, linked};
use crate::hosts::Hosts;
use crate::secrets::Memory;
use crate::store::Store;

/// Sessions over a store of their own, and a host whose port takes connections and says nothing.
pub(super) async fn mute_host(dir: &tempfile::TempDir) -> (Sessions, Host, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Host {
        id: "mute".into(),
        name: "mute".into(),
        address: "127.0.0.1".into(),
        port: listener.local_addr().unwrap().port(),
        user: "nobody".into(),
        identity: Identity::Password,
        ..Hosts::local()
    };
    let clock = Clock::system();
    let store = Store::open(dir.path()).await.unwrap().store;
    let credentials = Credentials::new(Arc::new(Memory::new()));
    credentials.set(&host.id, SecretKind::Password, "x".into()).await.unwrap();
    let operations = Operations::open(store.clone(), clock.clone(), "ann".into()).await.unwrap();
    let trust = Trust::new(store.clone(), clock.clone());
    let (events, _) = broadcast::channel(8);
    let hosts = Hosts::new(store.clone(), clock.clone());
    let sessions = Sessions::new(clock, hosts, trust, credentials, operations, Snapshots::new(store), events);
    (sessions, host, listener)
}

#[tokio::test]
async fn a_connection_under_way_ends_when_it_is_told_to_disconnect() {
    let dir = tempfile::tempdir().unwrap();
    let (sessions, host, listener) = mute_host(&dir).await;
    let session = sessions.of(&host);
    let asking = tokio::spawn({
        let session = session.clone();
        async move { session.live().await.map(drop) }
    });
    let _taken = listener.accept().await.unwrap();
    assert!(matches!(session.state(), LinkState::Connecting { .. }));
    session.disconnect();
    assert_eq!(asking.await.unwrap().unwrap_err().code, FaultCode::LinkLost);
    assert_eq!(session.state(), LinkState::Idle, "what was called off has no say in the state");
}

#[tokio::test]
async fn a_connection_that_nobody_waits_for_any_more_does_not_stay_connecting() {
    let dir = tempfile::tempdir().unwrap();
    let (sessions, host, listener) = mute_host(&dir).await;
    let session = sessions.of(&host);
    tokio::select! {
        _ = session.live() => panic!("the host says nothing"),
        taken = listener.accept() => drop(taken.unwrap()),
    }
    assert_eq!(session.state(), LinkState::Idle);
}

#[tokio::test]
async fn a_session_that_was_told_to_disconnect_does_not_connect_again_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (sessions, host, listener) = mute_host(&dir).await;
    let session = sessions.of(&host);
    session.keep(1_000);
    drop(listener.accept().await.unwrap());
    session.disconnect();
    let again = tokio::time::timeout(std::time::Duration::from_millis(1_500), listener.accept()).await;
    assert!(again.is_err(), "nobody asked for this connection");
    assert_eq!(session.state(), LinkState::Idle);
    session.keep(1_000);
    listener.accept().await.unwrap();
}

/// A session whose helper says what the test wants.
pub(super) async fn session_with_a_helper(dir: &tempfile::TempDir) -> (Arc<Session>, Fake) {
    let (sessions, host, _) = mute_host(dir).await;
    let (session, (link, fake)) = (sessions.of(&host), linked().await);
    *session.live.lock().await = Some(Arc::new(Live::over(link)));
    (session, fake)
}

pub(super) fn names(reading: &Reading<ProcessTable>) -> Vec<&str> {
    reading.table().processes.iter().map(|process| process.name.as_str()).collect()
}

/// The line of a subscription with this number.
pub(super) async fn push(fake: &mut Fake, id: u64, seq: u64, news: &str) {
    fake.say(&format!(r#"{{"push":{{"id":{id},"seq":{seq},"answer":{{"process_news":{news}}}}}}}"#)).await;
}

pub(super) fn whole(generation: u32, names: &[&str]) -> String {
    let rows: Vec<String> =
        (1..).zip(names).map(|(pid, name)| format!(r#"{{"pid":{pid},"name":"{name}"}}"#)).collect();
    let rows = rows.join(",");
    format!(r#"{{"whole":{{"generation":{generation},"table":{{"processes":[{rows}]}}}}}}"#)
}

pub(super) fn renamed(name: &str) -> String {
    format!(r#"{{"delta":{{"generation":1,"head":{{}},"rows":2,"changed":[[1,{{"name":"{name}"}}]]}}}}"#)
}

pub(super) async fn names_become(session: &Arc<Session>, wanted: &[&str]) {
    let shown = async {
        loop {
            let reading = session.watch_table::<ProcessTable>().await.unwrap();
            if names(&reading) == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), shown).await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_looked_at_comes_once_and_then_by_what_changed_and_a_gap_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let (session, mut fake) = session_with_a_helper(&dir).await;
    let looking = tokio::spawn({
        let session = session.clone();
        async move { session.watch_table::<ProcessTable>().await }
    });
    let asked = fake.next().await;
    assert!(matches!(asked.ask, Ask::Processes { interval_ms: Some(_), .. }), "{asked:?}");
    push(&mut fake, asked.id, 1, &whole(1, &["init", "sh"])).await;
    assert_eq!(names(&looking.await.unwrap().unwrap()), ["init", "sh"]);
    push(&mut fake, asked.id, 2, &renamed("top")).await;
    names_become(&session, &["init", "top"]).await;
    push(&mut fake, asked.id, 4, &renamed("lost")).await;
    assert_eq!(fake.next().await.ask, Ask::Refresh { id: asked.id, whole: true }, "line 3 is missing");
    let torn = session.watch_table::<ProcessTable>().await.unwrap();
    assert_eq!(names(&torn), ["init", "top"], "what is shown was the table once");
    push(&mut fake, asked.id, 5, &whole(2, &["init"])).await;
    names_become(&session, &["init"]).await;
    let snapshot = session.ground.snapshots.show(&session.host().id).await.unwrap();
    assert!(snapshot.processes.is_some(), "what is watched is in the snapshot too");
}

#[tokio::test]
async fn after_an_action_the_table_is_asked_for_and_not_taken_from_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (session, mut fake) = session_with_a_helper(&dir).await;
    let looking = tokio::spawn({
        let session = session.clone();
        async move { session.watch_table::<ProcessTable>().await }
    });
    let id = fake.next().await.id;
    push(&mut fake, id, 1, &whole(1, &["old", "x"])).await;
    looking.await.unwrap().unwrap();
    session.forget_tables();
    assert_eq!(fake.next().await.ask, Ask::Refresh { id, whole: false });
    push(&mut fake, id, 2, &renamed("perhaps read before")).await;
    let looking = tokio::spawn({
        let session = session.clone();
        async move { session.watch_table::<ProcessTable>().await }
    });
    let asked = fake.next().await;
    assert!(matches!(asked.ask, Ask::Processes { interval_ms: None, .. }), "{asked:?}");
    let answer = r#"{"processes":{"processes":[{"pid":9,"name":"new"}]}}"#;
    fake.say(&format!(r#"{{"reply":{{"id":{},"answer":{answer}}}}}"#, asked.id)).await;
    assert_eq!(names(&looking.await.unwrap().unwrap()), ["new"]);
    push(&mut fake, id, 3, &renamed("read after")).await;
    names_become(&session, &["old", "read after"]).await;
}

#[tokio::test]
async fn a_table_that_nobody_looks_at_any_more_is_no_work_for_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let (session, mut fake) = session_with_a_helper(&dir).await;
    let looking = tokio::spawn({
        let session = session.clone();
        async move { session.watch_table::<ProcessTable>().await }
    });
    let id = fake.next().await.id;
    push(&mut fake, id, 1, &whole(1, &["init"])).await;
    looking.await.unwrap().unwrap();
    assert!(session.processes.is_watched());
    session.processes.forget(false);
    assert!(session.processes.holds_a_table(), "it is in use");
    session.processes.forget_when_asked();
    push(&mut fake, id, 2, &whole(2, &["init"])).await;
    assert_eq!(fake.next().await.ask, Ask::Cancel { id });
    let unwatched = async {
        while session.processes.is_watched() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), unwatched).await.unwrap();
    session.processes.forget(false);
    assert!(!session.processes.holds_a_table(), "nobody could read it any more");
    let reading = tokio::spawn({
        let session = session.clone();
        async move { session.read_table::<ProcessTable>().await }
    });
    let id = fake.next().await.id;
    let answer = r#"{"processes":{"processes":[{"pid":9,"name":"once"}]}}"#;
    fake.say(&format!(r#"{{"reply":{{"id":{id},"answer":{answer}}}}}"#)).await;
    reading.await.unwrap().unwrap();
    assert!(session.processes.holds_a_table(), "the next who asks at once gets the same");
    session.processes.forget(true);
    assert!(!session.processes.holds_a_table(), "the link is over");
    let looking = tokio::spawn({
        let session = session.clone();
        async move { session.watch_table::<ProcessTable>().await }
    });
    let id = fake.next().await.id;
    push(&mut fake, id, 1, &whole(1, &["init", "sh"])).await;
    assert_eq!(names(&looking.await.unwrap().unwrap()), ["init", "sh"]);
}

#[tokio::test]
async fn a_host_that_cannot_say_is_asked_again_only_when_somebody_looks_again() {
    let dir = tempfile::tempdir().unwrap();
    let (session, mut fake) = session_with_a_helper(&dir).await;
    for _ in 0..2 {
        let looking = tokio::spawn({
            let session = session.clone();
            async move { session.watch_table::<ProcessTable>().await }
        });
        let id = fake.next().await.id;
        fake.say(&format!(
            r#"{{"fault":{{"id":{id},"fault":{{"code":"not_on_this_host","message":"no /proc"}}}}}}"#
        ))
        .await;
        assert_eq!(looking.await.unwrap().unwrap_err().code, FaultCode::NotOnThisHost);
        let watcher = locked(&session.processes.watcher).take().unwrap();
        watcher.await.unwrap();
    }
}

#[tokio::test]
async fn details_of_one_process_are_asked_for_without_the_table_and_may_be_missing_without_the_helper() {
    let dir = tempfile::tempdir().unwrap();
    let (session, mut fake) = session_with_a_helper(&dir).await;
    for (said, known) in [
        (r#"{"reply":{"id":ID,"answer":{"processes":{"processes":[{"pid":7}]}}}}"#, 1),
        (r#"{"fault":{"id":ID,"fault":{"code":"helper_unused","message":"not without it"}}}"#, 0),
    ] {
        let asking = session.read_details(&[7]);
        let (details, ()) = tokio::join!(asking, async {
            let asked = fake.next().await;
            assert_eq!(asked.ask, Ask::Details { pids: vec![7] });
            fake.say(&said.replace("ID", &asked.id.to_string())).await;
        });
        assert_eq!(details.unwrap().len(), known);
    }
}

#[tokio::test]
async fn another_interval_is_asked_for_while_the_samples_flow() {
    let dir = tempfile::tempdir().unwrap();
    let (session, mut fake) = session_with_a_helper(&dir).await;
    session.keep(1_000);
    let stream = samples_asked_for(&mut fake, 1_000).await;
    session.set_interval(1_000);
    session.set_interval(60_000);
    let cancelled = async { while fake.next().await.ask != (Ask::Cancel { id: stream }) {} };
    tokio::time::timeout(Duration::from_secs(10), cancelled).await.unwrap();
    samples_asked_for(&mut fake, 60_000).await;
    assert!(session.live.lock().await.as_ref().is_some_and(|live| !live.is_closed()), "the link is the same");
    session.disconnect();
}

/// Goes on until the session asks for samples, at this interval; gives the number of the question.
async fn samples_asked_for(fake: &mut Fake, interval_ms: u32) -> u64 {
    let asked = async {
        loop {
            let asked = fake.next().await;
            if let Ask::Metrics { interval_ms: told } = asked.ask {
                assert_eq!(told, Some(interval_ms));
                return asked.id;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap()
}
