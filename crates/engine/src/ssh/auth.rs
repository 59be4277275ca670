//! auth: signing in, after the host key was accepted.
//!
//! Each credential is tried once. What the host answered is told: which method was tried, and what
//! it accepts instead. A connection that dies meanwhile is told from a refusal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::{Fault, FaultCode};
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interactive};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::gate::{EndWatch, Gate};
use super::{Place, SignIn, Target, key_file};

/// For an agent to open its socket and to list its keys.
const AGENT_LIMIT: Duration = Duration::from_secs(10);
/// For the host to say why it closed the connection.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);

/// A credential that was looked at before the host was reached.
pub(super) enum Credential<'a> {
    Agent(PathBuf),
    Key { path: &'a Path, key: Arc<PrivateKey> },
    Password(&'a SecretString),
}

/// Reads what can be read here, so that a missing key is said without troubling the host.
pub(super) async fn prepare<'a>(
    target: &'a Target,
    agent_socket: Option<PathBuf>,
) -> Result<Credential<'a>, Fault> {
    match &target.sign_in {
        SignIn::Agent => match agent_socket {
            Some(socket) if !socket.as_os_str().is_empty() => Ok(Credential::Agent(socket)),
            _ => Err(no_agent(target, "SSH_AUTH_SOCK is not set")),
        },
        SignIn::Password(password) if password.expose_secret().is_empty() => Err(Fault::new(
            FaultCode::PasswordMissing,
            format!("no password is saved for {}@{}", target.user, target.host),
        )
        .on_host(&target.host)),
        SignIn::Password(password) => Ok(Credential::Password(password)),
        SignIn::KeyFile { path, passphrase } => {
            let (file, passphrase) =
                (path.clone(), passphrase.as_ref().map(|p| SecretString::from(p.expose_secret())));
            // Opening an encrypted key costs a good part of a second by design.
            let key = tokio::task::spawn_blocking(move || key_file::load(&file, passphrase.as_ref()))
                .await
                .map_err(|why| Fault::new(FaultCode::Internal, format!("reading the key file: {why}")))?
                .map_err(|fault| fault.on_host(&target.host))?;
            Ok(Credential::Key { path, key: Arc::new(key) })
        }
    }
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

pub(super) async fn sign_in(
    handle: &mut Handle<Gate>,
    target: &Target,
    place: &Place,
    credential: &Credential<'_>,
    mut ended: EndWatch,
) -> Result<(), Fault> {
    let tried = match credential {
        Credential::Key { path, key } => with_key(handle, target, path, key).await,
        Credential::Password(password) => with_password(handle, target, password).await,
        Credential::Agent(socket) => with_agent(handle, target, socket).await,
    };
    match tried {
        Ok(()) => Ok(()),
        Err(Refusal::Fault(fault)) => Err(fault),
        Err(Refusal::Refused { tried, left, partial }) => {
            let died = if left.is_empty() {
                timeout(LAST_WORDS_LIMIT, ended.wait()).await.ok().flatten()
            } else {
                None
            };
            match died {
                Some(ended) if !ended.by_host => Err(ended.fault),
                died => {
                    let cause = died.and_then(|ended| ended.fault.detail.cause);
                    Err(refused(target, place, &tried, &left, partial, cause))
                }
            }
        }
    }
}

async fn with_key(
    handle: &mut Handle<Gate>,
    target: &Target,
    path: &Path,
    key: &Arc<PrivateKey>,
) -> Result<(), Refusal> {
    let hash = hash_for(handle, &key.algorithm()).await;
    let answer = handle
        .authenticate_publickey(&target.user, PrivateKeyWithHashAlg::new(key.clone(), hash))
        .await
        .map_err(|why| lost(target, &why))?;
    settle(answer, format!("did not take the key {}", path.display()))
}

async fn with_password(
    handle: &mut Handle<Gate>,
    target: &Target,
    password: &SecretString,
) -> Result<(), Refusal> {
    // "none" costs no attempt and tells which methods the host accepts (RFC 4252, 5.2).
    let methods = match handle.authenticate_none(&target.user).await.map_err(|why| lost(target, &why))? {
        AuthResult::Success => return Ok(()),
        AuthResult::Failure { remaining_methods, .. } => remaining_methods,
    };
    if methods.contains(&MethodKind::Password) {
        let answer = handle
            .authenticate_password(&target.user, password.expose_secret())
            .await
            .map_err(|why| lost(target, &why))?;
        return settle(answer, "did not take the password".into());
    }
    if methods.contains(&MethodKind::KeyboardInteractive) {
        return with_prompt(handle, target, password).await;
    }
    Err(Refusal::Refused { tried: "takes no password".into(), left: methods, partial: false })
}

/// Answers one hidden prompt with the password. More prompts, or one that shows what is typed, ask
/// for something else: nothing is sent to them.
async fn with_prompt(
    handle: &mut Handle<Gate>,
    target: &Target,
    password: &SecretString,
) -> Result<(), Refusal> {
    let mut answered = false;
    let mut step = handle
        .authenticate_keyboard_interactive_start(&target.user, None)
        .await
        .map_err(|why| lost(target, &why))?;
    loop {
        let answers = match step {
            Interactive::Success => return Ok(()),
            Interactive::Failure { remaining_methods, partial_success } => {
                let tried = if answered { "did not take the password" } else { "asked for no password" };
                return Err(Refusal::Refused {
                    tried: tried.into(),
                    left: remaining_methods,
                    partial: partial_success,
                });
            }
            // PAM ends a good conversation with a request of no prompts.
            Interactive::InfoRequest { prompts, .. } if prompts.is_empty() => Vec::new(),
            Interactive::InfoRequest { prompts, .. } => match prompts.as_slice() {
                [one] if !one.echo && !answered => {
                    answered = true;
                    vec![password.expose_secret().to_owned()]
                }
                _ => {
                    return Err(Refusal::Refused {
                        tried: "asks for more than a password".into(),
                        left: MethodSet::from([MethodKind::KeyboardInteractive].as_slice()),
                        partial: false,
                    });
                }
            },
        };
        step = handle
            .authenticate_keyboard_interactive_respond(answers)
            .await
            .map_err(|why| lost(target, &why))?;
    }
}

async fn with_agent(handle: &mut Handle<Gate>, target: &Target, socket: &Path) -> Result<(), Refusal> {
    let mut agent = open_agent(target, socket).await?;
    if let Some(binding) = handle.agent_session_binding().cloned() {
        // An agent that does not know this extension refuses it and works on.
        if let Err(why) = timeout(AGENT_LIMIT, agent.bind_session(&binding, false)).await {
            return Err(no_agent(
                target,
                &format!("the agent at {} did not answer: {why}", socket.display()),
            )
            .into());
        }
    }
    let identities = timeout(AGENT_LIMIT, agent.request_identities())
        .await
        .map_err(|_| no_agent(target, &format!("the agent at {} did not answer", socket.display())))?
        .map_err(|why| no_agent(target, &format!("the agent at {} failed: {why}", socket.display())))?;
    let keys: Vec<PublicKey> = identities
        .into_iter()
        .filter_map(|identity| match identity {
            AgentIdentity::PublicKey { key, .. } => Some(key),
            AgentIdentity::Certificate { .. } => None,
        })
        .collect();
    if keys.is_empty() {
        return Err(no_agent(target, &format!("the agent at {} holds no key", socket.display())).into());
    }
    let count = keys.len();
    let mut left = MethodSet::empty();
    for key in keys {
        let hash = hash_for(handle, &key.algorithm()).await;
        match handle.authenticate_publickey_with(&target.user, key, hash, &mut agent).await {
            Ok(AuthResult::Success) => return Ok(()),
            Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                let ends = partial_success || !remaining_methods.contains(&MethodKind::PublicKey);
                left = remaining_methods;
                if ends {
                    let tried = took_none(count);
                    return Err(Refusal::Refused { tried, left, partial: partial_success });
                }
            }
            // The agent declined this key, or its user did; another may do.
            Err(why) => {
                tracing::info!(host = %target.host, %why, "the agent did not sign with one of its keys")
            }
        }
    }
    Err(Refusal::Refused { tried: took_none(count), left, partial: false })
}

async fn open_agent(target: &Target, socket: &Path) -> Result<AgentClient<UnixStream>, Fault> {
    let shown = socket.display();
    match timeout(AGENT_LIMIT, UnixStream::connect(socket)).await {
        Ok(Ok(stream)) => Ok(AgentClient::connect(stream)),
        Ok(Err(why)) => Err(no_agent(target, &format!("the agent at {shown} cannot be reached: {why}"))),
        Err(_) => Err(no_agent(target, &format!("the agent at {shown} did not answer"))),
    }
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

fn settle(answer: AuthResult, tried: String) -> Result<(), Refusal> {
    match answer {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { remaining_methods, partial_success } => {
            Err(Refusal::Refused { tried, left: remaining_methods, partial: partial_success })
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
