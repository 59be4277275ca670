//! trust: which host keys a person has accepted, and what a host shows.

mod art;

use serde::{Deserialize, Serialize};

pub use art::art;

/// A host's public key as a person compares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// Name of RFC 4253/8709, such as `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:` and unpadded base64, as OpenSSH prints it.
    pub fingerprint: String,
    /// The key itself in OpenSSH's one-line form, without a comment.
    pub openssh: String,
}

/// What is known of the key that a host showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Accepted before.
    Known,
    /// No key of this host was ever accepted.
    New,
    /// Another key was accepted before.
    Changed,
    /// A known_hosts file says that this key must not be used.
    Revoked,
}

/// What a key is known for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// It is the host's.
    #[default]
    Host,
    /// It is that of the address on whatever port; another key on another port is no change.
    AnyPort,
    /// It signs certificates of hosts.
    Authority,
    /// It must not be used.
    Revoked,
}

/// Where it is known from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustSource {
    /// A person accepted it here.
    #[default]
    Muster,
    /// A file of OpenSSH, which is only read.
    KnownHosts { file: String, line: u32 },
}

/// What a host shows, beside what was accepted before. Nothing secret was sent to learn this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustOffer {
    pub host: String,
    pub address: String,
    pub port: u16,
    pub shown: HostKey,
    /// The known key that signed the host's certificate, where that is why it is trusted.
    #[serde(default)]
    pub certified_by: Option<TrustedKey>,
    pub known: Vec<TrustedKey>,
    pub verdict: Verdict,
    /// Other saved hosts that have the shown key.
    #[serde(default)]
    pub shared_with: Vec<String>,
    /// Lines of known_hosts files about this host that cannot be used, and files that cannot be read.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A key that is known, most often because a person accepted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedKey {
    pub address: String,
    pub port: u16,
    pub key: HostKey,
    /// When it was accepted, milliseconds since 1970 UTC; a known_hosts file does not say.
    pub accepted_ms: Option<i64>,
    pub accepted_by: String,
    #[serde(default)]
    pub role: KeyRole,
    #[serde(default)]
    pub source: TrustSource,
    /// It counts for the next connection alone.
    #[serde(default)]
    pub once: bool,
}

/// A known key with the saved hosts that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustEntry {
    #[serde(flatten)]
    pub trusted: TrustedKey,
    pub hosts: Vec<String>,
}

/// A computer, by its machine-id(5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// 32 hexadecimal digits; `None` where it has none.
    pub id: Option<String>,
    /// When it answered first, milliseconds since 1970 UTC.
    pub since_ms: i64,
}

/// Which computer answers for a saved host. A host key alone does not tell: it may be copied, or kept over
/// a new installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostMachine {
    /// Where it was reached: at another address another computer is expected.
    pub address: String,
    pub port: u16,
    pub known: Machine,
    /// Who said that it is the one; empty for the first that answered.
    pub accepted_by: String,
    /// Another one answers since then: nothing is done on the host until a person says that it is meant.
    pub other: Option<Machine>,
}

/// What tells that a host is the one that is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostMarks {
    pub host: String,
    /// The keys that are known for it, without those of authorities.
    pub keys: Vec<HostKey>,
    /// `None` before it answered once.
    pub machine: Option<HostMachine>,
}
