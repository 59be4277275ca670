//! Every way in which the exit status of systemctl(1) says something else than the truth, forty
//! times each, all at once on one host: what is told must be what is.

use std::sync::Arc;
use std::time::Instant;

use engine::clock::Clock;
use engine::secrets::Memory;
use engine::{Engine, EngineOptions};
use protocol::ipc::ServiceAct;
use protocol::services::{Outcome, ServiceAction};
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;
use tokio::sync::Semaphore;

/// Of each kind.
const TIMES: usize = 40;
/// The helper takes 64 requests at a time.
const AT_ONCE: usize = 60;

/// A kind of unit: what is done to it, and what is true of it after.
struct Kind {
    name: &'static str,
    /// `{n}` is the number of the unit.
    unit: &'static str,
    action: ServiceAction,
    outcome: Outcome,
    /// What systemd says of its job, where it always says the same.
    job: Option<&'static str>,
}

const KINDS: [Kind; 12] = [
    Kind {
        name: "stays",
        unit: "[Service]\nExecStart=/bin/sleep 1000\n",
        action: ServiceAction::Start,
        outcome: Outcome::Running,
        job: Some("done"),
    },
    Kind {
        name: "simple-missing",
        unit: "[Service]\nExecStart=/no/such/program\n",
        action: ServiceAction::Start,
        outcome: Outcome::Failed,
        job: Some("done"),
    },
    Kind {
        name: "dies-soon",
        unit: "[Service]\nExecStart=/bin/sh -c 'sleep 0.3; exit 7'\n",
        action: ServiceAction::Start,
        outcome: Outcome::Failed,
        job: Some("done"),
    },
    Kind {
        name: "condition",
        unit: "[Unit]\nConditionPathExists=/no/such\n[Service]\nExecStart=/bin/sleep 9\n",
        action: ServiceAction::Start,
        outcome: Outcome::NotRun,
        job: Some("done"),
    },
    Kind {
        name: "crashes",
        unit: "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=100ms\n\
            ExecStart=/bin/sh -c 'sleep 0.2; exit 1'\n",
        action: ServiceAction::Start,
        outcome: Outcome::KeepsCrashing,
        job: None,
    },
    Kind {
        name: "leaves-a-child",
        unit: "[Service]\nExecStart=/bin/sh -c 'sleep 1000 & sleep 0.1; exit 0'\n",
        action: ServiceAction::Start,
        outcome: Outcome::RanAndEnded,
        job: Some("done"),
    },
    Kind {
        name: "exec-missing",
        unit: "[Service]\nType=exec\nExecStart=/no/such/program\n",
        action: ServiceAction::Start,
        outcome: Outcome::Failed,
        // systemd says done or failed for the same program.
        job: None,
    },
    Kind {
        name: "never-forks",
        unit: "[Service]\nType=forking\nTimeoutStartSec=2\nExecStart=/bin/sleep 1000\n",
        action: ServiceAction::Start,
        outcome: Outcome::Failed,
        job: Some("failed"),
    },
    Kind {
        name: "dependency",
        unit: "[Unit]\nRequires=base-{n}.service\nAfter=base-{n}.service\n[Service]\nExecStart=/bin/sleep 1000\n",
        action: ServiceAction::Start,
        outcome: Outcome::Failed,
        job: Some("dependency"),
    },
    Kind {
        name: "assert",
        unit: "[Unit]\nAssertPathExists=/no/such\n[Service]\nExecStart=/bin/sleep 9\n",
        action: ServiceAction::Start,
        outcome: Outcome::NotRun,
        job: Some("assert"),
    },
    Kind {
        name: "cut-by-a-stop",
        unit: "[Service]\nType=notify\nTimeoutStartSec=90\nExecStart=/bin/sleep 1000\n",
        action: ServiceAction::Start,
        outcome: Outcome::Replaced,
        job: Some("canceled"),
    },
    Kind {
        name: "stubborn",
        unit: "[Service]\nTimeoutStopSec=1\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n",
        action: ServiceAction::Stop,
        outcome: Outcome::Failed,
        job: None,
    },
];

/// Stops what is being started of the one kind that another operator stops, until it is told to end.
const CUTTER: &str = "while [ ! -e /run/cutter-ends ]; do \
    units=$(systemctl list-units --plain --no-legend --state=activating 'cut-by-a-stop-*' | cut -d' ' -f1); \
    [ -n \"$units\" ] && systemctl stop $units; sleep 0.3; done";

fn unit_name(kind: &Kind, number: usize) -> String {
    format!("{}-{number}.service", kind.name)
}

#[test]
fn every_kind_of_unit_is_told_as_what_it_is_forty_times_each() {
    needs!(SystemdHost);
    let host = Arc::new(SystemdHost::start());
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    add_units(&host);
    let cutter = {
        let host = Arc::clone(&host);
        std::thread::spawn(move || host.run(&["sh", "-c", CUTTER]))
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let began = Instant::now();
    let wrong = runtime.block_on(act_on_all(&operator, &host));
    host.run(&["touch", "/run/cutter-ends"]);
    cutter.join().unwrap();
    println!("{} actions in {:.1} s", KINDS.len() * TIMES, began.elapsed().as_secs_f64());
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), KINDS.len() * TIMES);
}

fn add_units(host: &SystemdHost) {
    let mut units = Vec::new();
    for number in 0..TIMES {
        units.push((
            format!("base-{number}.service"),
            "[Service]\nType=oneshot\nExecStart=/bin/false\n".to_owned(),
        ));
        for kind in &KINDS {
            units.push((unit_name(kind, number), kind.unit.replace("{n}", &number.to_string())));
        }
    }
    host.add_units(&units);
    let stubborn: Vec<String> = KINDS
        .iter()
        .filter(|kind| kind.action == ServiceAction::Stop)
        .flat_map(|kind| (0..TIMES).map(|number| unit_name(kind, number)))
        .collect();
    let mut words = vec!["systemctl", "start"];
    words.extend(stubborn.iter().map(String::as_str));
    host.run(&words);
}

/// Acts on each unit through one engine; gives what was told wrongly.
async fn act_on_all(operator: &Operator, host: &Arc<SystemdHost>) -> Vec<String> {
    let options = EngineOptions {
        data_dir: operator.data(),
        clock: Clock::system(),
        secrets: Arc::new(Memory::default()),
        operator: "tests".into(),
    };
    let engine = Engine::open(options).await.unwrap();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    // Kinds alternate, so that each meets all the others.
    let all = (0..TIMES).flat_map(|number| KINDS.iter().map(move |kind| (kind, number)));
    let tasks: Vec<_> = all
        .map(|(kind, number)| {
            let (engine, turns, host) = (engine.clone(), Arc::clone(&turns), Arc::clone(host));
            tokio::spawn(async move {
                let _turn = turns.acquire_owned().await.unwrap();
                let unit = unit_name(kind, number);
                let wrong = act_on_one(&engine, kind, &unit).await;
                if kind.outcome == Outcome::KeepsCrashing {
                    // A loop that goes on would leave no time to the others.
                    let stop = move || host.run(&["systemctl", "stop", &unit]);
                    tokio::task::spawn_blocking(stop).await.unwrap();
                }
                wrong
            })
        })
        .collect();
    let mut wrong = Vec::new();
    for task in tasks {
        wrong.extend(task.await.unwrap());
    }
    engine.shutdown().await;
    wrong
}

async fn act_on_one(engine: &Engine, kind: &Kind, unit: &str) -> Option<String> {
    let act = ServiceAct { host: "web".into(), unit: unit.into(), action: kind.action, typed_name: None };
    let operation = match engine.call(act).await {
        Ok(operation) => operation,
        Err(fault) => return Some(format!("{unit}: {fault:?}")),
    };
    let is_job_right = kind.job.is_none_or(|job| operation.job_result.as_deref() == Some(job));
    let is_right = operation.outcome == Some(kind.outcome) && is_job_right;
    (!is_right)
        .then(|| format!("{unit} is to be {:?} with a job {:?}: {operation:?}", kind.outcome, kind.job))
}
