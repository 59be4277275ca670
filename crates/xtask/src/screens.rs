//! `cargo xtask screens`: a picture of every page, for people to look at, and those of the README.
//!
//! It drives the real window by the rig of the tests, so the pictures show what is shipped.

use std::process::{Command, ExitCode};

use crate::app::{self, Kind};
use crate::command::run;
use crate::places::Places;
use crate::progress::{say, step};

pub(crate) fn screens(places: &Places, parts: &[String]) -> anyhow::Result<ExitCode> {
    app::build(places, Kind::Debug)?;
    let mut screens = Command::new(app::program(places, Kind::Debug, "screens"));
    screens.args(parts);
    step("the pictures", || run(&mut screens, "taking the pictures"))?;
    say(format!("    {}", places.target.join("screens").display()));
    Ok(ExitCode::SUCCESS)
}
