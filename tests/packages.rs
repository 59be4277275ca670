//! What people install: the entry for menus and software centres, and the packages. The one for Debian is
//! installed; of the others it is shown that they are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use support::debian::Clean;
use support::desktop::Desktop;
use support::process::tool;
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

/// The folder of the packages of the programs as they were built for the tests, made once: one that is made
/// takes away what another is made of.
fn own_packages() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // What this one lets nobody else read must be read by all where it is installed.
        let mut build = Command::new("sh");
        build.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(places::target().join("debug/xtask"));
        build.current_dir(places::root()).args(["--no-install", "package", "--debug", "--as-built"]);
        let built = build.output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        places::target().join("packages-debug")
    })
}

/// The package whose name ends like this. The optimised ones are tried where one of them is named; building them
/// takes too long for each run.
fn package(ending: &str) -> PathBuf {
    let named = std::env::var_os("MUSTER_TEST_PACKAGE").map(PathBuf::from);
    let folder = match &named {
        Some(file) => file.parent().unwrap(),
        None => own_packages(),
    };
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.contains(protocol::VERSION) && name.ends_with(ending)
    };
    let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(is_wanted);
    found.unwrap_or_else(|| panic!("there is no package of this version as {ending} in {}", folder.display()))
}

#[test]
fn the_package_installs_on_a_clean_debian_starts_there_and_is_removed() {
    needs!(SystemdHost, Window, Packages);
    let package = package(".deb");
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

/// All files that a package puts on a system.
const HELD: [&str; 10] = [
    "usr/bin/muster",
    "usr/bin/musterctl",
    "usr/share/applications/net.muster.desktop.desktop",
    "usr/share/doc/muster/copyright",
    "usr/share/icons/hicolor/128x128/apps/net.muster.desktop.png",
    "usr/share/icons/hicolor/256x256/apps/net.muster.desktop.png",
    "usr/share/icons/hicolor/32x32/apps/net.muster.desktop.png",
    "usr/share/icons/hicolor/512x512/apps/net.muster.desktop.png",
    "usr/share/icons/hicolor/scalable/apps/net.muster.desktop.svg",
    "usr/share/metainfo/net.muster.desktop.metainfo.xml",
];

/// The mode, the time and the digest of each file of a tar, by its path. What the tar calls `usr` is given. A
/// folder may only be there where all may enter it and root alone may write to it.
fn read_tar(tar: &Path, usr: &str) -> BTreeMap<String, String> {
    let tar = tar.to_str().unwrap();
    let sum = "--to-command=echo \"$(sha256sum) $TAR_FILENAME\"";
    let summed = tool("tar", &["--extract", sum, "--file", tar]);
    let sums: BTreeMap<&str, &str> = summed
        .lines()
        .map(|line| (line.split_whitespace().nth(2).unwrap(), line.split_whitespace().next().unwrap()))
        .collect();
    let listed = tool("tar", &["--list", "--verbose", "--full-time", "--file", tar]);
    let mut files = BTreeMap::new();
    for line in listed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mode, owner, _, day, time, name] = words[..] else { panic!("what is this: {line}") };
        assert!(["root/root", "0/0"].contains(&owner), "{line}");
        let path = name.trim_start_matches("./").trim_end_matches('/');
        let path = path.strip_prefix(usr).map_or(path.to_owned(), |below| format!("usr{below}"));
        match sums.get(name) {
            Some(sum) => _ = files.insert(path, format!("{mode} {day} {time} {sum}")),
            None => assert_eq!(mode, "drwxr-xr-x", "{line}"),
        }
    }
    files
}

/// Keeps what a command prints.
fn keep(command: &mut Command, file: PathBuf) -> PathBuf {
    let status = command.stdout(File::create(&file).unwrap()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
    file
}

#[test]
fn the_rpm_and_the_tar_hold_what_the_deb_holds_and_nothing_of_who_built_them() {
    needs!(Packages);
    let (deb, rpm) = (package(".deb"), package(".rpm"));
    let folder = tempfile::tempdir_in(places::target()).unwrap();
    let kept = |name: &str| folder.path().join(name);
    let unpacked = keep(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(&deb), kept("deb.tar"));
    let held = read_tar(&unpacked, "usr");
    assert_eq!(held.keys().collect::<Vec<_>>(), HELD);
    for (path, what) in &held {
        let mode = if path.starts_with("usr/bin/") { "-rwxr-xr-x " } else { "-rw-r--r-- " };
        assert!(what.starts_with(mode), "{path}: {what}");
    }
    let about = keep(Command::new("dpkg-deb").arg("--ctrl-tarfile").arg(&deb), kept("about.tar"));
    let about = read_tar(&about, "usr");
    assert!(about.len() == 1 && about["control"].starts_with("-rw-r--r-- "), "{about:?}");

    let mut unpack = Command::new("rpm2archive");
    unpack.args(["--nocompression", "-"]).stdin(File::open(&rpm).unwrap());
    assert_eq!(read_tar(&keep(&mut unpack, kept("rpm.tar")), "usr"), held, "the .rpm");
    let top = format!("muster-{}", protocol::VERSION);
    assert_eq!(read_tar(&package(".tar.gz"), &top), held, "the tar");

    // What a package says of itself is all that it has beside the files.
    let said = tool("rpm", &["--query", "--xml", "--package", rpm.to_str().unwrap()])
        + &tool("dpkg-deb", &["--field", deb.to_str().unwrap()]);
    for place in [places::root(), places::target()] {
        assert!(!said.contains(place.to_str().unwrap()), "{} is named: {said}", place.display());
    }
    let format = "%{BUILDHOST} %|PACKAGER?{%{PACKAGER}}:{}|%|VENDOR?{%{VENDOR}}:{}|";
    let maker = tool("rpm", &["--query", "--queryformat", format, "--package", rpm.to_str().unwrap()]);
    assert_eq!(maker, "muster.invalid ", "no computer and no person");
}

/// What Debian calls the package of a library that an .rpm asks for: by the rule of its policy (8.1) it has the
/// name of the library and of its version. Other names are the same in both.
fn in_debian(asked: &str) -> String {
    let name = asked.split(['(', ' ']).next().unwrap();
    let Some((library, version)) = name.split_once(".so.") else { return name.to_owned() };
    let dash = if library.ends_with(|c: char| c.is_ascii_digit()) { "-" } else { "" };
    format!("{library}{dash}{version}")
}

#[test]
fn the_rpm_asks_for_the_libraries_that_the_deb_asks_for() {
    needs!(Packages);
    let (deb, rpm) = (package(".deb"), package(".rpm"));
    for (field, question) in [("Depends", "--requires"), ("Recommends", "--recommends")] {
        let asked = tool("rpm", &["--query", question, "--package", rpm.to_str().unwrap()]);
        let names: BTreeSet<String> = asked.lines().map(in_debian).collect();
        let wanted = tool("dpkg-deb", &["--field", deb.to_str().unwrap(), field]);
        for package in wanted.split(',').map(|one| one.split_whitespace().next().unwrap()) {
            assert!(names.contains(package), "{package} is asked for by the .deb alone; the .rpm: {asked}");
        }
    }
}

#[test]
fn what_is_told_of_a_release_is_the_version_that_is_built() {
    let about = fs::read_to_string(own("net.muster.desktop.metainfo.xml")).unwrap();
    assert!(about.contains(&format!("<release version=\"{}\"", protocol::VERSION)), "{about}");
}
