//! The door between two programs of one user: while the app has the store open, `musterctl` asks it
//! here for the same commands it would carry out itself.
//!
//! A Unix socket in a folder that only this user can enter; both ends check the other's user id.
//! Lines of JSON: a call in, one answer out; a watch in, answers until the caller goes away.

mod client;
mod server;

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use protocol::ipc::Event;
use protocol::journal::JournalQuery;
use protocol::{Fault, FaultCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use client::{Asks, Desk, Entries, News, Samples};
pub use server::open_door;

/// No line through the door is longer.
const LINE_LIMIT_BYTES: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
struct Call {
    name: String,
    args: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Ok(serde_json::Value),
    Fault(Fault),
}

/// The call that is answered by a stream of samples.
const WATCH_METRICS: &str = "watch_metrics";

#[derive(Serialize, Deserialize)]
struct WatchMetrics {
    host: String,
    interval_ms: u32,
}

/// The call that is answered by a stream of news of a log.
const WATCH_JOURNAL: &str = "watch_journal";

#[derive(Serialize, Deserialize)]
struct WatchJournal {
    host: String,
    query: JournalQuery,
}

/// The call that is answered by a word that it was heard, and then by events as they happen.
const WATCH_EVENTS: &str = "watch_events";

#[derive(Serialize, Deserialize)]
struct WatchEvents {
    topic: Topic,
}

/// Which events are told through the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// What sign-ins ask, the open questions first: the one who listens can answer them.
    Questions,
    /// Units that changed on a host whose table is watched.
    Services,
    /// Changes of the log, and the counts after them.
    Operations,
}

impl Topic {
    fn has(self, event: &Event) -> bool {
        match self {
            Topic::Questions => matches!(event, Event::Question { .. } | Event::QuestionOver { .. }),
            Topic::Services => matches!(event, Event::Services { .. }),
            Topic::Operations => matches!(event, Event::Operations { .. }),
        }
    }
}

/// Where the door of a data folder is. The name is a digest, because a socket's path must be short.
fn door_path(data_dir: &Path) -> Result<PathBuf, Fault> {
    let full = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_path_buf());
    let full = full.canonicalize().unwrap_or(full);
    let digest = Sha256::digest(full.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(own_folder()?.join(format!("{name}.sock")))
}

/// A folder that belongs to this user and that nobody else can enter.
fn own_folder() -> Result<PathBuf, Fault> {
    let uid = rustix::process::getuid().as_raw();
    let folder = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute())
    {
        Some(runtime) => runtime.join("muster"),
        None => std::env::temp_dir().join(format!("muster-{uid}")),
    };
    let bad = |why: String| {
        Fault::new(FaultCode::NotPermitted, format!("the folder {} cannot be used: {why}", folder.display()))
    };
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {}
        Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(why) => return Err(bad(why.to_string())),
    }
    // Not through a link: somebody else may have planted one in a shared temporary folder.
    let found = std::fs::symlink_metadata(&folder).map_err(|why| bad(why.to_string()))?;
    if !found.is_dir() || found.uid() != uid || found.mode() & 0o077 != 0 {
        return Err(bad("it is not a folder of this user alone".into()));
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(dir: &tempfile::TempDir) -> crate::EngineOptions {
        crate::EngineOptions {
            data_dir: dir.path().join("data"),
            clock: crate::clock::Clock::system(),
            secrets: std::sync::Arc::new(crate::secrets::Memory::new()),
            operator: "tester".into(),
        }
    }

    #[test]
    fn each_data_folder_has_a_short_door_of_its_own() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (door_path(a.path()).unwrap(), door_path(b.path()).unwrap());
        assert_ne!(first, second);
        assert_eq!(first, door_path(a.path()).unwrap(), "both programs must find the same door");
        assert!(first.as_os_str().len() < 108, "{}", first.display());
    }

    /// Set for the program that runs as another user: the socket that it knocks at.
    const KNOCK_AT: &str = "MUSTER_TEST_KNOCK_AT";
    const OTHER_USER: u32 = 65_534;

    /// Asks for the hosts and tells what came back.
    fn knock_at(path: &Path) -> String {
        use std::io::{Read, Write};
        let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
        let asked = stream.write_all(b"{\"name\":\"operations_read\",\"args\":{\"selection\":\"all\"}}\n");
        let mut byte = [0];
        match asked.and_then(|()| stream.read(&mut byte)) {
            Ok(0) | Err(_) => "hung up".into(),
            Ok(_) => "answered".into(),
        }
    }

    #[tokio::test]
    async fn another_user_is_hung_up_on_even_where_the_folder_lets_them_in() {
        use std::os::unix::fs::PermissionsExt;
        if let Some(path) = std::env::var_os(KNOCK_AT) {
            eprintln!("the door: {}", knock_at(Path::new(&path)));
            return;
        }
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: it takes root to run a program as another user");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let open_to = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap()
        };
        open_to(dir.path(), 0o755);
        let options = options(&dir);
        let path = dir.path().join("door.sock");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        open_to(&path, 0o777);
        let door = server::answer(crate::Engine::open(options).await.unwrap(), listener);
        let own = path.clone();
        assert_eq!(tokio::task::spawn_blocking(move || knock_at(&own)).await.unwrap(), "answered");
        let program = dir.path().join("knocker");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        open_to(&program, 0o755);
        let name = "door::tests::another_user_is_hung_up_on_even_where_the_folder_lets_them_in";
        let mut command = tokio::process::Command::new(&program);
        command.args(["--exact", name, "--nocapture"]).env(KNOCK_AT, &path).current_dir("/");
        let ran = command.uid(OTHER_USER).gid(OTHER_USER).output().await.unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(said.contains("the door: hung up"), "{said}{}", String::from_utf8_lossy(&ran.stdout));
        door.abort();
    }

    #[tokio::test]
    async fn news_come_through_the_door_and_only_those_that_were_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let options = options(&dir);
        let engine = crate::Engine::open(options.clone()).await.unwrap();
        let door = open_door(engine.clone(), &options.data_dir).unwrap();
        let desk = Desk::open(options.clone()).await.unwrap();
        let mut news = desk.news(Topic::Operations).await.unwrap();
        let mut own = Desk::Own(engine.clone()).news(Topic::Services).await.unwrap();
        engine.tell(Event::HostsChanged {});
        engine.tell(Event::Services { host: "web".into() });
        let counts = protocol::operations::OperationCounts { unread: 3, ..Default::default() };
        engine.tell(Event::Operations { counts, record: 9 });
        assert_eq!(news.next().await, Some(Event::Operations { counts, record: 9 }));
        assert_eq!(own.next().await, Some(Event::Services { host: "web".into() }));
        door.abort();
    }

    #[tokio::test]
    async fn a_log_is_followed_through_the_door_and_a_fault_comes_back_through_it() {
        let dir = tempfile::tempdir().unwrap();
        let options = options(&dir);
        let engine = crate::Engine::open(options.clone()).await.unwrap();
        let door = open_door(engine, &options.data_dir).unwrap();
        let desk = Desk::open(options.clone()).await.unwrap();
        assert!(matches!(desk, Desk::App { .. }));
        let query = JournalQuery { unit: Some("no unit".into()), ..JournalQuery::default() };
        for (host, query, code) in [
            ("nowhere", JournalQuery::default(), FaultCode::HostUnknown),
            (protocol::hosts::LOCAL, query, FaultCode::BadInput),
        ] {
            let mut entries = desk.watch_journal(host, query).await.unwrap();
            assert_eq!(entries.next().await.unwrap().unwrap_err().code, code);
        }
        door.abort();
    }
}
