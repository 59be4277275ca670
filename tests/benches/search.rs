//! A question over 500 hosts that were read before, and over hosts that are live, as the palette asks it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::fleet;

use engine::clock::Clock;
use engine::secrets::Memory;
use engine::{Engine, EngineOptions};
use protocol::hosts::HostDraft;
use protocol::ipc::{HostCheck, HostConnect, HostSave, HostsList, SearchFind};
use protocol::search::FindQuery;
use serde_json::{Value, json};
use support::sshd::Sshd;

const HOSTS: usize = 500;
/// Of each host: as many as a host of a shop has.
const SOCKETS: usize = 200;
const PROCESSES: usize = 150;
const UNITS: usize = 120;
const RUNS: u32 = 20;
/// Hosts that are live, each with a helper of its own.
const LIVE: usize = 100;
/// What is read of a host when it is new is read by then.
const SETTLED: Duration = Duration::from_secs(20);
/// By then what hosts answered to a search answers no other.
const FORGOTTEN: Duration = Duration::from_secs(6);
const LONG: Duration = Duration::from_secs(300);

/// Prints the time of the first question and of those after it.
pub(crate) fn search() {
    over_snapshots();
    engine::runtime().unwrap().block_on(over_live_hosts());
}

/// The first time each host is asked; after that what it said a moment ago answers, as it does while a
/// person types on.
async fn over_live_hosts() {
    let (sshd, data) = (Sshd::start_fleet(), tempfile::tempdir().unwrap());
    let engine = fleet::engine(&data).await;
    let names: Vec<String> = (0..LIVE).map(|number| format!("h{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        fleet::add(&engine, &sshd, name, &fleet::address(number), sshd.port()).await;
    }
    // The helper lies there: all of them share one home folder.
    engine.call(HostCheck { host: names[0].clone() }).await.unwrap();
    for name in &names {
        engine.call(HostConnect { host: name.clone() }).await.unwrap();
    }
    let live = async {
        while engine.call(HostsList {}).await.unwrap().iter().filter(|row| row.link.is_live()).count() < LIVE
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONG, live).await.unwrap();
    tokio::time::sleep(SETTLED).await;
    println!("\n{:<52} {:>9} {:>9}", format!("a search over {LIVE} live hosts"), "asked ms", "again ms");
    for text in ["port:22", "proc:sshd", "unit:failed", "host:h1"] {
        let ask = async || {
            let query = FindQuery { text: text.into(), ask: true, ..FindQuery::default() };
            let began = Instant::now();
            let told = engine.call(SearchFind { query }).await.unwrap();
            (began.elapsed().as_secs_f64() * 1e3, told)
        };
        let (asked, told) = ask().await;
        let (again, _) = ask().await;
        let what = format!("{text} ({} found, {} of {} answered)", told.found, told.answered, told.live);
        println!("{what:<52} {asked:>9.1} {again:>9.1}");
        tokio::time::sleep(FORGOTTEN).await;
    }
    engine.shutdown().await;
}

fn over_snapshots() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(EngineOptions {
            data_dir: dir.path().to_owned(),
            clock: Clock::system(),
            secrets: Arc::new(Memory::new()),
            operator: "bench".into(),
        })
        .await
        .unwrap();
        for n in 0..HOSTS {
            let draft = HostDraft {
                name: format!("web-{n}"),
                address: format!("10.{}.{}.1", n / 250, n % 250),
                user: "root".into(),
                ..HostDraft::default()
            };
            let host = engine
                .call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None })
                .await
                .unwrap();
            read_before(&dir.path().join("snapshots").join(&host.id), n);
        }
        println!("\n{:<52} {:>9} {:>9}", format!("a search over {HOSTS} hosts"), "first ms", "then ms");
        for text in [
            "port:8080",
            "proc:java",
            "unit:failed",
            "addr:10.0.7.7",
            "user:www",
            "disk>90",
            "kernel:6.1",
            "web-17",
        ] {
            let ask = async || {
                let began = Instant::now();
                let query = FindQuery { text: text.into(), ask: true, ..FindQuery::default() };
                let found = engine.call(SearchFind { query }).await.unwrap();
                (began.elapsed().as_secs_f64() * 1e3, found.found)
            };
            let (first, found) = ask().await;
            let mut then = 0.0;
            for _ in 0..RUNS {
                then += ask().await.0;
            }
            println!(
                "{:<52} {first:>9.1} {:>9.1}",
                format!("{text} ({found} found)"),
                then / f64::from(RUNS)
            );
        }
        engine.shutdown().await;
    });
}

/// What an earlier look at the host left behind.
fn read_before(folder: &Path, n: usize) {
    let programs = ["nginx", "java", "postgres", "redis-server", "sshd"];
    let program = |at: usize| programs[(at + n) % programs.len()];
    let sockets: Vec<Value> = (0..SOCKETS)
        .map(|at| {
            let listens = at < 20;
            json!({
                "protocol": "tcp", "state": if listens { "listen" } else { "estab" },
                "local_address": "10.0.0.1", "local_port": if listens { 8061 + at } else { 8080 },
                "peer_address": if listens { "0.0.0.0".to_owned() } else { format!("10.0.{}.{}", n % 250, at) },
                "peer_port": if listens { 0 } else { 40_000 + at }, "inode": at + 1, "uid": 33, "user": "www-data",
                "pid": 1_000 + at, "program": program(at), "unit": format!("{}.service", program(at)),
            })
        })
        .collect();
    let processes: Vec<Value> = (0..PROCESSES)
        .map(|at| {
            json!({
                "pid": 1_000 + at, "name": program(at), "command": format!("/usr/bin/{} --config /etc/{at}.conf", program(at)),
                "user": if at % 3 == 0 { "www-data" } else { "root" }, "rss_bytes": 1_048_576,
            })
        })
        .collect();
    let services: Vec<Value> = (0..UNITS)
        .map(|at| {
            let state = if at + n % 7 == 0 { "failed" } else { "active" };
            json!({"name": format!("unit-{at}.service"), "description": "A unit", "active_state": state, "sub_state": "running"})
        })
        .collect();
    let disks =
        json!([{"mount": "/", "use_pct": 40.0}, {"mount": "/srv", "use_pct": 50.0 + (n % 50) as f64}]);
    std::fs::create_dir_all(folder).unwrap();
    for (noun, value) in [
        ("sockets", json!({ "sockets": sockets })),
        ("processes", json!({ "processes": processes })),
        ("services", json!({ "services": services })),
        ("metrics", json!({ "disks": disks })),
        (
            "system",
            json!({"kernel": if n.is_multiple_of(2) { "6.1.0-37-amd64" } else { "5.10.0-30-amd64" }, "os": "Debian"}),
        ),
    ] {
        let kept = json!({"format": 1, "received_ms": 1_000, "value": value});
        std::fs::write(folder.join(format!("{noun}.json")), kept.to_string()).unwrap();
    }
}
