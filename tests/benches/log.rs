//! A log of a million entries: how fast one more is kept, how soon a page of it shows, and what it takes
//! of the disk and of memory, beside SQLite with the same entries in an FTS5 table.
//!
//! The entries are made by a seed. What is found is counted on both sides, so that both do the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::clock::Clock;
use engine::operations::{Finish, OperationDraft, Operations};
use engine::secrets::SecretStore;
use engine::store::Store;
use protocol::Fault;
use protocol::credentials::KeyringState;
use protocol::operations::{
    HostThen, OperationFilter, OperationKind, OperationResult, Privilege, ReadSelection,
};
use secrecy::{ExposeSecret, SecretString};

use crate::figures::{line, ms, own_memory_mib};

/// `MUSTER_BENCH_ENTRIES` sets another number, to try this out.
const ENTRIES: u64 = 1_000_000;
/// Entries of one write while the log is filled.
const BATCH: u64 = 1_000;
/// Entries that stay unread.
const UNREAD: u64 = 2_000;
const HOSTS: u64 = 300;
const SEED: u64 = 20_261_127;
const APPENDS: usize = 300;
const PAGES: usize = 20;
pub(crate) const PAGE: usize = 100;

/// What is looked for: a word of few entries, one of many, and a Chinese one.
pub(crate) const RARE: &str = "zq7731";
pub(crate) const COMMON: &str = "nginx";
pub(crate) const CHINESE: &str = "磁盘";
/// A host of the log.
pub(crate) const HOST: &str = "web-17";

/// Prints the figures of the log and of SQLite.
pub(crate) fn log() {
    let entries = std::env::var("MUSTER_BENCH_ENTRIES").ok().map_or(ENTRIES, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    println!("{entries} entries, seed {SEED}");
    runtime().block_on(fill(dir.path(), entries));
    // Each in a program of its own, as it is after a start.
    let own = std::env::current_exe().unwrap();
    assert!(Command::new(own).arg("log-look").arg(dir.path()).status().unwrap().success());
    runtime().block_on(made_anew(dir.path()));
    #[cfg(feature = "peers")]
    crate::sqlite::sqlite(entries);
    #[cfg(not(feature = "peers"))]
    println!("built without the feature 'peers': SQLite is not measured");
}

fn runtime() -> tokio::runtime::Runtime {
    engine::runtime().unwrap()
}

async fn open(dir: &Path) -> (Operations, Store) {
    let store = Store::open_sealed(dir, Arc::new(KeyFiles(dir.join("keys")))).await.unwrap().store;
    let log = Operations::open(store.clone(), Clock::system(), "bench".into()).await.unwrap();
    (log, store)
}

async fn fill(dir: &Path, entries: u64) {
    let (log, _store) = open(dir).await;
    let mut random = Random::seeded();
    let began = Instant::now();
    for batch in 0..entries.div_ceil(BATCH) {
        let count = BATCH.min(entries - batch * BATCH);
        let some: Vec<_> =
            (0..count).map(|at| Entry::make(&mut random, batch * BATCH + at).logged()).collect();
        if batch == (entries - UNREAD.min(entries)) / BATCH {
            log.mark_read(ReadSelection::All).await.unwrap();
        }
        log.record_all(some).await.unwrap();
    }
    let per_s = entries as f64 / began.elapsed().as_secs_f64();
    line(&format!("kept in writes of {BATCH}, entries a second"), &format!("{per_s:.0}"));
    line("memory after that, at most", &format!("{} MiB", own_memory_mib("VmHWM")));
    let mut times = Vec::new();
    for at in 0..APPENDS as u64 {
        let (draft, finish) = Entry::make(&mut random, entries + at).logged();
        let began = Instant::now();
        log.record(draft, finish).await.unwrap();
        times.push(began.elapsed());
    }
    told("one more, on the disk when it is acknowledged", times);
    let began = Instant::now();
    let wait = OperationFilter { text: RARE.into(), ..OperationFilter::default() };
    while log.page(wait.clone()).await.unwrap().operations.is_empty() {}
    line("the first search of a word of few entries", &format!("{:.1} ms", ms(began.elapsed())));
}

/// What the store takes once it is made anew from what is in it, as it is when room is given back.
async fn made_anew(dir: &Path) {
    let (log, store) = open(dir).await;
    let live = store.facts().await.unwrap().live_bytes >> 20;
    line("live in the store", &format!("{live} MiB"));
    // Not in the data folder, where no backup is written.
    let beside = tempfile::tempdir_in(dir.parent().unwrap()).unwrap();
    let file = beside.path().join("copy");
    let began = Instant::now();
    let made = store.back_up(&file, 5, None).await.unwrap();
    let what = format!("{:.1} s, {} MiB", began.elapsed().as_secs_f64(), made.bytes >> 20);
    line("a backup of all of it", &what);
    drop((log, store));
    let again = tempfile::tempdir_in(dir.parent().unwrap()).unwrap();
    let keys = Arc::new(KeyFiles(dir.join("keys")));
    let began = Instant::now();
    Store::restore(again.path(), &file, keys, None).await.unwrap();
    let what =
        format!("{:.1} s, {} MiB on the disk", began.elapsed().as_secs_f64(), folder_mib(again.path()));
    line("made anew from it, as when room is given back", &what);
}

/// Looks at the log in the folder, in a program that has only just begun.
pub(crate) fn look(dir: &Path) {
    runtime().block_on(async {
        line("on the disk", &format!("{} MiB", folder_mib(dir)));
        let began = Instant::now();
        let (log, store) = open(dir).await;
        line("from nothing to an open log", &format!("{:.0} ms", ms(began.elapsed())));
        line("memory then", &format!("{} MiB", own_memory_mib("VmRSS")));
        let began = Instant::now();
        let counts = (0..1_000).map(|_| log.counts()).next_back().unwrap();
        line(
            &format!("the badge, {} of {} unread", counts.unread, counts.total),
            &format!("{:.2} us", ms(began.elapsed())),
        );
        let with = |text: &str| OperationFilter { text: text.into(), ..OperationFilter::default() };
        let asked = [
            ("the newest page", OperationFilter::default()),
            ("a page of one host", OperationFilter { host: Some(HOST.into()), ..OperationFilter::default() }),
            (
                "a page of what failed and is unread",
                OperationFilter { failed: true, unread: true, ..OperationFilter::default() },
            ),
            ("a page of a word of few entries", with(RARE)),
            ("a page of a word of many entries", with(COMMON)),
            ("a page of a Chinese word", with(CHINESE)),
            ("a page of a word that is nowhere", with("nowherezzz")),
        ];
        for (what, filter) in asked {
            let mut times = Vec::new();
            let mut found = 0;
            let filter = OperationFilter { limit: Some(PAGE as u32), ..filter };
            for _ in 0..PAGES {
                let began = Instant::now();
                found = log.page(filter.clone()).await.unwrap().operations.len();
                times.push(began.elapsed());
            }
            let first = ms(times[0]);
            told(&format!("{what}, {found} found, first {first:.1} ms"), times);
        }
        line("memory after that", &format!("{} MiB", own_memory_mib("VmRSS")));
        drop((log, store));
    });
}

/// Prints the median and the slowest but a few.
pub(crate) fn told(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| ms(times[(times.len() * share / 100).min(times.len() - 1)]);
    line(what, &format!("{:.2} / {:.2} ms", at(50), at(95)));
}

pub(crate) fn folder_mib(dir: &Path) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let meta = entry.metadata().unwrap();
        bytes += if meta.is_dir() { folder_mib(&entry.path()) << 20 } else { meta.len() };
    }
    bytes >> 20
}

/// xorshift64*: the same entries for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded() -> Self {
        Self(SEED)
    }

    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.next(of.len() as u64) as usize]
    }
}

/// An entry as an operator's day makes it.
pub(crate) struct Entry {
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) command: String,
    pub(crate) output: String,
    pub(crate) failed: bool,
    custom: bool,
}

const UNITS: [&str; 12] = [
    "nginx",
    "postgresql",
    "redis-server",
    "cron",
    "ssh",
    "docker",
    "haproxy",
    "php8.2-fpm",
    "mariadb",
    "rabbitmq-server",
    "grafana-server",
    "node-exporter",
];
const COMMANDS: [&str; 8] = [
    "df -h /var/lib",
    "journalctl -u cron --since today",
    "apt-get update",
    "tail -n 50 /var/log/syslog",
    "ls -la /srv/releases",
    "curl -fsS http://127.0.0.1:8080/health",
    "free -m",
    "ss -tunlp",
];
const WORDS: [&str; 28] = [
    "connection",
    "refused",
    "timeout",
    "bytes",
    "received",
    "from",
    "upstream",
    "server",
    "started",
    "pid",
    "worker",
    "process",
    "exited",
    "status",
    "reload",
    "configuration",
    "file",
    "permission",
    "denied",
    "内存",
    "磁盘空间不足",
    "服务已启动",
    "连接超时",
    "日志",
    "重启完成",
    "用户",
    "进程",
    "网络",
];

impl Entry {
    pub(crate) fn make(random: &mut Random, number: u64) -> Self {
        let host = format!("web-{}", random.next(HOSTS));
        let custom = random.next(10) < 4;
        let failed = random.next(100) < 6;
        let unit = random.pick(&UNITS);
        let (target, command) = if custom {
            (String::new(), random.pick(&COMMANDS).to_owned())
        } else {
            (format!("{unit}.service"), format!("systemctl restart {unit}.service"))
        };
        let mut output = String::new();
        for _ in 0..8 + random.next(24) {
            output += random.pick(&WORDS);
            output += &format!(" {} ", random.next(100_000));
        }
        // About one in two hundred thousand.
        if number % 200_000 == 77 {
            output += RARE;
        }
        Self { host, target, command, output, failed, custom }
    }

    fn logged(self) -> (OperationDraft, Finish) {
        let host = HostThen {
            id: self.host.clone(),
            address: format!("{}.example.net", self.host),
            name: self.host,
            port: 22,
            guarded: false,
            groups: Vec::new(),
        };
        let kind = if self.custom { OperationKind::Command } else { OperationKind::ServiceRestart };
        let mut draft =
            OperationDraft::new(kind, Some(host), self.target).running(self.command, Privilege::User);
        draft.custom = self.custom;
        let result = if self.failed { OperationResult::Failed } else { OperationResult::Done };
        let finish = Finish {
            exit_code: Some(i32::from(self.failed)),
            took_ms: Some(120),
            output: self.output,
            ..Finish::new(result)
        };
        (draft, finish)
    }
}

/// The key of the store in a file, for the two programs that open it one after the other.
struct KeyFiles(PathBuf);

impl KeyFiles {
    fn file(&self, item: &str) -> PathBuf {
        self.0.join(item.replace('/', "-"))
    }
}

impl SecretStore for KeyFiles {
    fn get(&self, item: &str) -> Result<Option<SecretString>, Fault> {
        Ok(fs::read_to_string(self.file(item)).ok().map(SecretString::from))
    }

    fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault> {
        fs::create_dir_all(&self.0).unwrap();
        fs::write(self.file(item), secret.expose_secret()).unwrap();
        Ok(())
    }

    fn delete(&self, item: &str) -> Result<(), Fault> {
        let _ = fs::remove_file(self.file(item));
        Ok(())
    }

    fn items(&self) -> Result<Vec<String>, Fault> {
        let names = fs::read_dir(&self.0).into_iter().flatten().flatten();
        Ok(names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    fn state(&self) -> KeyringState {
        KeyringState::Ready
    }
}
