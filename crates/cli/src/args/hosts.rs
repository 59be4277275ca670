//! What can be said of hosts on the command line.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand, ValueEnum};
use protocol::hosts::{HelperUse, HostFormat, Sudo};

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
