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
        /// The jump host that is being connected, while it is not the host itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hop: Option<String>,
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

    /// Why there is no link, where there should be one.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            LinkState::Lost { fault, .. } | LinkState::Failed { fault, .. } => Some(fault),
            LinkState::Idle | LinkState::Connecting { .. } | LinkState::Live { .. } => None,
        }
    }
}

/// What is asked of a person while a host is signed in to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub id: u64,
    /// Name of the saved host that is signed in to, which may be a jump host on the way to another.
    pub host: String,
    pub user: String,
    pub kind: QuestionKind,
    /// Words of the host above its prompts, safe to show; may have several lines.
    #[serde(default)]
    pub instructions: String,
    /// Each wants an answer.
    pub prompts: Vec<Prompt>,
    /// Whether the answer may be kept in the keyring.
    #[serde(default)]
    pub may_save: bool,
    /// No answer is waited for after this.
    pub until_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    Password,
    /// Of the key file that the prompt names.
    Passphrase,
    /// The prompts are the host's own, such as for a code.
    Prompts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub text: String,
    /// False for what nobody may read over a shoulder.
    pub echo: bool,
}

/// With whose rights something was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rights {
    /// The user it was read as; empty if it is not known, as in what older versions kept.
    pub user: String,
    pub is_root: bool,
    /// Why it was not read as root, though the host is set to give root.
    pub refused: Option<Box<Fault>>,
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
    /// What is missing where the host is looked at without the helper; empty where it is not.
    #[serde(default)]
    pub missing: Vec<String>,
    /// From the start of the connection to the first answer of the helper.
    pub took_ms: u64,
}

/// What lies and runs on a host for Muster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelperStatus {
    pub host: String,
    /// True for this computer, whose helper runs from memory.
    pub from_memory: bool,
    /// The folders that were looked into, as far as they are there.
    pub folders: Vec<HelperFolder>,
    pub files: Vec<HelperFile>,
    pub processes: Vec<HelperProcess>,
}

/// A folder where the helper lies or may lie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelperFolder {
    pub path: String,
    /// False for a symbolic link and for a folder of another user: nothing is removed there.
    pub ours: bool,
    /// What else lies there, which is never touched.
    pub others: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelperFile {
    pub path: String,
    pub bytes: u64,
    /// Lower-case hex; `None` if the host has no tool for it or the file may not be read.
    pub sha256: Option<String>,
    /// By its name.
    pub version: Option<String>,
    /// When it was put there, by the host's clock.
    pub since_ms: Option<i64>,
    /// True for the very bytes that this version puts there.
    pub current: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelperProcess {
    pub pid: u32,
    /// The file it was started from.
    pub path: String,
    /// True for the one that this program speaks with.
    pub ours: bool,
    /// True for the one that sudo started. It lies in no folder.
    pub is_root: bool,
}
