//! The main job from a terminal, end to end: from a saved host to the log that is read offline.

use std::io::{BufRead, BufReader};

use protocol::hosts::Host;
use protocol::link::{CheckReport, LinkState};
use protocol::metrics::Metrics;
use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::services::Outcome;
use protocol::system::System;
use protocol::trust::{TrustOffer, Verdict};
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;

use crate::answers;

#[test]
fn a_host_is_saved_trusted_watched_acted_on_and_read_about_when_it_is_gone() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = Operator::without_keyring();
    let key = host.key();
    let added: Host = operator
        .run(&[
            "host",
            "add",
            "web",
            "--address",
            &host.address(),
            "--user",
            "root",
            "--key",
            key.to_str().unwrap(),
            "--json",
        ])
        .done()
        .value();
    assert_eq!((added.name.as_str(), added.port), ("web", 22));

    let offer: TrustOffer = operator.run(&["trust", "show", "web", "--json"]).done().value();
    assert_eq!(offer.verdict, Verdict::New);
    assert_eq!(offer.shown.fingerprint, host.fingerprint(), "the key must be the host's own");
    operator.run(&["trust", "accept", "web", "--fingerprint", &offer.shown.fingerprint]).done();

    let first: CheckReport = operator.run(&["check", "web", "--json"]).done().value();
    assert!(matches!(first.state, LinkState::Live { .. }), "{first:?}");
    assert!(first.helper_placed, "the first connection must put the helper there: {first:?}");
    assert_eq!(first.helper_version.as_deref(), Some(protocol::VERSION));
    let second: CheckReport = operator.run(&["check", "web", "--json"]).done().value();
    assert!(!second.helper_placed, "a helper that is there must not be put there again: {second:?}");

    let system: System = operator.run(&["system", "web", "--json"]).done().value();
    assert_eq!(system.host_name, host.name());
    assert_eq!(system.os_id.as_deref(), Some("debian"));
    let sockets = answers::sockets(&operator.run(&["sockets", "web", "--json"]).done());
    let sshd = sockets.iter().find(|socket| socket.local_port == 22 && socket.is_listening()).unwrap();
    assert_eq!(sshd.program.as_deref(), Some("sshd"), "root must see who listens: {sshd:?}");
    assert_eq!(sshd.unit.as_deref(), Some("ssh.service"));
    let services = answers::services(&operator.run(&["services", "web", "--json"]).done());
    let cron = services.iter().find(|service| service.name == "cron.service").unwrap();
    assert_eq!(cron.state(), "active (running)");

    let restart: Operation =
        operator.run(&["service", "web", "restart", "cron.service", "--json"]).done().value();
    assert_eq!((restart.result, restart.outcome), (OperationResult::Done, Some(Outcome::Running)));
    let (before, after) = (restart.before.unwrap(), restart.after.unwrap());
    assert_eq!(before.main_pid, cron.main_pid);
    assert!(
        after.main_pid.is_some() && after.main_pid != before.main_pid,
        "a restart has a new main process"
    );

    let failed: Operation = operator.run(&["run", "web", "--json", "--", "false"]).status_is(1).value();
    assert_eq!((failed.result, failed.exit_code), (OperationResult::Failed, Some(1)));

    host.cut_link();
    let log = answers::operations(&operator);
    let told: Vec<_> = log.iter().map(|entry| (entry.kind, entry.target.as_str(), entry.result)).collect();
    assert_eq!(log[0].kind, OperationKind::Command, "the newest comes first: {told:?}");
    let logged = log.iter().find(|entry| entry.id == restart.id).unwrap();
    assert_eq!(logged.target, "cron.service");
    assert_eq!(logged.host.as_ref().map(|then| then.address.clone()), Some(host.address()));
    assert!(
        log.iter().any(|entry| entry.kind == OperationKind::HelperPlace),
        "what is put on a host is logged: {told:?}"
    );
    operator.run(&["operations", "read", "--all"]).done();
    assert!(answers::operations(&operator).iter().all(|entry| !entry.is_unread()));
    operator.run(&["check", "web"]).refused(3, &["web"]);
}

#[test]
fn metrics_are_pushed_line_by_line_while_they_are_watched() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let mut watch = operator.start(&["metrics", "web", "--watch", "--json"]);
    let lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    let samples: Vec<Metrics> =
        lines.take(3).map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    assert_eq!(samples.len(), 3, "the stream ended early");
    assert!(
        samples.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms),
        "each sample is newer than the last"
    );
    assert!(
        samples[1].cpu.is_some() && samples[2].cpu.is_some(),
        "shares are there from the second sample on"
    );
}

#[test]
fn this_computer_is_read_without_ssh() {
    let operator = Operator::without_keyring();
    let system: System = operator.run(&["system", "local", "--json"]).done().value();
    assert_eq!(system.kernel, std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim());
    let metrics: Metrics = operator.run(&["metrics", "local", "--json"]).done().value();
    assert!(metrics.tasks.total > 1 && metrics.memory.total_bytes > 0);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let number = port.local_addr().unwrap().port();
    let sockets = answers::sockets(&operator.run(&["sockets", "local", "--listening", "--json"]).done());
    let own = sockets.iter().find(|socket| socket.local_port == number).unwrap();
    assert_eq!(own.pid, Some(std::process::id()), "the socket of this test must be seen with its owner");
}

#[test]
fn a_command_gives_its_output_and_its_exit_code() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let ran = operator.run(&["run", "web", "--", "echo", "two  words", "and $HOME"]).done();
    assert!(ran.stdout.contains("two  words and $HOME"), "words reach the host as they were typed: {ran:?}");
    let ran: Operation = operator
        .run(&["run", "web", "--json", "--", "sh", "-c", "echo out; echo err >&2; exit 7"])
        .status_is(1)
        .value();
    assert_eq!((ran.exit_code, ran.output.trim(), ran.errors.trim()), (Some(7), "out", "err"));
}
