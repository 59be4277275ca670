//! `Gate`: what the library asks us while a session runs.
//!
//! It lets a host through only if its key is known, refuses every channel that the host opens
//! (we ask for none), and notes why the session ended.

use std::sync::Arc;

use protocol::trust::{HostKey, TrustedKey, Verdict};
use protocol::{Fault, FaultCode};
use russh::client::{self, ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use tokio::sync::watch;

use super::host_key::CertificateRefusal;
use super::{Place, host_key};
use crate::clock::Clock;

/// Longest text of a host that goes into a fault, characters.
const WORDS_LIMIT: usize = 300;

/// Why a session stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The host key is not one of the known ones.
    Key(Box<ShownKey>),
    /// The peer does not know strict key exchange, and the cipher is unsafe without it.
    Weak(String),
    Ssh(russh::Error),
}

/// What a host showed of its key, and what is known of it.
#[derive(Debug)]
pub(super) struct ShownKey {
    pub(super) key: HostKey,
    pub(super) verdict: Verdict,
    /// The authority whose certificate it showed, where that makes it known.
    pub(super) certified_by: Option<TrustedKey>,
    /// Why a certificate that it showed does not count.
    pub(super) refusal: Option<String>,
}

impl From<russh::Error> for Stop {
    fn from(why: russh::Error) -> Self {
        Self::Ssh(why)
    }
}

/// The end of a session.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// `LinkLost`, with the cause.
    pub(super) fault: Fault,
    pub(super) how: How,
}

/// Whose end it was, as far as this side can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The line broke.
    Broke,
    /// It was closed from there without a word: by the host, or by what lies between.
    Closed,
    /// The host said that it ends it.
    Said,
}

/// Tells whether and why a session has ended.
#[derive(Clone, Debug)]
pub(crate) struct EndWatch(watch::Receiver<Option<Ended>>);

impl EndWatch {
    pub(super) fn now(&self) -> Option<Ended> {
        self.0.borrow().clone()
    }

    /// Waits for the end. `None` only if nobody is left who could tell.
    pub(super) async fn wait(&mut self) -> Option<Ended> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone())
    }

    /// Why it has ended, if it has.
    pub(crate) fn cause(&self) -> Option<String> {
        self.now().and_then(|ended| ended.fault.detail.cause)
    }
}

/// Where the end of a session is noted; what is noted first stands.
#[derive(Clone)]
pub(super) struct End {
    place: Place,
    /// `None` while the session lives.
    ended: Arc<watch::Sender<Option<Ended>>>,
}

impl End {
    pub(super) fn watch(&self) -> EndWatch {
        EndWatch(self.ended.subscribe())
    }

    pub(super) fn note(&self, cause: &str, how: How) {
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            if first {
                let message = format!("the connection to {} ended: {cause}", self.place.label());
                let fault = self.place.fault(FaultCode::LinkLost, message).because(cause);
                *ended = Some(Ended { fault, how });
            }
            first
        });
    }
}

pub(super) struct Gate {
    known: Vec<TrustedKey>,
    /// The session is for looking at the key alone, and ends there.
    only_look: bool,
    end: End,
}

impl Gate {
    pub(super) fn new(place: Place, known: Vec<TrustedKey>, only_look: bool) -> (Self, End) {
        let end = End { place, ended: Arc::new(watch::Sender::new(None)) };
        (Self { known, only_look, end: end.clone() }, end)
    }

    fn look(&self, shown: &PublicKeyOrCertificate) -> Result<ShownKey, Stop> {
        let describe =
            |key: &PublicKey| host_key::describe(key).map_err(|why| Stop::Ssh(russh::Error::SshKey(why)));
        let certificate = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                let verdict = host_key::judge(key, &self.known);
                return Ok(ShownKey { key: describe(key)?, verdict, certified_by: None, refusal: None });
            }
            PublicKeyOrCertificate::Certificate(certificate) => certificate,
        };
        let plain = PublicKey::new(certificate.public_key().clone(), "");
        let key = describe(&plain)?;
        let now_ms = Clock::system().now_ms();
        Ok(match host_key::judge_certificate(certificate, &self.end.place.address, &self.known, now_ms) {
            Ok(authority) => {
                let certified_by = Some(authority.clone());
                ShownKey { key, verdict: Verdict::Known, certified_by, refusal: None }
            }
            Err(CertificateRefusal::Revoked) => {
                ShownKey { key, verdict: Verdict::Revoked, certified_by: None, refusal: None }
            }
            // The key in it may still be one that was accepted by itself.
            Err(CertificateRefusal::Because(why)) => {
                let verdict = host_key::judge(&plain, &self.known);
                ShownKey { key, verdict, certified_by: None, refusal: Some(why) }
            }
        })
    }

    fn end(&self, cause: &str, how: How) {
        self.end.note(cause, how);
    }
}

/// The library ends a session without a word if closing its socket fails; dropping tells.
impl Drop for Gate {
    fn drop(&mut self) {
        self.end("the host closed it", How::Closed);
    }
}

/// Words of a host, short and safe to show.
pub(super) fn words(text: &str) -> String {
    let short: String = text.trim().chars().take(WORDS_LIMIT).collect();
    protocol::text::printable(&short).into_owned()
}

fn is_eof(why: &russh::Error) -> bool {
    matches!(why, russh::Error::IO(why) if why.kind() == std::io::ErrorKind::UnexpectedEof)
}

/// Why a session ended, in words.
pub(super) fn cause_of(why: &russh::Error) -> String {
    match why {
        russh::Error::KeepaliveTimeout | russh::Error::InactivityTimeout => {
            "the host stopped answering".into()
        }
        russh::Error::HUP | russh::Error::Disconnect => "the host closed it".into(),
        why if is_eof(why) => "the host closed it".into(),
        russh::Error::IO(why) if why.kind() == std::io::ErrorKind::TimedOut => {
            "the host stopped answering".into()
        }
        other => words(&other.to_string()),
    }
}

impl client::Handler for Gate {
    type Error = Stop;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Stop> {
        let shown = self.look(shown)?;
        if shown.verdict == Verdict::Known && !self.only_look {
            return Ok(true);
        }
        Err(Stop::Key(Box::new(shown)))
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &russh::Names,
        _: &mut Session,
    ) -> Result<(), Stop> {
        // Before anything of RFC 4252: the first exchange ends here.
        if !names.strict_kex() && names.cipher == russh::cipher::CHACHA20_POLY1305 {
            return Err(Stop::Weak(names.cipher.as_ref().to_owned()));
        }
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Stop>) -> Result<(), Stop> {
        match reason {
            DisconnectReason::ReceivedDisconnect(said) if said.message.trim().is_empty() => {
                self.end("the host closed it", How::Said);
            }
            DisconnectReason::ReceivedDisconnect(said) => {
                self.end(&format!("the host said '{}'", words(&said.message)), How::Said);
            }
            DisconnectReason::Error(Stop::Ssh(why)) => {
                use russh::Error as E;
                let by_host = matches!(why, E::HUP | E::Disconnect | E::NoAuthMethod) || is_eof(&why);
                self.end(&cause_of(&why), if by_host { How::Closed } else { How::Broke });
            }
            DisconnectReason::Error(Stop::Weak(_)) => {
                self.end("the host changed to a cipher that is not safe with it", How::Broke);
            }
            DisconnectReason::Error(Stop::Key(_)) => {
                self.end("the host came back with another key", How::Said)
            }
        }
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }

    /// All other kinds are refused below: what the library refuses by itself, it answers twice.
    async fn should_accept_unknown_server_channel(&mut self, _: ChannelId, _: &str) -> bool {
        true
    }

    async fn server_channel_open_unknown(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Stop> {
        refuse(reply).await
    }
}

async fn refuse(reply: ChannelOpenHandle) -> Result<(), Stop> {
    reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    Ok(())
}
