//! How many sign-ins go on at the same time: over all hosts, so that this computer is not starved, and
//! to one sshd, so that its MaxStartups (sshd_config(5)) is not tripped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Over all hosts. Waiting for a host that does not answer costs nothing, so that a few that are down
/// must not hold up the others.
const AT_ONCE: usize = 64;
/// To one address and port. sshd refuses some of those beyond 10 that are not signed in yet.
const TO_ONE_SSHD: usize = 6;

pub(super) struct Turns {
    all: Arc<Semaphore>,
    by_sshd: Mutex<HashMap<(String, u16), Arc<Semaphore>>>,
}

/// Held through one sign-in.
pub(super) struct Turn {
    _one: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), by_sshd: Mutex::default() }
    }

    /// Waits for a turn; `None` only if the program ends.
    pub(super) async fn take(&self, address: &str, port: u16) -> Option<Turn> {
        // The own sshd first: who waits for that holds up nobody else.
        let one = self.of(address, port).acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Turn { _one: one, _all: all })
    }

    fn of(&self, address: &str, port: u16) -> Arc<Semaphore> {
        let mut by_sshd = self.by_sshd.lock().unwrap_or_else(PoisonError::into_inner);
        // One that nobody holds or waits for is as good as a new one.
        by_sshd.retain(|_, turns| Arc::strong_count(turns) > 1);
        let place = (address.to_lowercase(), port);
        by_sshd.entry(place).or_insert_with(|| Arc::new(Semaphore::new(TO_ONE_SSHD))).clone()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_busy_sshd_does_not_hold_up_the_others() {
        let turns = Turns::new();
        let mut held = Vec::new();
        for _ in 0..TO_ONE_SSHD {
            held.push(turns.take("Web", 22).await.unwrap());
        }
        assert!(turns.take("web", 22).now_or_never().is_none(), "names ignore case");
        assert!(turns.take("web", 2222).now_or_never().is_some());
        held.pop();
        assert!(turns.take("web", 22).now_or_never().is_some());
    }

    #[tokio::test]
    async fn all_together_are_limited_too_and_no_list_grows() {
        let turns = Turns::new();
        let mut held = Vec::new();
        for number in 0..AT_ONCE {
            held.push(turns.take(&format!("host-{number}"), 22).await.unwrap());
        }
        tokio::task::yield_now().await;
        assert!(turns.take("another", 22).now_or_never().is_none());
        held.clear();
        // A task may take only so much at a time.
        tokio::task::yield_now().await;
        assert!(turns.take("another", 22).now_or_never().is_some());
        assert_eq!(turns.by_sshd.lock().unwrap().len(), 1);
    }
}
