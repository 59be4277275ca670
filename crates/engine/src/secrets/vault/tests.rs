//! The vault on a real folder.

use super::*;

const PASSPHRASE: &str = "four words of passphrase";

fn vault(folder: &tempfile::TempDir) -> Vault {
    let vault = Vault::in_folder(&folder.path().join("data"));
    vault.create(&PASSPHRASE.into(), &Items::new()).unwrap();
    vault
}

fn plain(secret: Option<SecretString>) -> Option<String> {
    secret.map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn a_vault_keeps_gives_and_forgets_and_nobody_else_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = vault(&folder);
    first.set("host/a/password", &"planted-secret".into()).unwrap();
    first.set("host/b/password", &"other\nline".into()).unwrap();
    let mode = std::fs::metadata(first.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(first.path()).unwrap();
    assert!(!text.contains("planted") && !text.contains("host/a"), "{text}");

    let later = Vault::in_folder(&folder.path().join("data"));
    assert_eq!(later.get("host/a/password").unwrap_err().code, FaultCode::VaultLocked);
    let wrong = later.unlock(&"not that one".into()).unwrap_err();
    assert_eq!(wrong.code, FaultCode::VaultPassphraseWrong);
    assert!(!wrong.to_string().contains("not that one"));
    later.unlock(&PASSPHRASE.into()).unwrap();
    assert_eq!(plain(later.get("host/a/password").unwrap()), Some("planted-secret".into()));
    assert_eq!(plain(later.get("host/b/password").unwrap()), Some("other\nline".into()));
    later.delete("host/a/password").unwrap();
    later.delete("host/a/password").unwrap();
    assert!(later.get("host/a/password").unwrap().is_none());
    later.lock();
    assert_eq!(later.get("host/b/password").unwrap_err().code, FaultCode::VaultLocked);
    assert_eq!(later.set("x", &"y".into()).unwrap_err().code, FaultCode::VaultLocked);
}

#[test]
fn a_changed_passphrase_shuts_out_the_old_one_and_programs_that_had_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    vault.set("a", &"kept".into()).unwrap();
    let other = Vault::in_folder(&folder.path().join("data"));
    other.unlock(&PASSPHRASE.into()).unwrap();
    let fault = vault.change_passphrase(&"wrong one".into(), &"a new passphrase".into()).unwrap_err();
    assert_eq!(fault.code, FaultCode::VaultPassphraseWrong);
    assert_eq!(
        vault.change_passphrase(&PASSPHRASE.into(), &"short".into()).unwrap_err().code,
        FaultCode::BadInput
    );
    vault.change_passphrase(&PASSPHRASE.into(), &"a new passphrase".into()).unwrap();
    assert_eq!(plain(vault.get("a").unwrap()), Some("kept".into()));
    assert_eq!(other.get("a").unwrap_err().code, FaultCode::VaultLocked);
    assert_eq!(other.unlock(&PASSPHRASE.into()).unwrap_err().code, FaultCode::VaultPassphraseWrong);
    other.unlock(&"a new passphrase".into()).unwrap();
    assert_eq!(plain(other.get("a").unwrap()), Some("kept".into()));
}

#[test]
fn two_programs_that_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(vault(&folder));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                let vault = Vault::in_folder(&folder.path().join("data"));
                vault.unlock(&PASSPHRASE.into()).unwrap();
                for item in 0..25 {
                    vault.set(&format!("host/{writer}-{item}/password"), &"s".into()).unwrap();
                }
            });
        }
    });
    let vault = Vault::in_folder(&folder.path().join("data"));
    vault.unlock(&PASSPHRASE.into()).unwrap();
    assert_eq!(vault.items().unwrap().len(), 100);
}

#[test]
fn a_second_vault_is_not_made_over_the_first_and_an_odd_file_is_never_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    vault.set("a", &"kept".into()).unwrap();
    assert_eq!(vault.create(&PASSPHRASE.into(), &Items::new()).unwrap_err().code, FaultCode::BadInput);
    std::fs::write(vault.path(), "").unwrap();
    assert!(vault.exists());
    assert_eq!(vault.get("a").unwrap_err().code, FaultCode::VaultUnusable);
    assert_eq!(vault.unlock(&PASSPHRASE.into()).unwrap_err().code, FaultCode::VaultUnusable);
    std::fs::remove_file(vault.path()).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", vault.path()).unwrap();
    assert!(vault.exists());
    assert_eq!(vault.get("a").unwrap_err().code, FaultCode::VaultUnusable, "a link is not followed");
}

#[test]
fn a_writer_that_was_cut_leaves_the_old_file_and_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    vault.set("a", &"kept".into()).unwrap();
    std::fs::write(vault.path().with_extension("new"), "half a fi").unwrap();
    assert_eq!(plain(vault.get("a").unwrap()), Some("kept".into()));
    vault.set("b", &"kept too".into()).unwrap();
    assert_eq!(plain(vault.get("a").unwrap()), Some("kept".into()));
    assert!(!vault.path().with_extension("new").exists());
}
