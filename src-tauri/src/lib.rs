//! The desktop app: a window over the engine, and as little more as there can be.
//!
//! The program itself (`main.rs`) only adds the pages. They are embedded by a macro that writes files while it
//! runs: two compilations at the same time, of a program and of its tests, would read each other's half.

mod autostart;
#[cfg(target_os = "linux")]
mod card;
mod clipboard;
mod commands;
mod link;
mod log;
mod manners;
mod notices;
mod page;
mod quit;
mod shell;
mod tray;
mod typed;
mod words;

/// Runs the app until its window is closed.
pub fn run(context: tauri::Context) -> anyhow::Result<()> {
    shell::run(context)
}
