//! One note over the page, from the list of hosts.

use leptos::prelude::*;
use protocol::notes::NoteAbout;

use super::note::NoteCard;
use crate::components::Dialog;
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

#[component]
pub(crate) fn NoteDialog(about: NoteAbout) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    // What was typed is kept, and is there again when the note is opened the next time.
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, notes.title).to_owned())
            on_close=Callback::new(move |()| app.dialog.set(None))
            wide=true
            testid="note-dialog"
        >
            <NoteCard about />
        </Dialog>
    }
}
