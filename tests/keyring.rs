//! Passwords live in the keyring of the desktop, and its absence is said, not suffered.

use protocol::FaultCode;
use support::keyring::Session;
use support::musterctl::{Operator, Ran};
use support::needs;
use support::secret_service::{Asks, SecretService};
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

/// Adds a host by its password where the keyring does not keep it, and looks at what is said: the code, the
/// sentence, the way on, and that nothing is half there.
fn refused_to_keep(operator: &Operator, code: FaultCode, sentence: &str, way_on: &str) {
    let add = |more: &[&str]| {
        let mut words = vec!["host", "add", "web", "--address", "127.0.0.1", "--user", "ops"];
        words.extend(["--password-stdin"]);
        words.extend(more);
        operator.run_with_input(&words, "planted-password\n")
    };
    let refused = add(&["--json"]).status_is(8);
    assert!(!refused.stderr.contains("planted-password") && !refused.stdout.contains("planted-password"));
    let fault = refused.fault();
    assert_eq!(fault.code, code, "{fault:?}");
    assert!(fault.message.contains(sentence), "{}", fault.message);
    add(&[]).refused(8, &[sentence, way_on]);
    // Nothing of it was saved, and what needs no secret goes on.
    assert_eq!(operator.run(&["host", "list", "--json"]).done().json(), serde_json::json!([]));
    operator.run(&["host", "add", "keyed", "--address", "127.0.0.1", "--user", "ops", "--agent"]).done();
    operator.run(&["host", "remove", "keyed"]).done();
}

#[test]
fn without_a_session_bus_the_keyring_is_said_to_be_out_of_reach() {
    let operator = Operator::without_keyring();
    refused_to_keep(
        &operator,
        FaultCode::KeyringUnavailable,
        "there is no Secret Service to speak with",
        "vault create",
    );
}

#[test]
fn a_keyring_without_a_collection_is_told_from_one_that_is_locked() {
    needs!(Keyring);
    let mut session = Session::bare();
    session.start_keyring(false);
    let operator = Operator::in_session(&session);
    refused_to_keep(
        &operator,
        FaultCode::KeyringUnavailable,
        "it has no default collection to keep secrets in",
        "vault create",
    );
}

#[test]
fn a_keyring_that_is_locked_gives_and_keeps_nothing_and_works_again_once_it_is_unlocked() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let mut session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    add_by_password(&operator, &sshd, &user).done();
    operator.accept("web");
    session.stop_keyring();
    session.start_keyring(false);
    let fault = operator.run(&["check", "web", "--json"]).status_is(8).fault();
    assert_eq!(fault.code, FaultCode::KeyringLocked, "{fault:?}");
    assert!(fault.message.contains("its prompt to unlock it was dismissed or could not be shown"), "{fault}");
    operator.run(&["check", "web"]).refused(8, &["keyring", "unlock"]);
    assert_eq!(sshd.log().lines().filter(|line| line.contains(" password for ")).count(), 0);
    session.stop_keyring();
    session.start_keyring(true);
    operator.run(&["check", "web"]).done();
}

#[test]
fn a_prompt_of_the_keyring_that_a_person_dismisses_is_said_and_not_shown_again() {
    needs!(Keyring);
    for asks in [Asks::ToUnlock, Asks::ToKeep] {
        let session = Session::bare();
        let operator = Operator::in_session(&session);
        // The data is there before: its key is no matter of this keyring.
        operator.run(&["host", "list"]).done();
        let service = SecretService::start(&session, asks);
        let words = ["host", "add", "web", "--address", "127.0.0.1", "--user", "ops", "--password-stdin"];
        let json: Vec<&str> = words.into_iter().chain(["--json"]).collect();
        let fault = operator.run_with_input(&json, "planted-password\n").status_is(8).fault();
        assert_eq!(fault.code, FaultCode::KeyringLocked, "{asks:?}: {fault:?}");
        assert!(
            fault.message.contains("its prompt to unlock it was dismissed or could not be shown"),
            "{asks:?}: {fault}"
        );
        assert_eq!(service.prompts(), 2, "{asks:?}: one for the key of the data, one for the password");
        operator.run_with_input(&words, "planted-password\n").refused(8, &["dismissed", "unlock"]);
        assert_eq!(operator.run(&["host", "list", "--json"]).done().json(), serde_json::json!([]));
    }
}
