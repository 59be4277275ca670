//! What people install: the entry for menus and software centres, and the package for Debian.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use support::needs;
use support::places;

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

#[test]
fn what_is_told_of_a_release_is_the_version_that_is_built() {
    let about = fs::read_to_string(own("net.muster.desktop.metainfo.xml")).unwrap();
    assert!(about.contains(&format!("<release version=\"{}\"", protocol::VERSION)), "{about}");
}
