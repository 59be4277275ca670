//! new_key: a key pair made here, and the public half of one that is there.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Generate, Key};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use protocol::{Fault, FaultCode};
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::ssh_key::{Cipher, Kdf, LineEnding};
use russh::keys::{PrivateKey, PublicKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::key_file;

/// Rounds of bcrypt for the passphrase, as ssh-keygen takes since OpenSSH 9.
const ROUNDS: u32 = 24;

/// Makes an ed25519 key in OpenSSH's format, readable by this user alone, with its public half in a file
/// of the same name with `.pub`. Gives the public half as one line.
///
/// # Errors
/// `KeyFileUnusable` if a file of that name is there: no key is ever written over.
pub fn make_key_file(path: &Path, passphrase: Option<&SecretString>, comment: &str) -> Result<String, Fault> {
    let broken = |why: russh::keys::ssh_key::Error| cannot(path, &why.to_string());
    let seed = Zeroizing::new(<[u8; 32]>::from(Key::<XChaCha20Poly1305>::generate()));
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    let plain = PrivateKey::new(pair, comment).map_err(broken)?;
    let key = match passphrase {
        None => plain,
        Some(passphrase) => {
            let random = XNonce::generate();
            let kdf = Kdf::Bcrypt { salt: random[..16].to_vec(), rounds: ROUNDS };
            let check = u32::from_be_bytes([random[16], random[17], random[18], random[19]]);
            plain.encrypt_with(Cipher::Aes256Ctr, kdf, check, passphrase.expose_secret()).map_err(broken)?
        }
    };
    let text = key.to_openssh(LineEnding::LF).map_err(broken)?;
    let mut public = PublicKey::new(key.public_key().key_data().clone(), comment);
    public.set_comment(comment);
    let line = public.to_openssh().map_err(broken)?;
    if let Some(folder) = path.parent() {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|why| cannot(path, &why.to_string()))?;
    }
    let write = |file: &Path, mode: u32, text: &str| {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(file)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .map_err(|why| cannot(file, &why.to_string()))
    };
    let beside = public_path(path);
    write(&beside, 0o644, &format!("{line}\n"))?;
    write(path, 0o600, &text).inspect_err(|_| {
        // A public half without its key is of no use.
        let _ = std::fs::remove_file(&beside);
    })?;
    Ok(line)
}

/// The public half of a key file: from the file beside it, else from the key itself if it needs no
/// passphrase or this one opens it.
pub fn public_half(path: &Path, passphrase: Option<&SecretString>) -> Result<String, Fault> {
    let beside = public_path(path);
    let from_file = std::fs::read_to_string(&beside).ok();
    if let Some(key) = from_file.and_then(|text| PublicKey::from_openssh(text.trim()).ok()) {
        return one_line(path, &key);
    }
    let key = key_file::load(path, passphrase)?;
    one_line(path, key.public_key())
}

fn one_line(path: &Path, key: &PublicKey) -> Result<String, Fault> {
    let line = key.to_openssh().map_err(|why| cannot(path, &why.to_string()))?;
    Ok(line.trim().to_owned())
}

fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

fn cannot(path: &Path, why: &str) -> Fault {
    let shown = path.display();
    Fault::new(FaultCode::KeyFileUnusable, format!("the key file {shown} cannot be made: {why}"))
        .about(shown.to_string())
        .because(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::{KeyFileState, check_key_file};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    #[test]
    fn a_new_key_is_one_that_openssh_reads_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        for passphrase in [None, Some(SecretString::from("four words of passphrase"))] {
            let path = folder.path().join(if passphrase.is_some() { "sealed" } else { "plain" });
            let line = make_key_file(&path, passphrase.as_ref(), "ann@desk").unwrap();
            assert!(line.starts_with("ssh-ed25519 ") && line.ends_with(" ann@desk"), "{line}");
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let state = if passphrase.is_some() { KeyFileState::Encrypted } else { KeyFileState::Plain };
            assert_eq!(check_key_file(&path).unwrap(), state);
            let words = passphrase.as_ref().map_or("", |words| words.expose_secret());
            let read =
                Command::new("ssh-keygen").args(["-y", "-P", words, "-f"]).arg(&path).output().unwrap();
            let read = String::from_utf8(read.stdout).unwrap();
            assert_eq!(read.split_whitespace().nth(1), line.split(' ').nth(1), "ssh-keygen reads {read}");
            assert_eq!(public_half(&path, None).unwrap(), line);
            std::fs::remove_file(public_path(&path)).unwrap();
            let derived = public_half(&path, passphrase.as_ref()).unwrap();
            assert_eq!(derived.split(' ').nth(1), line.split(' ').nth(1));
            let fault = make_key_file(&path, None, "x").unwrap_err();
            assert_eq!(fault.code, FaultCode::KeyFileUnusable, "a key is never written over");
            assert!(!public_path(&path).exists(), "and nothing stays of the attempt");
        }
    }
}
