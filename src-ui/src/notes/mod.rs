//! notes: what operators write down about a host and its groups, beside the live data.
//!
//! `markdown` reads a note into a closed set of nodes and is tested natively with hostile text.

#[cfg(target_arch = "wasm32")]
mod desk;
#[cfg(target_arch = "wasm32")]
mod dialog;
mod markdown;
#[cfg(target_arch = "wasm32")]
mod note;
#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(target_arch = "wasm32")]
pub(crate) use {desk::Desk, dialog::NoteDialog, page::NotesPage};
