//! How a person has the parts of the window, a line for each place: read with the first answer of the
//! engine, and given to it when it changes.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::ViewKeep;

use super::store::App;
use crate::ipc;

#[derive(Default)]
pub(crate) struct Lines {
    /// `None` until the engine has told them.
    kept: Option<BTreeMap<String, String>>,
    /// Places whose line the engine has not been given yet.
    unsent: BTreeSet<String>,
    is_sending: bool,
}

impl Lines {
    /// The next one to send; remembers that there is none.
    fn next(&mut self) -> Option<ViewKeep> {
        let place = self.unsent.pop_first();
        self.is_sending = place.is_some();
        let place = place?;
        let line = self.kept.as_ref()?.get(&place).cloned().unwrap_or_default();
        Some(ViewKeep { place, line })
    }
}

impl App {
    /// Takes what the engine has; true if it is for the first time.
    pub(super) fn take_lines(self, views: BTreeMap<String, String>) -> bool {
        self.lines.try_update_value(|lines| lines.kept.replace(views).is_none()).unwrap_or_default()
    }

    /// Reads a line that was kept.
    pub(crate) fn kept_line(self, place: &str) -> Option<String> {
        self.lines.with_value(|lines| lines.kept.as_ref()?.get(place).cloned())
    }

    /// Keeps a line. One that the engine cannot keep is there for as long as the window is, and that is all.
    pub(crate) fn keep_line(self, place: &str, line: String) {
        let must_send = self.lines.try_update_value(|lines| {
            let Some(kept) = &mut lines.kept else { return false };
            if kept.get(place) == Some(&line) {
                return false;
            }
            kept.insert(place.to_owned(), line);
            lines.unsent.insert(place.to_owned());
            !std::mem::replace(&mut lines.is_sending, true)
        });
        if must_send != Some(true) {
            return;
        }
        // One at a time: of what is typed meanwhile the newest goes next.
        spawn_local(async move {
            while let Some(Some(next)) = self.lines.try_update_value(Lines::next) {
                let _ = ipc::call(next).await;
            }
        });
    }
}
