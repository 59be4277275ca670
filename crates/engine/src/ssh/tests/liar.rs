//! A server that lets us in and then follows a script, and what is to come out of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Fault, FaultCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::raw::{IGNORE, Manners, Raw, Say};
use super::sshd::{by_password, trust};
use crate::ssh::{Connection, ExecEnd, ExecLimits, ExecResult, ExecStream, connect, fetch_host_key};

pub(super) const GLOBAL_REQUEST: u8 = 80;
pub(super) const REQUEST_SUCCESS: u8 = 81;
pub(super) const REQUEST_FAILURE: u8 = 82;
pub(super) const OPEN: u8 = 90;
pub(super) const OPEN_CONFIRMATION: u8 = 91;
pub(super) const OPEN_FAILURE: u8 = 92;
pub(super) const WINDOW_ADJUST: u8 = 93;
pub(super) const DATA: u8 = 94;
pub(super) const EXTENDED_DATA: u8 = 95;
pub(super) const EOF: u8 = 96;
pub(super) const CLOSE: u8 = 97;
pub(super) const REQUEST: u8 = 98;
pub(super) const SUCCESS: u8 = 99;
pub(super) const FAILURE: u8 = 100;

/// The number that the client gives to its first channel.
pub(super) const FIRST: u32 = 2;
/// The server's number of a channel is the client's and this.
const OFFSET: u32 = 1_000;
/// For a command that never ends.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longer than each time-out of ours, on a busy machine.
const TOO_LONG: Duration = Duration::from_secs(60);
/// Acts on a terminal, and reads backwards.
pub(super) const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\u{202e}";
/// What a person reads of a fault is not longer.
const MESSAGE_LIMIT_BYTES: usize = 2_000;

/// What the server does next.
pub(super) enum Step {
    Say(Say),
    /// Bytes as they are, under no key.
    Bytes(Vec<u8>),
    /// A packet whose seal is broken.
    Broken(Say),
    Rekey,
    /// Half of a packet, and the end.
    Cut,
}

/// What must come out of the command that was lied about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// The host proved how it ended.
    Exit(u32),
    Signal(String),
    /// It ended, and nobody knows how.
    Unknown,
    Refused,
    Late,
    /// It ended with the whole connection.
    Lost,
}

/// One lie. Its steps are given the number that the client gave to the channel.
pub(super) struct Lie {
    pub(super) name: &'static str,
    /// Instead of confirming the channel.
    at_open: fn(u32) -> Vec<Step>,
    /// Once the command was asked for.
    at_command: fn(u32) -> Vec<Step>,
    out: Out,
    stdout: &'static str,
    /// So many bytes of output, kept and counted, instead of `stdout`.
    much: Option<u64>,
    /// The connection ends by it, whatever comes out, and this word is in the cause.
    ends: Option<&'static str>,
    /// How many messages of a kind the client must answer with.
    answers: (u8, usize),
}

impl Lie {
    /// Told when the channel is opened.
    pub(super) fn opening(name: &'static str, at_open: fn(u32) -> Vec<Step>, out: Out) -> Self {
        let stdout = if matches!(out, Out::Exit(_)) { "out" } else { "" };
        Self { name, at_open, at_command: honest, out, stdout, much: None, ends: None, answers: (0, 0) }
    }

    /// Told once the command was asked for.
    pub(super) fn running(name: &'static str, at_command: fn(u32) -> Vec<Step>, out: Out) -> Self {
        Self { at_command, ..Self::opening(name, |channel| vec![confirm(channel)], out) }
    }

    pub(super) fn then(self, at_command: fn(u32) -> Vec<Step>) -> Self {
        Self { at_command, ..self }
    }

    pub(super) fn gives(self, stdout: &'static str) -> Self {
        Self { stdout, ..self }
    }

    pub(super) fn gives_much(self, bytes: u64) -> Self {
        Self { much: Some(bytes), ..self }
    }

    pub(super) fn ends(self, cause: &'static str) -> Self {
        Self { ends: Some(cause), ..self }
    }

    pub(super) fn answered_by(self, kind: u8, times: usize) -> Self {
        Self { answers: (kind, times), ..self }
    }
}

pub(super) fn say(kind: u8, channel: u32) -> Step {
    Step::Say(Say::new(kind).number(channel))
}

pub(super) fn confirm(channel: u32) -> Step {
    confirm_with(channel, 1 << 20, 32_768)
}

/// Opens the channel, with a window and a size of packets.
pub(super) fn confirm_with(channel: u32, window: u32, largest: u32) -> Step {
    let told = Say::new(OPEN_CONFIRMATION).number(channel).number(channel.wrapping_add(OFFSET));
    Step::Say(told.number(window).number(largest))
}

pub(super) fn data(channel: u32, text: &str) -> Step {
    Step::Say(Say::new(DATA).number(channel).text(text))
}

pub(super) fn exit(channel: u32, status: u32) -> Step {
    Step::Say(Say::new(REQUEST).number(channel).text("exit-status").byte(0).number(status))
}

pub(super) fn signal(channel: u32, name: &str) -> Step {
    let told = Say::new(REQUEST).number(channel).text("exit-signal").byte(0).text(name);
    Step::Say(told.byte(0).text(EVIL).text(""))
}

pub(super) fn adjust(channel: u32, more: u32) -> Step {
    Step::Say(Say::new(WINDOW_ADJUST).number(channel).number(more))
}

/// An end as it should be.
pub(super) fn ended(channel: u32, status: u32) -> Vec<Step> {
    vec![exit(channel, status), say(EOF, channel), say(CLOSE, channel)]
}

/// A command that was taken, did `steps` and ended with 3.
pub(super) fn taken(channel: u32, steps: Vec<Step>) -> Vec<Step> {
    let mut all = vec![say(SUCCESS, channel)];
    all.extend(steps);
    all.push(data(channel, "out"));
    all.extend(ended(channel, 3));
    all
}

/// A command that goes as it should.
fn honest(channel: u32) -> Vec<Step> {
    taken(channel, Vec::new())
}

/// What the server is asked to say next.
async fn play(raw: &mut Raw, steps: Vec<Step>) -> Option<()> {
    for step in steps {
        match step {
            Step::Say(say) => raw.say(&say).await?,
            Step::Bytes(bytes) => raw.say_bytes(&bytes).await?,
            Step::Broken(say) => {
                let mut packet = raw.sealed(&say.0);
                let last = packet.len() - 1;
                packet[last] ^= 1;
                raw.say_bytes(&packet).await?;
            }
            Step::Rekey => raw.exchange().await?,
            Step::Cut => {
                let packet = raw.sealed(&[IGNORE; 64]);
                raw.say_bytes(&packet[..20]).await?;
                return None;
            }
        }
    }
    Some(())
}

/// Serves one connection: the commands `echo` and `fine` as they should be, all others by the lie, until it is
/// over. Writes down the kinds of the messages that it hears.
async fn serve(mut raw: Raw, lie: Arc<Lie>, over: Arc<AtomicBool>, heard: Arc<Mutex<Vec<u8>>>) -> Option<()> {
    raw.let_in().await?;
    let mut opened = 0;
    loop {
        let mut told = raw.hear().await?;
        heard.lock().unwrap().push(told.kind());
        match told.kind() {
            OPEN => {
                let (_kind, channel) = (told.text(), told.number());
                opened += 1;
                let lies = opened > 1 && !over.load(Ordering::SeqCst);
                assert_eq!(opened == 1, channel == FIRST, "the lies know the number of the first channel");
                let steps = if lies { (lie.at_open)(channel) } else { vec![confirm(channel)] };
                play(&mut raw, steps).await?;
            }
            REQUEST => {
                let channel = told.number().wrapping_sub(OFFSET);
                let (_kind, _wants_reply, command) = (told.text(), told.byte(), told.text());
                let steps = match command.as_str() {
                    "echo" => vec![say(SUCCESS, channel)],
                    "fine" => honest(channel),
                    _ => (lie.at_command)(channel),
                };
                play(&mut raw, steps).await?;
            }
            DATA => {
                let (channel, text) = (told.number().wrapping_sub(OFFSET), told.text());
                if channel == FIRST {
                    let mut steps = vec![data(channel, &text)];
                    steps.extend(ended(channel, 5));
                    play(&mut raw, steps).await?;
                }
            }
            GLOBAL_REQUEST => raw.say(&Say::new(REQUEST_SUCCESS)).await?,
            _ => {}
        }
    }
}

/// Signs in to a server with these manners, which then serves by `lie`.
async fn signed_in(lie: Arc<Lie>, over: Arc<AtomicBool>, heard: Arc<Mutex<Vec<u8>>>) -> Connection {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (lie, over, heard) = (lie.clone(), over.clone(), heard.clone());
            tokio::spawn(async move {
                if let Some(raw) = Raw::meet(stream, Manners::default()).await {
                    serve(raw, lie, over, heard).await;
                }
            });
        }
    });
    let key = fetch_host_key("web", "127.0.0.1", port, &[], None).await.unwrap().key;
    connect(&by_password(port), &[trust(port, key)], &|_| {}).await.unwrap()
}

/// No word of the host in it acts on a terminal or is too long.
pub(super) fn is_safe(fault: &Fault) -> bool {
    let cause = fault.detail.cause.as_deref().unwrap_or_default();
    [fault.message.as_str(), cause]
        .iter()
        .all(|text| protocol::text::printable(text) == *text && text.len() < MESSAGE_LIMIT_BYTES)
}

fn out_of(ran: &Result<ExecResult, Fault>) -> Out {
    match ran {
        Ok(ExecResult { exit: Some(status), signal: None, .. }) => Out::Exit(*status),
        Ok(ExecResult { exit: None, signal: Some(signal), .. }) => Out::Signal(signal.clone()),
        Ok(ExecResult { exit: None, signal: None, .. }) => Out::Unknown,
        Ok(ran) => panic!("ended in two ways: {ran:?}"),
        Err(fault) => match fault.code {
            FaultCode::NotPermitted => Out::Refused,
            FaultCode::TimedOut => Out::Late,
            FaultCode::LinkLost => Out::Lost,
            _ => panic!("an unlikely fault: {fault:?}"),
        },
    }
}

/// Tells the lie, and looks at what comes out: of the command, of what ran beside it, and of the next one.
pub(super) async fn tell(lie: Arc<Lie>) {
    let (name, over, heard) = (lie.name, Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let connection = signed_in(lie.clone(), over.clone(), heard.clone()).await;
    let mut beside = connection.open("echo").await.unwrap();
    let patience = if lie.out == Out::Late { PATIENCE } else { TOO_LONG };
    let run = connection.run("lie", b"input".to_vec(), ExecLimits::new("lying", patience));
    let ran = timeout(TOO_LONG * 2, run).await.unwrap_or_else(|_| panic!("hangs: {name}"));
    over.store(true, Ordering::SeqCst);
    assert_eq!(out_of(&ran), lie.out, "{name}: {ran:?}");
    match &ran {
        Ok(ran) => match lie.much {
            Some(bytes) => assert_eq!(ran.stdout.len() as u64 + ran.left_out_bytes, bytes, "{name}"),
            None => assert_eq!(String::from_utf8_lossy(&ran.stdout), lie.stdout, "{name}"),
        },
        Err(fault) => assert!(is_safe(fault), "{name}: {fault:?}"),
    }
    match lie.ends {
        Some(cause) => has_ended(name, cause, &connection, &mut beside).await,
        None => goes_on(name, &connection, &mut beside).await,
    }
    let answered = async {
        let (kind, times) = lie.answers;
        let count = |kind| heard.lock().unwrap().iter().filter(|heard| **heard == kind).count();
        while count(kind) < times {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(times == 0 || count(kind) == times, "{name}: {} answers", count(kind));
    };
    timeout(TOO_LONG, answered).await.unwrap_or_else(|_| panic!("not answered: {name}"));
    let heard = heard.lock().unwrap();
    assert!(!heard.contains(&OPEN_CONFIRMATION), "a channel of the host was opened: {name}");
    assert!(!heard.contains(&SUCCESS), "something was done for the host: {name}");
    assert!(!heard.iter().any(|kind| (50..80).contains(kind)), "we signed in again: {name}");
}

async fn goes_on(name: &str, connection: &Connection, beside: &mut ExecStream) {
    beside.stdin.write_all(b"still here").await.unwrap();
    let mut back = Vec::new();
    let read = timeout(TOO_LONG, beside.stdout.read_to_end(&mut back)).await;
    read.unwrap_or_else(|_| panic!("the other channel hangs: {name}")).unwrap();
    assert_eq!(back, b"still here", "{name}");
    assert_eq!(beside.running.ended().await, ExecEnd { exit: Some(5), signal: None }, "{name}");
    let fine = connection.run("fine", Vec::new(), ExecLimits::new("going on", TOO_LONG)).await;
    assert_eq!(out_of(&fine), Out::Exit(3), "{name}: {fine:?}");
}

async fn has_ended(name: &str, cause: &str, connection: &Connection, beside: &mut ExecStream) {
    let fault = timeout(TOO_LONG, connection.closed()).await;
    let fault = fault.unwrap_or_else(|_| panic!("lives on: {name}"));
    assert!(fault.code == FaultCode::LinkLost && is_safe(&fault), "{name}: {fault:?}");
    // A panic below would show itself as a line that the host closed.
    assert!(fault.detail.cause.as_deref().is_some_and(|why| why.contains(cause)), "{name}: {fault:?}");
    let end = timeout(TOO_LONG, beside.running.ended()).await;
    let end = end.unwrap_or_else(|_| panic!("the other channel hangs: {name}"));
    assert_eq!(end, ExecEnd::default(), "nobody knows how the other ended: {name}");
    let next = connection.run("fine", Vec::new(), ExecLimits::new("going on", TOO_LONG)).await;
    assert_eq!(out_of(&next), Out::Lost, "{name}: {next:?}");
}
