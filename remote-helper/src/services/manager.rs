//! `ServiceManager`: what an action needs of the program that manages a host's services.
//!
//! What came of an action is told from looks alone (`judge`), so each manager only says how to look
//! at one service, and which words act on it. What a manager cannot tell is `None`, never a guess.

use protocol::hosts::Sudo;
use protocol::services::{Manager, ServiceAction};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::openrc::OpenRc;
use super::seen::{self, Seen};
use super::supervisor::Supervisor;
use super::systemctl::Systemctl;
use super::sysv::SysV;
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

/// The manager that runs this host, beside which supervisord may run; `None` for none that is known.
pub(super) fn main_manager(root: &Root) -> Option<Manager> {
    if root.has_systemd() {
        Some(Manager::Systemd)
    } else if OpenRc::runs(root) {
        Some(Manager::OpenRc)
    } else {
        SysV::runs(root).then_some(Manager::SysV)
    }
}

/// The manager that a service of this name belongs to.
pub(super) fn manager_of(root: &Root, name: &str, sudo: Sudo) -> Result<Box<dyn ServiceManager>, Error> {
    let is_here = |manager| main_manager(root) == Some(manager);
    match Manager::of(name) {
        Some(Manager::Systemd) => return Ok(Box::new(Systemctl::of(root)?)),
        Some(Manager::OpenRc) if is_here(Manager::OpenRc) => return Ok(Box::new(OpenRc)),
        Some(Manager::SysV) if is_here(Manager::SysV) => return Ok(Box::new(SysV)),
        Some(Manager::Supervisord) => {
            if let Some(supervisor) = Supervisor::of(root, sudo) {
                return Ok(Box::new(supervisor));
            }
        }
        Some(Manager::OpenRc | Manager::SysV | Manager::Unknown) => {}
        None => {
            let message = format!("'{}' is not the full name of a service", printable(name));
            return Err(Fault::bad_input("unit", message).into());
        }
    }
    let manager = Manager::of(name).unwrap_or_default().words();
    let message = format!("{manager}, which {name} would belong to, does not run on this host");
    Err(Fault::new(FaultCode::NotOnThisHost, message).about(name).into())
}

/// A fault `not_on_this_host` where no manager runs that is known.
pub(super) fn none_known() -> Fault {
    let message = "this host is run by none of the service managers that this version knows: systemd, OpenRC, \
        SysV init, supervisord";
    Fault::new(FaultCode::NotOnThisHost, message).about("service manager")
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
