//! What is this computer's own doing: it slept, or its network is gone. Neither is a host that is down.
//!
//! While a computer sleeps its monotonic clock stands and the one that counts from boot goes on
//! (clock_gettime(2)): their distance grows by the time that was slept. After it, every host that waits
//! is tried at once, and what was lost meanwhile is said to be lost by the sleep.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{PoisonError, Weak};
use std::time::Duration;

use protocol::{Fault, FaultCode};

use super::ById;

/// Between two looks at the clocks, and at the network while it is gone.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Clocks differ by less without a sleep.
const SLEPT_AT_LEAST: Duration = Duration::from_secs(3);
/// A link that is lost so soon after a sleep was lost by it: longer than a silent host is waited for.
const BY_SLEEP_MS: i64 = 30_000;
/// The cause of what was lost by it.
const SLEPT: &str = "this computer slept";

/// How long this computer has slept since it was started; `None` where that cannot be told.
#[cfg(target_os = "linux")]
pub(super) fn slept() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| Duration::try_from(clock_gettime(clock)).ok();
    // In this order: a delay between the two looks must not look like sleep that goes away again.
    let (woken, all) = (read(ClockId::Monotonic)?, read(ClockId::Boottime)?);
    Some(all.saturating_sub(woken))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn slept() -> Option<Duration> {
    None
}

/// True if this computer slept between two looks.
fn has_slept(before: Option<Duration>, now: Option<Duration>) -> bool {
    before.zip(now).is_some_and(|(before, now)| now.saturating_sub(before) >= SLEPT_AT_LEAST)
}

/// Tells all sessions when this computer woke, by what `slept` says again and again. Ends with them.
pub(super) async fn watch(by_id: Weak<ById>, slept: impl Fn() -> Option<Duration>, look_every: Duration) {
    let mut before = slept();
    if before.is_none() {
        return;
    }
    loop {
        tokio::time::sleep(look_every).await;
        let now = slept();
        let woke = has_slept(before, now);
        before = now;
        let Some(by_id) = by_id.upgrade() else { return };
        if woke {
            tracing::info!("this computer slept");
            for session in by_id.lock().unwrap_or_else(PoisonError::into_inner).values() {
                session.woke();
            }
        }
    }
}

/// Whether this computer has a way to an address at all; nothing is sent. True where the name would have
/// to be looked up: that says by itself what is wrong.
pub(super) fn has_way(address: &str) -> bool {
    let Ok(ip) = address.parse::<IpAddr>() else { return true };
    let from: IpAddr = if ip.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let Ok(socket) = UdpSocket::bind(SocketAddr::new(from, 0)) else { return true };
    // To connect a datagram socket only chooses the route (connect(2)).
    socket.connect(SocketAddr::new(ip, 22)).is_ok()
}

/// Why a link was lost, where it was this computer's own doing.
pub(super) fn own_doing(fault: Fault, address: &str, label: &str, since_wake_ms: Option<i64>) -> Fault {
    if fault.code != FaultCode::LinkLost {
        return fault;
    }
    let own = |code, cause: &str| {
        let message = format!("the connection to {label} ended: {cause}");
        let mut own = Fault { code, message, detail: fault.detail.clone() };
        own.detail.cause = Some(cause.to_owned());
        own
    };
    if !has_way(address) {
        return own(FaultCode::NoRoute, "this computer has no network to it any more");
    }
    match since_wake_ms {
        Some(since_ms) if (0..BY_SLEEP_MS).contains(&since_ms) => own(FaultCode::LinkLost, SLEPT),
        _ => fault,
    }
}

/// What this computer did itself, so that links were lost that were up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnDoing {
    Slept,
    NoNetwork,
}

impl OwnDoing {
    /// By what a link was lost that was up; `None` where it was the host's doing, or that of a network between.
    pub fn of(lost: &Fault) -> Option<Self> {
        match lost.code {
            FaultCode::NoRoute => Some(Self::NoNetwork),
            FaultCode::LinkLost if lost.detail.cause.as_deref() == Some(SLEPT) => Some(Self::Slept),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_told_from_a_clock_that_is_a_little_off() {
        let at = |ms| Some(Duration::from_millis(ms));
        assert!(!has_slept(at(500), at(900)));
        assert!(has_slept(at(500), at(36_000_500)));
        assert!(!has_slept(at(36_000_500), at(36_000_500)), "it is told once");
        assert!(!has_slept(None, at(5_000)) && !has_slept(at(5_000), None));
        assert!(slept().is_some() || cfg!(not(target_os = "linux")));
    }

    #[test]
    fn what_this_computer_did_itself_is_not_told_as_the_host_s_fault() {
        let lost = Fault::new(FaultCode::LinkLost, "the host stopped answering").on_host("web");
        let told = own_doing(lost.clone(), "127.0.0.1", "web", Some(4_000));
        assert_eq!(told.detail.cause.as_deref(), Some("this computer slept"));
        assert_eq!(OwnDoing::of(&told), Some(OwnDoing::Slept));
        assert_eq!(OwnDoing::of(&lost), None);
        assert_eq!(OwnDoing::of(&Fault::new(FaultCode::NoRoute, "")), Some(OwnDoing::NoNetwork));
        assert_eq!(told.detail.host.as_deref(), Some("web"));
        assert_eq!(own_doing(lost.clone(), "127.0.0.1", "web", Some(60_000)), lost, "long after the sleep");
        assert_eq!(own_doing(lost.clone(), "127.0.0.1", "web", None), lost);
        assert!(has_way("127.0.0.1") && has_way("a name"));
    }
}
