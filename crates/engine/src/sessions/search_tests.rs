//! A search over hosts whose link is up: one is quick, one is silent.

use std::time::Duration;

use protocol::link::LinkState;
use protocol::metrics::{Disk, Metrics};
use protocol::search::{FindAnswer, FindQuery, Found};
use protocol::snapshot::Aged;
use protocol::system::System;
use protocol::wire::Ask;
use tokio::time::timeout;

use super::session::locked;
use super::tests::mute_host;
use super::*;
use crate::helper::tests::linking::{Fake, linked};
use crate::search::Search;

/// A host whose helper says what the test wants, as if its link had just come up.
async fn live(sessions: &Sessions, host: &Host) -> (Arc<Session>, Fake) {
    let (session, (link, fake)) = (sessions.of(host), linked().await);
    *session.live.lock().await = Some(Arc::new(Live::over(link)));
    *locked(&session.state) = LinkState::Live { since_ms: 0, heard_ms: 0 };
    (session, fake)
}

/// Answers the next question with a table, and gives what was asked.
async fn answer(fake: &mut Fake, table: &str) -> Ask {
    let asked = fake.next().await;
    fake.say(&format!(r#"{{"reply":{{"id":{},"answer":{table}}}}}"#, asked.id)).await;
    asked.ask
}

const JAVA: &str = r#"{"processes":{"processes":[{"pid":7,"name":"java"}]}}"#;

#[tokio::test]
async fn a_silent_host_holds_up_nobody_and_is_asked_once_while_a_person_types_on() {
    let dir = tempfile::tempdir().unwrap();
    let (sessions, quick, _) = mute_host(&dir).await;
    let silent = Host { id: "silent".into(), name: "silent".into(), ..quick.clone() };
    let (session, mut quick_says) = live(&sessions, &quick).await;
    let (_silent, mut silent_says) = live(&sessions, &silent).await;
    let search = Arc::new(Search::new(session.ground.snapshots.clone()));
    let find = async |text: &str, wait_ms: u32| {
        let query =
            FindQuery { text: text.into(), ask: true, wait_ms: Some(wait_ms), ..FindQuery::default() };
        search.find(vec![quick.clone(), silent.clone()], &sessions, &query).await.unwrap()
    };

    let (found, _) = tokio::join!(find("proc:java", 200), answer(&mut quick_says, JAVA));
    assert_eq!((found.live, found.answered, found.waiting), (2, 1, 1));
    assert_eq!(found.rows.len(), 1, "the quick one is heard though the other says nothing");
    assert!(found.took_ms < 2_000, "{} ms", found.took_ms);

    let found = find("proc:jav", 20).await;
    assert_eq!((found.answered, found.waiting, found.rows.len()), (1, 1, 1));
    // It comes at last: whoever asks again has it.
    answer(&mut silent_says, JAVA).await;
    let found = find("proc:java", 3_000).await;
    assert_eq!((found.answered, found.waiting, found.rows.len()), (2, 0, 2));
    assert!(found.rows.iter().all(|row| row.live));
    let more = timeout(Duration::from_millis(100), silent_says.next()).await;
    assert!(more.is_err(), "three questions of a person were one to the host: {more:?}");
}

#[tokio::test]
async fn without_leave_to_ask_no_host_is_asked_and_it_is_said_that_it_could_be() {
    let dir = tempfile::tempdir().unwrap();
    let (sessions, host, _) = mute_host(&dir).await;
    let (session, mut says) = live(&sessions, &host).await;
    let search = Arc::new(Search::new(session.ground.snapshots.clone()));
    let query = FindQuery { text: "port:22".into(), ..FindQuery::default() };
    let found = search.find(vec![host.clone()], &sessions, &query).await.unwrap();
    assert_eq!((found.live, found.answered, found.waiting), (1, 0, 1));
    assert!(timeout(Duration::from_millis(100), says.next()).await.is_err());
    let query = FindQuery { text: "host:mute".into(), ..FindQuery::default() };
    let found = search.find(vec![host], &sessions, &query).await.unwrap();
    assert_eq!((found.answered, found.waiting), (1, 0), "that it is there needs no question");
    assert!(found.rows[0].live);
}

#[tokio::test]
async fn a_unix_socket_is_found_by_a_part_of_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let (sessions, host, _) = mute_host(&dir).await;
    let (session, mut says) = live(&sessions, &host).await;
    let search = Arc::new(Search::new(session.ground.snapshots.clone()));
    let query = FindQuery { text: "addr:docker".into(), ask: true, ..FindQuery::default() };
    let socket = |path: &str, inode: u64| {
        format!(r#"{{"protocol":"u_str","state":"listen","local_address":"{path}","inode":{inode}}}"#)
    };
    let sockets = [socket("/run/docker.sock", 5), socket("/run/dbus/socket", 6)].join(",");
    let table = format!(r#"{{"sockets":{{"sockets":[{sockets}]}}}}"#);
    let (found, asked) = tokio::join!(search.find(vec![host], &sessions, &query), answer(&mut says, &table));
    assert_eq!(asked, Ask::Sockets { interval_ms: None, unix: true });
    let rows = found.unwrap().rows;
    assert_eq!(rows.len(), 1);
    assert!(matches!(&rows[0].found, Found::Socket { local, .. } if local == "/run/docker.sock"));
}

#[tokio::test]
async fn each_key_is_answered_by_a_live_host() {
    let dir = tempfile::tempdir().unwrap();
    let (sessions, host, _) = mute_host(&dir).await;
    let (session, mut says) = live(&sessions, &host).await;
    let disk = Disk { mount: "/srv".into(), use_pct: Some(93.0), ..Disk::default() };
    let metrics = Metrics { disks: vec![disk], ..Metrics::default() };
    locked(&session.recent).push(Aged { received_ms: 1_000, value: metrics });
    let system = System { kernel: "6.1.0-37-amd64".into(), ..System::default() };
    *locked(&session.system) = Some(Aged { received_ms: 1_000, value: system });
    let search = Arc::new(Search::new(session.ground.snapshots.clone()));
    let sockets = r#"{"sockets":{"sockets":[
        {"protocol":"tcp","state":"listen","local_address":"0.0.0.0","local_port":8080,"inode":5,"pid":7,"program":"java"},
        {"protocol":"tcp","state":"estab","local_address":"10.0.0.1","local_port":8080,"peer_address":"10.0.0.5","peer_port":4000,"inode":6,"pid":7,"program":"java"}]}}"#
        .replace('\n', "");
    let processes = r#"{"processes":{"processes":[{"pid":7,"name":"java","user":"shop"}]}}"#;
    let services = r#"{"services":{"services":[{"name":"shop.service","active_state":"failed"}]}}"#;
    let asked = [("port:8080", sockets.as_str()), ("user:shop", processes), ("unit:failed", services)];
    // The same kind of table answers further questions for a while; the rest needs none.
    let known = ["addr:10.0.0.5", "proc:java", "unit:shop", "disk>90", "kernel:6.1", "host:mute"];
    let find = async |text: &str| {
        let query = FindQuery { text: text.into(), ask: true, ..FindQuery::default() };
        search.find(vec![host.clone()], &sessions, &query).await.unwrap()
    };
    let is_told = |text: &str, found: &FindAnswer| {
        assert_eq!((found.answered, found.waiting, found.rows.len()), (1, 0, 1), "{text}: {found:?}");
        assert!(found.rows[0].live, "{text}");
    };
    for (text, table) in asked {
        let (found, _) = tokio::join!(find(text), answer(&mut says, table));
        is_told(text, &found);
    }
    for text in known {
        is_told(text, &find(text).await);
    }
    assert!(find("kernel:5").await.rows.is_empty());
}
