//! settings: what a person chose for the window.

#[cfg(target_arch = "wasm32")]
mod data;
#[cfg(target_arch = "wasm32")]
mod desktop;
#[cfg_attr(not(any(target_arch = "wasm32", test)), expect(dead_code, reason = "only the page uses it"))]
mod given;
#[cfg(target_arch = "wasm32")]
mod log;
#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(target_arch = "wasm32")]
pub(crate) use page::*;
