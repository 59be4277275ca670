//! Hosts from files and to files, a key put on a host, and the way to a terminal.

use std::path::PathBuf;
use std::process::Command;

use protocol::FaultCode;
use protocol::hosts::{Identity, ImportReport, ImportVerdict, SshCommand};
use protocol::operations::{OperationKind, OperationResult};
use serde_json::Value;
use support::keyring::Session;
use support::musterctl::Operator;
use support::needs;
use support::sshd::{Sshd, own_user};
use support::throwaway_user::ThrowawayUser;

fn file(operator: &Operator, name: &str, text: &str) -> PathBuf {
    let file = operator.folder().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn log_of(operator: &Operator, kind: OperationKind) -> Vec<protocol::operations::Operation> {
    let operations: Vec<protocol::operations::Operation> =
        operator.run(&["operations", "--json"]).done().value();
    operations.into_iter().filter(|operation| operation.kind == kind).collect()
}

#[test]
fn a_config_of_ssh_is_shown_taken_over_once_and_kept_up_to_date() {
    let operator = Operator::without_keyring();
    let config = file(
        &operator,
        "config",
        "Host gate\n  HostName 203.0.113.1\n  User jump\nHost web-*\n  ProxyJump gate\nHost web-1\n  HostName 10.0.0.11\n\
         Host web-2\n  HostName -oProxyCommand=touch\nMatch exec \"touch canary\"\n  User evil\n",
    );
    let path = config.to_str().unwrap();
    let preview: ImportReport = operator.run(&["host", "import", path, "--dry-run", "--json"]).done().value();
    assert_eq!(preview.counts(), [2, 0, 0, 1], "{preview:?}");
    assert_eq!(
        operator.run(&["host", "list", "--json"]).done().json(),
        Value::Array(Vec::new()),
        "a preview saves nothing"
    );

    let words = operator.run(&["host", "import", path]).done();
    assert!(words.stdout.contains("2 added, 0 changed, 0 the same, 1 refused"), "{}", words.stdout);
    let web = operator.run(&["host", "show", "web-1", "--json"]).done().json();
    assert_eq!((web["address"].as_str(), web["jump"].as_str()), (Some("10.0.0.11"), Some("gate")));
    assert!(words.stdout.contains("line 10 ") && words.stdout.contains("runs a command"), "{}", words.stdout);

    let again: ImportReport = operator.run(&["host", "import", path, "--json"]).done().value();
    assert_eq!(again.counts(), [0, 0, 2, 1], "the same file twice changes nothing");
    std::fs::write(
        &config,
        std::fs::read_to_string(&config).unwrap().replace("10.0.0.11", "10.0.0.12\n  Port 2222"),
    )
    .unwrap();
    let changed: ImportReport = operator.run(&["host", "import", path, "--json"]).done().value();
    assert_eq!(changed.counts(), [0, 1, 1, 1]);
    let row = changed.rows.iter().find(|row| row.name == "web-1").unwrap();
    assert!(matches!(&row.verdict, ImportVerdict::Changed { fields } if fields.len() == 2), "{row:?}");

    let logged = log_of(&operator, OperationKind::HostImport);
    assert_eq!(logged.len(), 2, "one entry for each import that changed something");
    assert!(
        logged[1].summary.contains("2 added") && logged[1].summary.contains("web-1"),
        "{}",
        logged[1].summary
    );
    assert!(!operator.folder().join("canary").exists());
}

#[test]
fn what_is_exported_comes_back_the_same_on_another_computer() {
    let first = Operator::without_keyring();
    let key = first.folder().join("a key");
    support::sshd::make_key(&key, None);
    for words in [
        vec![
            "web-1",
            "--address",
            "10.0.0.11",
            "--user",
            "root",
            "--port",
            "2222",
            "--key",
            key.to_str().unwrap(),
        ],
        vec![
            "db",
            "--address",
            "fe80::1%eth0",
            "--user",
            "bob",
            "--agent",
            "--group",
            "=HYPERLINK(\"x\")",
            "--group",
            "a;b\\c",
            "--tag=-prod",
        ],
        vec![
            "数据库-1",
            "--address",
            "db.example.org",
            "--user",
            "bob",
            "--sudo",
            "nopasswd",
            "--helper",
            "none",
        ],
    ] {
        first
            .run(&[&["host", "add"][..], &words[..]].concat().iter().map(|w| &**w).collect::<Vec<_>>())
            .done();
    }
    let hosts = |operator: &Operator| {
        let mut hosts = operator.run(&["host", "list", "--json"]).done().json();
        for host in hosts.as_array_mut().unwrap() {
            let host = host.as_object_mut().unwrap();
            host.remove("id");
            host.remove("added_ms");
        }
        hosts
    };
    for name in ["hosts.csv", "hosts.json"] {
        let file = first.folder().join(name);
        let path = file.to_str().unwrap();
        first.run(&["host", "export", path]).done();
        first.run(&["host", "export", path]).refused(2, &["cannot be written"]);
        let text = std::fs::read_to_string(&file).unwrap();
        if name.ends_with("csv") {
            let formula = |cell: &str| cell.trim_start_matches(['"', ' ']).starts_with(['=', '+', '-', '@']);
            assert!(text.lines().flat_map(|line| line.split(',')).all(|cell| !formula(cell)), "{text}");
        }
        let second = Operator::without_keyring();
        second.run(&["host", "import", path]).done();
        assert_eq!(hosts(&second), hosts(&first), "{name}:\n{text}");
    }
    let config = first.run(&["host", "export", "-", "--format", "ssh-config"]).done().stdout;
    let again = file(&first, "again", &config);
    let report: ImportReport = first
        .run(&["host", "import", again.to_str().unwrap(), "--from", "ssh-config", "--json"])
        .done()
        .value();
    let [added, changed, ..] = report.counts();
    assert_eq!((added, changed), (0, 0), "{report:?}");
}

#[test]
fn a_guard_is_not_taken_away_by_a_file_or_without_the_typed_name() {
    let operator = Operator::without_keyring();
    operator
        .run(&["host", "add", "web", "--address", "10.0.0.1", "--user", "root", "--tag", "prod", "--agent"])
        .done();
    let csv = file(&operator, "hosts.csv", "name,address,tags\nweb,10.0.0.2,test\n");
    let report: ImportReport =
        operator.run(&["host", "import", csv.to_str().unwrap(), "--json"]).done().value();
    assert_eq!(report.counts(), [0, 0, 0, 1], "{report:?}");
    let refused = operator.run(&["host", "edit", "web", "--tag", "test", "--json"]).status_is(2).fault();
    assert_eq!(refused.code, FaultCode::GuardNotMet);
    operator.run(&["host", "remove", "web"]).status_is(2);
    operator.run(&["host", "edit", "web", "--tag", "test", "--confirm", "wrong"]).status_is(2);
    let web = operator.run(&["host", "show", "web", "--json"]).done().json();
    assert_eq!((web["address"].as_str(), web["tags"][0].as_str()), (Some("10.0.0.1"), Some("prod")));
    operator.run(&["host", "edit", "web", "--port", "2222"]).done();
    operator.run(&["host", "edit", "web", "--tag", "test", "--confirm", "web"]).done();
    operator.run(&["host", "remove", "web"]).done();
}

#[test]
fn the_command_for_a_terminal_signs_in_with_what_is_saved_and_accepted_here() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", "127.0.0.1", sshd.port(), &own_user(), &sshd.key(), &[]);
    let command: SshCommand = operator.run(&["host", "ssh", "web", "--print", "--json"]).done().value();
    let (ssh, words) = command.argv.split_first().unwrap();
    let mut ran = Command::new(ssh);
    // Nobody is there to answer: what is not known and saved fails.
    ran.args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
        .args(words)
        .arg("echo in $((40 + 2))");
    let out = ran.env_clear().envs(operator.variables().iter().cloned()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "in 42\n", "{}", String::from_utf8_lossy(&out.stderr));
    let line = operator.run(&["host", "ssh", "web", "--print"]).done().stdout;
    assert!(line.starts_with("ssh -F ") && line.trim_end().ends_with(" -- web"), "{line}");
    operator.run(&["host", "ssh", "local", "--print"]).refused(2, &["this computer"]);
}

#[test]
fn a_key_is_put_on_a_host_proved_and_used_and_the_password_forgotten() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    let mut sshd = Sshd::start_with(&["PasswordAuthentication yes"]);
    let home = sshd.home();
    sshd.stop();
    sshd.take_keys_from(&home.join(".ssh/authorized_keys"));
    sshd.start_again();
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
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
    operator.run_with_input(&words, &format!("{}\n", user.password)).done();
    operator.accept("web");
    let key = operator.folder().join("new key");
    let set_up =
        ["host", "key", "web", "--key", key.to_str().unwrap(), "--passphrase-stdin", "--forget-password"];
    let done = operator.run_with_input(&set_up, "four words of passphrase\n").done();
    assert!(
        done.stdout.contains("was added, and signs in") && done.stdout.contains("password was forgotten"),
        "{}",
        done.stdout
    );
    let host = operator.run(&["host", "show", "web", "--json"]).done().json();
    let identity: Identity = serde_json::from_value(host["identity"].clone()).unwrap();
    assert_eq!(identity, Identity::KeyFile { path: key.display().to_string() });
    operator.run(&["check", "web"]).done();
    assert!(sshd.log().contains(&format!("Accepted publickey for {}", user.name)));
    assert!(!session.secrets_with("service", "muster").contains(&user.password));
    operator.run_with_input(&set_up, "four words of passphrase\n").done();
    let keys = std::fs::read_to_string(home.join(".ssh/authorized_keys")).unwrap();
    assert_eq!(keys.lines().count(), 1, "no second line: {keys}");
    let logged = log_of(&operator, OperationKind::KeySetUp);
    assert_eq!((logged.len(), logged[0].result), (2, OperationResult::Done));
    let pasted =
        operator.run(&["host", "key", "web", "--key", key.to_str().unwrap(), "--print"]).done().stdout;
    assert!(pasted.contains(keys.split(' ').nth(1).unwrap()), "{pasted}");
    for secret in ["four words of passphrase", &user.password] {
        assert_eq!(crate::secrets::files_with(operator.folder(), secret), Vec::<String>::new());
    }
}

#[test]
fn a_key_that_does_not_sign_in_changes_nothing_about_the_host() {
    needs!(Sshd, Keyring, Root);
    let user = ThrowawayUser::add();
    // This sshd looks for keys elsewhere.
    let sshd = Sshd::start_with(&["PasswordAuthentication yes", "AuthorizedKeysFile /nowhere/%u"]);
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
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
    operator.run_with_input(&words, &format!("{}\n", user.password)).done();
    operator.accept("web");
    let key = operator.folder().join("key");
    operator
        .run(&["host", "key", "web", "--key", key.to_str().unwrap(), "--forget-password"])
        .refused(5, &["does not sign in"]);
    let host = operator.run(&["host", "show", "web", "--json"]).done().json();
    assert_eq!(host["identity"], "password");
    operator.run(&["check", "web"]).done();
}
