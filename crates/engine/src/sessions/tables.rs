//! The tables of a session's host: read once, or kept up to date while a view looks at them.
//!
//! A view that asks again and again makes the session subscribe: the host then sends the table once
//! and after that only what changed, and every question is answered from what is kept here. When no
//! view has asked for a while, the subscription ends, and the host has no more work with it. After
//! a cut the next question subscribes anew and waits for the whole table. A line that is missing is
//! mended by asking for the whole; until then the last table is shown with its age.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol::delta::{Kept, News, Table, Taken};
use protocol::ipc::Event;
use protocol::link::Rights;
use protocol::processes::ProcessTable;
use protocol::services::ServiceTable;
use protocol::sockets::SocketTable;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::session::{ANSWER_LIMIT, Live, Session, locked, named, odd_answer};
use crate::helper::{Link, Subscription};
use crate::snapshot::Snapshots;

/// How long a table that was read once answers further questions.
const FRESH: Duration = Duration::from_millis(900);
/// How long it answers further searches over all hosts: a person types on.
const FRESH_FOR_SEARCH: Duration = Duration::from_secs(5);
/// A host that is just being connected to does not hold a search up.
const LOOK_FOR_LINK: Duration = Duration::from_millis(20);
/// A subscription ends when nobody has asked for so long; views ask every few seconds.
const UNWATCH: Duration = Duration::from_secs(10);
/// A table that is watched and was not heard of for so long is shown as stale.
const LATE: Duration = Duration::from_secs(10);
/// How often a watched table is written to the snapshot.
const KEEP: Duration = Duration::from_secs(10);
/// Before a whole is asked for once more.
const MEND_AGAIN: Duration = Duration::from_secs(2);
/// Lines until a table shows for certain what an action changed: the next may have been read before.
const LINES_AFTER_ACTION: u8 = 2;

/// A table that a helper sends.
pub(crate) trait Tabled: Table + Send + Sync + 'static {
    /// How often it is sent while a view looks at it.
    const INTERVAL_MS: u32;

    fn ask(interval_ms: Option<u32>) -> Ask;
    fn whole(answer: Answer) -> Result<Self, Answer>;
    fn news(answer: Answer) -> Result<News<Self>, Answer>;
    fn board(session: &Session) -> &Board<Self>;
    /// What views are told when rows changed; `None` for a table that changes all the time.
    fn event(host: &str) -> Option<Event> {
        let _ = host;
        None
    }
    fn keep(
        self,
        snapshots: &Snapshots,
        host_id: &str,
        received_ms: i64,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A table with the time at which it was heard.
#[derive(Clone, Debug)]
pub(crate) struct Reading<T: Table> {
    kept: Arc<Kept<T>>,
    heard: Instant,
    pub(crate) received_ms: i64,
    /// With whose rights it was read.
    pub(crate) rights: Rights,
}

impl<T: Table> Reading<T> {
    pub(crate) fn table(&self) -> &T {
        self.kept.table()
    }

    /// True if a newer one should have come.
    pub(crate) fn is_late(&self) -> bool {
        self.heard.elapsed() > LATE
    }
}

impl<T: Table> AsRef<T> for Reading<T> {
    fn as_ref(&self) -> &T {
        self.table()
    }
}

/// Where the newest table of one noun is shown.
pub(crate) struct Board<T: Table> {
    shown: watch::Sender<Shown<T>>,
    pub(super) watcher: Mutex<Option<JoinHandle<()>>>,
    refresh: Notify,
    once: Mutex<Option<Reading<T>>>,
    /// The last answer to a search over all hosts.
    searched: Mutex<Option<Reading<T>>>,
}

struct Shown<T: Table> {
    reading: Option<Reading<T>>,
    /// Of the link that sends it.
    rights: Rights,
    fault: Option<Fault>,
    /// When a view asked last.
    asked: Option<Instant>,
    /// Lines to come before what is shown counts again.
    outdated_lines: u8,
}

impl<T: Table> Default for Board<T> {
    fn default() -> Self {
        let rights = Rights::default();
        let shown = Shown { reading: None, rights, fault: None, asked: None, outdated_lines: 0 };
        Self {
            shown: watch::Sender::new(shown),
            watcher: Mutex::default(),
            refresh: Notify::new(),
            once: Mutex::default(),
            searched: Mutex::default(),
        }
    }
}

impl<T: Tabled> Board<T> {
    /// True while the host sends it.
    pub(super) fn is_watched(&self) -> bool {
        locked(&self.watcher).as_ref().is_some_and(|watcher| !watcher.is_finished())
    }

    /// What is shown is from before an action: the host is asked for a newer one.
    pub(super) fn outdate(&self) {
        *locked(&self.once) = None;
        *locked(&self.searched) = None;
        self.shown.send_modify(|shown| shown.outdated_lines = LINES_AFTER_ACTION);
        self.refresh.notify_one();
    }

    /// Takes a line; true if one before it is missing.
    fn take(&self, seq: u64, news: News<T>, received_ms: i64) -> bool {
        let mut is_torn = false;
        self.shown.send_modify(|shown| {
            let now = Instant::now();
            let rights = &shown.rights;
            let reading = shown.reading.get_or_insert_with(|| Reading {
                kept: Arc::default(),
                heard: now,
                received_ms,
                rights: rights.clone(),
            });
            match Arc::make_mut(&mut reading.kept).take(seq, news) {
                Taken::Current => {
                    (reading.heard, reading.received_ms) = (now, received_ms);
                    shown.outdated_lines = shown.outdated_lines.saturating_sub(1);
                }
                Taken::Repeated => {}
                Taken::Torn => is_torn = true,
            }
        });
        is_torn
    }

    /// Time until the subscription ends if nobody asks meanwhile; `None` if it is over.
    fn watched_for(&self) -> Option<Duration> {
        // Somebody who waits for the first line asks all the time.
        if self.shown.receiver_count() > 0 {
            return Some(UNWATCH);
        }
        let asked = self.shown.borrow().asked?;
        UNWATCH.checked_sub(asked.elapsed()).filter(|left| !left.is_zero())
    }

    #[cfg(test)]
    pub(super) fn holds_a_table(&self) -> bool {
        self.reading().is_some() || locked(&self.once).is_some() || locked(&self.searched).is_some()
    }

    /// As if nobody had asked.
    #[cfg(test)]
    pub(super) fn forget_when_asked(&self) {
        self.shown.send_modify(|shown| shown.asked = None);
    }

    /// Lets go of tables that answer nothing any more, or of all that nobody watches once the link has ended:
    /// each host would keep its last ones for good.
    pub(super) fn forget(&self, is_over: bool) {
        for (slot, fresh) in [(&self.once, FRESH), (&self.searched, FRESH_FOR_SEARCH)] {
            let mut slot = locked(slot);
            if slot.as_ref().is_some_and(|reading| is_over || reading.heard.elapsed() >= fresh) {
                *slot = None;
            }
        }
        // Held while it is looked at, so that nobody begins to watch meanwhile.
        let watcher = locked(&self.watcher);
        let is_watched = watcher.as_ref().is_some_and(|watcher| !watcher.is_finished());
        if !is_watched && self.watched_for().is_none() {
            self.shown.send_if_modified(|shown| {
                shown.reading = None;
                false
            });
        }
    }

    fn reading(&self) -> Option<Reading<T>> {
        self.shown.borrow().reading.clone()
    }
}

impl Session {
    /// The table for a view that will ask again soon: the host is subscribed to.
    pub(crate) async fn watch_table<T: Tabled>(self: &Arc<Self>) -> Result<Reading<T>, Fault> {
        let board = T::board(self);
        self.live().await?;
        let mut shown = board.shown.subscribe();
        board.shown.send_modify(|shown| shown.asked = Some(Instant::now()));
        self.begin_to_watch(board);
        let ready = shown.wait_for(|shown| {
            shown.fault.is_some() || shown.reading.as_ref().is_some_and(|reading| reading.kept.is_begun())
        });
        let (reading, is_outdated) = match tokio::time::timeout(ANSWER_LIMIT, ready).await {
            Ok(Ok(shown)) => match (&shown.fault, &shown.reading) {
                (Some(fault), _) => return Err(fault.clone()),
                (None, Some(reading)) => (reading.clone(), shown.outdated_lines > 0),
                (None, None) => return Err(self.silent()),
            },
            Ok(Err(_)) | Err(_) => return Err(self.silent()),
        };
        drop(shown);
        if is_outdated { self.read_table().await } else { Ok(reading) }
    }

    /// The table as it is now, read once.
    pub(crate) async fn read_table<T: Tabled>(self: &Arc<Self>) -> Result<Reading<T>, Fault> {
        let once = &T::board(self).once;
        if let Some(reading) = locked(once).as_ref().filter(|reading| reading.heard.elapsed() < FRESH) {
            return Ok(reading.clone());
        }
        let reading = self.ask_table(T::ask(None)).await?;
        *locked(once) = Some(reading.clone());
        Ok(reading)
    }

    /// The answer to one question for a table, kept in the snapshot too.
    pub(super) async fn ask_table<T: Tabled>(self: &Arc<Self>, ask: Ask) -> Result<Reading<T>, Fault> {
        let (answer, rights) = self.ask_seen(ask, ANSWER_LIMIT).await?;
        let table = T::whole(answer).map_err(|other| odd_answer(&other))?;
        let received_ms = self.ground.clock.now_ms();
        // What a host may take of the memory holds for one answer too.
        let mut kept = Kept::default();
        kept.take(1, News::Whole { generation: 0, table });
        kept.table().clone().keep(&self.ground.snapshots, &self.host().id, received_ms).await?;
        Ok(Reading { kept: Arc::new(kept), heard: Instant::now(), received_ms, rights })
    }

    /// The table if the link is up, without connecting and without root: what is kept up to date or was
    /// read a moment ago, else the answer to one question where one may be asked.
    pub(crate) async fn table_without_connecting<T: Tabled>(
        self: &Arc<Self>,
        may_ask: bool,
        limit: Duration,
    ) -> Option<Reading<T>> {
        let live = self.look_for_link().await?;
        let board = T::board(self);
        let watched = board.reading().filter(|reading| reading.kept.is_begun() && !reading.is_late());
        if let Some(reading) = watched.filter(|_| board.is_watched()) {
            return Some(reading);
        }
        let fresh = |reading: &&Reading<T>| reading.heard.elapsed() < FRESH_FOR_SEARCH;
        if let Some(reading) = locked(&board.searched).as_ref().filter(fresh) {
            return Some(reading.clone());
        }
        if !may_ask {
            return None;
        }
        let reading = self.ask_over(&live.link, T::ask(None), limit).await?;
        *locked(&board.searched) = Some(reading.clone());
        Some(reading)
    }

    /// The sockets with those of unix if the link is up, on the same terms. Nothing keeps them, so the host
    /// is asked each time.
    pub(crate) async fn unix_sockets_without_connecting(
        self: &Arc<Self>,
        limit: Duration,
    ) -> Option<Reading<SocketTable>> {
        let live = self.look_for_link().await?;
        self.ask_over(&live.link, Ask::Sockets { interval_ms: None, unix: true }, limit).await
    }

    /// The link if it is up, looked at for a moment.
    async fn look_for_link(&self) -> Option<Arc<Live>> {
        let slot = tokio::time::timeout(LOOK_FOR_LINK, self.live.lock()).await.ok()?;
        slot.as_ref().filter(|live| !live.is_closed()).cloned()
    }

    /// One question over this link, with the rights that it has.
    async fn ask_over<T: Tabled>(&self, link: &Link, ask: Ask, limit: Duration) -> Option<Reading<T>> {
        let table = T::whole(link.ask(ask, limit).await.ok()?).ok()?;
        let mut kept = Kept::default();
        kept.take(1, News::Whole { generation: 0, table });
        let (heard, received_ms) = (Instant::now(), self.ground.clock.now_ms());
        let who = &link.hello().host;
        let rights = Rights { user: who.user.clone(), is_root: who.uid == 0, refused: None };
        Some(Reading { kept: Arc::new(kept), heard, received_ms, rights })
    }

    fn begin_to_watch<T: Tabled>(self: &Arc<Self>, board: &Board<T>) {
        let mut watcher = locked(&board.watcher);
        if watcher.as_ref().is_some_and(|watcher| !watcher.is_finished()) {
            return;
        }
        board.shown.send_modify(|shown| {
            (shown.reading, shown.fault, shown.outdated_lines) = (None, None, 0);
        });
        let session = self.clone();
        *watcher = Some(tokio::spawn(async move {
            let ask = T::ask(Some(T::INTERVAL_MS));
            let fault = match session.subscribe_seen(ask).await {
                Ok((lines, rights)) => {
                    T::board(&session).shown.send_modify(|shown| shown.rights = rights);
                    session.follow_table::<T>(lines).await
                }
                Err(fault) => Some(fault),
            };
            let fault = fault.map(|fault| named(fault, session.host()));
            T::board(&session).shown.send_modify(|shown| shown.fault = fault);
        }));
    }

    /// Takes the lines of a subscription until nobody asks any more or it ends, and gives the reason if
    /// there is one.
    pub(super) async fn follow_table<T: Tabled>(&self, mut lines: Subscription) -> Option<Fault> {
        let board = T::board(self);
        let (mut kept, mut mended) = (None::<Instant>, None::<Instant>);
        let ended = loop {
            let Some(left) = board.watched_for() else { break None };
            tokio::select! {
                line = lines.recv() => match line {
                    Some(Ok((seq, answer))) => {
                        let news = match T::news(answer) {
                            Ok(news) => news,
                            Err(other) => break Some(odd_answer(&other)),
                        };
                        let is_torn = self.take_line(seq, news);
                        if is_torn && mended.is_none_or(|at| at.elapsed() >= MEND_AGAIN) {
                            mended = Some(Instant::now());
                            lines.refresh(true);
                        }
                        if kept.is_none_or(|at| at.elapsed() >= KEEP) {
                            kept = Some(Instant::now());
                            self.keep_table(board).await;
                        }
                    }
                    Some(Err(fault)) => break Some(fault),
                    None => break Some(self.silent()),
                },
                () = board.refresh.notified() => lines.refresh(false),
                () = tokio::time::sleep(left) => {}
            }
        };
        self.keep_table(board).await;
        ended
    }

    /// Takes one line, and tells views if it has other rows; true if a line before it is missing.
    fn take_line<T: Tabled>(&self, seq: u64, news: News<T>) -> bool {
        let event = news.has_rows().then(|| T::event(&self.host().name)).flatten();
        let is_torn = T::board(self).take(seq, news, self.ground.clock.now_ms());
        if let Some(event) = event {
            // Nobody listening is no fault.
            let _ = self.ground.events.send(event);
        }
        is_torn
    }

    async fn keep_table<T: Tabled>(&self, board: &Board<T>) {
        let Some(reading) = board.reading().filter(|reading| reading.kept.is_begun()) else { return };
        let table = reading.table().clone();
        let kept = table.keep(&self.ground.snapshots, &self.host().id, reading.received_ms).await;
        if let Err(fault) = kept {
            tracing::warn!(host = %self.host().name, code = ?fault.code, "a table was not kept");
        }
    }

    fn silent(&self) -> Fault {
        let name = &self.host().name;
        Fault::new(FaultCode::TimedOut, format!("the helper on {name} stopped sending the table"))
            .on_host(name)
    }
}

impl Tabled for ProcessTable {
    const INTERVAL_MS: u32 = 2_000;

    fn ask(interval_ms: Option<u32>) -> Ask {
        Ask::Processes { interval_ms, detail: Vec::new() }
    }

    fn whole(answer: Answer) -> Result<Self, Answer> {
        if let Answer::Processes(table) = answer { Ok(table) } else { Err(answer) }
    }

    fn news(answer: Answer) -> Result<News<Self>, Answer> {
        if let Answer::ProcessNews(news) = answer { Ok(*news) } else { Err(answer) }
    }

    fn board(session: &Session) -> &Board<Self> {
        &session.processes
    }

    async fn keep(self, snapshots: &Snapshots, host_id: &str, received_ms: i64) -> Result<(), Fault> {
        snapshots.keep_processes(host_id, received_ms, self).await
    }
}

impl Tabled for SocketTable {
    const INTERVAL_MS: u32 = 2_000;

    fn ask(interval_ms: Option<u32>) -> Ask {
        Ask::Sockets { interval_ms, unix: false }
    }

    fn whole(answer: Answer) -> Result<Self, Answer> {
        if let Answer::Sockets(table) = answer { Ok(table) } else { Err(answer) }
    }

    fn news(answer: Answer) -> Result<News<Self>, Answer> {
        if let Answer::SocketNews(news) = answer { Ok(*news) } else { Err(answer) }
    }

    fn board(session: &Session) -> &Board<Self> {
        &session.sockets
    }

    async fn keep(self, snapshots: &Snapshots, host_id: &str, received_ms: i64) -> Result<(), Fault> {
        snapshots.keep_sockets(host_id, received_ms, self).await
    }
}

impl Tabled for ServiceTable {
    /// The helper tells at once when it learns of a change; this is for what nobody tells.
    const INTERVAL_MS: u32 = 3_000;

    fn ask(interval_ms: Option<u32>) -> Ask {
        Ask::Services { interval_ms }
    }

    fn event(host: &str) -> Option<Event> {
        Some(Event::Services { host: host.to_owned() })
    }

    fn whole(answer: Answer) -> Result<Self, Answer> {
        if let Answer::Services(table) = answer { Ok(table) } else { Err(answer) }
    }

    fn news(answer: Answer) -> Result<News<Self>, Answer> {
        if let Answer::ServiceNews(news) = answer { Ok(*news) } else { Err(answer) }
    }

    fn board(session: &Session) -> &Board<Self> {
        &session.services
    }

    async fn keep(self, snapshots: &Snapshots, host_id: &str, received_ms: i64) -> Result<(), Fault> {
        snapshots.keep_services(host_id, received_ms, self).await
    }
}
