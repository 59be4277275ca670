//! The wish to end the app: carried out at once where nothing runs on a host. Else a person is asked first, by the
//! page where it can, and by a dialog of the desktop where the page is locked, is gone or did not answer: there is
//! always a way out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Engine;
use protocol::ipc::Event;
use tauri::{AppHandle, Manager};
use tokio::time::Instant;

use crate::shell::{Opened, Outside, raise};
use crate::{manners, words::Tongue};

/// Whoever asks again within this time sees nothing of what the page asks.
const NOT_ANSWERED: Duration = Duration::from_secs(15);
/// Two that come so soon after each other are one, as by a double click.
const AT_ONCE: Duration = Duration::from_secs(1);
/// A disk that does not say by then whether something runs is not waited for.
const SAYS_WITHIN: Duration = Duration::from_secs(2);

/// How the last wishes to end the app were met.
#[derive(Default)]
pub(crate) struct Quit {
    asked: Mutex<Asked>,
    is_dialog_open: AtomicBool,
}

impl Quit {
    /// The page is not loaded again any more, or there is one again.
    pub(crate) fn page_is_gone(&self, is_gone: bool) {
        self.asked().is_page_gone = is_gone;
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Asked {
    is_page_gone: bool,
    /// When the page was last told to ask.
    page_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Page,
    Desktop,
}

impl Asked {
    fn by(&mut self, now: Instant, is_locked: bool) -> By {
        let since = self.page_at.map(|at| now.saturating_duration_since(at));
        if is_locked
            || self.is_page_gone
            || since.is_some_and(|since| (AT_ONCE..NOT_ANSWERED).contains(&since))
        {
            self.page_at = None;
            return By::Desktop;
        }
        if since.is_none_or(|since| since >= NOT_ANSWERED) {
            self.page_at = Some(now);
        }
        By::Page
    }
}

/// Ends the app, unless something still runs on a host: then a person is asked.
pub(crate) fn ask(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let engine = app.try_state::<Opened>().and_then(|opened| opened.engine_now());
        match engine {
            Some(engine) if is_busy(&engine).await => ask_first(&app, &engine).await,
            _ => app.exit(0),
        }
    });
}

/// Where it cannot be told, something may run.
async fn is_busy(engine: &Engine) -> bool {
    match tokio::time::timeout(SAYS_WITHIN, engine.is_busy()).await {
        Ok(Ok(is_busy)) => is_busy,
        Ok(Err(_)) | Err(_) => true,
    }
}

async fn ask_first(app: &AppHandle, engine: &Engine) {
    let quit = app.state::<Quit>();
    let by = quit.asked().by(Instant::now(), engine.is_locked());
    raise(app);
    match by {
        By::Page => app.state::<Outside>().tell(Event::Quitting {}),
        By::Desktop => {
            if quit.is_dialog_open.swap(true, Ordering::SeqCst) {
                return;
            }
            // The words do not wait for the disk either.
            let tongue = tokio::time::timeout(SAYS_WITHIN, manners::tongue(engine)).await;
            let tongue = tongue.unwrap_or(Tongue::English);
            let asking = app.clone();
            if app.run_on_main_thread(move || show_dialog(&asking, tongue)).is_err() {
                quit.is_dialog_open.store(false, Ordering::SeqCst);
            }
        }
    }
}

/// Names nothing of what runs: it is shown over the lock too.
#[cfg(target_os = "linux")]
fn show_dialog(app: &AppHandle, tongue: Tongue) {
    use gtk::prelude::*;
    use gtk::{ButtonsType, DialogFlags, MessageDialog, MessageType, ResponseType};

    let window = app.get_webview_window("main").and_then(|window| window.gtk_window().ok());
    let flags = DialogFlags::MODAL | DialogFlags::DESTROY_WITH_PARENT;
    let text = tongue.quit_text();
    let dialog = MessageDialog::new(window.as_ref(), flags, MessageType::Question, ButtonsType::None, text);
    dialog.set_title(tongue.quit_title());
    dialog.add_button(tongue.quit_stay(), ResponseType::Cancel);
    dialog.add_button(tongue.quit_anyway(), ResponseType::Accept);
    dialog.set_default_response(ResponseType::Cancel);
    let app = app.clone();
    dialog.connect_response(move |dialog, answer| {
        app.state::<Quit>().is_dialog_open.store(false, Ordering::SeqCst);
        match answer {
            ResponseType::Accept => app.exit(0),
            // It goes by itself.
            ResponseType::DeleteEvent => {}
            _ => dialog.close(),
        }
    });
    dialog.show_all();
    dialog.present();
}

/// No other desktop is built for: there a second wish is carried out.
#[cfg(not(target_os = "linux"))]
fn show_dialog(app: &AppHandle, _: Tongue) {
    app.exit(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_and_the_desktop_where_the_page_did_not_answer() {
        let (mut asked, begun) = (Asked::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs_f64(seconds);
        assert_eq!(asked.by(at(0.0), false), By::Page);
        assert_eq!(asked.by(at(0.3), false), By::Page, "a double click is one wish");
        assert_eq!(asked.by(at(5.0), false), By::Desktop);
        assert_eq!(asked.by(at(6.0), false), By::Page, "a person stayed: it begins anew");
        assert_eq!(asked.by(at(60.0), false), By::Page, "much later it is another wish");
    }

    #[test]
    fn a_page_that_is_locked_or_gone_is_not_asked_to_ask() {
        let (mut asked, now) = (Asked::default(), Instant::now());
        assert_eq!(asked.by(now, true), By::Desktop);
        assert_eq!(asked.by(now, false), By::Page);
        let quit = Quit::default();
        quit.page_is_gone(true);
        assert_eq!(quit.asked().by(now, false), By::Desktop);
        quit.page_is_gone(false);
        assert_eq!(quit.asked().by(now, false), By::Page);
    }
}
