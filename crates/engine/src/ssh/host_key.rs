//! host_key: is the key that a host shows one that was accepted before?
//!
//! Keys are compared byte by byte, never by fingerprint or by name. If keys of a host are known,
//! only their algorithms are offered to it, so that nobody in between can bring another key into
//! play by offering another algorithm (CVE-2025-26465 was of this class). RSA with SHA-1 is not
//! offered at all.

use protocol::trust::{HostKey, TrustedKey, Verdict};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey, ssh_key};

/// Every host key algorithm that Muster speaks, the best first.
const OFFERED: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// The key as a person compares it.
pub(super) fn describe(key: &PublicKey) -> Result<HostKey, ssh_key::Error> {
    // A comment is no part of a host key.
    let bare = PublicKey::new(key.key_data().clone(), "");
    Ok(HostKey {
        algorithm: bare.algorithm().as_str().to_owned(),
        fingerprint: bare.fingerprint(HashAlg::Sha256).to_string(),
        openssh: bare.to_openssh()?.trim_end().to_owned(),
    })
}

/// The keys of `known` that were accepted for this address and port.
pub(super) fn known_for(known: &[TrustedKey], address: &str, port: u16) -> Vec<TrustedKey> {
    known
        .iter()
        .filter(|trusted| trusted.port == port && trusted.address.eq_ignore_ascii_case(address))
        .cloned()
        .collect()
}

/// What the known keys make of the one shown. A known key that cannot be read matches nothing.
pub(super) fn judge(shown: &PublicKey, known: &[TrustedKey]) -> Verdict {
    if known.is_empty() {
        return Verdict::New;
    }
    let same = known.iter().any(|trusted| {
        PublicKey::from_openssh(&trusted.key.openssh).is_ok_and(|key| key.key_data() == shown.key_data())
    });
    if same { Verdict::Known } else { Verdict::Changed }
}

/// Only the algorithms of the known keys; all if none is known.
pub(super) fn algorithms_of(known: &[TrustedKey]) -> Vec<Algorithm> {
    let (wanted, _) = split(known);
    if wanted.is_empty() { OFFERED.to_vec() } else { wanted }
}

/// The algorithms of the known keys first, then all others.
pub(super) fn algorithms_preferring(known: &[TrustedKey]) -> Vec<Algorithm> {
    let (mut wanted, rest) = split(known);
    wanted.extend(rest);
    wanted
}

fn split(known: &[TrustedKey]) -> (Vec<Algorithm>, Vec<Algorithm>) {
    let names: Vec<Algorithm> = known
        .iter()
        .filter_map(|trusted| PublicKey::from_openssh(&trusted.key.openssh).ok())
        .map(|key| key.algorithm())
        .collect();
    OFFERED.iter().cloned().partition(|offered| {
        names.iter().any(|name| match (name, offered) {
            (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
            (name, offered) => name == offered,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn trusted(openssh: &str) -> TrustedKey {
        TrustedKey {
            address: "Web.test".into(),
            port: 22,
            key: HostKey { algorithm: String::new(), fingerprint: String::new(), openssh: openssh.into() },
            accepted_ms: 0,
            accepted_by: "me".into(),
        }
    }

    #[test]
    fn a_key_is_known_by_its_bytes_and_not_by_its_comment() {
        let shown = PublicKey::from_openssh(&format!("{ED25519} root@web")).unwrap();
        assert_eq!(judge(&shown, &[trusted(ED25519)]), Verdict::Known);
        assert_eq!(describe(&shown).unwrap().openssh, ED25519);
        assert_eq!(describe(&shown).unwrap().algorithm, "ssh-ed25519");
    }

    #[test]
    fn a_known_key_that_cannot_be_read_never_makes_a_host_look_new() {
        let shown = PublicKey::from_openssh(ED25519).unwrap();
        assert_eq!(judge(&shown, &[trusted("ssh-ed25519 AAAA")]), Verdict::Changed);
        assert_eq!(judge(&shown, &[]), Verdict::New);
    }

    #[test]
    fn only_the_algorithms_of_known_keys_are_offered() {
        assert_eq!(algorithms_of(&[trusted(ED25519)]), [Algorithm::Ed25519]);
        assert_eq!(algorithms_of(&[]).len(), OFFERED.len());
        assert_eq!(algorithms_preferring(&[trusted(ED25519)]).len(), OFFERED.len());
        assert!(
            !algorithms_of(&[]).contains(&Algorithm::Rsa { hash: None }),
            "RSA with SHA-1 must not be offered"
        );
    }

    #[test]
    fn a_key_accepted_for_another_port_does_not_count() {
        assert_eq!(known_for(&[trusted(ED25519)], "web.test", 22).len(), 1, "names ignore case");
        assert!(known_for(&[trusted(ED25519)], "web.test", 2222).is_empty());
    }
}
