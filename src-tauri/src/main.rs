//! The desktop app as a program, with its pages in it.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

/// What is given back is wiped: it may have held a password on its way through a library.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> anyhow::Result<()> {
    engine::this_computer::guard_memory();
    desktop::run(tauri::generate_context!())
}
