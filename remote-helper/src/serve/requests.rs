//! Requests under way: one thread each, found by id, stopped alone or together.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::hosts::Sudo;
use protocol::journal::JournalQuery;
use protocol::wire::{Answer, Ask, Line, REQUEST_LIMIT_BYTES, Request, RequestId};
use protocol::{Fault, FaultCode};

use super::output::Output;
use super::pushes::{interval, push};
use super::start_thread;
use crate::error::Error;
use crate::journal;
use crate::machine::Machine;
use crate::priority;
use crate::stop::Stop;

/// More at a time is not what one engine asks for.
const UNDER_WAY_LIMIT: usize = 64;

#[derive(Debug)]
struct UnderWay {
    stop: Stop,
    /// It ends only when it is stopped, or when a command does.
    is_long: bool,
    is_subscription: bool,
}

#[derive(Default)]
struct Table {
    under_way: Mutex<HashMap<u64, UnderWay>>,
    one_ended: Condvar,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Requests {
    machine: Arc<Machine>,
    output: Arc<Output>,
    table: Arc<Table>,
    link: Stop,
}

impl Requests {
    pub(super) fn new(machine: Arc<Machine>, output: Arc<Output>) -> Self {
        Self { machine, output, table: Arc::default(), link: Stop::default() }
    }

    /// Begins to answer a line; false if nobody takes what is to be said to it. A line that has no id
    /// is answered to id 0.
    pub(super) fn take(&self, line: &[u8]) -> bool {
        if line.trim_ascii().is_empty() {
            return true;
        }
        match serde_json::from_slice::<Request>(line) {
            Ok(request) => {
                let id = request.id;
                self.start(request).unwrap_or_else(|fault| self.refuse(id, fault))
            }
            Err(why) => match serde_json::from_slice::<RequestId>(line) {
                Ok(RequestId { id }) => self.refuse(id, unknown_ask(&why)),
                Err(why) => {
                    let message = format!("the line is no request: {why}");
                    self.refuse(0, Fault::new(FaultCode::BadInput, message))
                }
            },
        }
    }

    /// Stops what would not end by itself.
    pub(super) fn stop_long(&self) {
        let stops: Vec<Stop> =
            self.table.lock().values().filter(|one| one.is_long).map(|one| one.stop.clone()).collect();
        stops.iter().for_each(Stop::stop);
    }

    /// Tells who asked that the request was too long.
    pub(super) fn refuse_too_long(&self, id: u64) -> bool {
        let message = format!("the line is longer than a request may be, {REQUEST_LIMIT_BYTES} bytes");
        self.refuse(id, Fault::new(FaultCode::BadInput, message))
    }

    pub(super) fn stop_all(&self) {
        self.link.stop_all();
    }

    /// Waits until nothing is under way; false if time was over before.
    pub(super) fn wait_idle(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut under_way = self.table.lock();
        while !under_way.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.table.one_ended.wait_timeout(under_way, left);
            under_way = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// True if it has begun, or was answered at once and the answer is taken.
    fn start(&self, request: Request) -> Result<bool, Fault> {
        let id = request.id;
        // What steers another request is never one too many.
        if let Ask::Cancel { id: other } = request.ask {
            if let Some(other) = self.table.lock().get(&other) {
                other.stop.stop();
            }
            return Ok(self.output.offer(Line::Reply { id, answer: Answer::Cancelled {} }));
        }
        if let Ask::Refresh { id: other, whole } = request.ask {
            match self.table.lock().get(&other).filter(|other| other.is_subscription) {
                Some(other) => other.stop.nudge(whole),
                None => return Err(Fault::bad_input("id", format!("no subscription has the id {other}"))),
            }
            return Ok(self.output.offer(Line::Reply { id, answer: Answer::Refreshed {} }));
        }
        let stop = self.link.another();
        {
            let mut under_way = self.table.lock();
            if under_way.contains_key(&id) {
                return Err(Fault::bad_input("id", format!("a request with the id {id} is under way")));
            }
            if under_way.len() >= UNDER_WAY_LIMIT {
                let message =
                    format!("{UNDER_WAY_LIMIT} requests are under way, which is the most at a time");
                return Err(Fault::new(FaultCode::Internal, message));
            }
            let is_subscription = interval(&request.ask).is_some();
            let is_long = is_subscription || is_long(&request.ask);
            under_way.insert(id, UnderWay { stop: stop.clone(), is_long, is_subscription });
        }
        let (machine, output) = (Arc::clone(&self.machine), Arc::clone(&self.output));
        let ended = Ended { table: Arc::clone(&self.table), id };
        let is_errand = is_errand(&request.ask);
        let body = move || {
            answer(&machine, &output, request, &stop);
            drop(ended);
        };
        if is_errand {
            let kernel = |cause| Error::Kernel { what: "a new thread", cause };
            return priority::start_as_before("errand", body)
                .map(|()| true)
                .map_err(kernel)
                .map_err(Fault::from);
        }
        start_thread("request", body).map(|()| true).map_err(Fault::from)
    }

    fn refuse(&self, id: u64, fault: Fault) -> bool {
        self.output.offer(Line::Fault { id, fault })
    }
}

/// Takes a request out of the table however its thread ends, or if it never began.
struct Ended {
    table: Arc<Table>,
    id: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.table.lock().remove(&self.id);
        self.table.one_ended.notify_all();
    }
}

/// Starts something for a person, which must not give way as the helper itself does.
fn is_errand(ask: &Ask) -> bool {
    matches!(ask, Ask::Run { .. } | Ask::Act { .. })
}

fn is_long(ask: &Ask) -> bool {
    matches!(ask, Ask::Run { .. } | Ask::Act { .. } | Ask::Signal { .. } | Ask::JournalFollow { .. })
}

/// An old helper must say that it does not know a request, and not that the request is wrong.
fn unknown_ask(why: &serde_json::Error) -> Fault {
    let why = why.to_string();
    // What serde would have known instead tells of which kind the word is.
    if why.contains("unknown variant") && why.contains("`sockets`") {
        let message = format!("this helper ({}) does not know the request: {why}", protocol::VERSION);
        return Fault::new(FaultCode::NotInThisVersion, message);
    }
    Fault::new(FaultCode::BadInput, format!("the request cannot be read: {why}"))
}

fn answer(machine: &Machine, output: &Output, request: Request, stop: &Stop) {
    let Request { id, ask } = request;
    if let Some(interval) = interval(&ask) {
        return push(machine, output, id, &ask, interval, stop);
    }
    if let Ask::JournalFollow { query, sudo } = &ask {
        return follow(machine, output, id, query, *sudo, stop);
    }
    output.send(match machine.answer(&ask, stop) {
        Ok(answer) => Line::Reply { id, answer },
        Err(error) => Line::Fault { id, fault: error.into() },
    });
}

/// Pushes the log as it is written. While the reader does not take a push nothing more is read, so
/// what writes the log to us waits too, and nothing piles up here.
fn follow(machine: &Machine, output: &Output, id: u64, query: &JournalQuery, sudo: Sudo, stop: &Stop) {
    let mut seq = 0;
    let ended = journal::follow(&machine.root, query, sudo, stop, &mut |news| {
        seq += 1;
        let answer = Answer::JournalNews(Box::new(news));
        output.send_unless(Line::Push { id, seq, answer }, stop)
    });
    output.send(match ended {
        Ok(()) | Err(Error::Cancelled) => Line::End { id },
        Err(error) => Line::Fault { id, fault: error.into() },
    });
}
