//! search: one question over all hosts.

use protocol::Fault;
use protocol::ipc::SearchFind;
use protocol::search::FindAnswer;

use super::Handle;
use crate::engine::Engine;
use crate::hosts::Hosts;

impl Handle for SearchFind {
    async fn handle(self, engine: &Engine) -> Result<FindAnswer, Fault> {
        let mut hosts = engine.parts.hosts.list().await?;
        let local = Hosts::local();
        // This computer is searched once it was looked at.
        if engine.parts.sessions.find(&local.id).is_some() {
            hosts.push(local);
        }
        engine.parts.search.find(hosts, &engine.parts.sessions, &self.query).await
    }
}
