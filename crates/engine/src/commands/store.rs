//! The data on this computer: what it is like, reading all of it, and its backups.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::Fault;
use protocol::ipc::{StoreBackup, StoreCheck, StoreShow};
use protocol::store::{BackupFacts, StoreFacts, StoreReport};
use secrecy::SecretString;

use super::Handle;
use crate::engine::Engine;
use crate::error::internal;

/// A program that ends waits so long for the backup of the day, after its answer was given.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same where there was none for long: a large store would else never have one.
const LONG_PATIENCE: Duration = Duration::from_secs(60);
const LONG_MS: i64 = 3 * 24 * 3_600 * 1_000;
/// Between two looks whether another day began.
const LOOK: Duration = Duration::from_secs(3_600);

impl Handle for StoreShow {
    async fn handle(self, engine: &Engine) -> Result<StoreFacts, Fault> {
        engine.parts.tend_key().await;
        engine.parts.store.facts().await
    }
}

impl Handle for StoreCheck {
    async fn handle(self, engine: &Engine) -> Result<StoreReport, Fault> {
        engine.parts.store.check().await
    }
}

impl Handle for StoreBackup {
    async fn handle(self, engine: &Engine) -> Result<BackupFacts, Fault> {
        let parts = &engine.parts;
        let made = parts.store.back_up_daily(parts.clock.now_ms(), true, Arc::default()).await?;
        made.ok_or_else(|| internal("a backup", "it was given up"))
    }
}

impl Engine {
    /// Writes a backup to a file of the person's choice.
    pub async fn back_up(&self, file: &Path, passphrase: Option<SecretString>) -> Result<BackupFacts, Fault> {
        self.parts.store.back_up(file, self.parts.clock.now_ms(), passphrase).await
    }

    /// Makes the backup of each day as long as this program runs.
    pub async fn keep_backed_up(&self) {
        loop {
            let parts = &self.parts;
            told(parts.store.back_up_daily(parts.clock.now_ms(), false, Arc::default()).await);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Makes the backup of the day if there is none, as the last thing before a program ends. One that
    /// would take long is given up, and tried again the next time.
    pub(crate) async fn back_up_at_the_end(&self) {
        let parts = &self.parts;
        if parts.store.read_only().is_some() {
            return;
        }
        let now_ms = parts.clock.now_ms();
        let newest_ms = match parts.store.facts().await {
            Ok(facts) if facts.values == 0 => return,
            Ok(facts) => facts.backups.first().map(|backup| backup.made_ms),
            Err(_) => return,
        };
        let is_old = newest_ms.is_none_or(|made_ms| now_ms - made_ms > LONG_MS);
        let stop = Arc::new(AtomicBool::new(false));
        let making = parts.store.back_up_daily(now_ms, false, stop.clone());
        tokio::pin!(making);
        let patience = if is_old { LONG_PATIENCE } else { PATIENCE };
        let made = match tokio::time::timeout(patience, &mut making).await {
            Ok(made) => made,
            Err(_) => {
                stop.store(true, Ordering::Relaxed);
                making.await
            }
        };
        told(made);
    }
}

/// Nobody waits for the backup of the day: what became of it is in the log of the program.
fn told(made: Result<Option<BackupFacts>, Fault>) {
    match made {
        Ok(Some(made)) => {
            tracing::info!(file = made.file, values = made.values, "the backup of the day is made")
        }
        Ok(None) => {}
        Err(fault) => {
            tracing::warn!(code = ?fault.code, why = %fault.message, "the backup of the day was not made")
        }
    }
}
