//! The page in the window: only the app's own, there again when its process ends, and drawn in the way that
//! costs this computer least.
//!
//! What runs on hosts runs in this process. A page that is gone takes its view with it and nothing else.

#[cfg(target_os = "linux")]
use std::time::Duration;

use tauri::{Url, WebviewWindow};

/// A page that ends again so soon after it was loaded would only do so for ever.
#[cfg(target_os = "linux")]
const LIVES_AT_LEAST: Duration = Duration::from_secs(10);

/// Tells the page the language of the system, so that it has words also where the engine does not start.
pub(crate) fn script_of_language() -> String {
    let language = serde_json::Value::from(engine::this_computer::language());
    format!("window.systemLanguage = {language};")
}

/// Only the app's own pages: a link that came from a host leads nowhere.
pub(crate) fn is_ours(url: &Url) -> bool {
    url.scheme() == "tauri" || (url.scheme() == "http" && url.host_str() == Some("tauri.localhost"))
}

/// Has the page loaded again when the process that draws it ends: by a fault of its own, or because this
/// computer is out of memory.
#[cfg(target_os = "linux")]
pub(crate) fn bring_back(window: &WebviewWindow) -> tauri::Result<()> {
    use std::cell::Cell;
    use std::time::Instant;

    use tauri::Manager;
    use webkit2gtk::WebViewExt;

    use crate::quit::Quit;

    let app = window.app_handle().clone();
    window.with_webview(move |view| {
        let loaded = Cell::new(None::<Instant>);
        view.inner().connect_web_process_terminated(move |view, why| {
            let now = Instant::now();
            if loaded.replace(Some(now)).is_some_and(|before| now - before < LIVES_AT_LEAST) {
                tracing::error!(?why, "the page ended as soon as it was loaded again");
                app.state::<Quit>().page_is_gone(true);
                return;
            }
            tracing::warn!(?why, "the process of the page ended; it is loaded again");
            view.reload();
        });
    })
}

#[cfg(target_os = "linux")]
fn has_no_card() -> bool {
    !crate::card::is_there(std::path::Path::new("/"))
}

/// What a page does that a program drives where there is no graphics card. WebKit's driver takes its picture when
/// the page is painted the next time, and a page that rests never is: one pixel goes on changing, in shades that
/// nobody sees.
#[cfg(target_os = "linux")]
pub(crate) fn script_for_driver() -> Option<&'static str> {
    // By this variable the web view lets itself be driven.
    let is_driven = std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|value| value == "true");
    (is_driven && has_no_card()).then_some(
        "addEventListener('DOMContentLoaded', () => {\
             const dot = document.createElement('i'); let shade = 0;\
             dot.setAttribute('aria-hidden', 'true');\
             Object.assign(dot.style, {position: 'fixed', right: 0, bottom: 0, width: '1px', height: '1px',\
                 pointerEvents: 'none', zIndex: 2147483647});\
             document.body.append(dot);\
             setInterval(() => {\
                 shade = 1 - shade; dot.style.background = `rgba(128, 128, 128, ${shade / 250})`;\
             }, 50);\
         });",
    )
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn script_for_driver() -> Option<&'static str> {
    None
}

/// Has the page painted by the processor where there is no graphics card. The web view would have the
/// processor play one and draw the whole window through it for each frame, whatever changed in it.
#[cfg(target_os = "linux")]
pub(crate) fn draw_without_card(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};

    if !has_no_card() {
        return Ok(());
    }
    window.with_webview(|view| {
        if let Some(settings) = view.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn draw_without_card(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}

/// Elsewhere the system's web view sees to it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn bring_back(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}
