//! `cargo xtask run`: the window, or without a display this computer in the terminal.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::app::{self, Kind};
use crate::command::{run as run_command, shown, status};
use crate::places::Places;
use crate::progress::say;

/// The commands that show the main job on this computer: what it is, how it does, what listens
/// on it and what runs on it.
const TOUR: [&[&str]; 4] = [
    &["system", "local"],
    &["metrics", "local"],
    &["sockets", "local", "--listening"],
    &["services", "local"],
];

pub(crate) fn run(places: &Places, kind: Kind) -> anyhow::Result<ExitCode> {
    if has_display() {
        let mut window = Command::new(app::program(places, kind, "muster"));
        let ended = status(&mut window)?;
        return Ok(ExitCode::from(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)));
    }
    say("There is no display here (neither WAYLAND_DISPLAY nor DISPLAY is set), so no window can open.");
    say("musterctl does the same from a terminal; this is this computer through it:");
    for words in TOUR {
        let mut ctl = Command::new(app::program(places, kind, "musterctl"));
        ctl.args(words);
        say(format!("\n$ {}", shown(&ctl)));
        if words[0] == "services" && !Path::new("/run/systemd/system").exists() {
            say("this computer is not run by systemd, so there are no services to show");
            continue;
        }
        run_command(&mut ctl, "showing this computer")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn has_display() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}
