//! The way from a saved host to a terminal: the command of `ssh`, and the program that opens a window
//! for it.
//!
//! What is started is a program with its arguments, never a line for a shell. The config that the
//! command names is written anew each time, with all hosts in it, so that chains of jumps are whole; the
//! keys that were accepted here count in it beside the user's own.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol::hosts::{Host, SshCommand};
use protocol::runs::quote_words;
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::export::{Beside, alias, ssh_config};

/// Below the data folder.
const FOLDER: &str = "ssh";

/// Terminals that are looked for, with what stands before a command.
const TERMINALS: [(&str, &[&str]); 11] = [
    ("x-terminal-emulator", &["-e"]),
    ("gnome-terminal", &["--"]),
    ("kgx", &["--"]),
    ("konsole", &["-e"]),
    ("xfce4-terminal", &["-x"]),
    ("mate-terminal", &["-x"]),
    ("kitty", &[]),
    ("alacritty", &["-e"]),
    ("foot", &[]),
    ("wezterm", &["start", "--"]),
    ("xterm", &["-e"]),
];

/// Writes the config with these hosts and the accepted keys, and gives the command for one of them.
pub(crate) fn command(
    data_dir: &Path,
    hosts: &[Host],
    host: &Host,
    known: &str,
) -> Result<SshCommand, Fault> {
    let folder = data_dir.join(FOLDER);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let own = |name: &str| home.as_ref().map(|home| home.join(".ssh").join(name));
    let keys = folder.join("known_hosts");
    let beside = Beside {
        // ssh writes new keys into the first: that is the user's own file.
        known_hosts: own("known_hosts").into_iter().chain([keys.clone()]).collect(),
        include: own("config").into_iter().chain([PathBuf::from("/etc/ssh/ssh_config")]).collect(),
    };
    let config = folder.join("config");
    write(&folder, &keys, known)?;
    write(&folder, &config, &ssh_config(hosts, &beside))?;
    let argv: Vec<String> = ["ssh", "-F", &config.to_string_lossy(), "--", &alias(host)]
        .iter()
        .map(|word| (*word).to_owned())
        .collect();
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    Ok(SshCommand { line: quote_words(&words), argv })
}

/// The whole file or the old one, readable by this user alone, as ssh wants its config.
fn write(folder: &Path, file: &Path, text: &str) -> Result<(), Fault> {
    let cannot = |why: std::io::Error| {
        Fault::new(FaultCode::StoreUnwritable, format!("{} cannot be written: {why}", file.display()))
            .about(file.display().to_string())
            .because(why.to_string())
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
    // Two hand-offs at once write the same; each has a file of its own until then.
    let beside = file.with_extension(uuid::Uuid::now_v7().simple().to_string());
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|why| {
        // It is of no use any more.
        let _ = std::fs::remove_file(&beside);
        cannot(why)
    })
}

/// The program of a terminal with what stands before a command: the one that was chosen, else
/// `TERMINAL`, else the first that is there.
pub(crate) fn find(chosen: Option<&str>) -> Result<Vec<String>, Fault> {
    let from_environment = std::env::var("TERMINAL").ok();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let is_there = |name: &str| {
        let given = Path::new(name);
        if given.is_absolute() {
            given.is_file()
        } else {
            folders.iter().any(|folder| folder.join(name).is_file())
        }
    };
    choose(chosen, from_environment.as_deref(), is_there)
}

fn choose(
    chosen: Option<&str>,
    from_environment: Option<&str>,
    is_there: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Fault> {
    let with = |name: &str| {
        let base =
            Path::new(name).file_name().map(|base| base.to_string_lossy().into_owned()).unwrap_or_default();
        let before =
            TERMINALS.iter().find(|(known, _)| *known == base).map_or(&["-e"][..], |(_, before)| before);
        std::iter::once(name).chain(before.iter().copied()).map(str::to_owned).collect::<Vec<_>>()
    };
    if let Some(name) = chosen.map(str::trim).filter(|name| !name.is_empty()) {
        if is_there(name) {
            return Ok(with(name));
        }
        let name = printable(name);
        return Err(Fault::bad_input(
            "terminal",
            format!("the terminal '{name}' that the settings name is not there"),
        ));
    }
    let named = from_environment.filter(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    let found = named.into_iter().chain(TERMINALS.iter().map(|(name, _)| *name)).find(|name| is_there(name));
    found.map(with).ok_or_else(|| {
        Fault::bad_input(
            "terminal",
            "no terminal was found on this computer: name one in the settings, or copy the command",
        )
    })
}

/// Starts the terminal with the command in it, and lets go of it.
pub(crate) fn open(terminal: &[String], command: &SshCommand) -> Result<(), Fault> {
    let (program, before) =
        terminal.split_first().ok_or_else(|| Fault::bad_input("terminal", "no terminal is named"))?;
    let mut starting = Command::new(program);
    starting
        .args(before)
        .args(&command.argv)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // It must not end with this program, nor take a Ctrl+C that is meant for it.
    starting.process_group(0);
    let mut child = starting.spawn().map_err(|why| {
        Fault::bad_input("terminal", format!("the terminal '{}' did not start: {why}", printable(program)))
    })?;
    // Somebody must take note of its end, or it stays as a zombie.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
