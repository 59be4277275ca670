//! A host on which nothing may be put or run: it is looked at all the same, with the same numbers, and
//! nothing of it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use protocol::FaultCode;
use protocol::journal::JournalEntry;
use protocol::metrics::Metrics;
use protocol::services::Service;
use protocol::system::System;
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;

use crate::answers;
use crate::residue::census;

/// The same host twice: `placed` with the helper, `bare` without it.
fn twice(host: &SystemdHost, user: &str) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("placed", &host.address(), 22, user, &host.key(), &[]);
    operator.add_trusted("bare", &host.address(), 22, user, &host.key(), &["--helper", "none"]);
    operator
}

#[test]
fn a_host_without_the_helper_tells_the_same_and_is_left_as_it_was() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.add_user("ann");
    let operator = twice(&host, "ann");
    std::fs::write(host.tree().join("opt/odd.pl"), "$0 = \") R 1 (\\n/proc/1/\"; sleep 1000;\n").unwrap();
    host.run(&["systemd-run", "--unit=named", "--uid=ann", "perl", "/opt/odd.pl"]);
    host.run(&["systemd-run", "--unit=failing", "false"]);
    // A first sign-in starts what systemd has for every user, and leaves its traces by itself.
    operator.run(&["check", "bare"]).done();
    let before = census(&host);
    host.run(&["touch", "/root/mark"]);
    let said = operator.run(&["check", "bare"]).done().stdout;
    assert!(said.contains("without the helper: no actions") && said.contains("no blame"), "{said}");
    let all: Vec<String> = ["system", "metrics", "processes", "sockets", "services", "journal"]
        .iter()
        .map(|noun| operator.run(&[noun, "bare", "--json"]).done().stdout)
        .collect();
    let newer = host.run(&[
        "sh",
        "-c",
        "find / -xdev -newer /root/mark -type f -not -path '/var/log/*' -not -path '/var/lib/systemd/*'",
    ]);
    assert_eq!(newer, "", "files that changed");
    host.run(&["rm", "/root/mark"]);
    let added: Vec<String> = census(&host).difference(&before).cloned().collect();
    assert_eq!(added, [""; 0], "new on the host: {added:?}");
    drop(all);

    let both = |words: &[&str]| {
        ["placed", "bare"].map(|name| {
            let words: Vec<&str> =
                words.iter().map(|word| if *word == "NAME" { name } else { word }).collect();
            operator.run(&words).done()
        })
    };
    let [placed, bare] = both(&["system", "NAME", "--json"]).map(|ran| ran.value::<System>());
    assert_eq!(
        (&bare.host_name, &bare.kernel, &bare.arch, &bare.boot_id, &bare.machine_id, bare.cpus),
        (&placed.host_name, &placed.kernel, &placed.arch, &placed.boot_id, &placed.machine_id, placed.cpus)
    );
    assert_eq!((&bare.os, bare.memory_bytes), (&placed.os, placed.memory_bytes));

    let [placed, bare] = both(&["metrics", "NAME", "--json"]).map(|ran| ran.value::<Metrics>());
    assert_eq!(bare.memory.total_bytes, placed.memory.total_bytes);
    let space = |metrics: &Metrics| -> Vec<_> {
        metrics.disks.iter().map(|disk| (disk.mount.clone(), disk.total_bytes, disk.inodes_total)).collect()
    };
    assert_eq!(space(&bare), space(&placed));
    assert_eq!(bare.failed_units, placed.failed_units);
    assert!(bare.cpu.is_some() && bare.over_ms.is_some_and(|ms| (200..20_000).contains(&ms)), "{bare:?}");
    assert!((bare.at_ms - placed.at_ms).abs() < 60_000, "by the clock of the host");
    assert!(bare.tasks.total.abs_diff(placed.tasks.total) < 20, "{:?} {:?}", bare.tasks, placed.tasks);

    let [placed, bare] = both(&["processes", "NAME", "--limit", "10000", "--json"]).map(|ran| {
        let rows = answers::processes(&ran).into_iter();
        rows.map(|one| ((one.pid, one.start_ticks), one)).collect::<BTreeMap<_, _>>()
    });
    let lasting: Vec<_> =
        placed.values().filter(|one| bare.contains_key(&(one.pid, one.start_ticks))).collect();
    assert!(lasting.len() > 5 && placed.len() - lasting.len() < 10, "{} of {}", lasting.len(), placed.len());
    for one in lasting {
        let same = &bare[&(one.pid, one.start_ticks)];
        let shown = |one: &protocol::processes::Process| {
            let started_s = one.started_ms.map(|ms| ms / 10_000);
            (
                one.name.clone(),
                one.command.clone(),
                one.user.clone(),
                one.unit.clone(),
                one.threads,
                started_s,
            )
        };
        let (a, b) = (shown(one), shown(same));
        assert_eq!((&b.0, &b.1, &b.2, &b.3, b.4), (&a.0, &a.1, &a.2, &a.3, a.4));
        assert!(a.5.zip(b.5).is_some_and(|(a, b)| a.abs_diff(b) <= 1), "{one:?} {same:?}");
    }
    let odd = bare.values().find(|one| one.unit.as_deref() == Some("named.service"));
    assert_eq!(odd.unwrap().name, ") R 1 (\n/proc/1");

    let [placed, bare] = both(&["sockets", "NAME", "--listening", "--json"]).map(|ran| {
        let rows = answers::sockets(&ran).into_iter();
        rows.map(|one| (one.local(), one.uid, one.user, one.pid, one.program, one.unit))
            .collect::<BTreeSet<_>>()
    });
    assert!(!placed.is_empty());
    assert_eq!(bare, placed);
    let [placed, bare] = both(&["sockets", "NAME", "--unix", "--listening", "--json"]).map(|ran| {
        let rows = answers::sockets(&ran).into_iter().filter(|one| one.protocol.is_unix());
        rows.map(|one| (one.local(), one.inode)).collect::<BTreeSet<_>>()
    });
    let bus = "/run/dbus/system_bus_socket";
    assert!(bare.iter().any(|(name, _)| name == bus), "{bare:?}");
    // The user's own manager listens too, for as long as somebody is signed in.
    assert!(placed.iter().filter(|(name, _)| !name.contains("/user/")).all(|one| bare.contains(one)));

    let [placed, bare] = both(&["services", "NAME", "--json"]).map(|ran| {
        let rows = answers::services(&ran).into_iter();
        rows.map(|one| (one.name.clone(), one)).collect::<BTreeMap<String, Service>>()
    });
    for (name, one) in &placed {
        // The user's own units come and go with each sign-in.
        if name.starts_with("user") || name.starts_with("run-user") {
            continue;
        }
        let same = bare.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(
            (&same.active_state, &same.sub_state, same.main_pid),
            (&one.active_state, &one.sub_state, one.main_pid),
            "{name}"
        );
        if one.load_state == "loaded" && one.active_state == "active" {
            assert_eq!((&same.enabled_state, same.since_ms), (&one.enabled_state, one.since_ms), "{name}");
        }
    }
    assert_eq!(bare["failing.service"].active_state, "failed");
}

#[test]
fn without_the_helper_the_log_is_read_page_by_page_searched_and_followed() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = twice(&host, "root");
    let odd = "tools/journal-end:0 \u{1b}[31mred 磁盘 \"quoted\" muster- end";
    for number in 0..40 {
        let priority = if number % 2 == 0 { "user.err" } else { "user.info" };
        host.run(&["logger", "-p", priority, "-t", "teller", &format!("line {number} {odd}")]);
    }
    host.run(&["journalctl", "--sync"]);
    let page = |name: &str, words: &[&str]| -> Vec<JournalEntry> {
        operator.run(&[&["journal", name, "--json"], words].concat()).done().value()
    };
    let cursors = |entries: &[JournalEntry]| -> Vec<String> {
        entries.iter().map(|entry| entry.cursor.clone()).collect()
    };
    let anchor = page("placed", &["--limit", "1"])[0].cursor.clone();
    for words in [
        &["--query", "LINE"][..],
        &["--priority", "err", "--query", "teller"],
        &["--unit", "init.scope", "--limit", "5"],
        &["--query", "磁盘", "--limit", "7"],
        &["--query", "nowhere to be found"],
        &["--before", &anchor, "--limit", "300"],
    ] {
        let [placed, bare] = ["placed", "bare"].map(|name| page(name, words));
        assert_eq!(bare, placed, "{words:?}");
    }
    assert_eq!(page("bare", &["--query", "line 7 "])[0].message, format!("line 7 {odd}"));
    // Page by page to the beginning, and no entry twice or not at all.
    let newest = page("bare", &["--before", &anchor, "--limit", "50"]);
    let mut paged = cursors(&newest);
    while let Some(oldest) = paged.first() {
        let older = page("bare", &["--before", &oldest.clone(), "--limit", "50"]);
        if older.is_empty() {
            break;
        }
        paged.splice(0..0, cursors(&older));
    }
    let told = host.run(&["journalctl", "--output=json", "--output-fields=_PID", "--no-pager"]);
    let told: Vec<String> = told
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["__CURSOR"].as_str().unwrap().to_owned()
        })
        .collect();
    let last = paged.last().unwrap();
    let end = told.iter().position(|cursor| cursor == last).unwrap();
    assert_eq!(paged, told[..=end], "all of the journal up to the first page");
    operator.run(&["journal", "bare", "--unit", "x; reboot"]).refused(2, &["unit"]);

    let mut follow =
        operator.start(&["journal", "bare", "--follow", "--json", "--query", "line", "--limit", "40"]);
    let mut lines = BufReader::new(follow.child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<JournalEntry>(&lines.next().unwrap().unwrap()).unwrap().message;
    let first: Vec<String> = (0..40).map(|_| next()).collect();
    assert_eq!(
        (first[0].as_str(), first[39].as_str()),
        (format!("line 0 {odd}").as_str(), format!("line 39 {odd}").as_str())
    );
    for number in 40..43 {
        host.run(&["logger", "-t", "teller", &format!("line {number}")]);
        assert_eq!(next(), format!("line {number}"));
    }
    follow.child.kill().unwrap();
    follow.child.wait().unwrap();
}

#[test]
fn without_the_helper_what_would_change_the_host_is_refused_with_words() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = twice(&host, "root");
    let pid = host.run(&["systemctl", "show", "-P", "MainPID", "cron.service"]);
    for words in [
        vec!["service", "bare", "restart", "cron.service"],
        vec!["run", "bare", "--", "touch", "/root/changed"],
        vec!["signal", "bare", pid.trim(), "TERM"],
    ] {
        operator.run(&words).refused(6, &["bare", "without the helper", "--helper placed"]);
    }
    assert_eq!(host.run(&["systemctl", "show", "-P", "MainPID", "cron.service"]), pid);
    assert!(!host.tree().join("root/changed").exists());
    assert!(!host.tree().join("root/.cache").exists(), "nothing was put there");

    // Where it cannot run, this way is offered and not taken.
    host.mount_tmpfs("/mnt/noexec", "noexec,mode=755");
    operator.run(&["host", "edit", "placed", "--helper-dir", "/mnt/noexec/muster"]).done();
    operator.run(&["system", "placed"]).refused(6, &["noexec", "--helper none"]);
    let fault = operator.run(&["system", "placed", "--json"]).status_is(6).fault();
    assert_eq!(fault.code, FaultCode::HelperNoexec);
    operator.run(&["host", "edit", "placed", "--helper", "none"]).done();
    operator.run(&["system", "placed"]).done();
    let mut watching = operator.start(&["metrics", "placed", "--watch", "--json"]);
    let lines = BufReader::new(watching.child.stdout.take().unwrap()).lines();
    let samples: Vec<Metrics> =
        lines.take(2).map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    watching.child.kill().unwrap();
    watching.child.wait().unwrap();
    assert!(samples.len() == 2 && samples.iter().all(|one| one.cpu.is_some()), "{} samples", samples.len());
}
