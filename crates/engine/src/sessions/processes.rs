//! Processes of a session's host: more about some of them, and who used the most.

use std::sync::Arc;

use protocol::processes::{Blame, Process};
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};

use super::session::{ANSWER_LIMIT, Session, named, odd_answer};

impl Session {
    /// More about the processes with these PIDs; nothing where it cannot be told without the helper.
    pub(crate) async fn read_details(self: &Arc<Self>, pids: &[u32]) -> Result<Vec<Process>, Fault> {
        match self.ask(Ask::Details { pids: pids.to_vec() }, ANSWER_LIMIT).await {
            Ok(Answer::Processes(table)) => Ok(table.processes),
            Ok(other) => Err(odd_answer(&other)),
            Err(fault) if fault.code == FaultCode::HelperUnused => Ok(Vec::new()),
            Err(fault) => Err(fault),
        }
    }

    /// Who used the most at a moment by the host's clock. Only a link that streams knows: as root, what
    /// happened since root was first asked for; else by what the user who signed in may see.
    pub async fn read_blame(self: &Arc<Self>, at_ms: i64) -> Result<Blame, Fault> {
        let ask = Ask::Blame { at_ms };
        let as_root = as_blame(self.ask(ask.clone(), ANSWER_LIMIT).await?)?;
        if as_root.at_ms.is_some() {
            return Ok(as_root);
        }
        let live = self.live().await?;
        let own = live.link.ask(ask, ANSWER_LIMIT).await.map_err(|fault| named(fault, &self.host))?;
        as_blame(own)
    }
}

fn as_blame(answer: Answer) -> Result<Blame, Fault> {
    match answer {
        Answer::Blame(blame) => Ok(*blame),
        other => Err(odd_answer(&other)),
    }
}
