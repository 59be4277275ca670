//! What can go wrong in the helper, and the `Fault` that each becomes on the wire.

use std::io;
use std::path::PathBuf;

use protocol::{Fault, FaultCode};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} cannot be read: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("{what} is not as this version knows it: {line}")]
    Parse { what: &'static str, line: String },
    #[error("the kernel does not answer about {what}: {cause}")]
    Kernel { what: &'static str, cause: io::Error },
    #[error("{tool} is not on this host")]
    ToolMissing { tool: String },
    #[error("{tool} cannot be started: {cause}")]
    ToolStart { tool: String, cause: io::Error },
    #[error("{tool} did not end within {limit_ms} ms")]
    ToolTimedOut { tool: String, limit_ms: u64 },
    #[error("{tool} said: {said}")]
    ToolSaid { tool: String, said: String },
    #[error("the request was cancelled")]
    Cancelled,
    #[error("the link cannot be used: {0}")]
    Link(#[from] io::Error),
    #[error("{0}")]
    Fault(Fault),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::Fault(fault)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Fault(fault) => fault,
            Error::Read { path, cause } => {
                let code = match cause.kind() {
                    io::ErrorKind::PermissionDenied => FaultCode::NotPermitted,
                    io::ErrorKind::NotFound => FaultCode::NotOnThisHost,
                    _ => FaultCode::Internal,
                };
                Fault::new(code, message).about(path.display().to_string()).because(cause.to_string())
            }
            Error::ToolMissing { tool } => Fault::new(FaultCode::NotOnThisHost, message).about(tool),
            Error::ToolTimedOut { tool, .. } => Fault::new(FaultCode::TimedOut, message).about(tool),
            Error::ToolStart { tool, cause } => {
                Fault::new(FaultCode::Internal, message).about(tool).because(cause.to_string())
            }
            Error::ToolSaid { tool, said } => {
                Fault::new(FaultCode::Internal, message).about(tool).because(said)
            }
            Error::Cancelled => Fault::new(FaultCode::OutcomeUnknown, message),
            Error::Parse { .. } | Error::Kernel { .. } | Error::Link(_) => {
                Fault::new(FaultCode::Internal, message)
            }
        }
    }
}
