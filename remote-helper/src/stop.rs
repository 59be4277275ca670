//! `Stop`: how a request learns that nobody waits for it any more.
//!
//! Every request has its own; all of one link share a bell, so that the end of the link wakes each
//! wait at once and no thread has to ask again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Bell {
    all: Mutex<bool>,
    rung: Condvar,
}

/// A sign to stop, for one request or for all of a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    own: Arc<AtomicBool>,
    bell: Arc<Bell>,
}

impl Stop {
    /// A sign of its own that also ends with all the others.
    pub(crate) fn another(&self) -> Self {
        Self { own: Arc::default(), bell: Arc::clone(&self.bell) }
    }

    pub(crate) fn stop(&self) {
        let _all = self.bell.all.lock().unwrap_or_else(PoisonError::into_inner);
        self.own.store(true, Ordering::Release);
        self.bell.rung.notify_all();
    }

    pub(crate) fn stop_all(&self) {
        *self.bell.all.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.rung.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.own.load(Ordering::Acquire) || *self.bell.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits; true, and early, if it is to stop.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut all = self.bell.all.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *all || self.own.load(Ordering::Acquire) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            all = self.bell.rung.wait_timeout(all, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_at_once_when_its_own_or_the_common_sign_is_given() {
        for common in [false, true] {
            let link = Stop::default();
            let (one, other) = (link.another(), link.another());
            let waiting = {
                let one = one.clone();
                std::thread::spawn(move || one.wait(Duration::from_secs(60)))
            };
            if common {
                link.stop_all()
            } else {
                one.stop()
            }
            assert!(waiting.join().unwrap(), "the wait must tell why it ended");
            assert_eq!(other.is_stopped(), common, "one request's end is not that of another");
        }
    }
}
