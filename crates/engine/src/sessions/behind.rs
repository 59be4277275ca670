//! The hosts behind a jump host that was lost: its way is brought back once for all of them, and each
//! piece of news about it is one event that names them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use protocol::Fault;
use protocol::ipc::Event;
use protocol::link::LinkState;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::line::Made;
use super::retry::{back_off, comes_back};
use super::session::{Session, locked};
use crate::ssh::Connection;

/// Those who lost the same way learn of it within this time, and are told together.
const GATHER: Duration = Duration::from_millis(100);
/// For a host behind a lost one to let go of it.
const GATHER_AT_MOST: Duration = Duration::from_secs(2);

/// Who waits for the way through a host.
#[derive(Default)]
pub(super) struct Behind {
    waiting: Vec<Waiting>,
    bringing: Option<WeakShared<BoxFuture<'static, Made>>>,
}

struct Waiting {
    session: Weak<Session>,
    epoch: u64,
    told: bool,
}

/// Wakes whoever brings the way back.
#[derive(Default)]
pub(super) struct Hurry {
    joined: Notify,
    now: Notify,
}

impl Session {
    /// Waits until the way through this host is there again and gives the connection, which is kept
    /// while it is held. `who` was begun in `epoch`, and `again` is its person who does not want to wait.
    /// The connection that it `held` is let go of once it waits here, and so is told with the others.
    ///
    /// # Errors
    /// What a person must act on first; `who` has been told then.
    pub(super) async fn way_back(
        self: &Arc<Self>,
        who: &Arc<Session>,
        epoch: u64,
        lost: Fault,
        held: Option<Arc<Connection>>,
    ) -> Result<Arc<Connection>, Fault> {
        let bringing = {
            let mut behind = locked(&self.behind);
            behind.waiting.retain(|waiting| waiting.session.strong_count() > 0);
            behind.waiting.push(Waiting { session: Arc::downgrade(who), epoch, told: false });
            let under_way = behind.bringing.as_ref().and_then(WeakShared::upgrade);
            match under_way.filter(|bringing| bringing.peek().is_none()) {
                Some(bringing) => bringing,
                None => {
                    let lost = Fault { detail: Box::default(), ..lost.clone() };
                    let lost = lost.at_hop(&self.host.name);
                    let bringing: Shared<BoxFuture<'static, Made>> =
                        self.clone().bring_back(lost).boxed().shared();
                    behind.bringing = bringing.downgrade();
                    bringing
                }
            }
        };
        drop(held);
        let _leaves = Leaves { gate: self, who };
        self.hurry.joined.notify_one();
        let mut bringing = bringing;
        loop {
            tokio::select! {
                made = &mut bringing => return made,
                () = who.again.notified() => self.hurry.now.notify_one(),
            }
        }
    }

    async fn bring_back(self: Arc<Self>, mut lost: Fault) -> Made {
        let mut tries = 0;
        let since_ms = self.ground.clock.now_ms();
        self.all_let_go().await;
        loop {
            if !comes_back(lost.code) {
                self.tell_behind(&Session::unreached(&lost, since_ms, 0, None), true);
                return Err(lost);
            }
            tries += 1;
            let wait = back_off(tries);
            let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            let next_ms = Some(self.ground.clock.now_ms().saturating_add(wait_ms));
            let up = self.line_is_up.notified();
            let state = Session::unreached(&lost, since_ms, tries, next_ms);
            self.tell_behind(&state, true);
            let joining = async {
                loop {
                    self.hurry.joined.notified().await;
                    sleep(GATHER).await;
                    self.tell_behind(&state, false);
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = up => {}
                () = self.hurry.now.notified() => {}
                () = joining => {}
            }
            self.by_itself.store(true, Ordering::SeqCst);
            let made = self.connection().await;
            self.by_itself.store(false, Ordering::SeqCst);
            match made {
                Ok(connection) => return Ok(connection),
                Err(fault) => {
                    // One further out takes all of these with it; it is named by the fault itself.
                    lost = if fault.detail.hop.is_some() { fault } else { fault.at_hop(&self.host.name) };
                    lost.detail.host = None;
                }
            }
        }
    }

    /// Waits until nobody holds the lost connection any more, and so all behind it know.
    async fn all_let_go(&self) {
        let lost = locked(&self.line).made.clone();
        let gone = async {
            while lost.strong_count() > 0 {
                sleep(GATHER / 5).await;
            }
        };
        // One that is busy is told a moment later.
        let _ = timeout(GATHER_AT_MOST, gone).await;
        sleep(GATHER).await;
    }

    /// Shows one state for all that wait here, in one event.
    fn tell_behind(&self, state: &LinkState, anew: bool) {
        let mut hosts = Vec::new();
        for waiting in &mut locked(&self.behind).waiting {
            if waiting.told && !anew {
                continue;
            }
            waiting.told = true;
            let session = waiting.session.upgrade();
            if let Some(session) = session.filter(|session| session.show_quietly(waiting.epoch, state)) {
                hosts.push(session.host.name.clone());
            }
        }
        if !hosts.is_empty() {
            hosts.sort();
            // One further out may be the one that is lost.
            let hop = state.fault().and_then(|fault| fault.detail.hop.clone());
            let hop = hop.unwrap_or_else(|| self.host.name.clone());
            // Nobody listening is no fault.
            let _ = self.ground.events.send(Event::LinksBehind { hop, hosts, state: state.clone() });
        }
    }
}

/// Waits no longer when it is dropped.
struct Leaves<'a> {
    gate: &'a Session,
    who: &'a Arc<Session>,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        let who = Arc::downgrade(self.who);
        locked(&self.gate.behind).waiting.retain(|waiting| !waiting.session.ptr_eq(&who));
    }
}
