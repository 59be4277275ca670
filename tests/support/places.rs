//! Where the checkout and the programs under test lie.

use std::env;
use std::path::PathBuf;

/// The top of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Cargo's target folder that this test was built into.
pub fn target() -> PathBuf {
    let own = env::current_exe().unwrap();
    let profile = own
        .ancestors()
        .find(|place| place.file_name().is_some_and(|name| name == "debug" || name == "release"));
    profile.and_then(|place| place.parent()).map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program that the build left beside this test; `MUSTER_TEST_PROGRAMS` names another folder.
pub fn program(name: &str) -> PathBuf {
    let folder = env::var_os("MUSTER_TEST_PROGRAMS").map_or_else(|| target().join("debug"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not built: run 'cargo xtask test', which builds it first", path.display());
    path
}

/// Where pictures of the window go.
pub fn pictures() -> PathBuf {
    let folder = target().join("test-pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
