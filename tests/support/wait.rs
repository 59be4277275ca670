//! Waiting for something to become true, with a limit and a sentence for when it does not.

use std::thread;
use std::time::{Duration, Instant};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until there is an answer; after `limit` the test ends with `what` it waited for.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {} s in vain for {what}", limit.as_secs());
        thread::sleep(LOOK);
    }
}

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
