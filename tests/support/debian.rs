//! The file system of a Debian with systemd, made once per machine by debootstrap.
//!
//! It lies in a cache folder outside the checkout and is never booted itself: each host gets a
//! copy. A lock keeps two test runs from making it at the same time.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::process::tool;

/// Counts up when the packages below change, so that an old tree is not taken for the new one.
const TREE: &str = "debian-bookworm-1";

const PACKAGES: &str = "systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,procps,cron,rsyslog";

/// Where trees and locks of the tests are kept.
pub fn cache() -> PathBuf {
    let folder = match (env::var_os("MUSTER_TEST_CACHE"), env::var_os("XDG_CACHE_HOME")) {
        (Some(chosen), _) => PathBuf::from(chosen),
        (None, Some(home)) => PathBuf::from(home).join("muster-tests"),
        (None, None) => PathBuf::from("/var/cache/muster-tests"),
    };
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The tree to copy; the first call on a machine takes about a minute.
pub fn tree() -> PathBuf {
    let cache = cache();
    let tree = cache.join(TREE);
    let lock = File::create(cache.join("tree.lock")).unwrap();
    lock.lock().unwrap();
    if !tree.exists() {
        let partial = cache.join(format!("{TREE}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).unwrap();
        }
        eprintln!("making {} with debootstrap, once on this machine, about a minute", tree.display());
        debootstrap(&partial);
        fs::rename(&partial, &tree).unwrap();
    }
    tree
}

fn debootstrap(folder: &Path) {
    let include = format!("--include={PACKAGES}");
    tool("debootstrap", &["--variant=minbase", &include, "bookworm", folder.to_str().unwrap()]);
    // Packages that were unpacked are not needed again, and every host would copy them.
    let archives = folder.join("var/cache/apt/archives");
    for entry in fs::read_dir(archives).unwrap().flatten() {
        if entry.path().extension().is_some_and(|kind| kind == "deb") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}
