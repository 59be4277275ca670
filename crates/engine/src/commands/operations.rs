//! operations: reading the log and marking it.

use protocol::Fault;
use protocol::ipc::{OperationShow, OperationsList, OperationsRead, OperationsUnread};
use protocol::operations::{Operation, OperationCounts, OperationPage};

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
