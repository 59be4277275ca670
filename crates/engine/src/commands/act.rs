//! Acting on a host: written to the log before it is sent, finished after, whatever happens.

use std::future::Future;
use std::time::Duration;

use protocol::hosts::{Host, Sudo};
use protocol::ipc::{CommandRun, ServiceAct};
use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};

use super::Handle;
use crate::engine::Engine;
use crate::error::internal;
use crate::operations::{Finish, OperationDraft};
use crate::sessions::{odd_answer, then};
use crate::{runs, services};

/// A unit's stop may take TimeoutStopSec (90 s), its start TimeoutStartSec (90 s) after it.
const ACT_LIMIT: Duration = Duration::from_secs(240);
/// A command may run long; the link tells when it is lost.
const RUN_LIMIT: Duration = Duration::from_secs(24 * 3_600);

impl Handle for ServiceAct {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        let host = engine.host(&self.host).await?;
        let ServiceAct { unit, action, typed_name, .. } = self;
        check_unit(&unit)?;
        check_guard(&host, typed_name.as_deref())?;
        let draft = OperationDraft {
            host: Some(then(&host)),
            kind: OperationKind::from(action),
            target: unit.clone(),
            command: services::exact_command(action, &unit, host.sudo),
        };
        let ask = Ask::Act { unit, action, sudo: host.sudo };
        logged(engine, host, draft, ask, ACT_LIMIT, |answer| {
            services::conclude(&answer.and_then(|answer| match answer {
                Answer::Act(report) => Ok(*report),
                other => Err(odd_answer(&other)),
            }))
        })
        .await
    }
}

impl Handle for CommandRun {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        let host = engine.host(&self.host).await?;
        let CommandRun { command, sudo, typed_name, .. } = self;
        if command.trim().is_empty() {
            return Err(Fault::bad_input(
                "command",
                "the command is empty: give what the host's shell shall run",
            ));
        }
        if command.contains('\0') {
            return Err(Fault::bad_input(
                "command",
                "the command holds a NUL character, which no shell takes",
            ));
        }
        check_guard(&host, typed_name.as_deref())?;
        let sudo = match (sudo, host.sudo) {
            (false, _) => Sudo::None,
            (true, Sudo::None) => {
                return Err(Fault::bad_input(
                    "sudo",
                    format!("{} has no sudo: set it with --sudo nopasswd when you edit the host", host.name),
                ));
            }
            (true, sudo) => sudo,
        };
        let draft = OperationDraft {
            host: Some(then(&host)),
            kind: OperationKind::Command,
            target: command.clone(),
            command: runs::exact_command(&command, sudo),
        };
        let ask = Ask::Run { command, sudo, limit_ms: None };
        logged(engine, host, draft, ask, RUN_LIMIT, |answer| {
            runs::conclude(&answer.and_then(|answer| match answer {
                Answer::Run(report) => Ok(*report),
                other => Err(odd_answer(&other)),
            }))
        })
        .await
    }
}

/// Logs, sends, and finishes the entry. Runs to its end even if the one who asked goes away.
pub(super) async fn logged<F>(
    engine: &Engine,
    host: Host,
    draft: OperationDraft,
    ask: Ask,
    limit: Duration,
    conclude: F,
) -> Result<Operation, Fault>
where
    F: FnOnce(Result<Answer, Fault>) -> Finish + Send + 'static,
{
    let engine = engine.clone();
    finished(tokio::spawn(async move {
        let operations = &engine.parts.operations;
        let id = operations.begin(draft).await?;
        let session = engine.parts.sessions.of(&host);
        let begun_ms = engine.parts.clock.now_ms();
        // A fault before the link is there means that nothing was sent.
        let sent = match session.live().await {
            Ok(live) => Ok(live.link.ask(ask, limit).await),
            Err(fault) => Err(fault),
        };
        session.forget_tables();
        let took_ms = u64::try_from(engine.parts.clock.now_ms() - begun_ms).ok();
        let (finish, fault) = match sent {
            Ok(answer) => {
                let fault = answer.as_ref().err().cloned();
                (conclude(answer), fault)
            }
            Err(fault) => {
                let finish =
                    Finish { summary: fault.message.clone(), ..Finish::new(OperationResult::Refused) };
                (finish, Some(fault))
            }
        };
        let finish = Finish { took_ms: finish.took_ms.or(took_ms), ..finish };
        let operation = operations.finish(id, finish).await?;
        match fault {
            Some(mut fault) if operation.result == OperationResult::Refused => {
                fault.detail.operation = Some(id);
                fault.detail.host.get_or_insert(host.name);
                Err(fault)
            }
            _ => Ok(operation),
        }
    }))
    .await
}

async fn finished<T>(
    task: impl Future<Output = Result<Result<T, Fault>, tokio::task::JoinError>>,
) -> Result<T, Fault> {
    task.await.map_err(|why| internal("an operation ended early", why))?
}

/// Refuses what is not the full name of a unit.
pub(super) fn check_unit(unit: &str) -> Result<(), Fault> {
    if protocol::services::is_unit_name(unit) {
        return Ok(());
    }
    let shown = protocol::text::printable(unit);
    Err(Fault::bad_input(
        "unit",
        format!("'{shown}' is not the full name of a unit: give it with its type, such as cron.service"),
    ))
}

/// A guarded host wants its name typed, exactly as it is saved.
pub(super) fn check_guard(host: &Host, typed_name: Option<&str>) -> Result<(), Fault> {
    if !host.is_guarded() || typed_name == Some(host.name.as_str()) {
        return Ok(());
    }
    let message = match typed_name {
        None => format!("{} is a prod host: its name must be typed before a change", host.name),
        Some(typed) => format!(
            "{} is a prod host: '{}' is not its name, nothing was done",
            host.name,
            protocol::text::printable(typed)
        ),
    };
    Err(Fault::new(FaultCode::GuardNotMet, message).on_host(&host.name))
}
