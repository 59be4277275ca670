//! Where all of Muster's work runs.

use std::io;

use protocol::Fault;

use crate::error::internal;

/// Work that waits for a disk is held up by the disk, not by how few wait for it. Each thread has a stack and a
/// share of the allocator's memory, and where hundreds of hosts began at one moment none of hundreds of threads
/// would rest for long enough to end. What may wait for anything else has threads or turns of its own.
const BLOCKING_THREADS: usize = 16;

/// The same for the window and for `musterctl`.
///
/// # Errors
/// This computer gives no thread.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()
}

/// Does `work` on one of the few threads that may wait. The turn for it is held as long as the thread is, and not only
/// while somebody waits for what comes of it.
pub(crate) async fn in_turn<R: Send + 'static>(
    turn: impl Send + 'static,
    what: &'static str,
    work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
) -> Result<R, Fault> {
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|why| internal(what, why))?
}
