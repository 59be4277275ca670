//! The shell: opens the engine, builds the window, and ends every link when the app ends.
//!
//! The window is built here and not in the configuration, because only a builder can refuse
//! navigation and new windows, which the content security policy does not cover.

use std::sync::Arc;
use std::time::Duration;

use engine::clock::Clock;
use engine::secrets::Places;
use engine::{Engine, EngineOptions, this_computer};
use protocol::Fault;
use tauri::webview::NewWindowResponse;
use tauri::{App, AppHandle, Manager, RunEvent, Url, WebviewUrl, WebviewWindowBuilder};

use crate::commands;

/// The engine, or why it could not be opened: the window then says so.
pub(crate) struct Opened(pub(crate) Result<Engine, Fault>);

/// Runs the app until its window is closed.
pub(crate) fn run() -> anyhow::Result<()> {
    let data_dir = this_computer::data_dir()?;
    let log = crate::log::start(&data_dir);
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _, _| raise(app)))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .invoke_handler(commands::handler())
        .manage(commands::Watching::default())
        .manage(commands::Following::default())
        .setup(move |app| {
            let options = EngineOptions {
                data_dir: data_dir.clone(),
                clock: Clock::system(),
                secrets: Arc::new(Places::of(&data_dir, None)),
                operator: this_computer::operator(),
            };
            let opened = tauri::async_runtime::block_on(open(options));
            if let Err(fault) = &opened {
                tracing::error!(code = ?fault.code, "the data folder was not opened");
            }
            app.manage(Opened(opened));
            build_window(app)?;
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        if matches!(event, RunEvent::Exit) {
            end(app);
        }
    });
    drop(log);
    Ok(())
}

/// Opens the engine, and the door through which `musterctl` asks this app while it runs.
async fn open(options: EngineOptions) -> Result<Engine, Fault> {
    let data_dir = options.data_dir.clone();
    let engine = Engine::open(options).await?;
    if let Err(fault) = engine::open_door(engine.clone(), &data_dir) {
        // The window works without it; musterctl then says that the data is in use.
        tracing::warn!(code = ?fault.code, why = %fault.message, "musterctl cannot ask this app");
    }
    Ok(engine)
}

fn build_window(app: &App) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
        .title("Muster")
        .inner_size(1280.0, 800.0)
        .min_inner_size(800.0, 560.0)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    Ok(())
}

/// Only the app's own pages: a link that came from a host leads nowhere.
fn is_ours(url: &Url) -> bool {
    url.scheme() == "tauri" || (url.scheme() == "http" && url.host_str() == Some("tauri.localhost"))
}

fn raise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        let raised = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
        if let Err(why) = raised {
            tracing::warn!(%why, "the window was not raised");
        }
    }
}

fn end(app: &AppHandle) {
    if let Some(Ok(engine)) = app.try_state::<Opened>().map(|opened| opened.inner().0.clone()) {
        tauri::async_runtime::block_on(async {
            // The links end with the process anyway; this says good-bye to the hosts that still answer.
            let _ = tokio::time::timeout(Duration::from_secs(2), engine.shutdown()).await;
        });
    }
}
