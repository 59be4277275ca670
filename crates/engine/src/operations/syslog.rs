//! Entries as messages of RFC 5424, for a collector of the house's own. Off until an address is chosen.
//!
//! What is to be sent is what the chain has after the last record that was sent; so nothing is kept
//! twice, and what could not be sent waits in the log. Neither UDP nor TCP tells that a message was
//! read: what is known is that it left this computer and that nobody refused it.

use std::ops::{Bound, ControlFlow};
use std::time::Duration;

use protocol::operations::Operation;
use protocol::settings::{Syslog, Transport};
use protocol::text::printable;
use protocol::{Fault, FaultCode};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::chain::{CHAIN, What, tip};
use super::export::utc;
use super::{Operations, log};
use crate::store::{Order, Reader, Tree};

/// The last record that was sent, by the address that it was sent to.
const SENT: Tree<String, u64> = Tree::new("operations_syslog", 1);

/// Messages of one write.
const AT_ONCE: usize = 64;
/// Longer texts are cut: a receiver must take 2,048 bytes and need take no more (RFC 5424, 6.1).
const VALUE_CHARS: usize = 256;
const UDP_BYTES: usize = 2_048;
const PATIENCE: Duration = Duration::from_secs(5);
/// So long after a datagram the answer is waited for that nobody listens.
const REFUSAL: Duration = Duration::from_millis(100);

/// Facility 13, log audit.
const FACILITY: u8 = 13;

/// One message, without a frame.
pub(super) fn message(entry: &Operation, computer: &str) -> String {
    let severity = if entry.result.is_bad() { 4 } else { 6 };
    let host = entry.host.as_ref();
    let values = [
        ("id", entry.id.to_string()),
        ("operator", entry.operator.clone()),
        ("host", host.map_or_else(String::new, |host| host.name.clone())),
        ("address", host.map_or_else(String::new, |host| format!("{}:{}", host.address, host.port))),
        ("target", entry.target.clone()),
        ("command", entry.command.clone()),
        ("result", entry.result.name().to_owned()),
        ("exit", entry.exit_code.map_or_else(String::new, |code| code.to_string())),
    ];
    let data: String = values
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!(" {name}=\"{}\"", value(text)))
        .collect();
    let on = host.map_or_else(String::new, |host| format!(" on {}", line(&host.name)));
    let summary =
        if entry.summary.is_empty() { String::new() } else { format!(": {}", line(&entry.summary)) };
    format!(
        "<{}>1 {} {} muster - {} [operation@32473{data}] \u{feff}{} {}{on}: {}{summary}",
        FACILITY * 8 + severity,
        utc(entry.started_ms),
        header(computer),
        entry.kind.name(),
        entry.kind.name(),
        line(&entry.target),
        entry.result.words(),
    )
}

/// Text of one line that nothing in it can end.
fn line(text: &str) -> String {
    printable(&text.chars().take(VALUE_CHARS).collect::<String>()).into_owned()
}

/// A value of structured data: what would end it is escaped (RFC 5424, 6.3.3).
fn value(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in line(text).chars() {
        if matches!(c, '"' | '\\' | ']') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A word of the header: visible ASCII, or nothing.
fn header(word: &str) -> String {
    let word: String = word.chars().filter(char::is_ascii_graphic).take(255).collect();
    if word.is_empty() { "-".into() } else { word }
}

/// The next entries to send, and the record that they reach to.
fn next(reader: &Reader<'_>, after: u64) -> Result<(Vec<Operation>, u64), Fault> {
    let (mut entries, mut through) = (Vec::new(), after);
    CHAIN.scan(
        reader,
        (Bound::Excluded(after), Bound::Unbounded),
        Order::LowestFirst,
        |number, record| {
            if record.what == What::Finished
                && let Some(entry) = log::find(reader, record.id)?
            {
                entries.push(entry);
            }
            through = number;
            Ok(if entries.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        },
    )?;
    Ok((entries, through))
}

fn unsent(to: &Syslog, why: impl std::fmt::Display) -> Fault {
    Fault::new(FaultCode::NoAnswer, format!("the log could not be sent to {}:{}: {why}", to.host, to.port))
        .about(format!("{}:{}", to.host, to.port))
}

/// The way to a collector, kept open between messages.
pub(super) enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Way {
    async fn open(to: &Syslog) -> std::io::Result<Self> {
        let address = (to.host.as_str(), to.port);
        match to.transport {
            Transport::Tcp => Ok(Self::Tcp(TcpStream::connect(address).await?)),
            Transport::Udp => {
                let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
                for found in tokio::net::lookup_host(address).await? {
                    let own = if found.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
                    let socket = UdpSocket::bind(own).await?;
                    match socket.connect(found).await {
                        Ok(()) => return Ok(Self::Udp(socket)),
                        Err(why) => last = why,
                    }
                }
                Err(last)
            }
        }
    }

    async fn send(&mut self, messages: &[String]) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                // One that hung up is seen here and not after the messages are lost in it.
                let mut byte = [0];
                match stream.try_read(&mut byte) {
                    Ok(0) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
                    Err(why) if why.kind() != std::io::ErrorKind::WouldBlock => return Err(why),
                    _ => {}
                }
                // Octet counting (RFC 6587, 3.4.1): no byte of a message can end it.
                let framed: String = messages.iter().map(|text| format!("{} {text}", text.len())).collect();
                stream.write_all(framed.as_bytes()).await?;
                stream.flush().await
            }
            Self::Udp(socket) => {
                for text in messages {
                    let end = text.floor_char_boundary(UDP_BYTES);
                    socket.send(&text.as_bytes()[..end]).await?;
                }
                // That nobody listens is told by the answer to a datagram, a moment later.
                tokio::time::sleep(REFUSAL).await;
                if let Some(why) = socket.take_error()? {
                    return Err(why);
                }
                Ok(())
            }
        }
    }
}

/// What a collector is known by.
fn name(to: &Syslog) -> String {
    format!("{}:{}", to.host, to.port)
}

impl Operations {
    /// What is written from now on goes to this collector, if it never had anything before.
    pub(crate) async fn forward_from_now(&self, to: &Syslog) -> Result<(), Fault> {
        let name = name(to);
        self.store
            .write(move |writer| match SENT.has(writer, &name)? {
                true => Ok(()),
                false => SENT.put(writer, &name, &tip(writer)?.record),
            })
            .await
    }

    /// Sends what waits, over a way of its own.
    pub(crate) async fn forward_now(&self, to: &Syslog) -> Result<u64, Fault> {
        self.forward(to, &mut None).await
    }

    /// Sends what is new since the last time, over a way that is kept; the first time, only what comes
    /// from now on. Tells how many entries were sent.
    pub(super) async fn forward(&self, to: &Syslog, way: &mut Option<Way>) -> Result<u64, Fault> {
        let name = name(to);
        let computer = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let mut sent = 0;
        loop {
            let asked = name.clone();
            let after =
                self.store.read(move |reader| Ok((SENT.get(reader, &asked)?, tip(reader)?.record))).await?;
            let (Some(after), newest) = after else {
                return self.forward_from_now(to).await.map(|()| 0);
            };
            if after >= newest {
                return Ok(sent);
            }
            let (entries, through) = self.store.read(move |reader| next(reader, after)).await?;
            let messages: Vec<String> = entries.iter().map(|entry| message(entry, &computer)).collect();
            if !messages.is_empty() {
                let going = async {
                    if way.is_none() {
                        *way = Some(Way::open(to).await?);
                    }
                    match way {
                        Some(way) => way.send(&messages).await,
                        None => Ok(()),
                    }
                };
                let gone = timeout(PATIENCE, going).await;
                if let Err(why) = gone.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
                    *way = None;
                    return Err(unsent(to, why));
                }
                sent += messages.len() as u64;
            }
            let asked = name.clone();
            self.store.write(move |writer| SENT.put(writer, &asked, &through)).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::operations::{Finish, OperationDraft};
    use crate::store::Store;
    use protocol::operations::{HostThen, OperationKind, OperationResult};
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    async fn open(dir: &tempfile::TempDir) -> Operations {
        let store = Store::open(dir.path()).await.unwrap().store;
        Operations::open(store, Clock::standing_at(1_700_000_000_123), "ann".into()).await.unwrap()
    }

    async fn record(log: &Operations, target: &str) {
        let host = HostThen {
            id: "i".into(),
            name: "web-1".into(),
            address: "10.0.0.1".into(),
            port: 22,
            ..HostThen::default()
        };
        let draft = OperationDraft::new(OperationKind::Command, Some(host), target);
        log.record(draft, Finish::new(OperationResult::Failed).saying("exit status 1")).await.unwrap();
    }

    #[tokio::test]
    async fn a_message_is_as_rfc_5424_says_and_nothing_in_it_ends_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(&dir).await;
        record(&log, "a\"b]c\\d\n<13>1 forged\u{1b}[2J").await;
        let entry = log.show(1).await.unwrap();
        let text = message(&entry, "desk 1");
        assert_eq!(
            text,
            "<108>1 2023-11-14T22:13:20.123Z desk1 muster - command [operation@32473 id=\"1\" operator=\"ann\" \
             host=\"web-1\" address=\"10.0.0.1:22\" target=\"a\\\"b\\]c\\\\d\\\\x0a<13>1 forged\\\\x1b[2J\" \
             result=\"failed\"] \u{feff}command a\"b]c\\d\\x0a<13>1 forged\\x1b[2J on web-1: failed: exit status 1"
        );
        assert!(!text.contains(['\n', '\u{1b}']));
    }

    /// Reads frames until the other end is quiet.
    async fn frames(stream: &mut TcpStream, count: usize) -> Vec<String> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let mut len = String::new();
            loop {
                match stream.read_u8().await.unwrap() {
                    b' ' => break,
                    digit => len.push(digit as char),
                }
            }
            let mut text = vec![0; len.parse().unwrap()];
            stream.read_exact(&mut text).await.unwrap();
            frames.push(String::from_utf8(text).unwrap());
        }
        frames
    }

    #[tokio::test]
    async fn what_cannot_be_sent_waits_and_is_sent_once_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(&dir).await;
        record(&log, "before it was chosen").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = Syslog { transport: Transport::Tcp, host: "127.0.0.1".into(), port };
        let mut way = None;
        assert_eq!(log.forward(&to, &mut way).await.unwrap(), 0, "what was there before stays here");
        drop(listener);
        for n in 0..3 {
            record(&log, &format!("offline {n}")).await;
        }
        let fault = log.forward(&to, &mut way).await.unwrap_err();
        assert!(fault.message.contains(&format!("127.0.0.1:{port}")), "{}", fault.message);
        // After a restart it still waits.
        drop(log);
        let log = open(&dir).await;
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (sent, accepted) = tokio::join!(log.forward(&to, &mut way), listener.accept());
        assert_eq!(sent.unwrap(), 3);
        let mut stream = accepted.unwrap().0;
        let got = frames(&mut stream, 3).await;
        assert!(got.iter().enumerate().all(|(n, text)| text.contains(&format!("offline {n}"))), "{got:?}");
        assert_eq!(log.forward(&to, &mut way).await.unwrap(), 0, "nothing is sent twice");
        // The collector goes away and comes back.
        drop(stream);
        record(&log, "later").await;
        log.forward(&to, &mut way).await.expect_err("a collector that hung up is seen");
        let (again, accepted) = tokio::join!(log.forward(&to, &mut way), listener.accept());
        assert_eq!(again.unwrap(), 1);
        let mut stream = accepted.unwrap().0;
        assert!(frames(&mut stream, 1).await[0].contains("later"));
    }

    #[tokio::test]
    async fn a_datagram_that_nobody_takes_is_sent_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(&dir).await;
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let to = Syslog { transport: Transport::Udp, host: "127.0.0.1".into(), port };
        let mut way = None;
        log.forward(&to, &mut way).await.unwrap();
        drop(socket);
        record(&log, &"磁盘".repeat(2_000)).await;
        log.forward(&to, &mut way).await.unwrap_err();
        let socket = UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
        assert_eq!(log.forward(&to, &mut way).await.unwrap(), 1);
        let mut text = vec![0; 8_192];
        let len = socket.recv(&mut text).await.unwrap();
        let text = std::str::from_utf8(&text[..len]).unwrap();
        assert!(len <= UDP_BYTES && text.starts_with("<108>1 "), "{text}");
    }
}
