//! What Muster puts on a host is listed, and nothing of it is left when it is removed.

use std::collections::BTreeSet;

use protocol::FaultCode;
use protocol::link::HelperStatus;
use protocol::operations::{Operation, OperationKind, OperationResult};
use support::musterctl::Operator;
use support::needs;
use support::process::tool;
use support::sshd::{Sshd, own_user};
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};

use crate::answers;

/// Files with size and mode, listening sockets, and programs that run, but for those that come and
/// go by themselves.
pub(crate) fn census(host: &SystemdHost) -> BTreeSet<String> {
    let script = "find / -xdev \\( -path /var/log -o -path /var/cache -o -path /var/lib/systemd -o -path /tmp \\) \
                  -prune -o -type f -printf 'file %p %s %m\\n' -o -type d -printf 'folder %p %m\\n'; \
                  ss -Hltunp | awk '{print \"port\", $1, $5}'; \
                  for p in /proc/[0-9]*; do e=$(readlink $p/exe) && echo program $e; done";
    let text = host.run(&["sh", "-c", script]);
    let own = |line: &&str| {
        !["/usr/bin/dash", "/usr/bin/find", "/usr/bin/mawk", "/usr/bin/readlink", "sshd"]
            .iter()
            .any(|tool| line.starts_with("program ") && line.contains(tool))
    };
    text.lines().filter(own).map(str::to_owned).collect()
}

#[test]
fn a_host_is_after_the_removal_as_it_was_before() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    // A first sign-in starts what systemd has for every user, and leaves its traces by itself.
    host.run(&["sh", "-c", "systemctl start user@0.service || true"]);
    let before = census(&host);
    operator.run(&["check", "web"]).done();
    operator.run(&["run", "web", "--", "true"]).done();

    let status: HelperStatus = operator.run(&["helper", "web", "status", "--json"]).done().value();
    let [file] = status.files.as_slice() else { panic!("one file: {status:?}") };
    assert!(file.current && file.version.as_deref() == Some(protocol::VERSION), "{file:?}");
    let sum = host.run(&["sha256sum", &file.path]);
    assert_eq!(file.sha256.as_deref(), sum.split(' ').next());
    assert_eq!(file.bytes.to_string(), host.run(&["stat", "-c", "%s", &file.path]).trim());
    assert!(census(&host).iter().any(|line| line.contains("muster-helper")), "the census sees it");

    let removed: Operation = operator.run(&["helper", "web", "remove", "--json"]).done().value();
    assert_eq!((removed.kind, removed.result), (OperationKind::HelperRemove, OperationResult::Done));
    let left: Vec<String> = census(&host).difference(&before).cloned().collect();
    assert_eq!(left, [""; 0], "new on the host: {left:?}");
    let gone: Vec<String> = before.difference(&census(&host)).cloned().collect();
    assert!(!gone.iter().any(|line| line.starts_with("file ") || line.starts_with("folder ")), "{gone:?}");
    let log = answers::operations(&operator);
    assert_eq!((log[0].kind, log[0].id), (OperationKind::HelperRemove, removed.id));
    let again: HelperStatus = operator.run(&["helper", "web", "status", "--json"]).done().value();
    assert!(again.files.is_empty() && again.folders.is_empty() && again.processes.is_empty(), "{again:?}");
}

#[test]
fn an_account_is_after_the_removal_as_it_was_before() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", "127.0.0.1", sshd.port(), &own_user(), &sshd.key(), &[]);
    let home = sshd.home();
    let files = || tool("find", &[home.to_str().unwrap(), "-printf", "%P %s %m %y\n"]);
    let programs = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| std::fs::read_link(entry.path().join("exe")).ok())
            .filter(|exe| exe.starts_with(&home))
            .count()
    };
    let before = files();
    // Somebody else looks at the same account from another computer.
    let colleague = Operator::without_keyring();
    colleague.add_trusted("web", "127.0.0.1", sshd.port(), &own_user(), &sshd.key(), &[]);
    let watching = colleague.start(&["metrics", "web", "--watch", "--json"]);
    until("the helper to run", seconds(30), || (programs() == 1).then_some(()));
    let status: HelperStatus = operator.run(&["helper", "web", "status", "--json"]).done().value();
    assert_eq!((status.files.len(), status.processes.len(), status.processes[0].ours), (1, 1, false));
    operator.run(&["helper", "web", "remove"]).done();
    assert_eq!(files(), before);
    assert_eq!(programs(), 0);
    assert_eq!(watching.end().status_is(3).fault().code, FaultCode::LinkLost);
    operator.run(&["helper", "local", "remove"]).refused(2, &["memory"]);
}

/// Entries of the log about putting a helper there.
fn placings(operator: &Operator) -> Vec<Operation> {
    answers::operations(operator).into_iter().filter(|one| one.kind == OperationKind::HelperPlace).collect()
}

#[test]
fn putting_the_helper_there_is_in_the_log_before_it_happens_and_a_half_one_does_not_stay() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    // The upload then takes half a minute.
    host.slow_link("256kbit");
    let mut checking = operator.start(&["check", "web"]);
    until("the upload to begin", seconds(60), || {
        let parts = host.try_run(&["sh", "-c", "ls /root/.cache/muster/.muster-helper-*"]);
        parts.status.success().then_some(())
    });
    checking.child.kill().unwrap();
    checking.end();
    let log = placings(&operator);
    assert_eq!((log.len(), log[0].result), (1, OperationResult::OutcomeUnknown), "{log:?}");
    until("the half file to be gone", seconds(30), || {
        host.run(&["ls", "-A", "/root/.cache/muster"]).is_empty().then_some(())
    });
    host.mend_link();

    host.mount_tmpfs("/mnt/small", "size=64k,mode=755");
    operator.run(&["host", "edit", "web", "--helper-dir", "/mnt/small/muster"]).done();
    operator.run(&["check", "web"]).refused(6, &["web", "/mnt/small/muster", "no space"]);
    let log = placings(&operator);
    assert_eq!((log.len(), log[0].result), (2, OperationResult::Refused), "{log:?}");
    assert!(log[0].summary.contains("no space"), "{log:?}");

    operator.run(&["host", "edit", "web", "--helper-dir", "/opt/muster"]).done();
    operator.run(&["check", "web"]).done();
    let log = placings(&operator);
    assert_eq!((log.len(), log[0].result), (3, OperationResult::Done), "{log:?}");
    assert!(log[0].read.is_some(), "its operator saw it happen");
}

#[test]
fn a_folder_that_another_user_of_the_host_can_change_is_refused_with_words() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    host.run(&["useradd", "--create-home", "eve"]);
    let cases = [
        ("/home/eve/helper", "mkdir -p /home/eve/helper", "/home/eve belongs to another user"),
        ("/srv/open/helper", "mkdir -p /srv/open; chmod 777 /srv/open", "others may write to /srv/open"),
        ("/srv/link/helper", "ln -s /home/eve /srv/link", "/srv/link is a symbolic link"),
        ("/tmp/helper", "su eve -c 'mkdir /tmp/helper'", "/tmp/helper belongs to another user"),
    ];
    for (dir, prepare, why) in cases {
        host.run(&["sh", "-c", prepare]);
        operator.run(&["host", "edit", "web", "--helper-dir", dir]).done();
        operator.run(&["check", "web"]).refused(6, &["web", why, "--helper-dir"]);
        let fault = operator.run(&["check", "web", "--json"]).status_is(6).fault();
        assert_eq!(fault.code, FaultCode::HelperUnsafe, "{fault:?}");
    }
    let left = host.run(&["sh", "-c", "find / -xdev -name '*muster-helper*'"]);
    assert_eq!(left, "", "nothing was put there");
    assert_eq!(placings(&operator), [], "and nothing was said to be");
}
