//! The desktop app: a window over the engine, and as little more as there can be.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod autostart;
mod commands;
mod link;
mod log;
mod manners;
mod notices;
mod shell;
mod tray;
mod words;

/// What is given back is wiped: it may have held a password on its way through a library. And it goes back to the
/// system: connecting to five hundred hosts leaves holes that glibc's own heap keeps, half as much again as is used.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<mimalloc::MiMalloc> =
    zeroizing_alloc::ZeroAlloc(mimalloc::MiMalloc);

fn main() -> anyhow::Result<()> {
    engine::this_computer::guard_memory();
    shell::run()
}
