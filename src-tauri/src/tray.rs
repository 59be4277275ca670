//! The mark in the desktop's tray: how the hosts stand, and a dot where something wants a person.
//!
//! Where a desktop has no tray nothing is shown, and where its library is missing the call panics: the
//! window works without it. So the tray is never the only way back to the window.

use std::panic::{AssertUnwindSafe, catch_unwind};

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
    show: MenuItem<Wry>,
    quit: MenuItem<Wry>,
    plain: Image<'static>,
    dotted: Image<'static>,
    shown: (Standing, Tongue),
}

/// What the tray tells of all hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Behind the lock nothing is told.
    Locked,
    Open {
        live: usize,
        /// Tried again by themselves.
        lost: usize,
        /// Refused for a reason that a person must act on.
        refused: usize,
        /// Failures in the log that nobody has read.
        unread: u64,
    },
}

impl Standing {
    pub(crate) fn of(links: &[(String, LinkState)], unread: u64) -> Self {
        let count = |wanted: fn(&LinkState) -> bool| links.iter().filter(|(_, state)| wanted(state)).count();
        Self::Open {
            live: count(LinkState::is_live),
            lost: count(|state| matches!(state, LinkState::Lost { .. })),
            refused: count(|state| matches!(state, LinkState::Failed { .. })),
            unread,
        }
    }

    fn has_dot(self) -> bool {
        matches!(self, Self::Open { lost, refused, unread, .. } if lost > 0 || refused > 0 || unread > 0)
    }
}

impl Tray {
    /// `None` where the desktop has none.
    pub(crate) fn build(app: &AppHandle, standing: Standing, tongue: Tongue) -> Option<Self> {
        let built = catch_unwind(AssertUnwindSafe(|| Self::try_build(app, standing, tongue)));
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

    fn try_build(app: &AppHandle, standing: Standing, tongue: Tongue) -> tauri::Result<Option<Self>> {
        let Some(plain) = app.default_window_icon().cloned().map(Image::to_owned) else { return Ok(None) };
        let dotted = with_dot(&plain);
        let words = tongue.standing(standing);
        let state = MenuItem::with_id(app, "state", &words, false, None::<&str>)?;
        let show = MenuItem::with_id(app, SHOW, tongue.show(), true, None::<&str>)?;
        let quit = MenuItem::with_id(app, QUIT, tongue.quit(), true, None::<&str>)?;
        let icon = TrayIconBuilder::with_id("muster")
            .icon(if standing.has_dot() { dotted.clone() } else { plain.clone() })
            .tooltip(tooltip(&words))
            .menu(&Menu::with_items(app, &[&state, &show, &quit])?)
            .on_menu_event(|app, event| match event.id().as_ref() {
                SHOW => crate::shell::raise(app),
                QUIT => crate::quit::ask(app),
                _ => {}
            })
            .on_tray_icon_event(|tray, event| {
                if matches!(event, TrayIconEvent::Click { .. }) {
                    crate::shell::raise(tray.app_handle());
                }
            })
            .build(app)?;
        Ok(Some(Self { icon, state, show, quit, plain, dotted, shown: (standing, tongue) }))
    }

    /// Shows how the hosts stand now, in the language of now. Nothing here is worth ending the app for.
    pub(crate) fn show(&mut self, app: &AppHandle, standing: Standing, tongue: Tongue) {
        let before = std::mem::replace(&mut self.shown, (standing, tongue));
        if before == self.shown {
            return;
        }
        let has_new_dot = before.0.has_dot() != standing.has_dot();
        let image = if standing.has_dot() { &self.dotted } else { &self.plain };
        let image = has_new_dot.then(|| image.clone());
        let words = tongue.standing(standing);
        let (icon, state) = (self.icon.clone(), self.state.clone());
        let (show, quit) = (self.show.clone(), self.quit.clone());
        // Its parts belong to the main thread.
        let asked = app.run_on_main_thread(move || {
            let shown = state
                .set_text(&words)
                .and_then(|()| icon.set_tooltip(Some(tooltip(&words))))
                .and_then(|()| show.set_text(tongue.show()))
                .and_then(|()| quit.set_text(tongue.quit()))
                .and_then(|()| image.map_or(Ok(()), |image| icon.set_icon(Some(image))));
            if let Err(why) = shown {
                tracing::warn!(%why, "the tray does not show the state");
            }
        });
        if let Err(why) = asked {
            tracing::warn!(%why, "the tray cannot be reached");
        }
    }
}

fn tooltip(words: &str) -> String {
    format!("Muster: {words}")
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
    use protocol::{Fault, FaultCode};

    use super::*;

    #[test]
    fn a_host_that_waits_for_a_person_is_counted_and_gives_the_dot() {
        let fault = || Box::new(Fault::new(FaultCode::HostKeyChanged, "another key"));
        let link = |name: &str, state| (name.to_owned(), state);
        let mut links =
            vec![link("a", LinkState::Live { since_ms: 0, heard_ms: 0 }), link("b", LinkState::Idle)];
        assert_eq!(Standing::of(&links, 0), Standing::Open { live: 1, lost: 0, refused: 0, unread: 0 });
        assert!(!Standing::of(&links, 0).has_dot() && Standing::of(&links, 1).has_dot());
        links.push(link("c", LinkState::Failed { since_ms: 0, fault: fault() }));
        assert!(Standing::of(&links, 0).has_dot());
        links.push(link("d", LinkState::Lost { since_ms: 0, fault: fault(), tries: 3, next_ms: None }));
        assert_eq!(Standing::of(&links, 0), Standing::Open { live: 1, lost: 1, refused: 1, unread: 0 });
        assert!(!Standing::Locked.has_dot());
    }

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
