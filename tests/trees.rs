//! Files of other machines, read by the same code as a live host: old and new kernels, systemd and
//! OpenRC, x86 and ARM. `fixtures/README.md` tells where each tree comes from.
//!
//! Each tree has in `expected.json` all that the helper tells of it. What decides is asserted here by
//! hand; the file holds the rest, so that nothing is invented or lost unseen. After a wanted change,
//! `MUSTER_WRITE_EXPECTED=1` writes the files anew, and the difference is to be read.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use protocol::journal::{JournalPage, JournalQuery};
use protocol::metrics::Metrics;
use protocol::processes::{Process, ProcessState, ProcessTable};
use protocol::sockets::{SocketState, SocketTable};
use protocol::system::System;
use protocol::wire::{Answer, Ask, Line, Request};
use remote_helper::{Root, serve};
use serde_json::{Value, json};
use support::places;

/// All that the helper tells of a tree.
struct Told {
    system: System,
    metrics: Metrics,
    sockets: SocketTable,
    processes: ProcessTable,
    journal: Option<JournalPage>,
}

fn folder(tree: &str) -> PathBuf {
    places::root().join("tests/fixtures").join(tree)
}

/// Asks over the wire, as a host is asked.
fn read(tree: &str) -> Told {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let (input, root) = (theirs.try_clone().unwrap(), Root::captured(&folder(tree)));
    let helper = std::thread::spawn(move || serve(input, theirs, root));
    let asks = [
        Ask::System {},
        Ask::Metrics { interval_ms: None },
        Ask::Sockets { interval_ms: None, unix: true },
        Ask::Processes { interval_ms: None, detail: Vec::new() },
        Ask::Journal { query: JournalQuery::default(), sudo: Default::default() },
    ];
    let count = asks.len();
    for (id, ask) in (1..).zip(asks) {
        writeln!(ours, "{}", serde_json::to_string(&Request { id, ask }).unwrap()).unwrap();
    }
    let mut told = (None, None, None, None, None);
    let lines = BufReader::new(ours.try_clone().unwrap()).lines().map(Result::unwrap);
    let answers =
        lines.filter(|line| !line.is_empty()).map(|line| serde_json::from_str::<Line>(&line).unwrap());
    for line in answers.filter(|line| !matches!(line, Line::Hello(_))).take(count) {
        match line {
            Line::Reply { answer: Answer::System(system), .. } => told.0 = Some(*system),
            Line::Reply { answer: Answer::Metrics(metrics), .. } => told.1 = Some(*metrics),
            Line::Reply { answer: Answer::Sockets(table), .. } => told.2 = Some(table),
            Line::Reply { answer: Answer::Processes(table), .. } => told.3 = Some(table),
            Line::Reply { answer: Answer::Journal(page), .. } => told.4 = Some(*page),
            // Not every tree has a log.
            Line::Fault { id: 5, .. } => {}
            other => panic!("{tree}: {other:?}"),
        }
    }
    ours.shutdown(std::net::Shutdown::Both).unwrap();
    helper.join().unwrap().unwrap();
    let (system, metrics, sockets, processes, journal) = told;
    let told = Told {
        system: system.unwrap(),
        metrics: metrics.unwrap(),
        sockets: sockets.unwrap(),
        processes: processes.unwrap(),
        journal,
    };
    compare(tree, &told);
    told
}

fn compare(tree: &str, told: &Told) {
    let mut now = json!({
        "system": told.system,
        "metrics": told.metrics,
        "sockets": told.sockets,
        "processes": told.processes,
        "journal": told.journal,
    });
    for part in now.as_object_mut().unwrap().values_mut().filter_map(Value::as_object_mut) {
        // Of the reading, not of the tree; a cursor holds the number of the file, and the year of an
        // old line is that in which the file was written.
        for key in ["at_ms", "took_ms", "over_ms", "older", "newer"] {
            part.remove(key);
        }
        for entry in part.get_mut("entries").and_then(Value::as_array_mut).into_iter().flatten() {
            entry.as_object_mut().unwrap().retain(|key, _| key != "cursor" && key != "at_ms");
        }
    }
    let file = folder(tree).join("expected.json");
    if std::env::var_os("MUSTER_WRITE_EXPECTED").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    for (part, expected) in expected.as_object().unwrap() {
        assert_eq!(&now[part], expected, "{tree}: {part} is not as in {}", file.display());
    }
}

fn find(told: &Told, pid: u32) -> &Process {
    told.processes.processes.iter().find(|process| process.pid == pid).unwrap()
}

/// Port, state, program, unit and user of the internet sockets, in the table's order.
fn sockets(told: &Told) -> Vec<(u16, SocketState, &str, &str, &str)> {
    let internet = told.sockets.sockets.iter().filter(|socket| !socket.protocol.is_unix());
    let text = |text: &Option<String>| text.as_deref().unwrap_or("-").to_owned().leak();
    let rows = internet
        .map(|one| (one.local_port, one.state, &*text(&one.program), &*text(&one.unit), &*text(&one.user)));
    rows.collect()
}

#[test]
fn debian_12_in_a_container_is_read() {
    let told = read("debian-12-6.18");
    let system = &told.system;
    assert_eq!((system.os_id.as_deref(), system.init.as_deref()), (Some("debian"), Some("systemd")));
    assert_eq!(system.virtualization.as_deref(), Some("systemd-nspawn"));
    let units: Vec<_> = told
        .processes
        .processes
        .iter()
        .map(|process| (process.name.as_str(), process.unit.as_deref().unwrap_or("-")))
        .collect();
    for pair in [
        ("systemd", "init.scope"),
        ("systemd-journal", "systemd-journald.service"),
        ("cron", "cron.service"),
        ("dbus-daemon", "dbus.service"),
        ("sshd", "ssh.service"),
    ] {
        assert!(units.contains(&pair), "{pair:?}: {units:?}");
    }
    let disks: Vec<_> = told.metrics.disks.iter().map(|disk| disk.mount.as_str()).collect();
    assert_eq!(disks, ["/"], "what nspawn binds from the same disk is no disk of its own");
    assert!(sockets(&told).contains(&(22, SocketState::Listen, "sshd", "ssh.service", "root")));
    let bus = told.sockets.sockets.iter().find(|one| one.local_address == "/run/dbus/system_bus_socket");
    assert!(bus.is_some_and(|bus| bus.holders == 2), "systemd and the bus hold it: {bus:?}");
}

#[test]
fn a_kernel_3_10_tells_less_and_nothing_is_made_up_for_it() {
    let told = read("el7-3.10");
    let (metrics, system) = (&told.metrics, &told.system);
    assert_eq!(metrics.memory.available_bytes, 612_340 * 1024, "3.10 does not estimate it: what is free");
    assert_eq!(metrics.memory.used_bytes, (1_884_188 - 612_340) * 1024);
    assert!(metrics.pressure.is_none() && metrics.temperatures.is_empty() && metrics.limits.is_none());
    let devices: Vec<_> = metrics.devices.iter().map(|device| device.device.as_str()).collect();
    assert_eq!(devices, ["sda", "dm-0"], "no partitions, and no drive that was never used");
    let disks: Vec<_> = metrics.disks.iter().map(|disk| disk.mount.as_str()).collect();
    assert_eq!(disks, ["/", "/boot"]);
    assert_eq!(metrics.network_mounts[0].source, "10.0.0.5:/export/share");
    let tasks = metrics.tasks;
    assert_eq!((tasks.total, tasks.running, tasks.sleeping, tasks.zombie), (9, 0, 8, 1));
    assert_eq!(find(&told, 4300).name, ") R 1 (\n");
    assert_eq!(find(&told, 4301).state, ProcessState::Zombie);
    assert!(find(&told, 2).kernel_thread && find(&told, 3).kernel_thread);
    assert_eq!(find(&told, 4242).unit.as_deref(), Some("session-3.scope"));
    assert_eq!(find(&told, 911).rss_bytes, 900 * 4096);
    assert_eq!(
        sockets(&told),
        [
            (22, SocketState::Listen, "sshd", "sshd.service", "root"),
            (25, SocketState::Listen, "master", "postfix.service", "root"),
            (22, SocketState::Listen, "sshd", "sshd.service", "root"),
            (68, SocketState::Unconn, "-", "-", "root"),
            (22, SocketState::Estab, "bash", "session-3.scope", "root"),
            (41_394, SocketState::TimeWait, "-", "-", "-"),
        ],
        "whoever had the closed connection, it was not root for certain"
    );
    assert_eq!(told.sockets.owner_hidden, 2, "the one of UDP port 68, and a unix socket");
    let jobs: Vec<_> = system.jobs.iter().map(|job| (job.source.as_str(), job.schedule.as_deref())).collect();
    assert_eq!(
        jobs,
        [
            ("/etc/anacrontab", Some("every 1 days")),
            ("/etc/anacrontab", Some("@monthly")),
            ("/etc/cron.d/0hourly", Some("01 * * * *")),
            ("/var/spool/cron/root", Some("*/10 * * * *")),
        ]
    );
    assert_eq!((system.virtualization.as_deref(), system.cpus), (Some("vmware"), 2));
    assert_eq!(system.logins.len(), 1);
    assert_eq!(told.journal.unwrap().entries.len(), 3);
}

#[test]
fn a_kernel_4_18_of_an_el_8_is_read() {
    let told = read("el8-4.18");
    let metrics = &told.metrics;
    assert_eq!(metrics.memory.available_bytes, 6_012_344 * 1024);
    assert_eq!(metrics.memory.buff_cache_bytes, (3_108 + 5_012_004 + 280_120) * 1024);
    assert_eq!(metrics.temperatures[0].now_celsius, 52.375);
    assert_eq!(metrics.network_mounts[0].fs_type, "fuse.sshfs");
    assert!(metrics.disks.iter().all(|disk| disk.fs_type == "xfs"), "no overlays of containers, no autofs");
    let java = find(&told, 3000);
    assert_eq!(
        (java.command.as_str(), java.uid, java.user.as_deref()),
        ("/usr/bin/java -Dname=服务", 5001, None)
    );
    assert_eq!((java.state, java.threads), (ProcessState::Uninterruptible, 212));
    assert_eq!((find(&told, 77).state, find(&told, 77).nice), (ProcessState::Idle, -20));
    let https: Vec<_> = sockets(&told).into_iter().filter(|row| row.0 == 443).collect();
    assert_eq!(
        https,
        [
            (443, SocketState::Listen, "httpd", "httpd.service", "root"),
            (443, SocketState::CloseWait, "httpd", "httpd.service", "apache"),
            (443, SocketState::SynRecv, "-", "-", "-"),
            (443, SocketState::Estab, "httpd", "httpd.service", "apache"),
        ]
    );
    let mapped = told.sockets.sockets.iter().find(|one| one.inode == 45_112).unwrap();
    assert_eq!(mapped.peer(), "[::ffff:10.10.0.8]:49155");
    assert_eq!(told.system.jobs[0].time_zone.as_deref(), Some("Asia/Tokyo"));
    assert_eq!((told.system.virtualization.as_deref(), told.system.cpus), (Some("none"), 4));
}

#[test]
fn alpine_without_systemd_is_read() {
    let told = read("alpine-3.19-6.6");
    let system = &told.system;
    assert_eq!((system.os.as_deref(), system.init.as_deref()), (Some("Alpine Linux v3.19"), Some("init")));
    assert_eq!(system.machine_id, None, "Alpine has none, and it is not made up");
    assert!(told.processes.processes.iter().all(|process| process.unit.is_none()), "there are no units");
    assert_eq!(find(&told, 2000).cgroup.as_deref(), Some("/openrc.sshd"));
    assert_eq!(find(&told, 2000).command, "sshd: /usr/sbin/sshd [listener] 0 of 10-100 startups");
    let pressure = told.metrics.pressure.unwrap();
    assert_eq!((pressure.cpu_some_pct, pressure.io_full_pct), (Some(0.12), Some(1.25)));
    assert_eq!(system.jobs.len(), 2);
    assert_eq!(system.jobs[0].schedule.as_deref(), Some("*/15 * * * *"));
    assert_eq!(told.metrics.failed_units, None, "no manager, so no number of failed units, which is not 0");
    let entries = told.journal.unwrap().entries;
    assert_eq!((entries.len(), entries[2].priority, entries[2].pid), (3, Some(3), Some(2201)));
}

#[test]
fn an_arm_board_is_read() {
    let told = read("aarch64-6.1");
    let system = &told.system;
    assert_eq!(system.arch, "aarch64");
    assert_eq!(system.cpu_model.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.4"));
    assert_eq!(system.cpus, 3, "core 2 is off line");
    let heat = &told.metrics.temperatures;
    assert_eq!((heat.len(), heat[0].now_celsius, heat[0].critical_celsius), (1, 51.112, Some(110.0)));
    assert_eq!(find(&told, 400).command, "avahi-daemon: running [pi.local]");
    assert_eq!(told.sockets.owner_hidden, 1, "port 631 is of somebody that is not to be seen");
    let ssh = told.sockets.sockets.iter().find(|one| one.state == SocketState::Estab).unwrap();
    assert_eq!((ssh.local(), ssh.peer()), ("192.168.1.74:22".into(), "192.168.1.8:57585".into()));
}
