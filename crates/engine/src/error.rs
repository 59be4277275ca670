//! Faults that more than one part of the engine chooses; each part's own causes become codes beside it.

use protocol::{Fault, FaultCode};

/// A fault for what should never happen: a task that ended by a panic, a closed channel.
pub fn internal(what: &str, cause: impl std::fmt::Display) -> Fault {
    Fault::new(FaultCode::Internal, format!("{what}: {cause}")).because(cause.to_string())
}
