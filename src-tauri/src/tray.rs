//! The mark in the desktop's tray: how many hosts are live, and a dot where something is lost or unread.
//!
//! Where a desktop has no tray nothing is shown, and where its library is missing the call panics: the
//! window works without it. So the tray is never the only way back to the window.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use protocol::ipc::Event;
use protocol::link::LinkState;
use tauri::image::Image;
use tauri::menu::{Menu, MenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry};

use crate::words::Tongue;

const SHOW: &str = "show";
const QUIT: &str = "quit";
/// The dot of something that wants a person, as RGBA.
const DOT: [u8; 4] = [0xcc, 0x38, 0x37, 0xff];

/// The tray, if there is one, with what it shows.
pub(crate) struct Tray {
    icon: TrayIcon,
    state: MenuItem<Wry>,
    plain: Image<'static>,
    dotted: Image<'static>,
    links: HashMap<String, Standing>,
    unread: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Live,
    Lost,
    Other,
}

impl Tray {
    /// `None` where the desktop has none.
    pub(crate) fn build(app: &AppHandle, tongue: Tongue) -> Option<Self> {
        let built = catch_unwind(AssertUnwindSafe(|| Self::try_build(app, tongue)));
        match built {
            Ok(Ok(tray)) => tray,
            Ok(Err(why)) => {
                tracing::warn!(%why, "there is no tray");
                None
            }
            Err(_) => {
                tracing::warn!("there is no tray: its library is not installed");
                None
            }
        }
    }

    fn try_build(app: &AppHandle, tongue: Tongue) -> tauri::Result<Option<Self>> {
        let Some(plain) = app.default_window_icon().cloned().map(Image::to_owned) else { return Ok(None) };
        let dotted = with_dot(&plain);
        let state = MenuItem::with_id(app, "state", tongue.state(0, 0), false, None::<&str>)?;
        let show = MenuItem::with_id(app, SHOW, tongue.show(), true, None::<&str>)?;
        let quit = MenuItem::with_id(app, QUIT, tongue.quit(), true, None::<&str>)?;
        let icon = TrayIconBuilder::with_id("muster")
            .icon(plain.clone())
            .tooltip("Muster")
            .menu(&Menu::with_items(app, &[&state, &show, &quit])?)
            .on_menu_event(|app, event| match event.id().as_ref() {
                SHOW => crate::shell::raise(app),
                QUIT => crate::shell::ask_to_quit(app),
                _ => {}
            })
            .on_tray_icon_event(|tray, event| {
                if matches!(event, TrayIconEvent::Click { .. }) {
                    crate::shell::raise(tray.app_handle());
                }
            })
            .build(app)?;
        Ok(Some(Self { icon, state, plain, dotted, links: HashMap::new(), unread: 0 }))
    }

    /// Shows what an event changed. Nothing here is worth ending the app for.
    pub(crate) fn take(&mut self, app: &AppHandle, event: &Event, tongue: Tongue) {
        match event {
            Event::Link { host, state } => {
                let standing = match state {
                    LinkState::Live { .. } => Standing::Live,
                    LinkState::Lost { .. } => Standing::Lost,
                    LinkState::Idle | LinkState::Connecting { .. } | LinkState::Failed { .. } => {
                        Standing::Other
                    }
                };
                if self.links.insert(host.clone(), standing) == Some(standing) {
                    return;
                }
            }
            Event::Operations { counts, .. } if counts.unread_failed != self.unread => {
                self.unread = counts.unread_failed
            }
            _ => return,
        }
        let count = |wanted| self.links.values().filter(|standing| **standing == wanted).count();
        let (live, lost) = (count(Standing::Live), count(Standing::Lost));
        let words = tongue.state(live, lost);
        let image = if lost > 0 || self.unread > 0 { &self.dotted } else { &self.plain };
        let (icon, state, image) = (self.icon.clone(), self.state.clone(), image.clone());
        // Its parts belong to the main thread.
        let shown = app.run_on_main_thread(move || {
            let shown = icon.set_icon(Some(image)).and_then(|()| state.set_text(&words));
            if let Err(why) = shown.and_then(|()| icon.set_tooltip(Some(format!("Muster: {words}")))) {
                tracing::warn!(%why, "the tray does not show the state");
            }
        });
        if let Err(why) = shown {
            tracing::warn!(%why, "the tray cannot be reached");
        }
    }
}

/// The icon with a dot in its lower right corner.
fn with_dot(icon: &Image<'_>) -> Image<'static> {
    let (width, height) = (icon.width(), icon.height());
    let mut pixels = icon.rgba().to_vec();
    let radius = f64::from(width.min(height)) * 0.28;
    let (x0, y0) = (f64::from(width) - radius, f64::from(height) - radius);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    for (pixel, (x, y)) in pixels.chunks_exact_mut(4).zip(places) {
        let (dx, dy) = (f64::from(x) + 0.5 - x0, f64::from(y) + 0.5 - y0);
        if dx * dx + dy * dy <= radius * radius {
            pixel.copy_from_slice(&DOT);
        }
    }
    Image::new_owned(pixels, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dot_lies_in_the_lower_right_corner_and_nowhere_else() {
        let plain = Image::new_owned(vec![1; 32 * 32 * 4], 32, 32);
        let dotted = with_dot(&plain);
        let pixel = |x: usize, y: usize| dotted.rgba()[(y * 32 + x) * 4..][..4].to_vec();
        assert_eq!(pixel(24, 24), DOT);
        assert_eq!(pixel(0, 0), [1; 4]);
        assert_eq!(pixel(31, 0), [1; 4]);
        assert_eq!(dotted.rgba().len(), plain.rgba().len());
    }
}
