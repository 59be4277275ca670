//! Hands the list of commands to Tauri, so that each needs its own permission, and keeps a fresh
//! checkout compiling: a page that says what to build stands in until the real one is there.

use std::path::Path;
use std::{fs, io};

const NOT_BUILT: &str = "<!doctype html><meta charset=\"utf-8\"><title>Muster</title>\
<p>The window is not built. Run <code>cargo xtask run</code>.</p>\n";

fn main() -> io::Result<()> {
    let dist = Path::new("../dist");
    if !dist.join("index.html").exists() {
        fs::create_dir_all(dist)?;
        fs::write(dist.join("index.html"), NOT_BUILT)?;
    }
    println!("cargo::rerun-if-changed=../dist");
    let commands: Vec<&'static str> =
        [protocol::ipc::COMMANDS, protocol::ipc::SHELL, &protocol::ipc::STREAMS].concat();
    let manifest = tauri_build::AppManifest::new().commands(commands.leak());
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)).map_err(io::Error::other)
}
