//! agent: the keys of an ssh-agent (draft-miller-ssh-agent), and how it is asked to sign.
//!
//! The library reads the list of an agent as a whole or not at all, and an agent may hold keys of kinds that
//! nobody here knows. So the list is taken apart first, and each key is read by itself.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use russh::keys::agent::client::AgentClient;
use russh::keys::agent::{AgentIdentity, AgentSessionBinding};
use russh::keys::{Algorithm, HashAlg};
use russh::{AgentAuthError, Signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// For an agent to open its socket, and to answer what needs no person.
const AGENT_LIMIT: Duration = Duration::from_secs(10);
/// For an agent to sign, who may have to ask its user to touch a key. Less than the host is waited for: it is
/// the agent that is told of then.
const SIGN_LIMIT: Duration = Duration::from_secs(25);
/// A longer list of keys is not read; OpenSSH has the same limit.
const LIST_LIMIT_BYTES: usize = 256 << 10;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;

/// An agent that can be asked to sign, and the keys that it holds, in its order.
pub(super) struct Agent {
    client: AgentClient<UnixStream>,
    pub(super) keys: Vec<AgentIdentity>,
    socket: PathBuf,
    binding: Option<AgentSessionBinding>,
    /// It did not answer to a request: what it still says on this connection is no answer to the next one.
    is_out_of_step: bool,
    /// That it did not answer once, in words.
    pub(super) silence: Option<String>,
}

/// Opens the agent for the session of `binding`.
///
/// # Errors
/// In words, why no key of it can be used.
pub(super) async fn open(socket: &Path, binding: Option<&AgentSessionBinding>) -> Result<Agent, String> {
    let shown = socket.display();
    let mut stream = dial(socket, binding).await?;
    let list = timeout(AGENT_LIMIT, list_keys(&mut stream))
        .await
        .map_err(|_| format!("the agent at {shown} did not answer"))?
        .map_err(|why| format!("the agent at {shown} failed: {why}"))?;
    let entries = parse_list(&list).ok_or_else(|| format!("the agent at {shown} gave no list of keys"))?;
    let mut keys = Vec::new();
    for entry in &entries {
        keys.extend(read_key(entry).await);
    }
    match (keys.is_empty(), entries.len()) {
        (true, 0) => Err(format!("the agent at {shown} holds no key")),
        (true, count) => {
            Err(format!("the agent at {shown} holds {count} keys of kinds that Muster does not know"))
        }
        (false, _) => Ok(Agent {
            client: AgentClient::connect(stream),
            keys,
            socket: socket.to_owned(),
            binding: binding.cloned(),
            is_out_of_step: false,
            silence: None,
        }),
    }
}

/// A connection to the agent that is bound to the session.
async fn dial(socket: &Path, binding: Option<&AgentSessionBinding>) -> Result<UnixStream, String> {
    let shown = socket.display();
    let silent = |_| format!("the agent at {shown} did not answer");
    let mut stream = timeout(AGENT_LIMIT, UnixStream::connect(socket))
        .await
        .map_err(silent)?
        .map_err(|why| format!("the agent at {shown} cannot be reached: {why}"))?;
    if let Some(binding) = binding {
        let mut client = AgentClient::connect(&mut stream);
        // An agent that does not know this extension refuses it and works on.
        let _ = timeout(AGENT_LIMIT, client.bind_session(binding, false)).await.map_err(silent)?;
    }
    Ok(stream)
}

impl Signer for Agent {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, AgentAuthError> {
        let failed = |why: String| AgentAuthError::Key(io::Error::new(io::ErrorKind::TimedOut, why).into());
        if self.is_out_of_step {
            let stream = dial(&self.socket, self.binding.as_ref()).await.map_err(failed)?;
            (self.client, self.is_out_of_step) = (AgentClient::connect(stream), false);
        }
        match timeout(SIGN_LIMIT, self.client.auth_sign(key, hash, data)).await {
            Ok(signed) => signed,
            Err(_) => {
                let (shown, limit) = (self.socket.display(), SIGN_LIMIT.as_secs());
                let silence =
                    format!("the agent at {shown} did not answer to a request to sign within {limit} s");
                self.is_out_of_step = true;
                self.silence = Some(silence.clone());
                Err(failed(silence))
            }
        }
    }
}

/// Asks for the list; gives the answer without its length.
async fn list_keys(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES]).await?;
    let bytes = stream.read_u32().await? as usize;
    if bytes > LIST_LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its list of keys is too long"));
    }
    let mut list = vec![0; bytes];
    stream.read_exact(&mut list).await?;
    Ok(list)
}

/// The keys of a list, each as bytes; their comments are of no use here.
fn parse_list(answer: &[u8]) -> Option<Vec<&[u8]>> {
    let rest = answer.strip_prefix(&[IDENTITIES_ANSWER])?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut entries = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (key, behind) = take_text(rest)?;
        let (_comment, behind) = take_text(behind)?;
        entries.push(key);
        rest = behind;
    }
    Some(entries)
}

fn take_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// Has the library read one key, as a list of its own. `None` for one of a kind that it does not know: a host
/// would count the offer of it as a failed attempt.
async fn read_key(key: &[u8]) -> Option<AgentIdentity> {
    let mut list = vec![IDENTITIES_ANSWER, 0, 0, 0, 1];
    list.extend_from_slice(&u32::try_from(key.len()).ok()?.to_be_bytes());
    list.extend_from_slice(key);
    list.extend_from_slice(&[0; 4]);
    let mut answer = u32::try_from(list.len()).ok()?.to_be_bytes().to_vec();
    answer.append(&mut list);
    let mut alone = AgentClient::connect(tokio::io::join(answer.as_slice(), tokio::io::sink()));
    let read = match alone.request_identities().await {
        Ok(mut keys) => keys.pop()?,
        Err(why) => {
            tracing::info!(%why, "a key of the agent is left out: it cannot be read");
            return None;
        }
    };
    let known = match &read {
        AgentIdentity::PublicKey { key, .. } => !matches!(key.algorithm(), Algorithm::Other(_)),
        AgentIdentity::Certificate { certificate, .. } => {
            !matches!(certificate.algorithm(), Algorithm::Other(_))
        }
    };
    known.then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_anywhere_or_claims_more_than_it_has_is_none() {
        let whole =
            [&[IDENTITIES_ANSWER, 0, 0, 0, 1][..], &[0, 0, 0, 2, b'k', b'k'], &[0, 0, 0, 1, b'c']].concat();
        assert_eq!(parse_list(&whole).unwrap(), [b"kk"]);
        for end in 0..whole.len() {
            assert_eq!(parse_list(&whole[..end]), None, "cut at {end}");
        }
        assert_eq!(parse_list(&[IDENTITIES_ANSWER, 255, 255, 255, 255]), None);
        assert_eq!(parse_list(&[5]), None, "a refusal is no list");
        assert!(parse_list(&[IDENTITIES_ANSWER, 0, 0, 0, 0]).unwrap().is_empty());
    }
}
