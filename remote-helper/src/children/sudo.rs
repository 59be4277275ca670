//! sudo(8) without a password, and how it says no.

use std::path::Path;

use protocol::{Fault, FaultCode};

use super::SUDO;

/// The sentences with which sudo refuses before it runs anything.
const REFUSALS: [&str; 6] = [
    "a password is required",
    "a terminal is required",
    "is not in the sudoers file",
    "is not allowed to",
    "may not run sudo",
    "you must have a tty",
];

/// A fault if the text is sudo's refusal.
pub(crate) fn sudo_refusal(stderr: &str) -> Result<(), Fault> {
    let refused = stderr
        .lines()
        .find(|line| REFUSALS.iter().any(|words| line.contains(words)) && !line.starts_with(' '));
    match refused {
        None => Ok(()),
        Some(line) => {
            Err(Fault::new(FaultCode::SudoRefused, format!("sudo refused it: {line}")).because(line))
        }
    }
}

pub(crate) fn sudo_present() -> Result<(), Fault> {
    if Path::new(SUDO).is_file() {
        return Ok(());
    }
    Err(Fault::new(FaultCode::SudoRefused, format!("this host has no {SUDO}")).about(SUDO))
}

pub(crate) fn no_sudo_password() -> Fault {
    Fault::new(FaultCode::NotInThisVersion, "sudo with a password is not in this version of the helper")
        .about("sudo")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusals_of_sudo_are_known_and_nothing_else_is_taken_for_one() {
        for text in [
            "sudo: a password is required\n",
            "eve is not in the sudoers file.\n",
            "Sorry, user eve is not allowed to execute '/bin/sh' as root on web-1.\n",
        ] {
            assert_eq!(sudo_refusal(text).unwrap_err().code, FaultCode::SudoRefused, "{text}");
        }
        assert!(sudo_refusal("ls: cannot access '/x': No such file or directory\n").is_ok());
    }
}
