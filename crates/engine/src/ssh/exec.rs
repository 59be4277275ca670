//! exec: a command on the host, with its output and how it ended.
//!
//! Each channel has one task that takes everything from it at once and waits for nothing of the
//! same connection: the library stops all channels while one is not read. Behind the task there is
//! a bound: output beyond it is counted (`run`) or ends the command (`open`).
//!
//! A channel that closes without an exit status leaves `exit` at `None`: the outcome is unknown,
//! which is never taken for success. It is unknown too where the host says what cannot be true: how
//! a command ended that it did not take, or two ends of one.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use protocol::{Fault, FaultCode};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::gate::cause_of;
use super::session::Connection;

/// For the host to open a channel.
const OPEN_LIMIT: Duration = Duration::from_secs(15);
/// Pauses between the attempts to open a channel that the host refuses.
const BUSY_PAUSES_MS: [u64; 5] = [10, 50, 150, 400, 800];
/// Output of an open command that may wait to be read.
const UNREAD_LIMIT_BYTES: usize = 2 * protocol::wire::LINE_LIMIT_BYTES;
/// Last part of stderr that is kept for faults.
const STDERR_TAIL_BYTES: usize = 4096;

/// Bounds of a command that is run to its end.
#[derive(Clone, Copy, Debug)]
pub struct ExecLimits {
    /// What is done, for the fault of a time-out: "looking for the helper".
    pub what: &'static str,
    pub time: Duration,
    /// Beyond these, output is counted and dropped.
    pub stdout_bytes: usize,
    pub stderr_bytes: usize,
}

impl ExecLimits {
    pub fn new(what: &'static str, time: Duration) -> Self {
        Self { what, time, stdout_bytes: 256 << 10, stderr_bytes: 64 << 10 }
    }
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecEnd {
    /// `None` if a signal ended it, or if the host did not say: then the outcome is unknown.
    pub exit: Option<u32>,
    /// Name of the signal that ended it, such as `TERM`.
    pub signal: Option<String>,
}

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecResult {
    pub exit: Option<u32>,
    pub signal: Option<String>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Output beyond the limits, of both streams.
    pub left_out_bytes: u64,
}

/// A command that runs, with its streams. Dropping `running` ends it.
pub struct ExecStream {
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    pub stdout: ExecStdout,
    pub stderr: StderrTail,
    pub running: Running,
}

impl ExecStream {
    /// The streams of a channel, which a task takes from at once.
    pub(super) fn over((reader, writer): (ChannelReadHalf, ChannelWriteHalf<Msg>)) -> Self {
        let stdin = Box::new(writer.make_writer());
        let (kill, killed) = oneshot::channel();
        let (ended_in, ended) = watch::channel(None);
        let (queue_in, queue) = mpsc::unbounded_channel();
        let unread = Arc::new(Unread::default());
        let stderr = StderrTail::default();
        let feed = Feed { queue: queue_in, unread: unread.clone(), stderr: stderr.clone() };
        tokio::spawn(async move {
            let (end, feed) = pump(reader, Arc::new(writer), feed, killed).await;
            ended_in.send_replace(Some(end.told));
            drop(feed);
        });
        let stdout = ExecStdout { queue, unread, current: Vec::new(), at: 0 };
        Self { stdin, stdout, stderr, running: Running { ended, _kill: kill } }
    }
}

/// Holds a command: `ended` waits for its end, dropping it closes the channel.
pub struct Running {
    ended: watch::Receiver<Option<ExecEnd>>,
    _kill: oneshot::Sender<()>,
}

impl Running {
    /// Waits for the end of the command.
    pub async fn ended(&mut self) -> ExecEnd {
        let ended = self.ended.wait_for(Option::is_some).await;
        ended.ok().and_then(|end| end.clone()).unwrap_or_default()
    }
}

impl Connection {
    /// Runs `command` with `stdin` to its end.
    ///
    /// # Errors
    /// `LinkLost` if the connection ended first, `TimedOut`, or `NotPermitted` if the host runs no
    /// commands for this user. How the command itself ended is no error here.
    pub async fn run(&self, command: &str, stdin: Vec<u8>, limits: ExecLimits) -> Result<ExecResult, Fault> {
        let (reader, writer) = self.start(command).await?;
        let (kill, killed) = oneshot::channel();
        let collect = Collect { limits, result: ExecResult::default() };
        let writer = Arc::new(writer);
        let mut pump = tokio::spawn(pump(reader, writer.clone(), collect, killed));
        let feed = async {
            // A command may end without reading all its input: that is no fault of the run.
            let fed = if stdin.is_empty() { Ok(()) } else { writer.data_bytes(stdin).await };
            if fed.is_ok() {
                let _ = writer.eof().await;
            }
            std::future::pending::<()>().await
        };
        let ended = tokio::select! {
            ended = timeout(limits.time, &mut pump) => ended,
            () = feed => return Err(self.lost()),
        };
        drop(kill);
        match ended {
            Ok(Ok((end, collect))) => self.settle(end, collect),
            Ok(Err(why)) => Err(crate::error::internal("a command's reader ended", why)),
            Err(_) => Err(self.place.fault(
                FaultCode::TimedOut,
                format!(
                    "{} on {} took longer than {} s",
                    limits.what,
                    self.place.label(),
                    limits.time.as_secs()
                ),
            )),
        }
    }

    /// Starts `command` and gives its streams.
    ///
    /// # Errors
    /// As `run`, as far as they come before the command starts.
    pub async fn open(&self, command: &str) -> Result<ExecStream, Fault> {
        self.start(command).await.map(ExecStream::over)
    }

    async fn start(&self, command: &str) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), Fault> {
        if let Some(fault) = self.fault_if_closed() {
            return Err(fault);
        }
        let mut pauses_ms = BUSY_PAUSES_MS.into_iter();
        let channel = loop {
            match (self.open_channel().await?, pauses_ms.next()) {
                (Ok(channel), _) => break channel,
                // sshd with `MaxSessions 1` needs a moment to forget the session before.
                (Err(_), Some(pause_ms)) => sleep(Duration::from_millis(pause_ms)).await,
                (Err(why), None) => {
                    let cause = why.description().to_owned();
                    let label = self.place.label();
                    let message = format!("{label} opens no further session on this connection: {cause}");
                    return Err(self.place.fault(FaultCode::NotPermitted, message).because(cause));
                }
            }
        };
        channel.exec(true, command).await.map_err(|why| self.broken(&why))?;
        Ok(channel.split())
    }

    /// Asks once for a channel; a refusal is no error here.
    async fn open_channel(&self) -> Result<Result<Channel<Msg>, ChannelOpenFailure>, Fault> {
        match timeout(OPEN_LIMIT, self.handle.channel_open_session()).await {
            Ok(Ok(channel)) => Ok(Ok(channel)),
            Ok(Err(russh::Error::ChannelOpenFailure(why))) => Ok(Err(why)),
            Ok(Err(why)) => Err(self.fault_if_closed().unwrap_or_else(|| self.broken(&why))),
            Err(_) => {
                let limit = OPEN_LIMIT.as_secs();
                let message = format!("{} opened no session within {limit} s", self.place.label());
                Err(self.place.fault(FaultCode::TimedOut, message))
            }
        }
    }

    fn settle(&self, end: PumpEnd, collect: Collect) -> Result<ExecResult, Fault> {
        if end.refused {
            let message = format!("{} does not run commands for this user", self.place.label());
            return Err(self.place.fault(FaultCode::NotPermitted, message));
        }
        let ExecEnd { exit, signal } = end.told;
        match self.fault_if_closed() {
            Some(fault) if exit.is_none() && signal.is_none() => Err(fault),
            _ => Ok(ExecResult { exit, signal, ..collect.result }),
        }
    }

    pub(super) fn lost(&self) -> Fault {
        self.fault_if_closed().unwrap_or_else(|| self.broken(&russh::Error::Disconnect))
    }

    fn broken(&self, why: &russh::Error) -> Fault {
        let cause = cause_of(why);
        let message = format!("the connection to {} ended: {cause}", self.place.label());
        self.place.fault(FaultCode::LinkLost, message).because(cause)
    }
}

/// Takes what a channel brings; false ends the command.
trait Sink: Send {
    fn stdout(&mut self, bytes: Vec<u8>) -> bool;
    fn stderr(&mut self, bytes: &[u8]);
}

#[derive(Debug, Default)]
struct PumpEnd {
    /// How it ended, as far as the host is to be believed.
    told: ExecEnd,
    /// The host took the command.
    taken: bool,
    /// The host refused the command itself.
    refused: bool,
    /// What the host said of the end cannot be true.
    contradicts: bool,
}

impl PumpEnd {
    /// Takes what the host says of the end.
    fn hear(&mut self, said: ExecEnd) {
        let before = std::mem::take(&mut self.told);
        self.contradicts |= !self.taken || (before != ExecEnd::default() && before != said);
        if !self.contradicts {
            self.told = said;
        }
    }
}

async fn pump<S: Sink>(
    mut reader: ChannelReadHalf,
    writer: Arc<ChannelWriteHalf<Msg>>,
    mut sink: S,
    mut killed: oneshot::Receiver<()>,
) -> (PumpEnd, S) {
    let mut end = PumpEnd::default();
    loop {
        let message = tokio::select! {
            message = reader.wait() => message,
            _ = &mut killed => break,
        };
        match message {
            Some(ChannelMsg::Data { data }) => {
                if !sink.stdout(data.into()) {
                    break;
                }
            }
            Some(ChannelMsg::ExtendedData { data, ext: 1 }) => sink.stderr(&data),
            Some(ChannelMsg::Success) => end.taken = true,
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                end.hear(ExecEnd { exit: Some(exit_status), signal: None });
            }
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                end.hear(ExecEnd { exit: None, signal: Some(signal(signal_name)) });
            }
            Some(ChannelMsg::Failure) => {
                // After it was taken, a refusal leaves open whether it ran.
                end.refused = !end.taken;
                end.told = ExecEnd::default();
                break;
            }
            Some(ChannelMsg::Close) | None => return (end, sink),
            Some(_) => {}
        }
    }
    // Not awaited here: while it waits for its turn, the connection may wait for this reader.
    tokio::spawn(async move { writer.close().await });
    (end, sink)
}

fn signal(name: Sig) -> String {
    match name {
        Sig::Custom(name) => super::gate::words(&name),
        known => format!("{known:?}"),
    }
}

/// Keeps the first part of each stream and counts the rest.
struct Collect {
    limits: ExecLimits,
    result: ExecResult,
}

impl Sink for Collect {
    fn stdout(&mut self, bytes: Vec<u8>) -> bool {
        keep(&mut self.result.stdout, &bytes, self.limits.stdout_bytes, &mut self.result.left_out_bytes);
        true
    }

    fn stderr(&mut self, bytes: &[u8]) {
        keep(&mut self.result.stderr, bytes, self.limits.stderr_bytes, &mut self.result.left_out_bytes);
    }
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8], limit: usize, left_out: &mut u64) {
    let room = limit.saturating_sub(kept.len()).min(bytes.len());
    let (head, rest) = bytes.split_at(room);
    kept.extend_from_slice(head);
    *left_out += rest.len() as u64;
}

#[derive(Default)]
struct Unread {
    bytes: AtomicUsize,
    overflown: AtomicBool,
}

/// Hands stdout on to its reader, as long as not too much waits.
struct Feed {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    unread: Arc<Unread>,
    stderr: StderrTail,
}

impl Sink for Feed {
    fn stdout(&mut self, bytes: Vec<u8>) -> bool {
        let waiting = self.unread.bytes.fetch_add(bytes.len(), Ordering::SeqCst) + bytes.len();
        if waiting > UNREAD_LIMIT_BYTES {
            self.unread.overflown.store(true, Ordering::SeqCst);
            return false;
        }
        self.queue.send(bytes).is_ok()
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stderr.push(bytes);
    }
}

/// Output of a running command. Too much of it, unread, ends the command with an error here.
pub struct ExecStdout {
    queue: mpsc::UnboundedReceiver<Vec<u8>>,
    unread: Arc<Unread>,
    current: Vec<u8>,
    at: usize,
}

impl AsyncRead for ExecStdout {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.at >= self.current.len() {
            match ready!(self.queue.poll_recv(context)) {
                Some(next) => {
                    self.unread.bytes.fetch_sub(next.len(), Ordering::SeqCst);
                    self.current = next;
                    self.at = 0;
                }
                None if self.unread.overflown.load(Ordering::SeqCst) => {
                    return Poll::Ready(Err(io::Error::other("too much output was left unread")));
                }
                None => return Poll::Ready(Ok(())),
            }
        }
        let rest = self.current.get(self.at..).unwrap_or_default();
        let taken = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..taken).unwrap_or_default());
        self.at += taken;
        Poll::Ready(Ok(()))
    }
}

/// The last words that a command wrote to stderr.
#[derive(Clone, Debug, Default)]
pub struct StderrTail(Arc<Mutex<VecDeque<u8>>>, Arc<Notify>);

impl StderrTail {
    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = bytes.get(bytes.len().saturating_sub(STDERR_TAIL_BYTES)..).unwrap_or_default();
        let over = (tail.len() + new.len()).saturating_sub(STDERR_TAIL_BYTES);
        let over = over.min(tail.len());
        tail.drain(..over);
        tail.extend(new);
        self.1.notify_one();
    }

    /// Waits until something was written since the last wait. For one reader.
    pub(crate) async fn more(&self) {
        self.1.notified().await;
    }

    /// How often `word` is in the tail.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.with_text(|text| memchr::memmem::find_iter(text, word).count())
    }

    /// Looks at the tail as it is now.
    pub(crate) fn with_text<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(tail.make_contiguous())
    }

    /// The lines of the tail that are not empty, safe to show.
    pub fn lines(&self) -> Vec<String> {
        let tail: Vec<u8> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        String::from_utf8_lossy(&tail)
            .lines()
            .map(|line| protocol::text::printable(line.trim_end()).into_owned())
            .filter(|line| !line.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_keeps_its_last_part_and_nothing_that_acts_on_a_terminal() {
        let tail = StderrTail::default();
        tail.push(&vec![b'x'; 3 * STDERR_TAIL_BYTES]);
        tail.push(b"\nlast \x1b[31mwords\n");
        assert_eq!(tail.lines().last().unwrap(), "last \\x1b[31mwords");
        assert!(tail.0.lock().unwrap().len() <= STDERR_TAIL_BYTES);
    }

    #[test]
    fn output_beyond_the_limit_is_counted() {
        let limits = ExecLimits { stdout_bytes: 4, ..ExecLimits::new("x", Duration::from_secs(1)) };
        let mut collect = Collect { limits, result: ExecResult::default() };
        assert!(collect.stdout(b"abc".to_vec()) && collect.stdout(b"def".to_vec()));
        assert_eq!(collect.result.stdout, b"abcd");
        assert_eq!(collect.result.left_out_bytes, 2);
    }
}
