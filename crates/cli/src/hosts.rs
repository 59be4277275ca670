//! hosts: saving, listing and checking them.

use engine::Desk;
use protocol::credentials::SecretKind;
use protocol::hosts::{Host, HostDraft, HostRow, Identity, Sudo};
use protocol::ipc::{HostCheck, HostRemove, HostSave, HostsList, NewSecret, SnapshotShow};
use protocol::link::LinkState;
use protocol::sockets::endpoint;
use protocol::{Fault, FaultCode};

use crate::args::{HostArgs, HostCommand};
use crate::format::{UNKNOWN, or_unknown, percent, time, took};
use crate::later;
use crate::output::{Output, Stop};
use crate::prompt::{secret_from_stdin, secret_from_terminal};
use crate::table::{Column, Table};

pub(crate) async fn host(desk: &Desk, command: HostCommand, output: &mut Output) -> Result<(), Stop> {
    match command {
        HostCommand::Add { name, host } => add(desk, name, host, output).await,
        HostCommand::List => list(desk, output).await,
        HostCommand::Show { name } => {
            let host = find(desk, &name).await?;
            show(&host, output)
        }
        HostCommand::Edit { name, name_to, host } => edit(desk, name, name_to, host, output).await,
        HostCommand::Remove { name } => {
            desk.call(HostRemove { host: name.clone() }).await?;
            if output.json { output.document(&()) } else { output.line(&format!("removed {name}")) }
        }
        HostCommand::Import(_) => Err(later::fault("host import").into()),
        HostCommand::Export(_) => Err(later::fault("host export").into()),
    }
}

pub(crate) async fn check(desk: &Desk, name: String, output: &mut Output) -> Result<(), Stop> {
    let report = desk.call(HostCheck { host: name }).await?;
    if output.json {
        output.document(&report)?;
    } else {
        let state = match &report.state {
            LinkState::Idle => "not connected",
            LinkState::Connecting { .. } => "connecting",
            LinkState::Live { .. } => "live",
            LinkState::Lost { .. } => "lost",
            LinkState::Failed { .. } => "failed",
        };
        output.line(&format!("{} is {state}, in {}", report.host, took(report.took_ms)))?;
        if let Some(path) = &report.helper_path {
            let version = or_unknown(report.helper_version.as_ref());
            let placed = if report.helper_placed { "put there now" } else { "was there already" };
            output.line(&format!("helper {version} at {path}, {placed}"))?;
        }
    }
    match report.state {
        LinkState::Lost { fault, .. } | LinkState::Failed { fault, .. } => Err((*fault).into()),
        LinkState::Idle | LinkState::Connecting { .. } | LinkState::Live { .. } => Ok(()),
    }
}

async fn list(desk: &Desk, output: &mut Output) -> Result<(), Stop> {
    let rows: Vec<HostRow> = desk.call(HostsList {}).await?;
    let rows: Vec<_> = rows.into_iter().filter(|row| !row.host.is_local()).collect();
    if output.json {
        return output.document(&rows.iter().map(|row| &row.host).collect::<Vec<_>>());
    }
    let mut table = Table::new(vec![
        Column::Left("NAME"),
        Column::Left("ADDRESS"),
        Column::Left("USER"),
        Column::Left("GROUPS"),
        Column::Left("TAGS"),
        Column::Right("CPU"),
        Column::Right("MEMORY"),
        Column::Left("LAST SEEN"),
    ]);
    for HostRow { host, last, .. } in &rows {
        let last = last.as_ref();
        table.row(vec![
            host.name.clone(),
            endpoint(&host.address, host.port),
            host.user.clone(),
            host.groups.join(", "),
            host.tags.join(", "),
            or_unknown(last.and_then(|last| last.cpu_pct).map(percent)),
            or_unknown(last.and_then(|last| last.memory_pct).map(percent)),
            last.map_or_else(|| "never".to_owned(), |last| time(last.at_ms)),
        ]);
    }
    table.print(output)
}

fn show(host: &Host, output: &mut Output) -> Result<(), Stop> {
    if output.json {
        return output.document(host);
    }
    let identity = match &host.identity {
        Identity::Agent => "ssh-agent".to_owned(),
        Identity::KeyFile { path } => format!("key file {path}"),
        Identity::Password => "password from the keyring".to_owned(),
    };
    let sudo = match host.sudo {
        Sudo::None => "none",
        Sudo::Nopasswd => "without password",
        Sudo::Password => "with password",
    };
    let words = |words: &[String]| if words.is_empty() { UNKNOWN.to_owned() } else { words.join(", ") };
    for (what, value) in [
        ("name", host.name.clone()),
        ("address", endpoint(&host.address, host.port)),
        ("user", host.user.clone()),
        ("sign-in", identity),
        ("sudo", sudo.to_owned()),
        ("groups", words(&host.groups)),
        ("tags", words(&host.tags)),
        ("helper folder", host.helper_dir.clone().unwrap_or_else(|| "chosen there".to_owned())),
        ("added", time(host.added_ms)),
        ("id", host.id.clone()),
    ] {
        output.line(&format!("{what:<14}{value}"))?;
    }
    Ok(())
}

async fn add(desk: &Desk, name: String, args: HostArgs, output: &mut Output) -> Result<(), Stop> {
    let draft = HostDraft { name, ..HostDraft::default() };
    let (draft, secrets) = described(draft, args)?;
    let host = desk.call(HostSave { id: None, draft, secrets }).await?;
    if output.json {
        return output.document(&host);
    }
    let place = endpoint(&host.address, host.port);
    output.line(&format!("saved {} ({}@{place})", host.name, host.user))
}

async fn edit(
    desk: &Desk,
    name: String,
    new_name: Option<String>,
    args: HostArgs,
    output: &mut Output,
) -> Result<(), Stop> {
    let host = find(desk, &name).await?;
    if host.is_local() {
        return Err(
            Fault::bad_input("name", "the host 'local' is this computer and cannot be changed").into()
        );
    }
    let mut draft = host.draft();
    if let Some(new_name) = new_name {
        draft.name = new_name;
    }
    let (draft, secrets) = described(draft, args)?;
    let host = desk.call(HostSave { id: Some(host.id), draft, secrets }).await?;
    if output.json { output.document(&host) } else { output.line(&format!("saved {}", host.name)) }
}

/// The host of this name, from what is saved; no host is asked.
async fn find(desk: &Desk, name: &str) -> Result<Host, Stop> {
    let rows = desk.call(HostsList {}).await?;
    match rows.into_iter().find(|row| row.host.name == name) {
        Some(row) => Ok(row.host),
        None => {
            // It says which names come close; this computer has one and is in no list.
            desk.call(SnapshotShow { host: name.to_owned() }).await?;
            Err(Fault::new(FaultCode::HostUnknown, format!("'{name}' is this computer and is not saved"))
                .into())
        }
    }
}

/// A draft with what the arguments say in it, and the secrets they ask for.
fn described(mut draft: HostDraft, args: HostArgs) -> Result<(HostDraft, Vec<NewSecret>), Stop> {
    let by_password = args.password || args.password_stdin;
    let by_passphrase = args.passphrase || args.passphrase_stdin;
    if let Some(path) = args.key {
        draft.identity = Identity::KeyFile { path };
    } else if args.agent {
        draft.identity = Identity::Agent;
    } else if by_password {
        draft.identity = Identity::Password;
    }
    if by_passphrase && !matches!(draft.identity, Identity::KeyFile { .. }) {
        let message =
            format!("a passphrase belongs to a key file, and {} has none: give it with --key", draft.name);
        return Err(Fault::bad_input("passphrase", message).into());
    }
    if let Some(address) = args.address {
        draft.address = address;
    }
    if let Some(user) = args.user {
        draft.user = user;
    }
    draft.port = args.port.or(draft.port);
    draft.jump = args.jump.or(draft.jump);
    draft.sudo = args.sudo.map_or(draft.sudo, Sudo::from);
    if !args.groups.is_empty() {
        draft.groups = named(args.groups);
    }
    if !args.tags.is_empty() {
        draft.tags = named(args.tags);
    }
    if let Some(dir) = args.helper_dir {
        draft.helper_dir = (!dir.is_empty()).then_some(dir);
    }
    // Nobody should type a secret for a host that is then refused.
    protocol::hosts::check_draft(&draft)?;
    let mut secrets = Vec::new();
    for (asked, from_stdin, kind, what) in [
        (by_password, args.password_stdin, SecretKind::Password, "password"),
        (by_passphrase, args.passphrase_stdin, SecretKind::Passphrase, "passphrase"),
    ] {
        if asked {
            let value =
                if from_stdin { secret_from_stdin(what)? } else { secret_from_terminal(what, &draft.name)? };
            secrets.push(NewSecret { kind, value });
        }
    }
    Ok((draft, secrets))
}

/// The labels given; one empty label stands for none, to take them all away.
fn named(labels: Vec<String>) -> Vec<String> {
    if labels == [""] { Vec::new() } else { labels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn from_line(before: HostDraft, line: &str) -> Result<(HostDraft, Vec<NewSecret>), Stop> {
        let words =
            ["musterctl", "host", "edit", "web"].into_iter().chain(line.split(' ').filter(|w| !w.is_empty()));
        match Cli::try_parse_from(words).unwrap().command {
            Command::Host { command: HostCommand::Edit { host, .. } } => described(before, host),
            other => panic!("{other:?}"),
        }
    }

    fn saved() -> HostDraft {
        HostDraft {
            name: "web".into(),
            address: "10.0.0.1".into(),
            port: Some(2222),
            user: "root".into(),
            identity: Identity::KeyFile { path: "/k".into() },
            groups: vec!["shop".into()],
            tags: vec!["prod".into()],
            sudo: Sudo::Nopasswd,
            helper_dir: Some("/opt/m".into()),
            ..HostDraft::default()
        }
    }

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        assert_eq!(from_line(saved(), "").unwrap().0, saved());
        let (draft, _) = from_line(saved(), "--user ann --agent").unwrap();
        assert_eq!(draft, HostDraft { user: "ann".into(), identity: Identity::Agent, ..saved() });
    }

    #[test]
    fn an_empty_word_takes_labels_and_folder_away() {
        let (draft, _) = from_line(saved(), "--group= --tag= --helper-dir=").unwrap();
        assert_eq!((draft.groups, draft.tags, draft.helper_dir), (vec![], vec![], None));
        let (draft, _) = from_line(saved(), "--group a --group b").unwrap();
        assert_eq!(draft.groups, ["a", "b"]);
    }

    #[test]
    fn a_bad_host_is_refused_before_anybody_types_a_secret() {
        let Err(Stop::Fault(fault)) = from_line(saved(), "--address=-x --password-stdin") else { panic!() };
        assert_eq!(fault.detail.subject.as_deref(), Some("address"));
        let agent = HostDraft { identity: Identity::Agent, ..saved() };
        let Err(Stop::Fault(fault)) = from_line(agent, "--passphrase-stdin") else { panic!() };
        assert_eq!(fault.code, FaultCode::BadInput, "a passphrase without a key file opens nothing");
    }
}
