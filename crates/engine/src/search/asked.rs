//! Questions that are on their way to hosts: each host has one of a kind at a time, however often it is
//! asked meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use protocol::search::Subject;
use tokio::time::{Instant, timeout_at};

use super::{Known, heard};
use crate::sessions::Session;

/// The host, and what it is asked for.
type Key = (String, Subject);
type Asking = Shared<BoxFuture<'static, Option<Known>>>;

/// What a host that was asked has said by the time that there is.
pub(super) enum Said {
    Known(Known),
    /// It cannot tell.
    Nothing,
    /// It is silent so far.
    NotYet,
}

#[derive(Default)]
pub(super) struct Asked(Arc<Mutex<HashMap<Key, Asking>>>);

impl Asked {
    /// Asks a host. One that is silent goes on to be asked behind our back, and whoever wants the same of
    /// it meanwhile waits for the same answer: a person who types on sends it no more questions.
    pub(super) async fn ask(&self, session: Arc<Session>, subject: Subject, until: Instant) -> Said {
        let asking = self.asking((session.host().id.clone(), subject), session);
        match timeout_at(until, asking).await {
            Ok(Some(known)) => Said::Known(known),
            Ok(None) => Said::Nothing,
            Err(_) => Said::NotYet,
        }
    }

    fn asking(&self, key: Key, session: Arc<Session>) -> Asking {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended and is still here ended in no good way.
        if let Some(asking) = all.get(&key).filter(|asking| asking.peek().is_none()) {
            return asking.clone();
        }
        let (own, place) = (key.clone(), self.0.clone());
        let task = tokio::spawn(async move {
            let known = heard(&session, own.1, true).await;
            // A table that nobody waits for any more is not held.
            place.lock().unwrap_or_else(PoisonError::into_inner).remove(&own);
            known
        });
        let asking = task.map(|known| known.ok().flatten()).boxed().shared();
        all.insert(key, asking.clone());
        asking
    }
}
