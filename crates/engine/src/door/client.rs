//! The side of `musterctl`: its own engine, or the door of the program that has the store open.

use std::path::{Path, PathBuf};

use protocol::ipc::{Command, Event, QuestionAnswer, StoreBackup};
use protocol::journal::{JournalNews, JournalQuery};
use protocol::link::Question;
use protocol::metrics::Metrics;
use protocol::store::BackupFacts;
use protocol::wire::Answer;
use protocol::{Fault, FaultCode};
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;
use tokio::sync::broadcast::error::RecvError;

use super::{
    Call, Said, Topic, WATCH_EVENTS, WATCH_JOURNAL, WATCH_METRICS, WatchEvents, WatchJournal, WatchMetrics,
    door_path,
};
use crate::commands::Handle;
use crate::engine::{Engine, EngineOptions, in_turn};
use crate::helper::Subscription;
use crate::journal::JournalFollow;
use crate::sessions::Listening;
use crate::store::{check_target, copy_backup};

/// Carries out commands, here or in the app.
pub enum Desk {
    /// The store was free: this program opened it.
    Own(Engine),
    /// Another program of this user has it open and carries them out.
    App { door: Box<Mutex<Door>>, data_dir: PathBuf },
}

/// A connection to the door.
pub struct Door {
    reading: BufReader<OwnedReadHalf>,
    writing: OwnedWriteHalf,
    /// What came of a line that is not whole yet: who waits for it may stop, and wait again.
    line: Vec<u8>,
}

impl Desk {
    /// Goes through the door of the program that has the store open, or else opens the store. One that is open
    /// without a door, in another `musterctl` or an app that has only just begun, is waited for a while.
    pub async fn open(options: EngineOptions) -> Result<Self, Fault> {
        in_turn(|| Self::try_open(options.clone())).await
    }

    async fn try_open(options: EngineOptions) -> Result<Self, Fault> {
        match knock(&options.data_dir).await? {
            Some(door) => Ok(Desk::App { door: Box::new(Mutex::new(door)), data_dir: options.data_dir }),
            None => Engine::open(options).await.map(Desk::Own),
        }
    }

    /// What a person must know about the data that was opened here, if there is something.
    pub fn notice(&self) -> Option<&str> {
        match self {
            Desk::Own(engine) => engine.notice(),
            Desk::App { .. } => None,
        }
    }

    pub async fn call<C: Handle>(&self, command: C) -> Result<C::Reply, Fault> {
        match self {
            Desk::Own(engine) => engine.call(command).await,
            Desk::App { door, .. } => {
                let mut door = door.lock().await;
                let args = serde_json::to_value(command).map_err(unreadable)?;
                door.say(C::NAME, args).await?;
                serde_json::from_value(door.hear().await?).map_err(unreadable)
            }
        }
    }

    /// Writes a backup to a file. Where the app has the store open, it makes the backup, and its file is
    /// copied here.
    pub async fn back_up(&self, file: &Path, passphrase: Option<SecretString>) -> Result<BackupFacts, Fault> {
        if let Desk::Own(engine) = self {
            return engine.back_up(file, passphrase).await;
        }
        if passphrase.is_some() {
            return Err(Fault::new(
                FaultCode::StoreInUse,
                "the app has the store open, and a passphrase is not handed to it",
            ));
        }
        if let Desk::App { data_dir, .. } = self {
            check_target(data_dir, file)?;
        }
        let made = self.call(StoreBackup {}).await?;
        let (from, to) = (PathBuf::from(made.file), file.to_owned());
        tokio::task::spawn_blocking(move || copy_backup(&from, &to))
            .await
            .map_err(|why| crate::error::internal("a backup", why))?
    }

    /// What happens from now on, of one kind.
    pub async fn news(&self, topic: Topic) -> Result<News, Fault> {
        match self {
            Desk::Own(engine) => Ok(News::Own { topic, events: engine.events() }),
            // The first door stays free for calls.
            Desk::App { data_dir, .. } => match knock(data_dir).await? {
                Some(telling) => News::through(telling, topic).await,
                None => Err(gone(std::io::ErrorKind::NotFound.into())),
            },
        }
    }

    /// Streams samples of a host until the link ends.
    pub async fn watch_metrics(&self, host: &str, interval_ms: u32) -> Result<Samples<'_>, Fault> {
        match self {
            Desk::Own(engine) => Ok(Samples::Own(engine.watch_metrics(host, interval_ms).await?)),
            Desk::App { door, .. } => {
                let mut door = door.lock().await;
                let watch = WatchMetrics { host: host.to_owned(), interval_ms };
                door.say(WATCH_METRICS, serde_json::to_value(watch).map_err(unreadable)?).await?;
                Ok(Samples::App(door))
            }
        }
    }

    /// Streams the log of a host until the link ends.
    pub async fn watch_journal(&self, host: &str, query: JournalQuery) -> Result<Entries<'_>, Fault> {
        match self {
            Desk::Own(engine) => Ok(Entries::Own(Box::new(engine.watch_journal(host, query).await?))),
            Desk::App { door, .. } => {
                let mut door = door.lock().await;
                let watch = WatchJournal { host: host.to_owned(), query };
                door.say(WATCH_JOURNAL, serde_json::to_value(watch).map_err(unreadable)?).await?;
                Ok(Entries::App(door))
            }
        }
    }

    /// Ends what this program holds open.
    pub async fn close(&self) {
        if let Desk::Own(engine) = self {
            engine.shutdown().await;
        }
    }
}

/// Events of one kind, from here or through the door.
pub enum News {
    Own { topic: Topic, events: tokio::sync::broadcast::Receiver<Event> },
    App(Door),
}

impl News {
    async fn through(mut door: Door, topic: Topic) -> Result<Self, Fault> {
        door.say(WATCH_EVENTS, serde_json::to_value(WatchEvents { topic }).map_err(unreadable)?).await?;
        door.hear().await?;
        Ok(News::App(door))
    }

    /// The next one; `None` when there will be none any more. Who is slow misses some.
    pub async fn next(&mut self) -> Option<Event> {
        match self {
            News::Own { topic, events } => loop {
                match events.recv().await {
                    Ok(event) if topic.has(&event) => return Some(event),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            },
            News::App(door) => serde_json::from_value(door.hear().await.ok()?).ok(),
        }
    }
}

/// The questions of sign-ins, from here or through the door, for a terminal that can answer them.
pub enum Asks {
    Own {
        engine: Engine,
        news: News,
        _listening: Listening,
    },
    /// One door tells the questions, the other takes the answers.
    App {
        news: News,
        taking: Door,
    },
}

impl Asks {
    /// Shows the questions of whatever program has the data of `desk` open.
    pub async fn open(desk: &Desk) -> Result<Self, Fault> {
        let news = desk.news(Topic::Questions).await?;
        match desk {
            Desk::Own(engine) => Ok(Asks::Own { engine: engine.clone(), news, _listening: engine.listen() }),
            Desk::App { data_dir, .. } => match knock(data_dir).await? {
                Some(taking) => Ok(Asks::App { news, taking }),
                None => Err(gone(std::io::ErrorKind::NotFound.into())),
            },
        }
    }

    /// The next question; `None` when there will be none any more.
    pub async fn next(&mut self) -> Option<Question> {
        let (Asks::Own { news, .. } | Asks::App { news, .. }) = self;
        loop {
            if let Event::Question { question } = news.next().await? {
                return Some(*question);
            }
        }
    }

    pub async fn answer(&mut self, answer: QuestionAnswer) -> Result<(), Fault> {
        match self {
            Asks::Own { engine, .. } => engine.call(answer).await,
            Asks::App { taking, .. } => {
                let args = serde_json::to_value(answer).map_err(unreadable)?;
                taking.say(QuestionAnswer::NAME, args).await?;
                taking.hear().await.map(drop)
            }
        }
    }
}

/// A stream of samples, from here or through the door.
pub enum Samples<'a> {
    Own(Subscription),
    App(tokio::sync::MutexGuard<'a, Door>),
}

impl Samples<'_> {
    /// The next sample; `None` when the stream ended without a word.
    pub async fn next(&mut self) -> Option<Result<Metrics, Fault>> {
        match self {
            Samples::Own(subscription) => loop {
                match subscription.recv().await? {
                    Ok((_, Answer::Metrics(metrics))) => return Some(Ok(*metrics)),
                    Ok(_) => {}
                    Err(fault) => return Some(Err(fault)),
                }
            },
            Samples::App(door) => {
                Some(door.hear().await.and_then(|value| serde_json::from_value(value).map_err(unreadable)))
            }
        }
    }
}

/// A stream of a host's log, from here or through the door.
pub enum Entries<'a> {
    Own(Box<JournalFollow>),
    App(tokio::sync::MutexGuard<'a, Door>),
}

impl Entries<'_> {
    /// The next news; `None` when the stream ended without a word.
    pub async fn next(&mut self) -> Option<Result<JournalNews, Fault>> {
        match self {
            Entries::Own(follow) => follow.next().await,
            Entries::App(door) => {
                Some(door.hear().await.and_then(|value| serde_json::from_value(value).map_err(unreadable)))
            }
        }
    }
}

async fn knock(data_dir: &Path) -> Result<Option<Door>, Fault> {
    let Ok(stream) = UnixStream::connect(door_path(data_dir)?).await else { return Ok(None) };
    let own = rustix::process::getuid().as_raw();
    if !stream.peer_cred().is_ok_and(|peer| peer.uid() == own) {
        return Err(Fault::new(
            FaultCode::NotPermitted,
            "the program behind the local socket is another user's",
        ));
    }
    let (reading, writing) = stream.into_split();
    Ok(Some(Door { reading: BufReader::new(reading), writing, line: Vec::new() }))
}

impl Door {
    async fn say(&mut self, name: &str, args: Value) -> Result<(), Fault> {
        let mut line = serde_json::to_vec(&Call { name: name.to_owned(), args }).map_err(unreadable)?;
        line.push(b'\n');
        self.writing.write_all(&line).await.map_err(gone)
    }

    async fn hear(&mut self) -> Result<Value, Fault> {
        self.reading.read_until(b'\n', &mut self.line).await.map_err(gone)?;
        let line = std::mem::take(&mut self.line);
        if !line.ends_with(b"\n") {
            return Err(gone(std::io::ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_slice(&line).map_err(unreadable)? {
            Said::Ok(value) => Ok(value),
            Said::Fault(fault) => Err(fault),
        }
    }
}

fn unreadable(why: serde_json::Error) -> Fault {
    Fault::new(FaultCode::Internal, format!("the app and this program do not understand each other: {why}"))
}

fn gone(why: std::io::Error) -> Fault {
    Fault::new(
        FaultCode::OutcomeUnknown,
        format!("the app that has the data open went away before it answered: {why}"),
    )
}
