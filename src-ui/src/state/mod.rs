//! What all pages share: the hosts with their links, the counts, the settings, what is open.
//!
//! `standing` judges what a link means for a person; it is pure and tested natively. `store` holds
//! the signals and takes in the engine's events. Pages read from here and never call for the list
//! of hosts themselves, so two of them cannot disagree.

pub(crate) mod standing;

#[cfg(target_arch = "wasm32")]
mod dialog;
#[cfg(target_arch = "wasm32")]
mod hand_off;
#[cfg(target_arch = "wasm32")]
mod lines;
#[cfg(target_arch = "wasm32")]
mod opened;
#[cfg(target_arch = "wasm32")]
mod readers;
#[cfg(target_arch = "wasm32")]
mod store;
#[cfg(target_arch = "wasm32")]
mod tell;
#[cfg(target_arch = "wasm32")]
mod to_come;

#[cfg(target_arch = "wasm32")]
pub(crate) use {dialog::OpenDialog, readers::own_locale, store::*, tell::SeriesEnd};
