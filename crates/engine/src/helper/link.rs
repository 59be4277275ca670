//! `Link`: questions to a running helper and its answers, many at once, one line each.
//!
//! One task reads and never waits for those who asked: an answer nobody waits for is dropped, a
//! subscriber who is slow loses the older answers. One task writes. When the link ends, everyone
//! who still waits gets `LinkLost`: whether the host did what was asked is not known then, and it
//! is for the caller to say so.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::wire::{Answer, Ask, Hello, LINE_LIMIT_BYTES, Line, REQUEST_LIMIT_BYTES, Request};
use protocol::{Fault, FaultCode, FaultDetail};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::lines::Lines;
use super::subscription::{Mailbox, Subscription};
use crate::ssh::StderrTail;

/// For the helper to say `Hello`, where it has to do nothing else.
pub(super) const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// What a login shell may print before the helper speaks.
const NOISE_LIMIT_BYTES: usize = 64 << 10;
/// Noise lines that a fault shows.
const NOISE_LINES_SHOWN: usize = 10;
/// Of the first question, which may be a part of the command that starts the helper.
const OPENING_ID: u64 = 1;
/// Requests that wait to be written.
const REQUESTS_WAITING: usize = 256;

/// The streams of a helper, wherever it runs.
pub(super) struct Wire {
    pub(super) host: String,
    pub(super) input: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) output: Box<dyn AsyncWrite + Send + Unpin>,
    pub(super) stderr: StderrTail,
    /// For the helper to say `Hello`.
    pub(super) hello_limit: Duration,
    /// The helper was started with an `opening_request`: it answers that without having read anything.
    pub(super) is_opened: bool,
    /// Says why the input ended. It owns the helper: dropping it ends the helper.
    pub(super) ended: Pin<Box<dyn Future<Output = String> + Send>>,
}

/// A running helper. Dropping it ends the helper.
pub struct Link {
    hello: Hello,
    shared: Arc<Shared>,
    ended: watch::Receiver<Option<Fault>>,
    opening: Mutex<Option<Subscription>>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("host", &self.shared.host).finish_non_exhaustive()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

struct Shared {
    host: String,
    requests: mpsc::Sender<Vec<u8>>,
    next_id: AtomicU64,
    /// `None` once the link has ended.
    waiting: Mutex<Option<HashMap<u64, Waiter>>>,
    ended: watch::Sender<Option<Fault>>,
}

enum Waiter {
    Once(oneshot::Sender<Result<Answer, Fault>>),
    Many(Arc<Mailbox>),
}

impl Link {
    /// Waits for the helper's `Hello`. What a login shell and the start script printed before it, or
    /// instead of it, is left in `before`.
    pub(super) async fn begin(wire: Wire, before: &mut String) -> Result<Self, Fault> {
        let Wire { host, input, output, stderr, hello_limit, is_opened, mut ended } = wire;
        let (requests, to_write) = mpsc::channel(REQUESTS_WAITING);
        let (ended_in, ended_out) = watch::channel(None);
        let shared = Arc::new(Shared {
            host: host.clone(),
            requests,
            next_id: AtomicU64::new(OPENING_ID),
            waiting: Mutex::new(Some(HashMap::new())),
            ended: ended_in,
        });
        let writer = tokio::spawn(write(output, to_write));
        let opening = match is_opened {
            true => Some(shared.listen()?),
            false => None,
        };
        let mut lines = Lines::new(input);
        let mut noise = Vec::new();
        let hello = timeout(hello_limit, wait_for_hello(&mut lines, &mut noise)).await;
        *before = String::from_utf8_lossy(&noise).into_owned();
        let hello = match hello {
            Ok(Ok(hello)) => hello,
            other => {
                let cause = match other {
                    Ok(Err(Mute::Ended)) => (&mut ended).await,
                    Ok(_) => "something else talks in its place".into(),
                    Err(_) => format!("it said nothing within {} s", hello_limit.as_secs()),
                };
                writer.abort();
                return Err(mute(&host, &cause, before, &stderr));
            }
        };
        let reader = tokio::spawn(read(lines, shared.clone(), stderr, ended));
        Ok(Self { hello, shared, ended: ended_out, opening: Mutex::new(opening), reader, writer })
    }

    /// The stream that was asked for while the helper was started, for the first who wants it.
    pub fn take_opening(&self) -> Option<Subscription> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the helper said first.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks one question and waits for its answer.
    ///
    /// # Errors
    /// The helper's own fault, `TimedOut`, or `LinkLost`. After the last two it is not known
    /// whether the host did what was asked.
    pub async fn ask(&self, ask: Ask, limit: Duration) -> Result<Answer, Fault> {
        let (answer_in, answer) = oneshot::channel();
        let asked = self.shared.enter(Waiter::Once(answer_in))?;
        let done = timeout(limit, async {
            self.shared.send(asked.id, ask).await?;
            answer.await.unwrap_or_else(|_| Err(self.shared.lost()))
        })
        .await;
        match done {
            Ok(done) => done,
            Err(_) => Err(Fault::new(
                FaultCode::TimedOut,
                format!("the helper on {} did not answer within {} s", self.shared.host, limit.as_secs()),
            )
            .on_host(&self.shared.host)),
        }
    }

    /// Asks for a stream of answers. It ends when the subscription is dropped.
    ///
    /// # Errors
    /// `LinkLost` if the link has ended.
    pub async fn subscribe(&self, ask: Ask) -> Result<Subscription, Fault> {
        self.shared.subscribe(ask).await
    }

    /// Waits until the link has ended and says why (`LinkLost`).
    pub async fn closed(&self) -> Fault {
        let mut ended = self.ended.clone();
        let fault = ended.wait_for(Option::is_some).await.ok().and_then(|fault| fault.clone());
        fault.unwrap_or_else(|| self.shared.lost())
    }

    /// True as soon as the link is known to have ended.
    pub fn is_closed(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Ends the helper and the link.
    pub fn close(&self) {
        self.reader.abort();
        self.writer.abort();
        self.shared.end(lost(&self.shared.host, "it was closed here", &[]));
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, Waiter>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, waiter: Waiter) -> Result<Asked, Fault> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let entered = self.waiting().as_mut().map(|waiting| waiting.insert(id, waiter)).is_some();
        if entered { Ok(Asked { id, shared: self.clone() }) } else { Err(self.lost()) }
    }

    fn listen(self: &Arc<Self>) -> Result<Subscription, Fault> {
        let mailbox = Arc::new(Mailbox::default());
        let asked = self.enter(Waiter::Many(mailbox.clone()))?;
        Ok(Subscription::new(mailbox, asked))
    }

    async fn subscribe(self: &Arc<Self>, ask: Ask) -> Result<Subscription, Fault> {
        let subscription = self.listen()?;
        self.send(subscription.id(), ask).await?;
        Ok(subscription)
    }

    async fn send(&self, id: u64, ask: Ask) -> Result<(), Fault> {
        // What was not sent need not be cancelled.
        let line = line_of(id, ask).inspect_err(|_| drop(self.take(id)))?;
        self.requests.send(line).await.map_err(|_| self.lost())
    }

    /// Asks something whose answer nobody waits for.
    fn say(&self, ask: Ask) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        if let Ok(line) = line_of(id, ask) {
            // If even this does not fit, the helper has stopped reading, and the link ends.
            let _ = self.requests.try_send(line);
        }
    }

    fn take(&self, id: u64) -> Option<Waiter> {
        self.waiting().as_mut().and_then(|waiting| waiting.remove(&id))
    }

    fn lost(&self) -> Fault {
        let fault = self.ended.borrow().clone();
        fault.unwrap_or_else(|| lost(&self.host, "the link has ended", &[]))
    }

    /// Ends the link once: later reasons do not count.
    fn end(&self, fault: Fault) {
        let Some(waiting) = self.waiting().take() else { return };
        self.ended.send_replace(Some(fault.clone()));
        for waiter in waiting.into_values() {
            match waiter {
                Waiter::Once(answer) => drop(answer.send(Err(fault.clone()))),
                Waiter::Many(mailbox) => mailbox.end(Some(fault.clone())),
            }
        }
    }

    /// Gives one line of the helper to whoever waits for it.
    fn hand_out(&self, line: Line) {
        match line {
            Line::Hello(_) => {}
            Line::Reply { id, answer } => match self.take(id) {
                Some(Waiter::Once(waits)) => drop(waits.send(Ok(answer))),
                Some(Waiter::Many(mailbox)) => {
                    mailbox.push(1, answer);
                    mailbox.end(None);
                }
                None => {}
            },
            Line::Push { id, seq, answer } => {
                let mut waiting = self.waiting();
                if let Some(Waiter::Many(mailbox)) = waiting.as_ref().and_then(|waiting| waiting.get(&id)) {
                    mailbox.push(seq, answer);
                } else if let Some(Waiter::Once(waits)) =
                    waiting.as_mut().and_then(|waiting| waiting.remove(&id))
                {
                    drop(waits.send(Ok(answer)));
                }
            }
            Line::Fault { id: 0, fault } => {
                tracing::warn!(host = %self.host, fault = %shown(fault, &self.host), "the helper did not understand a line");
            }
            Line::Fault { id, fault } => self.fail(id, shown(fault, &self.host)),
            Line::End { id } => match self.take(id) {
                Some(Waiter::Once(waits)) => {
                    drop(waits.send(Err(misspoken(&self.host, "it ended without an answer"))));
                }
                Some(Waiter::Many(mailbox)) => mailbox.end(None),
                None => {}
            },
        }
    }

    fn fail(&self, id: u64, fault: Fault) {
        match self.take(id) {
            Some(Waiter::Once(waits)) => drop(waits.send(Err(fault))),
            Some(Waiter::Many(mailbox)) => mailbox.end(Some(fault)),
            None => {}
        }
    }
}

/// A question that was asked. Dropped before it is answered, it is cancelled on the host.
pub(super) struct Asked {
    id: u64,
    shared: Arc<Shared>,
}

impl Asked {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Asks for the next push of this subscription now. The word that it was heard is for nobody.
    pub(super) fn refresh(&self, whole: bool) {
        self.shared.say(Ask::Refresh { id: self.id, whole });
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.shared.take(self.id).is_some() {
            self.shared.say(Ask::Cancel { id: self.id });
        }
    }
}

/// The question that a helper is started with, as its argument: a server takes nothing on stdin before it has
/// answered the command, so a question that is a part of the command is there one round trip earlier.
pub(super) fn opening_request(ask: Ask) -> Result<String, Fault> {
    let mut line = line_of(OPENING_ID, ask)?;
    line.pop();
    String::from_utf8(line).map_err(|why| crate::error::internal("writing a request", why))
}

fn line_of(id: u64, ask: Ask) -> Result<Vec<u8>, Fault> {
    let mut line = serde_json::to_vec(&Request { id, ask })
        .map_err(|why| crate::error::internal("writing a request", why))?;
    if line.len() > REQUEST_LIMIT_BYTES {
        let message = format!(
            "the request is {} bytes long, and the helper takes {REQUEST_LIMIT_BYTES} at most",
            line.len()
        );
        return Err(Fault::new(FaultCode::BadInput, message));
    }
    line.push(b'\n');
    Ok(line)
}

/// No `Hello` came.
enum Mute {
    Ended,
    TooMuchNoise,
}

async fn wait_for_hello(
    lines: &mut Lines<Box<dyn AsyncRead + Send + Unpin>>,
    noise: &mut Vec<u8>,
) -> Result<Hello, Mute> {
    while noise.len() < NOISE_LIMIT_BYTES {
        let line = match lines.next(NOISE_LIMIT_BYTES).await {
            Ok(Some(line)) => line,
            Err(why) if why.kind() == std::io::ErrorKind::InvalidData => return Err(Mute::TooMuchNoise),
            Ok(None) | Err(_) => return Err(Mute::Ended),
        };
        // Something may have been printed without a line feed just before it.
        let at = memchr::memmem::find(&line, br#"{"hello":"#);
        let parsed = at.and_then(|at| serde_json::from_slice(line.get(at..).unwrap_or_default()).ok());
        if let Some(Line::Hello(hello)) = parsed {
            return Ok(hello);
        }
        noise.extend_from_slice(&line);
        noise.push(b'\n');
    }
    Err(Mute::TooMuchNoise)
}

async fn read(
    mut lines: Lines<Box<dyn AsyncRead + Send + Unpin>>,
    shared: Arc<Shared>,
    stderr: StderrTail,
    ended: Pin<Box<dyn Future<Output = String> + Send>>,
) {
    let cause = loop {
        match lines.next(LINE_LIMIT_BYTES).await {
            Ok(Some(line)) => match serde_json::from_slice(&line) {
                Ok(line) => shared.hand_out(line),
                Err(why) => misread(&shared, &line, &why),
            },
            Ok(None) => break ended.await,
            Err(why) => break why.to_string(),
        }
    };
    shared.end(lost(&shared.host, &cause, &stderr.lines()));
}

async fn write(mut output: Box<dyn AsyncWrite + Send + Unpin>, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        let written = async {
            output.write_all(&line).await?;
            output.flush().await
        };
        // The reader sees the end too, and tells why.
        if written.await.is_err() {
            return;
        }
    }
}

/// The number of the request, in a line whose answer cannot be read.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum LineId {
    Reply { id: u64 },
    Push { id: u64 },
    Fault { id: u64 },
    End { id: u64 },
}

/// A line that is none of ours: whoever asked is told, and the link lives on.
fn misread(shared: &Shared, line: &[u8], why: &serde_json::Error) {
    // It may quote a word of the line, which is as long as the host wants.
    let why = shortened(&why.to_string());
    tracing::warn!(host = %shared.host, %why, "a line of the helper was not understood");
    if let Ok(LineId::Reply { id } | LineId::Push { id } | LineId::Fault { id } | LineId::End { id }) =
        serde_json::from_slice(line)
    {
        shared.fail(id, misspoken(&shared.host, &format!("its answer was not understood: {why}")));
    }
}

/// What is kept of words that hold words of a host.
const WORDS_CHARS: usize = 200;

fn shortened(text: &str) -> String {
    let mut short: String = protocol::text::printable(text).chars().take(WORDS_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn misspoken(host: &str, cause: &str) -> Fault {
    Fault::new(FaultCode::HelperFailed, format!("the helper on {host} did not answer properly: {cause}"))
        .on_host(host)
        .because(cause)
}

fn lost(host: &str, cause: &str, lines: &[String]) -> Fault {
    Fault::new(FaultCode::LinkLost, format!("the link to the helper on {host} ended: {cause}"))
        .on_host(host)
        .because(cause)
        .with_lines(lines.to_vec())
}

/// The helper never said `Hello`.
fn mute(host: &str, cause: &str, noise: &str, stderr: &StderrTail) -> Fault {
    let said = noise.lines().map(|line| protocol::text::printable(line.trim()).into_owned());
    let lines: Vec<String> = said
        .filter(|line| !line.is_empty())
        .take(NOISE_LINES_SHOWN)
        .chain(stderr.lines())
        .map(|line| line.chars().take(300).collect())
        .collect();
    Fault::new(FaultCode::HelperFailed, format!("the helper on {host} did not start: {cause}"))
        .on_host(host)
        .because(cause)
        .with_lines(lines)
}

/// A fault that came over the wire, with nothing left in it that acts on a terminal. What a host cannot know is not
/// taken from it: the way to it, keys, what the log has.
fn shown(fault: Fault, host: &str) -> Fault {
    let safe = |text: &str| protocol::text::printable_lines(text).into_owned();
    let said = *fault.detail;
    let detail = FaultDetail {
        host: Some(host.to_owned()),
        subject: said.subject.as_deref().map(safe),
        cause: said.cause.as_deref().map(safe),
        lines: said.lines.iter().map(|line| safe(line)).collect(),
        ..FaultDetail::default()
    };
    Fault { code: fault.code, message: safe(&fault.message), detail: Box::new(detail) }
}
