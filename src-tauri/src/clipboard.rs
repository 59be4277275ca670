//! The text of the desktop's clipboard, for a field whose text the page must not have.

use std::time::Duration;

/// What the owner of the clipboard has not given by then is not waited for.
const ARRIVES: Duration = Duration::from_secs(5);

/// The text of the clipboard, or of what is marked, as one line; none if there is none.
#[cfg(target_os = "linux")]
pub(crate) async fn text(app: &tauri::AppHandle, marked: bool) -> Option<String> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let asking = app.clone();
    app.run_on_main_thread(move || {
        let selection = if marked { gtk::gdk::SELECTION_PRIMARY } else { gtk::gdk::SELECTION_CLIPBOARD };
        gtk::Clipboard::get(&selection).request_text(move |_, text| {
            let bytes = text.map_or(0, str::len);
            // Who asked may have given up.
            let _ = sender.send(text.map(crate::typed::one_line));
            // GTK gives its copies back when this returns. What is next to be done is done before anything is
            // painted: a page that is painted without end would leave no time for it.
            gtk::glib::idle_add_local_full(gtk::glib::Priority::HIGH, move || {
                overwrite::copies(&asking, bytes);
                gtk::glib::ControlFlow::Break
            });
        });
    })
    .ok()?;
    tokio::time::timeout(ARRIVES, receiver).await.ok()?.ok()?
}

/// No other desktop is built for: there nothing is pasted.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn text(_: &tauri::AppHandle, _: bool) -> Option<String> {
    None
}

/// What is given back by libraries in C is not wiped as ours is, and would lie there until something else is
/// put in its place. So something else is put there.
#[cfg(target_os = "linux")]
mod overwrite {
    use gtk::gdk;
    use gtk::prelude::*;
    use tauri::Manager;

    const FILL: u8 = b' ';
    /// More than the allocator keeps of one size for this thread.
    const OF_EACH_SIZE: usize = 16;
    /// Sizes of blocks differ by this.
    const STEP: usize = 16;
    /// A reply of the X server has this much before the text, and a library some words.
    const AROUND: usize = 96;
    /// Nothing that is longer becomes a secret.
    const MOST: usize = 16 * 1_024;
    /// As large as the place into which replies of the X server are read.
    const REPLY: usize = 16 * 1_024;

    pub(super) fn copies(app: &tauri::AppHandle, bytes: usize) {
        for size in (bytes..=bytes + AROUND).step_by(STEP).filter(|_| bytes <= MOST) {
            let blocks: Vec<Vec<u8>> = (0..OF_EACH_SIZE).map(|_| vec![FILL; size]).collect();
            std::hint::black_box(blocks);
        }
        let window = app.get_webview_window("main").and_then(|window| window.gtk_window().ok());
        if let Some(window) = window.and_then(|window| window.window())
            && window.display().backend().is_x11()
        {
            reply(&window);
        }
    }

    /// A reply that is as long as any is read into the same place as the one with the text.
    fn reply(window: &gdk::Window) {
        let name = gdk::Atom::intern("MUSTER_OVERWRITE");
        let kind = gdk::Atom::intern("STRING");
        let fill = gdk::ChangeData::UChars(&[FILL; REPLY]);
        gdk::property_change(window, &name, &kind, 8, gdk::PropMode::Replace, fill);
        gdk::property_get(window, &name, &kind, 0, REPLY as _, 1);
    }
}
