//! session: from a target to a connection that is signed in.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::link::LinkStep;
use protocol::trust::{HostKey, KeyRole, TrustedKey, Verdict};
use protocol::{Fault, FaultCode};
use russh::client::{self, Handle};
use russh::keys::Algorithm;
use russh::{AlgorithmKind, Disconnect, Preferred, SshId, cipher};
use tokio::time::timeout;

use super::gate::{End, EndWatch, Gate, How, ShownKey, Stop, cause_of, words};
use super::jump::{self, Passage, Way};
use super::wire_tap::{CutOnDrop, WireTap};
use super::{Place, Target, auth, host_key};

/// For the banner and the key exchange together.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
/// A silent host is asked for a sign of life after this; three unanswered ones end the connection,
/// so that a cut is seen within 10 s.
const KEEPALIVE: Duration = Duration::from_secs(3);
const KEEPALIVES_UNANSWERED: usize = 2;
/// Ends a session whose writes are stuck; longer than a person may take to answer in the sign-in.
const STUCK_LIMIT: Duration = Duration::from_secs(150);
/// ChaCha20-Poly1305 comes last: with a host that does not know strict key exchange, a cut of the
/// first messages would go unseen with it (CVE-2023-48795).
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
    cipher::CHACHA20_POLY1305,
];
/// For the goodbye of a connection that is closed.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// A connection to a host, signed in. Dropping it ends everything that runs on it.
pub struct Connection {
    pub(super) handle: Handle<Gate>,
    pub(super) place: Place,
    ended: EndWatch,
    end: End,
    line: CutOnDrop,
    /// How many connections go through this one.
    pub(super) passages: Arc<AtomicUsize>,
    /// The jump host that it goes through. Declared last: it is let go after all else.
    pub(super) passage: Option<Passage>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Connection {
    /// True as soon as the connection is known to be gone.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed() || self.ended.now().is_some()
    }

    /// Waits until the connection is gone and says why (`LinkLost`).
    pub async fn closed(&self) -> Fault {
        let mut ended = self.ended.clone();
        ended.wait().await.map_or_else(|| self.gone("the host closed it"), |ended| ended.fault)
    }

    /// Says goodbye to the host and ends everything that runs on the connection.
    pub async fn close(&self) {
        let goodbye = self.handle.disconnect(Disconnect::ByApplication, "", "");
        // A host that does not take the goodbye is left without it.
        if !matches!(timeout(GOODBYE_LIMIT, goodbye).await, Ok(Ok(()))) {
            self.line.cut();
        }
        if timeout(GOODBYE_LIMIT, self.closed()).await.is_err() {
            self.line.cut();
        }
    }

    /// Closes it if no other connection goes through it; else the last of those does.
    pub async fn release(self: Arc<Self>) {
        if self.passages.load(Ordering::SeqCst) == 0 {
            self.close().await;
        }
    }

    /// How many connections to other hosts go through this one.
    pub fn carries(&self) -> usize {
        self.passages.load(Ordering::SeqCst)
    }

    /// Ends it at once and without a word, for a cause that is seen from outside.
    pub(super) fn give_up(&self, cause: &str) {
        self.end.note(cause, How::Broke);
        self.line.cut();
    }

    /// For how long nothing has come from the host.
    pub(super) fn silent_for(&self) -> Duration {
        self.line.silent_for()
    }

    /// Why it is gone, if it is.
    pub(crate) fn fault_if_closed(&self) -> Option<Fault> {
        let fault = self.ended.now().map(|ended| ended.fault);
        fault.or_else(|| self.handle.is_closed().then(|| self.gone("the host closed it")))
    }

    /// Tells the end to tasks that outlive a borrow.
    pub(crate) fn watch_end(&self) -> EndWatch {
        self.ended.clone()
    }

    fn gone(&self, cause: &str) -> Fault {
        let message = format!("the connection to {} ended: {cause}", self.place.label());
        self.place.fault(FaultCode::LinkLost, message).because(cause)
    }
}

/// The key that a host shows, beside what is known.
#[derive(Clone, Debug)]
pub struct Shown {
    pub key: HostKey,
    pub verdict: Verdict,
    /// The known authority that signed it, where that makes it known.
    pub certified_by: Option<TrustedKey>,
}

/// Asks a host for its key. Nothing of RFC 4252 is sent: the session ends when the key is shown.
/// `prefer` are keys known before; their algorithms are asked for first. `through` is the connection
/// to the jump host that it is behind.
///
/// # Errors
/// Why the host could not be reached or did not show a key.
pub async fn fetch_host_key(
    host: &str,
    address: &str,
    port: u16,
    prefer: &[TrustedKey],
    through: Option<&Arc<Connection>>,
) -> Result<Shown, Fault> {
    let place = Place { host: host.to_owned(), address: address.to_owned(), port };
    let known = host_key::known_for(prefer, address, port);
    let shown = look_at_key(&place, through, host_key::algorithms_preferring(&known), known).await?;
    Ok(Shown { key: shown.key, verdict: shown.verdict, certified_by: shown.certified_by })
}

/// Connects and signs in. `known` are accepted keys, of any hosts; `on_step` hears how far it is.
///
/// # Errors
/// `HostKeyUnknown` and `HostKeyChanged` carry the key that was shown; both come before anything
/// of the sign-in is sent.
pub async fn connect(
    target: &Target,
    known: &[TrustedKey],
    on_step: &(dyn Fn(LinkStep) + Send + Sync),
) -> Result<Connection, Fault> {
    connect_with_agent(target, known, on_step, std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from)).await
}

pub(super) async fn connect_with_agent(
    target: &Target,
    known: &[TrustedKey],
    on_step: &(dyn Fn(LinkStep) + Send + Sync),
    agent_socket: Option<PathBuf>,
) -> Result<Connection, Fault> {
    let place = Place { host: target.host.clone(), address: target.address.clone(), port: target.port };
    let through = target.through.as_ref();
    on_step(LinkStep::Reaching);
    let credential = auth::prepare(target, agent_socket)?;
    let way = jump::way(&place, through).await?;
    on_step(LinkStep::Handshake);
    let known = host_key::known_for(known, &target.address, target.port);
    let session = handshake(&place, way, host_key::algorithms_of(&known), known.clone(), false).await;
    let mut connection = match session {
        Ok(connection) => connection,
        Err(Refused::Key(shown)) => return Err(untrusted(&place, *shown, &known)),
        Err(Refused::NoCommonKey { .. }) if host_key::has_own(&known) => {
            // The host has no key of the known kinds any more. Which one does it have?
            let shown =
                look_at_key(&place, through, host_key::algorithms_preferring(&[]), known.clone()).await?;
            return Err(untrusted(&place, shown, &known));
        }
        Err(Refused::NoCommonKey { theirs }) => return Err(no_common_key(&place, &theirs)),
        Err(Refused::Fault(fault)) => return Err(fault),
    };
    on_step(LinkStep::SigningIn);
    let ended = connection.watch_end();
    let signing = auth::sign_in(&mut connection.handle, target, &place, &credential, ended);
    signing.await?;
    Ok(connection)
}

/// Why there is no session.
enum Refused {
    Key(Box<ShownKey>),
    NoCommonKey { theirs: Vec<String> },
    Fault(Fault),
}

async fn look_at_key(
    place: &Place,
    through: Option<&Arc<Connection>>,
    algorithms: Vec<Algorithm>,
    known: Vec<TrustedKey>,
) -> Result<ShownKey, Fault> {
    let way = jump::way(place, through).await?;
    match handshake(place, way, algorithms, known, true).await {
        Err(Refused::Key(shown)) => Ok(*shown),
        Err(Refused::NoCommonKey { theirs }) => Err(no_common_key(place, &theirs)),
        Err(Refused::Fault(fault)) => Err(fault),
        // A session that only looks ends at the key.
        Ok(_) => Err(place.fault(FaultCode::NotSsh, format!("{} showed no host key", place.label()))),
    }
}

/// Exchanges keys over any stream: a socket, or a channel through another host.
async fn handshake(
    place: &Place,
    Way { stream, passage, passages }: Way,
    algorithms: Vec<Algorithm>,
    known: Vec<TrustedKey>,
    only_look: bool,
) -> Result<Connection, Refused> {
    // Dropping this future anywhere below cuts the stream: the library's own task would live on.
    let (stream, line) = WireTap::new(stream);
    let config = config(algorithms, host_key::certificates_of(&known));
    let (gate, end) = Gate::new(place.clone(), known, only_look);
    let ended = end.watch();
    let session = client::connect_stream(Arc::new(config), stream, gate);
    match timeout(HANDSHAKE_LIMIT, session).await {
        Ok(Ok(handle)) => {
            Ok(Connection { handle, place: place.clone(), ended, end, line, passages, passage })
        }
        Ok(Err(Stop::Key(shown))) => Err(Refused::Key(shown)),
        Ok(Err(Stop::Ssh(russh::Error::NoCommonAlgo { kind: AlgorithmKind::Key, theirs, .. }))) => {
            Err(Refused::NoCommonKey { theirs })
        }
        Ok(Err(Stop::Weak(cipher))) => Err(Refused::Fault(weak(place, &cipher))),
        Ok(Err(Stop::Ssh(why))) => Err(Refused::Fault(unlike_ssh(place, &line.head(), Some(&why)))),
        Err(_) => Err(Refused::Fault(unlike_ssh(place, &line.head(), None))),
    }
}

fn config(algorithms: Vec<Algorithm>, certificates: Vec<Algorithm>) -> client::Config {
    client::Config {
        client_id: SshId::Standard(Cow::Owned(format!("SSH-2.0-Muster_{}", protocol::VERSION))),
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES_UNANSWERED,
        inactivity_timeout: Some(STUCK_LIMIT),
        nodelay: true,
        preferred: Preferred {
            key: Cow::Owned(algorithms),
            host_key_certificates: Cow::Owned(certificates),
            cipher: Cow::Borrowed(CIPHERS),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    }
}

fn untrusted(place: &Place, shown: ShownKey, known: &[TrustedKey]) -> Fault {
    let ShownKey { key: shown, verdict, refusal, .. } = shown;
    let key = format!("{} {}", shown.algorithm, shown.fingerprint);
    let own = || known.iter().filter(|trusted| trusted.role == KeyRole::Host);
    let refusal = refusal.map_or(String::new(), |why| format!("; {why}"));
    let mut fault = match verdict {
        Verdict::New | Verdict::Known => place.fault(
            FaultCode::HostKeyUnknown,
            format!("the host key of {} was never accepted: it shows {key}{refusal}", place.label()),
        ),
        Verdict::Revoked => place.fault(
            FaultCode::HostKeyRevoked,
            format!("the host key of {} is revoked in known_hosts: it shows {key}", place.label()),
        ),
        Verdict::Changed => place.fault(
            FaultCode::HostKeyChanged,
            format!(
                "the host key of {} is not the one that was accepted: it shows {key}{refusal}, accepted was {}",
                place.label(),
                own()
                    .map(|trusted| format!("{} {}", trusted.key.algorithm, trusted.key.fingerprint))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        ),
    };
    fault.detail.shown_key = Some(shown);
    fault.detail.known_keys = own().map(|trusted| trusted.key.clone()).collect();
    fault
}

/// A peer without strict key exchange can be made to miss messages under these ciphers.
fn weak(place: &Place, cipher: &str) -> Fault {
    let cause = format!("it does not know strict key exchange and offers nothing safer than {cipher}");
    let message = format!("{} was not used: {cause} (CVE-2023-48795)", place.label());
    place.fault(FaultCode::NotSsh, message).because(cause)
}

fn no_common_key(place: &Place, theirs: &[String]) -> Fault {
    let offered = words(&theirs.join(", "));
    let message = format!("{} offers only host keys that Muster does not accept: {offered}", place.label());
    place.fault(FaultCode::NotSsh, message).because(offered)
}

/// Why a handshake failed, by what the peer said first. `why` is `None` after a time-out.
fn unlike_ssh(place: &Place, head: &[u8], why: Option<&russh::Error>) -> Fault {
    let label = place.label();
    let limit = HANDSHAKE_LIMIT.as_secs();
    let said = String::from_utf8_lossy(head);
    let speaks_ssh = said.lines().any(|line| line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-"));
    let first = words(said.lines().next().unwrap_or_default());
    // sshd says these two lines instead of its banner when it has enough.
    let turned_away =
        first.starts_with("Exceeded MaxStartups") || first.starts_with("Not allowed at this time");
    match (speaks_ssh, first.is_empty(), why) {
        (false, true, None) => place.fault(
            FaultCode::NoAnswer,
            format!("{label} accepted the connection but sent no SSH banner within {limit} s"),
        ),
        (false, true, Some(why)) => {
            let cause = cause_of(why);
            let message = format!("{label} closed the connection before it sent an SSH banner: {cause}");
            place.fault(FaultCode::LinkLost, message).because(cause)
        }
        (false, false, _) if turned_away => place
            .fault(FaultCode::LinkLost, format!("{label} turned the connection away: {first}"))
            .because(first),
        (false, false, _) => place
            .fault(FaultCode::NotSsh, format!("{label} is not an SSH server: it answered '{first}'"))
            .because(first),
        (true, _, None) => place.fault(
            FaultCode::NoAnswer,
            format!("{label} did not finish the SSH key exchange within {limit} s"),
        ),
        (true, _, Some(why)) => {
            let cause = cause_of(why);
            let code = match why {
                russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP => FaultCode::LinkLost,
                _ => FaultCode::NotSsh,
            };
            place.fault(code, format!("the SSH key exchange with {label} failed: {cause}")).because(cause)
        }
    }
}
