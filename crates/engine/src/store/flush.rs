//! sled's flush, waited for and not for ever.
//!
//! When a write of sled's own threads fails, who waits for it is told by a condition variable; seen under injected
//! errors, once in some hundred times that waiter sleeps on. Whoever flushes after it is told of the error at once
//! and wakes all who wait: so one that takes long is flushed beside.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::guard;

/// After so long one more is begun.
const BESIDE: Duration = Duration::from_secs(1);
/// A disk that has not answered by then is one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// As `sled::Db::flush`; `TimedOut` if it comes to no end.
pub(super) fn flush(db: &sled::Db) -> sled::Result<()> {
    let (answer, answered) = mpsc::channel();
    let begun = Instant::now();
    loop {
        begin(db, &answer)?;
        match answered.recv_timeout(BESIDE) {
            Ok(done) => return done,
            Err(RecvTimeoutError::Timeout) if begun.elapsed() < PATIENCE => {
                tracing::warn!("the disk takes long to write the store");
            }
            Err(_) => return Err(sled::Error::Io(io::ErrorKind::TimedOut.into())),
        }
    }
}

fn begin(db: &sled::Db, answer: &Sender<sled::Result<()>>) -> sled::Result<()> {
    let (db, answer) = (db.clone(), answer.clone());
    std::thread::Builder::new().name("store flush".into()).spawn(move || {
        // It takes the store with it, which is let go of before the answer: who is answered may close
        // the store and open it again.
        let done = guard::quietly(move || db.flush().map(drop));
        let done = done.unwrap_or_else(|panic| Err(sled::Error::ReportableBug(panic)));
        // An earlier one may have answered already.
        let _ = answer.send(done);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::open::try_sled;
    use super::*;

    #[test]
    fn what_was_written_is_flushed_and_the_store_can_be_opened_again_at_once() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..20u8 {
            // As the program opens it: a child that another test is just starting may hold the lock.
            let opened = try_sled(dir.path());
            let db = opened.map_err(|why| why.told(dir.path())).unwrap();
            assert_eq!(db.len(), usize::from(round));
            db.insert([round], &[round]).unwrap();
            flush(&db).unwrap();
        }
    }
}
