//! The session of one host: its link, its state, and what it streams.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::hosts::{Host, HostGlance, Identity};
use protocol::ipc::Event;
use protocol::link::{LinkState, LinkStep};
use protocol::metrics::Metrics;
use protocol::operations::{HostThen, OperationKind, OperationResult};
use protocol::processes::ProcessTable;
use protocol::services::ServiceTable;
use protocol::snapshot::Aged;
use protocol::sockets::SocketTable;
use protocol::system::System;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};
use secrecy::SecretString;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::Ground;
use super::recent::trim;
use super::retry::{back_off, comes_back};
use crate::helper::{self, Link, Placed};
use crate::operations::{Finish, OperationDraft};
use crate::snapshot::glance;
use crate::ssh::{self, Connection, KeyFileState, SignIn, Target};
use protocol::credentials::SecretKind;

/// How long a read table answers further queries, so that typing does not read the host anew.
pub(super) const FRESH: Duration = Duration::from_millis(900);
/// Time after which the parts of the snapshot that nobody looks at are read again.
const RENEW: Duration = Duration::from_secs(60);
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A link in use, with what it took to get there.
pub struct Live {
    pub link: Link,
    pub placed: Option<Placed>,
    pub took_ms: u64,
    pub(super) connection: Mutex<Option<Arc<Connection>>>,
    /// Of `Session::ends`, when it was asked for.
    epoch: u64,
}

impl Live {
    pub(super) fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    async fn close(&self) {
        self.link.close();
        if let Some(connection) = self.take_connection() {
            connection.close().await;
        }
    }
}

/// One host's session.
pub struct Session {
    host: Host,
    pub(super) ground: Arc<Ground>,
    state: Mutex<LinkState>,
    /// Held while connecting, so that all who ask wait for the same connection.
    pub(super) live: tokio::sync::Mutex<Option<Arc<Live>>>,
    /// Counts connections, so that the end of an old one does not touch the state of a new one.
    generation: AtomicU64,
    /// Counts how often it was told to disconnect: what began before the last time is called off, and
    /// has no more say in the state.
    ends: watch::Sender<u64>,
    /// Cuts the wait for the next try short.
    again: Notify,
    keeper: Mutex<Option<JoinHandle<()>>>,
    recent: Mutex<VecDeque<Aged<Metrics>>>,
    system: Mutex<Option<Aged<System>>>,
    pub(super) processes: Mutex<Option<(Instant, ProcessTable)>>,
    sockets: Mutex<Option<(Instant, SocketTable)>>,
    services: Mutex<Option<(Instant, ServiceTable)>>,
    pub(super) ended: Notify,
}

impl Session {
    pub(super) fn new(host: Host, ground: Arc<Ground>) -> Arc<Self> {
        Arc::new(Self {
            host,
            ground,
            state: Mutex::new(LinkState::Idle),
            live: tokio::sync::Mutex::default(),
            generation: AtomicU64::new(0),
            ends: watch::Sender::new(0),
            again: Notify::new(),
            keeper: Mutex::default(),
            recent: Mutex::default(),
            system: Mutex::default(),
            processes: Mutex::default(),
            sockets: Mutex::default(),
            services: Mutex::default(),
            ended: Notify::new(),
        })
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn state(&self) -> LinkState {
        locked(&self.state).clone()
    }

    /// Samples of the last ten minutes, oldest first.
    pub fn recent(&self) -> Vec<Aged<Metrics>> {
        locked(&self.recent).iter().cloned().collect()
    }

    fn epoch(&self) -> u64 {
        *self.ends.borrow()
    }

    /// Shows a state that was come to since `epoch`, unless it was told to disconnect meanwhile.
    fn set_state(&self, epoch: u64, state: LinkState) {
        self.change_state(epoch, |_| Some(state));
    }

    fn change_state(&self, epoch: u64, change: impl FnOnce(&LinkState) -> Option<LinkState>) {
        let mut now = locked(&self.state);
        if self.epoch() == epoch
            && let Some(state) = change(&now)
        {
            self.show(&mut now, state);
        }
    }

    fn show(&self, now: &mut LinkState, state: LinkState) {
        if *now != state {
            *now = state.clone();
            // Nobody listening is no fault.
            let _ = self.ground.events.send(Event::Link { host: self.host.name.clone(), state });
        }
    }

    /// The link, connected if there is none.
    pub async fn live(self: &Arc<Self>) -> Result<Arc<Live>, Fault> {
        self.live_since(self.epoch()).await
    }

    /// The same, for who began in `epoch`: called off when it is told to disconnect.
    async fn live_since(self: &Arc<Self>, epoch: u64) -> Result<Arc<Live>, Fault> {
        let mut slot = self.live.lock().await;
        let mut ends = self.ends.subscribe();
        if *ends.borrow_and_update() != epoch {
            return Err(self.called_off());
        }
        if let Some(live) = slot.as_ref().filter(|live| !live.is_closed() && live.epoch == epoch) {
            return Ok(live.clone());
        }
        if let Some(old) = slot.take() {
            old.link.close();
        }
        let generation = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        let mut unfinished = Unfinished { session: self, epoch, is_over: false };
        let connected = tokio::select! {
            biased;
            _ = ends.changed() => Err(self.called_off()),
            connected = self.connect(epoch) => connected,
        };
        unfinished.is_over = true;
        match connected {
            Ok(live) => {
                let live = Arc::new(live);
                *slot = Some(live.clone());
                let now_ms = self.ground.clock.now_ms();
                self.set_state(epoch, LinkState::Live { since_ms: now_ms, heard_ms: now_ms });
                tokio::spawn(self.clone().watch(live.clone(), generation));
                Ok(live)
            }
            Err(fault) => {
                let fault = named(fault, &self.host);
                self.set_state(epoch, self.unreached(&fault));
                Err(fault)
            }
        }
    }

    fn called_off(&self) -> Fault {
        let cause = "it was told to disconnect";
        Fault::new(
            FaultCode::LinkLost,
            format!("the connection to {} was called off: {cause}", self.host.name),
        )
        .on_host(&self.host.name)
        .because(cause)
    }

    /// The link if it is up now, without connecting.
    pub async fn live_now(&self) -> Option<Arc<Live>> {
        self.live.lock().await.as_ref().filter(|live| !live.is_closed()).cloned()
    }

    async fn watch(self: Arc<Self>, live: Arc<Live>, generation: u64) {
        let fault = named(live.link.closed().await, &self.host);
        self.change_state(live.epoch, |now| {
            let is_newest = self.generation.load(Ordering::SeqCst) == generation;
            (is_newest && now.is_live()).then(|| self.unreached(&fault))
        });
        live.close().await;
        self.ended.notify_waiters();
    }

    fn unreached(&self, fault: &Fault) -> LinkState {
        let since_ms = self.ground.clock.now_ms();
        let fault = Box::new(fault.clone());
        if comes_back(fault.code) {
            LinkState::Lost { since_ms, fault, tries: 0, next_ms: None }
        } else {
            LinkState::Failed { since_ms, fault }
        }
    }

    async fn connect(&self, epoch: u64) -> Result<Live, Fault> {
        let begun = Instant::now();
        let since_ms = self.ground.clock.now_ms();
        let step = |step| self.set_state(epoch, LinkState::Connecting { step, since_ms });
        if self.host.is_local() {
            step(LinkStep::StartingHelper);
            let link = helper::start_local().await?;
            let connection = Mutex::default();
            return Ok(Live { link, placed: None, took_ms: elapsed_ms(begun), connection, epoch });
        }
        step(LinkStep::Reaching);
        let connection = self.sign_in(&step).await?;
        let (name, dir) = (&self.host.name, self.host.helper_dir.as_deref());
        step(LinkStep::StartingHelper);
        // One command finds, checks and starts a helper that is already there.
        let (placed, link) = match helper::start_if_placed(&connection, name, dir).await? {
            Some(started) => started,
            None => {
                step(LinkStep::PlacingHelper);
                let placed = helper::place(&connection, name, dir).await?;
                if placed.newly {
                    self.log_placed(&placed).await?;
                }
                step(LinkStep::StartingHelper);
                let link = helper::start(&connection, name, &placed).await?;
                (placed, link)
            }
        };
        let (took_ms, connection) = (elapsed_ms(begun), Mutex::new(Some(Arc::new(connection))));
        Ok(Live { link, placed: Some(placed), took_ms, connection, epoch })
    }

    /// A connection to the host, judged and signed in, with nothing on it yet.
    pub(super) async fn sign_in(&self, step: &(dyn Fn(LinkStep) + Send + Sync)) -> Result<Connection, Fault> {
        let target = self.target().await?;
        let known = self.ground.trust.known(&self.host.address, self.host.port).await?;
        let _turn = self.ground.sign_ins.acquire().await;
        ssh::connect(&target, &known, step).await
    }

    async fn target(&self) -> Result<Target, Fault> {
        let host = &self.host;
        let sign_in = match &host.identity {
            Identity::Agent => SignIn::Agent,
            Identity::KeyFile { path } => {
                let path = PathBuf::from(path);
                // The keyring is asked only for what is needed: a plain key has no passphrase.
                let passphrase = match ssh::check_key_file(&path)? {
                    KeyFileState::Plain => None,
                    KeyFileState::Encrypted => self.passphrase(&path).await?,
                };
                SignIn::KeyFile { path, passphrase }
            }
            Identity::Password => {
                let password = self.ground.credentials.get(&host.id, SecretKind::Password).await?;
                SignIn::Password(password.ok_or_else(|| {
                    Fault::new(
                        FaultCode::PasswordMissing,
                        format!("no password for {} is in the keyring", host.name),
                    )
                })?)
            }
        };
        Ok(Target {
            host: host.name.clone(),
            address: host.address.clone(),
            port: host.port,
            user: host.user.clone(),
            sign_in,
        })
    }

    /// The passphrase of an encrypted key. Without a keyring it is as good as not saved, and it is
    /// the key that the person must do something about.
    async fn passphrase(&self, path: &Path) -> Result<Option<SecretString>, Fault> {
        let asked = self.ground.credentials.get(&self.host.id, SecretKind::Passphrase).await;
        asked.map_err(|fault| match fault.code {
            FaultCode::KeyringUnavailable => Fault::new(
                FaultCode::KeyEncrypted,
                format!(
                    "the key file {} is encrypted and its passphrase is not known: {}",
                    path.display(),
                    fault.message
                ),
            )
            .about(path.display().to_string())
            .because(fault.message),
            _ => fault,
        })
    }

    async fn log_placed(&self, placed: &Placed) -> Result<(), Fault> {
        let draft = OperationDraft {
            host: Some(then(&self.host)),
            kind: OperationKind::HelperPlace,
            target: placed.path.clone(),
            command: String::new(),
        };
        let summary = format!("{} bytes, sha256 {}", placed.bytes, placed.sha256);
        let finish = Finish { summary, ..Finish::new(OperationResult::Done) };
        self.ground.operations.record_own(draft, finish).await.map(drop)
    }

    /// Asks the helper one thing.
    pub async fn ask(self: &Arc<Self>, ask: Ask, limit: Duration) -> Result<Answer, Fault> {
        let live = self.live().await?;
        live.link.ask(ask, limit).await.map_err(|fault| named(fault, &self.host))
    }

    pub async fn read_system(self: &Arc<Self>) -> Result<System, Fault> {
        match self.ask(Ask::System {}, ANSWER_LIMIT).await? {
            Answer::System(system) => {
                let received_ms = self.ground.clock.now_ms();
                *locked(&self.system) = Some(Aged { received_ms, value: (*system).clone() });
                self.ground.snapshots.keep_system(&self.host.id, received_ms, (*system).clone()).await?;
                Ok(*system)
            }
            other => Err(odd(&other)),
        }
    }

    pub async fn read_metrics(self: &Arc<Self>) -> Result<Metrics, Fault> {
        match self.ask(Ask::Metrics { interval_ms: None }, ANSWER_LIMIT).await? {
            Answer::Metrics(metrics) => {
                let now_ms = self.ground.clock.now_ms();
                self.ground.snapshots.keep_metrics(&self.host.id, now_ms, (*metrics).clone()).await?;
                Ok(*metrics)
            }
            other => Err(odd(&other)),
        }
    }

    pub async fn read_sockets(self: &Arc<Self>) -> Result<SocketTable, Fault> {
        if let Some((_, table)) = locked(&self.sockets).as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(table.clone());
        }
        match self.ask(Ask::Sockets { interval_ms: None }, ANSWER_LIMIT).await? {
            Answer::Sockets(table) => {
                let now_ms = self.ground.clock.now_ms();
                self.ground.snapshots.keep_sockets(&self.host.id, now_ms, table.clone()).await?;
                *locked(&self.sockets) = Some((Instant::now(), table.clone()));
                Ok(table)
            }
            other => Err(odd(&other)),
        }
    }

    pub async fn read_services(self: &Arc<Self>) -> Result<ServiceTable, Fault> {
        if let Some((_, table)) = locked(&self.services).as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(table.clone());
        }
        match self.ask(Ask::Services { interval_ms: None }, ANSWER_LIMIT).await? {
            Answer::Services(table) => {
                let now_ms = self.ground.clock.now_ms();
                self.ground.snapshots.keep_services(&self.host.id, now_ms, table.clone()).await?;
                *locked(&self.services) = Some((Instant::now(), table.clone()));
                Ok(table)
            }
            other => Err(odd(&other)),
        }
    }

    /// Forgets read tables, so that the next look shows what an action changed.
    pub fn forget_tables(&self) {
        *locked(&self.processes) = None;
        *locked(&self.sockets) = None;
        *locked(&self.services) = None;
    }

    /// Connects, streams, and comes back after a cut, until it is told to disconnect. One that waits
    /// for its next try, tries now.
    pub fn keep(self: &Arc<Self>, interval_ms: u32) {
        let mut keeper = locked(&self.keeper);
        if keeper.as_ref().is_none_or(JoinHandle::is_finished) {
            *keeper = Some(tokio::spawn(self.clone().kept(interval_ms, self.epoch())));
        } else {
            self.again.notify_waiters();
        }
    }

    async fn kept(self: Arc<Self>, interval_ms: u32, epoch: u64) {
        let mut tries = 0;
        loop {
            let fault = match self.live_since(epoch).await {
                Ok(live) => {
                    tries = 0;
                    self.stream(&live, interval_ms).await
                }
                Err(fault) => fault,
            };
            if !comes_back(fault.code) || self.epoch() != epoch {
                return;
            }
            tries += 1;
            let wait = back_off(tries);
            let now_ms = self.ground.clock.now_ms();
            let next_ms = Some(now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
            let again = self.again.notified();
            self.set_state(
                epoch,
                LinkState::Lost { since_ms: now_ms, fault: Box::new(fault), tries, next_ms },
            );
            let _ = tokio::time::timeout(wait, again).await;
        }
    }

    /// Streams metrics until the link ends; returns why it did.
    async fn stream(self: &Arc<Self>, live: &Arc<Live>, interval_ms: u32) -> Fault {
        let streaming = async {
            match live.link.subscribe(Ask::Metrics { interval_ms: Some(interval_ms) }).await {
                Ok(mut pushes) => loop {
                    match pushes.recv().await {
                        Some(Ok((_, Answer::Metrics(metrics)))) => self.heard(*metrics).await,
                        Some(Ok((_, other))) => break odd(&other),
                        Some(Err(fault)) => break fault,
                        None => break live.link.closed().await,
                    }
                },
                Err(fault) => fault,
            }
        };
        // Both in this task: when it is aborted, nothing is left that would connect again.
        let fault = tokio::select! {
            fault = streaming => fault,
            fault = self.renew(live) => fault,
        };
        named(fault, &self.host)
    }

    /// Reads again, now and then, what the snapshot keeps beside the metrics, until the link ends.
    async fn renew(self: &Arc<Self>, live: &Live) -> Fault {
        while !live.is_closed() {
            let system = self.read_system().await;
            let services = self.read_services().await;
            let sockets = self.read_sockets().await;
            let processes = self.read_processes(&[]).await;
            for fault in [system.err(), services.err(), sockets.err(), processes.err()].into_iter().flatten()
            {
                tracing::debug!(host = %self.host.name, code = ?fault.code, "snapshot not renewed");
            }
            tokio::time::sleep(RENEW).await;
        }
        live.link.closed().await
    }

    async fn heard(&self, metrics: Metrics) {
        let received_ms = self.ground.clock.now_ms();
        let aged = Aged { received_ms, value: metrics };
        let peak_pct = {
            let mut recent = locked(&self.recent);
            recent.push_back(aged.clone());
            trim(&mut recent, received_ms);
            recent.iter().filter_map(|aged| aged.value.cpu.map(|cpu| cpu.busy_pct())).max_by(f64::total_cmp)
        };
        if let LinkState::Live { heard_ms, .. } = &mut *locked(&self.state) {
            *heard_ms = received_ms;
        }
        let glance = glance(locked(&self.system).as_ref(), Some(&aged));
        let metrics = aged.value;
        if let Err(fault) =
            self.ground.snapshots.keep_metrics(&self.host.id, received_ms, metrics.clone()).await
        {
            tracing::warn!(host = %self.host.name, code = ?fault.code, "metrics not kept");
        }
        let host = self.host.name.clone();
        if let Some(glance) = glance {
            let glance = HostGlance { cpu_peak_pct: peak_pct, ..glance };
            let _ = self.ground.events.send(Event::Glance { host: host.clone(), glance });
        }
        let _ = self.ground.events.send(Event::Metrics { host, received_ms, metrics: Box::new(metrics) });
    }

    /// Ends the link and everything that streams over it, and calls off a connection under way.
    pub fn disconnect(self: &Arc<Self>) {
        let epoch = self.let_go();
        let session = self.clone();
        tokio::spawn(async move {
            // One that was asked for since then stays.
            let live = session.live.lock().await.take_if(|live| live.epoch < epoch);
            if let Some(live) = live {
                live.close().await;
            }
            session.ended.notify_waiters();
        });
    }

    /// Keeps the host no longer, and gives the new epoch; its link is for the caller to end.
    pub(super) fn let_go(&self) -> u64 {
        let mut keeper = locked(&self.keeper);
        {
            let mut state = locked(&self.state);
            self.ends.send_modify(|ends| *ends += 1);
            self.show(&mut state, LinkState::Idle);
        }
        if let Some(keeper) = keeper.take() {
            keeper.abort();
        }
        self.epoch()
    }

    /// Waits until the link is gone, two seconds at most.
    pub(super) async fn ended(&self) {
        let gone = async {
            loop {
                let ended = self.ended.notified();
                if self.live.lock().await.is_none() {
                    return;
                }
                ended.await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), gone).await;
    }
}

/// A connection under way. Dropped before it is over, nobody connects any more, and the state says so.
struct Unfinished<'a> {
    session: &'a Session,
    epoch: u64,
    is_over: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.session.set_state(self.epoch, LinkState::Idle);
        }
    }
}

/// The host as the operation log keeps it.
pub fn then(host: &Host) -> HostThen {
    HostThen {
        id: host.id.clone(),
        name: host.name.clone(),
        address: host.address.clone(),
        port: host.port,
        guarded: host.is_guarded(),
    }
}

pub(super) fn named(fault: Fault, host: &Host) -> Fault {
    if fault.detail.host.is_some() { fault } else { fault.on_host(&host.name) }
}

fn odd(answer: &Answer) -> Fault {
    let kind = match answer {
        Answer::System(_) => "system",
        Answer::Metrics(_) => "metrics",
        Answer::Sockets(_) => "sockets",
        Answer::Services(_) => "services",
        Answer::Processes(_) => "processes",
        Answer::Signal(_) => "signal",
        Answer::Blame(_) => "blame",
        Answer::Impact(_) => "impact",
        Answer::Act(_) => "act",
        Answer::Run(_) => "run",
        Answer::Cancelled {} => "cancelled",
        Answer::Journal(_) => "journal",
        Answer::JournalNews(_) => "journal news",
    };
    Fault::new(
        FaultCode::HelperFailed,
        format!("the helper answered another question than was asked: {kind}"),
    )
}

pub(crate) fn odd_answer(answer: &Answer) -> Fault {
    odd(answer)
}

fn elapsed_ms(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
