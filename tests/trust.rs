//! Nothing secret reaches a host before its key is accepted. The oracle is sshd's own log.

use protocol::FaultCode;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::process::tool;
use support::sshd::{Sshd, make_key, own_user};
use support::throwaway_user::ThrowawayUser;
use support::wait::seconds;
use support::window::Window;

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
fn in_the_window_a_changed_key_stands_beside_the_old_one_and_a_key_is_accepted_for_once() {
    needs!(Sshd, Window);
    let mut sshd = Sshd::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let (port, user, key) = (sshd.port(), own_user(), sshd.key());
    let dir = sshd.home().join("muster").display().to_string();
    let more = ["--helper-dir", &dir];
    operator.add_trusted("web", "127.0.0.1", port, &user, &key, &more);
    let old = sshd.fingerprint();
    sshd.change_host_key();
    // Another saved host, by the address that it is known by, has the new key already.
    operator.add_trusted("twin", "localhost", port, &user, &key, &more);
    let new = sshd.fingerprint();
    let connections = || sshd.log().matches("Connection from").count();

    let before = connections();
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("host-row-web");
    std::thread::sleep(seconds(5));
    assert_eq!(connections(), before, "a list that is looked at connects to nothing");

    pages::open_host(&window, "web");
    window.click("host-next-step");
    let said = window.wait_text("trust", "both keys", |text| text.contains(&old) && text.contains(&new));
    assert!(said.contains(&format!("by {user}")), "since when the old one was known, and by whom: {said}");
    assert_eq!((window.text("trust-known-fingerprint"), window.text("trust-fingerprint")), (old, new));
    assert!(window.text("trust-shared").contains("twin"));
    window.wait_for_count("[data-testid=trust] .key-art", 2);
    window.picture(&places::pictures(), "trust-changed");
    assert!(!window.has("trust-accept") && !window.has("trust-once"), "it is not accepted by a click");
    assert_eq!(sshd.userauth_requests(), 0, "nothing of a sign-in was sent");

    window.click("trust-forget");
    window.click("trust-once");
    window.wait_gone("trust");
    pages::wait_until_live(&window);
    pages::open_path(&window, "/trust");
    window.wait_for_css("[data-testid=page-trust] [data-testid=trust-row]");
    window.picture(&places::pictures(), "trust-page");
    let page = window.words("page-trust");
    assert!(page.contains("localhost") && page.contains("twin"), "{page}");
    assert!(!page.contains("127.0.0.1"), "what is accepted for once is not kept: {page}");
    window.click("sort-address");
    window.wait_for_css("[data-testid=trust-table] [aria-sort=ascending] [data-testid=sort-address]");
    // What is found is what the field on top has, and a key is forgotten by a second press.
    window.fill("search", "nothing of this");
    window.wait_for_count("[data-testid=trust-row]", 0);
    window.empty("search");
    window.click("trust-forget-key");
    window.click("trust-forget-sure");
    window.wait_for_count("[data-testid=trust-row]", 0);
    window.close();
}

#[test]
fn in_the_window_an_unknown_key_is_shown_in_all_its_forms_before_anything_of_the_sign_in_is_sent() {
    needs!(Root, Sshd, Window);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let port = sshd.port().to_string();
    let words = ["host", "add", "web", "--address", "127.0.0.1", "--port", &port, "--user", &user.name];
    let words = [&words[..], &["--password-stdin", "--helper", "none"]].concat();
    operator.run_with_input(&words, &user.password).done();
    let window = Window::with_data_of(&desktop, &operator);

    pages::open_host(&window, "web");
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"key-unknown\"]");
    window.click("host-next-step");
    window.wait_for("trust-accept");
    assert_eq!(window.text("trust-fingerprint"), sshd.fingerprint());
    assert_eq!(window.text("trust").matches("ssh-ed25519").count(), 1, "{}", window.text("trust"));
    let drawn = tool("ssh-keygen", &["-l", "-v", "-f", sshd.folder().join("host_key.pub").to_str().unwrap()]);
    let picture = window.script("return document.querySelector('[data-testid=trust] .key-art').textContent");
    assert_eq!(
        picture.as_str().unwrap().lines().collect::<Vec<_>>(),
        drawn.lines().skip(1).collect::<Vec<_>>()
    );
    window.picture(&places::pictures(), "trust-unknown");
    // The host was spoken to, as far as its key and no further; closing the dialog changes nothing of that.
    window.click("trust-cancel");
    window.wait_gone("trust");
    assert!(window.has("host-next-step"));
    let log = sshd.log();
    assert!(log.contains("Connection from") && log.contains("SSH2_MSG_KEXINIT received"), "{log}");
    assert_eq!((sshd.userauth_requests(), log.matches("password").count()), (0, 0), "{log}");

    window.click("host-next-step");
    window.click("trust-accept");
    window.wait_gone("trust");
    pages::wait_until_live(&window);
    assert!(sshd.log().contains(&format!("Accepted password for {}", user.name)), "{}", sshd.log());
    window.close();
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

fn known_hosts(operator: &Operator, lines: &str) {
    let folder = operator.folder().join("home/.ssh");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("known_hosts"), lines).unwrap();
}

fn host_key(sshd: &Sshd) -> String {
    let line = std::fs::read_to_string(sshd.folder().join("host_key.pub")).unwrap();
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_host_that_openssh_knows_is_known_and_where_from_is_said() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    known_hosts(&operator, &format!("# mine\n[127.0.0.1]:{} {}\n", sshd.port(), host_key(&sshd)));
    let file = operator.folder().join("home/.ssh/known_hosts");
    tool("ssh-keygen", &["-q", "-H", "-f", file.to_str().unwrap()]);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("127.0.0.1"), "the names are hashed");
    let shown = operator.run(&["trust", "show", "web"]).done().stdout;
    assert!(shown.contains("line 2 of") && shown.contains("+--[ED25519 256]--+"), "{shown}");
    operator.run(&["check", "web"]).done();
    let forget = operator.run(&["trust", "forget", "web"]).refused(2, &["ssh-keygen -R", "line 2"]);
    assert!(forget.stdout.is_empty());
    let listed = operator.run(&["trust", "list", "--json"]).done().json();
    assert_eq!(listed[0]["hosts"][0], "web");
    assert_eq!(listed[0]["source"]["known_hosts"]["line"], 2);
}

#[test]
fn the_picture_of_a_key_is_the_one_of_ssh_keygen() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    let shown = operator.run(&["trust", "show", "web"]).done().stdout;
    let drawn = tool("ssh-keygen", &["-l", "-v", "-f", sshd.folder().join("host_key.pub").to_str().unwrap()]);
    let picture: String = drawn.lines().skip(1).map(|line| format!("{line}\n")).collect();
    assert!(picture.lines().count() == 11 && shown.ends_with(&picture), "{shown}\n{drawn}");
}

#[test]
fn a_revoked_key_a_line_that_cannot_be_read_and_an_odd_mark_never_mean_trusted() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    let (name, key) = (format!("[127.0.0.1]:{}", sshd.port()), host_key(&sshd));
    operator.accept("web");
    known_hosts(&operator, &format!("@revoked * {key}\n"));
    let fault = operator.run(&["check", "web", "--json"]).status_is(4).fault();
    assert_eq!(fault.code, FaultCode::HostKeyRevoked, "a key that was accepted before is refused too");
    operator.run(&["trust", "accept", "web", "--fingerprint", &sshd.fingerprint()]).refused(4, &["revoked"]);
    operator.run(&["trust", "forget", "web"]).done();

    for line in
        [format!("{name} {}\n", &key[..40]), format!("@unheard-of {name} {key}\n"), format!("{name}\n")]
    {
        known_hosts(&operator, &line);
        operator.run(&["check", "web"]).refused(4, &["line 1 of", "never accepted"]);
        let shown = operator.run(&["trust", "show", "web"]).done().stdout;
        assert!(shown.contains("line 1 of"), "{shown}");
    }
    assert_eq!(sshd.sign_ins(), 0);
    std::fs::remove_file(operator.folder().join("home/.ssh/known_hosts")).unwrap();
    std::fs::create_dir(operator.folder().join("home/.ssh/known_hosts")).unwrap();
    operator.run(&["check", "web"]).refused(4, &["cannot be read"]);
}

#[test]
fn a_certificate_of_a_known_authority_is_trusted_and_no_other_is() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    let authority = sshd.folder().join("authority");
    make_key(&authority, None);
    let authority_line = std::fs::read_to_string(authority.with_extension("pub")).unwrap();
    let authority_key: String = authority_line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let name = format!("[127.0.0.1]:{}", sshd.port());
    let line = format!("@cert-authority {name} {authority_key}\n");
    let (public, certificate) = (sshd.folder().join("host_key.pub"), sshd.folder().join("host_key-cert.pub"));
    let sign = |more: &[&str]| {
        let _ = std::fs::remove_file(&certificate);
        let mut words = vec!["-q", "-s", authority.to_str().unwrap(), "-I", "web"];
        words.extend(more);
        words.push(public.to_str().unwrap());
        tool("ssh-keygen", &words);
    };
    let mut sshd = sshd;
    sshd.stop();
    sign(&["-h", "-n", "127.0.0.1", "-V", "+1h"]);
    sshd.add_line(&format!("HostCertificate {}", certificate.display()));
    sshd.start_again();
    operator.run(&["check", "web"]).refused(4, &["never accepted"]);
    known_hosts(&operator, &line);
    operator.run(&["check", "web"]).done();
    let shown = operator.run(&["trust", "show", "web"]).done().stdout;
    assert!(shown.contains("certified") && shown.contains("line 1 of"), "{shown}");

    for (more, why) in [
        (&["-h", "-n", "other.example.org", "-V", "+1h"][..], "not for this address"),
        (&["-h", "-n", "127.0.0.1", "-V", "20200101:20200102"][..], "not valid at this time"),
        (&["-h", "-V", "+1h"][..], "not for this address"),
        (&["-n", "127.0.0.1", "-V", "+1h"][..], ""),
    ] {
        sshd.stop();
        sign(more);
        sshd.start_again();
        let refused = operator.run(&["check", "web"]).status_is(4);
        assert!(refused.stderr.contains(why), "{more:?}: {}", refused.stderr);
    }
    sshd.stop();
    sign(&["-h", "-n", "127.0.0.1", "-V", "+1h"]);
    sshd.start_again();
    operator.run(&["check", "web"]).done();
    known_hosts(&operator, &format!("{line}@revoked * {authority_key}\n"));
    let fault = operator.run(&["check", "web", "--json"]).status_is(4).fault();
    assert_eq!(fault.code, FaultCode::HostKeyRevoked);
}

#[test]
fn a_key_accepted_once_is_good_for_one_connection() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    operator.run(&["trust", "accept", "web", "--fingerprint", &sshd.fingerprint(), "--once"]).done();
    operator.run(&["check", "web"]).done();
    operator.run(&["check", "web"]).refused(4, &["never accepted"]);
}

#[test]
fn what_was_accepted_is_exported_in_a_form_that_ssh_trusts() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    operator.accept("web");
    let file = operator.folder().join("exported");
    operator.run(&["trust", "export", file.to_str().unwrap()]).done();
    operator.run(&["trust", "export", file.to_str().unwrap()]).refused(2, &["cannot be written"]);
    let port = sshd.port().to_string();
    let known = format!("UserKnownHostsFile={}", file.display());
    let (key, user) = (sshd.key(), own_user());
    let words = [
        "-o",
        &known,
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "BatchMode=yes",
        "-F",
        "none",
        "-i",
        key.to_str().unwrap(),
        "-p",
        &port,
        "-l",
        &user,
        "127.0.0.1",
        "echo in",
    ];
    assert_eq!(tool("ssh", &words), "in\n");
}

#[test]
fn the_saved_hosts_that_share_a_key_are_named() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    add(&operator, &sshd);
    operator.accept("web");
    let port = sshd.port().to_string();
    operator
        .run(&["host", "add", "copy", "--address", "localhost", "--port", &port, "--user", "root", "--agent"])
        .done();
    let shown = operator.run(&["trust", "show", "copy"]).done().stdout;
    assert!(shown.contains("Same key") && shown.contains("web"), "{shown}");
}
