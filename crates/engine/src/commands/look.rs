//! Looking at a host: live where there is a link, else the last snapshot, marked as stale.

use std::sync::Arc;
use std::time::Duration;

use protocol::delta::{Table, ViewNews};
use protocol::hosts::Host;
use protocol::ipc::{
    JournalShow, MetricsRead, MetricsRecent, ServiceImpactShow, ServicesQuery, ServicesWatch, SnapshotShow,
    SocketsQuery, SocketsWatch, SystemRead,
};
use protocol::journal::JournalPage;
use protocol::metrics::{Metrics, Recent};
use protocol::services::{ServiceAnswer, ServiceImpact, ServiceQuery};
use protocol::snapshot::Snapshot;
use protocol::sockets::{SocketAnswer, SocketQuery};
use protocol::system::System;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};

use super::Handle;
use crate::engine::Engine;
use crate::sessions::{Reading, Session, Tabled, odd_answer};
use crate::{journal, services, sockets};

impl Handle for SnapshotShow {
    async fn handle(self, engine: &Engine) -> Result<Snapshot, Fault> {
        let host = engine.host(&self.host).await?;
        engine.parts.snapshots.show(&host.id).await
    }
}

impl Handle for MetricsRecent {
    async fn handle(self, engine: &Engine) -> Result<Recent, Fault> {
        let host = engine.host(&self.host).await?;
        Ok(engine.parts.sessions.find(&host.id).map(|session| session.recent()).unwrap_or_default())
    }
}

impl Handle for SystemRead {
    async fn handle(self, engine: &Engine) -> Result<System, Fault> {
        let host = engine.host(&self.host).await?;
        engine.parts.sessions.of(&host).read_system().await
    }
}

impl Handle for MetricsRead {
    async fn handle(self, engine: &Engine) -> Result<Metrics, Fault> {
        let host = engine.host(&self.host).await?;
        engine.parts.sessions.of(&host).read_metrics().await
    }
}

impl Handle for SocketsQuery {
    async fn handle(self, engine: &Engine) -> Result<SocketAnswer, Fault> {
        query_sockets(engine, &self.host, &self.query).await
    }
}

impl Handle for SocketsWatch {
    async fn handle(self, engine: &Engine) -> Result<ViewNews<SocketAnswer>, Fault> {
        let answer = query_sockets(engine, &self.host, &self.query).await?;
        Ok(engine.parts.views.news(self.seen, answer))
    }
}

async fn query_sockets(engine: &Engine, host: &str, query: &SocketQuery) -> Result<SocketAnswer, Fault> {
    let host = engine.host(host).await?;
    let neighbours = sockets::neighbours(&engine.parts.hosts.list().await?);
    let session = engine.parts.sessions.of(&host);
    if query.unix {
        let ask = Ask::Sockets { interval_ms: None, unix: true };
        return match session.ask_seen(ask, Duration::from_secs(30)).await? {
            (Answer::Sockets(table), rights) => {
                let answer = sockets::answer(&table, query, &neighbours, false);
                Ok(SocketAnswer { rights, ..answer })
            }
            (other, _) => Err(odd_answer(&other)),
        };
    }
    if query.connect || session.live_now().await.is_some() {
        let reading = look_at(&session, query.connect && !query.watch).await?;
        let answer = sockets::answer(reading.table(), query, &neighbours, reading.is_late());
        let at_ms = shown_ms(&reading, answer.at_ms);
        return Ok(SocketAnswer { at_ms, rights: reading.rights, ..answer });
    }
    let kept = engine.parts.snapshots.show(&host.id).await?.sockets.ok_or_else(|| never_read(&host))?;
    let answer = sockets::answer(&kept.value, query, &neighbours, true);
    Ok(SocketAnswer { at_ms: kept.received_ms, ..answer })
}

impl Handle for ServicesQuery {
    async fn handle(self, engine: &Engine) -> Result<ServiceAnswer, Fault> {
        query_services(engine, &self.host, &self.query).await
    }
}

impl Handle for ServicesWatch {
    async fn handle(self, engine: &Engine) -> Result<ViewNews<ServiceAnswer>, Fault> {
        let answer = query_services(engine, &self.host, &self.query).await?;
        Ok(engine.parts.views.news(self.seen, answer))
    }
}

async fn query_services(engine: &Engine, host: &str, query: &ServiceQuery) -> Result<ServiceAnswer, Fault> {
    let host = engine.host(host).await?;
    let session = engine.parts.sessions.of(&host);
    if query.connect || session.live_now().await.is_some() {
        let reading = look_at(&session, query.connect && !query.watch).await?;
        let answer = services::answer(reading.table(), query, reading.is_late());
        return Ok(ServiceAnswer { at_ms: shown_ms(&reading, answer.at_ms), ..answer });
    }
    let kept = engine.parts.snapshots.show(&host.id).await?.services.ok_or_else(|| never_read(&host))?;
    let answer = services::answer(&kept.value, query, true);
    Ok(ServiceAnswer { at_ms: kept.received_ms, ..answer })
}

/// The table as it is now, or as it is kept up to date for a view that asks again and again.
pub(super) async fn look_at<T: Tabled>(session: &Arc<Session>, once: bool) -> Result<Reading<T>, Fault> {
    if once { session.read_table().await } else { session.watch_table().await }
}

/// The time that an answer shows: what is stale is as old as by this computer's clock.
pub(super) fn shown_ms<T: Table>(reading: &Reading<T>, at_ms: i64) -> i64 {
    if reading.is_late() { reading.received_ms } else { at_ms }
}

pub(super) fn never_read(host: &Host) -> Fault {
    Fault::new(
        FaultCode::LinkLost,
        format!("{} is not connected, and nothing was read from it before", host.name),
    )
    .on_host(&host.name)
}

impl Handle for ServiceImpactShow {
    async fn handle(self, engine: &Engine) -> Result<ServiceImpact, Fault> {
        let host = engine.host(&self.host).await?;
        super::act::check_unit(&self.unit)?;
        let neighbours = sockets::neighbours(&engine.parts.hosts.list().await?);
        let ask = Ask::Impact { unit: self.unit, sudo: host.sudo };
        match engine.parts.sessions.of(&host).ask(ask, Duration::from_secs(30)).await? {
            Answer::Impact(mut impact) => {
                for client in &mut impact.clients {
                    if let Some(name) = neighbours.get(&client.peer) {
                        client.peer.clone_from(name);
                        client.saved_host = true;
                    }
                }
                Ok(*impact)
            }
            other => Err(odd_answer(&other)),
        }
    }
}

impl Handle for JournalShow {
    async fn handle(self, engine: &Engine) -> Result<JournalPage, Fault> {
        let host = engine.host(&self.host).await?;
        journal::page(&engine.parts.sessions.of(&host), self.query).await
    }
}
