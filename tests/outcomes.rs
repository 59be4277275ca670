//! What came of an action on a unit is what is true after it, not what systemctl(1) returned.

use std::time::Duration;

use protocol::operations::{Operation, OperationResult};
use protocol::services::Outcome;
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};

fn operator_on(host: &SystemdHost) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    operator
}

/// Acts on a unit, and wants this outcome with the exit status that goes with it.
fn act(operator: &Operator, verb: &str, unit: &str, outcome: Outcome, status: i32) -> Operation {
    let ran = operator.run(&["service", "web", verb, unit, "--json"]);
    assert_eq!(ran.status, status, "{verb} {unit}: {}{}", ran.stdout, ran.stderr);
    let operation: Operation = ran.value();
    assert_eq!(operation.outcome, Some(outcome), "{verb} {unit}: {operation:?}");
    assert_eq!(operation.result == OperationResult::Done, status == 0, "{verb} {unit}: {operation:?}");
    operation
}

#[test]
fn a_unit_that_stays_up_is_running_and_one_that_ends_well_ran_and_ended() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit("stays.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.add_unit("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
    host.add_unit("ends-well.service", "[Service]\nExecStart=/bin/sleep 0.3\n");
    act(&operator, "start", "stays.service", Outcome::Running, 0);
    let again = act(&operator, "restart", "stays.service", Outcome::Running, 0);
    assert_ne!(again.before.unwrap().main_pid, again.after.unwrap().main_pid);
    act(&operator, "stop", "stays.service", Outcome::Stopped, 0);
    act(&operator, "start", "once.service", Outcome::RanAndEnded, 0);
    act(&operator, "start", "ends-well.service", Outcome::RanAndEnded, 0);
}

#[test]
fn a_unit_whose_program_is_missing_failed_whatever_its_type() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    for (unit, kind) in [("missing-simple.service", "simple"), ("missing-exec.service", "exec")] {
        host.add_unit(unit, &format!("[Service]\nType={kind}\nExecStart=/no/such/program\n"));
        let operation = act(&operator, "start", unit, Outcome::Failed, 1);
        assert_eq!(
            operation.after.unwrap().exec_main_status,
            Some(203),
            "systemd's status for a failed exec"
        );
    }
}

#[test]
fn a_unit_that_dies_soon_after_its_start_failed() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit("dies-soon.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.3; exit 7'\n");
    let operation = act(&operator, "start", "dies-soon.service", Outcome::Failed, 1);
    assert_eq!(operation.after.unwrap().exec_main_status, Some(7));
}

#[test]
fn a_unit_that_systemd_starts_again_and_again_keeps_crashing() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit(
        "crashes.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=100ms\n\
         ExecStart=/bin/sh -c 'sleep 0.2; exit 1'\n",
    );
    act(&operator, "start", "crashes.service", Outcome::KeepsCrashing, 1);
    host.run(&["systemctl", "stop", "crashes.service"]);
}

#[test]
fn a_unit_whose_condition_is_not_met_was_not_run() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit(
        "condition.service",
        "[Unit]\nConditionPathExists=/no/such\n[Service]\nExecStart=/bin/sleep 9\n",
    );
    act(&operator, "start", "condition.service", Outcome::NotRun, 1);
    host.add_unit("assert.service", "[Unit]\nAssertPathExists=/no/such\n[Service]\nExecStart=/bin/sleep 9\n");
    act(&operator, "start", "assert.service", Outcome::NotRun, 1);
}

#[test]
fn a_unit_whose_dependency_fails_failed() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit("base.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    host.add_unit(
        "above.service",
        "[Unit]\nRequires=base.service\nAfter=base.service\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    act(&operator, "start", "above.service", Outcome::Failed, 1);
}

#[test]
fn a_unit_that_never_forks_failed_by_its_time_limit() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit(
        "never-forks.service",
        "[Service]\nType=forking\nTimeoutStartSec=2\nExecStart=/bin/sleep 1000\n",
    );
    let operation = act(&operator, "start", "never-forks.service", Outcome::Failed, 1);
    assert_eq!(operation.after.unwrap().result, "timeout");
}

#[test]
fn a_stop_that_needs_the_kill_signal_is_told_as_failed() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit(
        "stubborn.service",
        "[Service]\nTimeoutStopSec=1\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n",
    );
    act(&operator, "start", "stubborn.service", Outcome::Running, 0);
    let operation = act(&operator, "stop", "stubborn.service", Outcome::Failed, 1);
    assert_eq!(operation.after.unwrap().result, "timeout");
}

#[test]
fn a_start_that_another_operator_stops_was_replaced() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit(
        "slow-start.service",
        "[Service]\nType=notify\nTimeoutStartSec=60\nExecStart=/bin/sleep 1000\n",
    );
    let running = operator.start(&["service", "web", "start", "slow-start.service", "--json"]);
    until("the unit to begin to start", seconds(30), || {
        let state = host.try_run(&["systemctl", "is-active", "slow-start.service"]);
        (state.stdout == b"activating\n").then_some(())
    });
    host.run(&["systemctl", "stop", "slow-start.service"]);
    let ran = running.end().status_is(1);
    let operation: Operation = ran.value();
    assert_eq!(operation.outcome, Some(Outcome::Replaced), "{operation:?}");
}

#[test]
fn a_reload_is_done_only_if_the_service_runs_on() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    let unit = |reload: &str, script: &str| format!("[Service]\n{reload}ExecStart=/bin/sh -c '{script}'\n");
    let reload = "ExecReload=/bin/kill -HUP $MAINPID\n";
    host.add_unit("reloads.service", &unit(reload, "trap : HUP; while :; do sleep 1; done"));
    host.add_unit("dies-of-it.service", &unit(reload, "while :; do sleep 1; done"));
    host.add_unit("cannot.service", &unit("", "while :; do sleep 1; done"));
    host.run(&["systemctl", "start", "reloads.service", "dies-of-it.service", "cannot.service"]);
    let reloaded = act(&operator, "reload", "reloads.service", Outcome::Reloaded, 0);
    assert_eq!(reloaded.job_result.as_deref(), Some("done"));
    assert_eq!(reloaded.before.unwrap().main_pid, reloaded.after.unwrap().main_pid);
    // systemd calls a death by SIGHUP an end that is well, and the job done.
    let dead = act(&operator, "reload", "dies-of-it.service", Outcome::Failed, 1);
    assert_eq!(dead.after.unwrap().active_state, "inactive");
    let refused = act(&operator, "reload", "cannot.service", Outcome::Failed, 1);
    assert_eq!(refused.after.unwrap().active_state, "active");
    assert!(refused.output.contains("not applicable"), "systemd's own words: {}", refused.output);
}

#[test]
fn a_unit_is_enabled_and_disabled_with_its_new_state_known() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit(
        "wanted.service",
        "[Service]\nExecStart=/bin/sleep 9\n[Install]\nWantedBy=multi-user.target\n",
    );
    let on = act(&operator, "enable", "wanted.service", Outcome::Enabled, 0);
    assert_eq!(on.after.unwrap().enabled_state.as_deref(), Some("enabled"));
    act(&operator, "disable", "wanted.service", Outcome::Disabled, 0);
}

#[test]
fn what_is_said_after_an_action_took_as_long_as_it_took() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = operator_on(host);
    host.add_unit("watched.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    let operation = act(&operator, "start", "watched.service", Outcome::Running, 0);
    let took = Duration::from_millis(operation.took_ms.unwrap());
    assert!(took >= seconds(2), "a unit is watched for two seconds before it counts as running: {took:?}");
}
