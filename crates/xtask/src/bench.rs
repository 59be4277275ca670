//! `cargo xtask bench`: what Muster costs, beside the tools people use today.

use std::process::{Command, ExitCode};

use crate::app::{self, Kind};
use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::step;

/// The part that looks at a page which is not shipped.
const OF_THE_GALLERY: &str = "chart";

/// Measures the optimised programs, all parts or those named. What is shipped is measured as it is shipped;
/// the chart is measured after it, with pages that have the gallery.
pub(crate) fn bench(places: &Places, parts: &[String]) -> anyhow::Result<ExitCode> {
    let (chart, shipped): (Vec<&str>, Vec<&str>) =
        parts.iter().map(String::as_str).partition(|part| *part == OF_THE_GALLERY);
    if parts.is_empty() || !shipped.is_empty() {
        app::build(places, Kind::Release)?;
        measure(places, &shipped)?;
    }
    if parts.is_empty() || !chart.is_empty() {
        app::build_with_gallery(places)?;
        measure(places, &[OF_THE_GALLERY])?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(places: &Places, parts: &[&str]) -> anyhow::Result<()> {
    // It has the engine in it, so it is optimised as the app is.
    step("the program that measures", || {
        let build = ["build", "--release", "-p", "tests", "--bin", "costs", "--features", "peers"];
        run(cargo(places).args(build), "building it")
    })?;
    let mut costs = Command::new(app::program(places, Kind::Release, "costs"));
    costs.args(parts).env("MUSTER_TEST_PROGRAMS", places.target.join("release"));
    step("the measurements", || run(&mut costs, "measuring"))
}
