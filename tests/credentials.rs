//! Secrets where there is no keyring: the encrypted file, its passphrase, and the way there and back.

use std::path::PathBuf;

use protocol::FaultCode;
use protocol::credentials::{KeyringState, SecretsMoved};
use protocol::store::StoreReport;
use support::keyring::Session;
use support::musterctl::{Operator, Ran};
use support::needs;
use support::sshd::Sshd;
use support::throwaway_user::ThrowawayUser;

const PASSPHRASE_FILE: &str = "MUSTER_VAULT_PASSPHRASE_FILE";

fn passphrase_file(operator: &Operator, name: &str, passphrase: &str) -> PathBuf {
    let file = operator.folder().join(name);
    std::fs::write(&file, format!("{passphrase}\n")).unwrap();
    file
}

fn add_by_password(operator: &Operator, sshd: &Sshd, user: &ThrowawayUser, more: &[&str]) -> Ran {
    let port = sshd.port().to_string();
    let mut words = vec!["host", "add", "web", "--address", "127.0.0.1", "--port", &port];
    words.extend(["--user", &user.name, "--password-stdin"]);
    words.extend(more);
    operator.run_with_input(&words, &format!("{}\n", user.password))
}

#[test]
fn without_a_keyring_a_password_is_kept_in_an_encrypted_file() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let session = Session::bare();
    let mut operator = Operator::in_session(&session);
    let right = passphrase_file(&operator, "right", "four words of passphrase");
    let wrong = passphrase_file(&operator, "wrong", "another set of words");
    let right = ["--vault-passphrase-file", right.to_str().unwrap()];

    add_by_password(&operator, &sshd, &user, &[]).refused(8, &["vault create"]);
    assert_eq!(operator.run(&["host", "list", "--json"]).done().json(), serde_json::json!([]));
    add_by_password(&operator, &sshd, &user, &right).done();
    operator.set(PASSPHRASE_FILE, right[1]);
    operator.accept("web");
    operator.unset(PASSPHRASE_FILE);
    operator.run(&["check", "web", right[0], right[1]]).done();

    let locked = operator.run(&["check", "web", "--json"]).status_is(8).fault();
    assert_eq!(locked.code, FaultCode::VaultLocked, "{locked:?}");
    operator.run(&["check", "web"]).refused(8, &["locked", "--vault-passphrase-file"]);
    let refused = operator
        .run(&["check", "web", "--vault-passphrase-file", wrong.to_str().unwrap()])
        .refused(8, &["does not open"]);
    assert!(!refused.stderr.contains("another set"), "{}", refused.stderr);
    assert_eq!(
        sshd.log().lines().filter(|line| line.starts_with("Failed password")).count(),
        0,
        "a passphrase is never sent to a host"
    );
    // The data is sealed by a key that is in the file too: there is no keyring to have it.
    operator.run(&["host", "show", "web"]).refused(8, &["locked", "--vault-passphrase-file"]);
    assert!(operator.run(&["vault", "status"]).done().stdout.contains("waits for its passphrase"));
    let report: StoreReport = operator.run(&["store", "check", "--json", right[0], right[1]]).done().value();
    assert!(report.facts.sealed_by.is_some() && report.broken == 0, "{report:?}");
}

#[test]
fn without_a_keyring_the_data_is_sealed_once_there_is_a_file_for_its_key() {
    let mut operator = Operator::without_keyring();
    let add = |operator: &Operator, name: &str| {
        let words = ["host", "add", name, "--address", "192.0.2.7", "--user", "pl4nted-user"];
        operator.run(&words).done();
    };
    add(&operator, "first");
    let planted = || crate::secrets::files_with(operator.folder(), "pl4nted-user");
    assert!(!planted().is_empty(), "without a place for its key the data is in the clear, and that is said");
    let file = passphrase_file(&operator, "right", "four words of passphrase");
    operator.set(PASSPHRASE_FILE, file.to_str().unwrap());
    operator.run(&["vault", "create"]).done();
    let sealed = operator.run(&["host", "list", "--json"]).done();
    assert!(sealed.stderr.contains("sealed"), "{}", sealed.stderr);
    assert_eq!(sealed.json().as_array().unwrap().len(), 1);
    add(&operator, "second");
    let planted = crate::secrets::files_with(&operator.data().join("store"), "pl4nted-user");
    assert!(planted.is_empty(), "{planted:?}");
    // Everything goes on: the log is whole, a backup can be made and brought back.
    operator.run(&["operations", "verify"]).done();
    let backup = operator.folder().join("backup");
    operator.run(&["store", "backup", backup.to_str().unwrap()]).done();
    operator.run(&["store", "restore", backup.to_str().unwrap()]).done();
    assert_eq!(operator.run(&["host", "list", "--json"]).done().json().as_array().unwrap().len(), 2);
}

#[test]
fn secrets_move_from_the_keyring_into_the_file_and_back() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    add_by_password(&operator, &sshd, &user, &[]).done();
    operator.accept("web");
    let file = passphrase_file(&operator, "right", "four words of passphrase");
    let with = |words: &[&str]| {
        operator.run(&[words, &["--vault-passphrase-file", file.to_str().unwrap(), "--json"]].concat()).done()
    };
    let moved: SecretsMoved = with(&["vault", "create"]).value();
    assert!(moved.moved >= 1 && moved.stays.is_none(), "{moved:?}");
    // The key of a sealed store stays: it must be there before anybody is asked for a passphrase.
    assert!(
        !session.secrets_with("service", "muster").contains("keyring:host/"),
        "no secret of a host stays"
    );
    with(&["check", "web"]);
    let state: KeyringState = with(&["vault", "status"]).value();
    assert!(matches!(state, KeyringState::Vault { .. }), "{state:?}");

    let back: SecretsMoved = with(&["vault", "remove"]).value();
    assert_eq!(back.moved, moved.moved);
    assert!(!operator.data().join("secrets.vault").exists());
    operator.run(&["check", "web"]).done();
}

#[test]
fn a_file_that_makes_guesses_cheap_or_opening_endless_is_refused() {
    needs!(Sshd);
    let operator = Operator::without_keyring();
    let file = passphrase_file(&operator, "right", "four words of passphrase");
    operator.run(&["vault", "create", "--vault-passphrase-file", file.to_str().unwrap()]).done();
    let vault = operator.data().join("secrets.vault");
    let text = std::fs::read_to_string(&vault).unwrap();
    let second = text.lines().nth(1).unwrap();
    let cost: Vec<&str> = second.split(' ').collect();
    for changed in [
        format!("{} {} t=1 {} {}", cost[0], cost[1], cost[3], cost[4]),
        format!("{} m=1073741824 {} {} {}", cost[0], cost[2], cost[3], cost[4]),
    ] {
        std::fs::write(&vault, text.replace(second, &changed)).unwrap();
        operator
            .run(&["vault", "remove", "--vault-passphrase-file", file.to_str().unwrap()])
            .refused(8, &["no file of Muster does"]);
    }
}
