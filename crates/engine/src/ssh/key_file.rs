//! key_file: a private key file on this computer, judged and read.
//!
//! The text of the file and the passphrase are wiped when they are no longer needed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use protocol::{Fault, FaultCode};
use russh::keys::{self, PrivateKey};
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
        let forms: [(&str, &[&str], KeyFileState); 6] = [
            ("ed", &["-t", "ed25519", "-N", ""], KeyFileState::Plain),
            ("edx", &["-t", "ed25519", "-N", "secret"], KeyFileState::Encrypted),
            ("rsa", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""], KeyFileState::Plain),
            ("rsax", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"], KeyFileState::Encrypted),
            ("ec", &["-t", "ecdsa", "-m", "PKCS8", "-N", ""], KeyFileState::Plain),
            ("ecx", &["-t", "ecdsa", "-m", "PKCS8", "-N", "secret"], KeyFileState::Encrypted),
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
