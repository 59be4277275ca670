//! Programs that the helper starts: tools of the host, and commands that a person gave.
//!
//! Each runs in a process group of its own with nothing on its stdin. It is ended, group and all,
//! when its time is over or nobody waits for it any more; none outlives the link.

mod attend;
mod sudo;
mod tools;

use tools::ended_within;

pub(crate) use attend::{Attend, End, Ended, Sink};
pub(crate) use sudo::{no_sudo_password, sudo_present, sudo_refusal};
pub(crate) use tools::{SUDO, Said, ends_with_us, find_tool, reap_soon, run_tool, tool_command};
