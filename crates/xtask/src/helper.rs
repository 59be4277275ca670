//! The helper for both kinds of hosts, laid where the engine embeds it from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::{say, step};

const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// Builds the helpers and copies each one whose bytes changed.
pub(crate) fn build(places: &Places) -> anyhow::Result<()> {
    step("the helper for x86_64 and aarch64 hosts", || {
        let mut build = cargo(places);
        build.args(["build", "-p", "remote-helper", "--bin", "muster-helper", "--profile", "helper"]);
        for arch in ARCHITECTURES {
            build.arg("--target").arg(target(arch));
        }
        run(&mut build, "building the helper")?;
        for arch in ARCHITECTURES {
            let built = places.target.join(target(arch)).join("helper/muster-helper");
            let laid = places.built_helpers().join(format!("muster-helper-{arch}"));
            if copy_if_changed(&built, &laid)? {
                let bytes = fs::metadata(&laid).with_context(|| laid.display().to_string())?.len();
                say(format!("    {arch}: {} KiB", bytes / 1024));
            }
        }
        Ok(())
    })
}

fn target(arch: &str) -> String {
    format!("{arch}-unknown-linux-musl")
}

/// Copies only other bytes, so that the engine is built again only when its helper changed.
fn copy_if_changed(built: &Path, laid: &Path) -> anyhow::Result<bool> {
    let fresh = fs::read(built).with_context(|| format!("{} was not built", built.display()))?;
    if fs::read(laid).is_ok_and(|old| old == fresh) {
        return Ok(false);
    }
    fs::write(laid, &fresh).with_context(|| format!("{} cannot be written", laid.display()))?;
    fs::set_permissions(laid, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} cannot be made a program", laid.display()))?;
    Ok(true)
}
