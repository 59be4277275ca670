//! Starting the helper of a session, and putting it there first where it is missing: that is written
//! to the log before it happens and finished after, whatever comes of it.

use protocol::link::LinkStep;
use protocol::operations::{OperationKind, OperationResult, ReadSelection};
use protocol::{Fault, FaultCode};

use super::session::{Session, then};
use crate::helper::{self, Link, Place, Placed};
use crate::operations::{Finish, OperationDraft, Operations};
use crate::services::cut_short;
use crate::ssh::Connection;

impl Session {
    /// The helper, running. One command finds, checks and starts it where it lies already.
    pub(super) async fn start_helper(
        &self,
        connection: &Connection,
        step: &(dyn Fn(LinkStep) + Send + Sync),
    ) -> Result<(Placed, Link), Fault> {
        let (name, dir) = (&self.host().name, self.host().helper_dir.as_deref());
        step(LinkStep::StartingHelper);
        if let Some(started) = helper::start_if_placed(connection, name, dir, self.opening()).await? {
            return Ok(started);
        }
        step(LinkStep::PlacingHelper);
        let place = helper::find_place(connection, name, dir).await?;
        let placed = if place.is_filled() { place.placed } else { self.fill(connection, place).await? };
        step(LinkStep::StartingHelper);
        let link = helper::start(connection, name, &placed, self.opening()).await?;
        Ok((placed, link))
    }

    async fn fill(&self, connection: &Connection, place: Place) -> Result<Placed, Fault> {
        let Placed { path, sha256, bytes, .. } = place.placed.clone();
        let draft = OperationDraft::new(OperationKind::HelperPlace, Some(then(self.host())), path);
        let operations = &self.ground.operations;
        let entry = Entry { id: Some(operations.begin(draft).await?), operations };
        let filled = place.fill(connection, &self.host().name).await;
        let done = Finish::new(OperationResult::Done).saying(format!("{bytes} bytes, sha256 {sha256}"));
        let finish = match &filled {
            Ok(_) => done,
            // The host said that it took back what it could not finish.
            Err(fault) if fault.code == FaultCode::HelperFailed => Finish::by(fault, OperationResult::Failed),
            Err(fault) => Finish { outcome: None, ..cut_short(fault) },
        };
        let id = entry.finish(finish).await?;
        if filled.is_ok() {
            // Its operator saw it happen.
            operations.mark_read(ReadSelection::Ids(vec![id])).await?;
        }
        filled
    }
}

/// An entry that is under way. Dropped before it is finished, because the connection was called off,
/// it is finished as not known.
struct Entry<'a> {
    id: Option<u64>,
    operations: &'a Operations,
}

impl Entry<'_> {
    async fn finish(mut self, finish: Finish) -> Result<u64, Fault> {
        let Some(id) = self.id else {
            return Err(crate::error::internal("an entry of the log", "it was finished before"));
        };
        self.operations.finish(id, finish).await?;
        self.id = None;
        Ok(id)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id, tokio::runtime::Handle::try_current()) else { return };
        let operations = self.operations.clone();
        runtime.spawn(async move {
            let cause = "the connection was called off while the helper was put there";
            let finish = Finish::new(OperationResult::OutcomeUnknown).saying(cause);
            if let Err(fault) = operations.finish(id, finish).await {
                tracing::warn!(code = ?fault.code, "an entry of the log stays open until the next start");
            }
        });
    }
}
