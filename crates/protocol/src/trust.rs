//! trust: which host keys a person has accepted, and what a host shows.

use serde::{Deserialize, Serialize};

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
}

/// What a host shows, beside what was accepted before. Nothing secret was sent to learn this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustOffer {
    pub host: String,
    pub address: String,
    pub port: u16,
    pub shown: HostKey,
    pub known: Vec<TrustedKey>,
    pub verdict: Verdict,
}

/// A key that a person accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedKey {
    pub address: String,
    pub port: u16,
    pub key: HostKey,
    /// When it was accepted, milliseconds since 1970 UTC.
    pub accepted_ms: i64,
    pub accepted_by: String,
}
