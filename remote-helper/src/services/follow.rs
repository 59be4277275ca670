//! `Follow`: a unit is looked at while an action on it is under way, and after, until it is settled.
//!
//! The command runs in a thread of its own. Where systemd's signals can be heard, the unit is looked
//! at when it changed; else again and again. A look is systemctl's, or that of another manager: a
//! signal is only a reason for one.

use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use protocol::services::ServiceAction;
use protocol::{Fault, FaultCode};

use super::act::is_refused;
use super::bus::Bus;
use super::manager::ServiceManager;
use super::message::Signal;
use super::seen::Seen;
use super::watch::is_settled;
use crate::children::{Said, run_tool};
use crate::error::Error;
use crate::machine::Machine;
use crate::sockets::{Which, read_sockets};
use crate::stop::Stop;

/// systemd has time-outs of its own for each unit; this one is for a unit that switched them off.
const COMMAND_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Between two looks at first, and when it takes long, where no signals are heard.
const LOOK_OFTEN: Duration = Duration::from_millis(100);
const LOOK_SELDOM: Duration = Duration::from_millis(300);
const OFTEN_FOR: Duration = Duration::from_secs(5);
/// The same where signals are heard; and sooner while only a confirmation is missing.
const LOOK_HEARING: Duration = Duration::from_millis(1_000);
const LOOK_CONFIRMING: Duration = Duration::from_millis(210);
/// A unit that changes all the time is not looked at more often.
const LOOK_GAP: Duration = Duration::from_millis(50);
/// How soon the thread that hears notices that nobody listens any more.
const HEAR: Duration = Duration::from_millis(250);

/// Something to look at the unit for.
enum News {
    /// The command ended, so long after the request.
    CameBack(Result<Said, Error>, u64),
    Changed,
    JobEnded(String),
    /// No more signals are heard.
    Deaf,
}

/// What came of following.
pub(super) struct Followed {
    pub(super) said: Said,
    /// When the command came back, in milliseconds since the request.
    pub(super) command_ms: u64,
    /// In order of time, each different from the one before it.
    pub(super) seen: Vec<Seen>,
    /// When all ports of before were open again.
    pub(super) listening_ms: Option<u64>,
    /// How systemd ended its job, if that was heard.
    pub(super) job_result: Option<String>,
}

/// An action to follow.
pub(super) struct Follow<'a> {
    pub(super) machine: &'a Machine,
    pub(super) manager: &'a dyn ServiceManager,
    pub(super) unit: &'a str,
    pub(super) action: ServiceAction,
    pub(super) stop: &'a Stop,
    pub(super) started: Instant,
    pub(super) watch_ms: u64,
    pub(super) listened: &'a [String],
    pub(super) before: &'a Seen,
}

impl Follow<'_> {
    /// Runs the command and watches until the outcome is settled. `bus` is what hears of the unit.
    pub(super) fn run(&self, command: Command, bus: Option<Bus>) -> Result<Followed, Error> {
        let (tell, news) = channel();
        let hearing = self.stop.another();
        // Whatever way this ends, the thread that hears ends too, and lets go of the unit.
        let _deaf = OnDrop(&hearing);
        let mut hears = bus.is_some_and(|bus| self.hear(bus, tell.clone(), hearing.clone()).is_ok());
        self.start(command, tell)?;
        let mut seen: Vec<Seen> = Vec::new();
        let mut came: Option<(Said, u64)> = None;
        let mut listening_ms = None;
        let mut jobs: Vec<String> = Vec::new();
        let mut looked = self.started;
        loop {
            let mut next = news.recv_timeout(self.pause(hears, &seen, came.is_some()));
            loop {
                match next {
                    Ok(News::CameBack(Ok(said), at_ms)) => came = Some((said, at_ms)),
                    // systemd goes on; what the unit is tells more than the reason.
                    Ok(News::CameBack(Err(error @ Error::ToolTimedOut { .. }), at_ms)) => {
                        came = Some((Said { stderr: error.to_string(), ..Said::default() }, at_ms));
                    }
                    Ok(News::CameBack(Err(Error::Cancelled), _)) => return Err(self.cancelled()),
                    Ok(News::CameBack(Err(error), _)) => return Err(error),
                    Ok(News::JobEnded(result)) if came.is_none() || jobs.is_empty() => jobs.push(result),
                    Ok(News::JobEnded(_) | News::Changed) | Err(RecvTimeoutError::Timeout) => {}
                    Ok(News::Deaf) => hears = false,
                    Err(RecvTimeoutError::Disconnected) if came.is_none() => return Err(self.cancelled()),
                    // Nothing is left that could say something: the looks go on by themselves.
                    Err(RecvTimeoutError::Disconnected) => drop(self.stop.wait(LOOK_OFTEN)),
                }
                if self.stop.wait(LOOK_GAP.saturating_sub(looked.elapsed())) {
                    return Err(self.cancelled());
                }
                match news.try_recv() {
                    Ok(more) => next = Ok(more),
                    Err(_) => break,
                }
            }
            looked = Instant::now();
            self.look(&mut seen, &mut listening_ms);
            if let Some((said, command_ms)) = came.take_if(|(said, command_ms)| {
                let now_ms = self.elapsed_ms();
                is_refused(said, self.manager.kind())
                    || is_settled(self.action, &seen, *command_ms, self.watch_ms, now_ms)
            }) {
                // A job that was there before ended first, in the place of this one.
                let job_result = if self.before.has_job { jobs.pop() } else { jobs.into_iter().next() };
                return Ok(Followed { said, command_ms, seen, listening_ms, job_result });
            }
        }
    }

    fn pause(&self, hears: bool, seen: &[Seen], came: bool) -> Duration {
        let is_down = seen.last().is_some_and(Seen::is_down);
        match hears {
            true if came && is_down => LOOK_CONFIRMING,
            true => LOOK_HEARING,
            false if self.started.elapsed() < OFTEN_FOR => LOOK_OFTEN,
            false => LOOK_SELDOM,
        }
    }

    fn start(&self, command: Command, tell: Sender<News>) -> Result<(), Error> {
        let (stop, started) = (self.stop.clone(), self.started);
        let body = move || {
            let said = run_tool(command, COMMAND_LIMIT, &stop);
            // Nobody takes it if the request has ended already.
            let _ = tell.send(News::CameBack(said, elapsed_ms(started)));
        };
        start_thread("service-action", body)
    }

    fn hear(&self, mut bus: Bus, tell: Sender<News>, until: Stop) -> Result<(), Error> {
        let unit = self.before.id.clone();
        start_thread("service-signals", move || {
            while !until.is_stopped() {
                let news = match bus.next_signal(HEAR) {
                    Ok(Some(Signal::JobEnded { unit: of, result })) if of == unit => News::JobEnded(result),
                    Ok(Some(Signal::Changed(of))) if of == unit => News::Changed,
                    Ok(Some(_) | None) => continue,
                    Err(_) => News::Deaf,
                };
                let is_deaf = matches!(news, News::Deaf);
                if tell.send(news).is_err() || is_deaf {
                    return;
                }
            }
        })
    }

    /// A look that fails, as while systemd is executed anew, is one look less.
    fn look(&self, seen: &mut Vec<Seen>, listening_ms: &mut Option<u64>) {
        let at_ms = self.elapsed_ms();
        let Ok(now) = self.manager.look(&self.machine.root, self.unit, at_ms, self.stop) else { return };
        let is_new = now.started_us > self.before.started_us;
        if !self.listened.is_empty() && listening_ms.is_none() && is_new {
            let open = read_sockets(&self.machine.root, Which::Listening).unwrap_or_default();
            let open: Vec<String> = open.iter().map(port_of).collect();
            *listening_ms = self.listened.iter().all(|port| open.contains(port)).then_some(at_ms);
        }
        match seen.last_mut() {
            Some(last) if last.is_same(&now) => last.until_ms = at_ms,
            Some(_) | None => seen.push(now),
        }
    }

    fn elapsed_ms(&self) -> u64 {
        elapsed_ms(self.started)
    }

    fn cancelled(&self) -> Error {
        let message = format!(
            "the {} of {} was asked for, and the link ended or it was cancelled before its outcome was known",
            self.action.verb(),
            self.unit
        );
        Fault::new(FaultCode::OutcomeUnknown, message).about(self.unit).into()
    }
}

/// `tcp 0.0.0.0:22`.
pub(super) fn port_of(socket: &protocol::sockets::Socket) -> String {
    format!("{} {}", socket.protocol.name(), socket.local())
}

pub(super) fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let started = std::thread::Builder::new().name(name.into()).spawn(body);
    started.map(drop).map_err(|cause| Error::Kernel { what: "a new thread", cause })
}

struct OnDrop<'a>(&'a Stop);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
