//! The grammar of the command line.

mod hosts;

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use protocol::processes::ProcessSort;
use protocol::services::ServiceAction;

pub(crate) use hosts::*;

/// Look after Linux hosts over SSH: the engine of Muster from a terminal.
#[derive(Parser)]
#[command(name = "musterctl", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Folder of the data, else MUSTER_DATA_DIR, else the platform's data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// File whose first line opens the encrypted file of secrets, instead of a prompt
    #[arg(long, global = true, value_name = "FILE", env = "MUSTER_VAULT_PASSPHRASE_FILE")]
    pub(crate) vault_passphrase_file: Option<PathBuf>,
    /// Print one JSON document (one a line with --watch and --follow); errors as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Saved hosts: add, list, show, edit, remove
    Host {
        #[command(subcommand)]
        verb: HostVerb,
    },
    /// Host keys: show what a host shows, accept it, forget it
    Trust {
        #[command(subcommand)]
        verb: TrustVerb,
    },
    /// Connect and say the state of a host with its reason
    Check { name: String },
    /// Facts of a host
    System { name: String },
    /// Tasks, CPU, memory, disks, network and pressure
    Metrics {
        name: String,
        #[command(flatten)]
        watching: Watching,
    },
    /// TCP and UDP sockets with their owners
    Sockets {
        name: String,
        /// Words that must match program, unit, user, address, port, state or PID
        #[arg(long)]
        query: Option<String>,
        #[arg(long)]
        listening: bool,
        /// Unix sockets too
        #[arg(long)]
        unix: bool,
        #[command(flatten)]
        watching: Watching,
    },
    /// One question over all hosts: hosts that the app is connected to answer now, the others from what
    /// was read last; none is connected because of it
    Find {
        /// Such as port:8080, proc:java, unit:failed, addr:10.0.0.5, user:www-data, disk>90, kernel:6.1,
        /// host:web; several narrow each other
        #[arg(required = true)]
        query: Vec<String>,
        /// Ask no host, only what was read before
        #[arg(long)]
        offline: bool,
        /// Rows at most
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
    },
    /// Units of the service manager
    Services {
        name: String,
        /// Letters that must occur in this order in the name, or text in the description
        #[arg(long)]
        query: Option<String>,
        #[arg(long)]
        failed: bool,
        #[command(flatten)]
        watching: Watching,
    },
    /// Act on one unit and tell what truly came of it, or see before what a stop would touch
    Service {
        name: String,
        action: Action,
        /// Full name, such as cron.service
        unit: String,
        /// Name of the host, typed once more: wanted for hosts with the tag prod
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Run a command with the host's shell
    ///
    /// One word is a shell command as it stands; several words are quoted, so that each reaches the
    /// program as it was given.
    Run {
        name: String,
        /// Run it as root, in the way the host is set to
        #[arg(long)]
        sudo: bool,
        /// Name of the host, typed once more: wanted for hosts with the tag prod
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// The log of what operators did
    Operations(Box<Operations>),
    /// Processes of a host, those with most CPU first
    Processes {
        name: String,
        /// Words that must match name, command line, user, unit, state or PID
        #[arg(long)]
        query: Option<String>,
        #[arg(long)]
        sort: Option<SortWord>,
        /// Rows at most; what is left out is counted
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
        #[command(flatten)]
        watching: Watching,
    },
    /// Who used the most CPU, memory and I/O, now or at a moment of the last minutes
    ///
    /// A host is watched for some seconds first, unless something watches it already, and the busiest
    /// of them is told. It needs the helper, which samples while it is watched.
    Blame {
        name: String,
        /// A moment while the host was watched, such as 10:30 or '2 min'; else the busiest one
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// How long it is watched
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=600))]
        seconds: u32,
    },
    /// Send a signal to a process, and tell what it did about it
    ///
    /// The process is the one that has the PID when the command begins, or the one that began at the
    /// tick given with --started; if that one has ended, nothing is sent.
    Signal {
        name: String,
        pid: u32,
        /// Such as TERM, SIGTERM or 15
        signal: String,
        /// The start_ticks that 'processes --json' gave for it
        #[arg(long, value_name = "TICKS")]
        started: Option<u64>,
        /// Name of the host, typed once more: wanted for hosts with the tag prod
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Log of a host or of a unit
    Journal {
        name: String,
        #[command(flatten)]
        fields: JournalFields,
    },
    /// What lies on a host for Muster: list it, or take it away
    Helper {
        name: String,
        verb: HelperVerb,
        /// Name of the host, typed once more: wanted for hosts with the tag prod
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Lock the app that has the data open: nothing is read or done until its passphrase is given
    Lock,
    /// Unlock it again
    Unlock,
    /// The encrypted file of secrets, for where there is no keyring or none is wanted
    Vault { verb: VaultVerb },
    /// The data of this computer
    Store {
        #[command(subcommand)]
        verb: StoreVerb,
    },
}

/// Once, or again and again.
#[derive(Clone, Copy, Group)]
pub(crate) struct Watching {
    /// Go on until stopped
    #[arg(long)]
    pub(crate) watch: bool,
    /// Time between two looks
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(200..=60_000))]
    pub(crate) interval_ms: u32,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum VaultVerb {
    /// Say where secrets are kept
    Status,
    /// Keep secrets in the file from now on; those in the keyring are moved there
    Create,
    /// Open the file in the app that has the data open
    Unlock,
    /// Give it another passphrase
    Passphrase,
    /// Move all secrets into the keyring and remove the file
    Remove,
}

#[derive(Subcommand)]
pub(crate) enum TrustVerb {
    /// Ask the host for its key; nothing secret is sent
    Show {
        name: String,
    },
    /// Accept the key with this fingerprint
    Accept {
        name: String,
        #[arg(long, value_name = "SHA256:...")]
        fingerprint: String,
        /// For the next connection alone
        #[arg(long)]
        once: bool,
    },
    /// Write the accepted keys in the format of known_hosts to a new file, or '-'
    Export {
        file: PathBuf,
    },
    List,
    /// Show which computer answers for the host, by its machine-id, or say that it is the one that is meant
    Machine {
        name: String,
        /// Its machine-id as it is shown, or 'none'; nothing is done on another computer than before until then
        #[arg(long, value_name = "ID")]
        accept: Option<String>,
    },
    /// Forget every key accepted for the host
    Forget {
        name: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SortWord {
    Cpu,
    Rss,
    Pid,
}

impl From<SortWord> for ProcessSort {
    fn from(word: SortWord) -> Self {
        match word {
            SortWord::Cpu => ProcessSort::Cpu,
            SortWord::Rss => ProcessSort::Rss,
            SortWord::Pid => ProcessSort::Pid,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Action {
    Start,
    Stop,
    Restart,
    Reload,
    Enable,
    Disable,
    /// What a stop would touch: units that need it, and who is connected to it now
    Impact,
}

impl Action {
    /// What is done to the unit; `None` where it is only looked at.
    pub(crate) fn act(self) -> Option<ServiceAction> {
        Some(match self {
            Action::Start => ServiceAction::Start,
            Action::Stop => ServiceAction::Stop,
            Action::Restart => ServiceAction::Restart,
            Action::Reload => ServiceAction::Reload,
            Action::Enable => ServiceAction::Enable,
            Action::Disable => ServiceAction::Disable,
            Action::Impact => return None,
        })
    }
}

#[derive(Group)]
pub(crate) struct JournalFields {
    /// Of this unit alone, such as cron.service or cron
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// This priority and more severe ones: emerg to debug, or 0 to 7
    #[arg(long)]
    pub(crate) priority: Option<String>,
    /// Such as 2h, "1 day ago", 10:30, "2026-11-20 10:30" or a time with its zone
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Text in the message or the name of the program; case does not count
    #[arg(long)]
    pub(crate) query: Option<String>,
    /// Go on with each new entry until stopped
    #[arg(long)]
    pub(crate) follow: bool,
    /// The newest so many: 200, or 10 before a follow
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Only entries before this one
    #[arg(long, value_name = "CURSOR", conflicts_with = "follow")]
    pub(crate) before: Option<String>,
}

#[derive(Group)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Operations {
    #[command(flatten)]
    pub(crate) filter: OperationFields,
    /// Newest entries at most
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Only entries older than this one
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<u64>,
    /// Go on with what the running app writes, as it is begun and as it ends, until stopped
    #[arg(long, conflicts_with = "before")]
    pub(crate) follow: bool,
    #[command(subcommand)]
    pub(crate) verb: Option<OperationsVerb>,
}

/// Which operations; all conditions hold together.
#[derive(Group)]
pub(crate) struct OperationFields {
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// A group that the host was in then
    #[arg(long)]
    pub(crate) group: Option<String>,
    #[arg(long)]
    pub(crate) operator: Option<String>,
    /// Such as service_restart, command, signal, host_add, trust_accept
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Such as failed, refused, timed_out, cancelled, outcome_unknown, done
    #[arg(long)]
    pub(crate) result: Option<String>,
    /// Failed, refused, timed out or unknown
    #[arg(long)]
    pub(crate) failed: bool,
    #[arg(long)]
    pub(crate) unread: bool,
    /// From this moment on: 2026-11-27, '2026-11-27 14:30', or an age such as 2h or 7d
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Words that must all occur in target, command, output, journal, comments, host or operator;
    /// a phrase in double quotes
    #[arg(long)]
    pub(crate) query: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum OperationsVerb {
    Show {
        id: u64,
    },
    /// Mark as read: some, all, or what a filter finds
    Read {
        #[arg(conflicts_with = "all")]
        ids: Vec<u64>,
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        filter: OperationFields,
    },
    /// Say how many are unread
    Unread,
    /// Add a remark to an operation
    Comment {
        id: u64,
        text: String,
    },
    /// Follow the chain of the log, and name what was changed, cut or put back
    Verify,
    /// Write what a filter finds to a file that is not there yet
    Export {
        file: PathBuf,
        /// csv, json (one document a line) or html (to print); else by the ending of the file
        #[arg(long)]
        format: Option<String>,
        #[command(flatten)]
        filter: OperationFields,
    },
    /// Say where entries are sent to, choose it, or send what waits
    Syslog {
        /// The collector: a name or an IP address
        #[arg(long, value_name = "HOST")]
        to: Option<String>,
        #[arg(long, requires = "to", default_value_t = 514, value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
        /// By datagrams; else over TCP
        #[arg(long, requires = "to")]
        udp: bool,
        /// Send nothing any more
        #[arg(long, conflicts_with = "to")]
        off: bool,
        /// Send what waits now; the open app does so by itself
        #[arg(long, conflicts_with = "off")]
        send: bool,
    },
    /// Take old operations away now, by the settings or as given here
    Retain {
        /// Keep what is younger
        #[arg(long)]
        days: Option<u32>,
        /// Keep so many at most
        #[arg(long)]
        entries: Option<u64>,
        /// Write what goes to a file in this folder first
        #[arg(long, value_name = "DIR")]
        export_to: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum HelperVerb {
    Status,
    Remove,
}

#[derive(Subcommand)]
pub(crate) enum StoreVerb {
    /// Read all of it and say what it is like
    Check,
    /// Write all of it to a file, which is replaced
    ///
    /// What is sealed stays sealed: the file opens where the keyring has the store's key. With a
    /// passphrase the key goes along under it, and the file opens elsewhere too.
    Backup {
        file: PathBuf,
        /// Read the passphrase for the key from standard input
        #[arg(long)]
        passphrase_stdin: bool,
    },
    /// Put a backup in the place of what is there, which is kept
    Restore {
        file: PathBuf,
        /// Read the passphrase of the backup's key from standard input; the key goes into the keyring
        #[arg(long)]
        passphrase_stdin: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn words_after_two_dashes_belong_to_the_command() {
        let args = Args::try_parse_from(["musterctl", "run", "web", "--json", "--", "ls", "--all"]).unwrap();
        assert!(args.json);
        let Verb::Run { command, .. } = args.verb else { panic!("not a run") };
        assert_eq!(command, ["ls", "--all"]);
    }

    #[test]
    fn one_identity_at_a_time() {
        let both =
            ["musterctl", "host", "add", "w", "--address", "h", "--user", "u", "--agent", "--key", "k"];
        assert!(Args::try_parse_from(both).is_err());
    }
}
