//! What the lock file brings in: nothing that `deny.toml` refuses by name or version, nothing from elsewhere
//! than the registry, nothing without its checksum.
//!
//! The lists of RustSec do not know most reports about the SSH library, so its refused versions are kept by hand.

use std::fs;

use anyhow::{Context, bail};
use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::places::Places;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[derive(Deserialize)]
struct Deny {
    bans: Bans,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

/// As cargo-deny reads it: `name`, or `name@requirement`.
#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    what: String,
    reason: String,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Version,
    /// Those of the project itself have none.
    source: Option<String>,
    checksum: Option<String>,
}

pub(crate) fn check(places: &Places) -> anyhow::Result<()> {
    let read = |name: &str| {
        let file = places.root.join(name);
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    };
    let found = refused(&read("deny.toml")?, &read("Cargo.lock")?)?;
    if !found.is_empty() {
        bail!("what Cargo.lock brings in is refused:\n  {}", found.join("\n  "));
    }
    Ok(())
}

/// What is refused, a line each.
fn refused(deny: &str, lock: &str) -> anyhow::Result<Vec<String>> {
    let deny: Deny = toml::from_str(deny).context("deny.toml")?;
    let lock: Lock = toml::from_str(lock).context("Cargo.lock")?;
    let mut found = Vec::new();
    for Ban { what, reason } in deny.bans.deny {
        let (name, versions) = what.split_once('@').unwrap_or((&what, "*"));
        let versions = VersionReq::parse(versions).with_context(|| format!("the versions of {what}"))?;
        let bad = |package: &&Package| package.name == name && versions.matches(&package.version);
        found.extend(lock.package.iter().filter(bad).map(|package| {
            format!("{name} {}: {reason}; 'cargo tree -i {name}' tells why it is there", package.version)
        }));
    }
    for Package { name, version, source, checksum } in &lock.package {
        match source.as_deref() {
            None => {}
            Some(REGISTRY) if checksum.is_some() => {}
            Some(REGISTRY) => found.push(format!("{name} {version}: it has no checksum")),
            Some(other) => {
                found.push(format!("{name} {version}: it comes from {other} and not from the registry"))
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = include_str!("../../../deny.toml");
    const LOCK: &str = include_str!("../../../Cargo.lock");

    fn with(package: &str) -> Vec<String> {
        refused(DENY, &format!("{LOCK}\n[[package]]\n{package}\n")).unwrap()
    }

    fn from_registry(name: &str, version: &str) -> Vec<String> {
        with(&format!(
            "name = \"{name}\"\nversion = \"{version}\"\nsource = \"{REGISTRY}\"\nchecksum = \"00\""
        ))
    }

    #[test]
    fn what_is_used_now_is_not_refused() {
        assert_eq!(refused(DENY, LOCK).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_version_of_the_ssh_library_with_known_holes_is_refused() {
        for version in ["0.40.1", "0.54.0", "0.62.7", "0.64.9"] {
            let found = from_registry("russh", version);
            assert!(found.len() == 1 && found[0].starts_with(&format!("russh {version}: ")), "{found:?}");
        }
        assert_eq!(from_registry("russh", "0.65.2"), Vec::<String>::new());
    }

    #[test]
    fn a_refused_crate_another_source_and_a_missing_checksum_are_named() {
        assert_eq!(from_registry("openssl-sys", "0.9.1").len(), 1);
        let found = with("name = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://example.org/a#0\"");
        assert!(found.len() == 1 && found[0].contains("example.org"), "{found:?}");
        let found = with(&format!("name = \"a\"\nversion = \"1.0.0\"\nsource = \"{REGISTRY}\""));
        assert!(found.len() == 1 && found[0].contains("no checksum"), "{found:?}");
    }
}
