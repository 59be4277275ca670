//! Running other programs, with errors that name the program and what it was for.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};

use crate::places::Places;

/// Cargo in the checkout, as it runs from a terminal.
///
/// `cargo run` sets variables for the program that it starts; a nested cargo would hand them to
/// build scripts, and everything would be built again when cargo is started by hand.
pub(crate) fn cargo(places: &Places) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(&places.root);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "OUT_DIR" {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs to the end and wants success; `purpose` is said where it fails.
pub(crate) fn run(command: &mut Command, purpose: &str) -> anyhow::Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("{purpose} did not succeed: {} ended with {status}; its own words are above", shown(command));
    }
    Ok(())
}

/// Runs to the end and gives the status, whatever it is.
pub(crate) fn status(command: &mut Command) -> anyhow::Result<ExitStatus> {
    command.status().with_context(|| format!("{} could not be started", shown(command)))
}

/// Runs to the end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{} could not be started", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}: {}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}
