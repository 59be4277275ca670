//! host_key: is the key that a host shows one that was accepted before?
//!
//! Keys are compared byte by byte, never by fingerprint or by name. If keys of a host are known,
//! only their algorithms are offered to it, so that nobody in between can bring another key into
//! play by offering another algorithm (CVE-2025-26465 was of this class). RSA with SHA-1 is not
//! offered at all.

use protocol::text::printable;
use protocol::trust::{HostKey, KeyRole, TrustedKey, Verdict};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PublicKey, ssh_key};

use super::is_like;

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

/// The known keys of one role.
fn of_role(known: &[TrustedKey], role: KeyRole) -> impl Iterator<Item = &TrustedKey> {
    known.iter().filter(move |trusted| trusted.role == role)
}

/// True if a host's own key is known, so that another one is a change.
pub(super) fn has_own(known: &[TrustedKey]) -> bool {
    of_role(known, KeyRole::Host).next().is_some()
}

fn is_key(trusted: &TrustedKey, shown: &ssh_key::public::KeyData) -> bool {
    PublicKey::from_openssh(&trusted.key.openssh).is_ok_and(|key| key.key_data() == shown)
}

/// What the known keys make of the one shown. A known key that cannot be read matches nothing.
pub(super) fn judge(shown: &PublicKey, known: &[TrustedKey]) -> Verdict {
    let is_shown = |trusted: &TrustedKey| is_key(trusted, shown.key_data());
    if of_role(known, KeyRole::Revoked).any(is_shown) {
        Verdict::Revoked
    } else if of_role(known, KeyRole::Host).chain(of_role(known, KeyRole::AnyPort)).any(is_shown) {
        Verdict::Known
    } else if has_own(known) {
        Verdict::Changed
    } else {
        Verdict::New
    }
}

/// Why a host's certificate does not count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CertificateRefusal {
    Revoked,
    Because(String),
}

/// The known authority that signed the certificate, if it is good for this address now.
pub(super) fn judge_certificate<'k>(
    certificate: &Certificate,
    address: &str,
    known: &'k [TrustedKey],
    now_ms: i64,
) -> Result<&'k TrustedKey, CertificateRefusal> {
    let because = |why: String| Err(CertificateRefusal::Because(why));
    for key in [certificate.public_key(), certificate.signature_key()] {
        if of_role(known, KeyRole::Revoked).any(|revoked| is_key(revoked, key)) {
            return Err(CertificateRefusal::Revoked);
        }
    }
    let signed = |authority: &&TrustedKey| is_key(authority, certificate.signature_key());
    let Some(authority) = of_role(known, KeyRole::Authority).find(signed) else {
        return because("its certificate is signed by an authority that is not known".into());
    };
    if certificate.cert_type() != CertType::Host {
        return because("its certificate is one of a user, not of a host".into());
    }
    // OpenSSH takes a certificate that names nobody for everybody's; here it is nobody's.
    let names = certificate.valid_principals();
    let address = address.to_lowercase();
    if !names.iter().any(|name| is_like(name.to_lowercase().as_bytes(), address.as_bytes())) {
        let names = printable(&names.join(", ")).into_owned();
        return because(format!("its certificate is for '{names}', not for this address"));
    }
    if let Some((option, _)) = certificate.critical_options().iter().next() {
        let option = printable(option).into_owned();
        return because(format!("its certificate asks for '{option}', which Muster does not know"));
    }
    let now_s = u64::try_from(now_ms / 1000).unwrap_or(0);
    if now_s < certificate.valid_after() || now_s >= certificate.valid_before() {
        return because("its certificate is not valid at this time".into());
    }
    let fingerprint = certificate.signature_key().fingerprint(HashAlg::Sha256);
    match certificate.validate_at(now_s, [&fingerprint]) {
        Ok(()) => Ok(authority),
        Err(why) => because(format!("its certificate does not hold: {why}")),
    }
}

/// The algorithms of certificates that are asked for: all, if an authority is known.
pub(super) fn certificates_of(known: &[TrustedKey]) -> Vec<Algorithm> {
    if of_role(known, KeyRole::Authority).next().is_some() { OFFERED.to_vec() } else { Vec::new() }
}

/// Only the algorithms of the known keys; all if none is known.
pub(super) fn algorithms_of(known: &[TrustedKey]) -> Vec<Algorithm> {
    if !has_own(known) {
        return algorithms_preferring(known);
    }
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
    let names: Vec<Algorithm> = of_role(known, KeyRole::Host)
        .chain(of_role(known, KeyRole::AnyPort))
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
    use protocol::trust::TrustSource;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn trusted(openssh: &str) -> TrustedKey {
        TrustedKey {
            address: "Web.test".into(),
            port: 22,
            key: HostKey { algorithm: String::new(), fingerprint: String::new(), openssh: openssh.into() },
            accepted_ms: None,
            accepted_by: "me".into(),
            role: KeyRole::Host,
            source: TrustSource::Muster,
            once: false,
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
    fn a_revoked_key_is_refused_even_where_it_was_accepted() {
        let shown = PublicKey::from_openssh(ED25519).unwrap();
        let revoked = TrustedKey { role: KeyRole::Revoked, ..trusted(ED25519) };
        assert_eq!(judge(&shown, &[trusted(ED25519), revoked.clone()]), Verdict::Revoked);
        let other = TrustedKey { role: KeyRole::Revoked, ..trusted("ssh-ed25519 AAAA") };
        assert_eq!(judge(&shown, &[other]), Verdict::New, "another revoked key says nothing of this one");
    }

    #[test]
    fn a_key_of_another_port_may_be_this_one_s_and_is_no_change_if_it_is_not() {
        let shown = PublicKey::from_openssh(ED25519).unwrap();
        let any = |openssh: &str| TrustedKey { role: KeyRole::AnyPort, ..trusted(openssh) };
        assert_eq!(judge(&shown, &[any(ED25519)]), Verdict::Known);
        assert_eq!(judge(&shown, &[any("ssh-ed25519 AAAA")]), Verdict::New);
        assert_eq!(algorithms_of(&[any(ED25519)]).len(), OFFERED.len());
    }

    #[test]
    fn an_authority_alone_makes_no_key_known() {
        let shown = PublicKey::from_openssh(ED25519).unwrap();
        let authority = TrustedKey { role: KeyRole::Authority, ..trusted(ED25519) };
        assert_eq!(judge(&shown, std::slice::from_ref(&authority)), Verdict::New);
        assert!(certificates_of(&[trusted(ED25519)]).is_empty());
        assert_eq!(certificates_of(&[authority]).len(), OFFERED.len());
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
