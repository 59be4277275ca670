//! The wire: Hello, then an answer to each request, by its id, in any order.
//!
//! One thread reads, one writes, and each request has its own, so a long command delays nothing.
//! The main thread only waits for events, and neither reads nor writes: so it notices at once that
//! stdin ended or stdout broke, whatever the others are blocked in, and returns in time. What is
//! still blocked then ends with the process.

mod frame;
mod lines;
mod output;
mod pushes;
mod requests;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use protocol::wire::Line;

use crate::error::Error;
use crate::machine::Machine;
use crate::priority::STACK_BYTES;
use crate::root::Root;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use lines::check as check_lines;
use lines::{Given, LineReader};
use output::Output;
use requests::Requests;

/// After stdin has ended, short answers that are under way still get this long.
const LAST_ANSWERS: Duration = Duration::from_millis(1_500);
/// Then children are ended; a second of grace before SIGKILL is part of this.
const LAST_CHILDREN: Duration = Duration::from_millis(2_500);
/// And what is in the queue gets this long to leave.
const LAST_LINES: Duration = Duration::from_millis(300);

enum Event {
    Given(Given),
    InputEnded,
    OutputBroke,
}

/// Speaks the wire until the input ends or the output breaks. Returns within 5 s of either.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    root: Root,
) -> Result<(), Error> {
    let machine = Arc::new(Machine::new(root));
    let (events, happened) = sync_channel(16);
    let queue = Arc::new(Output::default());
    start_thread("writer", {
        let (queue, events) = (Arc::clone(&queue), events.clone());
        move || {
            queue.write_to(output);
            // The main thread is gone already if nobody takes it.
            let _ = events.send(Event::OutputBroke);
        }
    })?;
    queue.offer(Line::Hello(machine.hello()));
    start_thread("reader", move || read_events(input, &events))?;
    let requests = Requests::new(machine, Arc::clone(&queue));
    let mut readable = true;
    while let Ok(event) = happened.recv() {
        let taken = match event {
            Event::Given(Given::Line(line)) => requests.take(&line),
            Event::Given(Given::TooLong { id }) => requests.refuse_too_long(id),
            Event::InputEnded => break,
            Event::OutputBroke => {
                readable = false;
                break;
            }
        };
        // No request is met with silence: who sends many and reads no answer loses the link.
        if !taken {
            readable = false;
            break;
        }
    }
    requests.stop_long();
    let answered = !readable || requests.wait_idle(LAST_ANSWERS);
    requests.stop_all();
    requests.wait_idle(LAST_CHILDREN);
    if readable && answered {
        queue.wait_empty(Instant::now() + LAST_LINES);
    }
    queue.close();
    Ok(())
}

fn read_events(input: impl Read, events: &SyncSender<Event>) {
    let mut lines = LineReader::new(input);
    loop {
        let event = match lines.next_line() {
            Ok(given) => Event::Given(given),
            Err(_) => Event::InputEnded,
        };
        let ended = matches!(event, Event::InputEnded);
        if events.send(event).is_err() || ended {
            return;
        }
    }
}

fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES);
    builder.spawn(body).map(drop).map_err(|cause| Error::Kernel { what: "a new thread", cause })
}
