//! The wire over a real sshd: what a connection that breaks, a reader that stops and a reader that is
//! slow come to, and that tables come by what changed in them.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use protocol::FaultCode;
use protocol::delta::{Kept, Taken};
use protocol::processes::{Process, ProcessTable};
use protocol::wire::{Answer, Hello, Line};
use support::musterctl::Operator;
use support::needs;
use support::places;
use support::sshd::{Sshd, own_user};
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};

/// Gone after the connection is.
const GONE: Duration = Duration::from_secs(5);
/// A signal and a wait on a busy machine are not the helper's time.
const SLACK: Duration = Duration::from_secs(2);

fn helper() -> PathBuf {
    places::root().join(format!("remote-helper/built/muster-helper-{}", std::env::consts::ARCH))
}

/// A helper, and who speaks with it.
struct Spoken {
    client: Child,
    from: BufReader<ChildStdout>,
    hello: Hello,
}

impl Spoken {
    fn start(command: &mut Command) -> Self {
        let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut from = BufReader::new(client.stdout.take().unwrap());
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        let Line::Hello(hello) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
        Self { client, from, hello }
    }

    /// Over a real connection, with OpenSSH's client.
    fn over(sshd: &Sshd) -> Self {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
        ssh.args(["-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-i", sshd.key().to_str().unwrap()]);
        ssh.args(["-p", &sshd.port().to_string(), &format!("{}@127.0.0.1", own_user())]);
        Self::start(ssh.arg(format!("exec {} serve", helper().display())))
    }

    fn say(&mut self, line: &str) {
        self.client.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn run(&mut self, id: u64, command: &str) {
        self.say(&serde_json::json!({"id": id, "ask": {"run": {"command": command}}}).to_string());
    }

    fn next(&mut self) -> Line {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line:?}"))
    }

    /// What a command printed.
    fn printed(&mut self, id: u64) -> String {
        loop {
            if let Line::Reply { id: of, answer: Answer::Run(report) } = self.next()
                && of == id
            {
                return report.stdout.head;
            }
        }
    }

    fn signal_client(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.client), signal).unwrap();
    }

    /// Starts a command that would run for ever with another one behind it, and gives that one's PID.
    fn start_sleepers(&mut self, sshd: &Sshd) -> u32 {
        let mark = sshd.folder().join("sleeper");
        let script = format!("trap '' TERM HUP; sleep 600 & echo $! > {}; sleep 601", mark.display());
        self.run(77, &script);
        until("the command to run", seconds(20), || std::fs::read_to_string(&mark).ok()?.trim().parse().ok())
    }
}

impl Drop for Spoken {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Resident memory in KiB, and clock ticks of CPU.
fn cost(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    (rss.trim().trim_end_matches(" kB").parse().unwrap(), ticks)
}

fn gone_in_time(what: &str, begun: Instant, pids: &[u32]) {
    until(what, GONE + SLACK, || pids.iter().all(|pid| !lives(*pid)).then_some(()));
    assert!(begun.elapsed() < GONE + SLACK, "{what}: {:?}", begun.elapsed());
}

#[test]
fn a_connection_that_is_killed_ends_the_helper_and_what_it_started() {
    needs!(Sshd);
    let sshd = Sshd::start();
    for by_the_client in [false, true] {
        let mut spoken = Spoken::over(&sshd);
        let sleeper = spoken.start_sleepers(&sshd);
        spoken.say(r#"{"id":2,"ask":{"processes":{"interval_ms":200}}}"#);
        spoken.next();
        let begun = Instant::now();
        if by_the_client {
            spoken.signal_client(rustix::process::Signal::KILL);
        } else {
            sshd.cut_connections();
        }
        gone_in_time("the helper and its command to be gone", begun, &[spoken.hello.pid, sleeper]);
        std::fs::remove_file(sshd.folder().join("sleeper")).unwrap();
    }
}

#[test]
fn a_reader_that_stops_costs_the_host_nothing_gets_the_newest_later_and_ends_the_helper_when_killed() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let mut spoken = Spoken::over(&sshd);
    let pid = spoken.hello.pid;
    let sleeper = spoken.start_sleepers(&sshd);
    spoken.say(r#"{"id":2,"ask":{"processes":{"interval_ms":200}}}"#);
    spoken.say(r#"{"id":3,"ask":{"metrics":{"interval_ms":200}}}"#);
    let mut kept = Kept::<ProcessTable>::default();
    let mut lines = 0;
    let mut take = |line: Line, kept: &mut Kept<ProcessTable>| {
        if let Line::Push { id: 2, seq, answer: Answer::ProcessNews(news) } = line {
            assert_eq!(kept.take(seq, *news), Taken::Current, "line {seq}");
            lines += 1;
        }
        lines
    };
    while take(spoken.next(), &mut kept) < 3 {}
    // More than all buffers between the two hold, once the reader has stopped.
    for id in 100..150 {
        spoken.run(id, "sleep 2; head -c 120000 /dev/zero");
    }
    std::thread::sleep(Duration::from_millis(500));
    spoken.signal_client(rustix::process::Signal::STOP);
    let mut last = cost(pid);
    let (before_kib, before_ticks) = until("all buffers to be full", Duration::from_secs(60), || {
        std::thread::sleep(Duration::from_secs(3));
        let now = cost(pid);
        let is_still = now.0 == last.0 && now.1 <= last.1 + 15;
        last = now;
        is_still.then_some(now)
    });
    std::thread::sleep(Duration::from_secs(4));
    let (after_kib, after_ticks) = cost(pid);
    assert!(lives(pid), "a reader that only stopped may come back");
    assert!(after_kib < 40 << 10, "resident {before_kib} KiB, then {after_kib} KiB");
    assert!(after_kib <= before_kib + 512, "nothing piles up: {before_kib} KiB, then {after_kib} KiB");
    assert!(
        after_ticks <= before_ticks + 20,
        "nothing is read for nobody: {} ticks",
        after_ticks - before_ticks
    );

    let born = Command::new("sleep").arg("612").spawn().unwrap();
    spoken.signal_client(rustix::process::Signal::CONT);
    let begun = Instant::now();
    let is_there = |kept: &Kept<ProcessTable>| kept.table().processes.iter().any(|one| one.pid == born.id());
    let mut seen = 0;
    while !is_there(&kept) {
        seen = take(spoken.next(), &mut kept);
    }
    let mut born = born;
    born.kill().unwrap();
    born.wait().unwrap();
    assert!(begun.elapsed() < seconds(20), "{:?}", begun.elapsed());
    assert!(seen < 30, "{seen} lines of the 50 that were due: those in between were never made");

    for id in 200..250 {
        spoken.run(id, "sleep 1; head -c 120000 /dev/zero");
    }
    std::thread::sleep(Duration::from_millis(300));
    spoken.signal_client(rustix::process::Signal::STOP);
    std::thread::sleep(Duration::from_secs(3));
    let begun = Instant::now();
    spoken.signal_client(rustix::process::Signal::KILL);
    gone_in_time("the helper to be gone though its output was blocked", begun, &[pid, sleeper]);
}

#[test]
fn a_helper_that_is_started_with_a_question_answers_it_before_it_reads_a_word() {
    let asked = serde_json::json!({"id": 7, "ask": {"metrics": {"interval_ms": 1_000}}}).to_string();
    let mut spoken = Spoken::start(Command::new(helper()).args(["serve", &asked]));
    for due in 1..=2 {
        let line = spoken.next();
        let Line::Push { id: 7, seq, answer: Answer::Metrics(_) } = line else { panic!("{line:?}") };
        assert_eq!(seq, due);
    }
    spoken.run(8, "echo heard");
    assert_eq!(spoken.printed(8).trim(), "heard", "and what comes on stdin after it");
    let mut spoken = Spoken::start(Command::new(helper()).args(["serve", "no request"]));
    let line = spoken.next();
    assert!(matches!(&line, Line::Fault { id: 0, fault } if fault.code == FaultCode::BadInput), "{line:?}");
}

#[test]
fn the_helper_gives_way_to_its_host_and_what_it_runs_for_a_person_does_not() {
    let script = "nice; cat /proc/self/oom_score_adj; (cat /proc/self/oom_score_adj); ionice; \
                  ps -o ni= -p $PPID; cat /proc/$PPID/oom_score_adj; ionice -p $PPID";
    let is_root = rustix::process::geteuid().is_root();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("muster-helper");
    std::fs::copy(helper(), &copy).unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for unprivileged in [false, true] {
        if unprivileged && !is_root {
            continue;
        }
        let mut command = Command::new(&copy);
        command.arg("serve").current_dir("/");
        if unprivileged {
            command.uid(65_534).gid(65_534);
        }
        let mut spoken = Spoken::start(&mut command);
        spoken.run(1, script);
        let printed = spoken.printed(1);
        let lines: Vec<&str> = printed.lines().map(str::trim).collect();
        let own_nice = Command::new("nice").output().unwrap().stdout;
        let own_nice = String::from_utf8(own_nice).unwrap().trim().to_owned();
        let own_score = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim().to_owned();
        assert_eq!(lines[..3], [&*own_nice, &own_score, &own_score], "{printed}");
        assert!(lines[3].starts_with("none"), "{printed}");
        let lower = (own_nice.parse::<i32>().unwrap() + 10).min(19).to_string();
        assert_eq!(lines[4..6], [&*lower, "1000"], "{printed}");
        assert_eq!(lines[6], "best-effort: prio 7", "{printed}");
    }
}

#[test]
fn a_table_that_is_watched_follows_the_host_and_goes_on_after_a_cut() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = Operator::without_keyring();
    let dir = sshd.home().join("muster");
    let more = ["--helper-dir", dir.to_str().unwrap()];
    operator.add_trusted("web", "127.0.0.1", sshd.port(), &own_user(), &sshd.key(), &more);
    let words = ["processes", "web", "--query", "sleep 613", "--watch", "--interval-ms", "300", "--json"];
    let mut watching = operator.start(&words);
    let mut from = BufReader::new(watching.child.stdout.take().unwrap());
    let mut follow = |what: &str, wanted: &dyn Fn(&[Process]) -> bool| {
        let begun = Instant::now();
        loop {
            let mut line = String::new();
            assert!(from.read_line(&mut line).unwrap() > 0, "it ended while it was to show {what}");
            let rows: Vec<Process> = serde_json::from_str(&line).unwrap();
            if wanted(&rows) {
                return;
            }
            assert!(begun.elapsed() < seconds(30), "waited in vain for {what}: {line}");
        }
    };
    let mut born = Command::new("sleep").arg("613").spawn().unwrap();
    let pid = born.id();
    follow("a process that was born", &|rows| rows.iter().any(|row| row.pid == pid));
    born.kill().unwrap();
    born.wait().unwrap();
    follow("that it is gone", &|rows| rows.iter().all(|row| row.pid != pid));
    let mut quiet = Command::new("sleep").arg("613").spawn().unwrap();
    sshd.cut_connections();
    let pid = quiet.id();
    follow("what came while nothing was heard", &|rows| rows.iter().any(|row| row.pid == pid));
    quiet.kill().unwrap();
    quiet.wait().unwrap();
    follow("that this is gone too", &|rows| rows.iter().all(|row| row.pid != pid));
    drop(watching.child.kill());
    drop(watching.child.wait());
}

#[test]
fn a_helper_that_is_killed_leaves_nothing_that_listens_to_the_journal() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let quiet = ["journal", "web", "--unit", "never-says-anything.service", "--follow"];
    let mut following = operator.start(&quiet);
    // By its words, since another test may follow the journal of the same host.
    let pids = |words: &str| host.try_run(&["pgrep", "-f", words]).stdout;
    // Not the one that reads the page shown before it follows: that ends by itself at once.
    let listener = "^[^ ]*journalctl .*never-says-anything.* --follow";
    until("the journal to be listened to", seconds(30), || (!pids(listener).is_empty()).then_some(()));
    let pid = String::from_utf8(pids(listener)).unwrap().trim().to_owned();
    let helper = host.run(&["ps", "-o", "ppid=", "-p", &pid]).trim().to_owned();
    host.run(&["kill", "-KILL", &helper]);
    until("nobody to listen any more", GONE, || pids(listener).is_empty().then_some(()));
    drop(following.child.kill());
    drop(following.child.wait());
}
