//! The grammar of the command line.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use protocol::hosts::{HelperUse, HostFormat, Sudo};
use protocol::processes::ProcessSort;
use protocol::services::ServiceAction;

/// Look after Linux hosts over SSH: the engine of Muster from a terminal.
#[derive(Parser)]
#[command(name = "musterctl", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Folder of the data, else MUSTER_DATA_DIR, else the platform's data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// File whose first line opens the encrypted file of secrets, instead of a prompt
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) vault_passphrase_file: Option<PathBuf>,
    /// Print one JSON document (one a line with --watch); errors as JSON on stderr
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
        #[arg(long)]
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
    Operations(Operations),
    /// Processes of a host, those with most CPU first
    Processes {
        name: String,
        /// Words that must match name, command line, user, unit, state or PID
        #[arg(long)]
        query: Option<String>,
        #[arg(long)]
        sort: Option<SortWord>,
        /// Rows at most; what is left out is counted
        #[arg(long)]
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

impl Verb {
    /// The words of a command that this version only knows by name.
    pub(crate) fn of_a_later_version(&self) -> Option<&'static str> {
        match self {
            _ => None,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum HostVerb {
    /// Save a host
    Add {
        name: String,
        #[arg(long)]
        address: String,
        #[arg(long)]
        user: String,
        #[command(flatten)]
        fields: HostFields,
    },
    List,
    Show {
        name: String,
    },
    /// Change what is given, leave the rest
    Edit {
        name: String,
        /// New name
        #[arg(long)]
        rename: Option<String>,
        #[arg(long)]
        address: Option<String>,
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        fields: HostFields,
    },
    /// Change several hosts at once: all of them, or none
    Change {
        #[arg(required = true)]
        names: Vec<String>,
        #[arg(long)]
        add_tag: Vec<String>,
        #[arg(long)]
        remove_tag: Vec<String>,
        #[arg(long)]
        add_group: Vec<String>,
        #[arg(long)]
        remove_group: Vec<String>,
        #[arg(long)]
        user: Option<String>,
        #[arg(long)]
        port: Option<u16>,
        /// Private key file to sign in with
        #[arg(long)]
        key: Option<String>,
    },
    Remove {
        name: String,
        /// Name of the host, typed once more: wanted for hosts with the tag prod
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Take hosts over from a file; what is saved already is changed, not added twice
    Import {
        file: PathBuf,
        /// What the file is, where its name and content do not tell
        #[arg(long)]
        from: Option<FormatWord>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the saved hosts to a new file, or '-', without secrets
    Export {
        file: PathBuf,
        /// csv, json or ssh-config; else by the name of the file
        #[arg(long)]
        format: Option<FormatWord>,
    },
    /// Open a shell on the host with OpenSSH's own ssh, through its jump hosts
    Ssh {
        name: String,
        /// Print the command instead
        #[arg(long)]
        print: bool,
    },
    /// Put a key on the host, prove that it signs in, and use it from then on
    Key {
        name: String,
        #[command(flatten)]
        fields: KeyFields,
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

#[derive(Group)]
pub(crate) struct HostFields {
    #[arg(long)]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) identity: IdentityFields,
    /// Read the key file's passphrase from standard input, into the keyring
    #[arg(long, conflicts_with = "password_stdin")]
    pub(crate) passphrase_stdin: bool,
    /// Saved host to go through
    #[arg(long, value_name = "NAME", conflicts_with = "no_jump")]
    pub(crate) jump: Option<String>,
    /// Reach it straight from now on
    #[arg(long)]
    pub(crate) no_jump: bool,
    /// Application category; several times for several
    #[arg(long = "group", value_name = "G")]
    pub(crate) groups: Vec<String>,
    /// The tag prod asks for the host's name before a change
    #[arg(long = "tag", value_name = "T")]
    pub(crate) tags: Vec<String>,
    /// How root is had, to act and to see what belongs to others
    #[arg(long)]
    pub(crate) sudo: Option<SudoWord>,
    /// Read the password that sudo asks for from standard input, into the keyring
    #[arg(long, conflicts_with_all = ["password_stdin", "passphrase_stdin", "sudo_password"])]
    pub(crate) sudo_password_stdin: bool,
    /// Ask for the password that sudo wants, without echo, and put it into the keyring
    #[arg(long)]
    pub(crate) sudo_password: bool,
    /// Folder on the host for the helper, where the user's own cannot hold a program
    #[arg(long, value_name = "DIR")]
    pub(crate) helper_dir: Option<String>,
    /// Whether the helper is put there; without it nothing is put or run there but reads, and nothing
    /// can be changed
    #[arg(long)]
    pub(crate) helper: Option<HelperWord>,
    /// Name of the host, typed once more: wanted where the tag prod is taken from it
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Option<String>,
}

#[derive(Group)]
#[group(multiple = false)]
pub(crate) struct IdentityFields {
    /// Sign in with a private key file
    #[arg(long, value_name = "PATH")]
    pub(crate) key: Option<String>,
    /// Sign in with the keys of ssh-agent
    #[arg(long)]
    pub(crate) agent: bool,
    /// Sign in with a password, read from standard input into the keyring
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Sign in with a password that is asked for at each sign-in and kept nowhere
    #[arg(long)]
    pub(crate) ask_password: bool,
    /// Sign in with a password, asked for without echo and put into the keyring
    #[arg(long)]
    pub(crate) password: bool,
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

#[derive(Group)]
pub(crate) struct KeyFields {
    /// Private key to use, made if it is not there; else ~/.ssh/id_ed25519
    #[arg(long, value_name = "PATH")]
    pub(crate) key: Option<String>,
    /// Read the key's passphrase from standard input; a new key is sealed with it
    #[arg(long)]
    pub(crate) passphrase_stdin: bool,
    /// Ask for the key's passphrase without echo
    #[arg(long, conflicts_with = "passphrase_stdin")]
    pub(crate) passphrase: bool,
    /// Forget the host's password here once the key signs in
    #[arg(long)]
    pub(crate) forget_password: bool,
    /// Print a command to paste on the host instead
    #[arg(long)]
    pub(crate) print: bool,
    /// Name of the host, typed once more: wanted for hosts with the tag prod
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FormatWord {
    SshConfig,
    Csv,
    Json,
    Ansible,
}

impl From<FormatWord> for HostFormat {
    fn from(word: FormatWord) -> Self {
        match word {
            FormatWord::SshConfig => HostFormat::SshConfig,
            FormatWord::Csv => HostFormat::Csv,
            FormatWord::Json => HostFormat::Json,
            FormatWord::Ansible => HostFormat::Ansible,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SudoWord {
    None,
    Nopasswd,
    Password,
}

impl From<SudoWord> for Sudo {
    fn from(word: SudoWord) -> Self {
        match word {
            SudoWord::None => Sudo::None,
            SudoWord::Nopasswd => Sudo::Nopasswd,
            SudoWord::Password => Sudo::Password,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum HelperWord {
    Placed,
    None,
}

impl From<HelperWord> for HelperUse {
    fn from(word: HelperWord) -> Self {
        match word {
            HelperWord::Placed => HelperUse::Placed,
            HelperWord::None => HelperUse::None,
        }
    }
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
    #[arg(long)]
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
    #[arg(long)]
    pub(crate) limit: Option<u32>,
    /// Only entries older than this one
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<u64>,
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
