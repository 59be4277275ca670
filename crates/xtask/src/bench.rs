//! `cargo xtask bench`: what the helper and the store cost, beside the tools people use today.

use std::process::{Command, ExitCode};

use crate::app::{self, Kind};
use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::step;

/// Measures the optimised programs; the one that measures only starts them, so it is not.
pub(crate) fn bench(places: &Places) -> anyhow::Result<ExitCode> {
    app::build(places, Kind::Release)?;
    step("the program that measures", || run(cargo(places).args(["build", "--workspace"]), "building it"))?;
    let mut costs = Command::new(app::program(places, Kind::Debug, "costs"));
    costs.env("MUSTER_TEST_PROGRAMS", places.target.join("release"));
    step("the measurements", || run(&mut costs, "measuring"))?;
    // This one has the engine in it, so it is optimised as the app is.
    step("the program that measures a fleet", || {
        run(cargo(places).args(["build", "--release", "-p", "tests", "--bin", "fleet"]), "building it")
    })?;
    let mut fleet = Command::new(app::program(places, Kind::Release, "fleet"));
    step("a fleet, and the tools beside it", || run(&mut fleet, "measuring"))?;
    Ok(ExitCode::SUCCESS)
}
