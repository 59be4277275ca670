//! The packages of Debian and Ubuntu that Muster needs, each with its reason.

/// A package of the system, and what it is for.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    /// A program that other packages bring too; where it can be started, nothing is missing.
    pub(crate) program: Option<&'static str>,
}

const fn package(name: &'static str, why: &'static str) -> Package {
    Package { name, why, program: None }
}

/// Node.js from its makers comes with npm inside, and cannot stand beside Debian's package of it.
const NPM: Package = Package {
    name: "npm",
    why: "fetches axe-core, which looks for what keeps people out of the window",
    program: Some("npm"),
};

/// To build and to open the window.
pub(crate) const BUILD: &[Package] = &[
    package("build-essential", "the linker that Rust calls"),
    package("pkg-config", "finds the libraries below"),
    package("libwebkit2gtk-4.1-dev", "the web view of the window"),
    package("libgtk-3-dev", "the window itself"),
    package("librsvg2-dev", "icons"),
    package("libayatana-appindicator3-dev", "the tray icon"),
];

/// To run the tests: real parts, none of them imitated.
pub(crate) const TEST: &[Package] = &[
    package("openssh-server", "tests sign in to a real sshd"),
    package("openssh-client", "keys for the tests, and an agent"),
    package("dropbear-bin", "a second SSH server to sign in to"),
    package("bsdutils", "a terminal for tests that type into one"),
    package("dbus", "a session bus of the tests' own"),
    package("gnome-keyring", "a real keyring on that bus"),
    package("libsecret-tools", "looks into that keyring from outside"),
    package("xvfb", "a display for the window under test"),
    package("xclip", "another program that holds the clipboard"),
    package("webkit2gtk-driver", "drives the window as a person would"),
    package("fonts-noto-cjk", "Chinese in the pictures of the pages"),
    package("systemd-container", "hosts with a real systemd"),
    package("debootstrap", "makes the file system of such a host"),
    package("iproute2", "their network, and 'ss' to compare with"),
    package("qemu-user-static", "runs the helper for aarch64"),
    package("ansible-core", "reads inventories, to compare with"),
    package("procps", "'top' and 'free' to compare with"),
    NPM,
    package("desktop-file-utils", "judges the entry for the menus of desktops"),
    package("appstream", "judges what software centres are told"),
    package("util-linux", "enters the namespaces of a host"),
    package("zsh", "a login shell of hosts, as are the next five"),
    package("ksh93u+m", "the Korn shell"),
    package("mksh", "its smaller kin"),
    package("tcsh", "the C shell"),
    package("fish", "a shell that is of no other's family"),
    package("busybox", "the shell of small hosts"),
    package("strace", "makes one system call after the other fail"),
    package("e2fsprogs", "disks that lose their power"),
    package("nftables", "a network that loses packets"),
];

/// To measure beside: what people use today to run a command over many hosts.
pub(crate) const BENCH: &[Package] = &[
    package("clustershell", "'clush' to measure beside"),
    package("pssh", "'parallel-ssh' to measure beside"),
];

/// To put together what people install.
pub(crate) const PACKAGE: &[Package] = &[package("rpm", "builds the package for Fedora and openSUSE")];
