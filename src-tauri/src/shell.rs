//! The shell: opens the engine, builds the window, and ends every link when the app ends.
//!
//! The window is built here and not in the configuration, because only a builder can refuse
//! navigation and new windows, which the content security policy does not cover.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::clock::Clock;
use engine::secrets::Places;
use engine::{Engine, EngineOptions, this_computer};
use protocol::ipc::{AppUnlock, Event};
use protocol::{Fault, FaultCode};
use tauri::webview::NewWindowResponse;
use tauri::{App, AppHandle, Manager, RunEvent, WebviewUrl, WebviewWindowBuilder, WindowEvent};
use tokio::sync::{broadcast, watch};

use crate::typed::TypedTexts;
use crate::{commands, link, manners, page, quit};

/// How often this program was started in its own place already.
const TRIES: &str = "MUSTER_TRIES";
const MOST_TRIES: u32 = 10;
const TRY_PAUSE: Duration = Duration::from_millis(200);

/// The engine, or why it could not be opened: the window then says so. It is opened while the window is
/// built, which takes as long; whoever asks for it waits.
pub(crate) struct Opened {
    /// `None` while it is being opened.
    engine: watch::Sender<Option<Result<Engine, Fault>>>,
    app: AppHandle,
    data_dir: PathBuf,
    places: Arc<Places>,
    /// Held by who unlocks it, or opens it again.
    unlocking: tokio::sync::Mutex<()>,
    /// The window was told why it could not be opened.
    told: AtomicBool,
}

impl Opened {
    fn new(app: AppHandle, data_dir: PathBuf) -> Self {
        let places = Arc::new(Places::of(&data_dir, None));
        Self {
            engine: watch::Sender::new(None),
            app,
            data_dir,
            places,
            unlocking: tokio::sync::Mutex::default(),
            told: AtomicBool::new(false),
        }
    }

    async fn open(&self) -> Result<(), Fault> {
        let (data_dir, places) = (self.data_dir.clone(), self.places.clone());
        // On its own: whoever waits for it must be told too if it breaks.
        let opened = tauri::async_runtime::spawn(async move { open(&data_dir, places).await }).await;
        let engine = opened.unwrap_or_else(|why| {
            let broke = Fault::new(FaultCode::Internal, "opening the data ended early");
            Err(broke.because(why.to_string()))
        });
        self.engine.send_replace(Some(engine.clone()));
        match engine {
            Ok(engine) => {
                tauri::async_runtime::spawn(manners::begin(self.app.clone(), engine));
                Ok(())
            }
            Err(fault) => {
                tracing::error!(code = ?fault.code, "the data folder was not opened");
                Err(fault)
            }
        }
    }

    pub(crate) async fn engine(&self) -> Result<Engine, Fault> {
        let mut engine = self.engine.subscribe();
        let opened = engine.wait_for(Option::is_some).await.map(|engine| engine.clone());
        // The sender is this.
        opened.ok().flatten().unwrap_or_else(|| Err(Fault::new(FaultCode::Internal, "the app is ending")))
    }

    /// The engine for a window that begins. What was in the way may be gone when a person tries again: a
    /// keyring that was shut, a disk that was full.
    pub(crate) async fn begin(&self) -> Result<Engine, Fault> {
        let _turn = self.unlocking.lock().await;
        match self.engine().await {
            // That one waits for its passphrase.
            Err(fault) if fault.code == FaultCode::VaultLocked => Err(fault),
            Err(fault) if !self.told.swap(true, Ordering::SeqCst) => Err(fault),
            Err(_) => {
                self.open().await?;
                self.engine().await
            }
            opened => opened,
        }
    }

    /// `None` if there is none yet.
    pub(crate) fn engine_now(&self) -> Option<Engine> {
        self.engine.borrow().as_ref()?.as_ref().ok().cloned()
    }

    /// Unlocks the engine; or the vault, where the key of the data is in it and nothing could be opened.
    pub(crate) async fn unlock(&self, command: AppUnlock) -> Result<(), Fault> {
        let _turn = self.unlocking.lock().await;
        match self.engine().await {
            Ok(engine) => engine.call(command).await,
            Err(fault) if fault.code == FaultCode::VaultLocked => {
                let places = self.places.clone();
                let passphrase = command.passphrase.into_text()?;
                tokio::task::spawn_blocking(move || places.unlock(&passphrase.into()))
                    .await
                    .map_err(|why| Fault::new(FaultCode::Internal, format!("opening the vault: {why}")))??;
                self.open().await
            }
            Err(fault) => Err(fault),
        }
    }
}

/// What comes from outside the engine for the window: links, and the wish to end the app.
pub(crate) struct Outside {
    sender: broadcast::Sender<Event>,
    /// The last one that no window could be told yet.
    waiting: Mutex<Option<Event>>,
}

impl Outside {
    fn new(first: Option<Event>) -> Self {
        Self { sender: broadcast::channel(16).0, waiting: Mutex::new(first) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    /// Keeps what came while nothing may be shown, in the place of what came before.
    pub(crate) fn keep(&self, event: Event) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(event);
    }

    pub(crate) fn take_waiting(&self) -> Option<Event> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn tell(&self, event: Event) {
        // A window that does not listen yet is told when it does.
        if let Err(unheard) = self.sender.send(event) {
            self.keep(unheard.0);
        }
    }
}

/// Runs the app until its window is closed.
pub(crate) fn run(context: tauri::Context) -> anyhow::Result<()> {
    let data_dir = this_computer::data_dir()?;
    let log = crate::log::start(&data_dir);
    // For as long as the program runs: to end it would wait for work that waits for a desktop or a keyring.
    let runtime = Box::leak(Box::new(engine::runtime()?));
    tauri::async_runtime::set(runtime.handle().clone());
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, words, _| {
            raise(app);
            if let Some(event) = open_event(&words) {
                app.state::<Outside>().tell(event);
            }
        }))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .invoke_handler(commands::handler())
        .manage(commands::Watching::default())
        .manage(commands::Following::default())
        .manage(TypedTexts::default())
        .manage(manners::Manners::new())
        .manage(quit::Quit::default())
        .setup(move |app| {
            let words: Vec<String> = std::env::args().skip(1).collect();
            app.manage(Outside::new(open_event(&words)));
            let handle = app.handle().clone();
            app.manage(Opened::new(handle.clone(), data_dir.clone()));
            // The window says why it failed.
            tauri::async_runtime::spawn(async move { drop(handle.state::<Opened>().open().await) });
            build_window(app)?;
            Ok(())
        })
        .build(context);
    let app = match built {
        Err(tauri::Error::PluginInitialization(plugin, why)) if plugin == "single-instance" => {
            drop(log);
            return Err(start_anew(&why));
        }
        built => built?,
    };
    app.run(|app, event| match event {
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } => {
            api.prevent_close();
            quit::ask(app);
        }
        RunEvent::Exit => end(app),
        _ => {}
    });
    drop(log);
    Ok(())
}

/// Starts this program once more in its own place, and comes back only where that fails: the app that it
/// wanted to hand over to ended before it answered. GTK cannot be begun twice in one program.
fn start_anew(why: &str) -> anyhow::Error {
    let tries = std::env::var(TRIES).ok().and_then(|tries| tries.parse().ok()).unwrap_or(0u32);
    let failed = anyhow::anyhow!("another Muster runs and does not answer: {why}; end it and start again");
    if tries >= MOST_TRIES {
        return failed;
    }
    std::thread::sleep(TRY_PAUSE);
    let Ok(program) = std::env::current_exe() else { return failed };
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1)).env(TRIES, (tries + 1).to_string());
    failed.context(again.exec())
}

/// Opens the engine, and the door through which `musterctl` asks this app while it runs.
async fn open(data_dir: &Path, secrets: Arc<Places>) -> Result<Engine, Fault> {
    // One that is just ending, or a command of `musterctl`, is waited for.
    let engine = Engine::open_in_turn(EngineOptions {
        data_dir: data_dir.to_owned(),
        clock: Clock::system(),
        secrets,
        operator: this_computer::operator(),
    })
    .await?;
    engine.lock_at_start().await?;
    engine.lock_when_idle();
    if let Err(fault) = engine::open_door(engine.clone(), data_dir) {
        // The window works without it; musterctl then says that the data is in use.
        tracing::warn!(code = ?fault.code, why = %fault.message, "musterctl cannot ask this app");
    }
    let backed_up = engine.clone();
    tauri::async_runtime::spawn(async move { backed_up.keep_backed_up().await });
    engine.keep_up();
    Ok(engine)
}

fn build_window(app: &App) -> tauri::Result<()> {
    let builder = WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
        .title("Muster")
        .inner_size(1280.0, 800.0)
        // At 200 % a screen of 1920 x 1080 has half of that, with a panel on it.
        .min_inner_size(800.0, 480.0)
        .initialization_script(page::script_of_language())
        .on_navigation(page::is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny);
    let builder = match page::script_for_driver() {
        Some(script) => builder.initialization_script(script),
        None => builder,
    };
    let window = builder.build()?;
    page::draw_without_card(&window)?;
    page::bring_back(&window)
}

pub(crate) fn raise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        let raised = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
        if let Err(why) = raised {
            tracing::warn!(%why, "the window was not raised");
        }
    }
}

/// A link is not to be trusted: it only names a page to look at.
fn open_event(words: &[String]) -> Option<Event> {
    link::host_of(words).map(|host| Event::Open { host })
}

fn end(app: &AppHandle) {
    // Who starts it again now gets an app of their own, which waits for the data, and not one that is ending.
    tauri_plugin_single_instance::destroy(app);
    let Some(opened) = app.try_state::<Opened>() else { return };
    let ended = async {
        if let Ok(engine) = opened.engine().await {
            engine.shutdown().await;
        }
    };
    tauri::async_runtime::block_on(async {
        // The links end with the process anyway; this says good-bye to the hosts that still answer.
        let _ = tokio::time::timeout(Duration::from_secs(2), ended).await;
    });
}
