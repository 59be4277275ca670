//! search: the palette over every page: hosts, pages, actions, and one question over all hosts.
//!
//! `plan` decides what a text means and where a result leads, and is tested natively. What hosts say
//! comes from the engine, which never connects one because of a search.

#[cfg(target_arch = "wasm32")]
mod actions;
#[cfg(target_arch = "wasm32")]
mod asking;
#[cfg(target_arch = "wasm32")]
mod lines;
#[cfg(target_arch = "wasm32")]
mod palette;
mod plan;
#[cfg(target_arch = "wasm32")]
mod rows;
#[cfg(target_arch = "wasm32")]
mod words;

#[cfg(target_arch = "wasm32")]
pub(crate) use palette::SearchPalette;
pub(crate) use plan::is_for_palette;
