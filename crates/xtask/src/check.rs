//! `cargo xtask check`: format, lints, layout of the sources and what they are built on.

use std::process::ExitCode;

use crate::command::{cargo, run};
use crate::places::Places;
use crate::progress::step;
use crate::supply;

pub(crate) fn check(places: &Places) -> anyhow::Result<ExitCode> {
    step("format", || run(cargo(places).args(["fmt", "--all", "--check"]), "the check of the format"))?;
    step("lints", || {
        let words =
            ["clippy", "--workspace", "--all-targets", "--features", "tests/peers", "--", "-D", "warnings"];
        run(cargo(places).args(words), "the check of the lints")
    })?;
    step("lints of the user interface as WebAssembly", || {
        let words = ["clippy", "-p", "src-ui", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings"];
        run(cargo(places).args(words), "the check of the lints")
    })?;
    step("what Cargo.lock brings in", || supply::check(places))?;
    step("layout", || {
        run(
            cargo(places).args(["test", "--workspace", "--test", "all", "layout::"]),
            "the check of the layout",
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
