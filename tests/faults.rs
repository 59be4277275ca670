//! Bad input and bad hosts: each ends with its own status and a sentence that says what to do.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::time::Instant;

use protocol::FaultCode;
use protocol::operations::{OperationKind, OperationResult};
use support::desktop::Desktop;
use support::keyring::Session;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::sshd::{Sshd, make_key, own_user};
use support::systemd_host::SystemdHost;
use support::throwaway_user::ThrowawayUser;
use support::wait::{seconds, until};
use support::window::Window;

use crate::answers;

fn on_host(host: &SystemdHost) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    operator
}

#[test]
fn a_host_that_was_never_saved_is_wrong_input() {
    let operator = Operator::without_keyring();
    for words in [vec!["check", "nowhere"], vec!["system", "nowhere"], vec!["run", "nowhere", "--", "true"]] {
        operator.run(&words).refused(2, &["nowhere", "host list"]);
    }
    let fault = operator.run(&["check", "nowhere", "--json"]).status_is(2).fault();
    assert_eq!(fault.code, FaultCode::HostUnknown);
}

#[test]
fn an_address_that_could_be_an_option_is_refused_by_its_name() {
    let operator = Operator::without_keyring();
    for address in ["-oProxyCommand=touch /tmp/x", "$(id)", "a b", "10.0.0.300"] {
        let address = format!("--address={address}");
        operator.run(&["host", "add", "web", &address, "--user", "root", "--agent"]).refused(2, &["address"]);
    }
}

#[test]
fn a_closed_port_is_told_from_a_wrong_service_and_from_a_name_that_does_not_resolve() {
    needs!(Sshd);
    let operator = Operator::without_keyring();
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("key");
    make_key(&key, None);
    let save = |name: &str, address: &str, port: &str| {
        let key = key.to_str().unwrap();
        let words =
            ["host", "add", name, "--address", address, "--port", port, "--user", "root", "--key", key];
        operator.run(&words).done();
    };
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    save("closed", "127.0.0.1", &free);
    let fault = operator.run(&["check", "closed", "--json"]).status_is(3).fault();
    assert_eq!(fault.code, FaultCode::PortClosed, "{fault:?}");
    operator.run(&["check", "closed"]).refused(3, &["closed", &free]);

    let http = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = http.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in http.incoming().flatten() {
            use std::io::Write;
            let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    save("http", "127.0.0.1", &port);
    let fault = operator.run(&["check", "http", "--json"]).status_is(3).fault();
    assert_eq!(fault.code, FaultCode::NotSsh, "{fault:?}");

    save("name", "no-such-host.invalid", "22");
    let fault = operator.run(&["check", "name", "--json"]).status_is(3).fault();
    assert_eq!(fault.code, FaultCode::NameNotResolved, "{fault:?}");
}

#[test]
fn a_wrong_password_is_a_refused_sign_in_and_is_tried_once() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    let port = sshd.port().to_string();
    let wrong = "wrong-and-planted";
    operator
        .run_with_input(
            &[
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
            ],
            wrong,
        )
        .done();
    operator.accept("web");
    let refused = operator.run(&["check", "web"]).refused(5, &["web"]);
    assert!(!refused.stderr.contains(wrong), "an error must not repeat the password");
    let tried = sshd.log().lines().filter(|line| line.starts_with("Failed password for ")).count();
    assert_eq!(tried, 1, "a second try with the same password only locks accounts: {}", sshd.log());
}

#[test]
fn a_key_file_must_be_there_and_be_a_key() {
    needs!(Sshd);
    let operator = Operator::without_keyring();
    let sshd = Sshd::start();
    let missing = sshd.folder().join("no-such-key");
    let missing = missing.to_str().unwrap();
    operator
        .run(&["host", "add", "web", "--address", "127.0.0.1", "--user", "root", "--key", missing])
        .refused(2, &["no-such-key"]);
    let text = sshd.folder().join("not-a-key");
    fs::write(&text, "hello\n").unwrap();
    operator
        .run(&[
            "host",
            "add",
            "web",
            "--address",
            "127.0.0.1",
            "--user",
            "root",
            "--key",
            text.to_str().unwrap(),
        ])
        .refused(2, &["not-a-key"]);
    assert!(operator.run(&["host", "list", "--json"]).done().json().as_array().unwrap().is_empty());
}

#[test]
fn an_encrypted_key_asks_for_its_passphrase_in_words() {
    needs!(Sshd, Keyring);
    let sshd = Sshd::start();
    let key = sshd.folder().join("encrypted");
    make_key(&key, Some("the passphrase"));
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    let dir = sshd.home().join("muster");
    operator.add_trusted(
        "web",
        "127.0.0.1",
        sshd.port(),
        &own_user(),
        &key,
        &["--helper-dir", dir.to_str().unwrap()],
    );
    let fault = operator.run(&["check", "web", "--json"]).status_is(5).fault();
    assert_eq!(fault.code, FaultCode::KeyEncrypted, "{fault:?}");
    operator.run(&["check", "web"]).refused(5, &["encrypted", "--passphrase-stdin"]);
}

#[test]
fn a_key_that_the_host_does_not_know_is_a_refused_sign_in() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let key = sshd.folder().join("stranger");
    make_key(&key, None);
    let operator = Operator::without_keyring();
    operator.add_trusted("web", "127.0.0.1", sshd.port(), &own_user(), &key, &[]);
    operator.run(&["check", "web"]).refused(5, &["web"]);
}

#[test]
fn a_unit_that_is_not_there_is_wrong_input() {
    needs!(SystemdHost);
    let operator = on_host(SystemdHost::shared());
    operator
        .run(&["service", "web", "restart", "no-such.service"])
        .refused(2, &["no-such.service", "services"]);
    operator.run(&["service", "web", "restart", "x; reboot"]).refused(2, &[]);
    let fault = operator.run(&["service", "web", "start", "no-such.service", "--json"]).status_is(2);
    assert_eq!(fault.fault().code, FaultCode::UnitUnknown);
}

#[test]
fn a_unit_that_fails_to_start_shows_its_last_journal_lines() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = on_host(host);
    host.add_unit(
        "talks-and-dies.service",
        "[Service]\nExecStart=/bin/sh -c 'echo the database is not there; exit 3'\n",
    );
    let ran = operator.run(&["service", "web", "start", "talks-and-dies.service"]).status_is(1);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("the database is not there"), "{said}");
    assert!(said.contains("talks-and-dies.service"), "{said}");
}

#[test]
fn a_folder_that_forbids_programs_is_named_and_another_one_helps() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.mount_tmpfs("/mnt/noexec", "size=64m,noexec,mode=700");
    let operator = Operator::without_keyring();
    let more = ["--helper-dir", "/mnt/noexec/muster"];
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &more);
    operator.run(&["check", "web"]).refused(6, &["/mnt/noexec/muster", "--helper-dir"]);
    let fault = operator.run(&["system", "web", "--json"]).status_is(6).fault();
    assert_eq!(fault.code, FaultCode::HelperNoexec, "{fault:?}");

    operator.run(&["host", "edit", "web", "--helper-dir", "/opt/muster-of-root"]).done();
    operator.run(&["check", "web"]).done();
}

#[test]
fn a_full_disk_on_the_host_is_said_and_nothing_half_is_left() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.mount_tmpfs("/mnt/small", "size=128k,mode=700");
    let operator = Operator::without_keyring();
    let more = ["--helper-dir", "/mnt/small/muster"];
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &more);
    operator.run(&["check", "web"]).refused(6, &["/mnt/small/muster", "space"]);
    let fault = operator.run(&["check", "web", "--json"]).status_is(6).fault();
    assert_eq!(fault.code, FaultCode::HelperNoSpace, "{fault:?}");
    let left = host.run(&["find", "/mnt/small", "-type", "f"]);
    assert_eq!(left, "", "an upload that failed must leave no file");
}

#[test]
fn a_login_shell_that_prints_noise_changes_nothing() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    fs::write(
        host.tree().join("root/.bashrc"),
        "echo 'Welcome! You have mail.'\necho\nprintf '\\033[1mLinux aarch64\\033[0m no newline'\n\
         echo '{\"reply\":{\"id\":1}}'\necho warning >&2\nalias uname=false\n",
    )
    .unwrap();
    let operator = on_host(&host);
    operator.run(&["check", "web"]).done();
    let ran = operator.run(&["run", "web", "--", "echo", "clean"]).done();
    assert!(ran.stdout.contains("clean") && !ran.stdout.contains("mail"), "{ran:?}");
    let services = answers::services(&operator.run(&["services", "web", "--json"]).done());
    assert!(services.iter().any(|service| service.name == "cron.service"));
}

#[test]
fn a_link_cut_in_the_middle_leaves_the_outcome_unknown() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = on_host(&host);
    operator.run(&["check", "web"]).done();
    let running = operator.start(&["run", "web", "--", "sh", "-c", "touch /root/began; sleep 600"]);
    until("the command to begin on the host", seconds(30), || {
        host.tree().join("root/began").exists().then_some(())
    });
    host.cut_link();
    let cut = Instant::now();
    let ran = running.end().refused(3, &["web", "unknown"]);
    assert!(cut.elapsed() < seconds(30), "a dead link must be noticed: {ran:?}");
    let log = answers::operations(&operator);
    assert_eq!(log[0].result, OperationResult::OutcomeUnknown, "{:?}", log[0]);
    assert!(log[0].is_unread() && log[0].exit_code.is_none());
}

#[test]
fn a_host_whose_link_is_down_is_out_of_reach_and_not_something_else() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = on_host(&host);
    operator.run(&["check", "web"]).done();
    host.cut_link();
    let fault = operator.run(&["check", "web", "--json"]).status_is(3).fault();
    assert!(matches!(fault.code, FaultCode::NoAnswer | FaultCode::NoRoute), "{fault:?}");
    host.mend_link();
    operator.run(&["check", "web"]).done();
}

#[test]
fn an_operation_whose_program_was_killed_is_unknown_when_the_log_is_read_again() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = on_host(&host);
    let mut running = operator.start(&["run", "web", "--", "sh", "-c", "touch /root/began; sleep 600"]);
    until("the command to begin on the host", seconds(30), || {
        host.tree().join("root/began").exists().then_some(())
    });
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let log = answers::operations(&operator);
    let command = log.iter().find(|entry| entry.kind == OperationKind::Command).unwrap();
    assert_eq!(command.result, OperationResult::OutcomeUnknown, "{command:?}");
    let helpers = || host.try_run(&["pgrep", "-f", "muster-helper"]).stdout;
    until("the helper to end with its connection", seconds(10), || helpers().is_empty().then_some(()));
}

#[test]
fn a_helper_that_is_killed_under_a_command_leaves_the_outcome_unknown() {
    needs!(SystemdHost);
    let operator = on_host(SystemdHost::shared());
    // The parent of the command's shell is the helper.
    let ran =
        operator.run(&["run", "web", "--json", "--", "sh", "-c", "kill -9 $(ps -o ppid= $PPID); sleep 5"]);
    assert_ne!(ran.status, 0, "what never gave an exit status is not done: {ran:?}");
    let log = answers::operations(&operator);
    let command = log.iter().find(|entry| entry.kind == OperationKind::Command).unwrap();
    assert_eq!(command.result, OperationResult::OutcomeUnknown, "{command:?}");
}

#[test]
fn in_the_window_each_fault_is_a_title_a_sentence_and_a_next_step_in_both_languages() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let window = Window::open(&desktop, &places::program("muster"), &BTreeMap::new());
    let mut told = Vec::new();
    for (language, stop) in [("en", '.'), ("zh", '。')] {
        pages::open_page(&window, "settings");
        window.click(&format!("settings-language-{language}"));
        pages::open_path(&window, "/components/faults");
        window.wait_for("gallery-faults");
        let shown = window.script(
            "return [...document.querySelectorAll('[data-testid=fault]')].map(fault => [fault.dataset.code, \
             ...[...fault.querySelectorAll('.panel-title, .panel-text')].map(line => line.textContent)])",
        );
        let shown: Vec<Vec<String>> = serde_json::from_value(shown).unwrap();
        let codes: Vec<FaultCode> =
            shown.iter().map(|words| serde_json::from_value(words[0].clone().into()).unwrap()).collect();
        assert_eq!(codes, FaultCode::ALL, "each once");
        for words in &shown {
            let [code, title, text, next] = &words[..] else { panic!("three lines: {words:?}") };
            assert!(!title.trim().is_empty() && !title.contains(['{', '\n']), "{code}: {title}");
            for sentence in [text, next] {
                assert!(sentence.trim().ends_with(stop), "{language} {code}: {sentence}");
                assert!(!sentence.contains(['{', '}', '\n']), "{language} {code}: {sentence}");
                // Each word of a name stays as it is; a sentence of a language is in its letters.
                let chinese = sentence.chars().filter(|c| ('\u{4e00}'..'\u{9fff}').contains(c)).count();
                assert_eq!(chinese > 0, language == "zh", "{language} {code}: {sentence}");
            }
        }
        told.push(shown);
    }
    for (english, chinese) in told[0].iter().zip(&told[1]) {
        assert!(english[1..].iter().zip(&chinese[1..]).all(|(one, other)| one != other), "{english:?}");
    }
    window.close();
}
