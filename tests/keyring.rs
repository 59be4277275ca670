//! Passwords live in the keyring of the desktop, and its absence is said, not suffered.

use protocol::FaultCode;
use support::keyring::Session;
use support::musterctl::{Operator, Ran};
use support::needs;
use support::sshd::{Sshd, make_key, own_user};
use support::throwaway_user::ThrowawayUser;

fn add_by_password(operator: &Operator, sshd: &Sshd, user: &ThrowawayUser) -> Ran {
    let port = sshd.port().to_string();
    let words = [
        "host",
        "add",
        "web",
        "--address",
        "127.0.0.1",
        "--port",
        &port,
        "--user",
        &user.name,
        "--password-stdin",
    ];
    operator.run_with_input(&words, &format!("{}\n", user.password))
}

#[test]
fn a_password_from_the_keyring_signs_in() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    add_by_password(&operator, &sshd, &user).done();
    operator.accept("web");
    operator.run(&["check", "web"]).done();
    assert!(sshd.log().contains(&format!("Accepted password for {}", user.name)), "{}", sshd.log());
    // The key of the sealed store is an item beside them.
    let of_hosts = || session.secrets_with("service", "muster").contains("keyring:host/");
    assert!(of_hosts(), "the look finds what there is");
    operator.run(&["host", "remove", "web"]).done();
    assert!(!of_hosts(), "a removed host leaves no secret");
}

#[test]
fn without_a_keyring_a_password_is_not_saved_and_the_reason_is_said() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let session = Session::bare();
    let operator = Operator::in_session(&session);
    let refused = add_by_password(&operator, &sshd, &user).refused(8, &["keyring", "key file"]);
    assert!(!refused.stderr.contains(&user.password));
}

#[test]
fn a_keyring_that_is_gone_is_told_from_a_wrong_password() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let mut session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    add_by_password(&operator, &sshd, &user).done();
    operator.accept("web");
    session.stop_keyring();
    let fault = operator.run(&["check", "web", "--json"]).status_is(8).fault();
    assert_eq!(fault.code, FaultCode::KeyringUnavailable, "{fault:?}");
    assert_eq!(sshd.log().lines().filter(|line| line.starts_with("Failed password")).count(), 0);
}

#[test]
fn the_passphrase_of_a_key_file_comes_from_the_keyring() {
    needs!(Sshd, Keyring);
    let sshd = Sshd::start();
    let key = sshd.folder().join("encrypted");
    make_key(&key, Some("four words of passphrase"));
    std::fs::copy(sshd.folder().join("encrypted.pub"), sshd.folder().join("authorized_keys")).unwrap();
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    let (port, dir) = (sshd.port().to_string(), sshd.home().join("muster"));
    let words = [
        "host",
        "add",
        "web",
        "--address",
        "127.0.0.1",
        "--port",
        &port,
        "--user",
        &own_user(),
        "--key",
        key.to_str().unwrap(),
        "--passphrase-stdin",
        "--helper-dir",
        dir.to_str().unwrap(),
    ];
    operator.run_with_input(&words, "four words of passphrase\n").done();
    operator.accept("web");
    operator.run(&["check", "web"]).done();
}
