//! Commands that the window and other programs give to the engine, each with its reply type.
//!
//! A command is defined once, here; its name is written nowhere else by hand except where Tauri
//! wants a function of that name, which a test compares with `COMMANDS`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::credentials::{KeyringState, Secret, SecretKind, SecretsMoved, Typed};
use crate::delta::{Seen, ViewNews};
use crate::hosts::{
    Host, HostChange, HostDraft, HostFormat, HostGlance, HostRow, HostsExported, ImportReport, SshCommand,
};
use crate::journal::{JournalPage, JournalQuery};
use crate::link::{CheckReport, HelperStatus, LinkState, Question};
use crate::metrics::{Metrics, Recent};
use crate::notes::{Note, NoteAbout};
use crate::operations::{
    ExportFormat, ExportReport, ExportWords, LogCheck, Operation, OperationCounts, OperationFilter,
    OperationPage, ReadSelection, Retained,
};
use crate::processes::{Blame, ProcessAnswer, ProcessQuery, Signal};
use crate::search::{FindAnswer, FindQuery};
use crate::services::{ServiceAction, ServiceAnswer, ServiceImpact, ServiceQuery};
use crate::settings::{LogKeep, Settings};
use crate::snapshot::Snapshot;
use crate::sockets::{SocketAnswer, SocketQuery};
use crate::store::{BackupFacts, StoreFacts, StoreNotice, StoreReport};
use crate::system::System;
use crate::trust::{HostMachine, HostMarks, TrustEntry, TrustOffer, TrustedKey};

/// Something that can be asked of the engine, with the type of its answer.
pub trait Command: Serialize + DeserializeOwned {
    const NAME: &'static str;
    type Reply: Serialize + DeserializeOwned;
}

macro_rules! commands {
    (
        $(#[$about:meta])* $all:ident;
        $($(#[$doc:meta])* $name:literal $command:ident { $($field:ident: $type:ty),* $(,)? } -> $reply:ty;)*
    ) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Serialize, Deserialize)]
            pub struct $command { $(pub $field: $type),* }

            impl Command for $command {
                const NAME: &'static str = $name;
                type Reply = $reply;
            }
        )*

        $(#[$about])*
        pub const $all: &[&str] = &[$($name),*];
    };
}

commands! {
    /// The name of every command, for the window's access list.
    COMMANDS;

    /// What the window needs before its first page.
    "app_start" AppStart {} -> AppFacts;
    "settings_save" SettingsSave { settings: Settings } -> Settings;
    /// Keeps how a person has a part of the window, in the window's own words; an empty line forgets it.
    "view_keep" ViewKeep { place: String, line: String } -> ();

    "hosts_list" HostsList {} -> Vec<HostRow>;
    /// Adds a host (`id` is `None`) or changes one; secrets go to the keyring. `typed_name` is wanted
    /// where the change takes the guard away.
    "host_save" HostSave { id: Option<String>, draft: HostDraft, secrets: Vec<NewSecret>, typed_name: Option<String> } -> Host;
    /// Changes several hosts, all of them or none; none loses its guard this way.
    "hosts_edit" HostsEdit { hosts: Vec<String>, change: HostChange } -> Vec<Host>;
    "host_remove" HostRemove { host: String, typed_name: Option<String> } -> ();
    /// Takes hosts over from a file, or says what it would do; the same file twice changes nothing. With the
    /// digest of what was `shown`, nothing is taken over that is something else by now.
    "hosts_import" HostsImport { file: String, format: Option<HostFormat>, dry_run: bool, shown: Option<String> } -> ImportReport;
    /// Writes all hosts, without secrets, to a file that is not there yet, or gives the text.
    "hosts_export" HostsExport { file: Option<String>, format: Option<HostFormat> } -> HostsExported;
    /// How OpenSSH's own ssh reaches this host.
    "host_ssh" HostSsh { host: String } -> SshCommand;
    /// Opens the person's own terminal with ssh to the host in it; the answer names the program.
    "terminal_open" TerminalOpen { host: String } -> String;
    /// Puts a key on a host by the way it is signed in to now, proves that it signs in, and uses it from
    /// then on. `key` is the path of the private key, made if it is not there; `None` is OpenSSH's own.
    "key_set_up" KeySetUp { host: String, key: Option<String>, passphrase: Option<Secret>, forget_password: bool, typed_name: Option<String> } -> Operation;
    /// The command that does the same when somebody pastes it on the host.
    "key_paste" KeyPaste { host: String, key: Option<String> } -> String;
    /// Begins to connect and to stream; the link's state comes as events.
    "host_connect" HostConnect { host: String } -> ();
    "host_disconnect" HostDisconnect { host: String } -> ();
    "host_check" HostCheck { host: String } -> CheckReport;

    /// The questions that wait for a person.
    "questions_list" QuestionsList {} -> Vec<Question>;
    /// Answers one; without `answers` the person does not want to.
    "question_answer" QuestionAnswer { id: u64, answers: Option<Vec<Secret>>, save: bool } -> ();

    /// Asks the host for its key; nothing secret is sent.
    "trust_show" TrustShow { host: String } -> TrustOffer;
    /// Accepts the key that the host shows, if it has this fingerprint; `once` is for the next connection.
    "trust_accept" TrustAccept { host: String, fingerprint: String, once: bool } -> TrustedKey;
    "trust_list" TrustList {} -> Vec<TrustEntry>;
    "trust_forget" TrustForget { host: String } -> u32;
    /// Forgets one accepted key, whether or not a host is saved at its address.
    "trust_forget_key" TrustForgetKey { address: String, port: u16, fingerprint: String } -> u32;
    /// The accepted keys in the format of known_hosts.
    "trust_export" TrustExport {} -> String;
    /// What tells that a host is the one that is meant; nothing is asked of it.
    "trust_marks" TrustMarks { host: String } -> HostMarks;
    /// Says that the computer that answers for the host now is the one that is meant, if this is its
    /// machine-id; `None` is for one that has none.
    "trust_machine" TrustMachine { host: String, machine_id: Option<String> } -> HostMachine;

    /// Where secrets are kept, and whether that place can be used now.
    "secrets_state" SecretsState {} -> KeyringState;
    /// Keeps secrets in an encrypted file from now on; what the keyring holds is moved there.
    "vault_create" VaultCreate { passphrase: Secret } -> SecretsMoved;
    "vault_unlock" VaultUnlock { passphrase: Secret } -> ();
    "vault_change" VaultChange { old: Secret, new: Secret } -> ();
    /// Moves all secrets into the keyring and removes the file.
    "vault_remove" VaultRemove {} -> SecretsMoved;
    /// Locks the program: nothing is read or done until its passphrase is given.
    "app_lock" AppLock {} -> ();
    "app_unlock" AppUnlock { passphrase: Secret } -> ();
    /// Somebody is at the window.
    "app_seen" AppSeen {} -> ();
    /// Gives the lock a passphrase of its own, for where secrets are in a keyring, or takes it away.
    "lock_set" LockSet { passphrase: Option<Secret> } -> ();

    /// Last known state of a host, without asking it.
    "snapshot_show" SnapshotShow { host: String } -> Snapshot;
    /// What is known of the last ten minutes, without asking the host.
    "metrics_recent" MetricsRecent { host: String } -> Recent;
    "system_read" SystemRead { host: String } -> System;
    /// One sample, with rates over half a second.
    "metrics_read" MetricsRead { host: String } -> Metrics;
    "sockets_query" SocketsQuery { host: String, query: SocketQuery } -> SocketAnswer;
    "services_query" ServicesQuery { host: String, query: ServiceQuery } -> ServiceAnswer;
    "processes_query" ProcessesQuery { host: String, query: ProcessQuery } -> ProcessAnswer;
    /// The same for a view that asks again within seconds: it gets what is new, and the host keeps the
    /// table up to date here meanwhile.
    "sockets_watch" SocketsWatch { host: String, query: SocketQuery, seen: Seen } -> ViewNews<SocketAnswer>;
    "services_watch" ServicesWatch { host: String, query: ServiceQuery, seen: Seen } -> ViewNews<ServiceAnswer>;
    "processes_watch" ProcessesWatch { host: String, query: ProcessQuery, seen: Seen } -> ViewNews<ProcessAnswer>;
    /// Who used the most at a moment of the last ten minutes, by the host's clock.
    "blame_show" BlameShow { host: String, at_ms: i64 } -> Blame;
    /// Sends a signal to the process that has this PID and began at `start_ticks`, never to another.
    /// `name` is what the person saw, for the log.
    "signal_send" SignalSend { host: String, pid: u32, start_ticks: u64, name: String, signal: Signal, typed_name: Option<String> } -> Operation;
    /// What depends on a unit and whom it serves now.
    "service_impact" ServiceImpactShow { host: String, unit: String } -> ServiceImpact;
    /// Acts on a unit and tells what truly came of it. `typed_name` is the host's name as the
    /// person typed it, wanted on guarded hosts.
    "service_act" ServiceAct { host: String, unit: String, action: ServiceAction, typed_name: Option<String> } -> Operation;
    /// Runs a custom command with `sh -c` on the host.
    "command_run" CommandRun { host: String, command: String, sudo: bool, typed_name: Option<String> } -> Operation;

    /// One question over all hosts. None is connected because of it.
    "search_find" SearchFind { query: FindQuery } -> FindAnswer;

    "operations_list" OperationsList { filter: OperationFilter } -> OperationPage;
    "operation_show" OperationShow { id: u64 } -> Operation;
    "operations_read" OperationsRead { selection: ReadSelection } -> OperationCounts;
    /// Puts entries back among the unread.
    "operations_unread" OperationsUnread { ids: Vec<u64> } -> OperationCounts;
    /// Counts of one host's entries.
    "operations_counts" OperationsCounts { host: String } -> OperationCounts;
    /// Adds a remark to an entry; nothing else of it can be changed.
    "operation_comment" OperationComment { id: u64, text: String } -> Operation;
    /// Follows the chain of the log and names what does not fit.
    "operations_verify" OperationsVerify {} -> LogCheck;
    /// Writes what a filter asks for to a file that is not there yet. `ticket` names it in events, and
    /// for calling it off.
    "operations_export" OperationsExport { file: String, format: ExportFormat, filter: OperationFilter, words: Option<ExportWords>, ticket: String } -> ExportReport;
    "operations_export_cancel" OperationsExportCancel { ticket: String } -> ();
    /// Takes away what shall not be kept, now; `None` goes by the settings.
    "operations_retain" OperationsRetain { keep: Option<LogKeep> } -> Retained;
    /// Sends what waits for the syslog collector of the settings; the answer says how many entries went.
    "operations_forward" OperationsForward {} -> u64;

    /// What there are notes on.
    "notes_list" NotesList {} -> Vec<NoteAbout>;
    /// The note on a host or a group; `None` if there is none.
    "note_show" NoteShow { about: NoteAbout } -> Option<Note>;
    /// Keeps a note; an empty one is taken away. `before_ms` is when the note was written that was changed.
    "note_save" NoteSave { about: NoteAbout, text: String, before_ms: Option<i64> } -> Option<Note>;
    /// One page of a host's log, or of a unit's.
    "journal_query" JournalShow { host: String, query: JournalQuery } -> JournalPage;
    /// What lies and runs on a host for Muster. Puts nothing there.
    "helper_status" HelperStatusShow { host: String } -> HelperStatus;
    /// Ends the link and takes away everything that lies on the host for Muster.
    "helper_remove" HelperRemove { host: String, typed_name: Option<String> } -> Operation;

    /// What the data on this computer is like.
    "store_show" StoreShow {} -> StoreFacts;
    /// Reads all of it.
    "store_check" StoreCheck {} -> StoreReport;
    /// Makes the backup of this day anew, in the folder of backups.
    "store_backup" StoreBackup {} -> BackupFacts;
}

commands! {
    /// What the window asks of its own shell, and not of the engine.
    SHELL;

    /// Ends the app, whatever still runs.
    "app_quit" AppQuit {} -> ();
    /// Whether the app starts with the desktop.
    "autostart_show" AutostartShow {} -> bool;
    "autostart_set" AutostartSet { on: bool } -> bool;

    /// One edit of a field for a secret, whose text the app holds and the page does not: `take_out` characters
    /// go at `at`, and `text` comes in their place. The edits of a field are numbered from 1, and are made in
    /// that order in whatever order they come.
    "secret_edit" SecretEdit { field: u64, edit: u32, at: u32, take_out: u32, text: String } -> ();
    /// The same with the text of the desktop's clipboard, or of what is marked; the answer says how many
    /// characters came. Where there is none, nothing is changed.
    "secret_paste" SecretPaste { field: u64, edit: u32, at: u32, take_out: u32, marked: bool } -> u32;
    /// Wipes what was typed into a field.
    "secret_forget" SecretForget { field: u64 } -> ();
    /// Whether both are the same text; what was typed again is wiped.
    "secret_repeated" SecretRepeated { secret: Typed, again: Typed } -> bool;
}

/// A command with secrets in it.
pub trait WithSecrets: Command {
    fn secrets(&mut self) -> Vec<&mut Secret>;
}

macro_rules! with_secrets {
    ($($command:ident: |$given:ident| $secrets:expr;)*) => {
        $(
            impl WithSecrets for $command {
                fn secrets(&mut self) -> Vec<&mut Secret> {
                    let $given = self;
                    $secrets
                }
            }
        )*

        /// The names of the commands with secrets in them.
        pub const WITH_SECRETS: &[&str] = &[$($command::NAME),*];
    };
}

with_secrets! {
    HostSave: |given| given.secrets.iter_mut().map(|secret| &mut secret.value).collect();
    KeySetUp: |given| given.passphrase.iter_mut().collect();
    QuestionAnswer: |given| given.answers.iter_mut().flatten().collect();
    VaultCreate: |given| vec![&mut given.passphrase];
    VaultUnlock: |given| vec![&mut given.passphrase];
    VaultChange: |given| vec![&mut given.old, &mut given.new];
    AppUnlock: |given| vec![&mut given.passphrase];
    LockSet: |given| given.passphrase.iter_mut().collect();
}

/// The one command whose answers are a stream of `Event`, through a channel of the window.
pub const WATCH: &str = "watch";

/// Streams `Result<JournalNews, Fault>` of one host through a channel of the window, with the
/// arguments of `JournalShow`; a new one ends the one before.
pub const JOURNAL_FOLLOW: &str = "journal_follow";
/// Ends that stream.
pub const JOURNAL_UNFOLLOW: &str = "journal_unfollow";

/// What the window may ask for beside `COMMANDS`.
pub const STREAMS: [&str; 3] = [WATCH, JOURNAL_FOLLOW, JOURNAL_UNFOLLOW];

/// A secret on its way into the keyring. It is never printed and never comes back.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewSecret {
    pub kind: SecretKind,
    pub value: Secret,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppFacts {
    pub version: String,
    pub operator: String,
    pub settings: Settings,
    /// Language of the system, such as `zh-CN`, for a person who chose none.
    pub system_language: String,
    pub keyring: KeyringState,
    pub counts: OperationCounts,
    /// What happened to the data when it was opened.
    pub notices: Vec<StoreNotice>,
    /// Nothing else is told until the passphrase is given.
    pub locked: bool,
    /// There is a passphrase that would unlock it.
    pub can_lock: bool,
    /// What was kept by `ViewKeep`, by its place; nothing while it is locked.
    pub views: BTreeMap<String, String>,
}

/// What happened, for every open view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A host was added, changed or removed.
    HostsChanged {},
    Link {
        host: String,
        state: LinkState,
    },
    /// A sign-in waits for a person.
    Question {
        question: Box<Question>,
    },
    /// It was answered, or nobody waits for the answer any more.
    QuestionOver {
        id: u64,
    },
    /// All these hosts lost their way at once, or wait for it: the jump host they are reached
    /// through is named by the fault. One event for all of them.
    LinksBehind {
        hop: String,
        hosts: Vec<String>,
        state: LinkState,
    },
    /// A host whose link was down is back, and was started anew meanwhile.
    Rebooted {
        host: String,
        /// When, by this computer's clock, where the host tells it.
        #[serde(default)]
        since_ms: Option<i64>,
    },
    Glance {
        host: String,
        glance: HostGlance,
    },
    /// `received_ms` is by this computer's clock; the host's own may be wrong.
    Metrics {
        host: String,
        received_ms: i64,
        metrics: Box<Metrics>,
    },
    /// Units of a host whose table is watched are other than they were.
    Services {
        host: String,
    },
    /// The place for secrets was opened, locked or changed.
    Secrets {
        state: KeyringState,
    },
    /// There is more to be said of the data on this computer than before: all of it.
    Data {
        notices: Vec<StoreNotice>,
    },
    /// The program was locked or unlocked.
    Locked {
        locked: bool,
    },
    /// How far an export has come.
    Export {
        ticket: String,
        report: ExportReport,
    },
    /// An operation was begun, finished, commented on, read or taken away.
    Operations {
        counts: OperationCounts,
        /// Another one than before where an entry changed, and not only a mark.
        #[serde(default)]
        record: u64,
    },
    /// A link from outside names a host to look at. It may be one that is not saved.
    Open {
        host: String,
    },
    /// The app is to end while something still runs: the person is asked.
    Quitting {},
}
