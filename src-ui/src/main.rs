//! The window's web view: what a person sees and does, and nothing else.
//!
//! It calls the engine through `ipc` alone and keeps no data of its own but how a person has each table,
//! its filter, order and columns: no request to any address, no clock of record. Everything that can be decided without a browser (sorting,
//! filtering, wording of numbers, judging a form) is plain Rust and is tested natively; only what
//! draws is built for wasm32 alone.

#![cfg_attr(
    not(target_arch = "wasm32"),
    allow(
        dead_code,
        reason = "the native build exists to test the pure parts; the pages that use them are wasm"
    )
)]
#![cfg_attr(
    target_arch = "wasm32",
    allow(unreachable_pub, reason = "the component macro writes `pub` for the properties of a component")
)]

mod components;
mod credentials;
mod format;
mod hosts;
mod journal;
mod notes;
mod operations;
mod overview;
mod processes;
mod search;
mod services;
mod settings;
mod sockets;
mod state;
mod text;
mod trust;

#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod ipc;
#[cfg(target_arch = "wasm32")]
mod keys;
#[cfg(target_arch = "wasm32")]
mod quit;

#[cfg(target_arch = "wasm32")]
fn main() {
    // Else the console has no more than that something unreachable was reached.
    std::panic::set_hook(Box::new(|why| leptos::logging::error!("{why}")));
    app::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {}
