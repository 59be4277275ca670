//! Processes of a session's host: the table, kept for a moment, and who used the most.

use std::sync::Arc;
use std::time::Instant;

use protocol::Fault;
use protocol::processes::{Blame, ProcessTable};
use protocol::wire::{Answer, Ask};

use super::read::FRESH;
use super::session::{ANSWER_LIMIT, Session, locked, odd_answer};

impl Session {
    /// The table, with CPU shares since the last one if that was a moment ago, else over half a second.
    /// `detail` names the PIDs of which more is read.
    pub async fn read_processes(self: &Arc<Self>, detail: &[u32]) -> Result<ProcessTable, Fault> {
        if detail.is_empty()
            && let Some((_, table)) = locked(&self.processes).as_ref().filter(|(at, _)| at.elapsed() < FRESH)
        {
            return Ok(table.clone());
        }
        let ask = Ask::Processes { interval_ms: None, detail: detail.to_vec() };
        match self.ask(ask, ANSWER_LIMIT).await? {
            Answer::Processes(table) => {
                let now_ms = self.ground.clock.now_ms();
                self.ground.snapshots.keep_processes(&self.host().id, now_ms, table.clone()).await?;
                *locked(&self.processes) = Some((Instant::now(), table.clone()));
                Ok(table)
            }
            other => Err(odd_answer(&other)),
        }
    }

    /// Who used the most at a moment by the host's clock. Only a link that streams knows.
    pub async fn read_blame(self: &Arc<Self>, at_ms: i64) -> Result<Blame, Fault> {
        match self.ask(Ask::Blame { at_ms }, ANSWER_LIMIT).await? {
            Answer::Blame(blame) => Ok(*blame),
            other => Err(odd_answer(&other)),
        }
    }
}
