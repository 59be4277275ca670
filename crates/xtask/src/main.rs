//! `cargo xtask`: builds, runs and tests the whole of Muster with one command each.
//!
//! Cargo alone builds one program for one computer. Muster is a helper for two kinds of Linux
//! hosts, a user interface in WebAssembly and an app that carries both, so the order and the
//! tools are written down here once, for people and for machines that test. Nothing of it is a
//! part of the programs that are shipped, and it never needs a tool that cargo or the system's
//! packages do not bring.

mod app;
mod bench;
mod check;
mod command;
mod helper;
mod package;
mod packages;
mod places;
mod progress;
mod run;
mod screens;
mod setup;
mod supply;
mod test;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::Kind;
use crate::package::Format;
use crate::places::Places;
use crate::setup::{Need, Setup};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Builds, runs and tests Muster")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
    /// Only say which parts of the system are missing; install nothing.
    #[arg(long, global = true)]
    no_install: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and open the window; without a display, show this computer in the terminal.
    Run {
        /// The optimised build.
        #[arg(long)]
        release: bool,
    },
    /// Build everything and run every test; words after `--` go to `cargo test`.
    Test {
        /// Only the tests that cut, fail and damage the store, in as many rounds as before a release.
        #[arg(long)]
        long: bool,
        #[arg(last = true)]
        cargo_test: Vec<String>,
    },
    /// Build the helper, the user interface, `muster` and `musterctl`.
    Build {
        /// The optimised build, as it is shipped.
        #[arg(long)]
        release: bool,
    },
    /// Check the format, the lints and the layout of the sources.
    Check,
    /// Measure the helper, the log, a fleet and the window, beside the tools of today.
    Bench {
        /// Only these parts: helper, musterctl, search, log, fleet, window, window-fleet, chart.
        parts: Vec<String>,
    },
    /// Take a picture of every page, in both themes and languages, into target/screens, and those of the
    /// README into docs.
    Screens {
        /// Only these: pages, readme.
        parts: Vec<String>,
    },
    /// Build what people install, into target/packages: a .deb, an .rpm and a tar.
    Package {
        /// From the build that is not optimised, to try the packages themselves.
        #[arg(long)]
        debug: bool,
        /// From the programs as they were built last; nothing is built now.
        #[arg(long)]
        as_built: bool,
        /// Only these.
        #[arg(long, value_enum, value_delimiter = ',', default_values = ["deb", "rpm", "tar"])]
        only: Vec<Format>,
    },
    /// Only install what building and testing need.
    Setup,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match perform(arguments) {
        Ok(code) => code,
        Err(why) => {
            progress::error(&why);
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let places = Places::find()?;
    let setup = Setup { install: !arguments.no_install, places: &places };
    match arguments.task {
        Task::Run { release } => {
            setup.provide(&[Need::Build])?;
            let kind = Kind::of(release);
            app::build(&places, kind)?;
            run::run(&places, kind)
        }
        Task::Test { long, cargo_test } => {
            // The packages are made and read by tests.
            setup.provide(&[Need::Build, Need::Test, Need::Package])?;
            if long { test::test_long(&places, &cargo_test) } else { test::test(&places, &cargo_test) }
        }
        Task::Build { release } => {
            setup.provide(&[Need::Build])?;
            app::build(&places, Kind::of(release))?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Check => {
            setup.provide(&[Need::Build, Need::Check])?;
            check::check(&places)
        }
        Task::Bench { parts } => {
            setup.provide(&[Need::Build, Need::Test, Need::Bench])?;
            bench::bench(&places, &parts)
        }
        Task::Screens { parts } => {
            setup.provide(&[Need::Build, Need::Test])?;
            screens::screens(&places, &parts)
        }
        Task::Package { debug, as_built, only } => {
            if only.contains(&Format::Rpm) {
                setup.provide(&[Need::Package])?;
            }
            let kind = Kind::of(!debug);
            if !as_built {
                setup.provide(&[Need::Build])?;
                app::build(&places, kind)?;
            }
            package::package(&places, kind, &only)
        }
        Task::Setup => {
            setup.provide(&[Need::Build, Need::Check, Need::Test, Need::Package])?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
