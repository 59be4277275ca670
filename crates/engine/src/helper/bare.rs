//! bare: a link to a host on which nothing may be put or run.
//!
//! Questions are answered here: one fixed script reads what is needed over the connection, and the
//! helper of this computer parses it as it would parse the files of its own machine. It only reads;
//! what would change the host, and what only a program there could tell, is refused with words.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::delta::News;
use protocol::journal::{JOURNALCTL_FIELDS, JournalNews, JournalPage, JournalQuery};
use protocol::services::UNIT_KEYS;
use protocol::wire::{Answer, Ask, Hello, HelloHost, Line, Request};
use protocol::{Fault, FaultCode};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::link::{HELLO_LIMIT, Link, Wire};
use super::pulled::Pulled;
use super::{Program, Programs, place, scripts};
use crate::ssh::{Connection, ExecLimits, StderrTail};

/// For one reading; a login shell may be slow.
const PULL_LIMIT: Duration = Duration::from_secs(30);
/// No host says more about itself in one reading.
const PULL_LIMIT_BYTES: usize = 48 << 20;
/// Streams are not renewed more often: each reading is a command on the host.
const EVERY_MIN: Duration = Duration::from_secs(5);
/// A reading of this age gives the rates of the next.
const BEFORE_MIN: Duration = Duration::from_millis(400);
const BEFORE_MAX: Duration = Duration::from_secs(15);
/// Bytes of answers that may wait to be taken.
const WAITING_BYTES: usize = 1 << 20;
/// Lines that wait to be written; who has a further one waits.
const WAITING_LINES: usize = 2;

const CAN: [&str; 7] = ["system", "metrics", "sockets", "services", "processes", "journal", "cancel"];
const MISSING: [&str; 6] = ["actions", "commands", "signals", "blame", "root", "memory shares of a process"];

/// A link that only reads.
///
/// # Errors
/// `HelperArch` if the host is no Linux, `HelperBlocked` if it gives no shell, `HelperNotBuilt` if this
/// program has no helper for this computer, or the connection's.
pub async fn look_bare(connection: Arc<Connection>, host: &str) -> Result<Link, Fault> {
    let own = std::env::consts::ARCH;
    let program = Programs::built_in().for_arch(own).map_err(|fault| fault.on_host(host))?;
    let reader = Reader {
        connection: connection.clone(),
        host: host.to_owned(),
        program,
        before: tokio::sync::Mutex::default(),
    };
    let first = reader.pull("base").await?;
    let os = first.word("tools/os");
    if os != "Linux" {
        let message = format!("only Linux can be looked at, and {host} runs {os}");
        return Err(Fault::new(FaultCode::HelperArch, message).on_host(host).about(os));
    }
    let (near, far) = tokio::io::duplex(WAITING_BYTES);
    let (input, output) = tokio::io::split(near);
    let ended = {
        let connection = connection.clone();
        Box::pin(async move {
            let cause = connection.watch_end().cause();
            cause.map_or_else(
                || "it was given up".to_owned(),
                |cause| format!("the connection ended: {cause}"),
            )
        })
    };
    tokio::spawn(serve(Arc::new(reader), hello(&first), far));
    let wire = Wire {
        host: host.to_owned(),
        input: Box::new(input),
        output: Box::new(output),
        stderr: StderrTail::default(),
        hello_limit: HELLO_LIMIT,
        is_opened: false,
        ended,
    };
    Link::begin(wire, &mut String::new()).await
}

fn hello(first: &Pulled) -> Hello {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Hello {
        version: protocol::VERSION.to_owned(),
        can: CAN.map(str::to_owned).to_vec(),
        host: HelloHost {
            host_name: first.word("proc/sys/kernel/hostname"),
            os: None,
            kernel: first.word("proc/sys/kernel/osrelease"),
            arch: first.word("tools/arch"),
            machine_id: some(first.word("etc/machine-id")),
            boot_id: some(first.word("proc/sys/kernel/random/boot_id")),
            user: first.word("tools/user"),
            uid: first.word("tools/uid").parse().unwrap_or(u32::MAX),
        },
        pid: 0,
        missing: MISSING.map(str::to_owned).to_vec(),
    }
}

/// Answers until the other end is dropped or the connection has ended.
async fn serve(reader: Arc<Reader>, hello: Hello, link: DuplexStream) {
    let (asked, says) = tokio::io::split(link);
    let (output, lines) = mpsc::channel(WAITING_LINES);
    tokio::spawn(write(lines, says));
    let mut asked = BufReader::new(asked).lines();
    say(&output, &Line::Hello(hello)).await;
    let under_way = UnderWay::default();
    let connection = reader.connection.clone();
    let gone = connection.closed();
    tokio::pin!(gone);
    loop {
        let line = tokio::select! {
            line = asked.next_line() => line,
            _ = &mut gone => break,
        };
        let Ok(Some(line)) = line else { break };
        let Ok(Request { id, ask }) = serde_json::from_str(&line) else { continue };
        if let Ask::Cancel { id } = ask {
            under_way.end(id);
        }
        let (reader, output) = (reader.clone(), output.clone());
        let task = tokio::spawn(async move { answer(&reader, &output, id, ask).await });
        under_way.begin(id, task.abort_handle());
    }
}

/// Answers that are worked on. Dropped, they end.
#[derive(Default)]
struct UnderWay(Mutex<HashMap<u64, AbortHandle>>);

impl UnderWay {
    fn begin(&self, id: u64, task: AbortHandle) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|_, task| !task.is_finished());
        tasks.insert(id, task);
    }

    fn end(&self, id: u64) {
        if let Some(task) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            task.abort();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).values().for_each(AbortHandle::abort);
    }
}

type Says = mpsc::Sender<Vec<u8>>;

async fn say(output: &Says, line: &Line) {
    // A line that cannot be written, or that nobody takes, ends the link on the other side.
    let Ok(mut text) = serde_json::to_vec(line) else { return };
    text.push(b'\n');
    let _ = output.send(text).await;
}

/// Writes each line whole, whatever becomes of who said it: a stream that is ended in the middle of
/// its line would tear the next one.
async fn write(mut lines: mpsc::Receiver<Vec<u8>>, mut says: WriteHalf<DuplexStream>) {
    while let Some(line) = lines.recv().await {
        if says.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn answer(reader: &Reader, output: &Says, id: u64, ask: Ask) {
    if let Ask::JournalFollow { query, .. } = ask {
        if let Err(fault) = follow(reader, output, id, query).await {
            say(output, &Line::Fault { id, fault }).await;
        }
        return;
    }
    let Some(every) = interval(&ask) else {
        let line = match reader.answer(&ask).await {
            Ok(answer) => Line::Reply { id, answer },
            Err(fault) => Line::Fault { id, fault },
        };
        return say(output, &line).await;
    };
    let mut seq = 0;
    loop {
        let began = Instant::now();
        seq += 1;
        match reader.answer(&ask).await {
            Ok(answer) => say(output, &Line::Push { id, seq, answer: as_news(answer, seq) }).await,
            Err(fault) => return say(output, &Line::Fault { id, fault }).await,
        }
        tokio::time::sleep(every.saturating_sub(began.elapsed())).await;
    }
}

/// The last entries of the log, and every few seconds those written since.
async fn follow(reader: &Reader, output: &Says, id: u64, mut query: JournalQuery) -> Result<(), Fault> {
    let (mut seq, mut sent_before) = (0, 0);
    loop {
        let began = Instant::now();
        let page = reader.journal(&query).await?;
        // What is newer than the whole of it is asked for until the first entry is there.
        match page.newer {
            Some(place) => query.after = Some(place),
            None => query.since_ms = query.since_ms.or(Some(page.at_ms)),
        }
        let count = page.entries.len();
        if seq == 0 || count > 0 || page.left_out > 0 {
            seq += 1;
            let news = JournalNews {
                entries: page.entries,
                sent_before,
                left_out: page.left_out,
                source: page.source,
                sight: page.sight,
                ..JournalNews::default()
            };
            sent_before += count as u64;
            say(output, &Line::Push { id, seq, answer: Answer::JournalNews(Box::new(news)) }).await;
        }
        // A page that is full has more behind it.
        if count < query.page_limit() {
            tokio::time::sleep(EVERY_MIN.saturating_sub(began.elapsed())).await;
        }
    }
}

fn interval(ask: &Ask) -> Option<Duration> {
    match ask {
        Ask::Metrics { interval_ms }
        | Ask::Sockets { interval_ms, .. }
        | Ask::Services { interval_ms }
        | Ask::Processes { interval_ms, .. } => {
            interval_ms.map(|ms| Duration::from_millis(u64::from(ms)).max(EVERY_MIN))
        }
        _ => None,
    }
}

/// A table of a stream, each time as a whole.
fn as_news(answer: Answer, seq: u64) -> Answer {
    let generation = u32::try_from(seq).unwrap_or(u32::MAX);
    match answer {
        Answer::Sockets(table) => Answer::SocketNews(Box::new(News::Whole { generation, table })),
        Answer::Services(table) => Answer::ServiceNews(Box::new(News::Whole { generation, table })),
        Answer::Processes(table) => Answer::ProcessNews(Box::new(News::Whole { generation, table })),
        other => other,
    }
}

struct Reader {
    connection: Arc<Connection>,
    host: String,
    /// The helper of this computer.
    program: &'static Program,
    /// The last reading of tasks and counters, which the next is compared with. Held while the host
    /// is read, so that it is read by one command at a time.
    before: tokio::sync::Mutex<Option<(Instant, TempDir)>>,
}

impl Reader {
    async fn answer(&self, ask: &Ask) -> Result<Answer, Fault> {
        // `metrics tasks` in both, so that the readings of one give the rates of the other.
        let (noun, words, has_rates) = match ask {
            Ask::System {} => ("system", "base system", false),
            Ask::Metrics { .. } => ("metrics", "base metrics tasks", true),
            Ask::Processes { .. } => ("processes", "base metrics tasks processes", true),
            Ask::Sockets { unix: false, .. } => ("sockets", "base sockets", false),
            Ask::Sockets { unix: true, .. } => ("sockets", "base sockets unix", false),
            Ask::Services { .. } => ("services", "base services", false),
            Ask::Journal { query, .. } => {
                return self.journal(query).await.map(|page| Answer::Journal(Box::new(page)));
            }
            Ask::Cancel { .. } => return Ok(Answer::Cancelled {}),
            Ask::Refresh { .. } => return Ok(Answer::Refreshed {}),
            _ => return Err(self.unused()),
        };
        let mut before = self.before.lock().await;
        if has_rates
            && !before.as_ref().is_some_and(|(at, _)| (BEFORE_MIN..=BEFORE_MAX).contains(&at.elapsed()))
        {
            *before = Some((Instant::now(), self.pull_tree("base metrics tasks").await?));
            tokio::time::sleep(BEFORE_MIN).await;
        }
        let (at, now) = (Instant::now(), self.pull_tree(words).await?);
        let old = before.as_ref().filter(|_| has_rates).map(|(_, tree)| tree.path());
        let old = old.map(|old| [OsStr::new("--before"), old.as_os_str()]);
        let answer = self.parse(noun, now.path(), old.as_ref().map_or(&[], |words| words)).await?;
        if has_rates {
            *before = Some((at, now));
        }
        Ok(answer)
    }

    fn unused(&self) -> Fault {
        let message = format!(
            "{} is set to be looked at without the helper, and that cannot be told or done without it",
            self.host
        );
        Fault::new(FaultCode::HelperUnused, message).on_host(&self.host)
    }

    async fn journal(&self, query: &JournalQuery) -> Result<JournalPage, Fault> {
        query.check()?;
        let lines = query.journalctl_lines().to_string();
        let mut words = vec![JOURNALCTL_FIELDS.to_owned(), lines];
        words.extend(query.journalctl_page());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let tree = self.lay_out(self.pull_with("base journal", &words).await?).await?;
        let query = serde_json::to_string(query)
            .map_err(|why| Fault::new(FaultCode::Internal, format!("the question is no JSON: {why}")))?;
        let more = [OsStr::new("--query"), OsStr::new(&query)];
        match self.parse("journal", tree.path(), &more).await? {
            Answer::Journal(page) => Ok(*page),
            _ => Err(Fault::new(FaultCode::Internal, "the journal was not answered with a page")),
        }
    }

    async fn pull(&self, words: &str) -> Result<Pulled, Fault> {
        self.pull_with(words, &[]).await
    }

    async fn pull_with(&self, words: &str, more: &[&str]) -> Result<Pulled, Fault> {
        let mark = scripts::mark();
        let what = "reading without the helper";
        let limits = ExecLimits { stdout_bytes: PULL_LIMIT_BYTES, ..ExecLimits::new(what, PULL_LIMIT) };
        let command = scripts::pull(&[&[&mark, words, UNIT_KEYS], more].concat());
        let result = self.connection.run(&command, Vec::new(), limits).await?;
        if result.stdout.len() >= PULL_LIMIT_BYTES {
            let message = format!(
                "{} said more than {} MiB without the helper, which cannot be read whole",
                self.host,
                PULL_LIMIT_BYTES >> 20
            );
            return Err(Fault::new(FaultCode::HelperFailed, message).on_host(&self.host));
        }
        Pulled::parse(&result.stdout, &mark).ok_or_else(|| place::no_answer(&self.host, what, &result))
    }

    async fn pull_tree(&self, words: &str) -> Result<TempDir, Fault> {
        self.lay_out(self.pull(words).await?).await
    }

    async fn lay_out(&self, pulled: Pulled) -> Result<TempDir, Fault> {
        let written = tokio::task::spawn_blocking(move || {
            let tree = folder()?;
            pulled.write(tree.path()).map(|()| tree)
        });
        let failed = |why: &dyn std::fmt::Display| {
            let message = format!("what {} said cannot be laid out on this computer: {why}", self.host);
            Fault::new(FaultCode::StoreUnwritable, message).on_host(&self.host).because(why.to_string())
        };
        written.await.map_err(|why| failed(&why))?.map_err(|why| failed(&why))
    }

    #[cfg(target_os = "linux")]
    async fn parse(&self, noun: &str, now: &Path, more: &[&OsStr]) -> Result<Answer, Fault> {
        let words = [&[OsStr::new(noun), OsStr::new("--tree"), now.as_os_str()], more].concat();
        let failed = |why: String| {
            let message = format!("what {} said about its {noun} was not understood: {why}", self.host);
            Fault::new(FaultCode::NotOnThisHost, message).on_host(&self.host).because(why)
        };
        let ran = super::local::linux::run_bytes(self.program.bytes, &words).await;
        let output = ran.map_err(|why| failed(why.to_string()))?;
        serde_json::from_slice(&output.stdout).map_err(|_| {
            let said = String::from_utf8_lossy(&output.stderr);
            failed(protocol::text::printable(said.lines().last().unwrap_or("nothing")).into_owned())
        })
    }

    #[cfg(not(target_os = "linux"))]
    async fn parse(&self, _: &str, _: &Path, _: &[&OsStr]) -> Result<Answer, Fault> {
        let message = "a host is looked at without the helper from a Linux computer only";
        Err(Fault::new(FaultCode::NotOnThisHost, message).on_host(&self.host))
    }
}

/// Names of the folders here that hold what hosts said.
const FOLDER_PREFIX: &str = "muster-read-";
/// Nobody reads one of this age; who made it was ended before it could take it away.
const FOLDER_LIVES: Duration = Duration::from_secs(600);

/// A folder of this user's alone, in memory where the computer has one there.
fn folder() -> std::io::Result<TempDir> {
    let in_memory = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    let parents = in_memory.into_iter().chain([std::env::temp_dir()]);
    let mut last = Err(std::io::ErrorKind::NotFound.into());
    for parent in parents {
        sweep(&parent);
        last = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(&parent);
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Takes away folders that were left by a program that was killed.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_old = |meta: std::fs::Metadata| {
            let age = meta.modified().ok().and_then(|at| at.elapsed().ok());
            meta.is_dir() && age.is_some_and(|age| age > FOLDER_LIVES)
        };
        let is_named = entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX);
        if is_named && entry.metadata().is_ok_and(is_old) {
            // What belongs to another user stays.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[tokio::test]
    async fn a_stream_that_is_ended_in_the_middle_of_its_line_tears_no_other_one() {
        let (near, far) = tokio::io::duplex(64);
        let (asked, says) = tokio::io::split(far);
        drop(asked);
        let (output, lines) = mpsc::channel(WAITING_LINES);
        tokio::spawn(write(lines, says));
        let under_way = UnderWay::default();
        let mut begun = Vec::new();
        for id in 0..8 {
            let output = output.clone();
            let fault = Fault::new(FaultCode::Internal, "x".repeat(1_000));
            let task = tokio::spawn(async move { say(&output, &Line::Fault { id, fault }).await });
            under_way.begin(id, task.abort_handle());
            begun.push(task);
        }
        // The first line is half written: nobody has read more than its beginning.
        let mut lines = BufReader::with_capacity(16, near);
        assert!(!lines.fill_buf().await.unwrap().is_empty());
        (0..8).for_each(|id| under_way.end(id));
        for task in begun {
            let _ = task.await;
        }
        // It waits behind the lines that are there, which are read now.
        tokio::spawn(async move { say(&output, &Line::End { id: 9 }).await });
        let mut lines = lines.lines();
        let mut whole = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            whole.push(serde_json::from_str::<Line>(&line).unwrap_or_else(|why| panic!("{why}: {line}")));
        }
        assert!(whole.len() > 1 && matches!(whole.last(), Some(Line::End { id: 9 })), "{whole:?}");
    }

    #[test]
    fn what_a_killed_program_left_is_taken_away_by_the_next_and_nothing_else_is() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str, age_s: u64| {
            let path = parent.path().join(name);
            std::fs::create_dir_all(path.join("proc/1")).unwrap();
            let at = SystemTime::now() - Duration::from_secs(age_s);
            std::fs::File::open(&path).unwrap().set_modified(at).unwrap();
        };
        make("muster-read-old", 3_600);
        make("muster-read-new", 5);
        make("somebody-else", 3_600);
        sweep(parent.path());
        let mut left: Vec<_> =
            std::fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["muster-read-new", "somebody-else"]);
    }
}
