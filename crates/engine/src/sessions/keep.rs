//! A session that is kept: it streams metrics, renews the snapshot, and comes back after a cut.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::hosts::HostGlance;
use protocol::ipc::Event;
use protocol::link::LinkState;
use protocol::metrics::Metrics;
use protocol::processes::ProcessTable;
use protocol::services::ServiceTable;
use protocol::snapshot::Aged;
use protocol::sockets::SocketTable;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::retry::{back_off, comes_back};
use super::session::{Live, Session, locked, named, odd_answer};
use super::tables::Tabled;
use super::wake;
use crate::helper::Subscription;
use crate::snapshot::glance;

/// For a link to say why it ended, once its stream has.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Between two samples that are taken, less than between any two that are asked for. Each is told to every view: a
/// host that sends without end loses its older ones instead of filling the window with them.
const SAMPLES_APART: Duration = Duration::from_millis(200);
/// Time after which the parts of the snapshot that nobody looks at are read again.
const RENEW: Duration = Duration::from_secs(60);

impl Session {
    /// Connects, streams, and comes back after a cut, until it is told to disconnect. One that waits
    /// for its next try, tries now.
    pub fn keep(self: &Arc<Self>, interval_ms: u32) {
        let mut keeper = locked(&self.keeper);
        self.interval_ms.send_replace(interval_ms);
        if keeper.as_ref().is_none_or(JoinHandle::is_finished) {
            let (session, epoch) = (self.clone(), self.epoch());
            *keeper = Some(tokio::spawn(async move {
                session.clone().kept(epoch).await;
                session.by_itself.store(false, Ordering::SeqCst);
            }));
        } else {
            self.again.notify_waiters();
        }
    }

    /// Samples come at another interval from now on, also those of a stream that runs.
    pub(super) fn set_interval(&self, interval_ms: u32) {
        self.interval_ms.send_if_modified(|now| std::mem::replace(now, interval_ms) != interval_ms);
    }

    pub(super) fn is_kept(&self) -> bool {
        locked(&self.keeper).as_ref().is_some_and(|keeper| !keeper.is_finished())
    }

    async fn kept(self: Arc<Self>, epoch: u64) {
        let (mut tries, mut since_ms) = (0, self.ground.clock.now_ms());
        // The way through a jump host that was brought back, held until it is used.
        let mut way = None;
        self.by_itself.store(false, Ordering::SeqCst);
        loop {
            let connected = self.live_since(epoch).await;
            self.by_itself.store(true, Ordering::SeqCst);
            drop(way.take());
            let mut held = None;
            let fault = match connected {
                Ok(live) => {
                    held = live.connection();
                    let fault = self.stream(&live).await;
                    (tries, since_ms) = (0, self.ground.clock.now_ms());
                    fault
                }
                Err(fault) => fault,
            };
            if self.epoch() != epoch {
                return;
            }
            if let Some(hop) = fault.detail.hop.clone() {
                self.show_unreached(epoch, &fault, |_| true);
                let back = async {
                    self.ground.session_named(&hop).await?.way_back(&self, epoch, fault, held).await
                };
                match back.await {
                    Ok(connection) => way = Some(connection),
                    Err(_) => return,
                }
                continue;
            }
            drop(held);
            if !comes_back(fault.code) {
                return;
            }
            tries += 1;
            let wait = back_off(tries);
            let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            let next_ms = Some(self.ground.clock.now_ms().saturating_add(wait_ms));
            let again = self.again.notified();
            let network = self.network_back(fault.code == FaultCode::NoRoute);
            self.set_state(epoch, LinkState::Lost { since_ms, fault: Box::new(fault), tries, next_ms });
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = again => {}
                () = network => tries = 0,
            }
        }
    }

    /// Waits until this computer has a way to the host again, if it `is_gone`.
    async fn network_back(&self, is_gone: bool) {
        if !is_gone || wake::has_way(&self.host.address) {
            std::future::pending::<()>().await;
        }
        while !wake::has_way(&self.host.address) {
            tokio::time::sleep(wake::LOOK_EVERY).await;
        }
    }

    /// Streams metrics until the link ends; returns why it did.
    async fn stream(self: &Arc<Self>, live: &Arc<Live>) -> Fault {
        let streaming = async {
            let mut interval = self.interval_ms.subscribe();
            loop {
                let asked = *interval.borrow_and_update();
                let mut pushes = match self.samples(live, asked).await {
                    Ok(pushes) => pushes,
                    Err(fault) => break fault,
                };
                if let Some(fault) = self.listen(live, &mut pushes, &mut interval).await {
                    break fault;
                }
            }
        };
        // Both in this task: when it is aborted, nothing is left that would connect again.
        let fault = tokio::select! {
            fault = streaming => fault,
            fault = self.renew(live) => fault,
        };
        self.services.forget(true);
        self.sockets.forget(true);
        self.processes.forget(true);
        // The stream may end a moment before the link does, which knows why.
        let fault = match fault.code {
            FaultCode::LinkLost => timeout(LAST_WORDS, self.end_of(live)).await.unwrap_or(fault),
            _ => fault,
        };
        named(fault, &self.host)
    }

    /// Takes the samples of a subscription until it ends, and returns why it did; or until another interval is
    /// wanted.
    async fn listen(
        self: &Arc<Self>,
        live: &Live,
        pushes: &mut Subscription,
        interval: &mut watch::Receiver<u32>,
    ) -> Option<Fault> {
        loop {
            let push = tokio::select! {
                push = pushes.recv() => push,
                // The session has the other end of it.
                _ = interval.changed() => return None,
            };
            match push {
                Some(Ok((_, Answer::Metrics(metrics)))) => {
                    self.heard(*metrics).await;
                    tokio::select! {
                        () = tokio::time::sleep(SAMPLES_APART) => {}
                        fault = self.end_of(live) => return Some(fault),
                    }
                }
                Some(Ok((_, other))) => return Some(odd_answer(&other)),
                Some(Err(fault)) => return Some(fault),
                None => return Some(self.end_of(live).await),
            }
        }
    }

    /// What is asked for while the helper of a session that is kept is started.
    pub(super) fn opening(&self) -> Option<Ask> {
        let interval_ms = *self.interval_ms.borrow();
        self.is_kept().then_some(Ask::Metrics { interval_ms: Some(interval_ms) })
    }

    /// The stream of samples: the one that was asked for at the start, once.
    async fn samples(&self, live: &Live, interval_ms: u32) -> Result<Subscription, Fault> {
        match live.link.take_opening() {
            Some(opening) => Ok(opening),
            None => live.link.subscribe(Ask::Metrics { interval_ms: Some(interval_ms) }).await,
        }
    }

    /// Reads again, now and then, what the snapshot keeps beside the metrics, until the link ends.
    async fn renew(self: &Arc<Self>, live: &Live) -> Fault {
        while !live.is_closed() {
            let system = self.read_system().await;
            let services = self.renew_table::<ServiceTable>().await;
            let sockets = self.renew_table::<SocketTable>().await;
            let processes = self.renew_table::<ProcessTable>().await;
            for fault in [system.err(), services.err(), sockets.err(), processes.err()].into_iter().flatten()
            {
                tracing::debug!(host = %self.host.name, code = ?fault.code, "snapshot not renewed");
            }
            tokio::time::sleep(RENEW).await;
        }
        live.link.closed().await
    }

    /// A table that is watched comes into the snapshot by itself.
    async fn renew_table<T: Tabled>(self: &Arc<Self>) -> Result<(), Fault> {
        let board = T::board(self);
        board.forget(false);
        if board.is_watched() { Ok(()) } else { self.ask_table::<T>(T::ask(None)).await.map(drop) }
    }

    async fn heard(&self, metrics: Metrics) {
        let received_ms = self.ground.clock.now_ms();
        let aged = Aged { received_ms, value: metrics };
        let peak_pct = {
            let mut recent = locked(&self.recent);
            recent.push(aged.clone());
            recent.cpu_peak_pct()
        };
        if let LinkState::Live { heard_ms, .. } = &mut *locked(&self.state) {
            *heard_ms = received_ms;
        }
        let glance = glance(locked(&self.system).as_ref(), Some(&aged));
        let metrics = aged.value;
        if let Err(fault) =
            self.ground.snapshots.keep_metrics(&self.host.id, received_ms, metrics.clone()).await
        {
            tracing::warn!(host = %self.host.name, code = ?fault.code, "metrics not kept");
        }
        let host = self.host.name.clone();
        if let Some(glance) = glance {
            let glance = HostGlance { cpu_peak_pct: peak_pct, ..glance };
            let _ = self.ground.events.send(Event::Glance { host: host.clone(), glance });
        }
        let _ = self.ground.events.send(Event::Metrics { host, received_ms, metrics: Box::new(metrics) });
    }
}
