//! What people install: the entry for menus and software centres, and the package for Debian.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use support::debian::Clean;
use support::desktop::Desktop;
use support::window::Window;
use support::{needs, pages, places};

fn own(name: &str) -> PathBuf {
    places::root().join("src-tauri/packaging").join(name)
}

fn passes(program: &str, words: &[&str], file: &str) {
    let told = Command::new(program).args(words).arg(own(file)).output().unwrap();
    let said = [told.stdout, told.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(told.status.success(), "{program} on {file}: {said}");
}

#[test]
fn desktops_and_software_centres_take_what_they_are_told() {
    needs!(Validators);
    passes("desktop-file-validate", &[], "net.muster.desktop.desktop");
    passes("appstreamcli", &["validate", "--no-net"], "net.muster.desktop.metainfo.xml");
    let entry = fs::read_to_string(own("net.muster.desktop.desktop")).unwrap();
    assert!(entry.contains("MimeType=x-scheme-handler/muster;"), "links lead to the app");
    assert!(entry.contains("[zh_CN]="), "it is in both languages");
}

/// Starts the app inside a tree, with the desktop's own folder and in a namespace of its own that ends with it.
const INSIDE: &str = r#"#!/bin/sh
exec unshare --mount --pid --fork --kill-child --mount-proc=@TREE@/proc sh -c '
    mkdir -p "@TREE@@DESKTOP@" "@TREE@/dev/shm" &&
    mount --bind "@DESKTOP@" "@TREE@@DESKTOP@" && mount -t tmpfs shm "@TREE@/dev/shm" &&
    exec chroot "@TREE@" /usr/bin/muster "$@"' inside "$@"
"#;

/// Of the programs as they were built for the tests.
fn own_package() -> PathBuf {
    let mut build = Command::new(places::target().join("debug/xtask"));
    build.current_dir(places::root()).args(["package", "--debug", "--as-built", "--only", "deb"]);
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let folder = places::target().join("packages-debug");
    let is_package = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "deb");
    fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).find(is_package).unwrap()
}

#[test]
fn the_package_installs_on_a_clean_debian_starts_there_and_is_removed() {
    needs!(SystemdHost, Window);
    // The optimised one is tried where it is named; building it takes too long for each run.
    let package = std::env::var_os("MUSTER_TEST_PACKAGE").map_or_else(own_package, PathBuf::from);

    let debian = Clean::new();
    assert!(!debian.folder().join("usr/bin/muster").exists());
    debian.install(&package);
    assert_eq!(
        debian.run(&["musterctl", "--version"]).trim(),
        format!("musterctl {}", protocol::VERSION),
        "it came with all that it needs"
    );
    let listed = debian.run(&["dpkg", "-L", "muster"]);
    let files: Vec<&str> = listed.lines().filter(|path| path.contains("muster")).collect();
    assert!(files.len() >= 9, "programs, entries, icons: {listed}");

    let desktop = Desktop::start(1280, 800);
    let starter = desktop.folder().join("inside");
    let script = INSIDE
        .replace("@TREE@", debian.folder().to_str().unwrap())
        .replace("@DESKTOP@", desktop.folder().to_str().unwrap());
    fs::write(&starter, script).unwrap();
    fs::set_permissions(&starter, fs::Permissions::from_mode(0o755)).unwrap();
    let window = Window::open(&desktop, &starter, &BTreeMap::new());
    window.wait_for("first-start");
    window.click("hosts-local");
    pages::wait_until_live(&window);
    window.wait_page("Debian GNU/Linux 12");
    window.picture(&places::pictures(), "installed");
    window.close();

    debian.remove("muster");
    for path in files {
        let left = debian.folder().join(path.trim_start_matches('/'));
        assert!(!left.exists(), "{} stays after the package is removed", left.display());
    }
    assert!(!debian.run(&["dpkg", "--audit"]).contains("muster"));
}

#[test]
fn what_is_told_of_a_release_is_the_version_that_is_built() {
    let about = fs::read_to_string(own("net.muster.desktop.metainfo.xml")).unwrap();
    assert!(about.contains(&format!("<release version=\"{}\"", protocol::VERSION)), "{about}");
}
