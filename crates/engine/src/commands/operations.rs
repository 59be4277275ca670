//! operations: reading the log and marking it.

use protocol::Fault;
use protocol::ipc::{
    OperationComment, OperationShow, OperationsCounts, OperationsList, OperationsRead, OperationsUnread,
    OperationsVerify,
};
use protocol::operations::{LogCheck, Operation, OperationCounts, OperationPage};

use super::Handle;
use crate::engine::Engine;

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
