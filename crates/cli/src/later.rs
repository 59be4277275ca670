//! Commands that are understood and not in this version. They open nothing.

use protocol::{Fault, FaultCode};

use crate::args::{Command, HostCommand, OperationsCommand};

/// The words of the command, if it is one of them.
pub(crate) fn words(command: &Command) -> Option<&'static str> {
    match command {
        Command::Processes(_) => Some("processes"),
        Command::Signal(_) => Some("signal"),
        Command::Journal(_) => Some("journal"),
        Command::Helper(_) => Some("helper"),
        Command::Store(_) => Some("store"),
        Command::Host { command: HostCommand::Import(_) } => Some("host import"),
        Command::Host { command: HostCommand::Export(_) } => Some("host export"),
        Command::Operations(args) => match args.command {
            Some(OperationsCommand::Export(_)) => Some("operations export"),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn fault(words: &str) -> Fault {
    Fault::new(FaultCode::NotInThisVersion, format!("the command '{words}' is not in this version"))
        .about(words)
}
