//! Writing entries to a file: for a spreadsheet, for a program, or to be printed.
//!
//! A page at a time, so that a long log needs no more memory than a short one. The file appears under its
//! name when it is whole; one that is given up leaves nothing.

mod csv;
mod html;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::operations::{ExportFormat, ExportReport, ExportWords, Operation, OperationFilter};
use protocol::{Fault, FaultCode};

use super::{Operations, book};
use crate::error::internal;

/// Entries of one page.
const PAGE: u32 = 500;

/// A file that is being written. It is taken away again unless it is finished.
struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
    is_kept: bool,
}

impl Part {
    fn begin(target: &Path) -> Result<Self, Fault> {
        let (Some(name), true) = (target.file_name(), target.is_absolute()) else {
            return Err(Fault::bad_input("file", format!("{} is no full path of a file", target.display())));
        };
        if target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}.part", uuid::Uuid::now_v7().simple()));
        let path = target.with_file_name(part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|why| unwritten(target, &why))?;
        Ok(Self { file, path, target: target.to_owned(), is_kept: false })
    }

    fn finish(mut self) -> Result<(), Fault> {
        self.file.sync_all().map_err(|why| unwritten(&self.target, &why))?;
        // A link, unlike a renaming, never replaces what somebody put there meanwhile.
        match std::fs::hard_link(&self.path, &self.target) {
            Ok(()) => {}
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => return Err(exists(&self.target)),
            // A file system without links.
            Err(_) => {
                std::fs::rename(&self.path, &self.target).map_err(|why| unwritten(&self.target, &why))?;
                self.is_kept = true;
            }
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn exists(target: &Path) -> Fault {
    Fault::bad_input("file", format!("{} is there already and is not overwritten", target.display()))
}

fn unwritten(target: &Path, why: &io::Error) -> Fault {
    Fault::new(FaultCode::BadInput, format!("{} cannot be written: {why}", target.display())).about("file")
}

/// The form of a file.
#[derive(Clone, Debug)]
pub struct Form {
    pub format: ExportFormat,
    /// Of a page to print.
    pub words: ExportWords,
}

impl From<ExportFormat> for Form {
    fn from(format: ExportFormat) -> Self {
        Self { format, words: ExportWords::default() }
    }
}

impl Form {
    fn head(&self) -> String {
        match self.format {
            ExportFormat::Csv => csv::head(),
            ExportFormat::Json => String::new(),
            ExportFormat::Html => html::head(&self.words),
        }
    }

    fn tail(&self) -> &'static str {
        match self.format {
            ExportFormat::Csv | ExportFormat::Json => "",
            ExportFormat::Html => html::TAIL,
        }
    }

    fn row(&self, entry: &Operation) -> Result<String, Fault> {
        Ok(match self.format {
            ExportFormat::Csv => csv::row(entry),
            ExportFormat::Json => {
                serde_json::to_string(entry).map_err(|why| internal("an entry as JSON", why))? + "\n"
            }
            ExportFormat::Html => html::row(entry, &self.words),
        })
    }
}

impl Operations {
    /// Writes what a filter asks for, newest first, and tells how far it has come. Dropping it before
    /// its end takes away what was written; `goes_on` is asked after each page and ends it in the same way.
    pub async fn export(
        &self,
        target: PathBuf,
        form: impl Into<Form>,
        filter: OperationFilter,
        mut goes_on: impl FnMut(&ExportReport) -> bool,
    ) -> Result<ExportReport, Fault> {
        let ledger = self.store.read(|reader| book::ledger(reader)).await?;
        let mut report = ExportReport { file: target.display().to_string(), ..ExportReport::default() };
        let mut part = on_disk(move || Part::begin(&target)).await?;
        let mut filter = OperationFilter { limit: Some(PAGE), ..filter };
        let form = form.into();
        let mut text = form.head();
        loop {
            let page = self.page(filter.clone()).await?;
            for entry in &page.operations {
                text += &form.row(entry)?;
            }
            report.written += page.operations.len() as u64;
            let Some(next) = page.next else { break };
            report.bytes += text.len() as u64;
            part = on_disk(move || {
                part.file.write_all(text.as_bytes()).map_err(|why| unwritten(&part.target, &why))?;
                Ok(part)
            })
            .await?;
            text = String::new();
            let (all, left) = (ledger.newest - ledger.retired, next.saturating_sub(ledger.retired));
            report.permille = u32::try_from(1_000 - (1_000 * left.min(all)) / all.max(1)).unwrap_or(1_000);
            if !goes_on(&report) {
                return Err(Fault::new(
                    FaultCode::BadInput,
                    format!(
                        "the export was called off after {} entries; nothing is left of it",
                        report.written
                    ),
                )
                .about("export"));
            }
            filter.before = Some(next);
        }
        text += form.tail();
        report.bytes += text.len() as u64;
        on_disk(move || {
            part.file.write_all(text.as_bytes()).map_err(|why| unwritten(&part.target, &why))?;
            part.finish()
        })
        .await?;
        report.permille = 1_000;
        goes_on(&report);
        Ok(report)
    }
}

/// An export that can be called off by its ticket until this is dropped.
pub(crate) struct Ticket<'o> {
    name: String,
    goes_on: Arc<AtomicBool>,
    of: &'o Operations,
}

impl Ticket<'_> {
    pub(crate) fn goes_on(&self) -> bool {
        self.goes_on.load(Ordering::Relaxed)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        super::lock(&self.of.exports).remove(&self.name);
    }
}

impl Operations {
    pub(crate) fn take_ticket(&self, name: String) -> Ticket<'_> {
        let goes_on = Arc::new(AtomicBool::new(true));
        super::lock(&self.exports).insert(name.clone(), goes_on.clone());
        Ticket { name, goes_on, of: self }
    }

    /// Calls off an export; one that has ended is left as it is.
    pub(crate) fn call_off(&self, ticket: &str) {
        if let Some(goes_on) = super::lock(&self.exports).get(ticket) {
            goes_on.store(false, Ordering::Relaxed);
        }
    }
}

async fn on_disk<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
) -> Result<R, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|why| internal("an export ended early", why))?
}

/// RFC 3339, in UTC.
pub(super) fn utc(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}
