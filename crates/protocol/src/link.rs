//! The state of the link to a host. Each state owns what a person needs to act on it.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStep {
    /// Looking the name up and opening the TCP connection.
    Reaching,
    /// Exchanging keys; the host key is judged here.
    Handshake,
    SigningIn,
    /// Looking for the helper, putting it there if it is missing.
    PlacingHelper,
    StartingHelper,
}

/// The link to one host, as every view shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// Nobody asked for a connection.
    Idle,
    Connecting {
        step: LinkStep,
        since_ms: i64,
    },
    Live {
        since_ms: i64,
        heard_ms: i64,
    },
    /// The link broke, or the host cannot be reached just now; data on screen is from before.
    /// `tries` attempts were made since, the next is due at `next_ms`.
    Lost {
        since_ms: i64,
        fault: Box<Fault>,
        #[serde(default)]
        tries: u32,
        #[serde(default)]
        next_ms: Option<i64>,
    },
    /// The connection was refused with a reason that a person must act on.
    Failed {
        since_ms: i64,
        fault: Box<Fault>,
    },
}

impl LinkState {
    pub fn is_live(&self) -> bool {
        matches!(self, LinkState::Live { .. })
    }
}

/// What `check` found out about a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    pub host: String,
    pub state: LinkState,
    /// Version of the helper that answered.
    pub helper_version: Option<String>,
    /// Where the helper lies on the host.
    pub helper_path: Option<String>,
    /// True if it was put there just now.
    pub helper_placed: bool,
    /// From the start of the connection to the first answer of the helper.
    pub took_ms: u64,
}
