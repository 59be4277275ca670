//! `Changed`: how a source says that a table changed now.
//!
//! Whoever learns of a change by itself, such as from a signal of a bus, calls `tell` with the noun:
//! every subscription to that table reads it and sends what changed at once, not at its interval. A
//! storm of changes costs no more than a reading each `INTERVAL_MIN` of `serve`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::stop::Stop;

/// A noun whose table can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Processes,
    Sockets,
    Services,
}

/// The subscriptions to tables, by noun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changed {
    subscriptions: Arc<Mutex<Vec<(u64, Noun, Stop)>>>,
}

/// A subscription that is told of changes until this is dropped.
pub(crate) struct Subscribed {
    changed: Changed,
    number: u64,
}

impl Changed {
    /// Nudges the subscription at each change from now on.
    pub(crate) fn subscribe(&self, noun: Noun, subscription: &Stop) -> Subscribed {
        let mut all = self.lock();
        let number = all.last().map_or(0, |(number, _, _)| number + 1);
        all.push((number, noun, subscription.clone()));
        Subscribed { changed: self.clone(), number }
    }

    /// The table is another one now.
    pub(crate) fn tell(&self, noun: Noun) {
        self.lock().iter().filter(|(_, of, _)| *of == noun).for_each(|(_, _, stop)| stop.nudge(false));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Noun, Stop)>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.changed.lock().retain(|(number, _, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Woken;
    use std::time::Duration;

    #[test]
    fn a_change_reaches_the_subscriptions_to_that_table_alone_and_none_that_ended() {
        let (changed, link) = (Changed::default(), Stop::default());
        let (services, sockets, ended) = (link.another(), link.another(), link.another());
        let _services = changed.subscribe(Noun::Services, &services);
        let _sockets = changed.subscribe(Noun::Sockets, &sockets);
        drop(changed.subscribe(Noun::Services, &ended));
        changed.tell(Noun::Services);
        let woken = |stop: &Stop| stop.wait_for_nudge(Duration::ZERO);
        assert_eq!(woken(&services), Woken::Nudged { whole: false });
        assert_eq!((woken(&sockets), woken(&ended)), (Woken::TimeOver, Woken::TimeOver));
    }
}
