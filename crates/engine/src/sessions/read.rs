//! What a session reads once for whoever asks: what the host is, and one sample of its numbers.

use std::sync::Arc;

use protocol::Fault;
use protocol::metrics::Metrics;
use protocol::snapshot::Aged;
use protocol::system::System;
use protocol::wire::{Answer, Ask};

use super::session::{ANSWER_LIMIT, Session, locked, odd_answer};

impl Session {
    pub async fn read_system(self: &Arc<Self>) -> Result<System, Fault> {
        // The time that connecting takes is no error of the host's clock.
        self.live().await?;
        let sent_ms = self.ground.clock.now_ms();
        match self.ask(Ask::System {}, ANSWER_LIMIT).await? {
            Answer::System(system) => {
                let received_ms = self.ground.clock.now_ms();
                let system = crate::system::complete(*system, sent_ms);
                let before = locked(&self.system).replace(Aged { received_ms, value: system.clone() });
                if let Some(before) = before {
                    self.compare_boots(&before.value, &system).await;
                }
                self.ground.snapshots.keep_system(&self.host.id, received_ms, system.clone()).await?;
                Ok(system)
            }
            other => Err(odd_answer(&other)),
        }
    }

    pub async fn read_metrics(self: &Arc<Self>) -> Result<Metrics, Fault> {
        match self.ask(Ask::Metrics { interval_ms: None }, ANSWER_LIMIT).await? {
            Answer::Metrics(metrics) => {
                let now_ms = self.ground.clock.now_ms();
                self.ground.snapshots.keep_metrics(&self.host.id, now_ms, (*metrics).clone()).await?;
                Ok(*metrics)
            }
            other => Err(odd_answer(&other)),
        }
    }

    /// Forgets read tables, so that the next look shows what an action changed.
    pub fn forget_tables(&self) {
        self.processes.outdate();
        self.sockets.outdate();
        self.services.outdate();
    }
}
