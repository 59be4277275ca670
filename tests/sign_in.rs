//! Signing in with more than one proof, and what a person is asked in a terminal.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::FaultCode;
use serde_json::json;
use support::desktop::Desktop;
use support::keyring::Session;
use support::musterctl::Operator;
use support::needs;
use support::needs::find_program;
use support::places;
use support::process::{Process, free_port, tool};
use support::sshd::{Sshd, make_key, own_user};
use support::throwaway_user::ThrowawayUser;
use support::wait::{seconds, until};
use support::window::Window;

/// Runs musterctl in a terminal of its own (script(1)), answers each of `prompts` when it stands there, and
/// gives all that the terminal showed.
pub(crate) fn in_terminal(operator: &Operator, words: &[&str], prompts: &[(&str, &str)]) -> (String, i32) {
    let line = format!("{} {}", places::program("musterctl").display(), words.join(" "));
    let mut child = Command::new("script")
        .args(["-qefc", &line, "/dev/null"])
        .env_clear()
        .envs(operator.variables().iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let shown = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let reading = std::thread::spawn({
        let shown = shown.clone();
        move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        }
    });
    let text = || String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    for (prompt, answer) in prompts {
        until(&format!("'{prompt}' in the terminal"), seconds(60), || text().contains(prompt).then_some(()));
        input.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    let status = until("musterctl to end", seconds(60), || child.try_wait().unwrap());
    drop(input);
    reading.join().unwrap();
    (text(), status.code().unwrap_or(-1))
}

fn trusted(operator: &Operator, sshd: &Sshd, user: &str, more: &[&str]) {
    let port = sshd.port().to_string();
    let dir = sshd.home().join("muster");
    let mut words = vec!["host", "add", "web", "--address", "127.0.0.1", "--port", &port, "--user", user];
    words.extend(["--helper-dir", dir.to_str().unwrap()]);
    words.extend(more);
    operator.run(&words).done();
    operator.accept("web");
}

#[test]
fn a_host_that_wants_a_key_and_a_password_is_told_apart_and_gets_both_in_a_terminal() {
    needs!(Root, Sshd);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes", "AuthenticationMethods publickey,password"]);
    let operator = Operator::without_keyring();
    trusted(&operator, &sshd, &user.name, &["--key", sshd.key().to_str().unwrap(), "--helper", "none"]);
    let fault = operator.run(&["check", "web", "--json"]).status_is(5).fault();
    assert_eq!(fault.code, FaultCode::PasswordMissing, "nobody can be asked: {fault}");
    let (shown, status) = in_terminal(&operator, &["check", "web"], &[("password for web", &user.password)]);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("web is live"), "{shown}");
    assert!(!shown.contains(&user.password), "what is typed is not shown");
    let (shown, status) = in_terminal(&operator, &["check", "web"], &[("password for web", "wrong-one")]);
    assert_eq!(status, 5, "{shown}");
    let tried = sshd.log().matches("Failed password for").count();
    assert_eq!(tried, 1, "a wrong password is sent once");
}

#[test]
fn a_host_that_wants_the_password_before_the_key_gets_both_in_its_order() {
    needs!(Root, Sshd);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes", "AuthenticationMethods password,publickey"]);
    let operator = Operator::without_keyring();
    trusted(&operator, &sshd, &user.name, &["--key", sshd.key().to_str().unwrap(), "--helper", "none"]);
    operator.run(&["check", "web"]).refused(5, &["did not take the key", "password"]);
    let (shown, status) = in_terminal(&operator, &["check", "web"], &[("password for web", &user.password)]);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("web is live") && !shown.contains(&user.password), "{shown}");
    let log = sshd.log();
    assert!(log.contains("Partial password") && log.contains("Accepted publickey"), "{log}");
    let (shown, status) = in_terminal(&operator, &["check", "web"], &[("password for web", "wrong-one")]);
    assert_eq!(status, 5, "{shown}");
    assert_eq!(sshd.log().matches("Failed password for").count(), 1, "a wrong password is sent once");
}

#[test]
fn a_password_can_be_asked_for_each_time_and_a_passphrase_too() {
    needs!(Root, Sshd);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let operator = Operator::without_keyring();
    trusted(&operator, &sshd, &user.name, &["--ask-password", "--helper", "none"]);
    operator.run(&["check", "web"]).refused(8, &["keyring"]);
    for _ in 0..2 {
        let (shown, status) =
            in_terminal(&operator, &["check", "web"], &[("password for web", &user.password)]);
        assert_eq!(status, 0, "{shown}");
    }
    let locked = sshd.folder().join("locked");
    make_key(&locked, Some("open sesame"));
    let public = std::fs::read_to_string(locked.with_extension("pub")).unwrap();
    std::fs::write(sshd.folder().join("authorized_keys"), public).unwrap();
    operator.run(&["host", "edit", "web", "--key", locked.to_str().unwrap()]).done();
    let (shown, status) = in_terminal(&operator, &["check", "web"], &[("passphrase of", "open sesame")]);
    assert_eq!(status, 0, "{shown}");
}

#[test]
fn a_certificate_signs_in_where_only_its_authority_is_known() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let at = |name: &str| sshd.folder().join(name).to_str().unwrap().to_owned();
    for name in ["ca", "holder"] {
        make_key(&sshd.folder().join(name), None);
    }
    let user = own_user();
    tool("ssh-keygen", &["-q", "-s", &at("ca"), "-I", "ann", "-n", &user, "-V", "+1h", &at("holder.pub")]);
    let authority = std::fs::read_to_string(at("ca.pub")).unwrap();
    std::fs::write(at("authorized_keys"), format!("cert-authority {authority}")).unwrap();
    let operator = Operator::without_keyring();
    trusted(&operator, &sshd, &user, &["--key", &at("holder")]);
    operator.run(&["check", "web"]).done();
    assert!(
        sshd.log().contains("Accepted publickey") && sshd.log().contains("ED25519-CERT"),
        "by the certificate"
    );
    std::fs::remove_file(at("holder-cert.pub")).unwrap();
    operator.run(&["check", "web"]).refused(5, &["did not take the key"]);
}

#[test]
fn one_try_and_one_session_at_a_time_are_enough() {
    needs!(Root, Sshd, Keyring);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes", "MaxAuthTries 1", "MaxSessions 1"]);
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    let port = sshd.port().to_string();
    let words = ["host", "add", "web", "--address", "127.0.0.1", "--port", &port, "--user", &user.name];
    let words: Vec<&str> = words.into_iter().chain(["--password-stdin", "--helper", "none"]).collect();
    operator.run_with_input(&words, &user.password).done();
    operator.accept("web");
    operator.run(&["check", "web"]).done();
    operator.run_with_input(&["host", "edit", "web", "--password-stdin"], "wrong-one").done();
    operator.run(&["check", "web"]).refused(5, &["web"]);
    assert_eq!(sshd.log().matches("Failed password for").count(), 1, "one try: {}", sshd.log());
}

#[test]
fn another_server_than_openssh_is_trusted_signed_in_to_and_looked_at() {
    needs!(Root, Dropbear, Keyring);
    let user = ThrowawayUser::add();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("host_key");
    tool("dropbearkey", &["-t", "ed25519", "-f", key.to_str().unwrap()]);
    let port = free_port().to_string();
    let mut dropbear = Command::new(find_program("dropbear").unwrap());
    dropbear.args(["-F", "-E", "-p", &format!("127.0.0.1:{port}"), "-P"]).arg(folder.path().join("pid"));
    let dropbear = Process::start(dropbear.arg("-r").arg(&key), &folder.path().join("log"));
    until("dropbear to listen", seconds(20), || {
        std::net::TcpStream::connect(format!("127.0.0.1:{port}")).ok()
    });
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    let words = ["host", "add", "web", "--address", "127.0.0.1", "--port", &port, "--user", &user.name];
    let words: Vec<&str> = words.into_iter().chain(["--password-stdin", "--helper", "none"]).collect();
    operator.run_with_input(&words, &user.password).done();
    operator.accept("web");
    operator.run(&["check", "web"]).done();
    operator.run(&["processes", "web", "--query", "dropbear"]).done();
    operator.run_with_input(&["host", "edit", "web", "--password-stdin"], "wrong-one").done();
    operator.run(&["check", "web"]).refused(5, &["web"]);
    assert_eq!(dropbear.printed().matches("Bad password attempt").count(), 1, "{}", dropbear.printed());
}

/// As many hosts, one wrong password: nobody is locked out by it.
#[test]
fn fifty_hosts_with_a_wrong_password_are_sent_it_once_each() {
    needs!(Root, Sshd, Window);
    const HOSTS: usize = 50;
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes", "MaxAuthTries 1", "MaxStartups 10:30:60"]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let port = sshd.port().to_string();
    let names: Vec<String> = (1..=HOSTS).map(|number| format!("web-{number}")).collect();
    for name in &names {
        let words = ["host", "add", name, "--address", "127.0.0.1", "--port", &port, "--user", &user.name];
        let words: Vec<&str> = words.into_iter().chain(["--password-stdin", "--helper", "none"]).collect();
        operator.run_with_input(&words, "wrong-one").done();
    }
    // They share the address, so one word for the key is enough.
    operator.accept("web-1");
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("nav-hosts");
    let rows = || window.call("hosts_list", &json!({"args": {}}))["done"].clone();
    let links =
        |state: &str| rows().as_array().unwrap().iter().filter(|row| row["link"]["state"] == state).count();
    for name in &names {
        window.call("host_connect", &json!({"args": {"host": name}}));
    }
    let begun = Instant::now();
    while links("failed") < HOSTS {
        assert!(begun.elapsed() < seconds(120), "not all were refused: {}; {}", rows(), sshd.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    let sent = || sshd.log().matches("Failed password for").count();
    assert_eq!(sent(), HOSTS, "{}", rows());
    // None is tried again by itself.
    std::thread::sleep(seconds(8));
    assert_eq!((sent(), links("failed")), (HOSTS, HOSTS));
    let log = sshd.log();
    assert!(
        !log.contains("drop connection") && !log.contains("throttling"),
        "so many at once are a flood: {log}"
    );
    window.close();
}
