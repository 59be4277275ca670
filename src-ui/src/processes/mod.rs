//! processes: what runs on a host, who uses the most, and signals to one or several of them.
//!
//! `order` decides the columns and their order and is tested natively. A process is held by PID and
//! start time together, so that a selection or a signal never passes to another one.

pub(crate) mod order;

#[cfg(target_arch = "wasm32")]
mod detail;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod several;
#[cfg(target_arch = "wasm32")]
mod signal;

#[cfg(target_arch = "wasm32")]
pub(crate) use {
    page::ProcessesPage,
    several::{Addressee, SignalsDialog},
    signal::SignalDialog,
};
