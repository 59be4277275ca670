//! `cargo xtask screens`: a picture of every page, for people to look at.
//!
//! It drives the real window by the rig of the tests, so the pictures show what is shipped.

use std::process::ExitCode;

use crate::app::{self, Kind};
use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::{say, step};

pub(crate) fn screens(places: &Places) -> anyhow::Result<ExitCode> {
    app::build(places, Kind::Debug)?;
    step("the pictures", || {
        run(cargo(places).args(["run", "-q", "-p", "tests", "--bin", "screens"]), "taking the pictures")
    })?;
    say(format!("    {}", places.target.join("screens").display()));
    Ok(ExitCode::SUCCESS)
}
