//! operations: reading the log and marking it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::ipc::{
    Event, OperationComment, OperationShow, OperationsCounts, OperationsExport, OperationsExportCancel,
    OperationsForward, OperationsList, OperationsRead, OperationsRetain, OperationsUnread, OperationsVerify,
};
use protocol::operations::{
    ExportReport, LogCheck, Operation, OperationCounts, OperationKind, OperationPage, OperationResult,
    Retained,
};
use protocol::{Fault, FaultCode};

use super::Handle;
use crate::engine::Engine;
use crate::operations::{Finish, Form, OperationDraft};
use crate::settings;

impl Handle for OperationsList {
    async fn handle(self, engine: &Engine) -> Result<OperationPage, Fault> {
        engine.parts.operations.page(self.filter).await
    }
}

impl Handle for OperationShow {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        engine.parts.operations.show(self.id).await
    }
}

impl Handle for OperationsRead {
    async fn handle(self, engine: &Engine) -> Result<OperationCounts, Fault> {
        engine.parts.operations.mark_read(self.selection).await
    }
}

impl Handle for OperationsUnread {
    async fn handle(self, engine: &Engine) -> Result<OperationCounts, Fault> {
        engine.parts.operations.mark_unread(self.ids).await
    }
}

impl Handle for OperationsCounts {
    async fn handle(self, engine: &Engine) -> Result<OperationCounts, Fault> {
        let host = engine.host(&self.host).await?;
        engine.parts.operations.counts_of(host.id).await
    }
}

impl Handle for OperationComment {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        engine.parts.operations.comment(self.id, self.text).await
    }
}

impl Handle for OperationsVerify {
    async fn handle(self, engine: &Engine) -> Result<LogCheck, Fault> {
        let parts = &engine.parts;
        let check = parts.operations.verify(parts.secrets.clone()).await?;
        if check.breaks_in_all == 0
            && let Err(fault) = parts.operations.note_apart(parts.secrets.clone()).await
        {
            tracing::info!(code = ?fault.code, "the end of the log's chain is not noted in the keyring");
        }
        Ok(check)
    }
}

/// Between two events about one export.
const TELL_EVERY: Duration = Duration::from_millis(200);

impl Handle for OperationsExport {
    async fn handle(self, engine: &Engine) -> Result<ExportReport, Fault> {
        let OperationsExport { file, format, filter, words, ticket } = self;
        let form = Form { format, words: words.unwrap_or_default() };
        let operations = &engine.parts.operations;
        let held = operations.take_ticket(ticket.clone());
        let mut told = Instant::now();
        let report = operations
            .export(in_home(&file), form, filter, |report| {
                if told.elapsed() >= TELL_EVERY || report.permille == 1_000 {
                    told = Instant::now();
                    engine.tell(Event::Export { ticket: ticket.clone(), report: report.clone() });
                }
                held.goes_on()
            })
            .await?;
        let draft = OperationDraft::new(OperationKind::LogExport, None, report.file.clone());
        let summary = format!("{} entries as {}", report.written, format.name());
        let written = operations.record_own(draft, Finish::new(OperationResult::Done).saying(summary)).await;
        match written {
            // The log can be read and not be written; what was read of it is there.
            Err(fault) if fault.code == FaultCode::StoreUnwritable => {
                Ok(ExportReport { unlogged: Some(fault.message), ..report })
            }
            done => done.map(|_| report),
        }
    }
}

/// A path as a person gives it; `~` is the home folder.
fn in_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

impl Handle for OperationsExportCancel {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        engine.parts.operations.call_off(&self.ticket);
        Ok(())
    }
}

impl Handle for OperationsRetain {
    async fn handle(self, engine: &Engine) -> Result<Retained, Fault> {
        let keep = match self.keep {
            Some(keep) => keep,
            None => settings::load(&engine.parts.store).await?.log.keep,
        };
        settings::check_keep(&keep)?;
        engine.parts.operations.retain(&keep).await
    }
}

impl Handle for OperationsForward {
    async fn handle(self, engine: &Engine) -> Result<u64, Fault> {
        let Some(to) = settings::load(&engine.parts.store).await?.log.syslog else {
            return Err(Fault::bad_input("syslog", "no collector is set, so nothing is sent to one"));
        };
        engine.parts.operations.forward_now(&to).await
    }
}
