//! Sign-ins to hosts, written down as the links come up or are refused, while the app runs.

use std::collections::HashMap;
use std::sync::Weak;

use protocol::FaultCode;
use protocol::hosts::Identity;
use protocol::ipc::Event;
use protocol::link::LinkState;
use protocol::operations::{OperationKind, OperationResult};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Finish, OperationDraft};
use crate::engine::Parts;
use crate::sessions::then;

/// What was written down last of a host: since when it is live, or why it is not.
#[derive(PartialEq)]
enum Told {
    Live(i64),
    Refused(FaultCode),
}

/// Runs until the engine is gone; it holds nothing of it while it waits.
pub(crate) async fn write_down(mut events: Receiver<Event>, parts: Weak<Parts>) {
    let mut last: HashMap<String, Told> = HashMap::new();
    loop {
        let (host, state) = match events.recv().await {
            Ok(Event::Link { host, state }) => (host, state),
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let told = match &state {
            LinkState::Live { since_ms, .. } => Told::Live(*since_ms),
            LinkState::Failed { fault, .. } if is_refusal(fault.code) => Told::Refused(fault.code),
            _ => continue,
        };
        if last.get(&host) == Some(&told) {
            continue;
        }
        let Some(parts) = parts.upgrade() else { return };
        let Ok(found) = parts.hosts.find(&host).await else { continue };
        last.insert(host, told);
        if found.is_local() {
            continue;
        }
        let by = match &found.identity {
            Identity::Agent => "by a key of the agent".to_owned(),
            Identity::KeyFile { path } => format!("by the key file {path}"),
            Identity::Password => "by password".to_owned(),
        };
        let target = format!("{}@{}:{}", found.user, found.address, found.port);
        let draft = OperationDraft::new(OperationKind::SignIn, Some(then(&found)), target);
        let written = match state.fault() {
            None => parts.operations.record_own(draft, Finish::new(OperationResult::Done).saying(by)).await,
            Some(fault) => {
                let finish = Finish::new(OperationResult::Refused).saying(format!("{by}: {}", fault.message));
                parts.operations.record(draft, finish).await
            }
        };
        if let Err(fault) = written {
            tracing::warn!(why = %fault.message, "a sign-in was not written to the log");
        }
    }
}

/// True for what concerns trust or the sign-in, and not for a host that is not reached.
fn is_refusal(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::HostKeyChanged
            | FaultCode::SignInRefused
            | FaultCode::KeyEncrypted
            | FaultCode::PasswordMissing
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Engine, EngineOptions};
    use protocol::Fault;
    use protocol::hosts::HostDraft;
    use protocol::ipc::{HostSave, OperationsList};
    use protocol::operations::OperationFilter;

    #[tokio::test]
    async fn a_sign_in_is_written_once_and_a_refused_one_is_unread() {
        let dir = tempfile::tempdir().unwrap();
        let options = EngineOptions {
            data_dir: dir.path().to_owned(),
            clock: crate::clock::Clock::system(),
            secrets: Arc::new(crate::secrets::Memory::new()),
            operator: "ann".into(),
        };
        let engine = Engine::open(options).await.unwrap();
        let draft = HostDraft {
            name: "web".into(),
            address: "192.0.2.1".into(),
            user: "ops".into(),
            ..HostDraft::default()
        };
        engine.call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None }).await.unwrap();
        engine.keep_up();
        let live = |since_ms| LinkState::Live { since_ms, heard_ms: since_ms };
        let refused = |code| LinkState::Failed { since_ms: 3, fault: Box::new(Fault::new(code, "no")) };
        for state in [
            live(1),
            live(1),
            refused(FaultCode::SignInRefused),
            refused(FaultCode::SignInRefused),
            refused(FaultCode::PortClosed),
            live(2),
        ] {
            engine.tell(Event::Link { host: "web".into(), state });
        }
        let filter = OperationFilter { kind: Some(OperationKind::SignIn), ..OperationFilter::default() };
        let page = loop {
            let page = engine.call(OperationsList { filter: filter.clone() }).await.unwrap();
            if page.operations.len() >= 3 {
                break page;
            }
            tokio::task::yield_now().await;
        };
        let told: Vec<_> = page.operations.iter().map(|one| (one.result, one.is_unread())).collect();
        let (done, no) = ((OperationResult::Done, false), (OperationResult::Refused, true));
        assert_eq!(told, [done, no, done]);
        assert_eq!(page.operations[0].target, "ops@192.0.2.1:22");
    }
}
