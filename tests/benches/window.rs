//! The real window with 500 saved hosts: how soon it is usable, how soon a filter shows, and what it holds
//! in memory.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

use engine::clock::Clock;
use engine::secrets::Memory;
use engine::{Engine, EngineOptions};
use protocol::hosts::HostDraft;
use protocol::ipc::HostSave;
use support::desktop::Desktop;
use support::places;
use support::window::Window;

const HOSTS: usize = 500;

pub(crate) fn window() {
    let dir = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
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
                groups: vec![format!("Group {}", n % 20)],
                ..HostDraft::default()
            };
            engine.call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None }).await.unwrap();
        }
        engine.shutdown().await;
    });
    let desktop = Desktop::start(1280, 800);
    let data = dir.path().to_str().unwrap().to_owned();
    let variables: BTreeMap<String, String> = [("MUSTER_DATA_DIR".to_owned(), data)].into();
    let began = Instant::now();
    let window = Window::open(&desktop, &places::program("muster"), &variables);
    window.wait_for_css("[data-testid=\"page-hosts\"][data-ready] [data-testid^=\"host-row-\"]");
    println!("\n{:<52} {:>9.0}", format!("from start to a list of {HOSTS} hosts, ms"), ms(began));
    let filtered = window.script_async(
        "const done = arguments[arguments.length - 1];\
         const field = document.querySelector('[data-testid=search]');\
         const began = performance.now();\
         field.value = 'web-499';\
         field.dispatchEvent(new Event('input', {bubbles: true}));\
         const look = () => document.querySelectorAll('[data-testid^=\"host-row-\"]').length === 1 \
             ? done(performance.now() - began) : requestAnimationFrame(look);\
         look()",
    );
    println!("{:<52} {:>9.1}", "from a typed filter to its rows, ms", filtered.as_f64().unwrap_or(-1.0));
    for name in ["muster", "WebKitWebProcess"] {
        println!("{:<52} {:>9.1}", format!("memory of {name} (PSS), MiB"), pss_mib(name));
    }
    window.close();
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// Of the newest process of this name.
fn pss_mib(name: &str) -> f64 {
    let named = |pid: &u32| {
        let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        !comm.trim().is_empty() && name.starts_with(comm.trim())
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    let newest = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(named).max();
    let rollup = newest
        .and_then(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
        .unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}
