//! hosts and check.

mod files;

use engine::Desk;
use protocol::credentials::SecretKind;
use protocol::hosts::{HelperUse, Host, HostChange, HostDraft, HostRow, Identity, Sudo};
use protocol::ipc::{HostCheck, HostRemove, HostSave, HostsEdit, HostsList, NewSecret};
use protocol::link::CheckReport;
use protocol::{Fault, FaultCode};

use crate::args::{HostFields, HostVerb};
use crate::output::{Printer, Set, list, or_dash, table};
use crate::secrets;

pub(crate) async fn act(desk: &Desk, verb: HostVerb, printer: &Printer) -> Result<(), Fault> {
    match verb {
        HostVerb::Add { name, address, user, fields } => {
            let draft = HostDraft { name, address, user, ..HostDraft::default() };
            save(desk, None, draft, fields, printer).await
        }
        HostVerb::Edit { name, rename, address, user, fields } => {
            let host = find(desk, &name).await?;
            let mut draft = host.draft();
            draft.name = rename.unwrap_or(draft.name);
            draft.address = address.unwrap_or(draft.address);
            draft.user = user.unwrap_or(draft.user);
            save(desk, Some(host.id), draft, fields, printer).await
        }
        HostVerb::List => {
            let hosts: Vec<Host> = saved(desk).await?.into_iter().map(|row| row.host).collect();
            printer.show(&hosts, |hosts| host_table(hosts))
        }
        HostVerb::Show { name } => printer.show(&find(desk, &name).await?, host_words),
        HostVerb::Change { names, add_tag, remove_tag, add_group, remove_group, user, port, key } => {
            let change = HostChange {
                add_groups: add_group,
                remove_groups: remove_group,
                add_tags: add_tag,
                remove_tags: remove_tag,
                user,
                port,
                key,
            };
            let changed = desk.call(HostsEdit { hosts: names, change }).await?;
            printer.show(&changed, |hosts| host_table(hosts))
        }
        HostVerb::Remove { name, confirm } => {
            desk.call(HostRemove { host: name.clone(), typed_name: confirm }).await?;
            printer.say(&format!("{name} removed, with its accepted keys, secrets and last known state"))
        }
        HostVerb::Import { file, from, dry_run } => {
            files::import(desk, &file, from.map(Into::into), dry_run, printer).await
        }
        HostVerb::Export { file, format } => {
            files::export(desk, &file, format.map(Into::into), printer).await
        }
        HostVerb::Ssh { name, print } => files::ssh(desk, name, print, printer).await,
        HostVerb::Key { name, fields } => files::key(desk, name, fields, printer).await,
    }
}

async fn saved(desk: &Desk) -> Result<Vec<HostRow>, Fault> {
    let mut rows = desk.call(HostsList {}).await?;
    rows.retain(|row| !row.host.is_local());
    Ok(rows)
}

async fn find(desk: &Desk, name: &str) -> Result<Host, Fault> {
    let rows = saved(desk).await?;
    rows.into_iter().map(|row| row.host).find(|host| host.name == name).ok_or_else(|| {
        Fault::new(
            FaultCode::HostUnknown,
            format!("no saved host is named '{}'", protocol::text::printable(name)),
        )
    })
}

async fn save(
    desk: &Desk,
    id: Option<String>,
    mut draft: HostDraft,
    fields: HostFields,
    printer: &Printer,
) -> Result<(), Fault> {
    let identity = &fields.identity;
    let mut new_secrets = Vec::new();
    draft.port = fields.port.or(draft.port);
    if let Some(path) = &identity.key {
        draft.identity = Identity::KeyFile { path: path.clone() };
    } else if identity.agent {
        draft.identity = Identity::Agent;
    } else if identity.password_stdin || identity.password || identity.ask_password {
        draft.identity = Identity::Password;
    }
    draft.jump = if fields.no_jump { None } else { fields.jump.or(draft.jump) };
    draft.sudo = fields.sudo.map_or(draft.sudo, Into::into);
    let gives_sudo = fields.sudo_password_stdin || fields.sudo_password;
    if gives_sudo && draft.sudo != Sudo::Password {
        let message = format!("{} would not use a sudo password: give --sudo password too", draft.name);
        return Err(Fault::bad_input("sudo", message));
    }
    draft.helper_dir = fields.helper_dir.or(draft.helper_dir);
    draft.helper = fields.helper.map_or(draft.helper, Into::into);
    if !fields.groups.is_empty() {
        draft.groups = fields.groups;
    }
    if !fields.tags.is_empty() {
        draft.tags = fields.tags;
    }
    // Everything else is checked first: nobody types a password for a draft that is refused.
    protocol::hosts::check_draft(&draft)?;
    if identity.password_stdin {
        new_secrets
            .push(NewSecret { kind: SecretKind::Password, value: secrets::from_stdin("password")?.into() });
    } else if identity.password {
        let value = secrets::from_prompt("password", &draft.name)?.into();
        new_secrets.push(NewSecret { kind: SecretKind::Password, value });
    }
    if fields.passphrase_stdin {
        let value = secrets::from_stdin("passphrase")?.into();
        new_secrets.push(NewSecret { kind: SecretKind::Passphrase, value });
    }
    if fields.sudo_password_stdin {
        let value = secrets::from_stdin("sudo-password")?.into();
        new_secrets.push(NewSecret { kind: SecretKind::Sudo, value });
    } else if fields.sudo_password {
        let value = secrets::from_prompt("sudo-password", &draft.name)?.into();
        new_secrets.push(NewSecret { kind: SecretKind::Sudo, value });
    }
    let host = desk.call(HostSave { id, draft, secrets: new_secrets, typed_name: fields.confirm }).await?;
    printer.show(&host, |host| format!("{} saved: {}@{}:{}\n", host.name, host.user, host.address, host.port))
}

fn host_table(hosts: &[Host]) -> String {
    if hosts.is_empty() {
        return "no hosts are saved: add one with 'musterctl host add NAME --address ADDR --user USER'\n"
            .into();
    }
    let heads = [
        ("NAME", Set::Left),
        ("ADDRESS", Set::Left),
        ("PORT", Set::Right),
        ("USER", Set::Left),
        ("JUMP", Set::Left),
        ("SIGN-IN", Set::Left),
        ("TAGS", Set::Left),
        ("GROUPS", Set::Left),
    ];
    let rows: Vec<Vec<String>> = hosts
        .iter()
        .map(|host| {
            vec![
                host.name.clone(),
                host.address.clone(),
                host.port.to_string(),
                host.user.clone(),
                or_dash(host.jump.as_ref()),
                sign_in(&host.identity),
                host.tags.join(","),
                host.groups.join(","),
            ]
        })
        .collect();
    table(&heads, &rows)
}

fn host_words(host: &Host) -> String {
    list(&[
        ("Name", host.name.clone()),
        ("Address", host.address.clone()),
        ("Port", host.port.to_string()),
        ("User", host.user.clone()),
        ("Sign-in", sign_in(&host.identity)),
        ("Jump", or_dash(host.jump.as_ref())),
        ("Groups", host.groups.join(", ")),
        ("Tags", host.tags.join(", ")),
        ("Sudo", format!("{:?}", host.sudo).to_lowercase()),
        ("Helper", if host.helper == HelperUse::None { "none: only read".into() } else { "placed".into() }),
        ("Helper folder", host.helper_dir.clone().unwrap_or_else(|| "the user's own".into())),
    ])
}

fn sign_in(identity: &Identity) -> String {
    match identity {
        Identity::Agent => "agent".into(),
        Identity::KeyFile { path } => format!("key {path}"),
        Identity::Password => "password".into(),
    }
}

pub(crate) async fn check(desk: &Desk, name: String, printer: &Printer) -> Result<(), Fault> {
    let report = desk.call(HostCheck { host: name }).await?;
    printer.show(&report, check_words)
}

fn check_words(report: &CheckReport) -> String {
    let helper = match (&report.helper_version, &report.helper_path) {
        (Some(version), Some(path)) => {
            let placed = if report.helper_placed { ", put there now" } else { "" };
            format!(", helper {version} at {}{placed}", protocol::text::printable(path))
        }
        (Some(version), None) => format!(", helper {version} from memory"),
        _ => format!(" without the helper: no {}", report.missing.join(", no ")),
    };
    format!("{} is live{helper}, {} ms\n", report.host, report.took_ms)
}
