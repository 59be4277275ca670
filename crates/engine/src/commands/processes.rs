//! processes: the query, who used the most at a moment, and signals.

use std::time::Duration;

use protocol::delta::ViewNews;
use protocol::ipc::{BlameShow, ProcessesQuery, ProcessesWatch, SignalSend};
use protocol::operations::{Operation, OperationKind};
use protocol::processes::{Blame, ProcessAnswer, ProcessQuery};
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};

use super::Handle;
use super::act::{guarded, logged};
use super::look::{look_at, never_read, shown_ms};
use crate::engine::Engine;
use crate::operations::OperationDraft;
use crate::processes;
use crate::sessions::{odd_answer, then};

/// The helper looks at the process for 2 s; sudo may take its time.
const SIGNAL_LIMIT: Duration = Duration::from_secs(40);

impl Handle for ProcessesQuery {
    async fn handle(self, engine: &Engine) -> Result<ProcessAnswer, Fault> {
        query_processes(engine, &self.host, &self.query).await
    }
}

impl Handle for ProcessesWatch {
    async fn handle(self, engine: &Engine) -> Result<ViewNews<ProcessAnswer>, Fault> {
        let answer = query_processes(engine, &self.host, &self.query).await?;
        Ok(engine.parts.views.news(self.seen, answer))
    }
}

async fn query_processes(engine: &Engine, host: &str, query: &ProcessQuery) -> Result<ProcessAnswer, Fault> {
    let host = engine.host(host).await?;
    let session = engine.parts.sessions.of(&host);
    if query.connect || session.live_now().await.is_some() {
        let reading = look_at(&session, query.connect && !query.watch).await?;
        let mut answer = processes::answer(reading.table(), query, reading.is_late());
        if !query.detail.is_empty() {
            let details = session.read_details(&query.detail).await?;
            processes::add_details(&mut answer.rows, details);
        }
        let at_ms = shown_ms(&reading, answer.at_ms);
        return Ok(ProcessAnswer { at_ms, rights: reading.rights, ..answer });
    }
    let kept = engine.parts.snapshots.show(&host.id).await?.processes.ok_or_else(|| never_read(&host))?;
    let answer = processes::answer(&kept.value, query, true);
    Ok(ProcessAnswer { at_ms: kept.received_ms, ..answer })
}

impl Handle for BlameShow {
    async fn handle(self, engine: &Engine) -> Result<Blame, Fault> {
        let host = engine.host(&self.host).await?;
        let session = engine.parts.sessions.of(&host);
        // What is known lives with the link: a new one would know nothing.
        if session.live_now().await.is_none() {
            let message = format!("{} is not connected, so who used the most is not known", host.name);
            return Err(Fault::new(FaultCode::LinkLost, message).on_host(&host.name));
        }
        session.read_blame(self.at_ms).await
    }
}

impl Handle for SignalSend {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        let host = engine.host(&self.host).await?;
        let SignalSend { pid, start_ticks, name, signal, typed_name, .. } = self;
        if pid == 1 {
            return Err(Fault::bad_input(
                "pid",
                "PID 1 holds the whole host together: Muster sends it no signal",
            ));
        }
        let command = processes::equivalent_command(pid, start_ticks, signal, host.sudo);
        let target = format!("{pid} ({name})");
        let draft = OperationDraft::new(OperationKind::Signal, Some(then(&host)), target)
            .running(command, host.sudo.into());
        let draft = guarded(engine, &host, typed_name.as_deref(), draft).await?;
        let ask = Ask::Signal { pid, start_ticks, signal, sudo: host.sudo };
        logged(engine, host, draft, ask, SIGNAL_LIMIT, move |answer| {
            let report = answer.and_then(|answer| match answer {
                Answer::Signal(report) => Ok(*report),
                other => Err(odd_answer(&other)),
            });
            processes::conclude(signal, &report)
        })
        .await
    }
}
