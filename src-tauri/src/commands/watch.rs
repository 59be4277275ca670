//! The stream of events into the window. A window that loads anew gets a new stream; the old one
//! ends, because a channel does not tell when nobody listens any more.

use std::sync::{Mutex, PoisonError};

use protocol::Fault;
use protocol::ipc::Event;
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, State};
use tokio::sync::broadcast::error::RecvError;

use crate::quit::Quit;
use crate::shell::{Opened, Outside};

/// The stream that runs now.
#[derive(Default)]
pub(crate) struct Watching(Mutex<Option<JoinHandle<()>>>);

#[tauri::command]
pub(crate) async fn watch(
    channel: Channel<Event>,
    app: AppHandle,
    opened: State<'_, Opened>,
    watching: State<'_, Watching>,
    quit: State<'_, Quit>,
) -> Result<(), Fault> {
    let engine = super::engine(&opened).await?;
    let mut events = engine.events();
    let mut own = app.state::<Outside>().subscribe();
    quit.page_is_gone(false);
    tracing::info!("the page listens");
    let stream = tauri::async_runtime::spawn(async move {
        // The window shows what a sign-in asks.
        let _listening = engine.listen();
        let outside = app.state::<Outside>();
        loop {
            // What the app was started with, or what came while it was locked.
            if !engine.is_locked()
                && let Some(event) = outside.take_waiting()
                && channel.send(event).is_err()
            {
                return;
            }
            let next = tokio::select! {
                event = events.recv() => event,
                event = own.recv() => event,
            };
            let event = match next {
                Ok(event) => event,
                // Some were missed: the list of hosts is read anew, metrics go on with the next.
                Err(RecvError::Lagged(_)) => Event::HostsChanged {},
                Err(RecvError::Closed) => return,
            };
            if engine.is_locked() && !matches!(event, Event::Locked { .. }) {
                // The window was raised for it, so a person is shown it once they may see it.
                if matches!(event, Event::Open { .. }) {
                    outside.keep(event);
                }
                continue;
            }
            if channel.send(event).is_err() {
                return;
            }
        }
    });
    let old = watching.0.lock().unwrap_or_else(PoisonError::into_inner).replace(stream);
    if let Some(old) = old {
        old.abort();
    }
    Ok(())
}
