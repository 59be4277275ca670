//! Nothing secret reaches a host before its key is accepted. The oracle is sshd's own log.

use protocol::FaultCode;
use support::musterctl::Operator;
use support::needs;
use support::sshd::{Sshd, own_user};

fn add(operator: &Operator, sshd: &Sshd) {
    let (port, key, dir) = (sshd.port().to_string(), sshd.key(), sshd.home().join("muster"));
    operator
        .run(&[
            "host",
            "add",
            "web",
            "--address",
            sshd.address(),
            "--port",
            &port,
            "--user",
            &own_user(),
            "--key",
            key.to_str().unwrap(),
            "--helper-dir",
            dir.to_str().unwrap(),
        ])
        .done();
}

#[test]
fn no_request_to_sign_in_leaves_before_the_key_is_accepted() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    operator.run(&["check", "web"]).refused(4, &["web", &sshd.fingerprint(), "trust accept"]);
    operator.run(&["system", "web"]).refused(4, &[]);
    operator.run(&["run", "web", "--", "true"]).refused(4, &[]);
    operator.run(&["trust", "show", "web"]).done();
    assert_eq!(sshd.userauth_requests(), 0, "{}", sshd.log());

    operator.accept("web");
    assert_eq!(sshd.userauth_requests(), 0, "to accept a key is not to sign in");
    operator.run(&["check", "web"]).done();
    assert!(sshd.userauth_requests() > 0);
    assert_eq!(sshd.sign_ins(), 1, "one sign-in serves everything");
}

#[test]
fn a_changed_key_is_refused_with_both_keys_shown() {
    needs!(Sshd);
    let mut sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    operator.accept("web");
    operator.run(&["check", "web"]).done();
    let (old, asked) = (sshd.fingerprint(), sshd.userauth_requests());
    sshd.change_host_key();
    operator.run(&["check", "web"]).refused(4, &[&old, &sshd.fingerprint()]);
    let fault = operator.run(&["system", "web", "--json"]).status_is(4).fault();
    assert_eq!(fault.code, FaultCode::HostKeyChanged);
    assert_eq!(fault.detail.shown_key.unwrap().fingerprint, sshd.fingerprint());
    assert_eq!(fault.detail.known_keys[0].fingerprint, old);
    assert_eq!(sshd.userauth_requests(), asked, "a host with another key gets nothing");

    operator.run(&["trust", "forget", "web"]).done();
    operator.run(&["check", "web"]).refused(4, &[]);
    operator.accept("web");
    operator.run(&["check", "web"]).done();
}

#[test]
fn only_the_key_that_the_host_shows_can_be_accepted() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let refused = operator.run(&["trust", "accept", "web", "--fingerprint", other]);
    assert!(matches!(refused.status, 2 | 4), "{refused:?}");
    operator.run(&["check", "web"]).refused(4, &[]);
    assert_eq!(sshd.userauth_requests(), 0);
}
