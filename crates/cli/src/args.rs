//! The words of the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::Fault;
use protocol::hosts::Sudo;
use protocol::operations::OperationKind;
use protocol::services::ServiceAction;

use crate::output::Output;

const STATUS: &str = "Exit status: 0 done; 1 the host did it and it failed; 2 wrong usage or input; 3 host not \
reachable or outcome unknown; 4 host key not trusted; 5 sign-in refused; 6 helper cannot run there; 7 not permitted; \
8 store or keyring.";

/// Looks after Linux hosts over SSH. The name 'local' is this computer.
#[derive(Debug, Parser)]
#[command(name = "musterctl", version, after_help = STATUS)]
pub(crate) struct Cli {
    /// Folder of Muster's data; else MUSTER_DATA_DIR, else the platform's data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print JSON; errors too, on stderr
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Save, list, change and remove hosts
    Host {
        #[command(subcommand)]
        command: HostCommand,
    },
    /// Host keys: what a host shows and what was accepted
    Trust {
        #[command(subcommand)]
        command: TrustCommand,
    },
    /// Connect to a host and say the state with its reason
    Check { name: String },
    /// Facts of a host that change seldom
    System { name: String },
    /// CPU, memory, disks and network of a host
    Metrics(MetricsArgs),
    /// TCP and UDP sockets of a host with their owners
    Sockets(SocketsArgs),
    /// Units of a host's service manager
    Services(ServicesArgs),
    /// Act on a unit and tell what truly came of it
    Service(ServiceArgs),
    /// Run a command on a host
    Run(RunArgs),
    /// The log of what operators did; readable offline
    Operations(OperationsArgs),
    /// Processes of a host (not in this version)
    Processes(Later),
    /// Send a signal to a process (not in this version)
    Signal(Later),
    /// Logs of a host (not in this version)
    Journal(Later),
    /// What was put on a host (not in this version)
    Helper(Later),
    /// Check, back up and restore the data (not in this version)
    Store(Later),
}

/// Words of a command that is not in this version.
#[derive(Debug, Args)]
pub(crate) struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub words: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// Save a host
    Add {
        name: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// All saved hosts
    List,
    /// One saved host
    Show { name: String },
    /// Change a saved host; what is not named stays as it is
    Edit {
        name: String,
        /// New name
        #[arg(long = "name", value_name = "NEW")]
        name_to: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Remove a saved host with its secrets, trust and snapshot
    Remove { name: String },
    /// Take hosts from a file (not in this version)
    Import(Later),
    /// Write hosts to a file (not in this version)
    Export(Later),
}

#[derive(Debug, Args)]
pub(crate) struct HostArgs {
    /// Host name or IP address
    #[arg(long, value_name = "ADDR")]
    pub address: Option<String>,
    /// Port of the SSH server (22)
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// User to sign in as
    #[arg(long)]
    pub user: Option<String>,
    /// Sign in with this private key file
    #[arg(long, value_name = "PATH", conflicts_with_all = ["agent", "password", "password_stdin"])]
    pub key: Option<String>,
    /// Sign in with the keys of ssh-agent (the default)
    #[arg(long, conflicts_with_all = ["password", "password_stdin", "passphrase", "passphrase_stdin"])]
    pub agent: bool,
    /// Sign in with a password, asked for without echo
    #[arg(long, conflicts_with_all = ["password_stdin", "passphrase", "passphrase_stdin"])]
    pub password: bool,
    /// Sign in with a password, read from stdin
    #[arg(long, conflicts_with_all = ["passphrase", "passphrase_stdin"])]
    pub password_stdin: bool,
    /// Ask for the key file's passphrase without echo
    #[arg(long, conflicts_with = "passphrase_stdin")]
    pub passphrase: bool,
    /// Read the key file's passphrase from stdin
    #[arg(long)]
    pub passphrase_stdin: bool,
    /// Saved host to go through (not in this version)
    #[arg(long, value_name = "NAME")]
    pub jump: Option<String>,
    /// Application category; may be given more than once
    #[arg(long = "group", value_name = "G")]
    pub groups: Vec<String>,
    /// Tag; 'prod' guards the host. May be given more than once
    #[arg(long = "tag", value_name = "T")]
    pub tags: Vec<String>,
    /// How commands get root there
    #[arg(long, value_name = "WAY")]
    pub sudo: Option<SudoWay>,
    /// Folder on the host for the helper; '' is one of the user's own, chosen there
    #[arg(long, value_name = "DIR")]
    pub helper_dir: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SudoWay {
    None,
    Nopasswd,
    Password,
}

impl From<SudoWay> for Sudo {
    fn from(way: SudoWay) -> Self {
        match way {
            SudoWay::None => Sudo::None,
            SudoWay::Nopasswd => Sudo::Nopasswd,
            SudoWay::Password => Sudo::Password,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Ask a host for its key; nothing secret is sent
    Show { name: String },
    /// Accept the key that a host shows, if it has this fingerprint
    Accept {
        name: String,
        #[arg(long, value_name = "SHA256:...")]
        fingerprint: String,
    },
    /// All accepted keys
    List,
    /// Forget the accepted keys of a host
    Forget { name: String },
}

#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {
    pub name: String,
    /// Go on until interrupted; with --json one document a line
    #[arg(long)]
    pub watch: bool,
    /// Time between two samples
    #[arg(long, value_name = "MS", default_value_t = 2_000, requires = "watch",
          value_parser = clap::value_parser!(u32).range(500..=60_000))]
    pub interval_ms: u32,
}

#[derive(Debug, Args)]
pub(crate) struct SocketsArgs {
    pub name: String,
    /// Words that program, unit, user, address, port, state or PID must match
    #[arg(long, value_name = "Q", default_value = "")]
    pub query: String,
    /// Only sockets that listen
    #[arg(long)]
    pub listening: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServicesArgs {
    pub name: String,
    /// Letters that name or description must have in this order
    #[arg(long, value_name = "Q", default_value = "")]
    pub query: String,
    /// Only units that failed
    #[arg(long)]
    pub failed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    pub name: String,
    #[arg(value_name = "ACTION")]
    pub action: Action,
    /// Full name of the unit, such as cron.service
    pub unit: String,
    #[command(flatten)]
    pub guard: Guard,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Action {
    Start,
    Stop,
    Restart,
    Enable,
    Disable,
}

impl From<Action> for ServiceAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Start => ServiceAction::Start,
            Action::Stop => ServiceAction::Stop,
            Action::Restart => ServiceAction::Restart,
            Action::Enable => ServiceAction::Enable,
            Action::Disable => ServiceAction::Disable,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Guard {
    /// The host's name once more, wanted on hosts with the tag 'prod'
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    pub name: String,
    /// As root, in the way set for the host
    #[arg(long)]
    pub sudo: bool,
    #[command(flatten)]
    pub guard: Guard,
    /// One argument is a line for the host's shell; several are a program and its words, kept as they are
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct OperationsArgs {
    #[command(subcommand)]
    pub command: Option<OperationsCommand>,
    /// Only those on this host
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Only those of this kind, such as service_restart or command
    #[arg(long, value_name = "K", value_parser = kind)]
    pub kind: Option<OperationKind>,
    /// Only those that failed, were refused, timed out or are unknown
    #[arg(long)]
    pub failed: bool,
    /// Only those that nobody has read
    #[arg(long)]
    pub unread: bool,
    /// Text that occurs in command, output, target, host or operator
    #[arg(long, value_name = "Q", default_value = "")]
    pub query: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u32,
    /// Only those older than this one
    #[arg(long, value_name = "ID")]
    pub before: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperationsCommand {
    /// One operation with all that is known of it
    Show { id: u64 },
    /// Mark operations as read
    Read {
        #[arg(required_unless_present = "all", value_name = "ID")]
        ids: Vec<u64>,
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Put operations back among the unread; without an ID, say how many there are
    Unread {
        #[arg(value_name = "ID")]
        ids: Vec<u64>,
    },
    /// Write the log to a file (not in this version)
    Export(Later),
}

fn kind(word: &str) -> Result<OperationKind, String> {
    OperationKind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
        let names: Vec<_> = OperationKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("give one of {}", names.join(", "))
    })
}

/// The command line, or the status to end with: 0 after help, 2 for words that are not understood.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|why| {
        let json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
        match why.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let _ = why.print();
                ExitCode::SUCCESS
            }
            _ => Output::new(json).end(Err(misread(&why).into())),
        }
    })
}

/// clap's sentence, without its advice and the usage, which fill many lines.
fn misread(why: &clap::Error) -> Fault {
    let text = why.to_string();
    let sentence = match why.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "no command was given".to_owned()
        }
        _ => {
            let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
        }
    };
    Fault::bad_input("usage", format!("{sentence} (see 'musterctl --help')"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("musterctl").chain(line.split_whitespace()))
    }

    #[test]
    fn the_grammar_has_no_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_line_of_the_grammar_is_understood() {
        for line in [
            "host add web --address 10.0.0.1 --user root",
            "host add web --address 10.0.0.1 --port 22 --user root --key K --passphrase-stdin --jump j --group a --group b --tag prod --sudo nopasswd",
            "host add web --address 10.0.0.1 --user root --agent --json",
            "host add web --address=-oProxyCommand=x --user root --password-stdin",
            "host list",
            "--json host list",
            "host show web",
            "host edit web --name web-2 --user ann --sudo none --helper-dir /opt/m",
            "host remove web",
            "host import FILE --from ansible --dry-run",
            "host export FILE",
            "trust show web",
            "trust accept web --fingerprint SHA256:abc",
            "trust list",
            "trust forget web",
            "check web",
            "system web",
            "metrics web --watch",
            "metrics web --watch --interval-ms 500",
            "processes web --query Q --sort cpu --limit 5",
            "sockets web --query Q --listening",
            "services web --query Q --failed",
            "service web restart cron.service --confirm web",
            "run web --sudo -- ls -l",
            "signal web 77 TERM",
            "journal web --unit U --priority P --since T --follow --limit 5",
            "operations --host H --kind command --failed --unread --query Q --limit 5 --before 9",
            "operations show 1",
            "operations read 1 2 3",
            "operations read --all",
            "operations unread",
            "operations export FILE --format csv",
            "helper web status",
            "store check",
            "store backup FILE",
        ] {
            parsed(line).unwrap_or_else(|why| panic!("{line}: {why}"));
        }
    }

    #[test]
    fn contradictions_and_unknown_words_are_refused() {
        for line in [
            "",
            "host",
            "teleport web",
            "host add",
            "host add web --key K --agent",
            "host add web --password-stdin --passphrase-stdin",
            "host add web --port 70000",
            "host add web --password=secret",
            "service web explode cron.service",
            "service web restart",
            "run web",
            "run web ls",
            "operations --kind nonsense",
            "operations read",
            "operations read 1 --all",
            "metrics web --watch --interval-ms 1",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_follows_two_dashes_belongs_to_the_host() {
        let Command::Run(run) = parsed("run web --json -- ls --json -l").unwrap().command else { panic!() };
        assert_eq!(run.command, ["ls", "--json", "-l"]);
    }

    #[test]
    fn a_misread_line_is_one_sentence() {
        for line in ["", "host", "teleport web", "service web explode x", "run web", "operations --kind x"] {
            let fault = misread(&parsed(line).unwrap_err());
            assert!(!fault.message.contains('\n') && !fault.message.starts_with("error"), "{line}: {fault}");
            assert!(fault.message.contains("--help"), "{fault}");
        }
    }
}
