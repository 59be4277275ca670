//! Putting a public key on a host, so that it signs in there: what ssh-copy-id(1) does, in one command
//! over a connection that is there.

use std::time::Duration;

use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::{place, scripts};
use crate::ssh::{Connection, ExecLimits};

const LIMIT: Duration = Duration::from_secs(60);

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorized {
    /// It was there already, and no line was added.
    pub was_there: bool,
    /// Paths that others could write to, and cannot any more.
    pub closed: Vec<String>,
    /// The home folder, if others can write to it: then sshd takes no key from it.
    pub open_home: Option<String>,
}

/// Adds the public key, one line of OpenSSH's, to the keys of the user who signed in.
///
/// # Errors
/// `NotPermitted` if the files there are not this user's or cannot be written; nothing was added then.
pub async fn authorize(connection: &Connection, host: &str, line: &str) -> Result<Authorized, Fault> {
    let mut words = line.splitn(3, ' ');
    let (kind, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let comment = words.next().unwrap_or_default();
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=-.@_".contains(c))
    };
    if !plain(kind) || !plain(key) {
        return Err(Fault::bad_input("key", "the public key is not one line of a type and a key"));
    }
    // A comment is for people alone: what a shell or a terminal might act on goes.
    let comment: String = comment
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "+/=-.@_".contains(c) { c } else { '_' })
        .collect();
    let mark = scripts::mark();
    let what = "putting the key there";
    let command = scripts::authorize(&[&mark, kind, key, &comment]);
    let result = connection.run(&command, Vec::new(), ExecLimits::new(what, LIMIT)).await?;
    let output = String::from_utf8_lossy(&result.stdout).into_owned();
    parse(&output, &mark, host).unwrap_or_else(|| Err(place::no_answer(host, what, &result)))
}

/// `None` if the script did not come to its end.
fn parse(output: &str, mark: &str, host: &str) -> Option<Result<Authorized, Fault>> {
    let mut done = Authorized::default();
    for (word, rest) in scripts::parse_said(output, mark) {
        let shown = printable(rest).into_owned();
        match word {
            "no" => {
                let (why, path) = shown.split_once(' ').unwrap_or((&shown, ""));
                let cause = match why {
                    "home" => format!("the home folder {path} is not there"),
                    "owner" => format!("{path} is not this user's own file or folder"),
                    _ => format!("it cannot be written there ({path})"),
                };
                let message = format!("no key was put on {host}: {cause}");
                return Some(Err(Fault::new(FaultCode::NotPermitted, message).on_host(host).because(cause)));
            }
            "there" => done.was_there = true,
            "closed" => done.closed.push(shown),
            "open" => done.open_home = Some(shown),
            "end" => return Some(Ok(done)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn run(shell: &str, home: &std::path::Path) -> Result<Authorized, Fault> {
        let command = scripts::authorize(&["M", "ssh-ed25519", KEY, "ann@desk"]);
        let mut words = shell.split(' ');
        let out = Command::new(words.next().unwrap())
            .args(words)
            .args(["-c", &command])
            .env("HOME", home)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&out.stdout).into_owned();
        parse(&output, "M", "web")
            .unwrap_or_else(|| panic!("{shell}: {output}{}", String::from_utf8_lossy(&out.stderr)))
    }

    fn mode(path: &std::path::Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_key_is_added_once_with_the_right_permissions_under_every_shell() {
        for shell in ["sh", "dash", "bash", "zsh", "ksh", "mksh", "tcsh", "csh", "fish", "busybox sh"] {
            if Command::new(shell.split(' ').next().unwrap()).args(["-c", "true"]).output().is_err() {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let home = folder.path().join("a home $(id) 'of' \"odd\" name");
            std::fs::create_dir(&home).unwrap();
            assert_eq!(run(shell, &home).unwrap(), Authorized::default(), "{shell}");
            let file = home.join(".ssh/authorized_keys");
            let line = format!("ssh-ed25519 {KEY} ann@desk\n");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), line);
            assert_eq!((mode(&home.join(".ssh")), mode(&file)), (0o700, 0o600), "{shell}");
            assert!(run(shell, &home).unwrap().was_there, "{shell}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), line, "{shell}: no second line");
        }
    }

    #[test]
    fn a_file_without_a_last_line_feed_keeps_its_keys_and_open_permissions_are_closed() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        std::fs::create_dir(home.join(".ssh")).unwrap();
        let file = home.join(".ssh/authorized_keys");
        std::fs::write(&file, "ssh-ed25519 OTHER a@b").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
        std::fs::set_permissions(home.join(".ssh"), PermissionsExt::from_mode(0o777)).unwrap();
        std::fs::set_permissions(home, PermissionsExt::from_mode(0o775)).unwrap();
        let done = run("sh", home).unwrap();
        assert_eq!(done.closed.len(), 2, "{done:?}");
        assert_eq!(done.open_home.as_deref(), home.to_str());
        assert_eq!((mode(&home.join(".ssh")), mode(&file), mode(home)), (0o755, 0o644, 0o775));
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, format!("ssh-ed25519 OTHER a@b\nssh-ed25519 {KEY} ann@desk\n"));
    }

    #[test]
    fn what_is_no_folder_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".ssh"), "a file").unwrap();
        assert_eq!(run("sh", folder.path()).unwrap_err().code, FaultCode::NotPermitted);
        assert_eq!(std::fs::read_to_string(folder.path().join(".ssh")).unwrap(), "a file");
        assert!(run("sh", &folder.path().join("none")).unwrap_err().message.contains("home folder"));
    }
}
