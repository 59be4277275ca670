//! The desktop app: a window over the engine, and as little more as there can be.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod log;
mod shell;

fn main() -> anyhow::Result<()> {
    engine::this_computer::forbid_core_dumps();
    shell::run()
}
