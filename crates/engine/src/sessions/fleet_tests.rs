//! Acting on many hosts: each is named by whoever acts, and none is acted on for being in a group or on the way.
//! There is no command that acts on a group; a list is read, and its hosts are named one by one.

use std::fs;
use std::time::Duration;

use protocol::FaultCode;
use protocol::hosts::{HelperUse, HostChange};
use protocol::ipc::{CommandRun, HostRemove, HostsEdit, HostsList, OperationsList};
use protocol::link::LinkState;
use protocol::operations::{Operation, OperationFilter, OperationKind, OperationResult};
use tokio::time::timeout;

use super::cut_tests::{LONG, Rig};
use crate::ssh::tests::sshd::Sshd;

fn run(host: &str, command: String) -> CommandRun {
    CommandRun { host: host.into(), command, sudo: false, typed_name: None }
}

async fn commands(rig: &Rig) -> Vec<Operation> {
    let filter = OperationFilter { kind: Some(OperationKind::Command), ..OperationFilter::default() };
    rig.engine.call(OperationsList { filter }).await.unwrap().operations
}

async fn move_to(rig: &Rig, hosts: &[&str], group: &str) {
    let change = HostChange { add_groups: vec![group.into()], ..HostChange::default() };
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    rig.engine.call(HostsEdit { hosts, change }).await.unwrap();
}

async fn group(rig: &Rig, group: &str) -> Vec<String> {
    let rows = rig.engine.call(HostsList {}).await.unwrap();
    let of_group = rows.into_iter().filter(|row| row.host.groups.iter().any(|own| own == group));
    of_group.map(|row| row.host.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_comes_into_the_group_after_it_was_read_is_not_acted_on_and_one_that_is_gone_is_said() {
    let rig = Rig::new().await;
    for name in ["a", "b", "late"] {
        rig.add(name, rig.sshd.port, None, HelperUse::Placed).await;
    }
    move_to(&rig, &["a", "b"], "web").await;
    let planned = group(&rig, "web").await;
    assert_eq!(planned, ["a", "b"]);
    // Between the question and the run.
    move_to(&rig, &["late"], "web").await;
    rig.engine.call(HostRemove { host: "b".into(), typed_name: None }).await.unwrap();
    let done = rig.folder("done");
    let command = format!("echo done >> {}", done.display());
    let mut ended = Vec::new();
    for host in &planned {
        ended.push(rig.engine.call(run(host, command.clone())).await);
    }
    assert_eq!(ended[0].as_ref().unwrap().result, OperationResult::Done);
    let gone = ended[1].as_ref().unwrap_err();
    assert_eq!(gone.code, FaultCode::HostUnknown);
    assert!(gone.message.contains('b'), "it is named: {gone}");
    assert_eq!(fs::read_to_string(&done).unwrap(), "done\n", "it ran once, on the one host that was left");
    let acted_on: Vec<String> =
        commands(&rig).await.into_iter().filter_map(|one| one.host).map(|host| host.name).collect();
    assert_eq!(acted_on, ["a"]);
    let rows = rig.engine.call(HostsList {}).await.unwrap();
    let late = rows.iter().find(|row| row.host.name == "late").unwrap();
    assert_eq!(late.link, LinkState::Idle, "it was not even connected to");
    rig.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_removed_under_a_command_leaves_its_outcome_unknown_in_the_log() {
    let rig = Rig::new().await;
    rig.add("web", rig.sshd.port, None, HelperUse::Placed).await;
    let begun = rig.folder("begun");
    let command = format!("touch {}; sleep 600", begun.display());
    let engine = rig.engine.clone();
    let running = tokio::spawn(async move { engine.call(run("web", command)).await });
    let began = async {
        while !begun.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, began).await.unwrap();
    rig.engine.call(HostRemove { host: "web".into(), typed_name: None }).await.unwrap();
    let operation = timeout(LONG, running).await.unwrap().unwrap().unwrap();
    assert_eq!(operation.result, OperationResult::OutcomeUnknown, "{operation:?}");
    let log = commands(&rig).await;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].result, log[0].is_unread()), (OperationResult::OutcomeUnknown, true));
    assert_eq!(log[0].host.as_ref().unwrap().name, "web", "the log knows it still");
    rig.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_host_that_is_passed_through_is_no_target() {
    let rig = Rig::new().await;
    let gate = Sshd::start("LogLevel DEBUG3");
    fs::copy(rig.sshd.key().with_extension("pub"), gate.dir.path().join("authorized")).unwrap();
    rig.add("gate", gate.port, None, HelperUse::Placed).await;
    rig.add("db", rig.sshd.port, Some("gate"), HelperUse::Placed).await;
    move_to(&rig, &["gate", "db"], "all").await;
    let operation = rig.engine.call(run("db", "echo here".into())).await.unwrap();
    assert_eq!((operation.result, operation.output.as_str()), (OperationResult::Done, "here\n"));
    let acted_on: Vec<String> =
        commands(&rig).await.into_iter().filter_map(|one| one.host).map(|host| host.name).collect();
    assert_eq!(acted_on, ["db"]);
    let log = fs::read_to_string(gate.dir.path().join("log")).unwrap();
    assert!(log.contains("direct-tcpip"), "it was passed through: {log}");
    for nothing in ["Starting session", "server_input_channel_open: ctype session", "request exec"] {
        assert!(!log.contains(nothing), "{nothing}: nothing was run on it: {log}");
    }
    assert!(!rig.folder("gate").exists(), "nothing was put on it");
    let rows = rig.engine.call(HostsList {}).await.unwrap();
    let link = &rows.iter().find(|row| row.host.name == "gate").unwrap().link;
    assert_eq!(*link, LinkState::Idle, "it is no host that is looked at");
    rig.engine.call(run("gate", "true".into())).await.unwrap();
    let log = fs::read_to_string(gate.dir.path().join("log")).unwrap();
    assert!(log.contains("Starting session"), "the log would have shown it");
    rig.engine.shutdown().await;
}
