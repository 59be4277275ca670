//! The number of failed units, for the metrics: asked at most every 10 s, and never waited for by
//! a sample that has one already.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::systemctl::Systemctl;
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

const FRESH: Duration = Duration::from_secs(10);
/// A first sample waits this long for the number, then goes without.
const FIRST_WAIT: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct State {
    asked: Option<Instant>,
    under_way: bool,
    failed: Option<u32>,
}

/// The last known number.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailedUnits {
    state: Arc<(Mutex<State>, Condvar)>,
}

impl FailedUnits {
    /// The number, at most about 10 s old; `None` where systemd does not run the host or does not
    /// answer.
    pub(crate) fn latest(&self, root: &Root, stop: &Stop) -> Option<u32> {
        if !root.is_live() || !root.has_systemd() {
            return None;
        }
        let (lock, done) = &*self.state;
        let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = state.asked.is_none();
        if !state.under_way && state.asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
            state.under_way = true;
            state.asked = Some(Instant::now());
            drop(state);
            self.ask(root.clone(), stop.clone());
            state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        }
        if is_first {
            let waited = done.wait_timeout_while(state, FIRST_WAIT, |state| state.under_way);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.failed
    }

    fn ask(&self, root: Root, stop: Stop) {
        let shared = Arc::clone(&self.state);
        let asking = std::thread::Builder::new().name("failed-units".into()).spawn(move || {
            let failed = count_failed(&root, &stop);
            let (lock, done) = &*shared;
            let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
            state.under_way = false;
            state.failed = failed.map_err(|error| crate::log::warn(&error.to_string())).ok();
            done.notify_all();
        });
        if asking.is_err() {
            let mut state = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.under_way = false;
        }
    }
}

fn count_failed(root: &Root, stop: &Stop) -> Result<u32, Error> {
    let args = ["list-units", "--all", "--state=failed", "--plain", "--no-legend", "--no-pager", "--full"];
    let text = Systemctl::of(root)?.ask(&args, stop)?;
    Ok(u32::try_from(text.lines().filter(|line| !line.trim().is_empty()).count()).unwrap_or(u32::MAX))
}
