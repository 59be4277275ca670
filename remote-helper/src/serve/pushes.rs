//! Subscriptions: metrics as they are, and tables by what changed since they were last sent.
//!
//! Each has its own interval and its own memory of what its reader has, so that several readers of
//! one table do not disturb each other. A reader that does not take a push holds up the next
//! reading, and what happens meanwhile comes with the next line, once.

use std::time::{Duration, Instant};

use protocol::delta::{News, Sent, Source as Held, Table};
use protocol::processes::ProcessTable;
use protocol::services::ServiceTable;
use protocol::sockets::SocketTable;
use protocol::wire::{Answer, Ask, LINE_LIMIT_BYTES, Line};
use protocol::{Fault, FaultCode};

use super::frame::{rows_that_fit, to_frame, try_frame};
use super::output::Output;
use crate::changed::Noun;
use crate::error::Error;
use crate::machine::Machine;
use crate::metrics::Sampler;
use crate::processes::{Sample, Told, read_sample};
use crate::sockets::{Seen, Which};
use crate::stop::{Stop, Woken};

/// No push is sent more often, whatever is asked for and however often something changes.
const INTERVAL_MIN: Duration = Duration::from_millis(200);
/// A subscription outlives a reading that failed, but not so many in a row.
const FAILURES_LIMIT: u32 = 3;
/// What the first shares of CPU are taken over.
const FIRST_SHARES: Duration = Duration::from_millis(500);

/// How often a question is to be answered; `None` if once.
pub(super) fn interval(ask: &Ask) -> Option<Duration> {
    match ask {
        Ask::Metrics { interval_ms }
        | Ask::Sockets { interval_ms, .. }
        | Ask::Services { interval_ms }
        | Ask::Processes { interval_ms, .. } => {
            interval_ms.map(|ms| Duration::from_millis(u64::from(ms)).max(INTERVAL_MIN))
        }
        Ask::System {}
        | Ask::Details { .. }
        | Ask::Signal { .. }
        | Ask::Blame { .. }
        | Ask::Impact { .. }
        | Ask::Act { .. }
        | Ask::Run { .. }
        | Ask::Cancel { .. }
        | Ask::Refresh { .. }
        | Ask::Journal { .. }
        | Ask::JournalFollow { .. } => None,
    }
}

/// What is read for a subscription, with what its next push is compared with.
enum Source<'a> {
    Metrics(Sampler),
    Sockets(Sent<SocketTable, Seen>, Which),
    Services(Sent<ServiceTable>),
    Processes(Sent<ProcessTable, Told>, Option<Sample>, &'a [u32]),
}

impl<'a> Source<'a> {
    fn of(ask: &'a Ask) -> Option<Self> {
        Some(match ask {
            Ask::Metrics { .. } => Self::Metrics(Sampler::default()),
            Ask::Sockets { unix, .. } => Self::Sockets(Sent::default(), Which::asked(*unix)),
            Ask::Services { .. } => Self::Services(Sent::default()),
            Ask::Processes { detail, .. } => Self::Processes(Sent::default(), None, detail),
            _ => return None,
        })
    }

    fn noun(&self) -> Option<Noun> {
        match self {
            Self::Metrics(_) => None,
            Self::Sockets(..) => Some(Noun::Sockets),
            Self::Services(_) => Some(Noun::Services),
            Self::Processes(..) => Some(Noun::Processes),
        }
    }

    /// Makes the next answer a whole.
    fn renew(&mut self) {
        match self {
            Self::Metrics(_) => {}
            Self::Sockets(sent, _) => sent.renew(),
            Self::Services(sent) => sent.renew(),
            Self::Processes(sent, ..) => sent.renew(),
        }
    }

    fn read(&mut self, machine: &Machine, stop: &Stop) -> Result<Answer, Error> {
        Ok(match self {
            Self::Metrics(sampler) => Answer::Metrics(Box::new(machine.read_metrics(sampler, stop)?)),
            Self::Sockets(sent, which) => {
                let (head, sockets) = machine.read_held_sockets(*which)?;
                Answer::SocketNews(Box::new(sent.news_of(head, sockets)))
            }
            Self::Services(sent) => {
                Answer::ServiceNews(Box::new(sent.news(machine.read_services(false, stop)?)))
            }
            Self::Processes(sent, last, detail) => {
                if last.is_none() {
                    *last = Some(read_sample(&machine.root)?);
                    if stop.wait(FIRST_SHARES) {
                        return Err(Error::Cancelled);
                    }
                }
                let (head, processes) = machine.read_processes(last, detail)?;
                Answer::ProcessNews(Box::new(sent.news_of(head, processes)))
            }
        })
    }

    /// In the place of an answer with so many bytes, one that fits a line.
    fn cut(&mut self, answer: &Answer, bytes: usize) -> Option<Answer> {
        fn shorter<T: Table, S: Held<T::Row>>(
            sent: &mut Sent<T, S>,
            news: &News<T>,
            bytes: usize,
        ) -> Box<News<T>> {
            Box::new(match news {
                News::Whole { table, .. } => {
                    sent.cut(rows_that_fit(table.rows().len(), bytes, LINE_LIMIT_BYTES))
                }
                // So much changed that the whole may well be shorter.
                News::Delta(delta) => sent.cut(delta.rows as usize),
            })
        }
        match (self, answer) {
            (Self::Sockets(sent, _), Answer::SocketNews(news)) => {
                Some(Answer::SocketNews(shorter(sent, news, bytes)))
            }
            (Self::Services(sent), Answer::ServiceNews(news)) => {
                Some(Answer::ServiceNews(shorter(sent, news, bytes)))
            }
            (Self::Processes(sent, ..), Answer::ProcessNews(news)) => {
                Some(Answer::ProcessNews(shorter(sent, news, bytes)))
            }
            _ => None,
        }
    }

    fn frame(&mut self, id: u64, seq: u64, mut answer: Answer) -> Vec<u8> {
        loop {
            let line = Line::Push { id, seq, answer };
            let bytes = match try_frame(&line, LINE_LIMIT_BYTES) {
                Ok(frame) => return frame,
                Err(bytes) => bytes,
            };
            let Line::Push { answer: long, .. } = &line else { return to_frame(line, LINE_LIMIT_BYTES) };
            match self.cut(long, bytes) {
                Some(shorter) => answer = shorter,
                None => return to_frame(line, LINE_LIMIT_BYTES),
            }
        }
    }
}

/// Pushes until it is stopped. A push that took longer than the interval makes no other one late
/// or sooner: the next one is due a whole number of intervals after the first. A nudge brings one
/// forward.
pub(super) fn push(machine: &Machine, output: &Output, id: u64, ask: &Ask, interval: Duration, stop: &Stop) {
    let Some(mut source) = Source::of(ask) else { return };
    let _told = source.noun().map(|noun| machine.changed.subscribe(noun, stop));
    let _hears = matches!(source, Source::Services(_)).then(|| machine.hear_services(stop));
    let (mut seq, mut failures) = (0, 0);
    let mut due = Instant::now();
    while !stop.is_stopped() {
        let begun = Instant::now();
        match source.read(machine, stop) {
            Ok(answer) => {
                failures = 0;
                seq += 1;
                if !output.send_made(|| source.frame(id, seq, answer), &Stop::default()) {
                    return;
                }
            }
            Err(Error::Cancelled) => break,
            Err(error) => {
                failures += 1;
                let fault = Fault::from(error);
                let is_final = matches!(fault.code, FaultCode::NotOnThisHost | FaultCode::NotPermitted);
                if is_final || failures >= FAILURES_LIMIT {
                    output.send(Line::Fault { id, fault });
                    return;
                }
                crate::log::warn(&fault.message);
            }
        }
        due += interval;
        let now = Instant::now();
        while due < now {
            due += interval;
        }
        match stop.wait_for_nudge(due.duration_since(now)) {
            Woken::TimeOver => {}
            Woken::Stopped => break,
            Woken::Nudged { whole } => {
                if whole {
                    source.renew();
                }
                if stop.wait(INTERVAL_MIN.saturating_sub(begun.elapsed())) {
                    break;
                }
                due = Instant::now();
            }
        }
    }
    output.send(Line::End { id });
}
