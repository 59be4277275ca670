//! helper: the program on the host that answers our questions, from its bytes to its answers.
//!
//! The bytes are part of this program. `place` puts them on the host over the connection that is
//! there, `start` runs them and gives a `Link` (`start_if_placed` does both in one command), over which questions are asked and answered a line
//! each. On this computer the same program runs as a child, from memory. Nothing here knows what
//! the questions mean, and nothing of the helper stays running when its link is dropped.

use std::sync::OnceLock;

use protocol::{Fault, FaultCode};
use sha2::{Digest, Sha256};

mod authorize;
mod bare;
mod lines;
mod link;
mod local;
mod machine;
mod place;
mod pulled;
mod remove;
mod scripts;
mod start;
mod status;
mod subscription;
mod sudo;
#[cfg(test)]
pub(crate) mod tests;

pub use authorize::{Authorized, authorize};
pub use bare::look_bare;
pub use link::Link;
pub use local::start_local;
pub use machine::machine_id_lines;
pub use place::{Place, find_place};
pub use remove::{Removal, remove};
pub use start::{start, start_if_placed};
pub use status::status;
pub use subscription::Subscription;
pub use sudo::{Asked, start_as_root};

/// The helper as it lies on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub path: String,
    /// Lower-case hex.
    pub sha256: String,
    pub bytes: u64,
    /// True if it was put there just now.
    pub newly: bool,
}

/// A helper for one architecture.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) bytes: &'static [u8],
    /// Lower-case hex.
    pub(crate) sha256: String,
}

impl Program {
    pub(crate) fn new(bytes: &'static [u8]) -> Self {
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, sha256 }
    }
}

/// The helpers that a host may need; one that was not built is missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programs {
    pub(crate) x86_64: Option<Program>,
    pub(crate) aarch64: Option<Program>,
}

impl Programs {
    /// Those that are part of this program.
    pub(crate) fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Programs> = OnceLock::new();
        BUILT_IN.get_or_init(|| Self {
            x86_64: embedded("x86_64").ok().map(Program::new),
            aarch64: embedded("aarch64").ok().map(Program::new),
        })
    }

    /// The sha256 for x86_64 and for aarch64, `-` for one that was not built.
    fn sha256s(&self) -> (&str, &str) {
        let x86_64 = self.x86_64.as_ref().map_or("-", |program| &program.sha256);
        (x86_64, self.aarch64.as_ref().map_or("-", |program| &program.sha256))
    }

    /// True for the sha256 of one of them.
    fn has(&self, sha256: &str) -> bool {
        self.sha256s().0 == sha256 || self.sha256s().1 == sha256
    }

    /// The one for `arch` as uname(1) names it.
    pub(crate) fn for_arch(&self, arch: &str) -> Result<&Program, Fault> {
        let found = match arch {
            "x86_64" | "amd64" => &self.x86_64,
            "aarch64" | "arm64" => &self.aarch64,
            _ => return Err(no_such_arch(arch)),
        };
        found.as_ref().ok_or_else(|| not_built(arch))
    }
}

/// The helper for an architecture, as it was built into this program.
///
/// # Errors
/// `HelperNotBuilt` if this program was built without it, `HelperArch` if there is none.
pub fn embedded(arch: &str) -> Result<&'static [u8], Fault> {
    let bytes: &'static [u8] = match arch {
        "x86_64" => include_bytes!(concat!(env!("OUT_DIR"), "/muster-helper-x86_64")),
        "aarch64" => include_bytes!(concat!(env!("OUT_DIR"), "/muster-helper-aarch64")),
        _ => return Err(no_such_arch(arch)),
    };
    if bytes.is_empty() { Err(not_built(arch)) } else { Ok(bytes) }
}

fn not_built(arch: &str) -> Fault {
    Fault::new(FaultCode::HelperNotBuilt, format!("this program was built without the helper for {arch}"))
        .about(arch)
}

fn no_such_arch(arch: &str) -> Fault {
    let arch = protocol::text::printable(arch).into_owned();
    Fault::new(FaultCode::HelperArch, format!("there is no helper for the architecture {arch}")).about(arch)
}
