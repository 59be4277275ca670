//! What is done for the log while the app runs: its end is noted in the keyring, old entries are
//! taken away as the settings say, and new ones are sent to syslog if that is set.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use protocol::Fault;
use protocol::credentials::KeyringState;
use protocol::operations::{ExportFormat, OperationFilter, OperationKind, OperationResult, Retained};
use protocol::settings::LogKeep;
use tokio::time::Instant;

use super::export::utc;
use super::{Finish, OperationDraft, Operations};
use crate::engine::Parts;
use crate::settings;

/// After a change the keyring is told so much later, once for many changes.
const NOTE_AFTER: Duration = Duration::from_secs(5);
const RETAIN_EVERY: Duration = Duration::from_secs(3_600);
/// Pauses between tries to reach the collector.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
const DAY_MS: i64 = 86_400_000;

/// Runs until the engine is gone; it holds nothing of it while it waits.
pub(crate) async fn keep_up(parts: Weak<Parts>) {
    let Some(mut told) = parts.upgrade().map(|parts| parts.operations.subscribe()) else { return };
    let mut way = None;
    let mut pause = RETRY.0;
    let mut retain_at = Instant::now();
    let mut noted = None;
    loop {
        {
            let Some(parts) = parts.upgrade() else { return };
            if let Err(fault) = parts.operations.catch_up().await {
                tracing::warn!(why = %fault.message, "what came of operations waits to be written down");
            }
            let log = match settings::load(&parts.store).await {
                Ok(settings) => settings.log,
                Err(_) => Default::default(),
            };
            if Instant::now() >= retain_at {
                retain_at = Instant::now() + RETAIN_EVERY;
                if let Err(fault) = parts.operations.retain(&log.keep).await {
                    tracing::warn!(why = %fault.message, "old entries of the log stay");
                }
            }
            if let Some(to) = &log.syslog {
                match parts.operations.forward(to, &mut way).await {
                    Ok(_) => pause = RETRY.0,
                    Err(fault) => {
                        tracing::info!(why = %fault.message, "entries of the log wait for syslog");
                        pause = (pause * 2).min(RETRY.1);
                    }
                }
            }
            let record = told.borrow_and_update().record;
            if noted != Some(record) {
                match parts.operations.note_apart(parts.secrets.clone()).await {
                    Ok(()) => {
                        noted = Some(record);
                        // It is open now: nobody is asked for a passphrase by this look.
                        parts.tend_key().await;
                    }
                    Err(fault) => {
                        tracing::debug!(code = ?fault.code, "the end of the log is noted beside it alone")
                    }
                }
            }
        }
        tokio::time::sleep(NOTE_AFTER.max(pause)).await;
        let changed = tokio::time::timeout(RETRY.1, told.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return;
        }
    }
}

impl Operations {
    /// Takes away what a person does not want to keep any longer, and writes it to a file first if they
    /// want that. It is told in the log.
    pub async fn retain(&self, keep: &LogKeep) -> Result<Retained, Fault> {
        let since_ms = keep.days.map(|days| self.clock.now_ms() - i64::from(days) * DAY_MS);
        let mut told = Retained::default();
        let Some(through) = self.last_to_go(since_ms, keep.entries).await? else { return Ok(told) };
        if let Some(folder) = &keep.export_to {
            let day: String =
                utc(self.clock.now_ms()).chars().filter(char::is_ascii_digit).take(14).collect();
            let name = format!("muster-operations-{day}-through-{through}.jsonl");
            let file = PathBuf::from(folder).join(name);
            let filter = OperationFilter { before: Some(through + 1), ..OperationFilter::default() };
            told.exported = Some(self.export(file, ExportFormat::Json, filter, |_| true).await?.file);
        }
        told.gone = self.retire_through(through).await?;
        let draft = OperationDraft::new(OperationKind::LogRetention, None, format!("1 to {through}"));
        let exported =
            told.exported.as_ref().map_or_else(String::new, |file| format!(", exported to {file}"));
        let summary = format!("{} entries{exported}", told.gone);
        self.record_own(draft, Finish::new(OperationResult::Done).saying(summary)).await?;
        Ok(told)
    }
}

/// The keyring gets so long to note the end of the log before a program ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is left to do before a program ends. It asks nobody for anything.
pub(crate) async fn end(parts: &Parts) {
    if let Err(fault) = parts.operations.catch_up().await {
        tracing::error!(why = %fault.message, "what came of an operation is not in the log");
    }
    let is_ready = match parts.secrets.state() {
        KeyringState::Ready => parts.store.sealer().key_id().is_some(),
        KeyringState::Vault { open } => open,
        KeyringState::Unavailable { .. } => false,
    };
    if is_ready && parts.operations.has_grown() {
        let noted = tokio::time::timeout(PATIENCE, parts.operations.note_apart(parts.secrets.clone())).await;
        match noted {
            Ok(Ok(())) => drop(tokio::time::timeout(PATIENCE, parts.tend_key()).await),
            _ => tracing::debug!("the end of the log is noted beside it alone"),
        }
    }
}

/// Begins the upkeep of an engine that stays open.
pub(crate) fn begin(parts: &Arc<Parts>) {
    tokio::spawn(keep_up(Arc::downgrade(parts)));
}
