//! The side of the program that has the store open.

use std::path::Path;
use std::time::Duration;

use protocol::{Fault, FaultCode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use protocol::ipc::Event;
use protocol::ipc::{Command, OperationsExport};
use protocol::wire::Answer;
use tokio::sync::broadcast::error::RecvError;

use super::{
    Call, LINE_LIMIT_BYTES, Said, Topic, WATCH_EVENTS, WATCH_JOURNAL, WATCH_METRICS, WatchEvents,
    WatchJournal, WatchMetrics, door_path,
};
use crate::commands::dispatch;
use crate::engine::Engine;

/// After a knock that could not be heard.
const KNOCK_PAUSE: Duration = Duration::from_millis(200);

/// Opens the door and answers until the task is aborted. The store's lock makes sure that only one
/// program does so for a data folder; a socket left by one that died is taken away.
pub fn open_door(engine: Engine, data_dir: &Path) -> Result<JoinHandle<()>, Fault> {
    let path = door_path(data_dir)?;
    let bad = |why: std::io::Error| {
        Fault::new(FaultCode::NotPermitted, format!("the socket {} cannot be opened: {why}", path.display()))
    };
    match std::fs::remove_file(&path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(bad(why)),
        _ => {}
    }
    Ok(answer(engine, UnixListener::bind(&path).map_err(bad)?))
}

/// Answers whoever is this user; others are hung up on before a word.
pub(super) fn answer(engine: Engine, listener: UnixListener) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) if is_own(&stream) => {
                    tokio::spawn(serve(engine.clone(), stream));
                }
                Ok(_) => tracing::warn!("another user knocked at the door and was refused"),
                // Too many open files, most likely: that passes, and the door stays.
                Err(why) => {
                    tracing::warn!(%why, "a knock at the door was not heard");
                    tokio::time::sleep(KNOCK_PAUSE).await;
                }
            }
        }
    })
}

fn is_own(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw())
}

async fn serve(engine: Engine, stream: UnixStream) {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    loop {
        let mut line = String::new();
        match (&mut reading).take(LINE_LIMIT_BYTES).read_line(&mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let answered = match serde_json::from_str::<Call>(&line) {
            Ok(call) if [WATCH_METRICS, WATCH_JOURNAL, WATCH_EVENTS].contains(&call.name.as_str()) => {
                // Watching lasts until the caller goes away: its hanging up ends the stream.
                let mut rest = String::new();
                let watching = async {
                    match call.name.as_str() {
                        WATCH_JOURNAL => watch_journal(&engine, call.args, &mut writing).await,
                        WATCH_EVENTS => watch_events(&engine, call.args, &mut writing).await,
                        _ => watch(&engine, call.args, &mut writing).await,
                    }
                };
                tokio::select! {
                    answered = watching => answered,
                    _ = reading.read_line(&mut rest) => return,
                }
            }
            Ok(call) if call.name == OperationsExport::NAME => {
                // Nobody waits for the file any more: dropping the export takes it away.
                let mut rest = String::new();
                tokio::select! {
                    said = carry_out(&engine, call) => say(&mut writing, &said).await,
                    _ = reading.read_line(&mut rest) => return,
                }
            }
            Ok(call) => {
                let said = carry_out(&engine, call).await;
                say(&mut writing, &said).await
            }
            Err(why) => {
                say(&mut writing, &Said::Fault(Fault::bad_input("call", format!("not a call: {why}")))).await
            }
        };
        if answered.is_err() {
            return;
        }
    }
}

async fn carry_out(engine: &Engine, call: Call) -> Said {
    match dispatch(engine, &call.name, call.args).await {
        Ok(value) => Said::Ok(value),
        Err(fault) => Said::Fault(fault),
    }
}

async fn watch(
    engine: &Engine,
    args: serde_json::Value,
    writing: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let ended = match serde_json::from_value::<WatchMetrics>(args) {
        Err(why) => Fault::bad_input("call", format!("not a watch: {why}")),
        Ok(WatchMetrics { host, interval_ms }) => match engine.watch_metrics(&host, interval_ms).await {
            Err(fault) => fault,
            Ok(mut samples) => loop {
                match samples.recv().await {
                    Some(Ok((_, Answer::Metrics(metrics)))) => {
                        engine.unlocked().await;
                        let value = serde_json::to_value(metrics).map_err(std::io::Error::other)?;
                        say(writing, &Said::Ok(value)).await?;
                    }
                    Some(Ok(_)) => {}
                    Some(Err(fault)) => break fault,
                    None => break Fault::new(FaultCode::LinkLost, "the host's stream ended"),
                }
            },
        },
    };
    say(writing, &Said::Fault(ended)).await
}

async fn watch_journal(
    engine: &Engine,
    args: serde_json::Value,
    writing: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let ended = match serde_json::from_value::<WatchJournal>(args) {
        Err(why) => Fault::bad_input("call", format!("not a watch: {why}")),
        Ok(WatchJournal { host, query }) => match engine.watch_journal(&host, query).await {
            Err(fault) => fault,
            Ok(mut follow) => loop {
                match follow.next().await {
                    Some(Ok(news)) => {
                        engine.unlocked().await;
                        let value = serde_json::to_value(news).map_err(std::io::Error::other)?;
                        say(writing, &Said::Ok(value)).await?;
                    }
                    Some(Err(fault)) => break fault,
                    None => break Fault::new(FaultCode::LinkLost, "the host's stream ended"),
                }
            },
        },
    };
    say(writing, &Said::Fault(ended)).await
}

/// Tells what happens from now on; of questions, those that are open already first. While the program is locked
/// nothing is told.
async fn watch_events(
    engine: &Engine,
    args: serde_json::Value,
    writing: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let topic = match serde_json::from_value::<WatchEvents>(args) {
        Ok(WatchEvents { topic }) => topic,
        Err(why) => {
            return say(writing, &Said::Fault(Fault::bad_input("call", format!("not a watch: {why}")))).await;
        }
    };
    let mut events = engine.events();
    let asks = (topic == Topic::Questions).then(|| (engine.listen(), engine.open_questions()));
    let (_listening, open) = asks.unzip();
    // From here on nothing is missed.
    say(writing, &Said::Ok(serde_json::Value::Null)).await?;
    for question in open.into_iter().flatten() {
        tell(writing, Event::Question { question: Box::new(question) }).await?;
    }
    loop {
        match events.recv().await {
            Ok(event) if topic.has(&event) => {
                engine.unlocked().await;
                tell(writing, event).await?;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

async fn tell(writing: &mut OwnedWriteHalf, event: Event) -> std::io::Result<()> {
    say(writing, &Said::Ok(serde_json::to_value(event).map_err(std::io::Error::other)?)).await
}

async fn say(writing: &mut OwnedWriteHalf, said: &Said) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(said).map_err(std::io::Error::other)?;
    line.push(b'\n');
    writing.write_all(&line).await
}
