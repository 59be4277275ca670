//! Acting on a host: written to the log before it is sent, finished after, whatever happens.

use std::future::Future;
use std::time::Duration;

use protocol::hosts::{Host, Sudo};
use protocol::ipc::{CommandRun, ServiceAct};
use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::services::Manager;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};

use super::Handle;
use crate::engine::Engine;
use crate::error::internal;
use crate::operations::{Finish, OperationDraft};
use crate::sessions::{odd_answer, then};
use crate::{runs, services};

/// The helper gives a unit 15 min and watches it a while after; systemd's own limits are shorter.
const ACT_LIMIT: Duration = Duration::from_secs(17 * 60);
/// A command may run long; the link tells when it is lost.
const RUN_LIMIT: Duration = Duration::from_secs(24 * 3_600);
/// Linux gives a program no longer argument (MAX_ARG_STRLEN), and one byte of it ends the text.
const COMMAND_LIMIT_BYTES: usize = (128 << 10) - 1;

impl Handle for ServiceAct {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        let host = engine.host(&self.host).await?;
        let ServiceAct { unit, action, typed_name, .. } = self;
        check_unit(&unit)?;
        let command = protocol::services::exact_command(action, &unit, host.sudo);
        let draft = OperationDraft::new(OperationKind::from(action), Some(then(&host)), unit.clone())
            .running(command, host.sudo.into());
        let draft = guarded(engine, &host, typed_name.as_deref(), draft).await?;
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
        check_command(&command)?;
        let sudo = match (sudo, host.sudo) {
            (false, _) => Sudo::None,
            (true, Sudo::None) => {
                return Err(Fault::bad_input(
                    "sudo",
                    format!(
                        "{} is set to no sudo: edit it with --sudo nopasswd or --sudo password",
                        host.name
                    ),
                ));
            }
            (true, sudo) => sudo,
        };
        let draft = OperationDraft {
            custom: true,
            ..OperationDraft::new(OperationKind::Command, Some(then(&host)), command.clone())
                .running(runs::exact_command(&command, sudo), sudo.into())
        };
        let draft = guarded(engine, &host, typed_name.as_deref(), draft).await?;
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

/// Finds the way to the host, logs, sends, and finishes the entry; what finds no way is logged as refused.
/// Runs to its end even if the one who asked goes away.
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
        let session = engine.parts.sessions.of(&host);
        let way = session.way(ask).await;
        // In the log a sign-in stands before what it was for.
        engine.parts.sessions.signed_in().await;
        let id = operations.begin(draft).await?;
        let begun_ms = engine.parts.clock.now_ms();
        // A fault before the way is found means that nothing was sent.
        let sent = match way {
            Ok(way) => Ok(way.ask(limit).await),
            Err(fault) => Err(fault),
        };
        session.forget_tables();
        let took_ms = u64::try_from(engine.parts.clock.now_ms() - begun_ms).ok();
        let (finish, fault) = match sent {
            Ok(answer) => {
                let fault = answer.as_ref().err().cloned();
                (conclude(answer), fault)
            }
            Err(fault) => (Finish::by(&fault, OperationResult::Refused), Some(fault)),
        };
        let finish = Finish { took_ms: finish.took_ms.or(took_ms), ..finish };
        let operation = operations.finish(id, finish).await?;
        if operation.result == OperationResult::OutcomeUnknown {
            session.left_open(id);
        }
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

pub(super) async fn finished<T>(
    task: impl Future<Output = Result<Result<T, Fault>, tokio::task::JoinError>>,
) -> Result<T, Fault> {
    task.await.map_err(|why| internal("an operation ended early", why))?
}

/// Refuses what no shell takes.
fn check_command(command: &str) -> Result<(), Fault> {
    let bad = |why: String| Err(Fault::bad_input("command", why));
    if command.trim().is_empty() {
        return bad("the command is empty: give what the host's shell shall run".into());
    }
    if command.contains('\0') {
        return bad("the command holds a NUL character, which no shell takes".into());
    }
    if command.len() > COMMAND_LIMIT_BYTES {
        return bad(format!(
            "the command has {} bytes, and no program on Linux takes more than {COMMAND_LIMIT_BYTES} at once: \
             put it into a file on the host",
            command.len()
        ));
    }
    Ok(())
}

/// Refuses what is not the full name of a service.
pub(super) fn check_unit(unit: &str) -> Result<(), Fault> {
    if Manager::of(unit).is_some() {
        return Ok(());
    }
    let shown = protocol::text::printable(unit);
    Err(Fault::bad_input(
        "unit",
        format!(
            "'{shown}' is not the full name of a service: give a unit with its type, such as cron.service, and a \
             service of another manager as 'services' lists it, such as openrc:cron"
        ),
    ))
}

/// A guarded host wants its name typed, exactly as it is saved.
fn check_guard(host: &Host, typed_name: Option<&str>) -> Result<(), Fault> {
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

/// Gives back what is to be logged of a change if its guard is met. One that is not stands in the log: on a guarded
/// host somebody, or something that took over the window, tried it.
pub(super) async fn guarded(
    engine: &Engine,
    host: &Host,
    typed_name: Option<&str>,
    draft: OperationDraft,
) -> Result<OperationDraft, Fault> {
    let Err(mut fault) = check_guard(host, typed_name) else { return Ok(draft) };
    let operations = &engine.parts.operations;
    let id = operations.begin(draft).await?;
    operations.finish(id, Finish::by(&fault, OperationResult::Refused)).await?;
    fault.detail.operation = Some(id);
    Err(fault)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::hosts::HostDraft;
    use protocol::ipc::{HostSave, OperationComment, OperationsList, OperationsVerify};
    use protocol::operations::{EndedBy, OperationFilter};

    use super::*;
    use crate::hosts::Hosts;
    use crate::rig;
    use crate::secrets::Memory;

    async fn open(dir: &tempfile::TempDir, secrets: Arc<Memory>) -> Engine {
        Engine::open(rig::options(dir.path(), secrets)).await.unwrap()
    }

    #[tokio::test]
    async fn the_fault_that_ended_an_operation_stands_in_the_log_also_after_a_restart() {
        let (dir, secrets) = (tempfile::tempdir().unwrap(), Arc::new(Memory::new()));
        let engine = open(&dir, secrets.clone()).await;
        // Nothing listens where somebody did a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for (name, tags) in [("web-1", vec!["prod".to_owned()]), ("db", Vec::new())] {
            let draft = HostDraft {
                name: name.into(),
                address: "127.0.0.1".into(),
                port: Some(port),
                user: "root".into(),
                tags,
                ..HostDraft::default()
            };
            engine.call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None }).await.unwrap();
            let (host, command) = (name.to_owned(), "true".to_owned());
            let run = CommandRun { host, command, sudo: false, typed_name: None };
            engine.call(run).await.unwrap_err();
        }
        let refused = OperationFilter { failed: true, ..OperationFilter::default() };
        let log = engine.call(OperationsList { filter: refused.clone() }).await.unwrap().operations;
        let [closed, guarded] = log.as_slice() else { panic!("{log:?}") };
        let by = |code, subject| Some(EndedBy { code, hop: None, subject });
        assert_eq!(guarded.ended_by, by(FaultCode::GuardNotMet, None));
        assert_eq!(closed.ended_by, by(FaultCode::PortClosed, Some(format!("127.0.0.1:{port}"))));
        let told = closed.fault().unwrap();
        assert_eq!((told.detail.host.as_deref(), &told.message), (Some("db"), &closed.summary));
        engine.call(OperationComment { id: guarded.id, text: "asked".into() }).await.unwrap();
        engine.shutdown().await;
        drop(engine);

        let engine = open(&dir, secrets).await;
        let after = engine.call(OperationsList { filter: refused }).await.unwrap().operations;
        let ended = |log: &[Operation]| log.iter().map(|one| (one.id, one.fault())).collect::<Vec<_>>();
        assert_eq!(ended(&after), ended(&log));
        assert_eq!(engine.call(OperationsVerify {}).await.unwrap().breaks_in_all, 0);
        engine.shutdown().await;
    }

    #[test]
    fn a_command_that_no_shell_takes_is_refused_before_anything_is_sent() {
        assert!(check_command("true").is_ok() && check_command(&"x".repeat(COMMAND_LIMIT_BYTES)).is_ok());
        for command in ["", " \n", "a\0b", &"x".repeat(COMMAND_LIMIT_BYTES + 1)] {
            assert_eq!(check_command(command).unwrap_err().code, FaultCode::BadInput);
        }
    }

    #[test]
    fn a_guarded_host_wants_its_saved_name_to_the_letter() {
        let host = Host { name: "web-1".into(), tags: vec!["Prod".into()], ..Hosts::local() };
        assert!(check_guard(&host, Some("web-1")).is_ok());
        for typed in [None, Some(""), Some("WEB-1"), Some("web-1 "), Some("web\u{200b}-1"), Some("local")] {
            assert_eq!(check_guard(&host, typed).unwrap_err().code, FaultCode::GuardNotMet, "{typed:?}");
        }
        assert!(check_guard(&Hosts::local(), None).is_ok());
    }
}
