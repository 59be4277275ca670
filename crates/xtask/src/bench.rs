//! `cargo xtask bench`: what Muster costs, beside the tools people use today.

use std::process::{Command, ExitCode};

use crate::app::{self, Kind};
use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::step;

/// Measures the optimised programs, all parts or those named.
pub(crate) fn bench(places: &Places, parts: &[String]) -> anyhow::Result<ExitCode> {
    app::build(places, Kind::Release)?;
    // It has the engine in it, so it is optimised as the app is.
    step("the program that measures", || {
        let build = ["build", "--release", "-p", "tests", "--bin", "costs", "--features", "peers"];
        run(cargo(places).args(build), "building it")
    })?;
    let mut costs = Command::new(app::program(places, Kind::Release, "costs"));
    costs.args(parts).env("MUSTER_TEST_PROGRAMS", places.target.join("release"));
    step("the measurements", || run(&mut costs, "measuring"))?;
    Ok(ExitCode::SUCCESS)
}
