//! Set-up: finds out what the system lacks, says why it is needed, and installs it.
//!
//! It asks `dpkg-query` and `rustup`, so a machine that has everything is left alone and no
//! network is used. It never changes the system unsaid: the exact command is shown first.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::command::{output, run};
use crate::packages::{BENCH, BUILD, PACKAGE, Package, TEST};
use crate::places::Places;
use crate::progress::{say, step};

/// What a task needs from the system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Build,
    Check,
    Test,
    Bench,
    Package,
}

pub(crate) struct Setup<'a> {
    pub(crate) install: bool,
    pub(crate) places: &'a Places,
}

/// Kinds of computers that programs are built for, beside this one.
const TARGETS: &[(&str, &str)] = &[
    ("wasm32-unknown-unknown", "the user interface"),
    ("x86_64-unknown-linux-musl", "the helper for x86_64 hosts"),
    ("aarch64-unknown-linux-musl", "the helper for aarch64 hosts"),
];

const COMPONENTS: &[(&str, &str)] = &[("rustfmt", "the format check"), ("clippy", "the lints")];

/// The version that `tests/support/axe.rs` runs.
const AXE: &str = "4.10.3";
const AXE_SHA256: &str = "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb";

/// Where the tests keep what is made or fetched once for a machine.
fn test_cache() -> PathBuf {
    match (env::var_os("MUSTER_TEST_CACHE"), env::var_os("XDG_CACHE_HOME")) {
        (Some(chosen), _) => PathBuf::from(chosen),
        (None, Some(home)) => PathBuf::from(home).join("muster-tests"),
        (None, None) => PathBuf::from("/var/cache/muster-tests"),
    }
}

impl Setup<'_> {
    /// Makes sure that all of `needs` is there.
    pub(crate) fn provide(&self, needs: &[Need]) -> anyhow::Result<()> {
        let mut missing = self.provide_packages(needs)?;
        missing += self.provide_rust(needs)?;
        if needs.contains(&Need::Test) {
            missing += self.provide_axe()?;
        }
        if missing > 0 {
            bail!(
                "{missing} parts of the system are missing (listed above) and --no-install was given: \
                 install them, or leave --no-install away"
            );
        }
        Ok(())
    }

    /// Returns how many packages stay missing.
    fn provide_packages(&self, needs: &[Need]) -> anyhow::Result<usize> {
        let mut wanted: Vec<&Package> = BUILD.iter().collect();
        if needs.contains(&Need::Test) {
            wanted.extend(TEST);
        }
        if needs.contains(&Need::Bench) {
            wanted.extend(BENCH);
        }
        if needs.contains(&Need::Package) {
            wanted.extend(PACKAGE);
        }
        if !Path::new("/usr/bin/dpkg-query").exists() {
            say("This system has no dpkg; set-up knows the packages of Debian and Ubuntu only.");
            say("If a step below fails, install what corresponds to these:");
            for package in wanted {
                say(format!("  {:<30} {}", package.name, package.why));
            }
            return Ok(0);
        }
        let installed = installed_packages(&wanted)?;
        let missing: Vec<&Package> = wanted
            .into_iter()
            .filter(|package| !installed.contains(package.name))
            .filter(|package| !package.program.is_some_and(can_be_started))
            .collect();
        if missing.is_empty() {
            return Ok(0);
        }
        say("These packages of the system are missing:");
        for package in &missing {
            say(format!("  {:<30} {}", package.name, package.why));
        }
        if !self.install {
            return Ok(missing.len());
        }
        let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
        if names.contains(&"openssh-server") {
            keep_sshd_off()?;
        }
        step("installing them with apt-get", || {
            apt_get(&["update", "-q"])?;
            let mut words = vec!["install", "-y", "-q", "--no-install-recommends"];
            words.extend(names);
            apt_get(&words)
        })?;
        Ok(0)
    }

    /// Returns how many targets and components stay missing.
    fn provide_rust(&self, needs: &[Need]) -> anyhow::Result<usize> {
        let targets = self.rustup_installed(&["target", "list", "--installed"])?;
        let mut missing = self.add_missing("target", TARGETS, |name| targets.contains(name))?;
        if needs.contains(&Need::Check) {
            let components = self.rustup_installed(&["component", "list", "--installed"])?;
            missing += self.add_missing("component", COMPONENTS, |name| {
                components.iter().any(|line| line == name || line.starts_with(&format!("{name}-")))
            })?;
        }
        Ok(missing)
    }

    /// Fetches axe-core for the tests of the window, once. Returns how many parts stay missing.
    fn provide_axe(&self) -> anyhow::Result<usize> {
        let folder = test_cache().join(format!("axe-core-{AXE}"));
        let script = folder.join("axe.min.js");
        if script.is_file() {
            return Ok(0);
        }
        say(format!("axe-core {AXE} is missing: it looks for what keeps people out of the window."));
        if !self.install {
            return Ok(1);
        }
        step("fetching it with npm", || {
            let beside = folder.with_extension("partial");
            std::fs::create_dir_all(&beside)?;
            let mut npm = Command::new("npm");
            npm.args(["pack", "--silent", "--pack-destination"]).arg(&beside).arg(format!("axe-core@{AXE}"));
            run(&mut npm, "fetching axe-core")?;
            let mut tar = Command::new("tar");
            tar.arg("-xzf").arg(beside.join(format!("axe-core-{AXE}.tgz"))).arg("-C").arg(&beside);
            run(tar.args(["--strip-components=1", "package/axe.min.js"]), "unpacking axe-core")?;
            let sum = output(Command::new("sha256sum").arg(beside.join("axe.min.js")))?;
            if sum.split_whitespace().next() != Some(AXE_SHA256) {
                bail!("the axe.min.js that npm fetched is not the one that is expected: {sum}");
            }
            std::fs::create_dir_all(&folder)?;
            std::fs::rename(beside.join("axe.min.js"), &script)?;
            Ok(std::fs::remove_dir_all(&beside)?)
        })?;
        Ok(0)
    }

    fn add_missing(
        &self,
        kind: &str,
        wanted: &[(&'static str, &'static str)],
        is_there: impl Fn(&str) -> bool,
    ) -> anyhow::Result<usize> {
        let missing: Vec<_> = wanted.iter().filter(|(name, _)| !is_there(name)).collect();
        for (name, why) in &missing {
            say(format!("The Rust {kind} {name} is missing: it builds or serves {why}."));
        }
        if missing.is_empty() || !self.install {
            return Ok(missing.len());
        }
        step(&format!("adding it with 'rustup {kind} add'"), || {
            let names = missing.iter().map(|(name, _)| name);
            run(self.rustup().args([kind, "add"]).args(names), &format!("adding the Rust {kind}")).context(
                "rustup could not fetch it: this needs the network, or a mirror in RUSTUP_DIST_SERVER",
            )
        })?;
        Ok(0)
    }

    /// In the checkout, where `rust-toolchain.toml` names the toolchain.
    fn rustup(&self) -> Command {
        let mut rustup = Command::new("rustup");
        rustup.current_dir(&self.places.root);
        rustup
    }

    fn rustup_installed(&self, words: &[&str]) -> anyhow::Result<HashSet<String>> {
        let text = output(self.rustup().args(words)).context(
            "rustup, which brings the Rust toolchain of rust-toolchain.toml and its targets, is needed: \
             install it from https://rustup.rs",
        )?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// Looks for the program where the shell would.
fn can_be_started(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Which of the packages are installed, by dpkg's own record.
fn installed_packages(wanted: &[&Package]) -> anyhow::Result<HashSet<String>> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f=${db:Status-Status} ${Package}\n"]);
    query.args(wanted.iter().map(|package| package.name));
    // It ends with 1 if one of them is unknown, and still lists the others.
    let listed = query.output().context("dpkg-query could not be started")?;
    Ok(parse_dpkg_query(&String::from_utf8_lossy(&listed.stdout)))
}

fn parse_dpkg_query(text: &str) -> HashSet<String> {
    text.lines().filter_map(|line| line.strip_prefix("installed ")).map(str::to_owned).collect()
}

/// Debian switches a server on when its package is installed. The tests start their own sshd on
/// a port of loopback; a port 22 open to the network is nothing that a test set-up may leave.
fn keep_sshd_off() -> anyhow::Result<()> {
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    say("The SSH server of this computer stays off: its units are masked before it is installed.");
    say("If you want it, run 'systemctl unmask ssh.service ssh.socket' afterwards.");
    run(&mut as_root("systemctl", &["mask", "ssh.service", "ssh.socket"]), "masking the SSH server")
}

fn apt_get(words: &[&str]) -> anyhow::Result<()> {
    let mut all = vec!["DEBIAN_FRONTEND=noninteractive", "apt-get"];
    all.extend(words);
    run(&mut as_root("env", &all), "installing packages of the system")
}

/// The command as root: by sudo, said before, where this is not root.
fn as_root(program: &str, words: &[&str]) -> Command {
    let mut command = if is_root() {
        Command::new(program)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg(program);
        sudo
    };
    command.args(words);
    say(format!("    {}", crate::command::shown(&command)));
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_that_are_fully_installed_count() {
        let text = "installed dbus\nconfig-files xvfb\nhalf-configured procps\ninstalled pkg-config\n";
        let installed = parse_dpkg_query(text);
        assert!(installed.contains("dbus") && installed.contains("pkg-config"));
        assert_eq!(installed.len(), 2, "a package that was removed or broke must be installed again");
    }
}
