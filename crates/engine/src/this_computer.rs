//! What both programs on the desktop ask of this computer before they open an engine.

use std::path::PathBuf;

use protocol::{Fault, FaultCode};

/// The folder of Muster's data: `MUSTER_DATA_DIR`, else the user's data folder of the platform.
pub fn data_dir() -> Result<PathBuf, Fault> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let dir = set("MUSTER_DATA_DIR")
        .or_else(|| set("XDG_DATA_HOME").filter(|dir| dir.is_absolute()).map(|dir| dir.join("muster")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/muster")));
    dir.ok_or_else(|| {
        Fault::new(FaultCode::BadInput, "no data folder is known: neither HOME nor MUSTER_DATA_DIR is set")
    })
}

/// The user of this computer, who is the operator until operators sign in.
pub fn operator() -> String {
    let named =
        ["USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok()).find(|name| !name.is_empty());
    named.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// Takes away the core dump of this process: its memory may hold a password for a moment.
pub fn forbid_core_dumps() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(why) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%why, "core dumps stay allowed");
    }
}
