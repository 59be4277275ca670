//! ssh: one connection to one host, and commands on it.
//!
//! A connection is made in named steps, each with its own time-out: reach the address, exchange
//! keys, judge the host key, sign in. Nothing secret leaves before the host key is one that the
//! caller named as known; an unknown key ends the connection. After that, every channel has one
//! task that always drains it, because the library stops the whole connection while one channel
//! is not read. This layer keeps nothing and knows no noun: keys, secrets and commands are given
//! to it as values.
//!
//! A jump host is one more stream under `session::handshake` (`jump`).

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use protocol::link::{Prompt, QuestionKind};
use protocol::{Fault, FaultCode};
use secrecy::SecretString;

mod agent;
mod auth;
mod exec;
mod gate;
mod host_key;
mod jump;
mod key_file;
mod new_key;
mod pattern;
mod reach;
mod session;
mod share;
#[cfg(test)]
pub(crate) mod tests;
mod wire_tap;

pub use exec::{ExecEnd, ExecLimits, ExecResult, ExecStdout, ExecStream, StderrTail};
pub use key_file::{KeyFileState, check_key_file};
pub use new_key::{make_key_file, public_half};
pub(crate) use pattern::is_like;
pub use session::{Connection, Shown, connect, fetch_host_key};

/// A host to connect to, with what is needed to sign in.
pub struct Target {
    /// Name of the saved host, for faults.
    pub host: String,
    pub address: String,
    pub port: u16,
    pub user: String,
    pub sign_in: SignIn,
    /// The connection to the jump host that it is behind.
    pub through: Option<Arc<Connection>>,
    /// Who is asked for what is not saved.
    pub person: Option<Arc<dyn Person>>,
}

/// What a sign-in asks a person; words of the host are safe to show.
pub struct Asked {
    pub kind: QuestionKind,
    pub instructions: String,
    /// At least one, each wants an answer.
    pub prompts: Vec<Prompt>,
}

/// A person who can be asked while a host is signed in to.
pub trait Person: Send + Sync {
    /// One answer for each prompt, in their order.
    ///
    /// # Errors
    /// Nobody is there, or nobody answered.
    fn ask(&self, asked: Asked) -> BoxFuture<'_, Result<Vec<SecretString>, Fault>>;
}

/// How to sign in. It is tried once: a wrong password is not sent twice. A password that is empty is
/// asked for.
pub enum SignIn {
    /// The keys of the agent that `SSH_AUTH_SOCK` names, in its order.
    Agent,
    KeyFile {
        path: PathBuf,
        passphrase: Option<SecretString>,
    },
    Password(SecretString),
}

/// A host as faults name it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) address: String,
    pub(crate) port: u16,
}

impl Place {
    /// `10.0.0.11:22`, or `[::1]:22`.
    pub(crate) fn socket(&self) -> String {
        if self.address.contains(':') {
            format!("[{}]:{}", self.address, self.port)
        } else {
            format!("{}:{}", self.address, self.port)
        }
    }

    /// `web-1 (10.0.0.11:22)`.
    pub(crate) fn label(&self) -> String {
        format!("{} ({})", self.host, self.socket())
    }

    /// A fault about this host.
    pub(crate) fn fault(&self, code: FaultCode, message: impl Into<String>) -> Fault {
        Fault::new(code, message).on_host(&self.host).about(self.socket())
    }
}
