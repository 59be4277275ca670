//! Where all of Muster's work runs.

use std::io;

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
