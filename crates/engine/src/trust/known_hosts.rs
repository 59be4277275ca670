//! The files of host keys that OpenSSH keeps: which of their lines are about a host.
//!
//! Format and matching are those of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": hashed names, patterns
//! with `*`, `?` and `!`, `[host]:port`, and the marks `@cert-authority` and `@revoked`. A line that is
//! about the host and cannot be read is told: it makes a host neither trusted nor, in silence, unknown.
//! The files are never written.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use protocol::text::printable;
use protocol::trust::{HostKey, KeyRole};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::ssh::is_like;

/// The port that a name without one means.
const SSH_PORT: u16 = 22;

/// A line that is about the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u32,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Key {
        role: KeyRole,
        key: HostKey,
    },
    /// It is about this host, or may be, and cannot be used: why.
    Odd(&'static str),
}

/// The lines about this address and port.
pub(super) fn lines_about(text: &str, address: &str, port: u16) -> Vec<Line> {
    let address = address.to_lowercase();
    let names = Names {
        exact: if port == SSH_PORT { address.clone() } else { format!("[{address}]:{port}") },
        // OpenSSH takes a key of the bare name for another port too, if it is the one shown.
        bare: (port != SSH_PORT).then_some(address),
    };
    let numbered = (1..).zip(text.lines());
    numbered
        .filter_map(|(number, line)| Some(Line { number, content: read_line(line.trim(), &names)? }))
        .collect()
}

struct Names {
    exact: String,
    bare: Option<String>,
}

fn read_line(line: &str, names: &Names) -> Option<Content> {
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (mark, rest) = match line.strip_prefix('@') {
        Some(marked) => {
            let (mark, rest) = split(marked)?;
            (Some(mark), rest)
        }
        None => (None, line),
    };
    let Some((hosts, rest)) = split(rest) else {
        return matches(rest, &names.exact).ok()?.then_some(Content::Odd("has no key"));
    };
    let is_exact = match matches(hosts, &names.exact) {
        Ok(is_exact) => is_exact,
        Err(why) => return Some(Content::Odd(why)),
    };
    let is_bare =
        !is_exact && names.bare.as_deref().is_some_and(|bare| matches(hosts, bare).unwrap_or_default());
    let role = match (mark, is_exact, is_bare) {
        (_, false, false) => return None,
        (Some("revoked"), ..) => KeyRole::Revoked,
        (Some("cert-authority"), true, _) => KeyRole::Authority,
        (Some("cert-authority"), false, _) => return None,
        (Some(_), ..) => return Some(Content::Odd("has a mark that Muster does not know")),
        (None, true, _) => KeyRole::Host,
        (None, false, _) => KeyRole::AnyPort,
    };
    Some(match read_key(rest) {
        Some(key) => Content::Key { role, key },
        None => Content::Odd("has a key that cannot be read"),
    })
}

/// A word and what follows it; `None` if nothing does.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let (word, rest) = text.split_once([' ', '\t'])?;
    Some((word, rest.trim_start_matches([' ', '\t'])))
}

/// True if one of the patterns is the name and no pattern with `!` is. An error for a hash that
/// cannot be read: it may be this name.
fn matches(patterns: &str, name: &str) -> Result<bool, &'static str> {
    if let Some(hashed) = patterns.strip_prefix("|1|") {
        return is_hash_of(hashed, name);
    }
    if patterns.starts_with('|') {
        return Err("has a name that is hashed in a way Muster does not know");
    }
    let mut found = false;
    for pattern in patterns.split(',') {
        let (no, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, pattern),
        };
        if is_like(pattern.to_lowercase().as_bytes(), name.as_bytes()) {
            if no {
                return Ok(false);
            }
            found = true;
        }
    }
    Ok(found)
}

fn is_hash_of(hashed: &str, name: &str) -> Result<bool, &'static str> {
    let odd = "has a hashed name that cannot be read";
    let (salt, hash) = hashed.split_once('|').ok_or(odd)?;
    let salt = STANDARD.decode(salt).map_err(|_| odd)?;
    let hash = STANDARD.decode(hash).map_err(|_| odd)?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).map_err(|_| odd)?;
    mac.update(name.as_bytes());
    Ok(mac.verify_slice(&hash).is_ok())
}

/// The key of a line: its type, and the key in base64 that says the same type.
fn read_key(rest: &str) -> Option<HostKey> {
    let (algorithm, rest) = split(rest)?;
    let encoded = rest.split([' ', '\t']).next()?;
    let blob = STANDARD.decode(encoded).ok()?;
    // The type, then the numbers of the key, and nothing else (RFC 4253, 6.6).
    let parts = strings(&blob)?;
    if parts.len() < 2
        || parts.first() != Some(&algorithm.as_bytes())
        || parts.iter().any(|part| part.is_empty())
    {
        return None;
    }
    Some(HostKey {
        algorithm: algorithm.to_owned(),
        fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob))),
        openssh: format!("{algorithm} {}", STANDARD.encode(&blob)),
    })
}

/// The strings of RFC 4251 that a key is made of; `None` if the last one is cut off.
fn strings(mut blob: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !blob.is_empty() {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        parts.push(rest.get(..length)?);
        blob = &rest[length..];
    }
    Some(parts)
}

/// A line that OpenSSH reads, for a key that was accepted here.
pub(super) fn line_of(address: &str, port: u16, key: &HostKey, comment: &str) -> String {
    let name = if port == SSH_PORT { address.to_owned() } else { format!("[{address}]:{port}") };
    format!("{name} {} {}\n", key.openssh, printable(comment))
}

#[cfg(test)]
#[path = "known_hosts_tests.rs"]
mod tests;
