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
///
/// With `for_tests` the optimised pages have those too that what people install does not have.
pub(crate) fn build(places: &Places, kind: Kind, for_tests: bool) -> anyhow::Result<()> {
    step("the user interface", || {
        let mut build = cargo(places);
        build.args(["build", "-p", "src-ui", "--target", "wasm32-unknown-unknown"]);
        let folder = match kind {
            // Its debug information would be taken out again, and is the most of what is linked.
            Kind::Debug => {
                build.args(["--profile", "dev", "--config", "profile.dev.debug=false"]);
                "debug"
            }
            Kind::Release => {
                build.args(["--profile", "ui"]);
                "ui"
            }
        };
        if for_tests {
            build.args(["--features", "gallery"]);
        }
        run(&mut build, "building the user interface")?;
        let wasm = places.target.join("wasm32-unknown-unknown").join(folder).join("src-ui.wasm");
        let bound = places.target.join("xtask").join(folder);
        bind_if_changed(&wasm, &bound, kind)?;
        let mut wanted = read_tree(&bound.join("out"))?;
        wanted.extend(read_sources(&places.root.join("src-ui"))?);
        let changed = mirror(&wanted, &places.dist())?;
        if changed > 0 {
            let bytes = wanted.get(Path::new("src_ui_bg.wasm")).map_or(0, Vec::len);
            say(format!("    {changed} files changed in dist, {} KiB of WebAssembly", bytes / 1024));
        }
        Ok(())
    })
}

/// Runs wasm-bindgen into `bound/out`, unless it did so for this very build of the program.
fn bind_if_changed(wasm: &Path, bound: &Path, kind: Kind) -> anyhow::Result<()> {
    let stamp = bound.join("stamp");
    let about = fs::metadata(wasm).with_context(|| format!("{} was not built", wasm.display()))?;
    let fresh = format!("{} bytes at {:?}", about.len(), about.modified()?);
    if fs::read_to_string(&stamp).is_ok_and(|old| old == fresh) {
        return Ok(());
    }
    if bound.exists() {
        fs::remove_dir_all(bound).with_context(|| format!("{} cannot be cleared", bound.display()))?;
    }
    let out = bound.join("out");
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name("src_ui")
        .typescript(false)
        .keep_debug(false)
        .remove_name_section(kind == Kind::Release)
        .remove_producers_section(true);
    if kind == Kind::Debug {
        // A panic in a debug build names its functions.
        bindgen.remove_name_section(false);
    }
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(&out))
        .map_err(|why| anyhow!("wasm-bindgen cannot read {}: {why:#}", wasm.display()))?;
    write(&stamp, fresh.as_bytes())
}

/// What is not compiled: the page, its start and its styles, as they lie in `src-ui`.
fn read_sources(sources: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for name in ["index.html", "start.js", "styles", "assets"] {
        for (path, bytes) in read_tree(&sources.join(name))? {
            // The path of a file below itself is empty.
            let path =
                if path.as_os_str().is_empty() { PathBuf::from(name) } else { Path::new(name).join(path) };
            found.insert(path, bytes);
        }
    }
    Ok(found)
}

/// Makes `to` hold exactly these files; the number of files written or removed.
fn mirror(wanted: &BTreeMap<PathBuf, Vec<u8>>, to: &Path) -> anyhow::Result<usize> {
    let present = read_tree(to)?;
    let mut changed = 0;
    for (path, bytes) in wanted {
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
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
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
        let wanted = read_sources(&from).unwrap();
        assert_eq!(mirror(&wanted, &to).unwrap(), 3, "two files written, one removed");
        assert_eq!(mirror(&wanted, &to).unwrap(), 0, "the app is rebuilt at every write");
        assert_eq!(fs::read(to.join("styles/base.css")).unwrap(), b"a");
        assert!(!to.join("old.js").exists());
        fs::remove_dir_all(top).unwrap();
    }
}
