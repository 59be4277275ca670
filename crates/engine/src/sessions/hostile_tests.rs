//! One host among twenty whose helper is not ours: it floods, nests, never ends a line, or says nothing. The
//! others answer and show what is true, and what is kept of the one stays within its limits.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use protocol::hosts::{HostDraft, Identity};
use protocol::ipc::{CommandRun, Event, HostConnect, HostDisconnect};
use protocol::link::LinkState;
use protocol::operations::OperationResult;
use protocol::processes::ProcessTable;
use protocol::wire::LINE_LIMIT_BYTES;
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::Session;
use super::cut_tests::{LONG, Rig};
use crate::rig;
use crate::ssh::tests::sshd::{Sshd, me};

const OTHERS: usize = 19;
/// What this program may grow by for the one host: a line of the longest length while it grows, once more as it is
/// copied, and what the connection has on the way.
const BUDGET_BYTES: u64 = 4 * LINE_LIMIT_BYTES as u64;

/// In the place of the user's shell: answers as a helper that is there, and then as the file `how` says.
const EVIL: &str = r#"#!/bin/sh
mark=$(printf %s "$SSH_ORIGINAL_COMMAND" | grep -o "muster-[0-9a-f]\{32\}" | head -n 1)
for said in "os Linux" "arch x86_64" "dir /nowhere" "have /nowhere/helper" starting; do echo "$mark $said"; done
echo '{"hello":{"version":"0.1.0","can":["system","metrics","processes"],"pid":7}}'
begin='{"push":{"id":1,"seq":1,"answer":{"metrics":'
case $(cat @DIR@/how) in
flood) exec yes "$begin{}}}}";;
nested) deep=$(head -c 100000 /dev/zero | tr "\0" "["); while echo "$begin$deep"; do :; done;;
endless) printf %s "$begin"; exec head -c 1000000000 /dev/zero;;
silent) exec sleep 3600;;
esac
"#;

struct Evil {
    sshd: Sshd,
    dir: tempfile::TempDir,
}

impl Evil {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shell = dir.path().join("evil");
        fs::write(&shell, EVIL.replace("@DIR@", dir.path().to_str().unwrap())).unwrap();
        fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
        Self { sshd: Sshd::start(&format!("ForceCommand {}", shell.display())), dir }
    }

    fn becomes(&self, how: &str) {
        fs::write(self.dir.path().join("how"), how).unwrap();
    }
}

/// A number of /proc/self/status, in bytes.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}

async fn add(rig: &Rig, sshd: &Sshd, name: &str) {
    let draft = HostDraft {
        name: name.into(),
        address: "127.0.0.1".into(),
        port: Some(sshd.port),
        user: me(),
        identity: Identity::KeyFile { path: sshd.key().to_str().unwrap().into() },
        helper_dir: Some(rig.sshd.dir.path().join("helper").to_str().unwrap().into()),
        ..HostDraft::default()
    };
    rig.save(draft, Vec::new()).await;
}

/// A command on a host says what it should, and its table has this very program in it, once and by its name.
async fn answers(rig: &Rig, name: &str) {
    let command = format!("echo from {name}");
    let run = CommandRun { host: name.into(), command, sudo: false, typed_name: None };
    let operation = timeout(LONG, rig.engine.call(run)).await.expect("it ends").unwrap();
    assert_eq!(operation.result, OperationResult::Done, "{name}: {operation:?}");
    assert_eq!(operation.output, format!("from {name}\n"));
    let session = session(rig, name).await;
    let table = timeout(LONG, session.watch_table::<ProcessTable>()).await.expect("it comes").unwrap();
    let own = table.table().processes.iter().filter(|process| process.pid == std::process::id());
    let own: Vec<&str> = own.map(|process| process.name.as_str()).collect();
    assert_eq!(own, [fs::read_to_string("/proc/self/comm").unwrap().trim()], "{name}");
}

async fn session(rig: &Rig, name: &str) -> Arc<Session> {
    rig.engine.parts.sessions.of(&rig.engine.host(name).await.unwrap())
}

/// Waits until what the evil host does is felt here.
async fn is_felt(how: &str, evil: &Arc<Session>, events: &mut broadcast::Receiver<Event>) {
    let felt = async {
        let mut samples = 0;
        loop {
            let event = match events.recv().await {
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                event => event.unwrap(),
            };
            let is_evil = |host: &str| host == evil.host().name;
            match (how, event) {
                ("flood", Event::Metrics { host, .. }) if is_evil(&host) => samples += 1,
                ("endless", Event::Link { host, state: LinkState::Lost { fault, .. } }) if is_evil(&host) => {
                    assert!(fault.message.contains("a line is longer than"), "{fault}");
                    return;
                }
                ("nested" | "silent", Event::Link { host, state: LinkState::Live { .. } })
                    if is_evil(&host) =>
                {
                    return;
                }
                _ => {}
            }
            if samples == 5 {
                return;
            }
        }
    };
    timeout(LONG, felt).await.unwrap_or_else(|_| panic!("{how}: {:?}", evil.state()));
}

#[test]
fn one_hostile_host_among_twenty_takes_no_answer_from_the_others_and_little_memory() {
    // The memory is the whole program's: it is one that does nothing else.
    let name = "sessions::hostile_tests::one_hostile_host_among_twenty_takes_no_answer_from_the_others_and_little_memory";
    if rig::runs_alone(name) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(among_twenty());
    }
}

async fn among_twenty() {
    let rig = Rig::new().await;
    let evil = Evil::start();
    let names: Vec<String> = (0..OTHERS).map(|number| format!("web-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names {
        add(&rig, &rig.sshd, name).await;
        rig.engine.call(HostConnect { host: (*name).into() }).await.unwrap();
    }
    rig.all_live(&names).await;
    add(&rig, &evil.sshd, "evil").await;
    let all_answer = || futures::future::join_all(names.iter().map(|name| answers(&rig, name)));
    all_answer().await;
    for how in ["silent", "flood", "nested", "endless"] {
        evil.becomes(how);
        // From now on the highest is kept anew (proc(5)).
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = memory("VmRSS:");
        let mut events = rig.engine.events();
        rig.engine.call(HostConnect { host: "evil".into() }).await.unwrap();
        let session = session(&rig, "evil").await;
        is_felt(how, &session, &mut events).await;
        // What grows all the time shows over the long run.
        for _ in 0..if rig::is_long() { 40 } else { 3 } {
            all_answer().await;
        }
        let grown = memory("VmHWM:").saturating_sub(before);
        eprintln!("{how}: {} MiB more at most", grown >> 20);
        assert!(grown <= BUDGET_BYTES, "{how}: {grown} bytes more");
        // However many samples it sends, a view is told of a few.
        let times: Vec<i64> = session.recent().samples.iter().map(|sample| sample.at_ms).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 150), "{how}: {times:?}");
        rig.all_live(&names).await;
        rig.engine.call(HostDisconnect { host: "evil".into() }).await.unwrap();
        session.ended().await;
    }
    rig.engine.shutdown().await;
}
