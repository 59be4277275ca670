//! Root through sudo, on a host with the real one: what is seen and done with it, what each refusal
//! says, and that the password for it reaches nobody else.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use protocol::operations::{Operation, OperationResult};
use protocol::processes::Blame;
use support::keyring::Session;
use support::musterctl::{Operator, Ran};
use support::needs;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};

use crate::answers;
use crate::secrets::{changed_files_with, files_with, holds};

/// Saves the host for ann, who signs in by a key; what sudo wants to know, if anything, is given.
fn save(operator: &Operator, host: &SystemdHost, sudo: &str, password: Option<&str>) {
    let (address, key) = (host.address(), host.key());
    let mut words = vec!["host", "add", "web", "--address", &address, "--user", "ann", "--sudo", sudo];
    words.extend(["--key", key.to_str().unwrap()]);
    words.extend(password.map(|_| "--sudo-password-stdin"));
    operator.run_with_input(&words, password.unwrap_or_default()).done();
    operator.accept("web");
}

fn restart(operator: &Operator) -> Ran {
    operator.run(&["service", "web", "restart", "cron.service"])
}

/// What only root can see and do, over a host that gives it.
fn root_is_had(operator: &Operator, host: &SystemdHost) {
    let seen = answers::sockets(&operator.run(&["sockets", "web", "--json"]).done());
    let sshd = seen.iter().find(|one| one.is_listening() && one.local_port == 22).unwrap();
    assert_eq!(sshd.unit.as_deref(), Some("ssh.service"), "{sshd:?}");
    for noun in ["sockets", "processes"] {
        let said = operator.run(&[noun, "web"]).done();
        assert!(said.stdout.contains("read as root") && said.stderr.is_empty(), "{said:?}");
        assert!(!said.stdout.contains("belong to other users"), "root sees every owner: {said:?}");
    }

    let before = host.run(&["systemctl", "show", "-P", "MainPID", "cron.service"]);
    restart(operator).done();
    assert_ne!(host.run(&["systemctl", "show", "-P", "MainPID", "cron.service"]), before);
    let ran = operator.run(&["run", "web", "--sudo", "--", "id", "-u"]).done();
    assert_eq!(ran.stdout, "0\n");
    assert_eq!(operator.run(&["run", "web", "--", "id", "-un"]).done().stdout, "ann\n", "only where asked");

    host.run(&["systemd-run", "--unit=of-root", "sleep", "1000"]);
    let pid = host.run(&["systemctl", "show", "-P", "MainPID", "of-root.service"]).trim().to_owned();
    let sent: Operation = operator.run(&["signal", "web", &pid, "TERM", "--json"]).done().value();
    assert!(sent.summary.contains("it ended within"), "{}", sent.summary);
    assert!(
        !sent.summary.contains("moment before"),
        "root held it, and did not only compare: {}",
        sent.summary
    );

    let journal = operator.run(&["journal", "web", "--unit", "ssh.service", "--limit", "5", "--json"]).done();
    assert!(!journal.json().as_array().unwrap().is_empty(), "{}", journal.stdout);
    let look =
        "ls -d /run/muster-* /var/lib/muster-* /root/muster-*; readlink /proc/[0-9]*/exe | grep muster";
    until("all of root's to be gone", seconds(10), || {
        host.try_run(&["sh", "-c", look]).stdout.is_empty().then_some(())
    });
}

#[test]
fn a_host_that_asks_for_no_password_gives_root() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.add_user("ann");
    // Newer versions of sudo give what they start a terminal of its own.
    host.set_sudoers("Defaults use_pty\nann ALL=(ALL) NOPASSWD: ALL");
    let operator = Operator::without_keyring();
    save(&operator, &host, "nopasswd", None);
    root_is_had(&operator, &host);
    // sudoers that allow one command and no shell still allow that command.
    host.set_sudoers("ann ALL=(root) NOPASSWD: /usr/bin/systemctl");
    restart(&operator).done();
    let seen = operator.run(&["sockets", "web"]).done();
    assert!(seen.stderr.contains("read as ann and not as root") && seen.stderr.contains("web"), "{seen:?}");
}

#[test]
fn the_password_for_sudo_gives_root_and_reaches_nobody_else() {
    needs!(SystemdHost, Keyring);
    let host = SystemdHost::start();
    let password = host.add_user("ann");
    host.set_sudoers("Defaults use_pty\nann ALL=(ALL) ALL");
    // Everything of the user's that has the name of sudo keeps what it is given.
    let home = host.tree().join("home/ann");
    let steal = "#!/bin/sh\necho fake >>/home/ann/stolen; cat >>/home/ann/stolen\n";
    fs::create_dir(home.join("bin")).unwrap();
    fs::write(home.join("bin/sudo"), steal).unwrap();
    fs::write(home.join("bin/sh"), steal).unwrap();
    let rc = "echo Password:; echo '[sudo] password for ann: ' >&2\n\
              PATH=/home/ann/bin:$PATH; export PATH; shopt -s expand_aliases\n\
              alias sudo=/home/ann/bin/sudo; unalias sudo\n\
              sudo() { /home/ann/bin/sudo; }; export -f sudo\n\
              alias sudo=/home/ann/bin/sudo\n";
    fs::write(home.join(".bashrc"), rc).unwrap();
    fs::write(home.join(".bash_profile"), rc).unwrap();
    fs::write(host.tree().join("etc/motd"), "Password:\n").unwrap();
    host.run(&["sh", "-c", "chown -R ann:ann /home/ann; chmod 755 /home/ann/bin/*"]);

    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    // Before this, Muster knew nothing of the password.
    let since_s = fs::metadata(home.join(".bashrc")).unwrap().ctime();
    save(&operator, &host, "password", Some(&password));
    root_is_had(&operator, &host);
    let log = answers::operations(&operator);
    assert!(log.iter().any(|one| one.command.starts_with("sudo -- systemctl")), "{log:?}");

    assert!(!home.join("stolen").exists(), "{:?}", fs::read_to_string(home.join("stolen")));
    assert_eq!(files_with(operator.folder(), &password), Vec::<String>::new());
    let on_host = changed_files_with(&host.tree(), &password, since_s);
    assert_eq!(on_host, Vec::<String>::new(), "on the host");
    let elsewhere = files_with(session.folder(), &password);
    assert!(
        elsewhere.iter().all(|path| Path::new(path).starts_with(session.keyring_files())),
        "{elsewhere:?}"
    );
    // Also while a helper of root's runs.
    let running = operator.start(&[
        "run",
        "web",
        "--sudo",
        "--",
        "sleep 3; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline",
    ]);
    let memory = host.try_run(&[
        "sh",
        "-c",
        "sleep 2; cat /run/log/journal/*/* /var/log/journal/*/* /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; \
         find /tmp /run /dev/shm -type f -exec cat {} + 2>/dev/null",
    ]);
    assert!(holds(&memory.stdout, "muster-helper"), "the look was at the right place");
    assert!(!holds(&memory.stdout, &password), "in the journal, an environment or a temporary file");
    let seen = running.end().done();
    assert!(!holds(seen.stdout.as_bytes(), &password), "in what root sees of every process");

    // It goes with the host, or with the setting.
    // What guards the data stays for as long as the data.
    let kept = || -> Vec<String> {
        let listed = session.secrets_with("service", "muster");
        let names = listed.lines().filter_map(|line| line.strip_prefix("label = "));
        let guards = |name: &str| {
            ["store/", "operations-chain-"].iter().any(|of| name.starts_with(&format!("keyring:{of}")))
        };
        names.filter(|name| !guards(name)).map(str::to_owned).collect()
    };
    assert!(!kept().is_empty());
    operator.run(&["host", "edit", "web", "--sudo", "none"]).done();
    assert!(kept().is_empty(), "a secret that nothing uses does not stay: {:?}", kept());
}

#[test]
fn each_way_in_which_sudo_says_no_has_its_sentence_and_a_wrong_password_is_given_once() {
    needs!(SystemdHost, Keyring);
    let host = SystemdHost::start();
    let password = host.add_user("ann");
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    host.set_sudoers("ann ALL=(ALL) ALL");
    save(&operator, &host, "password", Some("not-it-at-all"));
    let failures =
        || host.run(&["sh", "-c", "journalctl -q _COMM=sudo | grep -c 'incorrect password' || true"]);

    let wrong = restart(&operator).refused(7, &["web", "ann", "did not take", "--sudo-password-stdin"]);
    assert!(!wrong.stderr.contains("not-it-at-all"));
    assert_eq!(failures().trim(), "1", "one try, one line");
    for words in [vec!["sockets", "web"], vec!["sockets", "web", "--json"], vec!["processes", "web"]] {
        let seen = operator.run(&words).done();
        assert!(seen.stderr.contains("read as ann and not as root: sudo on web did not take"), "{seen:?}");
        assert!(seen.stdout.lines().count() > 3 || seen.stdout.starts_with('['), "{seen:?}");
        assert!(!seen.stdout.contains("read as root"), "{seen:?}");
    }
    let log = answers::operations(&operator);
    let kept = log.iter().find(|one| one.target == "cron.service").unwrap();
    assert_eq!(kept.result, OperationResult::Refused, "{kept:?}");

    operator.run_with_input(&["host", "edit", "web", "--sudo-password-stdin"], &password).done();
    restart(&operator).done();

    host.set_sudoers("# nobody");
    restart(&operator).refused(7, &["web", "ann may not use sudo", "sudoers"]);
    host.set_sudoers("ann ALL=(ALL) /usr/bin/systemctl");
    restart(&operator).refused(7, &["web", "does not let ann run a shell"]);
    host.set_sudoers("Defaults:ann requiretty\nann ALL=(ALL) ALL");
    restart(&operator).refused(7, &["web", "requiretty"]);
    host.set_sudoers("ann ALL=(ALL) ALL");
    host.run(&["mv", "/usr/bin/sudo", "/usr/bin/sudo.away"]);
    restart(&operator).refused(7, &["web", "it has no /usr/bin/sudo"]);
    host.run(&["mv", "/usr/bin/sudo.away", "/usr/bin/sudo"]);
    let without_programs = "mount -o remount,noexec /run; \
                            for d in /var/lib /root; do mount --bind $d $d; mount -o remount,bind,noexec $d; done";
    host.run(&["sh", "-c", without_programs]);
    restart(&operator).refused(6, &["web", "root", "no folder"]);
    host.run(&["sh", "-c", "umount /root /var/lib; mount -o remount,exec /run"]);

    operator.run(&["host", "edit", "web", "--sudo", "nopasswd"]).done();
    restart(&operator).refused(7, &["web", "password"]);
    operator.run(&["host", "edit", "web", "--sudo", "password"]).done();
    restart(&operator).refused(7, &["web", "no sudo password", "--sudo-password-stdin"]);
    operator.run_with_input(&["host", "edit", "web", "--sudo-password-stdin"], &password).done();
    restart(&operator).done();
}

#[test]
fn whose_io_it_was_is_seen_by_root_and_what_a_user_may_not_see_is_counted() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.add_user("ann");
    let operator = Operator::without_keyring();
    save(&operator, &host, "nopasswd", None);
    let write =
        "for i in $(seq 600); do dd if=/dev/zero of=/root/filled bs=1M count=8 conv=fsync; sleep 0.1; done";
    host.run(&["systemd-run", "--unit=filling", "--collect", "sh", "-c", write]);
    let io_of = |operator: &Operator| -> (Blame, bool) {
        let blame: Blame = operator.run(&["blame", "web", "--seconds", "9", "--json"]).done().value();
        let fills = blame
            .io
            .iter()
            .any(|one| one.unit.as_deref() == Some("filling.service") && one.user.as_deref() == Some("root"));
        (blame, fills)
    };
    host.set_sudoers("# nobody");
    let (blame, fills) = io_of(&operator);
    assert!(blame.io_hidden > 5 && !fills && !blame.cpu.is_empty(), "{blame:?}");
    let shown = operator.run(&["blame", "web", "--seconds", "3"]).done().stdout;
    assert!(shown.contains("processes of other users may not be seen"), "{shown}");
    host.set_sudoers("ann ALL=(ALL) NOPASSWD: ALL");
    let (blame, fills) = io_of(&operator);
    assert!(blame.io_hidden == 0 && fills, "{blame:?}");
    host.run(&["systemctl", "stop", "filling.service"]);
}

/// PIDs of helpers on the host by the user they run as, and of the command that a test started.
fn running(host: &SystemdHost) -> (Vec<String>, Vec<String>, Vec<String>) {
    let of = |words: &str| -> Vec<String> {
        let said = host.try_run(&["sh", "-c", words]);
        String::from_utf8_lossy(&said.stdout).split_whitespace().map(str::to_owned).collect()
    };
    let helpers = |user: &str| {
        of(&format!(
            "for p in $(pgrep -u {user}); do case $(readlink /proc/$p/exe) in *muster-helper*) echo $p;; esac; done"
        ))
    };
    (helpers("ann"), helpers("root"), of("pgrep -x -f 'sleep 7777'"))
}

#[test]
fn what_runs_as_root_ends_with_the_connection_and_with_the_first_helper() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.add_user("ann");
    let operator = Operator::without_keyring();
    save(&operator, &host, "nopasswd", None);
    let all = ["the program", "the first helper", "the helper of root"];
    for (what, defaults) in all.iter().flat_map(|what| [(*what, ""), (*what, "Defaults use_pty\n")]) {
        host.set_sudoers(&format!("{defaults}ann ALL=(ALL) NOPASSWD: ALL"));
        let mut acting = operator.start(&["run", "web", "--sudo", "--", "sleep 7777"]);
        let (first, root, _) = until("both helpers and the command to run", seconds(60), || {
            let now = running(&host);
            (now.0.len() == 1 && now.1.len() == 1 && now.2.len() == 1).then_some(now)
        });
        match what {
            "the program" => acting.child.kill().unwrap(),
            "the first helper" => drop(host.run(&["kill", "-KILL", &first[0]])),
            _ => drop(host.run(&["kill", "-KILL", &root[0]])),
        }
        let began = std::time::Instant::now();
        until("all of it to be gone", seconds(30), || {
            let now = running(&host);
            (now.0.is_empty() && now.1.is_empty() && now.2.is_empty()).then_some(())
        });
        let took = began.elapsed();
        assert!(took < seconds(8), "without {what} it took {took:?}");
        let ended = acting.end();
        assert_ne!(ended.status, 0, "without {what}: {ended:?}");
    }
    let left = answers::operations(&operator);
    let runs: Vec<_> = left.iter().filter(|one| one.target == "sleep 7777").map(|one| one.result).collect();
    assert_eq!(runs, [OperationResult::OutcomeUnknown; 6], "{left:?}");
}
