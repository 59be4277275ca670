//! The numbers of the overview are those of top(1), free(1), df(1), ss(8) and /proc on that host.

use protocol::metrics::Metrics;
use protocol::processes::Blame;
use protocol::system::System;
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};

use crate::answers;

/// What other work on the machine may change in a moment.
const MEMORY_SLACK_BYTES: u64 = 400 << 20;
const DISK_SLACK_BYTES: u64 = 400 << 20;

fn near(what: &str, ours: u64, theirs: u64, slack: u64) {
    assert!(ours.abs_diff(theirs) <= slack, "{what}: Muster says {ours}, the host's own tool {theirs}");
}

fn operator_on(host: &SystemdHost) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    operator
}

#[test]
fn memory_is_that_of_free() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let metrics: Metrics = operator_on(host).run(&["metrics", "web", "--json"]).done().value();
    let free = host.run(&["free", "-b", "-w"]);
    let fields = |head: &str| -> Vec<u64> {
        let line = free.lines().find(|line| line.starts_with(head)).unwrap();
        line.split_whitespace().skip(1).map(|field| field.parse().unwrap()).collect()
    };
    let (memory, swap) = (fields("Mem:"), fields("Swap:"));
    let ours = metrics.memory;
    assert_eq!(ours.total_bytes, memory[0]);
    near("free", ours.free_bytes, memory[2], MEMORY_SLACK_BYTES);
    near("buff/cache", ours.buff_cache_bytes, memory[4] + memory[5], MEMORY_SLACK_BYTES);
    near("available", ours.available_bytes, memory[6], MEMORY_SLACK_BYTES);
    near("used", ours.used_bytes, memory[0] - memory[6], MEMORY_SLACK_BYTES);
    assert_eq!(ours.swap_total_bytes, swap[0]);
    near("swap used", ours.swap_used_bytes, swap[1], MEMORY_SLACK_BYTES);
}

#[test]
fn disks_are_those_of_df() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let metrics: Metrics = operator_on(host).run(&["metrics", "web", "--json"]).done().value();
    let df = host.run(&["df", "-B1", "--output=target,size,used,avail,itotal,iused", "/"]);
    let root: Vec<u64> =
        df.lines().nth(1).unwrap().split_whitespace().skip(1).map(|field| field.parse().unwrap()).collect();
    let ours = metrics.disks.iter().find(|disk| disk.mount == "/").expect("the root file system is a disk");
    assert_eq!(ours.total_bytes, root[0]);
    near("used", ours.used_bytes, root[1], DISK_SLACK_BYTES);
    near("available", ours.available_bytes, root[2], DISK_SLACK_BYTES);
    assert_eq!(ours.inodes_total, root[3]);
    near("inodes used", ours.inodes_used, root[4], 50_000);
    let share = 100.0 * ours.used_bytes as f64 / (ours.used_bytes + ours.available_bytes) as f64;
    assert!((ours.use_pct.unwrap() - share).abs() < 0.1, "df counts over used plus available: {ours:?}");
}

#[test]
fn tasks_load_and_shares_are_those_of_top() {
    needs!(SystemdHost);
    // A host of its own: on a shared one other tests come and go between the two looks.
    let host = &SystemdHost::start();
    let operator = operator_on(host);
    // Three children that nobody collects and one that is stopped, for as long as both look.
    let planted = "for n in 1 2 3; do sleep 0.5 & done; sleep 120 & kill -STOP $!; exec sleep 120";
    host.run(&["systemd-run", "--unit=planted", "sh", "-c", planted]);
    until("the planted processes", seconds(10), || {
        let states = host.run(&["ps", "-e", "-o", "state="]);
        let of = |letter: &str| states.lines().filter(|state| state.trim() == letter).count();
        (of("Z") >= 3 && of("T") == 1).then_some(())
    });
    let ours: Metrics = operator.run(&["metrics", "web", "--json"]).done().value();
    let top = host.run(&["top", "-b", "-n", "1", "-w", "200"]);
    let numbers = |head: &str| -> Vec<f64> {
        let line = top.lines().find(|line| line.starts_with(head)).unwrap_or_else(|| panic!("{head}: {top}"));
        line.split([' ', ',', ':']).filter_map(|word| word.parse().ok()).collect()
    };
    let tasks = numbers("Tasks:");
    near("tasks", u64::from(ours.tasks.total), tasks[0] as u64, 15);
    near("stopped", u64::from(ours.tasks.stopped), tasks[3] as u64, 0);
    near("zombies", u64::from(ours.tasks.zombie), tasks[4] as u64, 2);
    assert!(ours.tasks.stopped == 1 && ours.tasks.zombie >= 3, "what was planted: {:?}", ours.tasks);
    let all = [ours.tasks.running, ours.tasks.sleeping, ours.tasks.stopped, ours.tasks.zombie];
    assert_eq!(all.iter().sum::<u32>(), ours.tasks.total, "each task is in one state: {:?}", ours.tasks);
    let load = host.run(&["cat", "/proc/loadavg"]);
    let load: Vec<f64> = load.split(' ').take(3).map(|word| word.parse().unwrap()).collect();
    for (ours, theirs) in ours.load.iter().zip(load) {
        assert!((ours - theirs).abs() < 1.0, "load {ours} beside {theirs}");
    }
    let cpu = ours.cpu.expect("one answer covers half a second, so it has shares");
    let sum =
        cpu.us_pct + cpu.sy_pct + cpu.ni_pct + cpu.id_pct + cpu.wa_pct + cpu.hi_pct + cpu.si_pct + cpu.st_pct;
    assert!((sum - 100.0).abs() < 0.5, "the shares are of one whole: {cpu:?}");
}

#[test]
fn a_busy_processor_is_seen_as_busy() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    let cores: usize = host.run(&["nproc"]).trim().parse().unwrap();
    let burn = format!("for n in $(seq {cores}); do timeout 20 sh -c 'while :; do :; done' & done; wait");
    host.run(&["systemd-run", "--unit=burn", "--collect", "sh", "-c", &burn]);
    let busy: Metrics = operator.run(&["metrics", "web", "--json"]).done().value();
    host.run(&["systemctl", "stop", "burn.service"]);
    let cpu = busy.cpu.unwrap();
    assert!(cpu.busy_pct() > 80.0, "every core runs a loop: {cpu:?}");
    assert_eq!(busy.cores.len(), cores);
}

#[test]
fn who_used_the_most_is_told_from_the_terminal_too() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.run(&[
        "systemd-run",
        "--unit=spike",
        "--collect",
        "timeout",
        "300",
        "sh",
        "-c",
        "while :; do :; done",
    ]);
    let blame: Blame = operator.run(&["blame", "web", "--seconds", "4", "--json"]).done().value();
    let one = blame.cpu.iter().find(|one| one.unit.as_deref() == Some("spike.service"));
    let one = one.unwrap_or_else(|| panic!("{blame:?}"));
    assert!(one.then.cpu_pct > 1.0 && one.name == "sh", "{one:?}");
    let shown = operator.run(&["blame", "web", "--seconds", "3"]).done().stdout;
    assert!(shown.contains("\nCPU\n") && shown.contains("\nMemory\n"), "{shown}");
    // A moment at which nobody watched.
    let shown = operator.run(&["blame", "web", "--seconds", "2", "--at", "3h"]).done().stdout;
    assert!(shown.contains("nothing is known"), "{shown}");
    operator.run(&["blame", "web", "--at", "soon"]).refused(2, &["'soon' is no time"]);
    host.run(&["systemctl", "stop", "spike.service"]);
}

#[test]
fn sockets_are_those_of_ss() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    let ran = operator.run(&["sockets", "web", "--json"]).done();
    let ours = answers::sockets(&ran);
    let ss = host.run(&["ss", "-H", "-tunlp"]);
    let mut theirs: Vec<(String, u16)> = ss
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let program =
                line.split("((\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            (program.to_owned(), fields[4].rsplit(':').next().unwrap().parse().unwrap())
        })
        .collect();
    let listening = ours.iter().filter(|socket| socket.is_listening());
    let mut listening: Vec<(String, u16)> =
        listening.map(|socket| (socket.program.clone().unwrap_or_default(), socket.local_port)).collect();
    theirs.sort();
    listening.sort();
    assert_eq!(listening, theirs, "listening sockets with their programs");
    let established = ours.iter().filter(|socket| socket.state.name() == "ESTAB").count();
    assert!(established >= 1, "Muster's own connection must be in the table");
}

#[test]
fn facts_are_those_of_the_host() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let ours: System = operator_on(host).run(&["system", "web", "--json"]).done().value();
    let own = |words: &[&str]| host.run(words).trim().to_owned();
    assert_eq!(ours.host_name, own(&["hostname"]));
    assert_eq!(ours.kernel, own(&["uname", "-r"]));
    assert_eq!(ours.arch, own(&["uname", "-m"]));
    assert_eq!(ours.boot_id.as_deref(), Some(own(&["cat", "/proc/sys/kernel/random/boot_id"]).as_str()));
    assert_eq!(ours.machine_id.as_deref(), Some(own(&["cat", "/etc/machine-id"]).as_str()));
    assert_eq!(ours.init.as_deref(), Some("systemd"));
    assert!(host.run(&["cat", "/etc/os-release"]).contains(&ours.os.unwrap()));
    let uptime: f64 = host.run(&["cat", "/proc/uptime"]).split('.').next().unwrap().parse().unwrap();
    near("uptime", ours.uptime_s, uptime as u64, 10);
    assert_eq!(ours.cpus, own(&["nproc"]).parse::<u32>().unwrap());
}

#[test]
fn who_is_logged_in_and_what_is_scheduled_are_as_the_hosts_own_tools_say() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = operator_on(&host);
    host.add_user("ann");
    let line = "7 3 * * 1-5 /usr/local/bin/report --all # of ann\n";
    std::fs::write(host.tree().join("root/jobs"), line).unwrap();
    host.run(&["crontab", "-u", "ann", "/root/jobs"]);
    std::fs::write(host.tree().join("etc/cron.d/own"), "*/5 * * * * root /bin/true\n").unwrap();
    let mut login = std::process::Command::new("ssh");
    login.args(["-tt", "-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i"]);
    login.arg(host.key()).arg(format!("ann@{}", host.address())).arg("sleep 60");
    login.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    let mut login = login.spawn().unwrap();
    let who = until("ann to be logged in", seconds(20), || {
        let said = host.run(&["who"]);
        said.contains("ann").then_some(said)
    });
    let ours: System = operator.run(&["system", "web", "--json"]).done().value();
    login.kill().unwrap();
    login.wait().unwrap();
    let mut theirs: Vec<(String, String)> = who
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].to_owned(), words[1].to_owned())
        })
        .collect();
    let mut logins: Vec<(String, String)> =
        ours.logins.iter().map(|login| (login.user.clone(), login.terminal.clone())).collect();
    theirs.sort();
    logins.sort();
    assert_eq!(logins, theirs, "{:?}", ours.logins);
    let ann = ours.logins.iter().find(|login| login.user == "ann").unwrap();
    assert!(ann.from.is_some() && ann.since_ms.is_some_and(|ms| (ours.at_ms - ms).abs() < 60_000), "{ann:?}");

    let job = |user: &str, runs: &str| {
        let found = ours.jobs.iter().find(|job| job.user.as_deref() == Some(user) && job.runs.contains(runs));
        found.unwrap_or_else(|| panic!("{runs}: {:?}", ours.jobs))
    };
    let report = job("ann", "/usr/local/bin/report --all");
    assert_eq!((report.kind.as_str(), report.schedule.as_deref()), ("cron", Some("7 3 * * 1-5")));
    assert!(report.next_ms.is_some_and(|next| next > ours.at_ms), "{report:?}");
    let five = job("root", "/bin/true").next_ms.unwrap();
    assert!(five % 300_000 == 0 && five - ours.at_ms <= 300_000, "the next five minutes: {five}");
    let list = host.run(&["systemctl", "list-timers", "--all", "--output=json"]);
    let theirs: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    assert!(theirs.len() > 2);
    for their in theirs {
        let unit = their["unit"].as_str().unwrap();
        let our = ours.jobs.iter().find(|job| job.kind == "timer" && job.source == unit);
        let our = our.unwrap_or_else(|| panic!("{unit} is missing"));
        assert_eq!(our.runs, their["activates"].as_str().unwrap(), "{unit}");
        let (next, last) = (their["next"].as_u64().unwrap_or(0), their["last"].as_u64().unwrap_or(0));
        let told = |us: u64| (us > 0).then_some(us as i64 / 1_000);
        // systemctl gives a time of boot and not of the day where a timer counts from the boot.
        if next > 1 << 50 {
            let apart = our.next_ms.zip(told(next)).map(|(a, b)| a.abs_diff(b));
            assert!(apart.is_some_and(|ms| ms < 2_000), "{unit}: {our:?} beside {their}");
        }
        if last > 1 << 50 {
            assert_eq!(our.last_ms, told(last), "{unit}");
        }
    }
}

#[test]
fn what_was_written_to_a_disk_is_in_its_rates() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = operator_on(&host);
    let written = || -> u64 {
        let stats = host.run(&["cat", "/proc/diskstats"]);
        let lines = stats.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let sectors = lines.filter(|fields| fields[2].starts_with(|c: char| "vsnx".contains(c)));
        // Sectors of 512 bytes, whatever the disk has.
        sectors.map(|fields| fields[9].parse::<u64>().unwrap() * 512).sum()
    };
    let before = written();
    let mut watching = operator.start(&["metrics", "web", "--watch", "--json"]);
    let out = std::io::BufReader::new(watching.child.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(out);
    let mut next = || serde_json::from_str::<Metrics>(&lines.next().unwrap().unwrap()).unwrap();
    assert!(next().devices.is_empty(), "a first sample has no rates");
    let bytes = 48u64 << 20;
    host.run(&["dd", "if=/dev/urandom", "of=/root/filled", "bs=1M", "count=48", "conv=fsync"]);
    let mut seen = 0.0;
    for _ in 0..3 {
        let sample = next();
        let over_s = sample.over_ms.unwrap() as f64 / 1_000.0;
        seen += sample.devices.iter().map(|device| device.write_bytes_per_s * over_s).sum::<f64>();
        assert!(sample.devices.iter().all(|device| (0.0..=100.0).contains(&device.busy_pct)), "{sample:?}");
    }
    let after = written();
    watching.child.kill().unwrap();
    watching.child.wait().unwrap();
    assert!(seen >= bytes as f64 * 0.9, "{seen} bytes were seen of {bytes}");
    assert!(
        seen <= (after - before) as f64 * 1.05,
        "{seen} bytes seen, the kernel counts {}",
        after - before
    );
}

#[test]
fn services_are_those_of_systemctl() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    let ours = answers::services(&operator.run(&["services", "web", "--json"]).done());
    let list = host.run(&["systemctl", "list-units", "--type=service", "--output=json"]);
    let theirs: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    for unit in ["cron.service", "ssh.service", "systemd-journald.service"] {
        let their = theirs.iter().find(|their| their["unit"] == unit).unwrap();
        let our = ours.iter().find(|our| our.name == unit).unwrap_or_else(|| panic!("{unit} is missing"));
        assert_eq!(
            (our.active_state.as_str(), our.sub_state.as_str()),
            (their["active"].as_str().unwrap(), their["sub"].as_str().unwrap())
        );
        let pid = host.run(&["systemctl", "show", "-P", "MainPID", unit]);
        assert_eq!(our.main_pid, Some(pid.trim().parse().unwrap()), "{unit}");
    }
}
