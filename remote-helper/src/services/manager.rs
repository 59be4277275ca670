//! `ServiceManager`: what an action needs of the program that manages a host's services.
//!
//! What came of an action is told from looks alone (`judge`), so each manager only says how to look
//! at one service, and which words act on it. What a manager cannot tell is `None`, never a guess.

use protocol::hosts::Sudo;
use protocol::services::{Manager, ServiceAction, is_unit_name};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::seen::{self, Seen};
use super::systemctl::Systemctl;
use crate::children::{SUDO, no_sudo_password};
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

pub(super) trait ServiceManager {
    fn kind(&self) -> Manager;

    /// A service as it is now; `not-found` as its load state if there is none of this name.
    fn look(&self, root: &Root, name: &str, at_ms: u64, stop: &Stop) -> Result<Seen, Error>;

    /// The program with its arguments that does it, as the user that the helper runs as.
    fn words(&self, action: ServiceAction, name: &str) -> Result<Vec<String>, Fault>;
}

/// The manager that a service of this name belongs to.
pub(super) fn manager_of(root: &Root, name: &str) -> Result<Box<dyn ServiceManager>, Error> {
    if !is_unit_name(name) {
        let message = format!("'{}' is not the name of a unit", printable(name));
        return Err(Fault::bad_input("unit", message).into());
    }
    Ok(Box::new(Systemctl::of(root)?))
}

/// The words with sudo before them, where the host is set to it.
pub(super) fn with_sudo(words: Vec<String>, sudo: Sudo) -> Result<Vec<String>, Fault> {
    let mut all: Vec<String> = match sudo {
        Sudo::None => return Ok(words),
        Sudo::Nopasswd => [SUDO, "-n", "--"].map(str::to_owned).to_vec(),
        Sudo::Password => return Err(no_sudo_password()),
    };
    all.extend(words);
    Ok(all)
}

impl ServiceManager for Systemctl {
    fn kind(&self) -> Manager {
        Manager::Systemd
    }

    fn look(&self, root: &Root, name: &str, at_ms: u64, stop: &Stop) -> Result<Seen, Error> {
        seen::look(root, name, at_ms, stop)
    }

    fn words(&self, action: ServiceAction, name: &str) -> Result<Vec<String>, Fault> {
        Ok(vec![self.path(), "--no-ask-password".into(), action.verb().into(), "--".into(), name.into()])
    }
}

/// There is no service of this name.
pub(super) fn unknown(name: &str) -> Fault {
    Fault::new(FaultCode::UnitUnknown, format!("this host has no unit {name}")).about(name)
}
