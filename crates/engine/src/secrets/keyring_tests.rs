//! A real gnome-keyring on a session bus of its own. Each case runs this test program once more
//! inside that session; where the programs for it are not installed, the test is skipped (`rig::can`).

use std::path::Path;
use std::process::Command;

use protocol::FaultCode;

use super::*;
use crate::rig;

const INSIDE: &str = "MUSTER_TEST_KEYRING_CASE";
const NAME: &str = "secrets::keyring::tests::a_real_keyring_keeps_secrets_or_says_why_not";

#[test]
fn a_real_keyring_keeps_secrets_or_says_why_not() {
    match std::env::var(INSIDE).as_deref() {
        Ok("unlocked") => unlocked(),
        Ok("locked") => locked_keyring(),
        Ok("no collection") => no_collection(),
        Ok("no bus") => no_bus(),
        Ok(other) => panic!("no such case: {other}"),
        Err(_) => every_case(),
    }
}

fn every_case() {
    if !rig::can(&["dbus-run-session", "gnome-keyring-daemon"]) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    session("unlocked", home.path(), "printf testpw | gnome-keyring-daemon --unlock --components=secrets");
    session("locked", home.path(), "gnome-keyring-daemon --start --components=secrets");
    let empty = tempfile::tempdir().unwrap();
    session("no collection", empty.path(), "gnome-keyring-daemon --start --components=secrets");
    let mut alone = this_program("no bus");
    alone.env_remove("DBUS_SESSION_BUS_ADDRESS").env("XDG_RUNTIME_DIR", "/nonexistent");
    finish("no bus", alone);
}

fn this_program(case: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", NAME, "--nocapture"]).env(INSIDE, case);
    command
}

/// Runs a case in a session whose keyring was started by `start`.
fn session(case: &str, home: &Path, start: &str) {
    let mut command = Command::new("dbus-run-session");
    command
        .args(["--", "sh", "-c", &format!("{start} >/dev/null 2>&1; exec \"$0\" --exact {NAME} --nocapture")])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, case)
        .env("XDG_DATA_HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("HOME", home)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    finish(case, command);
}

fn finish(case: &str, mut command: Command) {
    let out = command.output().unwrap();
    let text = [out.stdout, out.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(out.status.success() && text.contains("1 passed"), "{case}: {text}");
}

fn unlocked() {
    let keyring = Keyring::new();
    assert_eq!(keyring.state(), KeyringState::Ready);
    assert!(keyring.get("host/a/password").unwrap().is_none());
    let secrets = ["s3cret", "", "密码 with spaces ", "-----BEGIN KEY-----\nb\n-----END KEY-----\n"];
    for secret in secrets {
        keyring.set("host/a/password", &secret.into()).unwrap();
        let kept = keyring.get("host/a/password").unwrap().unwrap();
        assert_eq!(kept.expose_secret(), secret);
    }
    keyring.set("host/b/password", &"other".into()).unwrap();
    let mut items = keyring.items().unwrap();
    items.sort();
    assert_eq!(items, ["host/a/password", "host/b/password"]);
    let raw = Entry::new(SERVICE, "host/a/password").unwrap().get_password().unwrap();
    assert!(
        !raw.contains('\n') && !raw.contains("BEGIN"),
        "one line of base64, nothing that is readable at a glance"
    );
    keyring.delete("host/a/password").unwrap();
    keyring.delete("host/a/password").unwrap();
    assert!(keyring.get("host/a/password").unwrap().is_none());
    assert!(keyring.get("host/b/password").unwrap().is_some());
    Entry::new(SERVICE, "host/c/password").unwrap().set_password("typed by hand!").unwrap();
    let fault = keyring.get("host/c/password").unwrap_err();
    assert_eq!(fault.code, FaultCode::KeyringUnavailable);
    assert!(!format!("{fault:?}").contains("typed by hand"), "a fault shows nothing of an item");
}

fn locked_keyring() {
    let keyring = Keyring::new();
    // There already, and new.
    for item in ["host/b/password", "host/new/password"] {
        let fault = keyring.set(item, &"planted-secret".into()).unwrap_err();
        assert_eq!(fault.code, FaultCode::KeyringLocked, "{item}: {fault}");
        assert!(fault.message.ends_with("was dismissed or could not be shown"), "{item}: {fault}");
        assert!(!format!("{fault:?}").contains("planted-secret"));
    }
    let fault = keyring.get("host/b/password").unwrap_err();
    assert_eq!(fault.code, FaultCode::KeyringLocked, "{fault}");
    assert!(keyring.get("host/new/password").unwrap().is_none(), "what is not there needs no prompt");
}

fn no_collection() {
    let keyring = Keyring::new();
    assert!(keyring.get("host/a/password").unwrap().is_none());
    let fault = keyring.set("host/a/password", &"planted-secret".into()).unwrap_err();
    assert_eq!(fault.code, FaultCode::KeyringUnavailable, "{fault}");
    assert!(fault.message.contains("it has no default collection to keep secrets in"), "{fault}");
    assert!(!format!("{fault:?}").contains("planted-secret"));
}

fn no_bus() {
    let keyring = Keyring::new();
    assert!(matches!(keyring.state(), KeyringState::Unavailable { .. }));
    for fault in [keyring.get("a").unwrap_err(), keyring.set("a", &"x".into()).unwrap_err()] {
        assert_eq!(fault.code, FaultCode::KeyringUnavailable, "{fault}");
        assert!(fault.message.contains("there is no Secret Service to speak with"), "{fault}");
    }
}
