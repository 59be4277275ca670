//! services: the units of a host, the forms that act on one or several, and the record of what came of it.
//!
//! `order`, `timeline` and `change` decide what is shown and are tested natively. The exact command
//! is shown before; the outcome is the engine's, never systemctl's exit
//! status.

pub(crate) mod change;
mod order;
pub(crate) mod timeline;

#[cfg(target_arch = "wasm32")]
pub(crate) mod custom;
#[cfg(target_arch = "wasm32")]
mod detail;
#[cfg(target_arch = "wasm32")]
pub(crate) mod dialog;
#[cfg(target_arch = "wasm32")]
mod impact;
#[cfg(target_arch = "wasm32")]
pub(crate) mod outcome;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
pub(crate) mod reason;
#[cfg(target_arch = "wasm32")]
mod record;
#[cfg(target_arch = "wasm32")]
mod several;
#[cfg(target_arch = "wasm32")]
mod unit_field;

#[cfg(target_arch = "wasm32")]
pub(crate) use {custom::RunDialog, dialog::ServiceDialog, page::ServicesPage, several::ServicesDialog};
