//! The session of one host: its link and its state.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use protocol::hosts::Host;
use protocol::ipc::Event;
use protocol::link::LinkState;
use protocol::metrics::{Metrics, Recent};
use protocol::operations::HostThen;
use protocol::processes::ProcessTable;
use protocol::services::ServiceTable;
use protocol::snapshot::Aged;
use protocol::sockets::SocketTable;
use protocol::system::System;
use protocol::wire::Answer;
use protocol::{Fault, FaultCode};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::Ground;
use super::behind::{Behind, Hurry};
use super::line::{Line, Progress};
use super::recent::History;
use super::retry::comes_back;
use super::tables::Board;
use super::wake;
use crate::helper::{Link, Placed};
use crate::ssh::Connection;

pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A link in use, with what it took to get there.
pub struct Live {
    pub link: Link,
    pub placed: Option<Placed>,
    pub took_ms: u64,
    pub(super) connection: Mutex<Option<Arc<Connection>>>,
    /// Why it ended.
    ended: OnceLock<Fault>,
    /// The link as root, once something needed it.
    pub(super) root: tokio::sync::Mutex<Option<Arc<Link>>>,
    /// Of `Session::ends`, when it was asked for.
    pub(super) epoch: u64,
}

impl Live {
    /// A link of which nothing is known.
    #[cfg(test)]
    pub(super) fn over(link: Link) -> Self {
        Self::new(link, None, 0, None, 0)
    }

    pub(super) fn new(
        link: Link,
        placed: Option<Placed>,
        took_ms: u64,
        connection: Option<Arc<Connection>>,
        epoch: u64,
    ) -> Self {
        let (connection, root) = (Mutex::new(connection), tokio::sync::Mutex::default());
        Self { link, placed, took_ms, connection, ended: OnceLock::new(), root, epoch }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// Waits for the end and says why: the host's own, or that of a jump host on the way.
    pub(super) async fn end(&self) -> Fault {
        let fault = self.link.closed().await;
        // Once, while the connection is still held: whoever asks later gets the same.
        let lost_way = || self.connection().and_then(|connection| connection.lost_way());
        self.ended.get_or_init(|| lost_way().unwrap_or(fault)).clone()
    }

    async fn close(&self) {
        self.link.close();
        if let Some(connection) = self.take_connection() {
            connection.release().await;
        }
        // One that is being started has lost its connection by now.
        self.close_root().await;
    }
}

/// One host's session.
pub struct Session {
    pub(super) host: Host,
    pub(super) ground: Arc<Ground>,
    pub(super) state: Mutex<LinkState>,
    /// Held while connecting, so that all who ask wait for the same connection.
    pub(super) live: tokio::sync::Mutex<Option<Arc<Live>>>,
    /// Number of the last attempt that ended.
    answered: AtomicU64,
    /// Why the last attempt came to nothing, with its number.
    failed: Mutex<Option<(u64, Fault)>>,
    /// The connection that the link goes over; hosts behind this one share it.
    pub(super) line: Mutex<Line>,
    pub(super) progress: watch::Sender<Option<Progress>>,
    pub(super) line_is_up: Notify,
    /// When this computer last woke from sleep; 0 for never.
    woke_ms: AtomicI64,
    /// It connects again by itself: nobody is asked anything.
    pub(super) by_itself: AtomicBool,
    pub(super) behind: Mutex<Behind>,
    pub(super) hurry: Hurry,
    /// Counts connections, so that the end of an old one does not touch the state of a new one.
    generation: AtomicU64,
    /// Counts how often it was told to disconnect: what began before the last time is called off, and
    /// has no more say in the state.
    ends: watch::Sender<u64>,
    /// Cuts the wait for the next try short.
    pub(super) again: Notify,
    pub(super) keeper: Mutex<Option<JoinHandle<()>>>,
    /// Of the samples while it is kept.
    pub(super) interval_ms: watch::Sender<u32>,
    pub(super) recent: Mutex<History>,
    pub(super) system: Mutex<Option<Aged<System>>>,
    /// Entries of the log of which the host has not said how they ended.
    pub(super) left_open: Mutex<Vec<u64>>,
    pub(super) processes: Board<ProcessTable>,
    pub(super) sockets: Board<SocketTable>,
    pub(super) services: Board<ServiceTable>,
    /// Why root was not had; it is not asked for again by itself.
    pub(super) root_refused: Mutex<Option<Fault>>,
    pub(super) ended: Notify,
}

impl Session {
    pub(super) fn new(host: Host, ground: Arc<Ground>) -> Arc<Self> {
        Arc::new(Self {
            host,
            ground,
            state: Mutex::new(LinkState::Idle),
            live: tokio::sync::Mutex::default(),
            answered: AtomicU64::new(0),
            failed: Mutex::default(),
            line: Mutex::default(),
            progress: watch::Sender::new(None),
            line_is_up: Notify::new(),
            woke_ms: AtomicI64::new(0),
            by_itself: AtomicBool::new(false),
            behind: Mutex::default(),
            hurry: Hurry::default(),
            generation: AtomicU64::new(0),
            ends: watch::Sender::new(0),
            again: Notify::new(),
            keeper: Mutex::default(),
            interval_ms: watch::Sender::new(0),
            recent: Mutex::default(),
            system: Mutex::default(),
            left_open: Mutex::default(),
            processes: Board::default(),
            sockets: Board::default(),
            services: Board::default(),
            root_refused: Mutex::default(),
            ended: Notify::new(),
        })
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn state(&self) -> LinkState {
        locked(&self.state).clone()
    }

    /// What is known of the last ten minutes.
    pub fn recent(&self) -> Recent {
        locked(&self.recent).copy()
    }

    /// The newest sample, if there is one.
    pub(crate) fn newest_metrics(&self) -> Option<Aged<Metrics>> {
        locked(&self.recent).newest().cloned()
    }

    /// What was read of the host itself since it is looked at.
    pub(crate) fn known_system(&self) -> Option<Aged<System>> {
        locked(&self.system).clone()
    }

    pub(super) fn epoch(&self) -> u64 {
        *self.ends.borrow()
    }

    /// Shows a state that was come to since `epoch`, unless it was told to disconnect meanwhile.
    pub(super) fn set_state(&self, epoch: u64, state: LinkState) {
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

    /// Takes on a state that is told together with those of other hosts; true if it did.
    pub(super) fn show_quietly(&self, epoch: u64, state: &LinkState) -> bool {
        let mut now = locked(&self.state);
        let takes = self.epoch() == epoch && !now.is_live() && !matches!(*now, LinkState::Connecting { .. });
        if takes {
            *now = state.clone();
        }
        takes
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
    pub(super) async fn live_since(self: &Arc<Self>, epoch: u64) -> Result<Arc<Live>, Fault> {
        // The attempt that is under way now, or the next one, answers for this one too.
        let begun = self.generation.load(Ordering::SeqCst);
        let answers = if begun > self.answered.load(Ordering::SeqCst) { begun } else { begun + 1 };
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
        // However many ask, a password is not sent twice.
        let waited_for = locked(&self.failed).clone().filter(|(number, _)| *number >= answers);
        if let Some((_, fault)) = waited_for {
            return Err(fault);
        }
        let generation = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        let mut unfinished = Unfinished { session: self, epoch, is_over: false };
        let connected = tokio::select! {
            biased;
            _ = ends.changed() => Err(self.called_off()),
            connected = self.connect(epoch) => connected,
        };
        unfinished.is_over = true;
        self.answered.store(generation, Ordering::SeqCst);
        match connected {
            Ok(live) => {
                let live = Arc::new(live);
                self.see_machine(&live).await;
                *slot = Some(live.clone());
                let now_ms = self.ground.clock.now_ms();
                self.set_state(epoch, LinkState::Live { since_ms: now_ms, heard_ms: now_ms });
                self.ground.sign_ins.came(&self.host, None);
                tokio::spawn(self.clone().watch(live.clone(), generation));
                Ok(live)
            }
            Err(fault) => {
                let fault = named(fault, &self.host);
                *locked(&self.failed) = Some((generation, fault.clone()));
                self.ground.sign_ins.came(&self.host, Some(&fault));
                self.show_unreached(epoch, &fault, |now| !now.is_live());
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
        let fault = self.end_of(&live).await;
        let is_newest = || self.generation.load(Ordering::SeqCst) == generation;
        self.show_unreached(live.epoch, &named(fault, &self.host), |now| is_newest() && now.is_live());
        live.close().await;
        self.ended.notify_waiters();
    }

    /// Waits for the end of the link and says why it ended, also where it was this computer's own doing.
    pub(super) async fn end_of(&self, live: &Live) -> Fault {
        let fault = live.end().await;
        if self.host.is_local() || self.host.jump.is_some() {
            return fault;
        }
        let woke_ms = self.woke_ms.load(Ordering::SeqCst);
        let since_ms = (woke_ms > 0).then(|| self.ground.clock.now_ms() - woke_ms);
        let label = format!("{} ({}:{})", self.host.name, self.host.address, self.host.port);
        wake::own_doing(fault, &self.host.address, &label, since_ms)
    }

    /// This computer slept: whoever waits for the next try, tries now.
    pub(super) fn woke(&self) {
        self.woke_ms.store(self.ground.clock.now_ms(), Ordering::SeqCst);
        self.again.notify_waiters();
    }

    #[cfg(test)]
    pub(super) fn woke_ms(&self) -> i64 {
        self.woke_ms.load(Ordering::SeqCst)
    }

    /// Shows why there is no link, if that `is_news`. One who lost the way with others, and waits for it
    /// with them, is told of it with them (`behind`).
    pub(super) fn show_unreached(&self, epoch: u64, fault: &Fault, is_news: impl FnOnce(&LinkState) -> bool) {
        let state = Self::unreached(fault, self.ground.clock.now_ms(), 0, None);
        let is_kept = self.is_kept();
        let mut now = locked(&self.state);
        if self.epoch() != epoch || !is_news(&now) {
            return;
        }
        if is_kept && fault.detail.hop.is_some() { *now = state } else { self.show(&mut now, state) }
    }

    pub(super) fn unreached(fault: &Fault, since_ms: i64, tries: u32, next_ms: Option<i64>) -> LinkState {
        let fault = Box::new(fault.clone());
        if comes_back(fault.code) {
            LinkState::Lost { since_ms, fault, tries, next_ms }
        } else {
            LinkState::Failed { since_ms, fault }
        }
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
            *locked(&self.root_refused) = None;
            self.show(&mut state, LinkState::Idle);
        }
        if let Some(keeper) = keeper.take() {
            keeper.abort();
        }
        self.by_itself.store(false, Ordering::SeqCst);
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
        groups: host.groups.clone(),
    }
}

pub(super) fn named(fault: Fault, host: &Host) -> Fault {
    if fault.detail.host.is_some() { fault } else { fault.on_host(&host.name) }
}

pub(crate) fn odd_answer(answer: &Answer) -> Fault {
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
        Answer::Refreshed {} => "refreshed",
        Answer::SocketNews(_) => "socket news",
        Answer::ServiceNews(_) => "service news",
        Answer::ProcessNews(_) => "process news",
        Answer::Journal(_) => "journal",
        Answer::JournalNews(_) => "journal news",
    };
    Fault::new(
        FaultCode::HelperFailed,
        format!("the helper answered another question than was asked: {kind}"),
    )
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
