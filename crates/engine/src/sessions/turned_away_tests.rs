//! A host that punishes, or has enough, and turns connections away for a while: it is tried again with growing
//! waits, and a password is sent once, to the server that takes it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use protocol::FaultCode;
use protocol::credentials::SecretKind;
use protocol::hosts::{HelperUse, HostDraft, Identity};
use protocol::ipc::NewSecret;
use protocol::link::LinkState;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Session;
use super::cut_tests::{LONG, Rig};
use crate::ssh::tests::lying::{Script, port_by_password};

/// When somebody came to a port.
type Times = Arc<Mutex<Vec<Instant>>>;

/// A way to a server that turns away as many as it is told to.
struct Gate {
    port: u16,
    turns_away: Arc<AtomicUsize>,
    came: Times,
}

impl Gate {
    async fn to(port: u16, words: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (turns_away, came) = (Arc::new(AtomicUsize::new(0)), Times::default());
        let (left, times) = (turns_away.clone(), came.clone());
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                times.lock().unwrap().push(Instant::now());
                let turned =
                    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                tokio::spawn(async move {
                    if turned.is_ok() {
                        let _ = near.write_all(words).await;
                        let _ = near.shutdown().await;
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { port: own, turns_away, came }
    }

    fn turn_away(&self, times: usize) {
        self.came.lock().unwrap().clear();
        self.turns_away.store(times, Ordering::SeqCst);
    }

    fn came(&self) -> Vec<Instant> {
        self.came.lock().unwrap().clone()
    }
}

/// A host behind a gate, with a password that is saved.
async fn saved(rig: &Rig, name: &str, script: &Script, words: &'static [u8]) -> (Gate, Arc<Session>) {
    let gate = Gate::to(port_by_password(script).await, words).await;
    let draft = HostDraft {
        name: name.into(),
        address: "127.0.0.1".into(),
        port: Some(gate.port),
        user: "ann".into(),
        identity: Identity::Password,
        helper: HelperUse::None,
        ..HostDraft::default()
    };
    let secret = NewSecret { kind: SecretKind::Password, value: "hunter2".into() };
    rig.save(draft, vec![secret]).await;
    let session = rig.engine.parts.sessions.of(&rig.engine.host(name).await.unwrap());
    (gate, session)
}

/// Waits until the session is told as failed, which is not tried again; gives what was said of each wait before.
async fn until_failed(session: &Arc<Session>) -> Vec<(u32, String)> {
    let mut waits = Vec::new();
    let failed = async {
        loop {
            match session.state() {
                LinkState::Failed { .. } => return,
                LinkState::Lost { tries, next_ms: Some(_), fault, .. } => {
                    assert_eq!(fault.code, FaultCode::LinkLost, "{fault:?}");
                    let said = (tries, fault.message);
                    if waits.last() != Some(&said) {
                        waits.push(said);
                    }
                }
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, failed).await.unwrap();
    waits
}

const TIMES: usize = 3;

async fn comes_back_with_growing_waits(rig: &Rig, name: &str, words: &'static [u8], told: &str) {
    let script = Script::default();
    let (gate, session) = saved(rig, name, &script, words).await;
    gate.turn_away(TIMES);
    session.keep(1_000);
    // This server lets in and is no host with a shell: the sign-in is all that is wanted of it.
    let waits = until_failed(&session).await;
    let tries: Vec<u32> = waits.iter().map(|(tries, _)| *tries).collect();
    assert_eq!(tries, [1, 2, 3], "{name}: {waits:?}");
    for (_, said) in &waits {
        assert_eq!(*said, format!("{name} (127.0.0.1:{}) {told}", gate.port));
    }
    let came = gate.came();
    assert_eq!(came.len(), TIMES + 1, "{name}: turned away and then let in");
    for (pair, least_ms) in came.windows(2).zip([750, 1_500, 3_000]) {
        // When it was taken here is not quite when it came.
        let waited = pair[1].duration_since(pair[0]) + Duration::from_millis(150);
        assert!(waited >= Duration::from_millis(least_ms), "{name}: came again after {waited:?}");
    }
    assert_eq!(script.learned().iter().filter(|what| what.starts_with("password")).count(), 1, "{name}");
    assert_eq!(script.learned()[0], "password hunter2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_turns_away_for_a_while_is_tried_again_with_growing_waits_and_gets_the_password_once() {
    let rig = Rig::new().await;
    let closed = "closed the connection before it sent an SSH banner: the host closed it";
    tokio::join!(
        comes_back_with_growing_waits(
            &rig,
            "punishes",
            b"Not allowed at this time\r\n",
            "turned the connection away: Not allowed at this time",
        ),
        comes_back_with_growing_waits(
            &rig,
            "full",
            b"Exceeded MaxStartups\r\n",
            "turned the connection away: Exceeded MaxStartups",
        ),
        comes_back_with_growing_waits(&rig, "drops", b"", closed),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_punishes_after_a_wrong_password_is_left_alone_and_is_not_sent_it_again() {
    let rig = Rig::new().await;
    let script = Script { refuses: true, ..Script::default() };
    let (gate, session) = saved(&rig, "web", &script, b"Not allowed at this time\r\n").await;
    gate.turn_away(0);
    session.keep(1_000);
    assert!(until_failed(&session).await.is_empty());
    assert_eq!(session.state().fault().unwrap().code, FaultCode::SignInRefused);
    gate.turn_away(1_000);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(gate.came().is_empty(), "a refused password is not tried again by itself");
    // A person tries it: the host is not there for us yet, and nothing is sent to it.
    let fault = session.live().await.map(drop).unwrap_err();
    assert_eq!(fault.code, FaultCode::LinkLost, "{fault:?}");
    assert!(fault.message.contains("turned the connection away"), "{fault}");
    assert_eq!(script.learned(), ["password hunter2"]);
}
