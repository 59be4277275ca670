//! The file systems of a Debian with systemd, with SysV init and with OpenRC, each made once per
//! machine by debootstrap.
//!
//! They lie in a cache folder outside the checkout and are never booted themselves: each host gets a
//! copy. A lock keeps two test runs from making one at the same time.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::keeper::Keeper;
use crate::process::tool;

/// The program that is PID 1, and what manages the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    Systemd,
    /// With polkit, which decides who may act on units.
    SystemdWithPolkit,
    /// With supervisord beside it.
    SysV,
    /// Over SysV init, as Debian packages it; with supervisord beside it.
    OpenRc,
}

impl Init {
    /// The number counts up when the packages change, so that an old tree is not taken for the new one.
    fn tree_name(self) -> &'static str {
        match self {
            Init::Systemd => "debian-bookworm-1",
            Init::SystemdWithPolkit => "debian-bookworm-polkit-1",
            Init::SysV => "debian-bookworm-sysv-1",
            Init::OpenRc => "debian-bookworm-openrc-1",
        }
    }

    fn packages(self) -> &'static str {
        match self {
            // debootstrap does not find what polkitd needs: it is installed after the others.
            Init::Systemd | Init::SystemdWithPolkit => "systemd,systemd-sysv,dbus",
            // Debian's OpenRC replaces the package sysv-rc, which debootstrap would install again.
            Init::SysV | Init::OpenRc => "sysvinit-core,sysv-rc,initscripts,supervisor",
        }
    }

    pub(crate) fn is_systemd(self) -> bool {
        matches!(self, Init::Systemd | Init::SystemdWithPolkit)
    }

    /// Name of PID 1.
    pub(crate) fn process(self) -> &'static str {
        match self {
            Init::Systemd | Init::SystemdWithPolkit => "systemd",
            Init::SysV | Init::OpenRc => "init",
        }
    }
}

const SETTING: [&str; 4] =
    ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
const PACKAGES: &str = "openssh-server,sudo,iproute2,procps,cron,rsyslog";

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
pub fn tree(init: Init) -> PathBuf {
    let cache = cache();
    let name = init.tree_name();
    let tree = cache.join(name);
    let lock = File::create(cache.join("tree.lock")).unwrap();
    lock.lock().unwrap();
    if !tree.exists() {
        let partial = cache.join(format!("{name}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).unwrap();
        }
        eprintln!("making {} with debootstrap, once on this machine, about a minute", tree.display());
        debootstrap(&partial, init);
        match init {
            Init::OpenRc => install(&partial, &["openrc"]),
            Init::SystemdWithPolkit => install(&partial, &["polkitd"]),
            Init::Systemd | Init::SysV => {}
        }
        fs::rename(&partial, &tree).unwrap();
    }
    tree
}

fn debootstrap(folder: &Path, init: Init) {
    let include = format!("--include={},{PACKAGES}", init.packages());
    tool("debootstrap", &["--variant=minbase", &include, "bookworm", folder.to_str().unwrap()]);
    remove_archives(folder);
}

/// Installs packages with the tree's own apt-get, which knows what they need and replace.
fn install(folder: &Path, packages: &[&str]) {
    fs::copy("/etc/resolv.conf", folder.join("etc/resolv.conf")).unwrap();
    apt_get(folder, &["update"]);
    apt_get(folder, &[&["install", "--no-install-recommends"], packages].concat());
    remove_archives(folder);
}

fn apt_get(folder: &Path, words: &[&str]) {
    let words = [&["apt-get", "-q", "-y"], words].concat();
    tool("chroot", &[&[folder.to_str().unwrap()], &SETTING[..], &words].concat());
}

/// Packages that were unpacked are not needed again, and every host would copy them.
fn remove_archives(folder: &Path) {
    let archives = folder.join("var/cache/apt/archives");
    for entry in fs::read_dir(archives).unwrap().flatten() {
        if entry.path().extension().is_some_and(|kind| kind == "deb") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// A Debian that nothing was installed on, to install on; gone when it is dropped.
pub struct Clean {
    folder: PathBuf,
    _keeper: Keeper,
}

impl Clean {
    pub fn new() -> Self {
        let folder = cache().join(format!("clean-{}", std::process::id()));
        let keeper = Keeper::new(r#"rm -rf --one-file-system "$1""#, &[folder.to_str().unwrap()]);
        tool(
            "cp",
            &["-a", "--reflink=auto", tree(Init::Systemd).to_str().unwrap(), folder.to_str().unwrap()],
        );
        Self { folder, _keeper: keeper }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Installs a file with what it needs, as a person does it.
    pub fn install(&self, file: &Path) {
        let name = file.file_name().unwrap();
        fs::copy(file, self.folder.join("var/tmp").join(name)).unwrap();
        // What is written to a tree that is thrown away need not reach the disk.
        fs::write(self.folder.join("etc/dpkg/dpkg.cfg.d/thrown-away"), "force-unsafe-io\n").unwrap();
        install(&self.folder, &[&format!("/var/tmp/{}", name.to_str().unwrap())]);
    }

    pub fn remove(&self, package: &str) {
        apt_get(&self.folder, &["remove", package]);
    }

    /// Runs a command inside, which must succeed, and gives what it printed.
    pub fn run(&self, words: &[&str]) -> String {
        tool("chroot", &[&[self.folder.to_str().unwrap()], &SETTING[..], words].concat())
    }
}

impl Default for Clean {
    fn default() -> Self {
        Self::new()
    }
}
