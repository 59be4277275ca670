//! What the app does beside its window: the tray, and notices of what happened while nobody looked.

use engine::Engine;
use protocol::ipc::{AppStart, Event, OperationsList};
use protocol::operations::{OperationFilter, OperationResult};
use protocol::settings::Settings;
use tauri::{AppHandle, Manager};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::notices::{Entry, Judge, Notice};
use crate::tray::Tray;
use crate::words::Tongue;

/// Entries of the log that are looked through after a change.
const NEWEST: u32 = 20;

/// Shows the tray and listens, as long as the app runs.
pub(crate) async fn begin(app: AppHandle, engine: Engine) {
    let events = engine.events();
    let (settings, language) = chosen(&engine).await;
    let tongue = Tongue::of(settings.language, &language);
    let (built, tray) = tokio::sync::oneshot::channel();
    let handle = app.clone();
    // The desktop's library for it belongs to the thread of the window.
    let asked = app.run_on_main_thread(move || drop(built.send(Tray::build(&handle, tongue))));
    if asked.is_err() {
        return;
    }
    let tray = tray.await.ok().flatten();
    listen(app, engine, events, tray, language).await;
}

/// True while an operation that was begun has not ended.
pub(crate) async fn is_busy(engine: &Engine) -> bool {
    let filter = OperationFilter {
        result: Some(OperationResult::UnderWay),
        limit: Some(1),
        ..OperationFilter::default()
    };
    engine.call(OperationsList { filter }).await.is_ok_and(|page| !page.operations.is_empty())
}

async fn chosen(engine: &Engine) -> (Settings, String) {
    match engine.call(AppStart {}).await {
        Ok(facts) => (facts.settings, facts.system_language),
        Err(_) => (Settings::default(), String::new()),
    }
}

async fn listen(
    app: AppHandle,
    engine: Engine,
    mut events: Receiver<Event>,
    mut tray: Option<Tray>,
    language: String,
) {
    let mut judge = Judge::default();
    judge.take_operations(&newest(&engine).await, false, Settings::default().notify);
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        // Behind the lock nothing is shown, on the desktop neither.
        if matches!(event, Event::Metrics { .. }) || engine.is_locked() {
            continue;
        }
        let (settings, _) = chosen(&engine).await;
        let tongue = Tongue::of(settings.language, &language);
        if let Some(tray) = &mut tray {
            tray.take(&app, &event, tongue);
        }
        let mut notices: Vec<Notice> = judge.take(&event, settings.notify).into_iter().collect();
        if matches!(event, Event::Operations { .. }) {
            notices.extend(judge.take_operations(&newest(&engine).await, is_away(&app), settings.notify));
        }
        // Who looks at the window sees it there.
        for notice in notices.into_iter().filter(|_| is_away(&app)) {
            show(tongue.notice(&notice));
        }
    }
}

async fn newest(engine: &Engine) -> Vec<Entry> {
    let filter = OperationFilter { limit: Some(NEWEST), ..OperationFilter::default() };
    let page = engine.call(OperationsList { filter }).await;
    page.map(|page| page.operations.into_iter().map(Entry::from).collect()).unwrap_or_default()
}

fn is_away(app: &AppHandle) -> bool {
    !app.get_webview_window("main").is_some_and(|window| window.is_focused().unwrap_or(false))
}

/// Asks the desktop to show a notice. A desktop without notices shows none, and that is all.
fn show((title, text): (String, String)) {
    /// A desktop that does not answer holds one thread, however much there is to tell.
    static TURN: Semaphore = Semaphore::const_new(1);
    let show = move || {
        let mut notice = notify_rust::Notification::new();
        notice.appname("Muster").icon("net.muster.desktop").summary(&title);
        // The text is shown as markup where the desktop knows some: what a host wrote is none.
        notice.body(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
        if let Err(why) = notice.show() {
            tracing::info!(%why, "the desktop shows no notices");
        }
    };
    tauri::async_runtime::spawn(async move {
        let _turn = TURN.acquire().await;
        // It has no result, and says itself if it broke.
        drop(tauri::async_runtime::spawn_blocking(show).await);
    });
}
