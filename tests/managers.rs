//! Services of OpenRC, SysV init and supervisord, on hosts that these really run: what is listed is
//! what is, and what came of an action is looked at.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use protocol::operations::Operation;
use protocol::services::{Outcome, Service};
use support::debian::Init;
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};

fn operator_on(host: &SystemdHost) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    operator
}

fn list(operator: &Operator) -> Vec<Service> {
    operator.run(&["services", "web", "--json"]).done().value()
}

#[track_caller]
fn find<'a>(services: &'a [Service], name: &str) -> &'a Service {
    let names = || services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>();
    services
        .iter()
        .find(|service| service.name == name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", names()))
}

/// Without the helper each service has the same state; what its script would have to be asked for is
/// unknown then.
fn same_without_the_helper(host: &SystemdHost) -> Vec<Service> {
    let operator = operator_on(host);
    operator.add_trusted("bare", &host.address(), 22, "root", &host.key(), &["--helper", "none"]);
    let placed = list(&operator);
    let bare: Vec<Service> = operator.run(&["services", "bare", "--json"]).done().value();
    for one in &placed {
        let same = find(&bare, &one.name);
        if same.active_state != "unknown" {
            assert_eq!((same.state(), same.main_pid), (one.state(), one.main_pid), "{}", one.name);
        }
        assert_eq!((&same.enabled_state, &same.description), (&one.enabled_state, &one.description));
    }
    assert_eq!(bare.len(), placed.len(), "{bare:?}");
    bare
}

#[track_caller]
fn act(operator: &Operator, verb: &str, name: &str, outcome: Outcome) -> Operation {
    let ran = operator.run(&["service", "web", verb, name, "--json"]);
    let operation: Operation = ran.value();
    assert_eq!(operation.outcome, Some(outcome), "{verb} {name}: {operation:#?}");
    operation
}

fn add_script(host: &SystemdHost, name: &str, text: &str) {
    let path = host.tree().join("etc/init.d").join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn pid_in(host: &SystemdHost, file: &str) -> u32 {
    host.run(&["cat", file]).trim().parse().unwrap()
}

#[test]
fn openrc_tells_its_services_and_what_came_of_an_action() {
    needs!(SystemdHost);
    let host = SystemdHost::start_run_by(Init::OpenRc);
    let daemon = "#!/sbin/openrc-run\ndescription=\"A daemon of the test\"\ncommand=/bin/sleep\n";
    let background = "command_background=true\n";
    // OpenRC takes one that has ended for one that runs until its init has waited for it, and fails to start
    // another: a busy machine needs a moment.
    let reaped = "stop_post() {\n    sleep 1\n}\n";
    add_script(
        &host,
        "own",
        &format!("{daemon}command_args=1000\n{background}pidfile=/run/own.pid\n{reaped}"),
    );
    add_script(&host, "dies", &format!("{daemon}command_args=0.5\n{background}pidfile=/run/dies.pid\n"));
    add_script(&host, "cannot", "#!/sbin/openrc-run\nstart() {\n    eerror \"not today\"\n    return 1\n}\n");
    let operator = operator_on(&host);

    let services = list(&operator);
    let cron = find(&services, "openrc:cron");
    assert_eq!((cron.state().as_str(), cron.enabled_state.as_deref()), ("active (started)", Some("enabled")));
    assert_eq!(cron.main_pid, Some(pid_in(&host, "/run/crond.pid")));
    assert!(cron.description.contains("background program"), "{}", cron.description);
    let own = find(&services, "openrc:own");
    assert_eq!((own.state().as_str(), own.main_pid), ("inactive (stopped)", None));
    assert_eq!(
        (own.description.as_str(), own.enabled_state.as_deref()),
        ("A daemon of the test", Some("disabled"))
    );
    assert_eq!(own.memory_bytes, None, "OpenRC does not tell it");

    let started = act(&operator, "start", "openrc:own", Outcome::Running);
    let pid = started.after.unwrap().main_pid;
    assert_eq!(pid, Some(pid_in(&host, "/run/own.pid")));
    assert_eq!(started.command, "rc-service own start");
    let again = act(&operator, "restart", "openrc:own", Outcome::Running);
    assert_eq!(again.before.unwrap().main_pid, pid);
    assert_eq!(again.after.unwrap().main_pid, Some(pid_in(&host, "/run/own.pid")));
    let stopped = act(&operator, "stop", "openrc:own", Outcome::Stopped);
    assert_eq!(stopped.after.unwrap().sub_state, "stopped");
    // A script of LSB, which OpenRC runs as well.
    let cron = act(&operator, "restart", "openrc:cron", Outcome::Running);
    assert_ne!(cron.before.unwrap().main_pid, cron.after.unwrap().main_pid);

    act(&operator, "start", "openrc:own", Outcome::Running);
    let bare = same_without_the_helper(&host);
    assert_eq!(find(&bare, "openrc:own").main_pid, Some(pid_in(&host, "/run/own.pid")));

    // OpenRC itself says that this one was started.
    let dead = act(&operator, "start", "openrc:dies", Outcome::Failed);
    assert_eq!((dead.exit_code, dead.after.unwrap().sub_state.as_str()), (Some(0), "crashed"));
    assert_eq!(find(&list(&operator), "openrc:dies").state(), "failed (crashed)");
    let refused = act(&operator, "start", "openrc:cannot", Outcome::Failed);
    assert!(refused.output.contains("not today"), "its own words: {}", refused.output);

    operator.run(&["service", "web", "start", "openrc:none"]).refused(2, &["openrc:none"]);
    operator.run(&["service", "web", "restart", "cron.service"]).refused(1, &["systemd"]);
    operator.run(&["service", "web", "enable", "openrc:cron"]).refused(2, &["rc-update add cron"]);
}

#[test]
fn sysv_init_tells_what_its_scripts_tell() {
    needs!(SystemdHost);
    let host = SystemdHost::start_run_by(Init::SysV);
    let header = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: x\n# Short-Description: A daemon of the test\n### END INIT INFO\n";
    let daemon = |arguments: &str| {
        format!(
            "{header}PIDFILE=/run/test-daemon.pid\ncase \"$1\" in\n\
             start) start-stop-daemon -S -b -m -p $PIDFILE -x /bin/sleep -- {arguments} ;;\n\
             stop) start-stop-daemon -K -o -p $PIDFILE; rm -f $PIDFILE ;;\n\
             restart) $0 stop; $0 start ;;\n\
             status) start-stop-daemon -T -p $PIDFILE ;;\nesac\n"
        )
    };
    add_script(&host, "own", &daemon("1000"));
    add_script(&host, "dies", &daemon("0.5").replace("test-daemon", "dying"));
    add_script(&host, "blind", &format!("{header}case \"$1\" in start) true ;; stop) true ;; esac\n"));
    let operator = operator_on(&host);

    let services = list(&operator);
    let cron = find(&services, "sysv:cron");
    assert_eq!((cron.state().as_str(), cron.enabled_state.as_deref()), ("active (running)", Some("enabled")));
    assert_eq!(cron.main_pid, Some(pid_in(&host, "/run/crond.pid")));
    let own = find(&services, "sysv:own");
    assert_eq!((own.active_state.as_str(), own.main_pid, own.since_ms), ("inactive", None, None));
    assert_eq!(own.enabled_state.as_deref(), Some("disabled"));
    assert_eq!(find(&services, "sysv:blind").active_state, "unknown", "it knows no status");

    let started = act(&operator, "start", "sysv:own", Outcome::Running);
    assert_eq!(started.after.unwrap().main_pid, Some(pid_in(&host, "/run/test-daemon.pid")));
    assert_eq!(started.command, "/etc/init.d/own start");
    let again = act(&operator, "restart", "sysv:own", Outcome::Running);
    assert_ne!(again.before.unwrap().main_pid, again.after.unwrap().main_pid);
    let bare = same_without_the_helper(&host);
    assert_eq!(find(&bare, "sysv:own").main_pid, Some(pid_in(&host, "/run/test-daemon.pid")));
    assert_eq!(find(&bare, "sysv:blind").state(), "unknown (no status)");
    act(&operator, "stop", "sysv:own", Outcome::Stopped);
    let dead = act(&operator, "start", "sysv:dies", Outcome::Failed);
    assert_eq!((dead.exit_code, dead.after.unwrap().active_state.as_str()), (Some(0), "failed"));
    act(&operator, "start", "sysv:blind", Outcome::Unknown);
}

#[test]
fn supervisord_tells_its_programs_beside_the_services_of_the_host() {
    needs!(SystemdHost);
    let host = SystemdHost::start_run_by(Init::SysV);
    let program = |name: &str, more: &str| format!("[program:{name}]\nautostart=false\n{more}");
    let programs = [
        program("stays", "command=/bin/sleep 1000\n"),
        program(
            "pair",
            "command=/bin/sleep 1000\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)02d\n",
        ),
        program("dies", "command=/bin/sh -c 'sleep 0.2; exit 3'\nstartsecs=0\nautorestart=true\n"),
        program("gone", "command=/no/such/program\n"),
    ];
    fs::write(host.tree().join("etc/supervisor/conf.d/test.conf"), programs.join("\n")).unwrap();
    until("supervisord to answer", seconds(60), || {
        // It may have read the file already when it began.
        host.try_run(&["supervisorctl", "update"]);
        let said = host.try_run(&["supervisorctl", "status", "stays"]).stdout;
        String::from_utf8_lossy(&said).contains("STOPPED").then_some(())
    });
    let operator = operator_on(&host);
    let services = list(&operator);
    assert_eq!(find(&services, "supervisor:stays").state(), "inactive (stopped)");
    assert_eq!(find(&services, "supervisor:stays").enabled_state, None, "supervisorctl does not tell it");
    assert_eq!(find(&services, "sysv:cron").active_state, "active");

    let started = act(&operator, "start", "supervisor:stays", Outcome::Running);
    let after = started.after.unwrap();
    assert_eq!(after.state(), "active (running)");
    let told = host.run(&["supervisorctl", "pid", "stays"]);
    assert_eq!(after.main_pid.map(|pid| pid.to_string()).as_deref(), Some(told.trim()));
    let again = act(&operator, "restart", "supervisor:stays", Outcome::Running);
    assert_ne!(again.before.unwrap().main_pid, again.after.unwrap().main_pid);
    let bare = same_without_the_helper(&host);
    assert_eq!(find(&bare, "supervisor:stays").state(), "active (running)");
    act(&operator, "stop", "supervisor:stays", Outcome::Stopped);
    act(&operator, "start", "supervisor:pair:pair_01", Outcome::Running);
    assert_eq!(find(&list(&operator), "supervisor:pair:pair_00").active_state, "inactive");
    act(&operator, "start", "supervisor:dies", Outcome::KeepsCrashing);
    host.run(&["supervisorctl", "stop", "dies"]);
    act(&operator, "start", "supervisor:gone", Outcome::Failed);
    // The socket of supervisord is root's: another user is told that, and sees the rest.
    host.add_user("looker");
    let looker = Operator::without_keyring();
    looker.add_trusted("web", &host.address(), 22, "looker", &host.key(), &[]);
    let ran = looker.run(&["services", "web", "--json"]).done();
    let services: Vec<Service> = ran.value();
    assert!(services.iter().all(|service| !service.name.starts_with("supervisor:")) && !services.is_empty());
    assert!(ran.stderr.contains("programs of supervisord are not listed"), "{}", ran.stderr);
    operator.run(&["service", "web", "start", "supervisor:none"]).refused(2, &["supervisor:none"]);
}
