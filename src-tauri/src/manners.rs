//! What the app does beside its window: the tray, and notices of what happened while nobody looked.
//!
//! Events only say that something changed. How the hosts stand is read from the engine's memory a moment later, so
//! that an event that was missed, or was behind the lock, leaves nothing wrong.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::{Engine, this_computer};
use protocol::Fault;
use protocol::ipc::{Event, OperationShow};
use protocol::operations::Operation;
use protocol::settings::{Notify, Settings};
use tauri::{AppHandle, Manager};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::notices::{Ended, Judge, Notice, UnitsFailed};
use crate::tray::{Standing, Tray};
use crate::words::{NAMED, Tongue};

/// What happens within this time is told in one notice.
const GATHER: Duration = Duration::from_secs(2);
/// The tray follows the hosts by no more than this.
const TRAY_AFTER: Duration = Duration::from_millis(400);

/// Where the window's commands say what concerns the desktop.
pub(crate) struct Manners {
    sender: UnboundedSender<Word>,
    receiver: Mutex<Option<UnboundedReceiver<Word>>>,
}

enum Word {
    Ended(Ended),
    Settings(Box<Settings>),
}

impl Manners {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }

    /// Takes what came of something that was begun in this window. What was refused before it stood in the log
    /// was never begun.
    pub(crate) async fn ended(&self, engine: &Engine, came: &Result<Operation, Fault>) {
        let ended = match came {
            Ok(operation) => Ended::from(operation),
            Err(fault) => {
                let Some(id) = fault.detail.operation else { return };
                let Ok(operation) = engine.call(OperationShow { id }).await else { return };
                Ended::from(&operation)
            }
        };
        self.say(Word::Ended(ended));
    }

    pub(crate) fn settings_changed(&self, settings: Settings) {
        self.say(Word::Settings(Box::new(settings)));
    }

    fn say(&self, word: Word) {
        // Nobody listening is no fault.
        let _ = self.sender.send(word);
    }

    fn take_receiver(&self) -> Option<UnboundedReceiver<Word>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The language of the shell's own words now.
pub(crate) async fn tongue(engine: &Engine) -> Tongue {
    let settings = engine.settings().await.unwrap_or_default();
    Tongue::of(settings.language, &this_computer::language())
}

/// Shows the tray and listens, as long as the app runs.
pub(crate) async fn begin(app: AppHandle, engine: Engine) {
    let mut events = engine.events();
    let Some(mut words) = app.state::<Manners>().take_receiver() else { return };
    let mut desk = Desk::new(app, engine).await;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => desk.hear(&event),
                Err(RecvError::Lagged(_)) => desk.look(),
                Err(RecvError::Closed) => return,
            },
            Some(word) = words.recv() => desk.take(word),
            () = due(desk.tray_due) => desk.show_standing(),
            () = due(desk.notices_due) => desk.tell(),
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What is shown on the desktop, and what is to be.
struct Desk {
    app: AppHandle,
    engine: Engine,
    tray: Option<Tray>,
    judge: Judge,
    notify: Notify,
    tongue: Tongue,
    /// Of the computer, for a person who chose no language.
    language: String,
    unread: u64,
    tray_due: Option<Instant>,
    notices_due: Option<Instant>,
}

impl Desk {
    async fn new(app: AppHandle, engine: Engine) -> Self {
        let settings = engine.settings().await.unwrap_or_default();
        let language = this_computer::language();
        let tongue = Tongue::of(settings.language, &language);
        let tray = build_tray(&app, standing(&engine), tongue).await;
        let unread = engine.counts().unread_failed;
        let mut desk = Self {
            app,
            engine,
            tray,
            judge: Judge::default(),
            notify: settings.notify,
            tongue,
            language,
            unread,
            tray_due: None,
            notices_due: None,
        };
        desk.look();
        desk
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Locked { .. } => {
                // What happened behind the lock is known from then on, and not told: somebody is there.
                self.look();
                self.judge.drop_news();
            }
            // One that was removed is forgotten: another may come by its name.
            Event::HostsChanged {} => self.look(),
            Event::Link { .. } | Event::LinksBehind { .. } => self.tray_soon(),
            Event::Operations { counts, .. } if counts.unread_failed != self.unread => {
                self.unread = counts.unread_failed;
                self.tray_soon();
            }
            Event::Glance { .. } => {}
            _ => return,
        }
        // Behind the lock nothing is told, on the desktop neither.
        if !self.engine.is_locked() {
            self.judge.take(event);
            self.tell_soon();
        }
    }

    fn take(&mut self, word: Word) {
        match word {
            Word::Ended(ended) => {
                // Who looks at the window sees it there.
                if self.notify.own_ended && !self.engine.is_locked() && is_away(&self.app) {
                    self.judge.end(ended);
                    self.tell_soon();
                }
            }
            Word::Settings(settings) => {
                self.notify = settings.notify;
                self.tongue = Tongue::of(settings.language, &self.language);
                self.tray_soon();
            }
        }
    }

    /// Takes how all hosts stand, where events were missed.
    fn look(&mut self) {
        if let Ok(links) = self.engine.links() {
            self.judge.look(&links);
            self.tell_soon();
        }
        self.tray_soon();
    }

    fn tray_soon(&mut self) {
        self.tray_due.get_or_insert_with(|| Instant::now() + TRAY_AFTER);
    }

    fn tell_soon(&mut self) {
        if self.judge.has_news() {
            self.notices_due.get_or_insert_with(|| Instant::now() + GATHER);
        }
    }

    fn show_standing(&mut self) {
        self.tray_due = None;
        if let Some(tray) = &mut self.tray {
            tray.show(&self.app, standing(&self.engine), self.tongue);
        }
    }

    fn tell(&mut self) {
        self.notices_due = None;
        let notices = self.judge.tell(self.notify, Instant::now());
        if notices.is_empty() || !is_away(&self.app) {
            return;
        }
        for notice in notices {
            show(self.engine.clone(), self.tongue, notice);
        }
    }
}

fn standing(engine: &Engine) -> Standing {
    match engine.links() {
        Ok(links) => Standing::of(&links, engine.counts().unread_failed),
        Err(_) => Standing::Locked,
    }
}

async fn build_tray(app: &AppHandle, standing: Standing, tongue: Tongue) -> Option<Tray> {
    let (built, tray) = tokio::sync::oneshot::channel();
    let handle = app.clone();
    // The desktop's library for it belongs to the thread of the window.
    app.run_on_main_thread(move || drop(built.send(Tray::build(&handle, standing, tongue)))).ok()?;
    tray.await.ok().flatten()
}

fn is_away(app: &AppHandle) -> bool {
    !app.get_webview_window("main").is_some_and(|window| window.is_focused().unwrap_or(false))
}

/// Asks the desktop to show a notice. A desktop without notices shows none, and that is all.
fn show(engine: Engine, tongue: Tongue, mut notice: Notice) {
    /// A desktop that does not answer holds one thread, however much there is to tell.
    static TURN: Semaphore = Semaphore::const_new(1);
    let show = move |(title, text): (String, String)| {
        let mut notice = notify_rust::Notification::new();
        notice.appname("Muster").icon("net.muster.desktop").summary(&title);
        // The text is shown as markup where the desktop knows some: what a host wrote is none.
        notice.body(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
        if let Err(why) = notice.show() {
            tracing::info!(%why, "the desktop shows no notices");
        }
    };
    tauri::async_runtime::spawn(async move {
        if let Notice::UnitsFailed(failed) = &mut notice {
            name_units(&engine, failed).await;
        }
        let _turn = TURN.acquire().await;
        // It may have been locked while another one waited for the desktop.
        if !engine.is_locked() {
            let words = tongue.notice(&notice);
            // It has no result, and says itself if it broke.
            drop(tauri::async_runtime::spawn_blocking(move || show(words)).await);
        }
    });
}

/// Asks the hosts that are named for what failed: they only told how many. One that does not tell is told of by the
/// number alone.
async fn name_units(engine: &Engine, failed: &mut [UnitsFailed]) {
    let ask = |one: &UnitsFailed| {
        let (engine, host) = (engine.clone(), one.host.clone());
        tauri::async_runtime::spawn(async move { engine.failed_units(&host).await })
    };
    let asked: Vec<_> = failed.iter().take(NAMED).map(ask).collect();
    for (one, asked) in failed.iter_mut().zip(asked) {
        if let Ok(Some(units)) = asked.await {
            one.name(units);
        }
    }
}
