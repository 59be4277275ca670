//! What lies on a host for Muster, and taking it away.

use protocol::Fault;
use protocol::hosts::Host;
use protocol::ipc::{HelperRemove, HelperStatusShow};
use protocol::link::HelperStatus;
use protocol::operations::{Operation, OperationKind, OperationResult};

use super::Handle;
use super::act::{finished, guarded};
use crate::engine::Engine;
use crate::helper::Removal;
use crate::operations::{Finish, OperationDraft};
use crate::services;
use crate::sessions::then;

impl Handle for HelperStatusShow {
    async fn handle(self, engine: &Engine) -> Result<HelperStatus, Fault> {
        let host = engine.host(&self.host).await?;
        engine.parts.sessions.of(&host).helper_status().await
    }
}

impl Handle for HelperRemove {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        let host = engine.host(&self.host).await?;
        if host.is_local() {
            let message = "the helper of this computer runs from memory: there is nothing to remove";
            return Err(Fault::bad_input("host", message));
        }
        let target = host.helper_dir.clone().unwrap_or_else(|| "~/.cache/muster".to_owned());
        let draft = OperationDraft::new(OperationKind::HelperRemove, Some(then(&host)), target);
        let draft = guarded(engine, &host, self.typed_name.as_deref(), draft).await?;
        let engine = engine.clone();
        finished(tokio::spawn(async move { remove(&engine, host, draft).await })).await
    }
}

/// Logs, removes, and finishes the entry. Runs to its end even if the one who asked goes away.
async fn remove(engine: &Engine, host: Host, draft: OperationDraft) -> Result<Operation, Fault> {
    let operations = &engine.parts.operations;
    let id = operations.begin(draft).await?;
    let begun_ms = engine.parts.clock.now_ms();
    let session = engine.parts.sessions.of(&host);
    let (finish, fault) = match session.take_down().await {
        Ok(down) => match down.remove_helper().await {
            Ok(removal) => (conclude(&removal), None),
            Err(fault) => (Finish { outcome: None, ..services::cut_short(&fault) }, Some(fault)),
        },
        // A fault before the connection is there means that nothing was done.
        Err(fault) => (Finish::by(&fault, OperationResult::Refused), Some(fault)),
    };
    let took_ms = u64::try_from(engine.parts.clock.now_ms() - begun_ms).ok();
    let operation = operations.finish(id, Finish { took_ms, ..finish }).await?;
    match fault {
        Some(mut fault) if operation.result == OperationResult::Refused => {
            fault.detail.operation = Some(id);
            fault.detail.host.get_or_insert(host.name);
            Err(fault)
        }
        _ => Ok(operation),
    }
}

fn conclude(removal: &Removal) -> Finish {
    let result = if removal.stays.is_empty() { OperationResult::Done } else { OperationResult::Failed };
    let lines = [
        ("removed", &removal.removed),
        ("removed the folder", &removal.gone),
        ("left the folder", &removal.kept),
        ("ended the process", &removal.ended),
        ("stays:", &removal.stays),
    ];
    let output =
        lines.iter().flat_map(|(what, which)| which.iter().map(move |one| format!("{what} {one}\n")));
    Finish { output: output.collect(), ..Finish::new(result).saying(removal.summary()) }
}
