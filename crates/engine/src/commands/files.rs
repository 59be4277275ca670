//! Hosts from files and to files, and the way from a host to a terminal.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use protocol::hosts::{FileRefusal, Host, HostsExported, ImportReport, ImportVerdict, SshCommand};
use protocol::ipc::{Event, HostSsh, HostsExport, HostsImport, TerminalOpen};
use protocol::operations::OperationKind;
use protocol::{Fault, FaultCode};

use super::Handle;
use super::hosts::log;
use crate::engine::Engine;
use crate::error::internal;
use crate::hosts::{export, import, terminal};
use crate::{settings, this_computer, trust};

/// Names that stand in one entry of the log.
const MOST_NAMES: usize = 20;

impl Handle for HostsImport {
    async fn handle(self, engine: &Engine) -> Result<ImportReport, Fault> {
        let parts = &engine.parts;
        let path = full_path(&self.file)?;
        let saved = parts.hosts.list().await?;
        let ground = import::Ground { home: home().unwrap_or_default(), user: this_computer::operator() };
        let (from, format, before) = (path.clone(), self.format, saved.clone());
        let (format, planned, digest, notes) = tokio::task::spawn_blocking(move || {
            let mut notes = import::Notes::default();
            let (format, found) = import::read(&from, format, &ground, &mut notes)?;
            let planned = import::plan(found, &before, &ground);
            let digest = import::digest(&planned, &notes)?;
            Ok::<_, Fault>((format, planned, digest, notes.into_told()))
        })
        .await
        .map_err(|why| internal("reading hosts ended early", why))??;
        if self.shown.is_some_and(|shown| shown != digest) {
            let message = format!("{} is not what was shown any more: look again", path.display());
            return Err(Fault::bad_input("shown", message));
        }
        let (rows, saves): (Vec<_>, Vec<_>) = planned.into_iter().map(|plan| (plan.row, plan.save)).unzip();
        let file = path.display().to_string();
        let report = ImportReport { file: file.clone(), format, dry_run: self.dry_run, rows, notes, digest };
        let saves: Vec<_> = saves.into_iter().flatten().collect();
        if self.dry_run || saves.is_empty() {
            return Ok(report);
        }
        let hosts = parts.hosts.save_all(saves).await?;
        for host in &hosts {
            if saved.iter().any(|before| before.id == host.id && !before.has_link_of(host)) {
                parts.sessions.end(&host.id);
            }
        }
        log(engine, OperationKind::HostImport, None, &file, &summary(&report)).await?;
        engine.tell(Event::HostsChanged {});
        Ok(report)
    }
}

/// `3 added, 1 changed, 2 the same, 1 refused: web-1, web-2 ...`.
fn summary(report: &ImportReport) -> String {
    let [added, changed, same, refused] = report.counts();
    let names: Vec<&str> = report
        .rows
        .iter()
        .filter(|row| matches!(row.verdict, ImportVerdict::Added | ImportVerdict::Changed { .. }))
        .map(|row| row.name.as_str())
        .collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = names[..names.len().min(MOST_NAMES)].join(", ");
    format!("{added} added, {changed} changed, {same} the same, {refused} refused: {shown}{more}")
}

impl Handle for HostsExport {
    async fn handle(self, engine: &Engine) -> Result<HostsExported, Fault> {
        let hosts = engine.parts.hosts.list().await?;
        let path = self.file.as_deref().map(full_path).transpose()?;
        let format =
            self.format.unwrap_or_else(|| export::format_of(path.as_deref().unwrap_or(Path::new(""))));
        let text = export::write(&hosts, format)?;
        let count = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        let Some(path) = path else {
            return Ok(HostsExported { hosts: count, format, text: Some(text), file: None });
        };
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|why| {
            Fault::bad_input("file", format!("the file {} cannot be written: {why}", path.display()))
        })?;
        Ok(HostsExported { hosts: count, format, text: None, file: Some(path.display().to_string()) })
    }
}

impl Handle for HostSsh {
    async fn handle(self, engine: &Engine) -> Result<SshCommand, Fault> {
        command(engine, &self.host).await
    }
}

impl Handle for TerminalOpen {
    async fn handle(self, engine: &Engine) -> Result<String, Fault> {
        let command = command(engine, &self.host).await?;
        let chosen = settings::load(&engine.parts.store).await?.terminal;
        let program = terminal::find(chosen.as_deref())?;
        terminal::open(&program, &command)?;
        Ok(program.into_iter().next().unwrap_or_default())
    }
}

async fn command(engine: &Engine, name: &str) -> Result<SshCommand, Fault> {
    let host = remote(engine, name).await?;
    let hosts = engine.parts.hosts.list().await?;
    let known = trust::export(&engine.parts.trust.list().await?);
    terminal::command(&engine.parts.data_dir, &hosts, &host, &known)
}

async fn remote(engine: &Engine, name: &str) -> Result<Host, Fault> {
    let host = engine.host(name).await?;
    if host.is_local() {
        return Err(Fault::new(
            FaultCode::BadInput,
            "'local' is this computer: a terminal is open here already",
        )
        .about("host"));
    }
    Ok(host)
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

fn full_path(given: &str) -> Result<PathBuf, FileRefusal> {
    let given = given.trim();
    if given.is_empty() {
        return Err(FileRefusal::Unnamed);
    }
    let path = match (given.strip_prefix("~/"), home()) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(given),
    };
    std::path::absolute(&path)
        .map_err(|why| FileRefusal::Path { file: path.display().to_string(), why: why.to_string() })
}
