//! Hosts for other programs: tables, lists, and a config that `ssh` reads. None has a secret: a host
//! has none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use protocol::Fault;
use protocol::hosts::{Host, HostDraft, HostFormat, Identity};

use super::import::table;
use crate::error::internal;

/// The format by the name of the file: a table, a list, else a config of ssh.
pub(crate) fn format_of(path: &Path) -> HostFormat {
    match path.extension().map(|kind| kind.to_string_lossy().to_lowercase()).as_deref() {
        Some("csv") => HostFormat::Csv,
        Some("json") => HostFormat::Json,
        _ => HostFormat::SshConfig,
    }
}

/// The hosts in this format.
pub(crate) fn write(hosts: &[Host], format: HostFormat) -> Result<String, Fault> {
    match format {
        HostFormat::Csv => Ok(table::write(hosts)),
        HostFormat::Json => {
            let drafts: Vec<HostDraft> = hosts.iter().map(Host::draft).collect();
            let mut text = serde_json::to_string_pretty(&drafts).map_err(|why| internal("an export", why))?;
            text.push('\n');
            Ok(text)
        }
        HostFormat::SshConfig => Ok(ssh_config(hosts, &Beside::default())),
        HostFormat::Ansible => Err(Fault::bad_input(
            "format",
            "an inventory of Ansible is read and not written: give csv, json or ssh-config",
        )),
    }
}

/// What a config says for all hosts.
#[derive(Default)]
pub(crate) struct Beside {
    /// Files of host keys that are read beside the user's own.
    pub(crate) known_hosts: Vec<PathBuf>,
    /// Configs that count for what is not said here.
    pub(crate) include: Vec<PathBuf>,
}

/// The name of a host in a config: its own, where ssh takes that for a name and for nothing else.
pub(crate) fn alias(host: &Host) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if host.name.chars().all(plain) { host.name.clone() } else { format!("muster-{}", host.id) }
}

/// A config for `ssh` with these hosts. Every value was checked when the host was saved; what ssh
/// would expand or split is escaped or quoted here.
pub(crate) fn ssh_config(hosts: &[Host], beside: &Beside) -> String {
    let aliases: BTreeMap<&str, String> =
        hosts.iter().map(|host| (host.name.as_str(), alias(host))).collect();
    let mut text = String::from("# Written by Muster.\n");
    for host in hosts {
        let name = alias(host);
        text += &format!("\nHost {name}\n");
        if name != host.name {
            text += &format!("  # {}\n", host.name);
        }
        text += &format!("  HostName {}\n", host.address.replace('%', "%%"));
        text += &format!("  Port {}\n  User {}\n", host.port, host.user);
        if let Identity::KeyFile { path } = &host.identity {
            match quoted(path) {
                Some(path) => text += &format!("  IdentityFile {path}\n  IdentitiesOnly yes\n"),
                None => text += "  # Its key file has a name that ssh cannot be given.\n",
            }
        }
        if host.identity == Identity::Password {
            text += "  PreferredAuthentications password,keyboard-interactive\n";
        }
        let jump = host.jump.as_deref().map(|jump| aliases.get(jump).map_or(jump, String::as_str));
        text += &format!("  ProxyJump {}\n", jump.unwrap_or("none"));
    }
    let files: Vec<String> =
        beside.known_hosts.iter().filter_map(|file| quoted(&file.to_string_lossy())).collect();
    if !files.is_empty() {
        text += &format!("\nMatch all\n  UserKnownHostsFile {}\n", files.join(" "));
    }
    for file in beside.include.iter().filter_map(|file| quoted(&file.to_string_lossy())) {
        text += &format!("\nMatch all\n  Include {file}\n");
    }
    text
}

/// A path as one word of a config; `None` for one that no quote can hold.
fn quoted(path: &str) -> Option<String> {
    let holds = !path.is_empty()
        && !path.contains(['"', '\\'])
        && !path.chars().any(char::is_control)
        && !path.contains("${");
    holds.then(|| format!("\"{}\"", path.replace('%', "%%")))
}
