//! What a test needs from the machine, and what happens where it is not there.
//!
//! A test that cannot run is reported as skipped, by its name and with the reason, in
//! `target/test-skips.txt`. Where `MUSTER_TEST_REQUIRE=all` is set, as on a machine that was set
//! up for testing, it fails instead: a green run then means that everything ran.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::places;

/// A part of the machine that not every machine has.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The rights of root.
    Root,
    /// A network of a test's own; implies root.
    Network,
    /// A kernel that lets the next PID be chosen; not in a container with a read-only `/proc/sys`.
    NextPid,
    /// OpenSSH's server and tools.
    Sshd,
    /// Another SSH server than OpenSSH's.
    Dropbear,
    /// What boots a host with systemd; implies root.
    SystemdHost,
    /// A session bus and gnome-keyring.
    Keyring,
    /// What makes a network lose packets.
    Nftables,
    /// The emulator that runs programs for aarch64.
    Qemu,
    /// A display, the web driver and all of `Keyring`.
    Window,
    /// The library by which apps have a mark in the tray.
    Tray,
    /// axe-core, which set-up fetches.
    Axe,
    /// What judges the entries for menus and software centres.
    Validators,
    /// What puts packages together, and takes them apart again.
    Packages,
}

/// Where distributions put libraries.
const LIBRARIES: [&str; 4] =
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];

impl Part {
    /// `Err` says what is missing.
    pub fn check(self) -> Result<(), String> {
        match self {
            Part::Root => {
                if rustix::process::geteuid().is_root() {
                    Ok(())
                } else {
                    Err("it needs root: run the tests with sudo to include it".into())
                }
            }
            Part::Network => {
                Part::Root.check()?;
                programs(&["ip", "unshare", "nsenter", "mount"])
            }
            Part::NextPid => {
                Part::Root.check()?;
                let next = "/proc/sys/kernel/ns_last_pid";
                match OpenOptions::new().write(true).open(next) {
                    Ok(_) => Ok(()),
                    Err(why) => Err(format!("{next} cannot be written here: {why}")),
                }
            }
            Part::Sshd => programs(&["sshd", "ssh", "ssh-keygen"]),
            Part::Dropbear => programs(&["dropbear", "dropbearkey"]),
            Part::SystemdHost => {
                Part::Root.check()?;
                Part::Sshd.check()?;
                programs(&["systemd-nspawn", "debootstrap", "ip", "nsenter"])
            }
            Part::Keyring => programs(&["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"]),
            Part::Nftables => {
                Part::Root.check()?;
                programs(&["nft", "nsenter"])
            }
            Part::Qemu => programs(&["qemu-aarch64-static"]),
            Part::Window => {
                Part::Keyring.check()?;
                programs(&["Xvfb", "WebKitWebDriver", "xclip"])
            }
            Part::Tray => {
                let names = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
                let is_in = |folder: &str| names.iter().any(|name| Path::new(folder).join(name).exists());
                if LIBRARIES.into_iter().any(is_in) {
                    return Ok(());
                }
                Err(format!("the library {} is missing", names[0]))
            }
            Part::Validators => programs(&["desktop-file-validate", "appstreamcli"]),
            Part::Packages => programs(&["dpkg-deb", "rpmbuild", "rpm", "rpm2archive"]),
            Part::Axe => {
                let script = crate::axe::script();
                if script.is_file() {
                    return Ok(());
                }
                Err(format!("{} is missing: 'cargo xtask setup' fetches it", script.display()))
            }
        }
    }
}

/// True if all parts are there; else the test named is reported as skipped, or fails.
pub fn met(test: &str, parts: &[Part]) -> bool {
    let Some(reason) = parts.iter().find_map(|part| part.check().err()) else { return true };
    if env::var("MUSTER_TEST_REQUIRE").as_deref() == Ok("all") {
        panic!("{test} cannot run here, and MUSTER_TEST_REQUIRE=all forbids to skip it: {reason}");
    }
    eprintln!("skipped: {test}: {reason}");
    let list = places::target().join("test-skips.txt");
    let mut file = OpenOptions::new().create(true).append(true).open(list).unwrap();
    writeln!(file, "{test}: {reason}").unwrap();
    false
}

/// Leaves the test, reported as skipped, unless the machine has these parts.
#[macro_export]
macro_rules! needs {
    ($($part:ident),+) => {{
        fn here() {}
        let name = std::any::type_name_of_val(&here).trim_end_matches("::here");
        if !$crate::needs::met(name, &[$($crate::needs::Part::$part),+]) {
            return;
        }
    }};
}

fn programs(names: &[&str]) -> Result<(), String> {
    match names.iter().find(|name| find_program(name).is_none()) {
        None => Ok(()),
        Some(missing) => {
            Err(format!("the program {missing} is missing: 'cargo xtask setup' installs what tests need"))
        }
    }
}

/// The path of a program, also where only root has its folder in PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/sbin", "/usr/bin"])
        .map(|folder| Path::new(folder).join(name))
        .find(|file| file.is_file())
}
