//! `Fault`: the only error that crosses a border.
//!
//! A person reads `message` (what, where, why, as one sentence) and `next_step`; a program reads
//! `code`. The window chooses its words by code and fills them from `detail`, so it never matches
//! English text. A code exists only if somebody acts on it.

use serde::{Deserialize, Serialize};

use crate::hosts::FileRefusal;
use crate::trust::HostKey;

/// One list: what is not in it is neither a code nor told of.
macro_rules! codes {
    ($($(#[$about:meta])* $code:ident,)*) => {
        /// What went wrong, as a program sees it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FaultCode {
            $($(#[$about])* $code,)*
        }

        impl FaultCode {
            pub const ALL: &[FaultCode] = &[$(FaultCode::$code,)*];
        }
    };
}

codes! {
    // input: refused before anything happened
    BadInput,
    HostUnknown,
    HostExists,
    /// Other saved hosts are reached through it.
    HostInUse,
    KeyFileUnusable,
    UnitUnknown,
    /// The process has ended; its PID may be another one's now.
    ProcessGone,
    OperationUnknown,
    NotInThisVersion,
    GuardNotMet,
    // the host did it, and it failed
    UnitFailed,
    CommandFailed,
    // reaching the host
    NameNotResolved,
    PortClosed,
    NoAnswer,
    NoRoute,
    NotSsh,
    LinkLost,
    OutcomeUnknown,
    // trust
    HostKeyUnknown,
    HostKeyChanged,
    /// A known_hosts file says that this key must not be used.
    HostKeyRevoked,
    /// Another computer answers for the host than before, by its machine-id.
    MachineChanged,
    // sign-in
    SignInRefused,
    KeyEncrypted,
    AgentUnavailable,
    PasswordMissing,
    /// The sign-in asks a person something, and nobody answered.
    AnswerNeeded,
    // the helper
    HelperNotBuilt,
    HelperNoexec,
    HelperNoSpace,
    HelperArch,
    HelperBlocked,
    /// Others could change what lies in its folder.
    HelperUnsafe,
    HelperFailed,
    /// The host is set to be looked at without it.
    HelperUnused,
    // rights
    NotPermitted,
    SudoRefused,
    SudoPasswordMissing,
    SudoPasswordWrong,
    // here
    StoreInUse,
    StoreDamaged,
    StoreUnwritable,
    StoreNewer,
    /// The store is sealed, and its key is gone or another one.
    StoreKeyMissing,
    /// A file that is no backup, or not a whole one.
    BackupUnusable,
    /// The log is not as it was written, or that cannot be proved.
    LogBroken,
    KeyringUnavailable,
    KeyringLocked,
    /// The encrypted file of secrets waits for its passphrase.
    VaultLocked,
    VaultPassphraseWrong,
    /// The encrypted file cannot be read, or is not what Muster writes.
    VaultUnusable,
    /// Nothing is read or done until the passphrase is given.
    AppLocked,
    // the host cannot say
    NotOnThisHost,
    TimedOut,
    Internal,
    #[serde(other)]
    Unknown,
}

impl FaultCode {
    /// The exit status of `musterctl`: 1 the host did it and it failed, 2 wrong input, 3 host not
    /// reachable, 4 host key not trusted, 5 sign-in refused, 6 helper cannot run there, 7 not
    /// permitted, 8 store or keyring.
    pub fn exit_status(self) -> u8 {
        use FaultCode::*;
        match self {
            BadInput | HostUnknown | HostExists | HostInUse | KeyFileUnusable | UnitUnknown | ProcessGone
            | OperationUnknown | NotInThisVersion | GuardNotMet => 2,
            UnitFailed | CommandFailed | NotOnThisHost | TimedOut | Internal | Unknown => 1,
            NameNotResolved | PortClosed | NoAnswer | NoRoute | NotSsh | LinkLost | OutcomeUnknown => 3,
            HostKeyUnknown | HostKeyChanged | HostKeyRevoked | MachineChanged => 4,
            SignInRefused | KeyEncrypted | AgentUnavailable | PasswordMissing | AnswerNeeded => 5,
            HelperNotBuilt | HelperNoexec | HelperNoSpace | HelperArch | HelperBlocked | HelperUnsafe
            | HelperFailed | HelperUnused => 6,
            NotPermitted | SudoRefused | SudoPasswordMissing | SudoPasswordWrong => 7,
            StoreInUse | StoreDamaged | StoreUnwritable | StoreNewer | LogBroken | StoreKeyMissing
            | BackupUnusable | KeyringUnavailable | KeyringLocked | VaultLocked | VaultPassphraseWrong
            | VaultUnusable | AppLocked => 8,
        }
    }

    /// What the person can do now, as an English clause for a terminal.
    pub fn next_step(self) -> &'static str {
        use FaultCode::*;
        match self {
            BadInput => "correct it and try again",
            HostUnknown => "list the saved hosts with 'musterctl host list'",
            HostExists => "choose another name, or change it with 'musterctl host edit'",
            HostInUse => {
                "give those hosts another way first, with 'musterctl host edit NAME --jump OTHER' or '--no-jump'"
            }
            KeyFileUnusable => "give the path of a private key file that you may read",
            UnitUnknown => "find its full name with 'musterctl services NAME --query TEXT'",
            ProcessGone => "look for it anew with 'musterctl processes NAME --query TEXT'",
            OperationUnknown => "list the operations with 'musterctl operations'",
            NotInThisVersion => "wait for a later version",
            GuardNotMet => "type the name of the host to go on",
            UnitFailed => "read the journal lines above and correct the unit",
            CommandFailed => "read its output above",
            NameNotResolved => "check the address and this computer's DNS",
            PortClosed => "check that sshd runs there and that the port is right",
            NoAnswer => "check that the host is up and that no firewall drops the port",
            NoRoute => "check this computer's network and VPN",
            NotSsh => "check the port: something other than an SSH server answers there",
            LinkLost => "try again when the host is reachable",
            OutcomeUnknown => "look at the host before you do it again",
            HostKeyUnknown => "compare the fingerprint with the host's owner, then 'musterctl trust accept'",
            HostKeyChanged => {
                "ask the host's owner; if the change is right, 'musterctl trust forget' and accept the new key"
            }
            HostKeyRevoked => "do not connect; ask the host's owner which key it has now",
            MachineChanged => {
                "find out whether it is the host you mean; if it is, 'musterctl trust machine NAME --accept ID'"
            }
            SignInRefused => "check the user and the key or password with 'musterctl host edit'",
            KeyEncrypted => "give its passphrase with 'musterctl host edit NAME --passphrase-stdin'",
            AgentUnavailable => "start ssh-agent, add a key to it and set SSH_AUTH_SOCK",
            PasswordMissing => "save it with 'musterctl host edit NAME --password-stdin'",
            AnswerNeeded => "connect where a person can answer: in the window, or in a terminal",
            HelperNotBuilt => "build it with 'cargo xtask build'",
            HelperNoexec => {
                "set another folder for it with 'musterctl host edit NAME --helper-dir DIR' on a file system that allows programs, or look at it without the helper with '--helper none'"
            }
            HelperNoSpace => "free some space there and try again",
            HelperArch => "the helper runs on x86_64 and aarch64 Linux",
            HelperBlocked => {
                "ask the host's owner whether programs may run there, or look at it without the helper with 'musterctl host edit NAME --helper none'"
            }
            HelperUnsafe => {
                "set a folder of the user's own for it with 'musterctl host edit NAME --helper-dir DIR', or look at it without the helper with '--helper none'"
            }
            HelperFailed => "try again; its last words are above",
            HelperUnused => "let the helper be put there with 'musterctl host edit NAME --helper placed'",
            NotPermitted => "sign in as a user who may, or set --sudo for this host",
            SudoRefused => "allow this user in sudoers on the host, or sign in as root",
            SudoPasswordMissing => {
                "save it with 'musterctl host edit NAME --sudo password --sudo-password-stdin'"
            }
            SudoPasswordWrong => "save the right one with 'musterctl host edit NAME --sudo-password-stdin'",
            StoreInUse => "close the other program that has it open",
            StoreDamaged => "the damaged files were kept beside it; restore a backup",
            StoreUnwritable => "free some space on this computer's disk, or make the folder writable",
            LogBroken => {
                "keep a copy of the data folder as it is; unless it was damaged by itself, find out who could write to it"
            }
            StoreNewer => "open it with the version of Muster that wrote it",
            StoreKeyMissing => {
                "bring back the keyring that had the key; without it nobody can read this store, and no other key was put in its place"
            }
            BackupUnusable => {
                "choose another backup; the automatic ones are in the folder 'backups' beside the store"
            }
            KeyringUnavailable => {
                "start the desktop's keyring (Secret Service), keep secrets in an encrypted file with 'musterctl vault create', or use a key file or the agent"
            }
            KeyringLocked => {
                "unlock the keyring and try again, or keep secrets in an encrypted file with 'musterctl vault create'"
            }
            VaultLocked => "give its passphrase at a terminal or with --vault-passphrase-file FILE",
            VaultPassphraseWrong => "give the right passphrase; without it the secrets must be entered anew",
            VaultUnusable => "put a copy of it back, or move it away and enter the secrets anew",
            AppLocked => "unlock it in the window, or with 'musterctl unlock'",
            NotOnThisHost => "nothing can be done from here",
            TimedOut => "look at the host, then try again",
            Internal | Unknown => "try again; if it stays, report it",
        }
    }
}

/// The parts of a fault that the window sets into its own words, each only where it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultDetail {
    /// Name of the saved host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The jump host on the way to `host` where it happened, if it was not `host` itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// The thing it is about: a unit, a path, a field, an address with its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why, in the words of the system that said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Last lines that explain it: journal, stderr.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "crate::delta::capped")]
    pub lines: Vec<String>,
    /// The key the host shows now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_key: Option<HostKey>,
    /// The keys accepted before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known_keys: Vec<HostKey>,
    /// The operation that was logged, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<u64>,
    /// Why no host of a file was taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_file: Option<FileRefusal>,
}

/// One error as it crosses a border.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub code: FaultCode,
    /// What, where and why, in one English sentence without a final dot.
    pub message: String,
    #[serde(default)]
    pub detail: Box<FaultDetail>,
}

impl std::error::Error for Fault {}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.detail.host, &self.detail.hop) {
            (Some(host), Some(hop)) if host != hop => {
                write!(f, "{host} is reached through {hop}: {}", self.message)
            }
            _ => f.write_str(&self.message),
        }
    }
}

impl Fault {
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: Box::default() }
    }

    /// Names the saved host it happened on.
    pub fn on_host(mut self, host: impl Into<String>) -> Self {
        self.detail.host = Some(host.into());
        self
    }

    /// Names the unit, path, field or address it is about.
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.detail.subject = Some(subject.into());
        self
    }

    /// Gives the reason in the words of the system that said so.
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.detail.cause = Some(cause.into());
        self
    }

    /// Adds the lines that explain it.
    pub fn with_lines(mut self, lines: Vec<String>) -> Self {
        self.detail.lines = lines;
        self
    }

    /// Says that it happened on the way to `host`, at the jump host `hop`. One that names a hop
    /// already keeps it: that is the one to look at. The message stays that of the hop.
    pub fn on_the_way_to(mut self, host: &str, hop: &str) -> Self {
        self.detail.host = Some(host.to_owned());
        self.detail.hop.get_or_insert_with(|| hop.to_owned());
        self
    }

    /// Names the jump host at which it happened.
    pub fn at_hop(mut self, hop: impl Into<String>) -> Self {
        self.detail.hop = Some(hop.into());
        self
    }

    /// The saved host that a person must do something about.
    pub fn place(&self) -> Option<&str> {
        self.detail.hop.as_deref().or(self.detail.host.as_deref())
    }

    pub fn bad_input(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FaultCode::BadInput, message).about(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_a_later_version_adds_is_read_as_unknown() {
        let fault: Fault = serde_json::from_str(r#"{"code":"from_the_future","message":"x"}"#).unwrap();
        assert_eq!(fault.code, FaultCode::Unknown, "an old reader must still show the message");
        assert_eq!(fault.message, "x");
    }

    #[test]
    fn a_fault_on_the_way_names_the_host_that_was_asked_for_and_the_hop_to_look_at() {
        let fault =
            Fault::new(FaultCode::PortClosed, "gate (10.0.0.1:22) refused the connection").on_host("gate");
        let fault = fault.on_the_way_to("inner", "gate").on_the_way_to("db", "inner");
        assert_eq!(
            fault.to_string(),
            "db is reached through gate: gate (10.0.0.1:22) refused the connection"
        );
        assert_eq!((fault.detail.host.as_deref(), fault.place()), (Some("db"), Some("gate")));
    }

    #[test]
    fn a_fault_comes_back_whole_from_its_json() {
        let fault = Fault::new(FaultCode::HelperNoexec, "the helper cannot run in /x")
            .on_host("web-1")
            .about("/x")
            .with_lines(vec!["permission denied".into()]);
        let line = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&line).unwrap(), fault);
    }
}
