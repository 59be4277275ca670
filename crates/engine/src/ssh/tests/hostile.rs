//! Somebody between us and the host, and handshakes of nonsense: nothing connects that should not, nobody
//! hangs, and no wrong key is ever shown.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::FaultCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::sshd::{Sshd, trust};
use crate::ssh::{Target, connect, fetch_host_key};

/// Type of the message that only says that it is to be ignored, and of the one that ends a key exchange.
const IGNORE: u8 = 2;
const NEWKEYS: u8 = 21;
/// Longer than our own time-outs of a handshake.
const TOO_LONG: Duration = Duration::from_secs(40);

/// Random numbers that a seed gives again.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below.max(1)
    }
}

/// What happens to the host's words on the way. `None` lets nothing more through.
type Tamper = Arc<dyn Fn(Vec<u8>) -> Option<Vec<u8>> + Send + Sync>;

/// A way to a host. Nobody can take it any more once it is dropped.
struct Way {
    port: u16,
    taking: tokio::task::JoinHandle<()>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

/// A way to `port` on which the host's words pass through `tamper`; keeps what we say in `said`.
async fn between(port: u16, said: Arc<Mutex<Vec<u8>>>, tamper: impl Fn() -> Tamper + Send + 'static) -> Way {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    let taking = tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
            let (tamper, said) = (tamper(), said.clone());
            let (mut asks, mut hears) = near.into_split();
            let (mut says, mut is_asked) = far.into_split();
            tokio::spawn(async move {
                let mut bytes = vec![0; 16_384];
                while let Ok(read @ 1..) = asks.read(&mut bytes).await {
                    said.lock().unwrap().extend_from_slice(&bytes[..read]);
                    if is_asked.write_all(&bytes[..read]).await.is_err() {
                        return;
                    }
                }
            });
            tokio::spawn(async move {
                let mut bytes = vec![0; 16_384];
                while let Ok(read @ 1..) = says.read(&mut bytes).await {
                    let Some(told) = tamper(bytes[..read].to_vec()) else { return };
                    if hears.write_all(&told).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Way { port: own, taking }
}

/// A packet of the exchange before keys are there (RFC 4253, 6).
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (payload.len() + 5) % 8 + 4;
    let length = u32::try_from(payload.len() + 1 + padding).unwrap();
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap());
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

/// The types of the packets up to the end of the key exchange, and the bytes behind it.
fn packets(said: &[u8]) -> (Vec<u8>, usize) {
    let mut rest = said.iter().position(|byte| *byte == b'\n').map_or(said, |end| &said[end + 1..]);
    let mut types = Vec::new();
    while rest.len() > 5 && types.last() != Some(&NEWKEYS) {
        let length = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        if rest.len() < 4 + length {
            break;
        }
        types.push(rest[5]);
        rest = &rest[4 + length..];
    }
    (types, rest.len())
}

#[tokio::test]
async fn not_a_byte_of_the_sign_in_leaves_for_a_host_whose_key_is_not_accepted() {
    let sshd = Sshd::start("");
    let said = Arc::new(Mutex::new(Vec::new()));
    let way = between(sshd.port, said.clone(), || Arc::new(Some)).await;
    let target = Target { port: way.port, ..sshd.target() };
    let fault = connect(&target, &[], &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostKeyUnknown);
    let said = said.lock().unwrap().clone();
    let (types, behind) = packets(&said);
    assert!(!types.is_empty(), "the exchange was recorded");
    assert!(types.iter().all(|kind| (20..50).contains(kind)), "only the key exchange: {types:?}");
    assert!(behind == 0, "{behind} bytes after the key exchange");
}

#[tokio::test]
async fn a_packet_put_in_or_taken_out_before_the_keys_ends_the_connection() {
    let sshd = Sshd::start("LogLevel DEBUG3");
    let key = fetch_host_key("web", "127.0.0.1", sshd.port, &[], None).await.unwrap().key;
    // Put in behind the banner, before the host's own first packet and after it.
    for nth in 0..2 {
        let put_in = move || -> Tamper {
            let seen = Mutex::new(0);
            Arc::new(move |mut bytes| {
                let mut seen = seen.lock().unwrap();
                // The banner and the first packet may come in one piece.
                if *seen == 0 && nth == 0 {
                    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
                    bytes.splice(end..end, packet(&[IGNORE, 0, 0, 0, 0]));
                } else if *seen == 1 && nth == 1 {
                    bytes.splice(0..0, packet(&[IGNORE, 0, 0, 0, 0]));
                }
                *seen += 1;
                Some(bytes)
            })
        };
        let way = between(sshd.port, Arc::default(), put_in).await;
        let target = Target { port: way.port, ..sshd.target() };
        let fault = connect(&target, &[trust(way.port, key.clone())], &|_| {}).await.unwrap_err();
        assert!(matches!(fault.code, FaultCode::NotSsh | FaultCode::LinkLost), "{nth}: {fault:?}");
    }
    // The first thing that the host says under its new keys is taken out.
    let take_out = || -> Tamper {
        let state = Mutex::new((Vec::new(), false));
        Arc::new(move |bytes| {
            let mut state = state.lock().unwrap();
            if state.1 {
                return Some(bytes);
            }
            state.0.extend_from_slice(&bytes);
            let (types, behind) = packets(&state.0);
            if types.last() != Some(&NEWKEYS) {
                return Some(bytes);
            }
            state.1 = true;
            let kept = bytes.len() - behind.min(bytes.len());
            Some(bytes[..kept].to_vec())
        })
    };
    let way = between(sshd.port, Arc::default(), take_out).await;
    let target = Target { port: way.port, ..sshd.target() };
    let tried = tokio::time::timeout(TOO_LONG * 2, connect(&target, &[trust(way.port, key)], &|_| {})).await;
    assert!(tried.expect("it ends").is_err(), "what was taken out must be missed");
    let log = std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
    assert!(!log.contains("userauth-request"), "nothing of the sign-in is sent: {log}");
}

/// Lets the host's banner and the packets before its keys through, but for one; `seen` has their types.
fn without(nth: usize, seen: Arc<Mutex<Vec<u8>>>) -> Tamper {
    let waiting = Mutex::new((Vec::new(), false));
    Arc::new(move |bytes| {
        let (waiting, banner_is_through) = &mut *waiting.lock().unwrap();
        let mut seen = seen.lock().unwrap();
        waiting.extend_from_slice(&bytes);
        let mut passed = Vec::new();
        if !*banner_is_through {
            let Some(end) = waiting.iter().position(|byte| *byte == b'\n') else { return Some(passed) };
            passed.extend(waiting.drain(..=end));
            *banner_is_through = true;
        }
        while seen.last() != Some(&NEWKEYS) && waiting.len() > 5 {
            let end = 4 + u32::from_be_bytes(waiting[..4].try_into().unwrap()) as usize;
            if waiting.len() < end {
                return Some(passed);
            }
            let packet: Vec<u8> = waiting.drain(..end).collect();
            if seen.len() != nth {
                passed.extend_from_slice(&packet);
            }
            seen.push(packet[5]);
        }
        if seen.last() == Some(&NEWKEYS) {
            passed.append(waiting);
        }
        Some(passed)
    })
}

#[tokio::test]
async fn without_any_packet_of_the_key_exchange_nothing_connects_and_no_sign_in_is_sent() {
    let sshd = Sshd::start("LogLevel DEBUG3");
    let key = fetch_host_key("web", "127.0.0.1", sshd.port, &[], None).await.unwrap().key;
    let mut tries = tokio::task::JoinSet::new();
    for nth in 0..4 {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let tampers = seen.clone();
        let way = between(sshd.port, Arc::default(), move || without(nth, tampers.clone())).await;
        let (target, known) = (Target { port: way.port, ..sshd.target() }, [trust(way.port, key.clone())]);
        tries.spawn(async move {
            let _way = way;
            let tried = tokio::time::timeout(TOO_LONG, connect(&target, &known, &|_| {})).await;
            (nth, tried.expect("it ends").map(drop), seen.lock().unwrap().clone())
        });
    }
    let mut connected = Vec::new();
    for (nth, tried, seen) in tries.join_all().await {
        match tried {
            // There are three, so this way takes none out.
            Ok(()) => connected.push((nth, seen)),
            Err(fault) => {
                let codes = [FaultCode::NotSsh, FaultCode::LinkLost, FaultCode::NoAnswer];
                assert!(codes.contains(&fault.code), "{nth}: {fault:?}");
            }
        }
    }
    assert_eq!(connected, [(3, vec![20, 31, NEWKEYS])]);
    let log = std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
    let asked = log.matches("userauth-request for user").count();
    // The one that connects asks, and shows its key and then its signature.
    assert!((1..=2).contains(&asked), "{asked} requests: {log}");
}

#[tokio::test]
async fn a_banner_without_end_is_given_up_in_time_and_not_kept() {
    for chunk in ["hello\r\n".repeat(512), "x".repeat(4_096)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let chunk = chunk.clone();
                tokio::spawn(async move { while stream.write_all(chunk.as_bytes()).await.is_ok() {} });
            }
        });
        let tried = tokio::time::timeout(TOO_LONG, fetch_host_key("web", "127.0.0.1", port, &[], None)).await;
        let fault = tried.expect("it is given up").unwrap_err();
        assert!(matches!(fault.code, FaultCode::NotSsh | FaultCode::NoAnswer), "{fault:?}");
        assert!(fault.message.len() < 2_000, "what it said is shortened");
    }
}

#[tokio::test]
async fn mutated_handshakes_end_in_time_and_never_show_a_wrong_key() {
    // The long run is for before a release. Many of them wait for bytes that never come, which costs nothing.
    let (runs, at_once) = if crate::rig::is_long() { (100_000, 600) } else { (200, 40) };
    let seed: u64 = std::env::var("MUSTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    eprintln!("mutated handshakes: {runs} runs, seed {seed}");
    let sshd = Sshd::start("MaxStartups 1000\nLoginGraceTime 60\n");
    let true_key = fetch_host_key("web", "127.0.0.1", sshd.port, &[], None).await.unwrap().key;
    let turns = Arc::new(tokio::sync::Semaphore::new(at_once));
    let mut all = tokio::task::JoinSet::new();
    for run in 0..runs {
        let turn = turns.clone().acquire_owned().await.unwrap();
        let (port, true_key) = (sshd.port, true_key.clone());
        all.spawn(async move {
            let _turn = turn;
            let mutate = move || -> Tamper {
                let state = Mutex::new((Random(seed.wrapping_mul(1_000_003).wrapping_add(run + 1)), 0));
                Arc::new(move |mut bytes| {
                    let mut state = state.lock().unwrap();
                    state.1 += 1;
                    let random = &mut state.0;
                    let at = random.next(bytes.len());
                    match random.next(6) {
                        0 => bytes[at] ^= 1 << random.next(8),
                        1 => bytes.truncate(at),
                        2 => drop(bytes.drain(at..(at + 1 + random.next(16)).min(bytes.len()))),
                        3 => bytes.splice(at..at, vec![u8::MAX; 1 + random.next(64)]).for_each(drop),
                        4 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = u8::MAX),
                        _ => {}
                    }
                    Some(bytes)
                })
            };
            let way = between(port, Arc::default(), mutate).await;
            let shown =
                tokio::time::timeout(TOO_LONG, fetch_host_key("web", "127.0.0.1", way.port, &[], None)).await;
            match shown {
                Err(_) => panic!("run {run} of seed {seed} hangs"),
                Ok(Ok(shown)) => {
                    assert_eq!(shown.key, true_key, "run {run} of seed {seed} shows a wrong key")
                }
                Ok(Err(_)) => {}
            }
        });
        while let Some(ended) = all.try_join_next() {
            ended.unwrap();
        }
        if run % 10_000 == 9_999 {
            eprintln!("mutated handshakes: {} begun", run + 1);
        }
    }
    while let Some(ended) = all.join_next().await {
        ended.unwrap();
    }
}
