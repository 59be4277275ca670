//! The process table beside ps(1) and /proc, and signals that hit the one process that is meant.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use protocol::FaultCode;
use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::processes::{Process, ProcessState};
use support::musterctl::Operator;
use support::needs;
use support::places;
use support::process::tool;
use support::sshd::{Sshd, own_user};
use support::wait::{seconds, until};

use crate::answers;

/// A child that ends with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start(program: &str, words: &[&OsStr]) -> Self {
        let child = Command::new(program).args(words).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(child.unwrap())
    }

    fn sleep() -> Self {
        Self::start("sleep", &["600".as_ref()])
    }

    /// A process with any name, and any word in its command line.
    fn named(name: &[u8], word: &[u8]) -> Self {
        let script = "printf %s \"$1\" > /proc/$$/comm; while :; do sleep 1; done";
        let words = ["-c".as_ref(), script.as_ref(), OsStr::from_bytes(word), OsStr::from_bytes(name)];
        let sleeper = Self::start("sh", &words);
        let comm = format!("/proc/{}/comm", sleeper.pid());
        until("the process to have its name", seconds(10), || {
            std::fs::read(&comm).unwrap().starts_with(name).then_some(())
        });
        sleeper
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn processes(operator: &Operator, host: &str, more: &[&str]) -> Vec<Process> {
    let words = [&["processes", host, "--json"], more].concat();
    answers::processes(&operator.run(&words).done())
}

fn find(processes: &[Process], pid: u32) -> &Process {
    processes.iter().find(|process| process.pid == pid).unwrap_or_else(|| panic!("PID {pid} is missing"))
}

/// Field of `/proc/PID/stat` by its number in proc_pid_stat(5); `None` if the process is gone.
fn stat_field(pid: u32, number: usize) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let rest = stat.rsplitn(2, |byte| *byte == b')').next()?.to_owned();
    String::from_utf8(rest).ok()?.split_whitespace().nth(number - 3)?.parse().ok()
}

/// What ps(1) says, by PID and the second of the start.
fn ps() -> BTreeMap<(u32, String), Vec<String>> {
    let text = tool("ps", &["-ewwo", "pid=,lstart=,ppid=,euid=,ni=,nlwp=,comm="]);
    let rows = text.lines().map(|line| {
        let mut words = line.split_whitespace();
        let pid = words.next().unwrap().parse().unwrap();
        let started = words.by_ref().take(5).collect::<Vec<_>>().join(" ");
        let mut fields: Vec<String> = words.by_ref().take(4).map(str::to_owned).collect();
        fields.push(words.collect::<Vec<_>>().join(" "));
        ((pid, started), fields)
    });
    rows.collect()
}

fn operator_over(sshd: &Sshd, more: &[&str]) -> Operator {
    let operator = Operator::without_keyring();
    let dir = sshd.home().join("muster");
    let words = [&["--helper-dir", dir.to_str().unwrap()], more].concat();
    operator.add_trusted("web", "127.0.0.1", sshd.port(), &own_user(), &sshd.key(), &words);
    operator
}

#[test]
fn the_table_is_that_of_ps() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = operator_over(&sshd, &[]);
    let sleeper = Sleeper::sleep();
    for host in ["local", "web"] {
        let before = ps();
        let ours = processes(&operator, host, &["--sort", "pid"]);
        let after = ps();
        assert!(ours.windows(2).all(|pair| pair[0].pid < pair[1].pid), "each PID once, in order");
        let mut compared = 0;
        for ((pid, started), fields) in &before {
            // Of the two lines that are the same, what is between them is the same too.
            if after.get(&(*pid, started.clone())) != Some(fields) {
                continue;
            }
            let our = find(&ours, *pid);
            let told = [our.ppid.to_string(), our.uid.to_string(), our.nice.to_string()];
            for (ours, theirs) in told.iter().zip(fields) {
                // For a real-time process ps gives a dash as its nice value.
                assert!(ours == theirs || theirs == "-", "{host}: ps has {fields:?} for {our:?}");
            }
            // Other programs may start and end a thread between two looks.
            assert!(*pid != sleeper.pid() || (our.threads, fields[3].as_str()) == (1, "1"), "{our:?}");
            // A worker of the kernel is named anew for each piece of work.
            let is_worker = our.kernel_thread && our.name.starts_with("kworker");
            if !is_worker && our.name.bytes().all(|byte| byte.is_ascii_graphic()) {
                assert!(fields[4].starts_with(&our.name), "{host}: {our:?} is {} for ps", fields[4]);
            }
            compared += 1;
        }
        assert!(compared > 5, "{compared} processes lived through it");
        for our in &ours {
            let known =
                |table: &BTreeMap<(u32, String), Vec<String>>| table.keys().any(|(pid, _)| *pid == our.pid);
            let is_gone = stat_field(our.pid, 22) != Some(our.start_ticks);
            assert!(known(&before) || known(&after) || is_gone, "{host}: nobody else saw {our:?}");
        }
        let kernel: Vec<&Process> = ours.iter().filter(|process| process.kernel_thread).collect();
        assert!(kernel.iter().all(|one| one.command.is_empty() && one.rss_bytes == 0), "{kernel:?}");
    }
}

#[test]
fn names_and_words_of_every_kind_come_as_they_are_and_act_on_no_terminal() {
    let operator = Operator::without_keyring();
    let brackets = Sleeper::named(b") R 1 (\n", b"plain");
    let escapes = Sleeper::named(b"\x1b[2J\x1b]0;x\x07", b"\x1b[31mred \xe2\x80\xae turned");
    let broken = Sleeper::named(b"\xff\xfe name", b"\xc3\x28");
    let ours = processes(&operator, "local", &[]);
    let one = find(&ours, brackets.pid());
    assert_eq!((one.name.as_str(), one.ppid, one.lossy), (") R 1 (\n", std::process::id(), false));
    assert_eq!(Some(one.start_ticks), stat_field(brackets.pid(), 22));
    assert!(one.command.contains(" plain "), "{one:?}");
    let two = find(&ours, escapes.pid());
    assert_eq!((two.name.as_str(), two.lossy), ("\u{1b}[2J\u{1b}]0;x\u{7}", false));
    assert!(two.command.contains(" \u{1b}[31mred \u{202e} turned "), "{two:?}");
    let three = find(&ours, broken.pid());
    assert_eq!((three.name.as_str(), three.lossy), ("\u{fffd}\u{fffd} name", true), "marked, not hidden");
    assert!(three.command.contains(" \u{fffd}( "), "{three:?}");
    let shown = operator.run(&["processes", "local"]).done().stdout;
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "a terminal is not the process's to write to");
    assert!(shown.contains("\\x1b[31mred \\u{202e} turned"), "{shown}");
}

#[test]
fn a_query_a_sort_and_a_limit_choose_the_rows_and_what_is_left_out_is_counted() {
    let operator = Operator::without_keyring();
    let mut busy = Sleeper::start("sh", &["-c".as_ref(), "while :; do :; done".as_ref()]);
    let sleeper = Sleeper::start("sleep", &["612.345".as_ref()]);
    let ours = processes(&operator, "local", &["--query", "sleep 612.345"]);
    assert!(ours.iter().any(|process| process.pid == sleeper.pid()), "{ours:?}");
    let by_cpu = processes(&operator, "local", &["--sort", "cpu", "--limit", "15"]);
    let one = find(&by_cpu, busy.pid());
    assert!(one.cpu_pct.is_some_and(|pct| pct > 3.0) && busy.lives(), "a loop is busy: {one:?}");
    assert!(by_cpu.windows(2).all(|pair| pair[0].cpu_pct >= pair[1].cpu_pct));
    let by_rss = processes(&operator, "local", &["--sort", "rss", "--limit", "3"]);
    assert!(by_rss.len() == 3 && by_rss.windows(2).all(|pair| pair[0].rss_bytes >= pair[1].rss_bytes));
    let shown = operator.run(&["processes", "local", "--limit", "2"]).done().stdout;
    assert!(shown.contains("2 of ") && shown.contains(" more were left out"), "{shown}");
}

#[test]
fn a_signal_is_in_the_log_with_what_the_process_did_about_it() {
    let operator = Operator::without_keyring();
    let mut sleeper = Sleeper::sleep();
    let pid = sleeper.pid().to_string();
    let stopped: Operation = operator.run(&["signal", "local", &pid, "SIGSTOP", "--json"]).done().value();
    assert!(stopped.summary.ends_with("it is stopped"), "{stopped:?}");
    let row = processes(&operator, "local", &["--query", &pid]);
    assert_eq!(find(&row, sleeper.pid()).state, ProcessState::Stopped);
    operator.run(&["signal", "local", &pid, "18"]).done();
    let ended: Operation = operator.run(&["signal", "local", &pid, "term", "--json"]).done().value();
    assert_eq!((ended.kind, ended.result), (OperationKind::Signal, OperationResult::Done));
    assert!(
        ended.summary.contains("TERM to sleep") && ended.summary.contains("it ended within"),
        "{ended:?}"
    );
    assert_eq!((ended.target.as_str(), ended.output.as_str()), (&*format!("{pid} (sleep)"), "sleep 600"));
    assert!(!sleeper.lives());
    let log = answers::operations(&operator);
    assert_eq!(log.iter().filter(|entry| entry.kind == OperationKind::Signal).count(), 3);
    operator.run(&["signal", "local", &pid, "TERM"]).refused(2, &[&pid, "nothing was sent"]);
    operator.run(&["signal", "local", "1", "TERM"]).refused(2, &["PID 1"]);
    operator.run(&["signal", "local", &pid, "SIGWHAT"]).refused(2, &["SIGWHAT", "TERM"]);
}

#[test]
fn a_signal_over_ssh_asks_for_the_name_of_a_prod_host() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let operator = operator_over(&sshd, &["--tag", "prod"]);
    let mut sleeper = Sleeper::sleep();
    let pid = sleeper.pid().to_string();
    let fault = operator.run(&["signal", "web", &pid, "KILL", "--json"]).status_is(2).fault();
    assert_eq!(fault.code, FaultCode::GuardNotMet);
    operator.run(&["signal", "web", &pid, "KILL", "--confirm", "wep"]).refused(2, &["wep"]);
    assert!(sleeper.lives(), "nothing is sent before the name is right");
    operator.run(&["signal", "web", &pid, "KILL", "--confirm", "web"]).done();
    assert!(!sleeper.lives());
}

#[test]
fn a_process_of_another_user_is_not_signalled_and_the_reason_is_said() {
    needs!(Root);
    let mut sleeper = Sleeper::sleep();
    let pid = sleeper.pid().to_string();
    let place = Nobodys::new();
    let ran = place.run("", &["signal", "local", &pid, "KILL", "--json"]);
    assert_eq!(ran.status.code(), Some(7), "{ran:?}");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("not_permitted") && said.contains("runs as root"), "{said}");
    assert!(sleeper.lives());
}

#[test]
fn a_pid_that_was_given_to_another_process_is_left_alone() {
    needs!(NextPid);
    let operator = Operator::without_keyring();
    let (mut second, first_ticks) = reuse_a_pid();
    let pid = second.pid().to_string();
    let fault = operator
        .run(&["signal", "local", &pid, "KILL", "--started", &first_ticks.to_string(), "--json"])
        .status_is(2)
        .fault();
    assert_eq!(fault.code, FaultCode::ProcessGone, "{fault:?}");
    assert!(fault.message.contains("another process now"), "{fault:?}");
    assert!(second.lives(), "the process that has the PID now has nothing to do with it");
    let ticks = stat_field(second.pid(), 22).unwrap().to_string();
    operator.run(&["signal", "local", &pid, "KILL", "--started", &ticks]).done();
    assert!(!second.lives());
}

/// A process that has the PID of one that ended, and the start time of that one.
fn reuse_a_pid() -> (Sleeper, u64) {
    for _ in 0..200 {
        let first = Sleeper::sleep();
        let (pid, ticks) = (first.pid(), stat_field(first.pid(), 22).unwrap());
        drop(first);
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
        let second = Sleeper::sleep();
        if second.pid() == pid {
            return (second, ticks);
        }
    }
    panic!("other programs of this machine took every PID before it could be given again");
}

#[test]
fn five_hundred_forks_a_second_double_nothing_and_invent_nothing() {
    let operator = Operator::without_keyring();
    // Some become another program, as a shell's children do.
    let script = "while (1) { for (1..20) { fork or ($_ % 10 ? exit : exec '/bin/true') } 1 while wait > 0 }";
    let live: Vec<Sleeper> = (0..20).map(|_| Sleeper::sleep()).collect();
    let storms: Vec<Sleeper> =
        (0..4).map(|_| Sleeper::start("perl", &["-e".as_ref(), script.as_ref()])).collect();
    let (began, forks) = (std::time::Instant::now(), count_forks());
    for _ in 0..5 {
        let ours = processes(&operator, "local", &["--sort", "pid"]);
        assert!(ours.windows(2).all(|pair| pair[0].pid < pair[1].pid), "each PID once");
        for our in &ours {
            assert!(!our.name.is_empty() && our.start_ticks > 0 || our.pid <= 2, "{our:?}");
            assert!(our.cpu_pct.is_none_or(|pct| (0.0..=100.0 * 4096.0).contains(&pct)), "{our:?}");
            // Whoever has that PID and start time is the same process, with the same parent and user.
            if stat_field(our.pid, 22) == Some(our.start_ticks)
                && let (Some(ppid), Some(uid)) = (stat_field(our.pid, 4), effective_uid(our.pid))
                && stat_field(our.pid, 22) == Some(our.start_ticks)
            {
                assert!(u64::from(our.ppid) == ppid || ppid <= 1, "{our:?} has the parent {ppid}");
                assert_eq!(our.uid, uid, "{our:?}");
            }
        }
        storms.iter().for_each(|storm| assert_eq!(find(&ours, storm.pid()).ppid, std::process::id()));
        live.iter().for_each(|one| assert_eq!(find(&ours, one.pid()).name, "sleep", "what lives is there"));
    }
    let a_second = (count_forks() - forks) as f64 / began.elapsed().as_secs_f64();
    println!("{a_second:.0} processes a second");
    assert!(a_second > 500.0, "this machine made only {a_second:.0} processes a second");
}

/// Processes that were ever begun here: proc_stat(5).
fn count_forks() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    stat.lines().find_map(|line| line.strip_prefix("processes ")).unwrap().parse().unwrap()
}

fn effective_uid(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("Uid:"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

#[test]
fn whose_a_socket_of_another_user_is_cannot_be_seen_and_is_counted() {
    needs!(Root);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ran = Nobodys::new().run("", &["sockets", "local", "--query", &port.to_string()]);
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    let row = shown.lines().find(|line| line.contains(&format!("127.0.0.1:{port} "))).unwrap();
    let fields: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(fields[fields.len() - 3..], ["-", "root", "-"], "its user is known, its process not: {row}");
    assert!(shown.contains("belong to other users: root is needed to see whose"), "{shown}");
}

#[test]
fn where_others_are_hidden_the_own_processes_are_shown_and_it_is_said() {
    needs!(Root);
    let place = Nobodys::new();
    let hide = "mount -t proc -o hidepid=2 proc /proc && { sleep 654.321 & };";
    let ran = place.run(hide, &["processes", "local"]);
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{ran:?}");
    assert!(shown.contains("hides the processes of other users"), "{shown}");
    assert!(!shown.contains("654.321"), "a process of root is not nobody's to see: {shown}");
    // musterctl hides its memory from others of its user, and with it, from itself, what it is.
    assert!(shown.contains("muster-helper"), "its own processes are there: {shown}");
    let said = |words: &[&str]| {
        let ran = place.run(hide, words);
        format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr))
    };
    let metrics = said(&["metrics", "local"]);
    assert!(metrics.contains("others are hidden from this user"), "{metrics}");
    let blame = said(&["blame", "local", "--seconds", "3"]);
    assert!(blame.contains("not shown all processes"), "{blame}");
    let signal = said(&["signal", "local", "2", "TERM"]);
    assert!(
        signal.contains("hides the processes of other users") && signal.contains("nothing was sent"),
        "{signal}"
    );
    let all = place.run("", &["processes", "local", "--query", "init"]);
    assert!(!String::from_utf8_lossy(&all.stdout).contains("hides"), "{all:?}");
}

/// The place of the user nobody, who runs musterctl in namespaces of its own.
struct Nobodys(tempfile::TempDir);

impl Nobodys {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("muster-nobody-").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        // The build may lie where nobody must not look.
        let program = folder.path().join("musterctl");
        std::fs::copy(places::program("musterctl"), &program).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        tool("chown", &["65534:65534", home.to_str().unwrap()]);
        Self(folder)
    }

    /// Runs it; with `first`, a line that root's shell runs in new namespaces before.
    fn run(&self, first: &str, words: &[&str]) -> std::process::Output {
        let home: &Path = &self.0.path().join("home");
        let mut command = Command::new(if first.is_empty() { "sh" } else { "unshare" });
        if !first.is_empty() {
            command.args(["--mount", "--pid", "--fork", "--kill-child", "sh"]);
        }
        // Root's shell stays PID 1 of the new namespace.
        let script = format!(
            "{first} setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \"$@\"; exit $?"
        );
        command.args(["-c", &script, "sh"]).arg(self.0.path().join("musterctl")).args(words);
        command.env_clear().env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("HOME", home).env("MUSTER_DATA_DIR", home.join("data")).env("USER", "nobody");
        command.current_dir("/").stdin(Stdio::null()).output().unwrap()
    }
}
