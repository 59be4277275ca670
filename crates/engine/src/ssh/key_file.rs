//! key_file: a private key file on this computer, judged and read.
//!
//! The text of the file and the passphrase are wiped when they are no longer needed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::{Fault, FaultCode};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{self, Certificate, PrivateKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// No private key is larger.
const KEY_FILE_LIMIT_BYTES: u64 = 1 << 20;

/// Whether a key file needs a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFileState {
    Plain,
    Encrypted,
}

/// Says whether `path` is a private key that can be used, and whether it needs a passphrase.
///
/// # Errors
/// `KeyFileUnusable` if it is missing, unreadable or not a private key.
pub fn check_key_file(path: &Path) -> Result<KeyFileState, Fault> {
    let text = read_text(path)?;
    judge(path, &text)
}

/// Reads the key, with its passphrase if it needs one. Slow on purpose for encrypted keys: not for
/// the async threads.
pub(super) fn load(path: &Path, passphrase: Option<&SecretString>) -> Result<PrivateKey, Fault> {
    let text = read_text(path)?;
    let shown = path.display();
    match (judge(path, &text)?, passphrase) {
        (KeyFileState::Plain, _) => {
            keys::decode_secret_key(&text, None).map_err(|why| unusable(path, &why.to_string()))
        }
        (KeyFileState::Encrypted, None) => Err(Fault::new(
            FaultCode::KeyEncrypted,
            format!("the key file {shown} is encrypted and no passphrase is saved for it"),
        )
        .about(shown.to_string())),
        (KeyFileState::Encrypted, Some(passphrase)) => {
            keys::decode_secret_key(&text, Some(passphrase.expose_secret())).map_err(|why| {
                Fault::new(
                    FaultCode::KeyEncrypted,
                    format!("the key file {shown} could not be opened: the passphrase is wrong"),
                )
                .about(shown.to_string())
                .because(why.to_string())
            })
        }
    }
}

/// The certificate that lies beside a key file, as OpenSSH names it (`KEY-cert.pub`), if there is one.
///
/// # Errors
/// In words, why the one that is there cannot be used.
pub(super) fn certificate(path: &Path, key: &PrivateKey) -> Result<Option<Certificate>, String> {
    let mut name = expand_home(path).into_os_string();
    name.push("-cert.pub");
    let text = match std::fs::read_to_string(Path::new(&name)) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why.to_string()),
    };
    let certificate = Certificate::from_openssh(text.trim()).map_err(|why| why.to_string())?;
    if certificate.cert_type() != CertType::User {
        return Err("it is the certificate of a host".into());
    }
    if certificate.public_key() != key.public_key().key_data() {
        return Err("it is the certificate of another key".into());
    }
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now_s >= certificate.valid_before() {
        return Err("it has expired".into());
    }
    if now_s < certificate.valid_after() {
        return Err("it is not valid yet".into());
    }
    Ok(Some(certificate))
}

fn judge(path: &Path, text: &str) -> Result<KeyFileState, Fault> {
    let head = text.trim_start();
    if head.starts_with("ssh-") || head.starts_with("ecdsa-sha2-") || head.starts_with("sk-") {
        return Err(unusable(path, "it is a public key; the private key has the same name without .pub"));
    }
    if head.starts_with("PuTTY-User-Key-File-") {
        let plain = text.lines().any(|line| line.trim() == "Encryption: none");
        return Ok(if plain { KeyFileState::Plain } else { KeyFileState::Encrypted });
    }
    let encrypted =
        text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED");
    if encrypted {
        return Ok(KeyFileState::Encrypted);
    }
    match keys::decode_secret_key(text, None) {
        Ok(_) => Ok(KeyFileState::Plain),
        Err(keys::Error::KeyIsEncrypted) => Ok(KeyFileState::Encrypted),
        Err(keys::Error::CouldNotReadKey) => Err(unusable(path, "it is not a private key")),
        Err(why) => Err(unusable(path, &format!("it is not a private key that Muster reads: {why}"))),
    }
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, Fault> {
    let full = expand_home(path);
    let file = File::open(&full).map_err(|why| unusable(path, &why.to_string()))?;
    let meta = file.metadata().map_err(|why| unusable(path, &why.to_string()))?;
    if !meta.is_file() {
        return Err(unusable(path, "it is not a file"));
    }
    if meta.len() > KEY_FILE_LIMIT_BYTES {
        return Err(unusable(path, "it is too large for a private key"));
    }
    // Reserved at once: growing would leave copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_LIMIT_BYTES as usize + 1));
    file.take(KEY_FILE_LIMIT_BYTES).read_to_string(&mut text).map_err(|why| match why.kind() {
        std::io::ErrorKind::InvalidData => unusable(path, "it is not a private key"),
        _ => unusable(path, &why.to_string()),
    })?;
    Ok(text)
}

/// `~/` is the home folder, as people write it.
fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

fn unusable(path: &Path, cause: &str) -> Fault {
    Fault::new(FaultCode::KeyFileUnusable, format!("the key file {} cannot be used: {cause}", path.display()))
        .about(path.display().to_string())
        .because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn keygen(dir: &Path, name: &str, arguments: &[&str]) -> PathBuf {
        let path = dir.join(name);
        let made =
            Command::new("ssh-keygen").arg("-q").arg("-f").arg(&path).args(arguments).status().unwrap();
        assert!(made.success());
        path
    }

    #[test]
    fn plain_and_encrypted_keys_of_every_common_form_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let forms: [(&str, &[&str], KeyFileState); 11] = [
            ("ed", &["-t", "ed25519", "-N", ""], KeyFileState::Plain),
            ("edx", &["-t", "ed25519", "-N", "secret"], KeyFileState::Encrypted),
            ("rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""], KeyFileState::Plain),
            ("rsax", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"], KeyFileState::Encrypted),
            ("ec", &["-t", "ecdsa", "-m", "PKCS8", "-N", ""], KeyFileState::Plain),
            ("ecx", &["-t", "ecdsa", "-m", "PKCS8", "-N", "secret"], KeyFileState::Encrypted),
            ("ec384", &["-t", "ecdsa", "-b", "384", "-N", "secret"], KeyFileState::Encrypted),
            ("ec521", &["-t", "ecdsa", "-b", "521", "-N", ""], KeyFileState::Plain),
            ("rsa4", &["-t", "rsa", "-b", "4096", "-N", "secret"], KeyFileState::Encrypted),
            // Other ciphers than the one that is used where none is named.
            ("cbc", &["-t", "ed25519", "-Z", "aes256-cbc", "-N", "secret"], KeyFileState::Encrypted),
            (
                "gcm",
                &["-t", "ed25519", "-Z", "aes256-gcm@openssh.com", "-N", "secret"],
                KeyFileState::Encrypted,
            ),
        ];
        for (name, arguments, state) in forms {
            let path = keygen(dir.path(), name, arguments);
            assert_eq!(check_key_file(&path).unwrap(), state, "{name}");
            let right = SecretString::from("secret");
            load(&path, Some(&right)).unwrap_or_else(|why| panic!("{name}: {why}"));
            if state == KeyFileState::Encrypted {
                let wrong = SecretString::from("wr0ng-pass");
                let fault = load(&path, Some(&wrong)).unwrap_err();
                assert_eq!(fault.code, FaultCode::KeyEncrypted, "{name}");
                assert!(!format!("{fault:?}").contains("wr0ng-pass"), "a fault must not tell the passphrase");
                assert_eq!(load(&path, None).unwrap_err().code, FaultCode::KeyEncrypted, "{name}");
            }
        }
    }

    #[test]
    fn a_certificate_counts_for_its_own_key_and_in_its_time_alone() {
        let dir = tempfile::tempdir().unwrap();
        let none: &[&str] = &["-t", "ed25519", "-N", ""];
        let (ca, own, other) = (
            keygen(dir.path(), "ca", none),
            keygen(dir.path(), "own", none),
            keygen(dir.path(), "other", none),
        );
        let sign = |words: &[&str]| {
            let mut made = Command::new("ssh-keygen");
            made.arg("-q").arg("-s").arg(&ca).args(words).arg(own.with_extension("pub"));
            assert!(made.status().unwrap().success());
        };
        let key = load(&own, None).unwrap();
        assert_eq!(certificate(&own, &key), Ok(None));
        sign(&["-I", "ann", "-n", "root", "-V", "+1h"]);
        assert!(certificate(&own, &key).unwrap().is_some());
        std::fs::copy(dir.path().join("own-cert.pub"), dir.path().join("other-cert.pub")).unwrap();
        let wrong = certificate(&other, &load(&other, None).unwrap()).unwrap_err();
        assert!(wrong.contains("another key"), "{wrong}");
        sign(&["-I", "ann", "-n", "root", "-V", "20200101:20200102"]);
        assert!(certificate(&own, &key).unwrap_err().contains("expired"));
        sign(&["-h", "-I", "web", "-n", "web", "-V", "+1h"]);
        assert!(certificate(&own, &key).unwrap_err().contains("of a host"));
    }

    #[test]
    fn what_is_not_a_private_key_is_refused_with_its_path_and_cause() {
        let dir = tempfile::tempdir().unwrap();
        let public = keygen(dir.path(), "k", &["-t", "ed25519", "-N", ""]).with_extension("pub");
        let binary = dir.path().join("binary");
        std::fs::write(&binary, [0xff_u8; 64]).unwrap();
        let text = dir.path().join("text");
        std::fs::write(&text, "hello").unwrap();
        for path in [public.as_path(), &binary, &text, dir.path(), Path::new("/nowhere/key")] {
            let fault = check_key_file(path).unwrap_err();
            assert_eq!(fault.code, FaultCode::KeyFileUnusable);
            assert_eq!(fault.detail.subject.as_deref(), path.to_str());
        }
        assert!(check_key_file(&public).unwrap_err().message.contains("public key"));
    }
}
