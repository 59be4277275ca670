//! The way out: lines that wait for the one thread that writes.
//!
//! Whoever sends an answer waits until it is written, so a slow reader gets fewer pushes, not a
//! longer queue. A line is made only when it is its turn and the queue is short: what waits for a
//! slow reader is little, whoever asked for how much.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::wire::{LINE_LIMIT_BYTES, Line};

use super::frame::to_frame;
use crate::stop::Stop;

/// Lines that nobody waits for: Hello, and what is answered at once.
const OFFERED_LIMIT: usize = 256;
/// So long there may be no room for a further one.
const OFFER_TIME: Duration = Duration::from_secs(1);
/// No further line is made while more than this waits to be written.
const QUEUE_LIMIT_BYTES: usize = 256 << 10;
/// How often one who waits for a slow reader looks whether to stop.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines ever put in, and ever written.
    put: u64,
    written: u64,
    closed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Output {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Held by the one whose line is made next.
    turn: Mutex<()>,
}

impl Output {
    /// Puts a line in and waits until it is written; false if it never will be.
    pub(super) fn send(&self, line: Line) -> bool {
        self.send_unless(line, &Stop::default())
    }

    /// The same, but waits no longer than until the sign to stop.
    pub(super) fn send_unless(&self, line: Line, stop: &Stop) -> bool {
        self.send_made(|| to_frame(line, LINE_LIMIT_BYTES), stop)
    }

    /// The same with a line that is made when there is room for it.
    pub(super) fn send_made(&self, make: impl FnOnce() -> Vec<u8>, stop: &Stop) -> bool {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queue = self.lock();
        while queue.bytes > QUEUE_LIMIT_BYTES && !queue.closed && !stop.is_stopped() {
            queue = self.changed.wait_timeout(queue, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        if queue.closed || stop.is_stopped() && queue.bytes > QUEUE_LIMIT_BYTES {
            return false;
        }
        drop(queue);
        let bytes = make();
        let mut queue = self.lock();
        if queue.closed {
            return false;
        }
        queue.push(bytes);
        let ticket = queue.put;
        self.changed.notify_all();
        drop(turn);
        while queue.written < ticket && !queue.closed {
            queue = self.changed.wait_timeout(queue, LOOK).unwrap_or_else(PoisonError::into_inner).0;
            if stop.is_stopped() {
                break;
            }
        }
        queue.written >= ticket
    }

    /// Puts a short line in without waiting until it is written; false if nobody made room for it.
    pub(super) fn offer(&self, line: Line) -> bool {
        let bytes = to_frame(line, LINE_LIMIT_BYTES);
        let until = Instant::now() + OFFER_TIME;
        let mut queue = self.lock();
        while !queue.closed && queue.lines.len() >= OFFERED_LIMIT {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if queue.closed {
            return false;
        }
        queue.push(bytes);
        self.changed.notify_all();
        true
    }

    /// Writes until it is closed or the other end is gone.
    pub(super) fn write_to(&self, mut output: impl Write) {
        let mut queue = self.lock();
        while !queue.closed {
            let Some(bytes) = queue.lines.pop_front() else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(queue);
            let written = output.write_all(&bytes).and_then(|()| output.flush());
            queue = self.lock();
            queue.bytes -= bytes.len();
            if written.is_ok() {
                queue.written += 1;
            } else {
                queue.closed = true;
            }
            self.changed.notify_all();
        }
    }

    /// Waits until all is written, at the longest until then.
    pub(super) fn wait_empty(&self, until: Instant) {
        let mut queue = self.lock();
        while queue.written < queue.put && !queue.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets everyone who waits go; nothing more is written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.lines.push_back(bytes);
        self.put += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_waits_for_a_reader_who_does_not_read_is_little_however_many_send() {
        let output = Arc::new(Output::default());
        let made = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..20)
            .map(|_| {
                let (output, made) = (output.clone(), made.clone());
                std::thread::spawn(move || {
                    let line = || {
                        made.fetch_add(1, Ordering::SeqCst);
                        vec![b'x'; QUEUE_LIMIT_BYTES]
                    };
                    output.send_made(line, &Stop::default())
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(made.load(Ordering::SeqCst), 2, "one to the limit and one over it");
        let sink = std::thread::spawn({
            let output = output.clone();
            move || output.write_to(std::io::sink())
        });
        assert!(senders.into_iter().all(|sender| sender.join().unwrap()), "all come in the end");
        output.close();
        sink.join().unwrap();
    }
}
