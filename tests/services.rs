//! Units of a real systemd: what is listed, what is said the moment it changes, and who may act.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use protocol::FaultCode;
use protocol::delta::{Kept, News, Taken};
use protocol::operations::{Operation, OperationResult};
use protocol::services::{NoteKind, Outcome, Service, ServiceImpact, ServiceTable, Told};
use protocol::wire::{Answer, Ask, Line, Request};
use support::debian::Init;
use support::musterctl::Operator;
use support::needs;
use support::places;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};

/// A helper on the host that was asked for its units, and the table that it tells.
struct Watched {
    helper: Child,
    lines: Receiver<(Instant, Line)>,
    kept: Kept<ServiceTable>,
}

impl Watched {
    /// The interval is so long that nothing but a change brings a line.
    fn start(host: &SystemdHost) -> Self {
        let helper = places::root().join("remote-helper/built/muster-helper-x86_64");
        fs::copy(helper, host.tree().join("usr/local/bin/muster-helper")).unwrap();
        let mut command = host.inside(&["muster-helper", "serve"]);
        let mut helper =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let request = Request { id: 1, ask: Ask::Services { interval_ms: Some(600_000) } };
        let line = serde_json::to_string(&request).unwrap() + "\n";
        helper.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        let (tell, lines) = channel();
        let stdout = BufReader::new(helper.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let told = tell.send((Instant::now(), serde_json::from_str(&line).unwrap()));
                if told.is_err() {
                    return;
                }
            }
        });
        let mut watched = Self { helper, lines, kept: Kept::default() };
        watched.next(seconds(30));
        watched
    }

    /// Takes the next line of the table; when it came.
    fn next(&mut self, limit: Duration) -> Option<Instant> {
        let until = Instant::now() + limit;
        while let Ok((at, line)) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if let Line::Push { seq, answer: Answer::ServiceNews(news), .. } = line {
                self.take(seq, *news);
                return Some(at);
            }
        }
        None
    }

    fn take(&mut self, seq: u64, news: News<ServiceTable>) {
        let taken = self.kept.take(seq, news);
        assert!(taken == Taken::Current, "no line is lost on a pipe: {taken:?}");
    }

    fn find(&self, name: &str) -> Option<&Service> {
        self.kept.table().services.iter().find(|service| service.name == name)
    }

    /// Takes lines until it is as wanted; how long that took since `since`.
    #[track_caller]
    fn wait(&mut self, what: &str, since: Instant, is_so: impl Fn(&Self) -> bool) -> Duration {
        loop {
            match self.next(seconds(20)) {
                Some(at) if is_so(self) => return at.saturating_duration_since(since),
                Some(_) => {}
                None => panic!("nothing was told of {what}; the notes are {:?}", self.kept.table().notes),
            }
        }
    }

    /// Takes what is told in this time.
    fn settle(&mut self, quiet: Duration) -> usize {
        let mut lines = 0;
        while self.next(quiet).is_some() {
            lines += 1;
            assert!(lines < 100, "the table never comes to rest");
        }
        lines
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        drop(self.helper.stdin.take());
        let _ = self.helper.wait();
    }
}

#[test]
fn a_change_of_a_unit_is_told_within_a_second_and_the_list_is_not_read_for_it() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.add_unit(
        "told.service",
        "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n",
    );
    let mut watched = Watched::start(&host);
    watched.settle(seconds(2));
    assert_eq!(watched.kept.table().notes, Vec::<String>::new());
    let state = |watched: &Watched, name: &str| watched.find(name).map(Service::state).unwrap_or_default();
    assert_eq!(state(&watched, "cron.service"), "active (running)");

    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        for (verb, wanted) in [("stop", "inactive (dead)"), ("start", "active (running)")] {
            for unit in ["cron.service", "told.service"] {
                host.run(&["systemctl", verb, unit]);
                let since = Instant::now();
                if state(&watched, unit) != wanted {
                    let took = watched.wait(unit, since, |watched| state(watched, unit) == wanted);
                    slowest = slowest.max(took);
                }
                let shown = host.run(&["systemctl", "show", "-p", "MainPID", "--value", unit]);
                let pid = shown.trim().parse().ok().filter(|&pid: &u32| pid > 0);
                assert_eq!(watched.find(unit).unwrap().main_pid, pid, "{verb} {unit}");
            }
        }
    }
    println!("the slowest of 20 changes was told {} ms after systemctl came back", slowest.as_millis());
    assert!(slowest < seconds(1), "{slowest:?}");

    // What dies by itself, without systemctl.
    let pid = watched.find("told.service").unwrap().main_pid.unwrap().to_string();
    host.run(&["kill", "-9", &pid]);
    let took = watched
        .wait("the death", Instant::now(), |watched| state(watched, "told.service").starts_with("failed"));
    assert!(took < seconds(1), "{took:?}");
    host.run(&["systemctl", "enable", "told.service"]);
    let is_enabled =
        |watched: &Watched| watched.find("told.service").unwrap().enabled_state.as_deref() == Some("enabled");
    watched.wait("the unit file", Instant::now(), is_enabled);
    // A unit that lives for a moment, and leaves nothing.
    host.run(&["systemd-run", "--unit=moment", "/bin/sleep", "1"]);
    watched.wait("the new unit", Instant::now(), |watched| watched.find("moment.service").is_some());
    watched.wait("its end", Instant::now(), |watched| watched.find("moment.service").is_none());

    // Nothing is asked while nothing changes, and what is asked makes no change of its own.
    watched.settle(seconds(2));
    assert_eq!(watched.settle(seconds(4)), 0, "a quiet host has nothing to tell");
    let table: Vec<Service> =
        operator_on(&host, "root", &[]).run(&["services", "web", "--json"]).done().value();
    let differing: Vec<_> = table
        .iter()
        .filter(|fresh| watched.find(&fresh.name).is_none_or(|kept| kept.state() != fresh.state()))
        .map(|fresh| (&fresh.name, fresh.state(), watched.find(&fresh.name).map(Service::state)))
        .collect();
    // The helper of this last look itself came by a new session.
    assert!(differing.iter().all(|(name, ..)| name.starts_with("user")), "{differing:?}");
}

#[test]
fn musterctl_that_watches_shows_a_change_within_a_second_whatever_its_interval() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = operator_on(&host, "root", &[]);
    let watch = ["services", "web", "--query", "cron.service", "--watch", "--interval-ms", "60000", "--json"];
    let mut running = operator.start(&watch);
    let stdout = BufReader::new(running.child.stdout.take().unwrap());
    let (tell, shown) = channel();
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let services: Vec<Service> = serde_json::from_str(&line).unwrap();
            let state = services.iter().find(|service| service.name == "cron.service").map(Service::state);
            if tell.send((Instant::now(), state.unwrap_or_default())).is_err() {
                return;
            }
        }
    });
    let wait = |wanted: &str| loop {
        let (at, state) = shown.recv_timeout(seconds(30)).unwrap();
        if state == wanted {
            return at;
        }
    };
    wait("active (running)");
    // The first lines of the table are over once the helper has nothing more to say.
    while shown.recv_timeout(seconds(4)).is_ok() {}
    for (verb, wanted) in [("stop", "inactive (dead)"), ("start", "active (running)")] {
        host.run(&["systemctl", verb, "cron.service"]);
        let since = Instant::now();
        let took = wait(wanted).saturating_duration_since(since);
        println!("{verb} was shown {} ms after systemctl came back", took.as_millis());
        assert!(took < seconds(1), "{verb}: {took:?}");
    }
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&running.child),
        rustix::process::Signal::INT,
    )
    .unwrap();
    running.child.wait().unwrap();
}

#[test]
fn a_bus_that_is_restarted_is_heard_again_and_until_then_that_is_said() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let mut watched = Watched::start(&host);
    watched.settle(seconds(2));
    host.run(&["systemctl", "stop", "dbus.socket", "dbus.service"]);
    watched.wait("the loss of the bus", Instant::now(), |watched| !watched.kept.table().notes.is_empty());
    assert!(watched.kept.table().notes[0].contains("not heard"), "{:?}", watched.kept.table().notes);
    assert_eq!(
        watched.kept.table().note_kinds,
        [NoteKind::NotHeard],
        "so that it can be said in any language"
    );
    host.run(&["systemctl", "start", "dbus.socket", "dbus.service"]);
    watched.wait("the bus", Instant::now(), |watched| watched.kept.table().notes.is_empty());
    watched.settle(seconds(2));
    host.run(&["systemctl", "stop", "cron.service"]);
    let is_stopped = |watched: &Watched| watched.find("cron.service").unwrap().active_state == "inactive";
    let took = watched.wait("the stop", Instant::now(), is_stopped);
    assert!(took < seconds(1), "{took:?}");
    // systemd executed anew has another name on the bus.
    host.run(&["systemctl", "daemon-reexec"]);
    watched.settle(seconds(3));
    host.run(&["systemctl", "start", "cron.service"]);
    watched.wait("the start", Instant::now(), |watched| {
        watched.find("cron.service").unwrap().active_state == "active"
    });
}

fn operator_on(host: &SystemdHost, user: &str, more: &[&str]) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, user, &host.key(), more);
    operator
}

#[test]
fn a_user_who_may_not_act_is_told_so_in_the_hosts_own_words_with_what_to_do() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    for user in ["looker", "keeper", "asker"] {
        host.add_user(user);
    }
    host.set_sudoers("keeper ALL=(ALL) NOPASSWD: ALL\nasker ALL=(ALL) ALL");
    let pid = || host.run(&["systemctl", "show", "-p", "MainPID", "--value", "cron.service"]);
    let before = pid();

    let looker = operator_on(&host, "looker", &[]);
    let refused = looker.run(&["service", "web", "restart", "cron.service"]);
    refused.refused(7, &["the host refused it", "cron.service", "set --sudo"]);
    let asker = operator_on(&host, "asker", &["--sudo", "nopasswd"]);
    let refused = asker.run(&["service", "web", "restart", "cron.service"]);
    refused.refused(7, &["asks asker for a password", "--sudo-password-stdin"]);
    let looker = operator_on(&host, "looker", &["--sudo", "nopasswd"]);
    looker
        .run(&["service", "web", "stop", "cron.service"])
        .refused(7, &["sudo", "asks looker for a password"]);
    assert_eq!(pid(), before, "nothing was done");
    let page: serde_json::Value = looker.run(&["operations", "--json"]).done().json();
    assert!(page.to_string().contains("\"refused\""), "the log has it: {page}");

    let keeper = operator_on(&host, "keeper", &["--sudo", "nopasswd"]);
    let ran = keeper.run(&["service", "web", "restart", "cron.service", "--json"]).done();
    let operation: Operation = ran.value();
    assert_eq!(operation.outcome, Some(Outcome::Running));
    assert_eq!(operation.job_result.as_deref(), Some("done"), "also where root has to hear the signals");
    assert_ne!(pid(), before);
}

#[test]
fn where_polkit_decides_its_refusal_is_told_in_words_and_its_rule_is_heeded() {
    needs!(SystemdHost);
    let host = SystemdHost::start_run_by(Init::SystemdWithPolkit);
    for user in ["looker", "keeper"] {
        host.add_user(user);
    }
    let rule = "polkit.addRule(function(action, subject) {\n\
        if (action.id == 'org.freedesktop.systemd1.manage-units' && subject.user == 'keeper'\n\
            && action.lookup('unit') == 'cron.service') { return polkit.Result.YES; }\n});\n";
    host.run(&["mkdir", "-p", "/etc/polkit-1/rules.d"]);
    fs::write(host.tree().join("etc/polkit-1/rules.d/10-tests.rules"), rule).unwrap();
    host.run(&["systemctl", "restart", "polkit.service"]);
    let pid = || host.run(&["systemctl", "show", "-p", "MainPID", "--value", "cron.service"]);
    let before = pid();
    let looker = operator_on(&host, "looker", &[]);
    for verb in ["restart", "stop", "disable"] {
        let refused = looker.run(&["service", "web", verb, "cron.service"]);
        refused.refused(7, &["the host refused it", "cron.service", "set --sudo"]);
    }
    let fault = looker.run(&["service", "web", "restart", "cron.service", "--json"]).status_is(7).fault();
    assert_eq!(fault.code, FaultCode::NotPermitted);
    let cause = fault.detail.cause.unwrap_or_default();
    assert!(cause.contains("nteractive authentication required"), "polkit's own words: {cause}");
    assert_eq!(pid(), before, "nothing was done");
    assert_eq!(host.run(&["systemctl", "is-enabled", "cron.service"]).trim(), "enabled");
    // Whom its rules let act needs no sudo for it, and no more than the rule says.
    let keeper = operator_on(&host, "keeper", &[]);
    let restarted = keeper.run(&["service", "web", "restart", "cron.service", "--json"]);
    // A host that ends a connection says why in its own log alone.
    let own = host.run(&["journalctl", "--no-pager", "-o", "short-precise", "-n", "60"]);
    assert_eq!(restarted.status, 0, "{restarted:?}\n{own}");
    let operation: Operation = restarted.value();
    assert_eq!(operation.outcome, Some(Outcome::Running));
    assert_ne!(pid(), before);
    keeper.run(&["service", "web", "stop", "ssh.service"]).refused(7, &["the host refused it"]);
}

#[test]
fn a_command_whose_own_sudo_is_refused_ran_and_one_that_sudo_refused_did_not() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.add_user("keeper");
    host.add_user("asker");
    host.set_sudoers("keeper ALL=(ALL) NOPASSWD: ALL\nasker ALL=(ALL) ALL");
    let run = |user: &str, command: &str| {
        let operator = operator_on(&host, user, &["--sudo", "nopasswd"]);
        operator.run(&["run", "web", "--sudo", "--json", "--", command])
    };
    // Root runs it, and what it runs as another user is refused there.
    let inner = "touch /root/ran; exec runuser -u asker -- sudo -n true";
    let ran = run("keeper", inner).status_is(1);
    let operation: Operation = ran.value();
    assert_eq!((operation.result, operation.exit_code), (OperationResult::Failed, Some(1)));
    assert!(operation.errors.contains("password is required"), "{operation:?}");
    host.run(&["test", "-e", "/root/ran"]);
    let refused = run("asker", "touch /root/never").status_is(7);
    assert_eq!(refused.fault().code, FaultCode::SudoPasswordMissing);
    assert!(!host.try_run(&["test", "-e", "/root/never"]).status.success());
}

#[test]
fn who_needs_a_unit_and_who_is_connected_to_it_is_told_before_a_stop() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let sleep = "ExecStart=/bin/sleep 1000\n";
    host.add_unit("below.service", &format!("[Service]\n{sleep}"));
    host.add_unit("needs.service", &format!("[Unit]\nRequires=below.service\n[Service]\n{sleep}"));
    host.add_unit(
        "bound.service",
        &format!("[Unit]\nBindsTo=below.service\nAfter=below.service\n[Service]\n{sleep}"),
    );
    host.add_unit("wants.service", &format!("[Unit]\nWants=below.service\n[Service]\n{sleep}"));
    host.run(&["systemctl", "start", "needs.service", "bound.service", "wants.service"]);
    let operator = operator_on(host, "root", &[]);
    let impact = |unit: &str| -> ServiceImpact {
        operator.run(&["service", "web", "impact", unit, "--json"]).done().value()
    };
    let below = impact("below.service");
    let dependents: Vec<_> =
        below.dependents.iter().map(|one| (one.unit.as_str(), one.stops_with_it)).collect();
    assert_eq!(dependents, [("bound.service", true), ("needs.service", true), ("wants.service", false)]);
    assert_eq!((below.clients.len(), below.state.state().as_str()), (0, "active (running)"));
    assert!(below.dependents_known && below.clients_told == Told::All, "root sees all: {below:?}");
    // It is true: these stop with it, and that one goes on.
    host.run(&["systemctl", "stop", "below.service"]);
    let states = ["needs.service", "bound.service", "wants.service"].map(|unit| {
        String::from_utf8(host.try_run(&["systemctl", "is-active", unit]).stdout).unwrap().trim().to_owned()
    });
    assert_eq!(states, ["inactive", "inactive", "active"]);
    host.run(&["systemctl", "stop", "wants.service"]);

    // This test's own connections are clients of sshd.
    let first = std::net::TcpStream::connect((host.address(), 22)).unwrap();
    let second = std::net::TcpStream::connect((host.address(), 22)).unwrap();
    let ssh = impact("ssh.service");
    let own = first.local_addr().unwrap().ip().to_string();
    let client = ssh.clients.iter().find(|client| client.peer == own && client.local_port == 22).unwrap();
    assert!(client.connections >= 3, "two here and the one of musterctl: {ssh:?}");
    assert!(ssh.state.listens.iter().any(|port| port.ends_with(":22")), "{ssh:?}");
    drop((first, second));
    let words = operator.run(&["service", "web", "impact", "ssh.service"]).done().stdout;
    assert!(words.contains("is connected to port 22"), "{words}");
}

#[test]
fn units_are_listed_with_all_that_systemd_tells_of_them() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    host.add_unit("listed.socket", "[Socket]\nListenStream=127.0.0.1:7777\nAccept=yes\n");
    host.add_unit("listed@.service", "[Service]\nExecStart=/bin/cat\n");
    host.add_unit("listed.timer", "[Timer]\nOnCalendar=yearly\nUnit=listed-job.service\n");
    host.add_unit(
        "listed-job.service",
        "[Unit]\nDescription=Job of the timer\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    host.run(&["systemctl", "start", "listed.socket", "listed.timer", "listed-job.service"]);
    let services: Vec<Service> =
        operator_on(host, "root", &[]).run(&["services", "web", "--json"]).done().value();
    let find = |name: &str| {
        services.iter().find(|service| service.name == name).unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(find("listed.socket").state(), "active (listening)");
    assert_eq!(find("listed.timer").state(), "active (waiting)");
    let root = find("-.mount");
    assert_eq!((root.load_state.as_str(), root.state().as_str()), ("loaded", "active (mounted)"));
    let job = find("listed-job.service");
    assert_eq!((job.load_state.as_str(), job.state().as_str()), ("loaded", "active (running)"));
    assert_eq!(
        (job.description.as_str(), job.enabled_state.as_deref()),
        ("Job of the timer", Some("static"))
    );
    let show = |key: &str| host.run(&["systemctl", "show", "-p", key, "--value", "listed-job.service"]);
    assert_eq!(job.main_pid.map(|pid| pid.to_string()).as_deref(), Some(show("MainPID").trim()));
    let since = host.run(&["date", "-d", show("ActiveEnterTimestamp").trim(), "+%s"]);
    assert_eq!(job.since_ms.map(|ms| ms / 1_000), since.trim().parse().ok());
    // A kernel that keeps no account of memory has none to tell.
    let memory = show("MemoryCurrent");
    assert_eq!(job.memory_bytes.is_some(), memory.trim().parse::<u64>().is_ok(), "{memory}");
    until("the job to be stopped", seconds(30), || {
        host.try_run(&["systemctl", "stop", "listed-job.service", "listed.timer", "listed.socket"])
            .status
            .success()
            .then_some(())
    });
}
