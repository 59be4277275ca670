//! A host that was started anew while its link was down. That is said once, and added to the entries of the log
//! whose end it took with it: it is the reason why nobody will ever learn how they ended.

use protocol::ipc::Event;
use protocol::system::System;

use super::session::{Session, locked};
use crate::system::{StartedAnew, started_anew};

impl Session {
    /// Notes an entry of the log whose end the host did not tell.
    pub(crate) fn left_open(&self, id: u64) {
        locked(&self.left_open).push(id);
    }

    /// Compares two looks at the host, one after the other.
    pub(super) async fn compare_boots(&self, before: &System, now: &System) {
        // Where it runs on, what it was told to do may do so too.
        let open = std::mem::take(&mut *locked(&self.left_open));
        let Some(anew) = started_anew(before, now) else { return };
        let host = self.host.name.clone();
        tracing::info!(%host, "it was started anew");
        let _ = self.ground.events.send(Event::Rebooted { host, since_ms: anew.since_ms });
        for id in open {
            if let Err(fault) = self.ground.operations.remark(id, explanation(anew)).await {
                tracing::warn!(id, code = ?fault.code, "why an end is not known was not written down");
            }
        }
    }
}

fn explanation(anew: StartedAnew) -> String {
    let since = anew.since_ms.and_then(|since_ms| jiff::Timestamp::from_millisecond(since_ms).ok());
    let when = since.map_or_else(String::new, |since| format!(" at {since:.0}"));
    format!("the host was started anew{when}, before it told how this ended: what ran then runs no more")
}

#[cfg(test)]
mod tests {
    use protocol::hosts::HelperUse;
    use protocol::operations::{OperationKind, OperationResult};

    use super::*;
    use crate::operations::{Finish, OperationDraft};
    use crate::sessions::cut_tests::Rig;

    fn boot(id: &str) -> System {
        let [boot_id, machine_id] = [id, "m"].map(|id| Some(id.to_owned()));
        let (boot_ms, clock_ahead_ms) = (Some(1_795_176_000_000), Some(0));
        System { at_ms: 1_795_175_000_000, boot_id, machine_id, boot_ms, clock_ahead_ms, ..System::default() }
    }

    #[tokio::test]
    async fn an_end_that_is_not_known_is_explained_where_the_host_was_started_anew_and_only_there() {
        let rig = Rig::new().await;
        rig.add("web", rig.sshd.port, None, HelperUse::Placed).await;
        let parts = &rig.engine.parts;
        let session = parts.sessions.of(&rig.engine.host("web").await.unwrap());
        let mut ids = Vec::new();
        for _ in 0..2 {
            let draft = OperationDraft::new(OperationKind::Command, None, "sleep");
            ids.push(parts.operations.begin(draft).await.unwrap());
            let unknown = Finish::new(OperationResult::OutcomeUnknown);
            parts.operations.finish(ids[ids.len() - 1], unknown).await.unwrap();
        }
        let mut events = rig.engine.events();
        session.left_open(ids[0]);
        session.compare_boots(&boot("a"), &boot("a")).await;
        session.left_open(ids[1]);
        session.compare_boots(&boot("a"), &boot("b")).await;
        session.compare_boots(&boot("b"), &boot("c")).await;
        let mut told = Vec::new();
        while let Ok(event) = events.try_recv() {
            if let Event::Rebooted { host, since_ms } = event {
                told.push((host, since_ms));
            }
        }
        assert_eq!(told, vec![("web".to_owned(), Some(1_795_176_000_000)); 2]);
        assert!(parts.operations.show(ids[0]).await.unwrap().comments.is_empty(), "it may run still");
        let said = parts.operations.show(ids[1]).await.unwrap().comments;
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].by, "Muster");
        assert!(said[0].text.contains("started anew at 2026-11-20T12:00:00Z"), "{said:?}");
        rig.engine.shutdown().await;
    }
}
