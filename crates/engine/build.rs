//! Embeds the helpers that `cargo xtask build` left in `remote-helper/built`, an empty file for one
//! that is not there: the workspace then still checks, and the engine says "helper not built".

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(var("CARGO_MANIFEST_DIR")?).join("../../remote-helper/built");
    let out = PathBuf::from(var("OUT_DIR")?);
    // A folder, not its files: a file that is missing would make this crate dirty for ever.
    println!("cargo::rerun-if-changed={}", root.display());
    println!("cargo::rerun-if-env-changed=MUSTER_REQUIRE_HELPER");
    for arch in ["x86_64", "aarch64"] {
        embed(&root.join(format!("muster-helper-{arch}")), &out.join(format!("muster-helper-{arch}")))?;
    }
    Ok(())
}

fn embed(built: &Path, copy: &Path) -> io::Result<()> {
    match fs::read(built) {
        Ok(bytes) => fs::write(copy, bytes),
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            if env::var_os("MUSTER_REQUIRE_HELPER").is_some() {
                return Err(io::Error::other(format!(
                    "{} is not built: run 'cargo xtask build'",
                    built.display()
                )));
            }
            fs::write(copy, [])
        }
        Err(why) => Err(why),
    }
}

fn var(name: &str) -> io::Result<String> {
    env::var(name).map_err(|why| io::Error::other(format!("{name}: {why}")))
}
