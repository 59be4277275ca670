//! A session whose connection is called off while it is made.

use protocol::FaultCode;
use protocol::credentials::SecretKind;
use protocol::hosts::Identity;
use protocol::link::LinkState;
use tokio::net::TcpListener;

use super::*;
use crate::hosts::Hosts;
use crate::secrets::Memory;
use crate::store::Store;

/// Sessions over a store of their own, and a host whose port takes connections and says nothing.
async fn mute_host(dir: &tempfile::TempDir) -> (Sessions, Host, TcpListener) {
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
    let sessions = Sessions::new(clock, trust, credentials, operations, Snapshots::new(store), events);
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
