//! Hosts from files and to files, keys for hosts, and the way to a terminal.

use std::os::unix::process::CommandExt;
use std::path::Path;

use engine::Desk;
use protocol::hosts::{HostFormat, ImportReport, ImportVerdict};
use protocol::ipc::{HostSsh, HostsExport, HostsImport, KeyPaste, KeySetUp};
use protocol::{Fault, FaultCode};

use crate::args::KeyFields;
use crate::output::{Printer, Set, judge, table, write_new};
use crate::secrets;

pub(crate) async fn import(
    desk: &Desk,
    file: &Path,
    format: Option<HostFormat>,
    dry_run: bool,
    printer: &Printer,
) -> Result<(), Fault> {
    let command = HostsImport { file: absolute(file)?, format, dry_run, shown: None };
    printer.show(&desk.call(command).await?, import_words)
}

/// The engine may be another program, with another folder: a path means the same to both.
fn absolute(file: &Path) -> Result<String, Fault> {
    let full = std::path::absolute(file).map_err(|why| {
        Fault::bad_input("file", format!("the path {} cannot be used: {why}", file.display()))
    })?;
    full.into_os_string()
        .into_string()
        .map_err(|_| Fault::bad_input("file", format!("the path {} is not text", file.display())))
}

fn import_words(report: &ImportReport) -> String {
    let heads = [
        ("", Set::Left),
        ("NAME", Set::Left),
        ("ADDRESS", Set::Left),
        ("PORT", Set::Right),
        ("USER", Set::Left),
        ("JUMP", Set::Left),
        ("", Set::Left),
    ];
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            let (verdict, mut more) = match &row.verdict {
                ImportVerdict::Added => ("added", Vec::new()),
                ImportVerdict::Same => ("same", Vec::new()),
                ImportVerdict::Refused { why } => ("REFUSED", vec![why.to_string()]),
                ImportVerdict::Changed { fields } => {
                    let change = |field: &protocol::hosts::FieldChange| {
                        format!("{}: {} -> {}", field.field, or_none(&field.before), or_none(&field.after))
                    };
                    ("changed", fields.iter().map(change).collect())
                }
            };
            more.extend(row.warnings.iter().map(ToString::to_string));
            vec![
                verdict.to_owned(),
                row.name.clone(),
                row.address.clone(),
                row.port.to_string(),
                row.user.clone(),
                row.jump.clone().unwrap_or_default(),
                more.join("; "),
            ]
        })
        .collect();
    let [added, changed, same, refused] = report.counts();
    let would = if report.dry_run { "would be " } else { "" };
    let notes: String = report.notes.iter().map(|note| format!("note: {note}\n")).collect();
    format!(
        "{}{notes}{added} {would}added, {changed} {would}changed, {same} the same, {refused} refused\n",
        table(&heads, &rows)
    )
}

fn or_none(value: &str) -> &str {
    if value.is_empty() { "none" } else { value }
}

pub(crate) async fn export(
    desk: &Desk,
    file: &Path,
    format: Option<HostFormat>,
    printer: &Printer,
) -> Result<(), Fault> {
    let stdout = file == Path::new("-");
    let command = HostsExport { file: if stdout { None } else { Some(absolute(file)?) }, format };
    let report = desk.call(command).await?;
    match &report.text {
        Some(text) => write_new(file, text.as_bytes()),
        None => printer.show(&report, |report| {
            format!("{} hosts written to {}, without secrets\n", report.hosts, file.display())
        }),
    }
}

/// Replaces this program by ssh, or prints its command.
pub(crate) async fn ssh(desk: &Desk, host: String, print: bool, printer: &Printer) -> Result<(), Fault> {
    let command = desk.call(HostSsh { host }).await?;
    if print {
        return printer.show(&command, |command| format!("{}\n", command.line));
    }
    let Some((program, words)) = command.argv.split_first() else {
        return Err(Fault::new(FaultCode::Internal, "no command was given for it"));
    };
    // The store is free again before ssh takes this program's place.
    desk.close().await;
    let why = std::process::Command::new(program).args(words).exec();
    Err(Fault::bad_input("ssh", format!("ssh did not start: {why}")))
}

pub(crate) async fn key(
    desk: &Desk,
    host: String,
    fields: KeyFields,
    printer: &Printer,
) -> Result<(), Fault> {
    if fields.print {
        let command = desk.call(KeyPaste { host, key: fields.key }).await?;
        return printer.show(&command, |command| format!("{command}\n"));
    }
    let passphrase = if fields.passphrase_stdin {
        Some(secrets::from_stdin("passphrase")?)
    } else if fields.passphrase {
        Some(secrets::from_prompt("passphrase", "the key")?)
    } else {
        None
    };
    let command = KeySetUp {
        host,
        key: fields.key,
        passphrase: passphrase.map(Into::into),
        forget_password: fields.forget_password,
        typed_name: fields.confirm,
    };
    let operation = desk.call(command).await?;
    judge(&operation)?;
    printer.show(&operation, |operation| format!("{}\n", operation.summary))
}
