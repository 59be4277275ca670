//! The user interface: WebAssembly with its start files, in `dist`, from where the app embeds it.
//!
//! wasm-bindgen runs as a library at the version that Cargo.lock holds, so the two halves of its
//! output always fit and no program has to be installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use wasm_bindgen_cli_support::Bindgen;

use crate::app::Kind;
use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::{say, step};

/// Builds `dist`, writing only files whose bytes changed and removing those that are no more.
pub(crate) fn build(places: &Places, kind: Kind) -> anyhow::Result<()> {
    step("the user interface", || {
        let (profile, folder) = match kind {
            Kind::Debug => ("dev", "debug"),
            Kind::Release => ("ui", "ui"),
        };
        let mut build = cargo(places);
        build.args(["build", "-p", "src-ui", "--target", "wasm32-unknown-unknown", "--profile", profile]);
        run(&mut build, "building the user interface")?;
        let wasm = places.target.join("wasm32-unknown-unknown").join(folder).join("src-ui.wasm");
        let stage = places.target.join("xtask/dist");
        bind(&wasm, &stage, kind)?;
        copy_sources(&places.root.join("src-ui"), &stage)?;
        let changed = mirror(&stage, &places.dist())?;
        if changed > 0 {
            let bytes = fs::metadata(places.dist().join("src_ui_bg.wasm"))?.len();
            say(format!("    {changed} files changed in dist, {} KiB of WebAssembly", bytes / 1024));
        }
        Ok(())
    })
}

fn bind(wasm: &Path, stage: &Path, kind: Kind) -> anyhow::Result<()> {
    if stage.exists() {
        fs::remove_dir_all(stage).with_context(|| format!("{} cannot be cleared", stage.display()))?;
    }
    fs::create_dir_all(stage).with_context(|| format!("{} cannot be made", stage.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name("src_ui")
        .typescript(false)
        .keep_debug(false)
        .remove_name_section(kind == Kind::Release)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(stage))
        .map_err(|why| anyhow!("wasm-bindgen cannot read {}: {why:#}", wasm.display()))
}

/// What is not compiled: the page, its start and its styles, as they lie in `src-ui`.
fn copy_sources(sources: &Path, stage: &Path) -> anyhow::Result<()> {
    for name in ["index.html", "start.js", "styles", "assets"] {
        let from = sources.join(name);
        for (path, bytes) in read_tree(&from)? {
            let to = stage.join(name).join(path);
            write(&to, &bytes)?;
        }
    }
    Ok(())
}

/// Makes `to` equal to `from`; the number of files written or removed.
fn mirror(from: &Path, to: &Path) -> anyhow::Result<usize> {
    let wanted = read_tree(from)?;
    let present = read_tree(to)?;
    let mut changed = 0;
    for (path, bytes) in &wanted {
        if present.get(path) != Some(bytes) {
            write(&to.join(path), bytes)?;
            changed += 1;
        }
    }
    for path in present.keys().filter(|path| !wanted.contains_key(*path)) {
        let old = to.join(path);
        fs::remove_file(&old).with_context(|| format!("{} cannot be removed", old.display()))?;
        changed += 1;
    }
    Ok(changed)
}

/// Every file below `top` by its path there; a file itself has the empty path, nothing is empty.
fn read_tree(top: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![top.to_owned()];
    while let Some(place) = open.pop() {
        if place.is_dir() {
            for entry in fs::read_dir(&place).with_context(|| place.display().to_string())? {
                open.push(entry?.path());
            }
        } else if place.is_file() {
            let bytes = fs::read(&place).with_context(|| place.display().to_string())?;
            found.insert(place.strip_prefix(top)?.to_owned(), bytes);
        }
    }
    Ok(found)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    // A file that was read as a tree of its own has an empty path after its name.
    let path: PathBuf = path.components().collect();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_mirror_writes_nothing_and_old_files_go() {
        let top = std::env::temp_dir().join(format!("muster-mirror-{}", std::process::id()));
        let (from, to) = (top.join("from"), top.join("to"));
        write(&from.join("styles/base.css"), b"a").unwrap();
        write(&from.join("index.html"), b"b").unwrap();
        write(&to.join("old.js"), b"c").unwrap();
        assert_eq!(mirror(&from, &to).unwrap(), 3, "two files written, one removed");
        assert_eq!(mirror(&from, &to).unwrap(), 0, "the app is rebuilt at every write");
        assert_eq!(fs::read(to.join("styles/base.css")).unwrap(), b"a");
        assert!(!to.join("old.js").exists());
        fs::remove_dir_all(top).unwrap();
    }
}
