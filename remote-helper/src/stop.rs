//! `Stop`: how a request learns that nobody waits for it any more, or that somebody wants it now.
//!
//! Every request has its own; all of one link share a bell, so that the end of the link wakes each
//! wait at once and no thread has to ask again and again.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Bell {
    all: Mutex<bool>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct Own {
    stopped: AtomicBool,
    /// 0, or a nudge that was not heard yet.
    nudge: AtomicU8,
}

const NUDGED: u8 = 1;
const NUDGED_WHOLE: u8 = 2;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    TimeOver,
    Stopped,
    /// What it waits to do is wanted now; all of it, if `whole`.
    Nudged {
        whole: bool,
    },
}

/// A sign to stop, for one request or for all of a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    own: Arc<Own>,
    bell: Arc<Bell>,
}

impl Stop {
    /// A sign of its own that also ends with all the others.
    pub(crate) fn another(&self) -> Self {
        Self { own: Arc::default(), bell: Arc::clone(&self.bell) }
    }

    pub(crate) fn stop(&self) {
        let _all = self.bell.all.lock().unwrap_or_else(PoisonError::into_inner);
        self.own.stopped.store(true, Ordering::Release);
        self.bell.rung.notify_all();
    }

    pub(crate) fn stop_all(&self) {
        *self.bell.all.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.rung.notify_all();
    }

    /// Wakes `wait_for_nudge`, or makes the next one come back at once.
    pub(crate) fn nudge(&self, whole: bool) {
        let _all = self.bell.all.lock().unwrap_or_else(PoisonError::into_inner);
        self.own.nudge.fetch_max(if whole { NUDGED_WHOLE } else { NUDGED }, Ordering::AcqRel);
        self.bell.rung.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.own.stopped.load(Ordering::Acquire)
            || *self.bell.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits; true, and early, if it is to stop.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        self.wait_until(time, || None) == Woken::Stopped
    }

    /// Waits, less long if it is nudged meanwhile.
    pub(crate) fn wait_for_nudge(&self, time: Duration) -> Woken {
        self.wait_until(time, || match self.own.nudge.swap(0, Ordering::AcqRel) {
            0 => None,
            nudge => Some(Woken::Nudged { whole: nudge == NUDGED_WHOLE }),
        })
    }

    fn wait_until(&self, time: Duration, other: impl Fn() -> Option<Woken>) -> Woken {
        let until = Instant::now() + time;
        let mut all = self.bell.all.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *all || self.own.stopped.load(Ordering::Acquire) {
                return Woken::Stopped;
            }
            if let Some(woken) = other() {
                return woken;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Woken::TimeOver;
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

    #[test]
    fn a_nudge_is_heard_once_by_the_one_it_is_for_and_is_kept_until_then() {
        let link = Stop::default();
        let (one, other) = (link.another(), link.another());
        one.nudge(true);
        one.nudge(false);
        assert_eq!(one.wait_for_nudge(Duration::ZERO), Woken::Nudged { whole: true });
        assert_eq!(one.wait_for_nudge(Duration::ZERO), Woken::TimeOver);
        assert_eq!(other.wait_for_nudge(Duration::ZERO), Woken::TimeOver);
        one.nudge(false);
        assert!(!one.wait(Duration::ZERO), "it is no sign to stop");
        let waiting = std::thread::spawn({
            let other = other.clone();
            move || other.wait_for_nudge(Duration::from_secs(60))
        });
        other.nudge(false);
        assert_eq!(waiting.join().unwrap(), Woken::Nudged { whole: false });
    }
}
