//! hosts: what a person saves about a host, and what the list of hosts shows.

mod import;
mod refusal;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::link::LinkState;

pub use import::*;
pub use refusal::{CsvProblem, FileRefusal, InventoryProblem};

/// The name that means this computer: no SSH, the helper runs as a child.
pub const LOCAL: &str = "local";

/// How to sign in. Secrets are never part of it: they are in the keyring under the host's id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Keys of the running ssh-agent.
    #[default]
    Agent,
    /// A private key file on this computer; a passphrase, if any, is in the keyring.
    KeyFile { path: String },
    /// A password from the keyring.
    Password,
}

/// How a command that needs root gets it on this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sudo {
    /// Commands run as the user who signed in.
    #[default]
    None,
    /// `sudo -n`: the host asks for no password.
    Nopasswd,
    /// `sudo` with a password.
    Password,
}

impl Sudo {
    /// What a command that is run so begins with, as a person would type it.
    pub fn prefix(self) -> &'static str {
        match self {
            Sudo::None => "",
            Sudo::Nopasswd => "sudo -n -- ",
            Sudo::Password => "sudo -- ",
        }
    }
}

/// How a host is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HelperUse {
    /// By the helper, which is put there.
    #[default]
    Placed,
    /// By what its files and tools say: nothing of Muster is put there or run, and nothing is changed.
    None,
}

/// A host as a person describes it; the form and `host add` fill it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostDraft {
    pub name: String,
    pub address: String,
    /// `None` is 22.
    pub port: Option<u16>,
    pub user: String,
    pub identity: Identity,
    /// Name of a saved host to go through.
    pub jump: Option<String>,
    /// Application categories.
    pub groups: Vec<String>,
    pub tags: Vec<String>,
    pub sudo: Sudo,
    /// Folder on the host for the helper; `None` is a folder of the user's own, chosen there.
    pub helper_dir: Option<String>,
    pub helper: HelperUse,
}

/// What is changed on several hosts at once; what is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostChange {
    pub add_groups: Vec<String>,
    pub remove_groups: Vec<String>,
    pub add_tags: Vec<String>,
    pub remove_tags: Vec<String>,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// A private key file to sign in with.
    pub key: Option<String>,
}

impl HostChange {
    pub fn is_empty(&self) -> bool {
        *self == HostChange::default()
    }

    /// The host as it is after the change.
    pub fn of(&self, host: &Host) -> HostDraft {
        let mut draft = host.draft();
        for (labels, add, remove) in [
            (&mut draft.groups, &self.add_groups, &self.remove_groups),
            (&mut draft.tags, &self.add_tags, &self.remove_tags),
        ] {
            labels.retain(|label| !remove.iter().any(|gone| gone.trim() == label));
            for label in add.iter().map(|label| label.trim()) {
                if !labels.iter().any(|kept| kept == label) {
                    labels.push(label.to_owned());
                }
            }
        }
        if let Some(user) = &self.user {
            draft.user.clone_from(user);
        }
        draft.port = self.port.or(draft.port);
        if let Some(path) = &self.key {
            draft.identity = Identity::KeyFile { path: path.clone() };
        }
        draft
    }
}

/// A saved host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Stays the same when the host is renamed or moved.
    pub id: String,
    pub name: String,
    pub address: String,
    pub port: u16,
    pub user: String,
    pub identity: Identity,
    #[serde(default)]
    pub jump: Option<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub sudo: Sudo,
    #[serde(default)]
    pub helper_dir: Option<String>,
    #[serde(default)]
    pub helper: HelperUse,
    pub added_ms: i64,
}

impl Host {
    pub fn is_local(&self) -> bool {
        self.name == LOCAL
    }

    /// A host of this tag asks for its typed name before a change.
    pub fn is_guarded(&self) -> bool {
        self.tags.iter().any(|tag| tag.eq_ignore_ascii_case("prod"))
    }

    /// True if a link to one is a link to the other: they differ in tags and groups at most.
    pub fn has_link_of(&self, other: &Host) -> bool {
        let bare = |host: &Host| Host { tags: Vec::new(), groups: Vec::new(), ..host.clone() };
        bare(self) == bare(other)
    }

    /// The draft that would save this host again, to edit it.
    pub fn draft(&self) -> HostDraft {
        HostDraft {
            name: self.name.clone(),
            address: self.address.clone(),
            port: Some(self.port),
            user: self.user.clone(),
            identity: self.identity.clone(),
            jump: self.jump.clone(),
            groups: self.groups.clone(),
            tags: self.tags.clone(),
            sudo: self.sudo,
            helper_dir: self.helper_dir.clone(),
            helper: self.helper,
        }
    }
}

/// A row of the list of hosts: the host, its link and its last known numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostRow {
    pub host: Host,
    pub link: LinkState,
    pub last: Option<HostGlance>,
}

/// The numbers of a host that fit in a row, with the time they were read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostGlance {
    pub at_ms: i64,
    pub cpu_pct: Option<f64>,
    pub cpu_peak_pct: Option<f64>,
    pub memory_pct: Option<f64>,
    pub fullest_disk: Option<(String, f64)>,
    pub load1: Option<f64>,
    pub cores: Option<u32>,
    pub uptime_s: Option<u64>,
    pub failed_units: Option<u32>,
    pub os: Option<String>,
}

/// The format of a file of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostFormat {
    SshConfig,
    Csv,
    Json,
    Ansible,
}

/// What was written by an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsExported {
    pub hosts: u32,
    pub format: HostFormat,
    /// The text itself, where no file was asked for.
    pub text: Option<String>,
    pub file: Option<String>,
}

/// How a host is reached with OpenSSH's own `ssh`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshCommand {
    /// The program and its arguments, each as it is.
    pub argv: Vec<String>,
    /// The same as one line to paste into a shell.
    pub line: String,
}

/// Checks a draft field by field, so that bad input is refused before anything happens.
///
/// The rules keep names and addresses out of reach of option parsing and of terminals: no leading
/// `-`, no control characters, no white space (threat class of CVE-2023-51385).
pub fn check_draft(draft: &HostDraft) -> Result<(), Fault> {
    check_word("name", &draft.name, 64, "a short name such as web-1")?;
    if draft.name == LOCAL {
        return Err(Fault::bad_input("name", "the name 'local' is this computer and needs no saving"));
    }
    // A host is a part of paths, and these two mean other things there.
    if matches!(draft.name.as_str(), "." | "..") {
        let message = format!("name '{}' is a step in a path: give a short name such as web-1", draft.name);
        return Err(Fault::bad_input("name", message));
    }
    check_address(&draft.address)?;
    check_word("user", &draft.user, 64, "the user to sign in as, such as root")?;
    if draft.port == Some(0) {
        return Err(Fault::bad_input("port", "port 0 is not a port: give one from 1 to 65535"));
    }
    for tag in &draft.tags {
        check_label("tag", tag)?;
    }
    for group in &draft.groups {
        check_label("group", group)?;
    }
    if let Identity::KeyFile { path } = &draft.identity
        && path.trim().is_empty()
    {
        return Err(Fault::bad_input("key", "the path of the key file is empty"));
    }
    if let Some(dir) = &draft.helper_dir {
        let safe = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
        if !dir.starts_with('/')
            || dir.len() > 200
            || !dir.chars().all(safe)
            || dir.split('/').any(|part| part == "..")
        {
            return Err(Fault::bad_input(
                "helper_dir",
                "the helper's folder must be an absolute path of letters, digits and . _ - + @ /",
            ));
        }
    }
    Ok(())
}

fn check_word(field: &str, value: &str, longest: usize, example: &str) -> Result<(), Fault> {
    let bad = |why: &str| {
        Err(Fault::bad_input(
            field,
            format!("{field} '{}' {why}: give {example}", crate::text::printable(value)),
        ))
    };
    if value.is_empty() {
        return Err(Fault::bad_input(field, format!("{field} is empty: give {example}")));
    }
    if value.chars().count() > longest {
        return bad(&format!("is longer than {longest} characters"));
    }
    if value.starts_with('-') {
        return bad("starts with '-'");
    }
    if value
        .chars()
        .any(|c| c.is_whitespace() || crate::text::is_unsafe(c) || "'\"`$;&|<>(){}[]\\*?!#~,/".contains(c))
    {
        return bad("has characters that a name cannot have");
    }
    Ok(())
}

fn check_label(field: &str, value: &str) -> Result<(), Fault> {
    if value.trim().is_empty() || value.chars().count() > 64 || value.chars().any(crate::text::is_unsafe) {
        return Err(Fault::bad_input(
            field,
            format!("{field} '{}' must have 1 to 64 visible characters", crate::text::printable(value)),
        ));
    }
    Ok(())
}

fn check_address(address: &str) -> Result<(), Fault> {
    let bad = |why: String| Err(Fault::bad_input("address", why));
    if address.is_empty() {
        return bad("address is empty: give a host name or an IP address".into());
    }
    let shown = crate::text::printable(address);
    if address.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    // An IPv6 address with a zone: fe80::1%eth0.
    if let Some((ip, zone)) = address.split_once('%')
        && ip.parse::<std::net::Ipv6Addr>().is_ok()
        && !zone.is_empty()
        && zone.chars().all(plain)
    {
        return Ok(());
    }
    if address.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return match address.split('.').find(|part| part.parse::<u32>().map_or(true, |n| n > 255)) {
            Some(part) if !part.is_empty() => {
                bad(format!("address '{shown}' is not an IPv4 address: {part} is over 255"))
            }
            _ => bad(format!("address '{shown}' is not an IPv4 address: it needs four numbers")),
        };
    }
    if address.len() > 253
        || address.starts_with('-')
        || address.starts_with('.')
        || !address.chars().all(plain)
    {
        return bad(format!("address '{shown}' is neither a host name nor an IP address"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> HostDraft {
        HostDraft {
            name: "web-1".into(),
            address: "10.0.0.11".into(),
            user: "root".into(),
            ..HostDraft::default()
        }
    }

    #[test]
    fn a_new_tag_leaves_the_link_and_a_new_address_does_not() {
        let host: Host = serde_json::from_str(
            r#"{"id":"1","name":"web","address":"10.0.0.1","port":22,"user":"root","identity":"agent","added_ms":0}"#,
        )
        .unwrap();
        assert!(host.has_link_of(&Host { tags: vec!["prod".into()], ..host.clone() }));
        assert!(!host.has_link_of(&Host { address: "10.0.0.2".into(), ..host.clone() }));
    }

    #[test]
    fn a_plain_host_is_accepted() {
        for address in ["10.0.0.11", "::1", "fe80::1%eth0", "web-1.example.org", "localhost"] {
            check_draft(&HostDraft { address: address.into(), ..draft() }).unwrap();
        }
    }

    #[test]
    fn text_that_could_become_an_option_or_a_command_is_refused() {
        for address in
            ["-oProxyCommand=x", "a b", "$(id)", "10.0.0.300", "10.0.0", "a;b", "", "ho\u{1b}st", "fe80::1%"]
        {
            let fault = check_draft(&HostDraft { address: address.into(), ..draft() }).unwrap_err();
            assert_eq!(
                fault.detail.subject.as_deref(),
                Some("address"),
                "{address:?} must be refused by name of its field"
            );
        }
        for name in ["", "-x", "a b", "local", "x\u{202e}y", "a/b", ".", ".."] {
            assert!(check_draft(&HostDraft { name: name.into(), ..draft() }).is_err(), "{name:?}");
        }
        for dir in ["tmp", "/a b", "/x/../y", "/$(id)"] {
            assert!(check_draft(&HostDraft { helper_dir: Some(dir.into()), ..draft() }).is_err(), "{dir:?}");
        }
    }
}
