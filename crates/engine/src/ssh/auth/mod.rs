//! auth: signing in, after the host key was accepted.
//!
//! The proof that the host was saved with comes first, unless the host wants another before it and a person
//! can give that; a host that takes it and wants more is given more, in the order that it names. Each proof is sent once: what was refused is not sent again, nor
//! by another method. What the host answered is told: what was tried, and what it accepts instead. A
//! connection that dies meanwhile is told from a refusal. Each step has its own limit, and a person has
//! time to answer.

mod prompts;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::link::{Prompt, QuestionKind};
use protocol::{Fault, FaultCode};
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::agent;
use super::gate::{EndWatch, Gate, How};
use super::{Asked, Place, SignIn, Target, key_file};
use crate::runtime::in_turn;

/// Opening an encrypted key costs a good part of a second by design: more at once would take longer each, and
/// keep the disk from all else.
static KEY_FILES: Semaphore = Semaphore::const_new(4);
/// For the host to answer one proof; an agent may ask its user to touch a key.
const PROOF_LIMIT: Duration = Duration::from_secs(30);
/// For the host to say why it closed the connection.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);
/// More proofs in a row are a loop.
const PROOFS_LIMIT: usize = 8;

/// A way to sign in that was looked at before the host was reached.
pub(super) enum Credential<'a> {
    Agent(Option<PathBuf>),
    Key { path: &'a Path, passphrase: Option<&'a SecretString> },
    Password,
}

/// Looks at what is here, so that a missing key is said without troubling the host.
pub(super) fn prepare(target: &Target, agent_socket: Option<PathBuf>) -> Result<Credential<'_>, Fault> {
    match &target.sign_in {
        SignIn::Agent => Ok(Credential::Agent(agent_socket.filter(|socket| !socket.as_os_str().is_empty()))),
        SignIn::Password(password) if password.expose_secret().is_empty() && target.person.is_none() => {
            Err(no_password(target))
        }
        SignIn::Password(_) => Ok(Credential::Password),
        SignIn::KeyFile { path, passphrase } => {
            key_file::check_key_file(path).map_err(|fault| fault.on_host(&target.host))?;
            Ok(Credential::Key { path, passphrase: passphrase.as_ref() })
        }
    }
}

fn no_password(target: &Target) -> Fault {
    let message = format!("no password is saved for {}@{}", target.user, target.host);
    Fault::new(FaultCode::PasswordMissing, message).on_host(&target.host)
}

/// How an attempt failed.
enum Refusal {
    /// The host refused `tried`; these methods are left.
    Refused {
        tried: String,
        left: MethodSet,
        partial: bool,
    },
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What became of one proof.
enum Proof {
    Enough,
    /// The host took it and wants one of these too.
    More(MethodSet),
}

pub(super) async fn sign_in(
    handle: &mut Handle<Gate>,
    target: &Target,
    place: &Place,
    credential: &Credential<'_>,
    ended: EndWatch,
) -> Result<(), Fault> {
    let mut watch = ended.clone();
    let (password_sent, secret_sent, unasked) = (false, false, false);
    let mut signing = Signing { handle, target, place, ended, password_sent, secret_sent, unasked };
    let done = signing.run(credential).await;
    let (secret_sent, unasked) = (signing.secret_sent, signing.unasked);
    match done {
        Ok(()) => Ok(()),
        Err(Refusal::Fault(fault)) => Err(fault),
        Err(Refusal::Refused { .. }) if unasked => {
            let message = format!(
                "the sign-in to {} asks what only a person can answer, and there is nobody to ask",
                label(target, place)
            );
            Err(place.fault(FaultCode::AnswerNeeded, message))
        }
        Err(Refusal::Refused { tried, left, partial }) => {
            let died = if left.is_empty() {
                timeout(LAST_WORDS_LIMIT, watch.wait()).await.ok().flatten()
            } else {
                None
            };
            match died {
                Some(ended) if ended.how == How::Broke => Err(ended.fault),
                // A host that refuses a key says so. What was closed in the middle may come back, unless a secret
                // was on its way: that is not sent again by itself.
                Some(ended) if ended.how == How::Closed && !secret_sent => Err(ended.fault),
                died => {
                    let cause = died.and_then(|ended| ended.fault.detail.cause);
                    Err(refused(target, place, &tried, &left, partial, cause))
                }
            }
        }
    }
}

struct Signing<'a> {
    handle: &'a mut Handle<Gate>,
    target: &'a Target,
    place: &'a Place,
    ended: EndWatch,
    /// The saved password was sent: it is not sent again.
    password_sent: bool,
    /// Some secret was, saved or typed.
    secret_sent: bool,
    /// The host asked what is not saved, and nobody is there to answer.
    unasked: bool,
}

impl Signing<'_> {
    async fn run(&mut self, credential: &Credential<'_>) -> Result<(), Refusal> {
        // The key, where the host did not take it as the first proof and may want it later.
        let mut later = None;
        let mut proof = match self.by_credential(credential).await {
            Err(Refusal::Refused { left, partial: false, .. }) if self.may_come_later(credential, &left) => {
                later = Some(credential);
                Proof::More(left)
            }
            first => first?,
        };
        for _ in 0..PROOFS_LIMIT {
            let Proof::More(left) = proof else { return Ok(()) };
            if let Some(key) = later.take_if(|_| left.contains(&MethodKind::PublicKey)) {
                proof = self.by_credential(key).await?;
                continue;
            }
            proof = match left.iter().find(|method| takes_secret(method)) {
                Some(MethodKind::Password) => self.by_password().await?,
                Some(_) => self.by_prompts(false).await?,
                None => {
                    return Err(Refusal::Refused {
                        tried: "took the first proof".into(),
                        left,
                        partial: true,
                    });
                }
            };
        }
        Err(Refusal::Refused {
            tried: format!("took {PROOFS_LIMIT} proofs and wanted yet more"),
            left: MethodSet::empty(),
            partial: false,
        })
    }

    async fn by_credential(&mut self, credential: &Credential<'_>) -> Result<Proof, Refusal> {
        match credential {
            Credential::Key { path, passphrase } => self.by_key_file(path, *passphrase).await,
            Credential::Agent(socket) => self.by_agent(socket.as_deref()).await,
            Credential::Password => self.by_secret().await,
        }
    }

    /// True for a key where the host takes none yet and a person can give what it wants first, as by
    /// `AuthenticationMethods password,publickey` of sshd_config(5).
    fn may_come_later(&self, credential: &Credential<'_>, left: &MethodSet) -> bool {
        !matches!(credential, Credential::Password)
            && self.target.person.is_some()
            && !left.contains(&MethodKind::PublicKey)
            && left.iter().any(takes_secret)
    }

    async fn by_key_file(
        &mut self,
        path: &Path,
        passphrase: Option<&SecretString>,
    ) -> Result<Proof, Refusal> {
        let key = Arc::new(self.open_key(path, passphrase).await?);
        let mut tried = format!("did not take the key {}", path.display());
        match key_file::certificate(path, &key) {
            Ok(Some(certificate)) => {
                match self.certificate(key.clone(), certificate).await? {
                    // The bare key may be allowed where the certificate is not.
                    AuthResult::Failure { remaining_methods, partial_success: false }
                        if remaining_methods.contains(&MethodKind::PublicKey) =>
                    {
                        tried = format!("took neither the key {} nor its certificate", path.display());
                    }
                    answer => {
                        return settle(answer, format!("did not take the certificate of {}", path.display()));
                    }
                }
            }
            Ok(None) => {}
            Err(why) => tried = format!("{tried}; its certificate was not tried: {why}"),
        }
        let hash = hash_for(self.handle, &key.algorithm()).await;
        let (user, key) = (&self.target.user, PrivateKeyWithHashAlg::new(key, hash));
        let asked = timeout(PROOF_LIMIT, self.handle.authenticate_publickey(user, key)).await;
        let answer =
            asked.map_err(|_| slow(self.place, "the key"))?.map_err(|why| lost(self.target, &why))?;
        settle(answer, tried)
    }

    async fn certificate(
        &mut self,
        key: Arc<PrivateKey>,
        certificate: Certificate,
    ) -> Result<AuthResult, Fault> {
        let asked = self.handle.authenticate_openssh_cert(&self.target.user, key, certificate);
        let asked = timeout(PROOF_LIMIT, asked).await.map_err(|_| slow(self.place, "the certificate"))?;
        asked.map_err(|why| lost(self.target, &why))
    }

    /// The key, with the passphrase that is saved or that a person gives.
    async fn open_key(&self, path: &Path, passphrase: Option<&SecretString>) -> Result<PrivateKey, Fault> {
        let named = |fault: Fault| fault.on_host(&self.target.host);
        let fault = match load(path, passphrase).await {
            Err(fault) if fault.code == FaultCode::KeyEncrypted && passphrase.is_none() => fault,
            other => return other.map_err(named),
        };
        let Some(person) = &self.target.person else { return Err(named(fault)) };
        let text = path.display().to_string();
        let prompts = vec![Prompt { text, echo: false }];
        let asked = Asked { kind: QuestionKind::Passphrase, instructions: String::new(), prompts };
        let given = self.while_connected(person.ask(asked)).await?;
        load(path, given.first()).await.map_err(named)
    }

    /// By the password, with whichever of the methods that take one the host names first.
    async fn by_secret(&mut self) -> Result<Proof, Refusal> {
        // "none" costs no attempt and tells which methods the host accepts (RFC 4252, 5.2).
        let asked = timeout(PROOF_LIMIT, self.handle.authenticate_none(&self.target.user)).await;
        let asked = asked.map_err(|_| slow(self.place, "what it accepts"))?;
        let methods = match asked.map_err(|why| lost(self.target, &why))? {
            AuthResult::Success => return Ok(Proof::Enough),
            AuthResult::Failure { remaining_methods, .. } => remaining_methods,
        };
        match methods.iter().find(|method| takes_secret(method)) {
            Some(MethodKind::Password) => self.by_password().await,
            Some(_) => self.by_prompts(true).await,
            None => {
                Err(Refusal::Refused { tried: "takes no password".into(), left: methods, partial: false })
            }
        }
    }

    async fn by_password(&mut self) -> Result<Proof, Refusal> {
        let password = match self.saved_password() {
            Some(saved) => saved,
            None => self.ask_password().await?,
        };
        self.password_sent = true;
        self.secret_sent = true;
        let asked = self.handle.authenticate_password(&self.target.user, password.expose_secret());
        let asked = timeout(PROOF_LIMIT, asked).await.map_err(|_| slow(self.place, "the password"))?;
        settle(asked.map_err(|why| lost(self.target, &why))?, "did not take the password".into())
    }

    fn saved_password(&self) -> Option<SecretString> {
        match &self.target.sign_in {
            SignIn::Password(password) if !self.password_sent && !password.expose_secret().is_empty() => {
                Some(SecretString::from(password.expose_secret()))
            }
            _ => None,
        }
    }

    async fn ask_password(&self) -> Result<SecretString, Fault> {
        let Some(person) = &self.target.person else { return Err(no_password(self.target)) };
        let text = format!("{}@{}", self.target.user, self.place.socket());
        let prompts = vec![Prompt { text, echo: false }];
        let asked = Asked { kind: QuestionKind::Password, instructions: String::new(), prompts };
        let mut given = self.while_connected(person.ask(asked)).await?;
        given.pop().ok_or_else(|| no_password(self.target))
    }

    /// Waits for a person, and no longer than the host does.
    async fn while_connected(
        &self,
        asking: impl Future<Output = Result<Vec<SecretString>, Fault>>,
    ) -> Result<Vec<SecretString>, Fault> {
        let mut ended = self.ended.clone();
        tokio::select! {
            given = asking => given,
            ended = ended.wait() => Err(match ended {
                Some(ended) => ended.fault,
                None => lost(self.target, &russh::Error::Disconnect),
            }),
        }
    }

    async fn by_agent(&mut self, socket: Option<&Path>) -> Result<Proof, Refusal> {
        let target = self.target;
        let Some(socket) = socket else { return Err(no_agent(target, "SSH_AUTH_SOCK is not set").into()) };
        let binding = self.handle.agent_session_binding().cloned();
        let opened = agent::open(socket, binding.as_ref()).await;
        let mut agent = opened.map_err(|cause| no_agent(target, &cause))?;
        let keys = std::mem::take(&mut agent.keys);
        let count = keys.len();
        let mut left = MethodSet::empty();
        // What the host wants beside the keys that it took, as by `publickey,publickey`.
        let mut more = None;
        for key in keys {
            let answer = match key {
                AgentIdentity::PublicKey { key, .. } => {
                    let hash = hash_for(self.handle, &key.algorithm()).await;
                    let asked = self.handle.authenticate_publickey_with(&target.user, key, hash, &mut agent);
                    timeout(PROOF_LIMIT, asked).await
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    let hash = hash_for(self.handle, &certificate.algorithm()).await;
                    let asked = self.handle.authenticate_certificate_with(
                        &target.user,
                        certificate,
                        hash,
                        &mut agent,
                    );
                    timeout(PROOF_LIMIT, asked).await
                }
            };
            match answer.map_err(|_| slow(self.place, "the agent's key"))? {
                Ok(AuthResult::Success) => return Ok(Proof::Enough),
                Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                    let ends = !remaining_methods.contains(&MethodKind::PublicKey);
                    if partial_success {
                        more = Some(remaining_methods);
                    } else {
                        left = remaining_methods;
                    }
                    if ends {
                        break;
                    }
                }
                // The agent declined this key, or its user did; another may do.
                Err(why) => {
                    tracing::info!(host = %target.host, %why, "the agent did not sign with one of its keys")
                }
            }
        }
        if let Some(more) = more {
            return Ok(Proof::More(more));
        }
        // The host had no chance to take a key that was not signed with.
        if let Some(silence) = &agent.silence {
            return Err(no_agent(target, silence).into());
        }
        Err(Refusal::Refused { tried: took_none(count), left, partial: false })
    }
}

fn takes_secret(method: &MethodKind) -> bool {
    matches!(method, MethodKind::Password | MethodKind::KeyboardInteractive)
}

async fn load(path: &Path, passphrase: Option<&SecretString>) -> Result<PrivateKey, Fault> {
    let (file, passphrase) = (path.to_owned(), passphrase.map(|p| SecretString::from(p.expose_secret())));
    let turn = KEY_FILES.acquire().await;
    in_turn(turn, "reading a key file ended early", move || key_file::load(&file, passphrase.as_ref())).await
}

/// RSA keys sign with SHA-2, the best that the host names; other keys have their own hash.
async fn hash_for(handle: &Handle<Gate>, algorithm: &Algorithm) -> Option<HashAlg> {
    if !matches!(algorithm, Algorithm::Rsa { .. }) {
        return None;
    }
    match handle.best_supported_rsa_hash().await {
        Ok(Some(Some(hash))) => Some(hash),
        // A host that does not say, or names SHA-1 alone, is offered SHA-2 all the same.
        Ok(_) | Err(_) => Some(HashAlg::Sha256),
    }
}

fn settle(answer: AuthResult, tried: String) -> Result<Proof, Refusal> {
    match answer {
        AuthResult::Success => Ok(Proof::Enough),
        AuthResult::Failure { remaining_methods, partial_success: true } => {
            Ok(Proof::More(remaining_methods))
        }
        AuthResult::Failure { remaining_methods, .. } => {
            Err(Refusal::Refused { tried, left: remaining_methods, partial: false })
        }
    }
}

fn took_none(count: usize) -> String {
    if count == 1 {
        "did not take the one key of the agent".into()
    } else {
        format!("took none of the agent's {count} keys")
    }
}

fn label(target: &Target, place: &Place) -> String {
    format!("{} ({}@{})", target.host, target.user, place.socket())
}

/// The host did not answer what it was asked or given in time.
fn slow(place: &Place, what: &str) -> Fault {
    let limit = PROOF_LIMIT.as_secs();
    let message =
        format!("{} did not finish the sign-in: no answer to {what} within {limit} s", place.label());
    place.fault(FaultCode::NoAnswer, message).because(format!("no answer to {what}"))
}

fn refused(
    target: &Target,
    place: &Place,
    tried: &str,
    left: &MethodSet,
    partial: bool,
    cause: Option<String>,
) -> Fault {
    let accepts: Vec<String> = left.iter().map(String::from).collect();
    let accepts = accepts.join(", ");
    let label = label(target, place);
    let message = match (&cause, partial) {
        (Some(cause), _) => format!("sign-in to {label} was refused: the host {tried} and ended it: {cause}"),
        (None, true) => {
            format!(
                "sign-in to {label} is not complete: the host took the first proof and wants more: {accepts}"
            )
        }
        (None, false) if accepts.is_empty() => format!("sign-in to {label} was refused: the host {tried}"),
        (None, false) => format!("sign-in to {label} was refused: the host {tried}; it accepts {accepts}"),
    };
    place.fault(FaultCode::SignInRefused, message).because(cause.unwrap_or(accepts))
}

fn no_agent(target: &Target, cause: &str) -> Fault {
    Fault::new(
        FaultCode::AgentUnavailable,
        format!("no key of an ssh-agent can be used for {}@{}: {cause}", target.user, target.host),
    )
    .on_host(&target.host)
    .because(cause)
}

fn lost(target: &Target, why: &russh::Error) -> Fault {
    let cause = super::gate::cause_of(why);
    Fault::new(
        FaultCode::LinkLost,
        format!("the connection to {} ended during sign-in: {cause}", target.host),
    )
    .on_host(&target.host)
    .because(cause)
}
