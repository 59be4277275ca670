//! What is known of notes beyond the page that shows them: what there are notes on, and texts that were begun
//! and not saved.

use std::collections::{HashMap, HashSet};

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::NotesList;
use protocol::notes::NoteAbout;

use crate::ipc;

/// A text that was begun.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) text: String,
    /// When the note was written that it began from.
    pub(super) before_ms: Option<i64>,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Desk {
    noted: RwSignal<HashSet<NoteAbout>>,
    drafts: StoredValue<HashMap<NoteAbout, Draft>>,
}

impl Desk {
    /// Reads what there are notes on.
    pub(crate) fn read(self) {
        spawn_local(async move {
            // Without it a list shows no marks, and each note is still where it was.
            if let Ok(noted) = ipc::call(NotesList {}).await {
                self.noted.set(noted.into_iter().collect());
            }
        });
    }

    /// All that there is a note on. Tracks it.
    pub(crate) fn all(self) -> HashSet<NoteAbout> {
        self.noted.get()
    }

    pub(super) fn set(self, about: NoteAbout, is_there: bool) {
        self.noted.update(|noted| {
            if is_there {
                noted.insert(about);
            } else {
                noted.remove(&about);
            }
        });
    }

    pub(super) fn draft(self, about: &NoteAbout) -> Option<Draft> {
        self.drafts.with_value(|drafts| drafts.get(about).cloned())
    }

    /// Keeps a text as it is typed, or with `None` forgets it.
    pub(super) fn keep(self, about: NoteAbout, draft: Option<Draft>) {
        self.drafts.update_value(|drafts| match draft {
            Some(draft) => drop(drafts.insert(about, draft)),
            None => drop(drafts.remove(&about)),
        });
    }
}
