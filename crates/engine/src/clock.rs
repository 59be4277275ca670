//! The one file that asks the time. Everything else is given a `Clock`, so that tests set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Says what time it is, in milliseconds since 1970 UTC.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The clock of this computer.
    pub fn system() -> Self {
        Self { set: None }
    }

    /// A clock that stands until it is set.
    pub fn standing_at(now_ms: i64) -> Self {
        Self { set: Some(Arc::new(AtomicI64::new(now_ms))) }
    }

    /// Sets a standing clock; the computer's own clock stays as it is.
    pub fn set(&self, now_ms: i64) {
        if let Some(set) = &self.set {
            set.store(now_ms, Ordering::SeqCst);
        }
    }

    pub fn now_ms(&self) -> i64 {
        match &self.set {
            Some(set) => set.load(Ordering::SeqCst),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}
