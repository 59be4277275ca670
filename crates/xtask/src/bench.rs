//! `cargo xtask bench`: what the helper and the store cost, beside the tools people use today.

use std::process::ExitCode;

use crate::command::{cargo, run};
use crate::helper;
use crate::places::Places;
use crate::progress::step;

pub(crate) fn bench(places: &Places) -> anyhow::Result<ExitCode> {
    helper::build(places)?;
    step("the measurements", || run(cargo(places).args(["bench", "-p", "tests"]), "measuring"))?;
    Ok(ExitCode::SUCCESS)
}
