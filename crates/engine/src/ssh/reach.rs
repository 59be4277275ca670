//! reach: from an address to an open TCP connection, or the one reason why there is none.
//!
//! All addresses of a name are tried, each 250 ms after the one before (RFC 8305), and the first
//! that answers wins. If none does, the most telling reason is given: a port that refuses proves
//! that the host is up, silence says less, no route says that the packet never left.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use protocol::{Fault, FaultCode};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Place;

/// For looking up the name.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);
/// Names that the system is asked for at the same time. Each takes a thread until the system has answered, long
/// after it was given up here where a name service is silent: many hosts would take the threads of all else.
const LOOKUPS_AT_ONCE: usize = 64;
static LOOKUPS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)));
/// For opening the connection, over all addresses.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Head start of an address over the next one.
const STAGGER: Duration = Duration::from_millis(250);
/// More addresses of one name are not tried.
const ADDRESSES_TRIED: usize = 8;
/// Bytes that nobody acknowledges for this long end the connection, milliseconds.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_LIMIT_MS: u32 = 9_000;

/// Why one address could not be reached, from the most telling to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Miss {
    Refused,
    Silent,
    NoRoute,
    Other,
}

pub(super) async fn reach(place: &Place) -> Result<TcpStream, Fault> {
    let addresses = look_up(place).await?;
    let mut misses: Vec<(Miss, String)> = Vec::new();
    match timeout(CONNECT_LIMIT, race(&addresses, &mut misses)).await {
        Ok(Some(stream)) => {
            prepare(&stream);
            Ok(stream)
        }
        Ok(None) => Err(explain(place, misses)),
        Err(_) => {
            misses.push((Miss::Silent, format!("no answer within {} s", CONNECT_LIMIT.as_secs())));
            Err(explain(place, misses))
        }
    }
}

async fn look_up(place: &Place) -> Result<Vec<SocketAddr>, Fault> {
    // What is an address already needs no name service, and waits for none.
    if let Ok(ip) = place.address.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, place.port)]);
    }
    let ask_system = |name: (String, u16)| name.to_socket_addrs().map(Iterator::collect);
    look_up_by(place, &LOOKUPS, LOOKUP_LIMIT, ask_system).await
}

async fn look_up_by(
    place: &Place,
    turns: &Arc<Semaphore>,
    limit: Duration,
    ask: impl FnOnce((String, u16)) -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> Result<Vec<SocketAddr>, Fault> {
    let unresolved = |cause: String| {
        place
            .fault(
                FaultCode::NameNotResolved,
                format!("the address of {} could not be looked up: {cause}", place.label()),
            )
            .because(cause)
    };
    let name = (place.address.clone(), place.port);
    let asked = async {
        let turn = turns.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (tell, told) = oneshot::channel();
        // Not one of the threads that wait for disks, which a silent name service would take from them.
        std::thread::Builder::new().name("lookup".into()).spawn(move || {
            // Held as long as the thread is, and not only while somebody waits for it.
            let _turn = turn;
            // Who asked may have given up.
            drop(tell.send(ask(name)));
        })?;
        told.await.map_err(io::Error::other)?
    };
    let found = timeout(limit, asked)
        .await
        .map_err(|_| unresolved(format!("the name service did not answer within {} s", limit.as_secs())))?
        .map_err(|why| unresolved(why.to_string()))?;
    let found = interleave(found);
    if found.is_empty() { Err(unresolved("the name has no address".into())) } else { Ok(found) }
}

/// IPv6 and IPv4 by turns, the first family staying first.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let leads = first.is_ipv6();
    let (lead, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == leads);
    let mut mixed = Vec::with_capacity(lead.len() + other.len());
    let (mut lead, mut other) = (lead.into_iter(), other.into_iter());
    loop {
        match (lead.next(), other.next()) {
            (None, None) => break,
            (a, b) => mixed.extend(a.into_iter().chain(b)),
        }
    }
    mixed.truncate(ADDRESSES_TRIED);
    mixed
}

async fn race(addresses: &[SocketAddr], misses: &mut Vec<(Miss, String)>) -> Option<TcpStream> {
    let mut tries = JoinSet::new();
    let mut waiting = addresses.iter().copied();
    loop {
        if let Some(address) = waiting.next() {
            tries.spawn(TcpStream::connect(address));
        } else if tries.is_empty() {
            return None;
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some(ended) = tries.join_next() => match ended {
                Ok(Ok(stream)) => return Some(stream),
                Ok(Err(why)) => misses.push((judge(&why), why.to_string())),
                Err(why) => misses.push((Miss::Other, why.to_string())),
            },
            () = sleep(STAGGER), if more => {}
        }
    }
}

fn judge(why: &io::Error) -> Miss {
    use io::ErrorKind as Kind;
    match why.kind() {
        Kind::ConnectionRefused | Kind::ConnectionReset => Miss::Refused,
        Kind::TimedOut => Miss::Silent,
        // A route of type `prohibit` or `blackhole` gives EACCES or EINVAL.
        Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable
        | Kind::PermissionDenied
        | Kind::InvalidInput => Miss::NoRoute,
        _ => Miss::Other,
    }
}

fn explain(place: &Place, mut misses: Vec<(Miss, String)>) -> Fault {
    misses.sort_by_key(|(miss, _)| *miss);
    let (miss, cause) = misses.into_iter().next().unwrap_or((Miss::Other, "no address was tried".into()));
    let label = place.label();
    let (code, message) = match miss {
        Miss::Refused => {
            (FaultCode::PortClosed, format!("{label} refused the connection: nothing listens there"))
        }
        Miss::Silent => (FaultCode::NoAnswer, format!("{label} did not answer: {cause}")),
        Miss::NoRoute => (FaultCode::NoRoute, format!("there is no way to {label}: {cause}")),
        Miss::Other => (FaultCode::NoAnswer, format!("{label} could not be reached: {cause}")),
    };
    place.fault(code, message).because(cause)
}

/// Small packets leave at once; a peer that acknowledges nothing is given up.
fn prepare(stream: &TcpStream) {
    if let Err(why) = stream.set_nodelay(true) {
        tracing::warn!(%why, "TCP_NODELAY was not set");
    }
    #[cfg(target_os = "linux")]
    if let Err(why) = rustix::net::sockopt::set_tcp_user_timeout(stream, UNACKNOWLEDGED_LIMIT_MS) {
        tracing::warn!(%why, "TCP_USER_TIMEOUT was not set");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_of_a_name_are_tried_by_turns() {
        let given = ["[::1]:1", "[::2]:1", "127.0.0.1:1"].map(|a| a.parse().unwrap());
        let mixed: Vec<String> = interleave(given.to_vec()).iter().map(SocketAddr::to_string).collect();
        assert_eq!(mixed, ["[::1]:1", "127.0.0.1:1", "[::2]:1"], "a dead family must not hold up the other");
    }

    #[tokio::test]
    async fn a_name_service_that_is_silent_takes_few_threads_however_many_hosts_ask_it() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        use std::sync::mpsc;
        const THREADS: usize = 3;
        let place = Place { host: "web".into(), address: "web.test".into(), port: 22 };
        let turns = Arc::new(Semaphore::new(THREADS));
        let begun = Arc::new(AtomicUsize::new(0));
        let mut silent = Vec::new();
        let tries = (0..40).map(|_| {
            let ((answer, waits), begun) = (mpsc::channel::<()>(), begun.clone());
            silent.push(answer);
            look_up_by(&place, &turns, Duration::from_millis(300), move |_| {
                begun.fetch_add(1, Ordering::SeqCst);
                let _ = waits.recv();
                Ok(Vec::new())
            })
        });
        for tried in futures::future::join_all(tries).await {
            let fault = tried.unwrap_err();
            assert_eq!(fault.code, FaultCode::NameNotResolved);
            assert!(fault.message.contains("the name service did not answer within"), "{fault}");
        }
        assert_eq!(begun.load(Ordering::SeqCst), THREADS, "a try that was given up keeps its thread");
        // An address needs none of them.
        let address = Place { address: "192.0.2.1".into(), ..place.clone() };
        assert_eq!(look_up(&address).await.unwrap(), ["192.0.2.1:22".parse().unwrap()]);
        // The name service answers again: each turn comes back, and the next try is served.
        silent.clear();
        let known = "192.0.2.7:22".parse().unwrap();
        let found = look_up_by(&place, &turns, Duration::from_secs(60), move |name| {
            assert_eq!(name, ("web.test".to_owned(), 22));
            Ok(vec![known])
        });
        assert_eq!(found.await.unwrap(), [known]);
        let all = turns.acquire_many(u32::try_from(THREADS).unwrap());
        drop(timeout(Duration::from_secs(60), all).await.unwrap().unwrap());
    }

    #[test]
    fn a_port_that_refuses_says_more_than_a_missing_route() {
        let place = Place { host: "web".into(), address: "web.test".into(), port: 22 };
        let fault =
            explain(&place, vec![(Miss::NoRoute, "no route".into()), (Miss::Refused, "refused".into())]);
        assert_eq!(fault.code, FaultCode::PortClosed);
        assert_eq!(fault.detail.subject.as_deref(), Some("web.test:22"));
    }
}
