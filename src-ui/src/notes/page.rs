//! The page: the note on the host, and those on the groups that it belongs to.

use leptos::prelude::*;
use protocol::notes::NoteAbout;

use super::note::NoteCard;
use crate::hosts::use_host;

#[component]
pub(crate) fn NotesPage() -> impl IntoView {
    let host = use_host();
    let about = Memo::new(move |_| {
        let groups = host.row.with(|row| row.as_ref().map(|row| row.host.groups.clone()).unwrap_or_default());
        let mut about = vec![NoteAbout::Host(host.name.get())];
        about.extend(groups.into_iter().map(NoteAbout::Group));
        about
    });
    view! {
        <main class="page notes" data-testid="notes-page" data-ready="true">
            <For each=move || about.get() key=NoteAbout::clone children=|about| view! { <NoteCard about /> } />
        </main>
    }
}
