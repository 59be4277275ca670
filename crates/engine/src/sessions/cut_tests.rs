//! Links that are cut, stalled and mended, by a seeded hand, on real sshd: what is lost is told once, comes
//! back by itself, and nothing that was done is doubled or claimed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::FaultCode;
use protocol::credentials::SecretKind;
use protocol::hosts::{HelperUse, HostDraft, Identity};
use protocol::ipc::{
    CommandRun, Event, HostConnect, HostSave, HostsList, NewSecret, OperationsList, TrustAccept, TrustShow,
};
use protocol::link::LinkState;
use protocol::operations::{OperationFilter, OperationKind, OperationResult};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::engine::{Engine, EngineOptions};
use crate::rig;
use crate::secrets::Memory;
use crate::ssh::tests::sshd::{Sshd, me};

/// A busy machine may need long for what takes a moment.
pub(super) const LONG: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Line {
    Whole,
    /// Connections end, and new ones are closed at once.
    Cut,
    /// Nothing passes any more, and nothing ends.
    Stalled,
}

/// A way to a port of loopback that the test can cut and mend.
pub(super) struct Wire {
    pub(super) port: u16,
    pub(super) line: watch::Sender<Line>,
    open: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
}

impl Wire {
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (line, seen) = watch::channel(Line::Whole);
        let open = Arc::new(AtomicUsize::new(0));
        let made = Arc::new(AtomicUsize::new(0));
        let (count, total) = (open.clone(), made.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *seen.borrow() == Line::Cut {
                    continue;
                }
                total.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(near, port, seen.clone(), count.clone()));
            }
        });
        Self { port: own, line, open, made }
    }
}

async fn carry(mut near: TcpStream, port: u16, mut seen: watch::Receiver<Line>, count: Arc<AtomicUsize>) {
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    count.fetch_add(1, Ordering::SeqCst);
    loop {
        let line = *seen.borrow_and_update();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far), if line == Line::Whole => break,
            changed = seen.changed() => {
                // One that was stalled has lost bytes: it can only end.
                if changed.is_err() || *seen.borrow() == Line::Cut || line == Line::Stalled {
                    break;
                }
            }
        }
    }
    count.fetch_sub(1, Ordering::SeqCst);
}

pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) sshd: Sshd,
    _data: tempfile::TempDir,
}

impl Rig {
    pub(super) async fn new() -> Self {
        Self::by(Clock::system()).await
    }

    pub(super) async fn by(clock: Clock) -> Self {
        Self::with(Sshd::start("MaxStartups 1000"), clock).await
    }

    pub(super) async fn on(sshd: Sshd) -> Self {
        Self::with(sshd, Clock::system()).await
    }

    async fn with(sshd: Sshd, clock: Clock) -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = EngineOptions { clock, ..rig::options(data.path(), Arc::new(Memory::new())) };
        let engine = Engine::open(options).await.unwrap();
        Self { engine, sshd, _data: data }
    }

    pub(super) async fn add(&self, name: &str, port: u16, jump: Option<&str>, helper: HelperUse) {
        let draft = HostDraft {
            name: name.into(),
            address: "127.0.0.1".into(),
            port: Some(port),
            user: me(),
            identity: Identity::KeyFile { path: self.sshd.key().to_str().unwrap().into() },
            jump: jump.map(str::to_owned),
            helper,
            helper_dir: Some(self.folder(name).to_str().unwrap().into()),
            ..HostDraft::default()
        };
        self.save(draft, Vec::new()).await;
    }

    pub(super) async fn save(&self, draft: HostDraft, secrets: Vec<NewSecret>) {
        let host = draft.name.clone();
        self.engine.call(HostSave { id: None, draft, secrets, typed_name: None }).await.unwrap();
        let shown = self.engine.call(TrustShow { host: host.clone() }).await.unwrap().shown;
        self.engine.call(TrustAccept { host, fingerprint: shown.fingerprint, once: false }).await.unwrap();
    }

    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.sshd.dir.path().join(name)
    }

    pub(super) async fn all_live(&self, names: &[&str]) {
        let live = async {
            loop {
                let rows = self.engine.call(HostsList {}).await.unwrap();
                let is_live = |name: &str| rows.iter().any(|row| row.host.name == name && row.link.is_live());
                if names.iter().all(|name| is_live(name)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(LONG, live).await.is_err() {
            let rows = self.engine.call(HostsList {}).await.unwrap();
            let links: Vec<_> = rows.into_iter().map(|row| (row.host.name, row.link)).collect();
            panic!("not all live again: {links:?}");
        }
    }
}

/// The next news of a loss behind a jump host, and whose own links were told lost until then.
async fn behind(events: &mut broadcast::Receiver<Event>) -> (String, Vec<String>, Vec<String>) {
    let mut alone = Vec::new();
    let told = async {
        loop {
            match events.recv().await.unwrap() {
                Event::LinksBehind { hop, hosts, state } => {
                    assert!(matches!(state, LinkState::Lost { next_ms: Some(_), .. }), "{state:?}");
                    return (hop, hosts);
                }
                Event::Link { host, state: LinkState::Lost { .. } | LinkState::Failed { .. } } => {
                    alone.push(host)
                }
                _ => {}
            }
        }
    };
    let (hop, hosts) = timeout(LONG, told).await.unwrap();
    (hop, hosts, alone)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_a_jump_host_is_one_event_that_names_all_behind_it_and_they_come_back() {
    let rig = Rig::new().await;
    let wire = Wire::to(rig.sshd.port).await;
    rig.add("gate", wire.port, None, HelperUse::None).await;
    let names = ["db-1", "db-2", "db-3"];
    for name in names {
        rig.add(name, rig.sshd.port, Some("gate"), HelperUse::None).await;
    }
    for name in names {
        rig.engine.call(HostConnect { host: name.into() }).await.unwrap();
    }
    rig.all_live(&names).await;
    assert_eq!(wire.open.load(Ordering::SeqCst), 1, "one connection to the jump host carries all");
    for line in [Line::Cut, Line::Stalled] {
        let mut events = rig.engine.events();
        wire.line.send_replace(line);
        let begun = std::time::Instant::now();
        let (hop, hosts, alone) = behind(&mut events).await;
        assert!(begun.elapsed() < Duration::from_secs(25), "{line:?} was seen after {:?}", begun.elapsed());
        assert_eq!((hop.as_str(), hosts), ("gate", names.map(str::to_owned).to_vec()), "{line:?}");
        assert!(alone.is_empty(), "{line:?}: {alone:?} were told apart");
        let rows = rig.engine.call(HostsList {}).await.unwrap();
        let db = rows.iter().find(|row| row.host.name == "db-1").unwrap();
        assert_eq!(db.link.fault().unwrap().place(), Some("gate"), "{:?}", db.link);
        wire.line.send_replace(Line::Whole);
        rig.all_live(&names).await;
        assert_eq!(wire.open.load(Ordering::SeqCst), 1);
    }
    rig.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_is_refused_is_tried_once_however_many_ask_and_not_again_by_itself() {
    let rig = Rig::new().await;
    let wire = Wire::to(rig.sshd.port).await;
    rig.add("web", wire.port, None, HelperUse::None).await;
    std::fs::write(rig.sshd.dir.path().join("authorized"), "").unwrap();
    let before = wire.made.load(Ordering::SeqCst);
    let host = rig.engine.host("web").await.unwrap();
    let session = rig.engine.parts.sessions.of(&host);
    let asks = (0..5).map(|_| session.live());
    for asked in futures::future::join_all(asks).await {
        assert_eq!(asked.map(drop).unwrap_err().code, FaultCode::SignInRefused);
    }
    assert_eq!(wire.made.load(Ordering::SeqCst) - before, 1, "all who asked got the one answer");
    session.keep(1_000);
    let failed = async {
        while session.by_itself.load(Ordering::SeqCst) || !matches!(session.state(), LinkState::Failed { .. })
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, failed).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(wire.made.load(Ordering::SeqCst) - before <= 2, "it is not tried again by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_sent_once_for_all_who_ask_to_a_host_that_allows_one_try() {
    let rig = Rig::on(Sshd::start(
        "MaxAuthTries 1\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes\nPermitRootLogin yes",
    ))
    .await;
    let draft = HostDraft {
        name: "web".into(),
        address: "127.0.0.1".into(),
        port: Some(rig.sshd.port),
        user: me(),
        identity: Identity::Password,
        helper: HelperUse::None,
        ..HostDraft::default()
    };
    let secret = NewSecret { kind: SecretKind::Password, value: "not-this-one".into() };
    rig.save(draft, vec![secret]).await;
    let host = rig.engine.host("web").await.unwrap();
    let session = rig.engine.parts.sessions.of(&host);
    for attempt in 1..=2 {
        let asks = (0..8).map(|_| session.live());
        for asked in futures::future::join_all(asks).await {
            assert_eq!(asked.map(drop).unwrap_err().code, FaultCode::SignInRefused);
        }
        let log = std::fs::read_to_string(rig.sshd.dir.path().join("log")).unwrap();
        let sent = log.lines().filter(|line| line.starts_with("Failed ")).count();
        assert_eq!(sent, attempt, "once for each attempt, by whatever method: {log}");
    }
}

/// Random numbers that a seed gives again (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below.max(1)
    }
}

/// How often each word stands in a file.
fn counted(path: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in std::fs::read_to_string(path).unwrap_or_default().split_whitespace() {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn random_cuts_and_stalls_and_wakes_lose_and_double_nothing_and_leave_nothing_behind() {
    // File handles are the whole program's: it is one that does nothing else.
    let name = "sessions::cut_tests::random_cuts_and_stalls_and_wakes_lose_and_double_nothing_and_leave_nothing_behind";
    if rig::runs_alone(name) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(cut_at_random());
    }
}

/// File handles that this program has open.
fn handles() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn cut_at_random() {
    // The whole is for before a release.
    let rounds = if rig::is_long() { 1_000 } else { 24 };
    let seed = std::env::var("MUSTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    eprintln!("cuts: {rounds} rounds, seed {seed}");
    let mut random = Random(seed);
    let rig = Rig::new().await;
    let (straight, gate) = (Wire::to(rig.sshd.port).await, Wire::to(rig.sshd.port).await);
    rig.add("web", straight.port, None, HelperUse::Placed).await;
    rig.add("gate", gate.port, None, HelperUse::None).await;
    rig.add("db", rig.sshd.port, Some("gate"), HelperUse::Placed).await;
    let names = ["web", "db"];
    for name in names {
        rig.engine.call(HostConnect { host: name.into() }).await.unwrap();
    }
    rig.all_live(&names).await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (before, handles_before) = (alive(), handles());
    let done = rig.folder("done");
    let mut running = Vec::new();
    for round in 0..rounds {
        let wire = if random.next(2) == 0 { &straight } else { &gate };
        let name = names[random.next(2)];
        let word = format!("{name}-{round}");
        // The word is written at the end: what was cut before may or may not be there.
        let command = format!("sleep 0.0{}; echo {word} >> {}", random.next(10), done.display());
        let run = CommandRun { host: name.into(), command, sudo: false, typed_name: None };
        let engine = rig.engine.clone();
        running.push(tokio::spawn(async move { (word, engine.call(run).await) }));
        tokio::time::sleep(Duration::from_millis(random.next(120) as u64)).await;
        match random.next(8) {
            0 => {
                wire.line.send_replace(Line::Stalled);
                tokio::time::sleep(Duration::from_millis(random.next(1_500) as u64)).await;
            }
            1 => {
                for name in names {
                    let host = rig.engine.host(name).await.unwrap();
                    rig.engine.parts.sessions.of(&host).woke();
                }
            }
            _ => drop(wire.line.send_replace(Line::Cut)),
        }
        tokio::time::sleep(Duration::from_millis(random.next(200) as u64)).await;
        wire.line.send_replace(Line::Whole);
        if random.next(3) == 0 {
            rig.all_live(&names).await;
        }
    }
    rig.all_live(&names).await;
    let mut told = BTreeMap::new();
    for run in running {
        let (word, answer) = timeout(LONG, run).await.expect("every operation ends").unwrap();
        told.insert(word, answer.is_ok_and(|operation| operation.result == OperationResult::Done));
    }
    // Commands that lost their link may still be at their end.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counts = counted(&done);
    for (word, said_done) in &told {
        let count = counts.get(word).copied().unwrap_or(0);
        assert!(count <= 1, "{word} was done {count} times (seed {seed})");
        assert!(!said_done || count == 1, "{word} was claimed and not done (seed {seed})");
    }
    let filter = OperationFilter {
        kind: Some(OperationKind::Command),
        limit: Some(2_000),
        ..OperationFilter::default()
    };
    let page = rig.engine.call(OperationsList { filter }).await.unwrap();
    assert_eq!(page.operations.len(), told.len(), "each stands in the log once");
    for operation in &page.operations {
        assert_ne!(operation.result, OperationResult::UnderWay, "{operation:?}");
        let word = operation.target.split(' ').rev().nth(2).unwrap_or_default();
        if operation.result == OperationResult::Refused {
            assert!(!counts.contains_key(word), "{word} was refused and done (seed {seed})");
        }
    }
    let open = || (straight.open.load(Ordering::SeqCst), gate.open.load(Ordering::SeqCst));
    let settled = async {
        while open() != (1, 1) || alive() > before + 4 || handles() > handles_before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if timeout(LONG, settled).await.is_err() {
        let (open, alive, handles) = (open(), alive(), handles());
        panic!(
            "left behind: connections {open:?}, tasks {alive} of {before} before, file handles {handles} of \
             {handles_before} (seed {seed})"
        );
    }
    rig.engine.shutdown().await;
}
