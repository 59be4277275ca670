//! The engine: what the window and `musterctl` open, and the one door through which both act.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use protocol::hosts::Host;
use protocol::ipc::{Command, Event};
use protocol::journal::JournalQuery;
use protocol::link::LinkState;
use protocol::operations::OperationCounts;
use protocol::services::{Service, ServiceTable};
use protocol::settings::Settings;
use protocol::wire::Ask;
use protocol::{Fault, FaultCode};
use tokio::sync::{broadcast, watch};

use crate::clock::Clock;
use crate::commands::{Handle, Views};
use crate::credentials::{Credentials, Lock};
use crate::helper::Subscription;
use crate::hosts::Hosts;
use crate::journal::{self, JournalFollow};
use crate::notes::Notes;
use crate::operations::{Operations, Told};
use crate::search::Search;
use crate::secrets::SecretStore;
use crate::sessions::Sessions;
use crate::settings;
use crate::snapshot::Snapshots;
use crate::store::{Opened, Store};
use crate::trust::Trust;

/// Events that a slow view may fall behind before it must read anew.
const EVENTS: usize = 1_024;

/// A notice waits no longer for the names of what failed.
const FAILED_WITHIN: Duration = Duration::from_secs(3);

/// What an engine is made of.
#[derive(Clone)]
pub struct EngineOptions {
    pub data_dir: PathBuf,
    pub clock: Clock,
    pub secrets: Arc<dyn SecretStore>,
    /// Who acts: until operators sign in, the user of this computer.
    pub operator: String,
}

/// One open engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) parts: Arc<Parts>,
}

pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) data_dir: PathBuf,
    pub(crate) operator: String,
    pub(crate) notice: Option<String>,
    pub(crate) hosts: Hosts,
    pub(crate) trust: Trust,
    pub(crate) credentials: Credentials,
    pub(crate) lock: Lock,
    pub(crate) operations: Operations,
    pub(crate) notes: Notes,
    pub(crate) snapshots: Snapshots,
    pub(crate) search: Arc<Search>,
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
    pub(crate) views: Views,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) secrets: Arc<dyn SecretStore>,
}

impl Parts {
    /// Sees that the key of the data is kept, and tells every view of one that was gone. A place for secrets
    /// that gives nothing now is no fault of the data: it is asked again.
    pub(crate) async fn tend_key(&self) {
        match self.store.tend_key(self.secrets.clone()).await {
            Ok(true) => drop(self.events.send(Event::Data { notices: self.store.notices() })),
            Ok(false) => {}
            Err(fault) => {
                tracing::debug!(code = ?fault.code, "whether the key of the data is kept is not known");
            }
        }
    }
}

/// So long a program waits for its turn with the store.
const TURN: Duration = Duration::from_secs(10);
/// Between two looks: no one event tells that a lock was let go of or that a door was opened.
const TURN_PAUSE: Duration = Duration::from_millis(50);

/// Tries to open what another program has open, until that lets go of it or the time for that is over.
pub(crate) async fn in_turn<T, F>(open: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let begun = Instant::now();
    loop {
        match open().await {
            Err(fault) if fault.code == FaultCode::StoreInUse && begun.elapsed() < TURN => {
                tokio::time::sleep(TURN_PAUSE).await;
            }
            opened => return opened,
        }
    }
}

impl Engine {
    /// The same as `open`; a store that another program has open is waited for a while.
    pub async fn open_in_turn(options: EngineOptions) -> Result<Self, Fault> {
        in_turn(|| Self::open(options.clone())).await
    }

    /// Opens the data folder. A damaged, newer or busy store is a fault, never an empty one.
    pub async fn open(options: EngineOptions) -> Result<Self, Fault> {
        let EngineOptions { data_dir, clock, secrets, operator } = options;
        let Opened { store, notice, .. } = Store::open_sealed(&data_dir, secrets.clone()).await?;
        let operations = Operations::open(store.clone(), clock.clone(), operator.clone()).await?;
        let hosts = Hosts::new(store.clone(), clock.clone());
        let trust = Trust::new(store.clone(), clock.clone());
        let credentials = Credentials::new(secrets.clone());
        let notes = Notes::new(store.clone(), clock.clone());
        let snapshots = Snapshots::new(store.clone());
        let lock = Lock::new(store.clone(), credentials.clone(), clock.clone());
        let (events, _) = broadcast::channel(EVENTS);
        let sessions = Sessions::new(
            clock.clone(),
            hosts.clone(),
            trust.clone(),
            credentials.clone(),
            operations.clone(),
            snapshots.clone(),
            events.clone(),
        );
        let search = Arc::new(Search::new(snapshots.clone()));
        tokio::spawn(tell_counts(operations.subscribe(), events.clone()));
        let parts = Parts {
            clock,
            data_dir,
            operator,
            notice,
            hosts,
            trust,
            credentials,
            lock,
            operations,
            notes,
            snapshots,
            search,
            store,
            sessions,
            views: Views::default(),
            events,
            secrets,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// What a person must know about the data that was opened, if there is something.
    pub fn notice(&self) -> Option<&str> {
        self.parts.notice.as_deref()
    }

    /// Carries out one command.
    pub async fn call<C: Handle>(&self, command: C) -> Result<<C as Command>::Reply, Fault> {
        if !C::WHILE_LOCKED {
            self.parts.lock.check()?;
        }
        command.handle(self).await
    }

    /// True while nothing may be read or done.
    pub fn is_locked(&self) -> bool {
        self.parts.lock.is_shut()
    }

    /// Waits until it is not locked: what streams through this program pauses until then.
    pub async fn unlocked(&self) {
        self.parts.lock.opened().await;
    }

    /// What a person chose. Also while it is locked: the window is drawn by it.
    pub async fn settings(&self) -> Result<Settings, Fault> {
        settings::load(&self.parts.store).await
    }

    /// The badge and its relatives, without a look into the store.
    pub fn counts(&self) -> OperationCounts {
        self.parts.operations.counts()
    }

    /// How each host stands that was connected since the start, by its name; from memory alone.
    pub fn links(&self) -> Result<Vec<(String, LinkState)>, Fault> {
        self.parts.lock.check()?;
        Ok(self.parts.sessions.states())
    }

    /// The units of a host that are failed now, as they are kept up to date or by one question over its link;
    /// `None` where that is not up or does not answer soon. Nothing is connected for it.
    pub async fn failed_units(&self, host: &str) -> Option<Vec<Service>> {
        self.parts.lock.check().ok()?;
        let host = self.host(host).await.ok()?;
        let session = self.parts.sessions.find(&host.id)?;
        let reading = session.table_without_connecting::<ServiceTable>(true, FAILED_WITHIN).await?;
        Some(reading.table().services.iter().filter(|unit| unit.is_failed()).cloned().collect())
    }

    /// True while something that was begun on a host has not ended. Also while it is locked: whoever ends the
    /// program would end that too, and of what it is nothing is told.
    pub async fn is_busy(&self) -> Result<bool, Fault> {
        self.parts.operations.is_any_under_way().await
    }

    /// Locks a program that was just started, if a passphrase of the lock's own is set.
    pub async fn lock_at_start(&self) -> Result<(), Fault> {
        if !self.parts.credentials.uses_vault().await && self.parts.lock.can_shut().await? {
            self.parts.lock.shut().await?;
        }
        Ok(())
    }

    /// Locks after nobody was at the window for the time of the settings; runs until the engine is let go.
    pub fn lock_when_idle(&self) {
        tokio::spawn(lock_when_idle(Arc::downgrade(&self.parts), IDLE_LOOK));
    }

    /// What happens from now on, for views that stay open.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.parts.events.subscribe()
    }

    /// Streams samples of a host; ends with the link.
    pub async fn watch_metrics(&self, host: &str, interval_ms: u32) -> Result<Subscription, Fault> {
        self.parts.lock.check()?;
        let host = self.host(host).await?;
        let live = self.parts.sessions.of(&host).live().await?;
        live.link.subscribe(Ask::Metrics { interval_ms: Some(interval_ms) }).await
    }

    /// Streams the log of a host; ends with the link.
    pub async fn watch_journal(&self, host: &str, query: JournalQuery) -> Result<JournalFollow, Fault> {
        self.parts.lock.check()?;
        let host = self.host(host).await?;
        let ask = journal::follow_ask(&host, query)?;
        Ok(JournalFollow::new(self.parts.sessions.of(&host).subscribe(ask).await?))
    }

    /// Says that somebody shows the questions of a sign-in, while this is held.
    pub fn listen(&self) -> crate::sessions::Listening {
        self.parts.sessions.questions().listen()
    }

    pub(crate) fn open_questions(&self) -> Vec<protocol::link::Question> {
        self.parts.sessions.questions().list()
    }

    /// Keeps up what the log needs while this program stays open: its end in the keyring, its retention
    /// and its forwarding.
    pub fn keep_up(&self) {
        crate::operations::upkeep::begin(&self.parts);
    }

    /// Ends every link, so that no helper stays behind, brings the log to an end, and makes the backup of the
    /// day if it is due.
    pub async fn shutdown(&self) {
        self.parts.sessions.end_all().await;
        crate::operations::upkeep::end(&self.parts).await;
        self.back_up_at_the_end().await;
    }

    pub(crate) async fn host(&self, name: &str) -> Result<Host, Fault> {
        self.parts.hosts.find(name).await
    }

    pub(crate) fn tell(&self, event: Event) {
        // Nobody listening is no fault.
        let _ = self.parts.events.send(event);
    }
}

/// How often it is looked whether somebody is still there.
const IDLE_LOOK: Duration = Duration::from_secs(5);

async fn lock_when_idle(parts: Weak<Parts>, look_every: Duration) {
    let mut due = tokio::time::interval(look_every);
    loop {
        due.tick().await;
        let Some(parts) = parts.upgrade() else { return };
        if parts.lock.is_shut() {
            continue;
        }
        // Settings that cannot be read now are asked for at the next look.
        let Ok(settings) = settings::load(&parts.store).await else { continue };
        let idle = Duration::from_secs(u64::from(settings.lock_minutes) * 60);
        if idle.is_zero() || parts.lock.due_in(idle).is_none_or(|left| !left.is_zero()) {
            continue;
        }
        if parts.lock.can_shut().await.unwrap_or(false) && parts.lock.shut().await.is_ok() {
            let _ = parts.events.send(Event::Locked { locked: true });
        }
    }
}

/// Tells every view when the badge changes, whoever changed it. Ends with the engine: it holds nothing
/// that would keep the store open.
async fn tell_counts(mut told: watch::Receiver<Told>, events: broadcast::Sender<Event>) {
    while told.changed().await.is_ok() {
        let Told { counts, record } = *told.borrow_and_update();
        let _ = events.send(Event::Operations { counts, record });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{Finish, OperationDraft};
    use crate::rig;
    use crate::secrets::Memory;
    use protocol::FaultCode;
    use protocol::credentials::SecretKind;
    use protocol::hosts::{HostDraft, Identity};
    use protocol::ipc::{
        AppLock, AppSeen, AppUnlock, HostRemove, HostSave, HostsList, LockSet, NewSecret, OperationsList,
        SettingsSave,
    };
    use protocol::operations::{OperationFilter, OperationKind, OperationResult};

    async fn open(dir: &tempfile::TempDir, secrets: Arc<Memory>) -> Engine {
        Engine::open(rig::options(dir.path(), secrets)).await.unwrap()
    }

    #[tokio::test]
    async fn a_folder_can_be_opened_again_when_its_engine_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Arc::new(Memory::new());
        for _ in 0..2 {
            let engine = open(&dir, secrets.clone()).await;
            engine.shutdown().await;
        }
    }

    const PASSPHRASE: &str = "four words of passphrase";
    const MINUTE_MS: i64 = 60_000;
    /// Many looks of the loop, where nothing may come of them.
    const A_WHILE: Duration = Duration::from_millis(300);

    /// An engine that looks all the time whether somebody is still there, on a clock that stands.
    struct Idle {
        engine: Engine,
        clock: Clock,
        looking: tokio::task::JoinHandle<()>,
        _dir: tempfile::TempDir,
    }

    impl Idle {
        async fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let clock = Clock::standing_at(0);
            let options =
                EngineOptions { clock: clock.clone(), ..rig::options(dir.path(), Arc::new(Memory::new())) };
            let engine = Engine::open(options).await.unwrap();
            let looking = lock_when_idle(Arc::downgrade(&engine.parts), Duration::from_millis(5));
            Self { engine, clock, looking: tokio::spawn(looking), _dir: dir }
        }

        async fn lock_after(&self, lock_minutes: u32) {
            let settings = settings::load(&self.engine.parts.store).await.unwrap();
            let settings = protocol::settings::Settings { lock_minutes, ..settings };
            self.engine.call(SettingsSave { settings }).await.unwrap();
        }

        async fn stays_open(&self, why: &str) {
            tokio::time::sleep(A_WHILE).await;
            assert!(!self.engine.is_locked(), "{why}");
        }

        /// Waits until every view was told that it is locked, and opens it again.
        async fn locks(&self, events: &mut broadcast::Receiver<Event>) {
            let told =
                async { while !matches!(events.recv().await.unwrap(), Event::Locked { locked: true }) {} };
            tokio::time::timeout(Duration::from_secs(60), told).await.unwrap();
            assert_eq!(self.engine.call(HostsList {}).await.unwrap_err().code, FaultCode::AppLocked);
            self.engine.call(AppUnlock { passphrase: PASSPHRASE.into() }).await.unwrap();
            self.engine.call(HostsList {}).await.unwrap();
        }
    }

    #[tokio::test]
    async fn it_locks_after_the_idle_time_of_the_settings_and_not_while_somebody_is_there() {
        let idle = Idle::new().await;
        idle.engine.call(LockSet { passphrase: Some(PASSPHRASE.into()) }).await.unwrap();
        let mut events = idle.engine.events();
        idle.clock.set(1_000 * MINUTE_MS);
        idle.stays_open("nobody was ever at the window: it is not left alone").await;
        idle.engine.call(AppSeen {}).await.unwrap();
        for nine in 1..=3 {
            idle.clock.set((1_000 + nine * 9) * MINUTE_MS);
            idle.stays_open("nine minutes are not ten").await;
            idle.engine.call(AppSeen {}).await.unwrap();
        }
        idle.clock.set(1_037 * MINUTE_MS - 1);
        idle.stays_open("the last millisecond counts").await;
        idle.clock.set(1_037 * MINUTE_MS);
        idle.locks(&mut events).await;
        // Who opens it is there: the time begins anew.
        idle.clock.set(1_046 * MINUTE_MS);
        idle.stays_open("it was opened nine minutes ago").await;
    }

    #[tokio::test]
    async fn a_changed_idle_time_counts_at_once_and_none_is_never() {
        let idle = Idle::new().await;
        idle.engine.call(LockSet { passphrase: Some(PASSPHRASE.into()) }).await.unwrap();
        let mut events = idle.engine.events();
        idle.engine.call(AppSeen {}).await.unwrap();
        idle.clock.set(2 * MINUTE_MS);
        idle.stays_open("it is set to ten minutes").await;
        idle.lock_after(2).await;
        idle.locks(&mut events).await;
        idle.lock_after(0).await;
        idle.clock.set(100_000 * MINUTE_MS);
        idle.stays_open("it is set to never").await;
        idle.lock_after(60).await;
        idle.locks(&mut events).await;
    }

    #[tokio::test]
    async fn what_nothing_would_open_again_does_not_lock_by_itself_and_the_look_ends_with_the_engine() {
        let idle = Idle::new().await;
        idle.engine.call(AppSeen {}).await.unwrap();
        idle.clock.set(1_000 * MINUTE_MS);
        idle.stays_open("there is no passphrase").await;
        let Idle { engine, looking, .. } = idle;
        engine.shutdown().await;
        drop(engine);
        tokio::time::timeout(Duration::from_secs(60), looking).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_look_of_a_running_program_locks_what_was_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::standing_at(0);
        let secrets = Arc::new(Memory::new());
        let options = EngineOptions { clock: clock.clone(), ..rig::options(dir.path(), secrets) };
        let engine = Engine::open(options).await.unwrap();
        engine.call(LockSet { passphrase: Some(PASSPHRASE.into()) }).await.unwrap();
        engine.call(AppSeen {}).await.unwrap();
        clock.set(10 * MINUTE_MS);
        let mut events = engine.events();
        engine.lock_when_idle();
        let told = async { while !matches!(events.recv().await.unwrap(), Event::Locked { locked: true }) {} };
        tokio::time::timeout(Duration::from_secs(60), told).await.unwrap();
        assert!(engine.is_locked());
    }

    #[tokio::test]
    async fn whether_something_runs_is_told_while_it_is_locked_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(&dir, Arc::new(Memory::new())).await;
        assert!(!engine.is_busy().await.unwrap());
        let draft = OperationDraft::new(OperationKind::Command, None, "make");
        let id = engine.parts.operations.begin(draft).await.unwrap();
        engine.call(LockSet { passphrase: Some(PASSPHRASE.into()) }).await.unwrap();
        engine.call(AppLock {}).await.unwrap();
        let filter = OperationFilter::default();
        assert_eq!(engine.call(OperationsList { filter }).await.unwrap_err().code, FaultCode::AppLocked);
        assert_eq!(engine.links().unwrap_err().code, FaultCode::AppLocked);
        assert!(engine.is_busy().await.unwrap());
        engine.parts.operations.finish(id, Finish::new(OperationResult::Done)).await.unwrap();
        assert!(!engine.is_busy().await.unwrap());
    }

    #[tokio::test]
    async fn for_the_names_of_failed_units_no_host_is_connected_and_nothing_is_told_while_it_is_locked() {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(&dir, Arc::new(Memory::new())).await;
        let draft = HostDraft {
            name: "web".into(),
            address: "192.0.2.1".into(),
            user: "ops".into(),
            ..HostDraft::default()
        };
        engine.call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None }).await.unwrap();
        assert_eq!(engine.failed_units("web").await, None);
        assert_eq!(engine.failed_units("of no such name").await, None);
        assert!(engine.links().unwrap().is_empty(), "none was begun");
        engine.call(LockSet { passphrase: Some(PASSPHRASE.into()) }).await.unwrap();
        engine.call(AppLock {}).await.unwrap();
        assert_eq!(engine.failed_units("web").await, None);
    }

    #[tokio::test]
    async fn the_log_says_which_secrets_a_refusing_keyring_still_has() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Arc::new(Memory::new());
        let engine = open(&dir, secrets.clone()).await;
        let draft = HostDraft {
            name: "web".into(),
            address: "192.0.2.1".into(),
            user: "ops".into(),
            identity: Identity::Password,
            ..HostDraft::default()
        };
        let secret = NewSecret { kind: SecretKind::Password, value: "hunter2".into() };
        engine.call(HostSave { id: None, draft, secrets: vec![secret], typed_name: None }).await.unwrap();
        secrets.refuse(Some(protocol::Fault::new(FaultCode::KeyringLocked, "the keyring is locked")));
        engine.call(HostRemove { host: "web".into(), typed_name: None }).await.unwrap();
        let page = engine.call(OperationsList { filter: OperationFilter::default() }).await.unwrap();
        let summary = &page.operations[0].summary;
        assert!(summary.contains("stay in the keyring") && summary.contains("locked"), "{summary}");
        assert!(!summary.contains("hunter2"));
    }
}
