//! What a session reads once: each noun, kept for a moment, so that typing a query does not read the
//! host anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::Fault;
use protocol::metrics::Metrics;
use protocol::services::ServiceTable;
use protocol::snapshot::Aged;
use protocol::sockets::SocketTable;
use protocol::system::System;
use protocol::wire::{Answer, Ask};

use super::session::{ANSWER_LIMIT, Session, locked, odd_answer};

/// How long a read table answers further queries.
pub(super) const FRESH: Duration = Duration::from_millis(900);

impl Session {
    pub async fn read_system(self: &Arc<Self>) -> Result<System, Fault> {
        // The time that connecting takes is no error of the host's clock.
        self.live().await?;
        let sent_ms = self.ground.clock.now_ms();
        match self.ask(Ask::System {}, ANSWER_LIMIT).await? {
            Answer::System(system) => {
                let received_ms = self.ground.clock.now_ms();
                let system = crate::system::complete(*system, sent_ms);
                *locked(&self.system) = Some(Aged { received_ms, value: system.clone() });
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

    pub async fn read_sockets(self: &Arc<Self>) -> Result<SocketTable, Fault> {
        if let Some((_, table)) = locked(&self.sockets).as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(table.clone());
        }
        match self.ask(Ask::Sockets { interval_ms: None, unix: false }, ANSWER_LIMIT).await? {
            Answer::Sockets(table) => {
                let now_ms = self.ground.clock.now_ms();
                self.ground.snapshots.keep_sockets(&self.host.id, now_ms, table.clone()).await?;
                *locked(&self.sockets) = Some((Instant::now(), table.clone()));
                Ok(table)
            }
            other => Err(odd_answer(&other)),
        }
    }

    pub async fn read_services(self: &Arc<Self>) -> Result<ServiceTable, Fault> {
        if let Some((_, table)) = locked(&self.services).as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(table.clone());
        }
        match self.ask(Ask::Services { interval_ms: None }, ANSWER_LIMIT).await? {
            Answer::Services(table) => {
                let now_ms = self.ground.clock.now_ms();
                self.ground.snapshots.keep_services(&self.host.id, now_ms, table.clone()).await?;
                *locked(&self.services) = Some((Instant::now(), table.clone()));
                Ok(table)
            }
            other => Err(odd_answer(&other)),
        }
    }

    /// Forgets read tables, so that the next look shows what an action changed.
    pub fn forget_tables(&self) {
        *locked(&self.processes) = None;
        *locked(&self.sockets) = None;
        *locked(&self.services) = None;
    }
}
