//! Processes of a session's host: more about some of them, and who used the most.

use std::sync::Arc;

use protocol::Fault;
use protocol::processes::{Blame, ProcessTable};
use protocol::wire::{Answer, Ask};

use super::session::{ANSWER_LIMIT, Session, odd_answer};
use super::tables::Reading;

impl Session {
    /// The table, with more about the processes with these PIDs.
    pub(crate) async fn read_details(
        self: &Arc<Self>,
        detail: &[u32],
    ) -> Result<Reading<ProcessTable>, Fault> {
        self.ask_table(Ask::Processes { interval_ms: None, detail: detail.to_vec() }).await
    }

    /// Who used the most at a moment by the host's clock. Only a link that streams knows.
    pub async fn read_blame(self: &Arc<Self>, at_ms: i64) -> Result<Blame, Fault> {
        match self.ask(Ask::Blame { at_ms }, ANSWER_LIMIT).await? {
            Answer::Blame(blame) => Ok(*blame),
            other => Err(odd_answer(&other)),
        }
    }
}
