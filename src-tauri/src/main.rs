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

/// What is given back is wiped: it may have held a password on its way through a library.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> anyhow::Result<()> {
    engine::this_computer::guard_memory();
    shell::run()
}
