//! The log of a host, page by page, and the stream of what is written to it.

use std::sync::{Mutex, PoisonError};

use protocol::Fault;
use protocol::ipc::JournalShow;
use protocol::journal::JournalNews;
use tauri::State;
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;

use crate::shell::Opened;

super::pass! {
    journal_query: JournalShow;
}

/// The stream that runs now. A page that begins another ends it.
#[derive(Default)]
pub(crate) struct Following(Mutex<Option<JoinHandle<()>>>);

impl Following {
    fn replace(&self, stream: Option<JoinHandle<()>>) {
        let old = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), stream);
        if let Some(old) = old {
            old.abort();
        }
    }
}

/// The last thing that goes through the channel is why the stream ended, if it was not told to.
#[tauri::command]
pub(crate) async fn journal_follow(
    args: JournalShow,
    channel: Channel<Result<JournalNews, Fault>>,
    opened: State<'_, Opened>,
    following: State<'_, Following>,
) -> Result<(), Fault> {
    following.replace(None);
    let engine = super::engine(&opened).await?;
    let mut follow = engine.watch_journal(&args.host, args.query).await?;
    following.replace(Some(tauri::async_runtime::spawn(async move {
        while let Some(news) = follow.next().await {
            engine.unlocked().await;
            if channel.send(news).is_err() {
                return;
            }
        }
    })));
    Ok(())
}

#[tauri::command]
pub(crate) fn journal_unfollow(following: State<'_, Following>) {
    following.replace(None);
}
