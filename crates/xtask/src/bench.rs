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
    Ok(ExitCode::SUCCESS)
}
