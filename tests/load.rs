//! The tables of a host under load beside its own tools: processes are born and die, sockets open and
//! close, units flap, files come and go. Each table is read between two looks of the host's tool, so
//! that what both show alike lived through it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use protocol::metrics::Metrics;
use support::musterctl::Operator;
use support::needs;
use support::process::tool;
use support::systemd_host::SystemdHost;

use crate::answers;

/// How often each table is read.
const LOOKS: usize = 5;

/// What makes the load, each until it is ended: forks, listeners with connections, a unit that is started and
/// stopped, one that lives for a moment and one that fails.
const FORKS: &str = "while (1) { for (1..10) { fork or exec '/bin/true' } 1 while wait > 0 }";
const SOCKETS: &str = "use Socket; sub tcp { socket(my $s, PF_INET, SOCK_STREAM, 0); return $s } \
    while (1) { my $to = tcp(); bind $to, sockaddr_in(0, INADDR_LOOPBACK); listen $to, 9; \
    my @all = map { my $s = tcp(); connect $s, getsockname $to; $s } 1..4; select undef, undef, undef, 0.02 }";
const UNITS: &str = "while :; do systemctl start flaps.service; systemctl stop flaps.service; \
    systemd-run -q --collect true; systemd-run -q false; systemctl reset-failed; done";

/// A host of its own under load, and who looks at it.
fn loaded() -> (SystemdHost, Operator) {
    let host = SystemdHost::start();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    operator.run(&["check", "web"]).done();
    host.add_unit("flaps.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    for (unit, words) in
        [("forks", ["perl", "-e", FORKS]), ("opens", ["perl", "-e", SOCKETS]), ("units", ["sh", "-c", UNITS])]
    {
        let unit = format!("--unit={unit}");
        host.run(&[&["systemd-run", "-q", unit.as_str()], &words[..]].concat());
    }
    (host, operator)
}

/// What both looks show alike, and all that either of them shows.
fn lived<K: Ord + Clone, V: PartialEq + Clone>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> (BTreeMap<K, V>, BTreeSet<K>) {
    let same = before.iter().filter(|(key, value)| after.get(key) == Some(value));
    (
        same.map(|(key, value)| (key.clone(), value.clone())).collect(),
        before.keys().chain(after.keys()).cloned().collect(),
    )
}

#[test]
fn under_load_the_units_are_those_of_systemctl() {
    needs!(SystemdHost);
    let (host, operator) = loaded();
    let listed = || -> BTreeMap<String, [String; 3]> {
        let types = "--type=service,socket,timer,mount";
        let list = host.run(&["systemctl", "list-units", "--all", types, "--output=json"]);
        let units: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
        let word = |unit: &serde_json::Value, key: &str| unit[key].as_str().unwrap().to_owned();
        units
            .iter()
            .map(|unit| (word(unit, "unit"), ["load", "active", "sub"].map(|key| word(unit, key))))
            .collect()
    };
    let files = host.run(&["systemctl", "list-unit-files", "--no-legend"]);
    let files: BTreeSet<&str> = files.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let mut compared = 0;
    for _ in 0..LOOKS {
        let before = listed();
        let ours = answers::services(&operator.run(&["services", "web", "--json"]).done());
        let (same, known) = lived(&before, &listed());
        let mut told = BTreeMap::new();
        for one in &ours {
            let state = [&one.load_state, &one.active_state, &one.sub_state].map(String::clone);
            assert!(told.insert(one.name.clone(), state).is_none(), "{} is there twice", one.name);
            // A unit of one run may have come and gone between the two looks.
            let is_moments = one.name.starts_with("run-");
            let is_known = known.contains(&one.name) || files.contains(&*one.name) || is_moments;
            assert!(is_known, "systemctl never saw {one:?}");
        }
        for (name, state) in same.iter().filter(|(name, _)| *name != "flaps.service") {
            // The session of each look comes and goes with it.
            if !name.starts_with("user")
                && !name.starts_with("run-")
                && !name.starts_with("systemd-hostnamed")
            {
                assert_eq!(told.get(name), Some(state), "{name}");
                compared += 1;
            }
        }
        let flaps = ours.iter().find(|one| one.name == "flaps.service").unwrap();
        let is_state = ["active", "inactive", "activating", "deactivating"].contains(&&*flaps.active_state);
        assert!(is_state && flaps.main_pid.is_none_or(|pid| pid > 1), "{flaps:?}");
    }
    assert!(compared > LOOKS * 10, "{compared} states compared");
}

#[test]
fn under_load_the_processes_are_those_of_ps_and_the_sockets_those_of_ss() {
    needs!(SystemdHost);
    let (host, operator) = loaded();
    let listed = || -> BTreeMap<(u32, u64), String> {
        // The ticks of the start are field 22, counted from the last bracket.
        let script = "for p in /proc/[0-9]*; do { read -r s <$p/stat; } 2>/dev/null && echo \"$s\"; done; :";
        let stats = host.run(&["sh", "-c", script]);
        let ps = host.run(&["ps", "-e", "-o", "pid=,comm="]);
        let names: BTreeMap<u32, String> = ps
            .lines()
            .filter_map(|line| line.trim().split_once(' '))
            .map(|(pid, name)| (pid.parse().unwrap(), name.to_owned()))
            .collect();
        let row = |line: &str| {
            let pid: u32 = line.split_once(' ')?.0.parse().ok()?;
            let ticks = line.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
            Some(((pid, ticks), names.get(&pid)?.clone()))
        };
        stats.lines().filter_map(row).collect()
    };
    for _ in 0..LOOKS {
        let before = listed();
        let ours = answers::processes(&operator.run(&["processes", "web", "--json"]).done());
        let (same, _) = lived(&before, &listed());
        let mut told = BTreeMap::new();
        for one in &ours {
            let key = (one.pid, one.start_ticks);
            assert!(told.insert(key, one.name.clone()).is_none(), "{one:?} is there twice");
            assert!(one.pid > 0 && one.start_ticks > 0 && !one.name.is_empty(), "{one:?}");
        }
        let pids: BTreeSet<u32> = ours.iter().map(|one| one.pid).collect();
        assert_eq!(pids.len(), ours.len(), "each PID once");
        assert!(same.len() > 5, "{} lived through it", same.len());
        for (key, name) in &same {
            assert_eq!(told.get(key), Some(name), "{key:?}");
        }
    }

    let listed = || -> BTreeMap<[String; 3], String> {
        let row = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [kind, state, _, _, local, peer, ..] = fields[..] else { panic!("{line}") };
            // The interface that systemd-networkd's sockets are bound to is part of ss's address.
            let local = local.split_once('%').map_or(local.to_owned(), |(address, rest)| {
                format!("{address}:{}", rest.rsplit_once(':').unwrap().1)
            });
            let peer = if peer.ends_with(":*") { "*" } else { peer };
            ([kind, &*local, peer].map(str::to_owned), state.to_owned())
        };
        host.run(&["ss", "-Htuna"]).lines().map(row).collect()
    };
    let mut compared = 0;
    for _ in 0..LOOKS {
        let before = listed();
        let ours = answers::sockets(&operator.run(&["sockets", "web", "--json"]).done());
        let (same, _) = lived(&before, &listed());
        let mut told: BTreeMap<[String; 3], Vec<&str>> = BTreeMap::new();
        for one in &ours {
            let kind = if one.protocol.is_udp() { "udp" } else { "tcp" };
            told.entry([kind.to_owned(), one.local(), one.peer()]).or_default().push(one.state.name());
        }
        let inodes: Vec<u64> = ours.iter().map(|one| one.inode).filter(|&inode| inode != 0).collect();
        assert_eq!(inodes.iter().collect::<BTreeSet<_>>().len(), inodes.len(), "no socket is there twice");
        for (ends, state) in &same {
            let states = told.get(ends).unwrap_or_else(|| panic!("{ends:?} is missing"));
            assert!(states.contains(&&**state), "{ends:?}: {states:?}, {state}");
            compared += 1;
        }
    }
    assert!(compared >= LOOKS, "{compared} sockets compared");
}

#[test]
fn under_load_the_disks_are_those_of_df_each_once() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    // A file system of its own: what other programs of this machine write is not in it.
    let image = host.tree().join("disk.img");
    tool("truncate", &["-s", "96M", image.to_str().unwrap()]);
    tool("mkfs.ext4", &["-q", "-N", "5000", image.to_str().unwrap()]);
    let device = tool("losetup", &["--find", "--show", image.to_str().unwrap()]).trim().to_owned();
    let number = device.trim_start_matches("/dev/loop").to_owned();
    let _detached = support::keeper::Keeper::new("losetup -d \"$1\"", &[&device]);
    host.run(&["mkdir", "-p", "/srv/a b", "/srv/bound"]);
    host.run(&["mknod", "/dev/disk0", "b", "7", &number]);
    host.run(&["mount", "/dev/disk0", "/srv/a b"]);
    host.run(&["mount", "--bind", "/srv/a b", "/srv/bound"]);
    let churn = "cd '/srv/a b'; while :; do head -c 30000000 /dev/zero >big; for n in $(seq 200); do : >f$n; done; \
        sync big; rm -f big f*; done";
    host.run(&["systemd-run", "-q", "--unit=churn", "sh", "-c", churn]);
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let df = |what: &str| -> [u64; 3] {
        let said = host.run(&["df", "-B1", &format!("--output={what}"), "/srv/a b"]);
        let numbers: Vec<u64> =
            said.lines().nth(1).unwrap().split_whitespace().map(|field| field.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    };
    let mut used = BTreeSet::new();
    for _ in 0..LOOKS {
        let ours: Metrics = operator.run(&["metrics", "web", "--json"]).done().value();
        let mounts: Vec<&str> = ours.disks.iter().map(|disk| disk.mount.as_str()).collect();
        assert_eq!(mounts, ["/", "/srv/a b"], "each file system once, and none that is none");
        let disk = &ours.disks[1];
        let ([size, ..], [inodes, ..]) = (df("size,used,avail"), df("itotal,iused,iavail"));
        assert_eq!((disk.total_bytes, disk.inodes_total), (size, inodes));
        let (most, files) = (40_000_000, 220);
        assert!(
            disk.used_bytes < most && disk.inodes_used < files,
            "no more than was ever written: {disk:?}"
        );
        assert!(disk.used_bytes + disk.available_bytes <= size, "{disk:?}");
        used.insert(disk.used_bytes);
    }
    assert!(used.len() > 1, "what is written is seen: {used:?}");
    // At rest each number is that of df.
    host.run(&["systemctl", "stop", "churn.service"]);
    host.run(&["sync"]);
    let ours: Metrics = operator.run(&["metrics", "web", "--json"]).done().value();
    let disk = ours.disks.iter().find(|disk| disk.mount == "/srv/a b").unwrap();
    assert_eq!([disk.total_bytes, disk.used_bytes, disk.available_bytes], df("size,used,avail"));
    assert_eq!([disk.inodes_total, disk.inodes_used], df("itotal,iused,iavail")[..2]);
    host.run(&["umount", "/srv/bound", "/srv/a b"]);
}

#[test]
fn under_load_the_networks_are_those_of_ip() {
    needs!(SystemdHost);
    let (host, operator) = loaded();
    host.run(&["ip", "link", "add", "quiet0", "type", "veth", "peer", "name", "quiet1"]);
    // Bytes, packets, errors and drops of the link of the host, in and out.
    let counted = || -> [u64; 6] {
        let links: Vec<serde_json::Value> =
            serde_json::from_str(&host.run(&["ip", "-s", "-j", "link", "show", "host0"])).unwrap();
        let stats = &links[0]["stats64"];
        let of = |way: &str, what: &str| stats[way][what].as_u64().unwrap();
        let sum = |what: &str| of("rx", what) + of("tx", what);
        let (errors, drops) = (sum("errors"), sum("dropped"));
        [of("rx", "bytes"), of("tx", "bytes"), of("rx", "packets"), of("tx", "packets"), errors, drops]
    };
    let before = counted();
    let words = ["metrics", "web", "--watch", "--interval-ms", "700", "--json"];
    let mut watching = operator.start(&words);
    let mut lines = BufReader::new(watching.child.stdout.take().unwrap()).lines();
    let mut next = || -> Metrics { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    next();
    // The first sample lies between these two looks, and the last one between the next two.
    let first = (before, counted());
    let mut told = [0.0; 6];
    let mut inner = first.1;
    for _ in 0..LOOKS {
        inner = counted();
        let sample = next();
        let names: Vec<&str> = sample.networks.iter().map(|one| one.interface.as_str()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "each once: {names:?}");
        assert!(names.contains(&"host0") && names.contains(&"quiet0") && !names.contains(&"lo"), "{names:?}");
        let one = sample.networks.iter().find(|one| one.interface == "host0").unwrap();
        let over_s = sample.over_ms.unwrap() as f64 / 1_000.0;
        let rates = [
            one.in_bytes_per_s,
            one.out_bytes_per_s,
            one.in_packets_per_s,
            one.out_packets_per_s,
            one.errors_per_s,
            one.drops_per_s,
        ];
        told.iter_mut().zip(rates).for_each(|(sum, rate)| *sum += rate * over_s);
    }
    let last = (inner, counted());
    watching.child.kill().unwrap();
    watching.child.wait().unwrap();
    for (at, told) in told.into_iter().enumerate() {
        let least = last.0[at].saturating_sub(first.1[at]) as f64;
        let most = (last.1[at] - first.0[at]) as f64;
        // Rates have two decimals, and times whole milliseconds.
        let slack = 5.0 + told * 0.01;
        let is_between = (least - slack..=most + slack).contains(&told);
        assert!(is_between, "number {at}: {told} and not between {least} and {most}");
    }
    assert!(told[0] > 0.0 && told[1] > 0.0, "the look itself is seen: {told:?}");
}
