//! The rigs themselves, proved with tools that are not Muster's.

use std::collections::BTreeMap;
use std::process::Command;

use support::desktop::Desktop;
use support::keyring::Session;
use support::needs;
use support::sshd::{Sshd, own_user};
use support::systemd_host::SystemdHost;
use support::throwaway_user::ThrowawayUser;
use support::wait::{seconds, until};
use support::window::Window;

fn ssh(key: &std::path::Path, user: &str, address: &str, port: u16, words: &[&str]) -> std::process::Output {
    Command::new("ssh")
        .args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
        .args([
            "-o",
            "LogLevel=ERROR",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=5",
            "-o",
            "IdentitiesOnly=yes",
        ])
        .args(["-i", key.to_str().unwrap(), "-p", &port.to_string()])
        .arg(format!("{user}@{address}"))
        .args(words)
        .output()
        .unwrap()
}

#[test]
fn an_sshd_signs_its_user_in_and_counts_what_reached_it() {
    needs!(Sshd);
    let mut sshd = Sshd::start();
    let scan =
        Command::new("ssh-keyscan").args(["-p", &sshd.port().to_string(), "127.0.0.1"]).output().unwrap();
    assert!(scan.status.success());
    assert_eq!(sshd.userauth_requests(), 0, "a look at the key is no request to sign in");
    let output = ssh(&sshd.key(), &own_user(), sshd.address(), sshd.port(), &["echo $HOME"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), sshd.home().to_str().unwrap(), "{output:?}");
    assert!(sshd.userauth_requests() > 0, "{}", sshd.log());
    assert_eq!(sshd.sign_ins(), 1);
    let before = sshd.fingerprint();
    sshd.change_host_key();
    assert_ne!(sshd.fingerprint(), before);
    sshd.stop();
    assert!(std::net::TcpStream::connect((sshd.address(), sshd.port())).is_err(), "the port must be closed");
}

#[test]
fn an_sshd_takes_the_password_of_a_throwaway_user() {
    needs!(Sshd, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let ask = sshd.folder().join("ask");
    std::fs::write(&ask, format!("#!/bin/sh\necho '{}'\n", user.password)).unwrap();
    std::fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let output = Command::new("ssh")
        .args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
        .args(["-o", "PubkeyAuthentication=no", "-p", &sshd.port().to_string()])
        .arg(format!("{}@127.0.0.1", user.name))
        .arg("id -un")
        .env("SSH_ASKPASS", &ask)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), user.name, "{output:?} {}", sshd.log());
}

#[test]
fn two_hosts_with_systemd_live_side_by_side_and_a_link_can_be_cut() {
    needs!(SystemdHost);
    let shared = SystemdHost::shared();
    let own = SystemdHost::start();
    for host in [shared, &own] {
        let output =
            ssh(&host.key(), "root", &host.address(), 22, &["systemctl is-active cron.service; hostname"]);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("active\n{}\n", host.name()),
            "{output:?}"
        );
    }
    own.add_unit("own.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    own.run(&["systemctl", "start", "own.service"]);
    shared.run(&["systemctl", "restart", "cron.service"]);
    assert_eq!(own.run(&["systemctl", "is-active", "own.service", "cron.service"]), "active\nactive\n");
    own.mount_tmpfs("/mnt/small", "size=1m,noexec");
    assert!(!own.try_run(&["dd", "if=/dev/zero", "of=/mnt/small/x", "bs=1M", "count=2"]).status.success());
    own.cut_link();
    let output = ssh(&own.key(), "root", &own.address(), 22, &["true"]);
    assert_eq!(output.status.code(), Some(255), "a cut link must not answer");
    own.mend_link();
    let output = ssh(&own.key(), "root", &own.address(), 22, &["true"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_session_keeps_a_secret_and_can_lose_its_keyring() {
    needs!(Keyring);
    let mut session = Session::with_keyring();
    let mut store = Command::new("sh");
    store.args([
        "-c",
        "printf planted | secret-tool store --label=x kind test && secret-tool lookup kind test",
    ]);
    session.enter(&mut store);
    let output = store.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "planted", "{output:?}");
    assert!(session.secrets_with("kind", "test").contains("planted"));
    session.stop_keyring();
    assert!(
        !session.secrets_with("kind", "test").contains("planted"),
        "a bus without a keyring has no secrets"
    );
}

#[test]
fn a_window_is_driven_and_gives_its_picture() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let browser = serde_json::json!({"args": ["--automation"]});
    let window = Window::open_with(&desktop, browser, &BTreeMap::new());
    window.script(
        "document.body.innerHTML = '<button data-testid=\"go\" onclick=\"this.innerText=1\">0</button>'",
    );
    window.click("go");
    window.wait_text("go", "that it was clicked", |text| text == "1");
    // As a dialog that is opened: the driver takes what is not yet to be seen for empty.
    window.script(
        "const part = document.createElement('p'); part.dataset.testid = 'rise'; part.innerText = 'risen'; \
         part.animate([{opacity: 0}, {opacity: 0}, {opacity: 1}], 600); document.body.append(part)",
    );
    assert_eq!(window.text("rise"), "risen");
    let picture = std::fs::read(window.picture(&support::places::pictures(), "rig")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"), "a picture is a PNG file");
    window.close();
}

#[test]
fn a_user_that_a_test_made_ends_with_its_own_processes_and_those_of_no_host() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let users = ["one", "two", "three"];
    for user in users {
        host.add_user(user);
        host.run(&["systemd-run", &format!("--unit={user}"), &format!("--uid={user}"), "sleep", "300"]);
    }
    let user = ThrowawayUser::add();
    let mut own = Command::new("setpriv");
    own.args(["--reuid", &user.name, "--clear-groups", "sleep", "300"]);
    let mut own = own.spawn().unwrap();
    until("the user's process", seconds(10), || {
        let told = Command::new("ps").args(["-o", "pid=", "-U", &user.name]).output().unwrap();
        String::from_utf8_lossy(&told.stdout).contains(&own.id().to_string()).then_some(())
    });
    drop(user);
    assert!(!own.wait().unwrap().success(), "it was ended with its user");
    // Without user namespaces a host's users are numbers of this system too.
    for unit in users {
        assert_eq!(
            host.run(&["systemctl", "show", "-p", "ActiveState", "--value", unit]).trim(),
            "active",
            "{unit}"
        );
    }
}
