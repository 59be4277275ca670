//! The app and `musterctl`, with the helpers and the user interface inside them.

use std::path::PathBuf;

use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::{say, step};
use crate::{helper, ui};

/// How the programs are built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Debug,
    Release,
}

impl Kind {
    pub(crate) fn of(release: bool) -> Self {
        if release { Kind::Release } else { Kind::Debug }
    }
}

/// Builds helper, user interface, `muster` and `musterctl`, in this order.
pub(crate) fn build(places: &Places, kind: Kind) -> anyhow::Result<()> {
    build_with_pages(places, kind, false)
}

/// The optimised programs with the pages that only people who build Muster see.
pub(crate) fn build_with_gallery(places: &Places) -> anyhow::Result<()> {
    build_with_pages(places, Kind::Release, true)
}

fn build_with_pages(places: &Places, kind: Kind, with_gallery: bool) -> anyhow::Result<()> {
    helper::build(places)?;
    ui::build(places, kind, with_gallery)?;
    match kind {
        Kind::Debug => step("muster and musterctl", || {
            // One selection for all debug builds: another one has other features of shared
            // dependencies, and cargo would compile most of the tree again.
            run(cargo(places).args(["build", "--workspace"]), "building the programs")
        })?,
        Kind::Release => step("muster and musterctl, optimised", || {
            let mut build = cargo(places);
            build.args(["build", "--release", "-p", "muster", "-p", "cli"]);
            run(build.env("MUSTER_REQUIRE_HELPER", "1"), "building the programs")
        })?,
    }
    for name in ["muster", "musterctl"] {
        say(format!("    {}", program(places, kind, name).display()));
    }
    Ok(())
}

/// The same with every test, in one go: what only tests need changes the features of what they share
/// with the programs, and cargo would compile much of the tree for each of two goes.
pub(crate) fn build_with_tests(places: &Places) -> anyhow::Result<()> {
    helper::build(places)?;
    // The optimised pages, as they are shipped: the others are 26 MB, which a busy machine takes
    // longer to start than a test waits for a page.
    ui::build(places, Kind::Release, true)?;
    step("muster, musterctl and the tests", || {
        run(
            cargo(places).args(["build", "--workspace", "--all-targets"]),
            "building the programs and the tests",
        )
    })
}

/// Where a program lies after the build.
pub(crate) fn program(places: &Places, kind: Kind, name: &str) -> PathBuf {
    let folder = match kind {
        Kind::Debug => "debug",
        Kind::Release => "release",
    };
    places.target.join(folder).join(name)
}
