//! Hosts behind jump hosts: chains through networks that cannot be reached from here.

use std::time::Instant;

use protocol::FaultCode;
use protocol::hosts::Host;
use protocol::link::CheckReport;
use support::hops::Hops;
use support::musterctl::Operator;
use support::needs;
use support::sshd::own_user;

use support::wait::seconds;

/// Saves a host without asking it for its key.
pub(crate) fn save(operator: &Operator, hops: &Hops, name: &str, hop: usize, jump: Option<&str>) {
    let (user, key) = (own_user(), hops.key());
    let dir = hops.hosts[hop].home().join("muster");
    let mut words = vec!["host", "add", name, "--address", hops.hosts[hop].address(), "--user", &user];
    words.extend(["--key", key.to_str().unwrap(), "--helper-dir", dir.to_str().unwrap()]);
    if let Some(jump) = jump {
        words.extend(["--jump", jump]);
    }
    operator.run(&words).done();
}

#[test]
fn a_host_two_jumps_away_is_reached_through_one_sign_in_at_each() {
    needs!(Root, Sshd);
    let hops = Hops::start(&[&[], &[], &[]]);
    let operator = Operator::without_keyring();
    for (hop, (name, jump)) in
        [("gate", None), ("inner", Some("gate")), ("db", Some("inner"))].into_iter().enumerate()
    {
        save(&operator, &hops, name, hop, jump);
    }
    // Each hop is judged by its own key, from the nearest on.
    let fault = operator.run(&["trust", "show", "db", "--json"]).status_is(4).fault();
    assert_eq!((fault.code, fault.place()), (FaultCode::HostKeyUnknown, Some("gate")));
    operator.run(&["check", "db"]).refused(4, &["db is reached through gate", "for gate: compare"]);
    assert_eq!(hops.hosts[0].userauth_requests(), 0, "nothing secret before its key is accepted");
    operator.accept("gate");
    let fault = operator.run(&["check", "db", "--json"]).status_is(4).fault();
    assert_eq!((fault.code, fault.place()), (FaultCode::HostKeyUnknown, Some("inner")));
    assert_eq!(hops.hosts[1].userauth_requests(), 0);
    operator.accept("inner");
    let fault = operator.run(&["check", "db", "--json"]).status_is(4).fault();
    assert_eq!((fault.code, fault.place()), (FaultCode::HostKeyUnknown, Some("db")), "{fault}");
    operator.accept("db");
    let before: Vec<usize> = hops.hosts.iter().map(|host| host.sign_ins()).collect();
    let report: CheckReport = operator.run(&["check", "db", "--json"]).done().value();
    assert!(report.helper_placed, "the whole helper passes through two hops");
    let after: Vec<usize> = hops.hosts.iter().map(|host| host.sign_ins()).collect();
    let signed_in: Vec<usize> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    assert_eq!(signed_in, [1, 1, 1], "one sign-in at each");
    let ran = operator.run(&["run", "db", "--", "ip", "-4", "-o", "addr"]).done();
    assert!(ran.stdout.contains(hops.hosts[2].address()), "it ran on the last one: {}", ran.stdout);
    let saved: Host = operator.run(&["host", "show", "db", "--json"]).done().value();
    assert_eq!(saved.jump.as_deref(), Some("inner"));
}

#[test]
fn a_jump_host_that_forwards_nothing_says_so_in_its_own_words() {
    needs!(Root, Sshd);
    let hops = Hops::start(&[&["AllowTcpForwarding no"], &[]]);
    let operator = Operator::without_keyring();
    save(&operator, &hops, "gate", 0, None);
    save(&operator, &hops, "db", 1, Some("gate"));
    operator.accept("gate");
    let fault = operator.run(&["check", "db", "--json"]).status_is(7).fault();
    assert_eq!((fault.code, fault.place()), (FaultCode::NotPermitted, Some("gate")));
    operator.run(&["check", "db"]).refused(7, &["gate", "AllowTcpForwarding"]);
}

#[test]
fn what_is_down_behind_a_jump_host_is_told_from_the_jump_host_being_down() {
    needs!(Root, Sshd);
    let mut hops = Hops::start(&[&[], &[]]);
    let operator = Operator::without_keyring();
    save(&operator, &hops, "gate", 0, None);
    save(&operator, &hops, "db", 1, Some("gate"));
    operator.accept("gate");
    operator.accept("db");
    hops.hosts[1].stop();
    let fault = operator.run(&["check", "db", "--json"]).status_is(3).fault();
    assert_eq!((fault.code, fault.place()), (FaultCode::NoAnswer, Some("db")), "{fault}");
    assert!(fault.message.contains("gate could not open a connection"), "{fault}");
    hops.hosts[0].stop();
    let fault = operator.run(&["check", "db", "--json"]).status_is(3).fault();
    assert_eq!((fault.code, fault.place()), (FaultCode::PortClosed, Some("gate")), "{fault}");
    operator.run(&["check", "db"]).refused(3, &["db is reached through gate: gate"]);
    hops.cut();
    let begun = Instant::now();
    let fault = operator.run(&["check", "db", "--json"]).status_is(3).fault();
    assert_eq!(fault.place(), Some("gate"), "{fault}");
    assert!(matches!(fault.code, FaultCode::NoAnswer | FaultCode::NoRoute), "{fault:?}");
    assert!(begun.elapsed() < seconds(30), "every step has its own limit");
}

#[test]
fn a_chain_that_comes_back_to_itself_is_refused_with_its_names() {
    let operator = Operator::without_keyring();
    let add = |name: &str, more: &[&str]| {
        let mut words = vec!["host", "add", name, "--address", "192.0.2.1", "--user", "root", "--agent"];
        words.extend(more);
        operator.run(&words)
    };
    add("a", &[]).done();
    add("b", &["--jump", "a"]).done();
    add("c", &["--jump", "b"]).done();
    operator.run(&["host", "edit", "a", "--jump", "c"]).refused(2, &["a -> c -> b -> a"]);
    operator.run(&["host", "edit", "a", "--jump", "a"]).refused(2, &["through itself"]);
    add("d", &["--jump", "nowhere"]).refused(2, &["nowhere"]);
    operator.run(&["host", "remove", "a"]).refused(2, &["b are reached through it", "--no-jump"]);
    operator.run(&["host", "edit", "a", "--rename", "first"]).done();
    let b: Host = operator.run(&["host", "show", "b", "--json"]).done().value();
    assert_eq!(b.jump.as_deref(), Some("first"), "those behind it follow its new name");
    operator.run(&["host", "edit", "b", "--no-jump"]).done();
    operator.run(&["host", "remove", "first"]).done();
}
