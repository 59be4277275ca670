//! sessions: one link per host, shared by every view and every command.
//!
//! A session connects when something asks for it, never because a page was opened. While it is
//! kept (`keep`), it streams metrics, remembers the last ten minutes, renews the snapshot that is
//! read offline, and comes back by itself after a cut. What a person must decide, such as a changed
//! host key, is never tried again by itself.

mod asking;
mod behind;
mod connect;
#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod fleet_tests;
#[cfg(test)]
mod hostile_tests;
mod keep;
mod line;
mod machine;
mod placing;
mod processes;
mod read;
mod reboot;
mod recent;
mod residue;
#[cfg(test)]
mod resume_tests;
mod retry;
mod root;
#[cfg(test)]
mod search_tests;
mod session;
mod sign_ins;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod turned_away_tests;
mod turns;
mod wake;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use protocol::hosts::Host;
use protocol::ipc::Event;
use protocol::link::LinkState;
use tokio::sync::broadcast;

pub(crate) use asking::Given;
pub use asking::{Listening, Questions};
pub(crate) use session::odd_answer;
pub use session::{Live, Session, then};
pub(crate) use tables::{Reading, Tabled};
pub use wake::OwnDoing;

use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::hosts::Hosts;
use crate::operations::Operations;
use crate::snapshot::Snapshots;
use crate::trust::Trust;

type ById = Mutex<HashMap<String, Arc<Session>>>;

/// What a session works with.
pub(crate) struct Ground {
    pub(crate) clock: Clock,
    pub(crate) hosts: Hosts,
    pub(crate) trust: Trust,
    pub(crate) credentials: Credentials,
    pub(crate) operations: Operations,
    pub(crate) snapshots: Snapshots,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) questions: Questions,
    sign_ins: sign_ins::SignIns,
    turns: turns::Turns,
    /// For a session to find the one of its jump host.
    by_id: Weak<ById>,
}

/// All sessions, by the id of their host.
pub struct Sessions {
    ground: Arc<Ground>,
    by_id: Arc<ById>,
}

impl Sessions {
    pub fn new(
        clock: Clock,
        hosts: Hosts,
        trust: Trust,
        credentials: Credentials,
        operations: Operations,
        snapshots: Snapshots,
        events: broadcast::Sender<Event>,
    ) -> Self {
        let by_id = Arc::<ById>::default();
        let questions = Questions::new(clock.clone(), events.clone());
        let (turns, weak) = (turns::Turns::new(), Arc::downgrade(&by_id));
        let sign_ins = sign_ins::SignIns::new(operations.clone());
        let ground = Ground {
            clock,
            hosts,
            trust,
            credentials,
            operations,
            snapshots,
            events,
            questions,
            sign_ins,
            turns,
            by_id: weak,
        };
        tokio::spawn(wake::watch(Arc::downgrade(&by_id), wake::slept, wake::LOOK_EVERY));
        Self { ground: Arc::new(ground), by_id }
    }

    /// What is asked of a person while hosts are signed in to.
    pub fn questions(&self) -> &Questions {
        &self.ground.questions
    }

    /// The session of a host, made if there is none. A host that is reached in another way than
    /// before gets a new one.
    pub fn of(&self, host: &Host) -> Arc<Session> {
        session_of(&self.by_id, &self.ground, host)
    }

    /// The session of a host if there is one.
    pub fn find(&self, host_id: &str) -> Option<Arc<Session>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner).get(host_id).cloned()
    }

    /// How each of them stands, by the name of its host.
    pub(crate) fn states(&self) -> Vec<(String, LinkState)> {
        let by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        by_id.values().map(|session| (session.host().name.clone(), session.state())).collect()
    }

    /// Signs in to a host once, as it would be with these settings, and lets go of it again.
    pub(crate) async fn prove(&self, host: &Host) -> Result<(), protocol::Fault> {
        let connection = Session::new(host.clone(), self.ground.clone()).reach().await?;
        connection.close().await;
        Ok(())
    }

    /// Ends the session of a host that is reached in another way now; one that was kept is kept by the new way.
    pub(crate) fn renew(&self, host: &Host) {
        let kept = self.find(&host.id).filter(|session| session.is_kept());
        self.end(&host.id);
        if let Some(before) = kept {
            let interval_ms = *before.interval_ms.borrow();
            self.of(host).keep(interval_ms);
        }
    }

    /// Every host that is kept sends its samples at another interval from now on.
    pub(crate) fn set_interval(&self, interval_ms: u32) {
        for session in self.by_id.lock().unwrap_or_else(PoisonError::into_inner).values() {
            session.set_interval(interval_ms);
        }
    }

    /// Ends the session of a host that was changed or removed.
    pub fn end(&self, host_id: &str) {
        if let Some(session) = self.by_id.lock().unwrap_or_else(PoisonError::into_inner).remove(host_id) {
            session.disconnect();
            session.end_line();
        }
    }

    /// Ends the sessions of every host at this address and port.
    pub fn end_at(&self, address: &str, port: u16) {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        by_id.retain(|_, session| {
            let host = session.host();
            let stays = host.port != port || !host.address.eq_ignore_ascii_case(address);
            if !stays {
                session.disconnect();
                session.end_line();
            }
            stays
        });
    }

    /// Waits until the sign-ins so far are in the log.
    pub async fn signed_in(&self) {
        self.ground.sign_ins.written().await;
    }

    /// Ends all of them, each with a word to its host.
    pub async fn end_all(&self) {
        let all: Vec<_> = self
            .by_id
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain()
            .map(|(_, session)| session)
            .collect();
        for session in &all {
            session.disconnect();
        }
        futures::future::join_all(all.iter().map(|session| session.ended())).await;
        self.signed_in().await;
    }
}

fn session_of(by_id: &ById, ground: &Arc<Ground>, host: &Host) -> Arc<Session> {
    let mut by_id = by_id.lock().unwrap_or_else(PoisonError::into_inner);
    match by_id.get(&host.id) {
        Some(session) if session.host().has_link_of(host) => session.clone(),
        old => {
            if let Some(old) = old {
                old.disconnect();
                old.end_line();
            }
            let session = Session::new(host.clone(), ground.clone());
            by_id.insert(host.id.clone(), session.clone());
            session
        }
    }
}
