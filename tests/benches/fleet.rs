//! What a fleet costs: the first data after a click over a slow line, connecting many hosts, a command over
//! all of them, and the memory that they take, beside the tools that people use for the same.
//!
//! Every address of 127.0.0.0/8 is a host of its own, all served by one sshd. Figures are read by people:
//! nothing here fails.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::figures::{line, ms, own_memory_mib, own_ms};
use crate::linked::TICKS_PER_S;
use engine::clock::Clock;
use engine::secrets::Memory;
use engine::{Engine, EngineOptions};
use protocol::hosts::{HostDraft, Identity};
use protocol::ipc::{
    CommandRun, Event, HostCheck, HostConnect, HostDisconnect, HostSave, HostsList, TrustAccept, TrustShow,
};
use protocol::link::{LinkState, LinkStep};
use protocol::operations::OperationResult;
use support::needs::find_program;
use support::sshd::{Sshd, own_user};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;

/// There and back again over two slow lines.
const ROUND_TRIPS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];
const COUNTS: [usize; 2] = [100, 500];
/// Sign-ins at the same time, for the peers.
const AT_ONCE: &str = "64";
/// What people look at, and what costs the hosts nothing: the rest is the tool.
const COMMANDS: [&str; 2] = ["uptime", "true"];
/// Odd, for the median.
const RUNS: usize = 5;
/// Hosts beside a hostile one, and how often each is asked.
const BESIDE: usize = 19;
const ROUNDS: usize = 50;
const LONG: Duration = Duration::from_secs(300);

/// Prints the figures of fleets.
pub(crate) fn fleets() {
    let runtime = engine::runtime().unwrap();
    let sshd = Sshd::start_fleet();
    runtime.block_on(first_data(&sshd));
    for count in COUNTS {
        runtime.block_on(fleet(&sshd, count));
    }
    for count in COUNTS {
        for command in COMMANDS {
            peers(&sshd, count, command);
        }
    }
}

pub(crate) async fn engine(data: &tempfile::TempDir) -> Engine {
    let options = EngineOptions {
        data_dir: data.path().to_owned(),
        clock: Clock::system(),
        secrets: Arc::new(Memory::new()),
        operator: "bench".into(),
    };
    Engine::open(options).await.unwrap()
}

pub(crate) async fn add(engine: &Engine, sshd: &Sshd, name: &str, address: &str, port: u16) {
    let draft = HostDraft {
        name: name.into(),
        address: address.into(),
        port: Some(port),
        user: own_user(),
        identity: Identity::KeyFile { path: sshd.key().to_str().unwrap().into() },
        helper_dir: Some(sshd.home().join("muster").to_str().unwrap().into()),
        ..HostDraft::default()
    };
    engine.call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None }).await.unwrap();
    let shown = engine.call(TrustShow { host: name.into() }).await.unwrap().shown;
    engine
        .call(TrustAccept { host: name.into(), fingerprint: shown.fingerprint, once: false })
        .await
        .unwrap();
}

/// A way to a port on which everything takes half a round trip each way.
async fn slow_line(port: u16, round_trip: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            for stream in [&near, &far] {
                stream.set_nodelay(true).unwrap();
            }
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::spawn(delayed(near_in, far_out, round_trip / 2));
            tokio::spawn(delayed(far_in, near_out, round_trip / 2));
        }
    });
    own
}

async fn delayed(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
) {
    let (queue, mut due) = tokio::sync::mpsc::unbounded_channel::<(tokio::time::Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((at, bytes)) = due.recv().await {
            tokio::time::sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if queue.send((tokio::time::Instant::now() + delay, bytes[..read].to_vec())).is_err() {
            return;
        }
    }
}

/// From the click to the first sample, with the helper there already. What takes no round trip takes the same
/// time on each line, so that two lines tell how many there are.
async fn first_data(sshd: &Sshd) {
    let data = tempfile::tempdir().unwrap();
    let engine = engine(&data).await;
    add(&engine, sshd, "near", "127.0.0.1", sshd.port()).await;
    engine.call(HostCheck { host: "near".into() }).await.unwrap();
    let mut seen = Vec::new();
    for round_trip in ROUND_TRIPS {
        let name = format!("far-{}", round_trip.as_millis());
        let port = slow_line(sshd.port(), round_trip).await;
        add(&engine, sshd, &name, "127.0.0.1", port).await;
        let mut events = engine.events();
        let begun = Instant::now();
        engine.call(HostConnect { host: name.clone() }).await.unwrap();
        let first = async {
            let mut signed_in = Duration::ZERO;
            loop {
                match events.recv().await.unwrap() {
                    Event::Link {
                        state: LinkState::Connecting { step: LinkStep::StartingHelper, .. },
                        ..
                    } => {
                        signed_in = begun.elapsed();
                    }
                    Event::Metrics { host, .. } if host == name => return (signed_in, begun.elapsed()),
                    _ => {}
                }
            }
        };
        let (signed_in, took) = tokio::time::timeout(LONG, first).await.unwrap();
        let away = round_trip.as_millis();
        line(&format!("first data after a click, {away} ms away"), &format!("{} ms", took.as_millis()));
        seen.push([signed_in, took]);
    }
    let [near, far] = ROUND_TRIPS.map(|time| time.as_secs_f64());
    let trips = |at: usize| (seen[1][at].as_secs_f64() - seen[0][at].as_secs_f64()) / (far - near);
    line("    round trips until it is signed in", &format!("{:.1}", trips(0)));
    line("    and from there to the first data", &format!("{:.1}", trips(1) - trips(0)));
    engine.shutdown().await;
}

async fn fleet(sshd: &Sshd, count: usize) {
    let data = tempfile::tempdir().unwrap();
    let engine = engine(&data).await;
    let names: Vec<String> = (0..count).map(|number| format!("h{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        add(&engine, sshd, name, &address(number), sshd.port()).await;
    }
    // The helper lies there: all of them share one home folder.
    engine.call(HostCheck { host: names[0].clone() }).await.unwrap();
    let begun = Instant::now();
    for name in &names {
        engine.call(HostConnect { host: name.clone() }).await.unwrap();
    }
    let live = async {
        loop {
            let rows = engine.call(HostsList {}).await.unwrap();
            if rows.iter().filter(|row| row.link.is_live()).count() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, live).await.unwrap();
    line(&format!("{count} hosts, all live"), &format!("{:.1} s", begun.elapsed().as_secs_f64()));
    let (done, took) = over_all(&engine, &names, COMMANDS[0]).await;
    line(
        &format!("'{}' over {done} of {count} in the moment that they are live", COMMANDS[0]),
        &format!("{:.2} s", took.as_secs_f64()),
    );
    // What is read of a host when it is new is read by then.
    tokio::time::sleep(Duration::from_secs(20)).await;
    for command in COMMANDS {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let (again, took) = over_all(&engine, &names, command).await;
            assert_eq!(again, count, "a host did not answer");
            times.push(took.as_millis());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        times.sort_unstable();
        line(
            &format!("'{command}' over {count}, {RUNS} times: least, median, most"),
            &format!("{}, {}, {} ms", times[0], times[RUNS / 2], times[RUNS - 1]),
        );
    }
    line(
        &format!("memory of this process, {count} hosts streaming"),
        &format!("{} MiB", own_memory_mib("VmRSS")),
    );
    engine.shutdown().await;
}

/// Prints what one hostile host costs the others.
pub(crate) fn hostile() {
    let runtime = engine::runtime().unwrap();
    runtime.block_on(beside_a_hostile_one(&Sshd::start_fleet()));
}

/// How long a command takes on each of nineteen hosts, alone and beside one that floods this program.
async fn beside_a_hostile_one(sshd: &Sshd) {
    let data = tempfile::tempdir().unwrap();
    let engine = engine(&data).await;
    let hostile = Sshd::start_hostile();
    let names: Vec<String> = (0..BESIDE).map(|number| format!("h{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        add(&engine, sshd, name, &address(number), sshd.port()).await;
        engine.call(HostCheck { host: name.clone() }).await.unwrap();
    }
    answer_times(&engine, &names, "alone", None).await;
    add(&engine, &hostile, "hostile", "127.0.0.1", hostile.port()).await;
    let mut events = engine.events();
    engine.call(HostConnect { host: "hostile".into() }).await.unwrap();
    let flooding = async {
        loop {
            let event = match events.recv().await {
                Err(RecvError::Lagged(_)) => continue,
                event => event.unwrap(),
            };
            if matches!(event, Event::Metrics { host, .. } if host == "hostile") {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, flooding).await.unwrap();
    answer_times(&engine, &names, "beside a hostile one", Some(&hostile)).await;
    engine.call(HostDisconnect { host: "hostile".into() }).await.unwrap();
    // What that costs which is not of this program: the host has the same processors here.
    let other = ReadByOther::start(&hostile);
    answer_times(&engine, &names, "beside it, read by ssh(1)", Some(&hostile)).await;
    other.end();
    engine.shutdown().await;
}

/// The flood of a hostile host, read by ssh(1) and thrown away, as fast as this program would read it.
struct ReadByOther {
    ssh: std::process::Child,
    reader: std::thread::JoinHandle<()>,
}

impl ReadByOther {
    const STEP: Duration = Duration::from_millis(10);
    const STEP_BYTES: usize = (8 << 20) / 100;

    fn start(hostile: &Sshd) -> Self {
        let (port, key) = (hostile.port().to_string(), hostile.key());
        let options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
        let mut ssh = Command::new(find_program("ssh").unwrap());
        ssh.args(["-q", "-p", &port, "-i", key.to_str().unwrap(), "-l", &own_user()]);
        ssh.args(options.iter().flat_map(|option| ["-o", option])).args(["127.0.0.1", "true"]);
        let mut ssh = ssh.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut flood = ssh.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = vec![0; Self::STEP_BYTES];
            while std::io::Read::read_exact(&mut flood, &mut bytes).is_ok() {
                std::thread::sleep(Self::STEP);
            }
        });
        Self { ssh, reader }
    }

    fn end(mut self) {
        self.ssh.kill().unwrap();
        self.ssh.wait().unwrap();
        self.reader.join().unwrap();
    }
}

async fn answer_times(engine: &Engine, names: &[String], how: &str, hostile: Option<&Sshd>) {
    let mut times = Vec::new();
    let ticks = || hostile.map_or(0, Sshd::processor_ticks);
    let (begun, own_before, ticks_before) = (Instant::now(), own_ms(), ticks());
    for _ in 0..ROUNDS {
        let runs = names.iter().map(|name| async {
            let (host, command) = (name.clone(), COMMANDS[1].to_owned());
            let begun = Instant::now();
            let run = CommandRun { host, command, sudo: false, typed_name: None };
            assert_eq!(engine.call(run).await.unwrap().result, OperationResult::Done);
            begun.elapsed().as_millis()
        });
        times.extend(futures::future::join_all(runs).await);
    }
    let took = ms(begun.elapsed());
    times.sort_unstable();
    line(
        &format!("'{}' on {} hosts, {how}: median, p99", COMMANDS[1], names.len()),
        &format!("{}, {} ms", times[times.len() / 2], times[times.len() * 99 / 100]),
    );
    let [own, there] =
        [own_ms() - own_before, ticks().saturating_sub(ticks_before) as f64 * 1000.0 / TICKS_PER_S];
    line(
        "    processors busy with this program, with the hostile host",
        &format!("{:.2}, {:.2}", own / took, there / took),
    );
}

/// On how many hosts it was done, and how long all of it took.
async fn over_all(engine: &Engine, names: &[String], command: &str) -> (usize, Duration) {
    let begun = Instant::now();
    let runs = names.iter().map(|name| {
        let (host, command) = (name.clone(), command.to_owned());
        engine.call(CommandRun { host, command, sudo: false, typed_name: None })
    });
    let done = futures::future::join_all(runs).await;
    let done = done.iter().filter(|run| run.as_ref().is_ok_and(|one| one.result == OperationResult::Done));
    (done.count(), begun.elapsed())
}

pub(crate) fn address(number: usize) -> String {
    format!("127.9.{}.{}", number / 200, number % 200 + 1)
}

/// The same command by the tools of today; each signs in anew, as they do.
fn peers(sshd: &Sshd, count: usize, command: &str) {
    let (port, key) = (sshd.port().to_string(), sshd.key());
    let key = key.to_str().unwrap();
    let hosts: Vec<String> = (0..count).map(address).collect();
    let (user, list) = (own_user(), sshd.folder().join("hosts"));
    fs::write(&list, hosts.join("\n") + "\n").unwrap();
    let list = list.to_str().unwrap();
    let options = format!(
        "-p {port} -i {key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    );
    let inventory = hosts.join(",") + ",";
    let variables = format!("ansible_port={port} ansible_user={user} ansible_ssh_private_key_file={key}");
    let common = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";
    let variables = format!("{variables} ansible_ssh_common_args='{common}'");
    let tried: [(&str, &str, Vec<&str>); 3] = [
        (
            "clush",
            "clustershell",
            vec!["-l", &user, "--hostfile", list, "-f", AT_ONCE, "-o", &options, command],
        ),
        ("parallel-ssh", "pssh", vec!["-l", &user, "-h", list, "-p", AT_ONCE, "-x", &options, command]),
        (
            "ansible",
            "ansible-core",
            vec!["all", "-i", &inventory, "-m", "raw", "-a", command, "-f", AT_ONCE, "-e", &variables],
        ),
    ];
    for (program, package, words) in tried {
        let Some(path) = find_program(program) else {
            line(&format!("{program} is missing: install {package} to measure it too"), "");
            continue;
        };
        let begun = Instant::now();
        let mut peer = Command::new(path);
        peer.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = peer.status().unwrap();
        let note = if status.success() { "" } else { ", with failures" };
        line(
            &format!("'{command}' over {count} by {program}{note}"),
            &format!("{:.1} s", begun.elapsed().as_secs_f64()),
        );
    }
}
