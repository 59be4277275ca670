//! The real window: how soon 500 hosts can be used, how soon a filter shows, whether a table of 20,000 rows
//! drops frames, and what both processes hold in memory while twenty hosts stream.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::pages;
use support::places;
use support::sshd::{Sshd, own_user};
use support::window::Window;

use crate::busy::{Busy, count_sockets};
use crate::figures::line;
use crate::fleet;
use crate::frames::watch;

const HOSTS: usize = 500;
const STREAMING: usize = 20;
/// `MUSTER_BENCH_MINUTES` sets another time.
const MINUTES: u64 = 10;
const STARTS: usize = 5;
/// A table is scrolled by a step with each frame, as a wheel does.
const SCROLL: &str = "window.box ??= [...document.querySelectorAll('[role=grid], [role=grid] *, .table *')]\
         .find(one => one.scrollHeight > one.clientHeight + 1000);\
     if (window.box) window.box.scrollTop += 40;";
/// On each page, on the way round between two looks at the memory.
const LOOK: Duration = Duration::from_secs(2);
/// What fills until the first charts are full is no slope.
const WARM: Duration = Duration::from_secs(60);

/// Prints the figures of the window.
pub(crate) fn window() {
    sizes();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let sshd = Sshd::start_fleet();
    for number in 0..STREAMING {
        let address = format!("127.9.0.{}", number + 1);
        operator.add_trusted(&format!("live-{number}"), &address, sshd.port(), &own_user(), &sshd.key(), &[]);
    }
    let mut list = "name,address,user,groups\n".to_owned();
    for number in STREAMING..HOSTS {
        list += &format!("web-{number},10.{}.{}.1,root,Group {}\n", number / 250, number % 250, number % 20);
    }
    let file = operator.folder().join("hosts.csv");
    fs::write(&file, list).unwrap();
    operator.run(&["host", "import", file.to_str().unwrap()]).done();
    let data = operator.data().to_str().unwrap().to_owned();
    let variables: BTreeMap<String, String> = [("MUSTER_DATA_DIR".to_owned(), data)].into();
    // Once before: what lies on the disk is in memory then, as on a computer that is in use.
    let mut starts = Vec::new();
    let mut window = None;
    for _ in 0..STARTS {
        drop(window.take());
        let opened = Window::open(&desktop, &places::program("muster"), &variables);
        opened.wait_for_css("[data-testid=\"page-hosts\"][data-ready] [data-testid^=\"host-row-\"]");
        starts.push(opened.process("muster").and_then(age_ms).unwrap_or(f64::NAN));
        if starts.len() == STARTS {
            steps(&opened);
        }
        window = Some(opened);
    }
    let window = window.unwrap();
    let told: Vec<String> = starts.iter().map(|took| format!("{took:.0}")).collect();
    line(
        &format!("from the app's start to a list of {HOSTS} hosts, {STARTS} times"),
        &format!("{} ms", told.join(", ")),
    );
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
    line("from a typed filter to its rows", &format!("{:.1} ms", filtered.as_f64().unwrap_or(-1.0)));
    clear_search(&window);
    memory("with the list open", &window);
    frames(&window);
    stream(&window);
    window.close();
}

/// Five hundred hosts that stream into one window: its memory, and whether its table still answers.
pub(crate) fn window_of_a_fleet() {
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let sshd = Sshd::start_fleet();
    let (port, user) = (sshd.port(), own_user());
    let (key, dir) = (sshd.key().display().to_string(), sshd.home().join("muster").display().to_string());
    let mut list = "name,address,port,user,identity,groups,helper_dir\n".to_owned();
    for number in 0..HOSTS {
        let address = fleet::address(number);
        list += &format!("web-{number},{address},{port},{user},key:{key},Group {},{dir}\n", number % 20);
    }
    let file = operator.folder().join("hosts.csv");
    fs::write(&file, list).unwrap();
    operator.run(&["host", "import", file.to_str().unwrap()]).done();
    // One line of OpenSSH's file is the word for all of them.
    let home = operator.variables().iter().find(|(name, _)| name == "HOME").map(|(_, home)| home.clone());
    let ssh = Path::new(&home.unwrap()).join(".ssh");
    fs::create_dir_all(&ssh).unwrap();
    let public = fs::read_to_string(sshd.folder().join("host_key.pub")).unwrap();
    fs::write(ssh.join("known_hosts"), format!("[127.*]:{port} {public}")).unwrap();
    // The helper lies there: all of them share its folder.
    operator.run(&["check", "web-0"]).done();
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for_css("[data-testid=\"page-hosts\"][data-ready] [data-testid^=\"host-row-\"]");
    memory(&format!("{HOSTS} hosts, none connected"), &window);
    let began = Instant::now();
    let all: Vec<_> = (0..HOSTS).map(|number| json!({"args": {"host": format!("web-{number}")}})).collect();
    window.call_each("host_connect", &all);
    let live = || {
        let told = window.call("hosts_list", &json!({"args": {}}));
        let rows = told["done"].as_array().map(Vec::as_slice).unwrap_or_default();
        rows.iter().filter(|row| row["link"]["state"] == "live").count()
    };
    while live() < HOSTS && began.elapsed() < Duration::from_secs(300) {
        std::thread::sleep(Duration::from_millis(500));
    }
    line(&format!("{} hosts live in the window", live()), &format!("{:.1} s", began.elapsed().as_secs_f64()));
    std::thread::sleep(WARM);
    memory(&format!("after {} s of {HOSTS} hosts", WARM.as_secs()), &window);
    for text in ["web-499", "web-1", "web-250"] {
        let took = filtered(&window, text);
        line(&format!("from '{text}' typed to its rows"), &format!("{took:.1} ms"));
        clear_search(&window);
    }
    let late = window.script_async(
        "const done = arguments[arguments.length - 1]; const times = [];\
         let last = performance.now(); const end = last + 10000;\
         const look = now => { times.push(now - last); last = now;\
             now < end ? requestAnimationFrame(look)\
                 : done([times.length, times.filter(time => time > 50).length, Math.max(...times)]); };\
         requestAnimationFrame(now => { last = now; requestAnimationFrame(look); })",
    );
    line("frames in 10 s, those later than 50 ms, the longest in ms", &late.to_string());
    window.close();
}

/// From a text typed into the search of hosts to rows that all have it, in ms.
fn filtered(window: &Window, text: &str) -> f64 {
    let took = window.script_async(&format!(
        "const done = arguments[arguments.length - 1];\
         const field = document.querySelector('[data-testid=search]');\
         const rows = () => [...document.querySelectorAll('[data-testid^=\"host-row-\"]')];\
         const before = rows().map(row => row.dataset.testid).join();\
         const began = performance.now();\
         field.value = '{text}';\
         field.dispatchEvent(new Event('input', {{bubbles: true}}));\
         const look = () => rows().map(row => row.dataset.testid).join() !== before || performance.now() - began > 5000\
             ? done(performance.now() - began) : requestAnimationFrame(look);\
         look()"
    ));
    took.as_f64().unwrap_or(-1.0)
}

/// A table of 20,000 sockets that is renewed each second, beside the same one that stands still: what this
/// computer draws without a graphics card is not the table's doing.
fn frames(window: &Window) {
    let busy = Busy::make(0, 20_000);
    look_here(window);
    pages::wait_until_live(window);
    pages::open_tab(window, "sockets");
    let rows = count_sockets();
    window.wait_for_css(".table-body [role=row]");
    std::thread::sleep(Duration::from_secs(5));
    watch(window, &format!("{rows} rows, renewed and scrolled"), SCROLL);
    watch(window, "the same, renewed", "");
    window.click("sockets-freeze");
    watch(window, "the same, frozen and scrolled", SCROLL);
    watch(window, "the same, frozen", "");
    window.click("sockets-freeze");
    drop(busy);
    let busy = Busy::stirred(20_000);
    std::thread::sleep(Duration::from_secs(5));
    watch(window, &format!("{} rows, each of them changed by each renewal", count_sockets()), "");
    drop(busy);
}

/// Memory while hosts stream and a person goes from page to page.
fn stream(window: &Window) {
    let minutes = std::env::var("MUSTER_BENCH_MINUTES").ok().map_or(MINUTES, |text| text.parse().unwrap());
    for number in 0..STREAMING {
        // The link stays when its page is left.
        open_found(window, &format!("live-{number}"));
        pages::wait_until_live(window);
    }
    open_found(window, "live-0");
    pages::open_tab(window, "overview");
    std::thread::sleep(WARM);
    memory(&format!("after {} s of {STREAMING} hosts", WARM.as_secs()), window);
    let began = Instant::now();
    let mut seen: Vec<(f64, [f64; 2])> = Vec::new();
    while began.elapsed() < Duration::from_secs(60 * minutes) {
        look_around(window);
        seen.push((began.elapsed().as_secs_f64() / 60.0, NAMES.map(|name| pss_mib(window.process(name)))));
    }
    memory(&format!("{minutes} min later"), window);
    for (at, name) in NAMES.iter().enumerate() {
        let points: Vec<(f64, f64)> = seen.iter().map(|(minute, mib)| (*minute, mib[at])).collect();
        // Ten minutes of samples fill first, and what was read once stays.
        let (first, second) = points.split_at(points.len() / 2);
        for (half, points) in [("first", first), ("second", second)] {
            line(&format!("    slope of {name}, {half} half"), &format!("{:+.2} MiB/min", slope(points)));
        }
    }
}

/// Opens this computer, as a person does who has saved hosts.
fn look_here(window: &Window) {
    window.click("search-all");
    window.fill("palette-input", "Look at this computer");
    window.wait_for_css("[data-testid=\"palette-list\"] [role=option]");
    window.script(
        "document.querySelector('[data-testid=palette-input]')\
             .dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}))",
    );
    window.wait_for("tab-overview");
}

/// Once round all pages, back to where it began, so that two looks at the memory see the same page.
fn look_around(window: &Window) {
    for tab in ["processes", "sockets", "services", "journal", "operations"] {
        pages::open_tab(window, tab);
        std::thread::sleep(LOOK);
    }
    for page in ["operations", "hosts"] {
        pages::open_page(window, page);
        std::thread::sleep(LOOK);
    }
    filtered(window, "live-1");
    clear_search(window);
    window.click("search-all");
    window.fill("palette-input", "proc:sshd");
    std::thread::sleep(LOOK);
    window.press_escape();
    window.wait_gone("palette");
    open_found(window, "live-0");
    pages::open_tab(window, "overview");
    std::thread::sleep(LOOK);
}

/// A host that may lie far down in the list.
fn open_found(window: &Window, name: &str) {
    pages::open_page(window, "hosts");
    window.fill("search", name);
    window.wait_for(&format!("host-row-{name}"));
    pages::open_host(window, name);
}

fn clear_search(window: &Window) {
    window.script(
        "const field = document.querySelector('[data-testid=search]');\
         field.value = '';\
         field.dispatchEvent(new Event('input', {bubbles: true}))",
    );
}

const NAMES: [&str; 2] = ["muster", "WebKitWebProcess"];

fn memory(when: &str, window: &Window) {
    window.wait_painted();
    for name in NAMES {
        line(
            &format!("memory of {name} (PSS), {when}"),
            &format!("{:.1} MiB", pss_mib(window.process(name))),
        );
    }
}

/// Of least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    above / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

/// What is shipped of the pages, and what a browser would load.
fn sizes() {
    for entry in fs::read_dir(places::root().join("dist")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "wasm") {
            let bytes = fs::read(&path).unwrap();
            let mut gzip =
                Command::new("gzip").arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut input = gzip.stdin.take().unwrap();
            let writer = {
                let bytes = bytes.clone();
                std::thread::spawn(move || input.write_all(&bytes).unwrap())
            };
            let packed = gzip.wait_with_output().unwrap().stdout.len();
            writer.join().unwrap();
            let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
            line("the pages as WebAssembly", &format!("{:.2} MiB", mib(bytes.len())));
            line("    packed by gzip", &format!("{:.2} MiB", mib(packed)));
        }
    }
}

/// What the last start spent its time on, as the page tells it.
fn steps(window: &Window) {
    let told = window.script(
        "const page = performance.getEntriesByType('navigation')[0];\
         const paint = performance.getEntriesByName('first-contentful-paint')[0];\
         return [Date.now() - performance.timeOrigin, page.domComplete, paint?.startTime ?? -1]",
    );
    let figure = |at: usize| told[at].as_f64().unwrap_or(f64::NAN);
    let age = window.process("muster").and_then(age_ms).unwrap_or(f64::NAN);
    line("    of the last: until the page is asked for", &format!("{:.0} ms", age - figure(0)));
    line(
        "    from there to the document, to the first paint",
        &format!("{:.0}, {:.0} ms", figure(1), figure(2)),
    );
}

/// How long a process has run.
fn age_ms(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything: fields are counted from the last one.
    let started: f64 = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    let up: f64 = fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok()?;
    Some(up * 1_000.0 - started * 1_000.0 / rustix::param::clock_ticks_per_second() as f64)
}

fn pss_mib(pid: Option<u32>) -> f64 {
    let rollup =
        pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}
