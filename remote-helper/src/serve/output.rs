//! The way out: lines that wait for the one thread that writes.
//!
//! Whoever sends an answer waits until it is written. So there is at most one line for each request
//! under way, and a slow reader gets fewer pushes, not a longer queue.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::wire::{LINE_LIMIT_BYTES, Line};
use protocol::{Fault, FaultCode};

use crate::stop::Stop;

/// Lines that nobody waits for: Hello and faults about lines that are no requests.
const OFFERED_LIMIT: usize = 256;
/// How often one who waits for a slow reader looks whether to stop.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    /// Lines ever put in, and ever written.
    put: u64,
    written: u64,
    closed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Output {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Output {
    /// Puts a line in and waits until it is written; false if it never will be.
    pub(super) fn send(&self, line: &Line) -> bool {
        self.send_unless(line, &Stop::default())
    }

    /// The same, but waits no longer than until the sign to stop.
    pub(super) fn send_unless(&self, line: &Line, stop: &Stop) -> bool {
        let bytes = to_bytes(line);
        let mut queue = self.lock();
        if queue.closed {
            return false;
        }
        queue.lines.push_back(bytes);
        queue.put += 1;
        let ticket = queue.put;
        self.changed.notify_all();
        while queue.written < ticket && !queue.closed {
            queue = self.changed.wait_timeout(queue, LOOK).unwrap_or_else(PoisonError::into_inner).0;
            if stop.is_stopped() {
                break;
            }
        }
        queue.written >= ticket
    }

    /// Puts a short line in without waiting; false if too many wait already.
    pub(super) fn offer(&self, line: &Line) -> bool {
        let bytes = to_bytes(line);
        let mut queue = self.lock();
        if queue.closed || queue.lines.len() >= OFFERED_LIMIT {
            return false;
        }
        queue.lines.push_back(bytes);
        queue.put += 1;
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

/// One line of JSON. One that would be too long is told by a fault in its place.
fn to_bytes(line: &Line) -> Vec<u8> {
    let written = serde_json::to_vec(line);
    let mut bytes = match written {
        Ok(bytes) if bytes.len() < LINE_LIMIT_BYTES => bytes,
        Ok(_) | Err(_) => {
            let id = match line {
                Line::Hello(_) => 0,
                Line::Reply { id, .. }
                | Line::Push { id, .. }
                | Line::Fault { id, .. }
                | Line::End { id } => *id,
            };
            let fault = Fault::new(FaultCode::Internal, "the answer is longer than a line may be");
            serde_json::to_vec(&Line::Fault { id, fault }).unwrap_or_default()
        }
    };
    bytes.push(b'\n');
    bytes
}
