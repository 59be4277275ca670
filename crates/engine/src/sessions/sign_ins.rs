//! Sign-ins to hosts, written down as links come up or are refused: beside the link, never in its way.

use std::collections::HashMap;
use std::sync::Mutex;

use protocol::hosts::{Host, Identity};
use protocol::operations::{OperationKind, OperationResult};
use protocol::{Fault, FaultCode};
use tokio::task::JoinHandle;

use super::session::{locked, then};
use crate::operations::{Finish, OperationDraft, Operations};

/// The writer of sign-ins.
pub(super) struct SignIns {
    operations: Operations,
    /// Why each host refused last: one that is tried again and again is written down once.
    refused: Mutex<HashMap<String, FaultCode>>,
    writing: Mutex<Vec<JoinHandle<()>>>,
}

impl SignIns {
    pub(super) fn new(operations: Operations) -> Self {
        Self { operations, refused: Mutex::default(), writing: Mutex::default() }
    }

    /// Writes down what came of a sign-in, if it is one to a host and it was decided.
    pub(super) fn came(&self, host: &Host, refused: Option<&Fault>) {
        if host.is_local() || refused.is_some_and(|fault| !is_refusal(fault.code)) {
            return;
        }
        let before = match refused {
            Some(fault) => locked(&self.refused).insert(host.id.clone(), fault.code),
            None => locked(&self.refused).remove(&host.id),
        };
        if refused.is_some() && before == refused.map(|fault| fault.code) {
            return;
        }
        let by = match &host.identity {
            Identity::Agent => "by a key of the agent".to_owned(),
            Identity::KeyFile { path } => format!("by the key file {path}"),
            Identity::Password => "by password".to_owned(),
        };
        let target = format!("{}@{}:{}", host.user, host.address, host.port);
        let draft = OperationDraft::new(OperationKind::SignIn, Some(then(host)), target);
        let refused = refused.map(|fault| {
            Finish::by(fault, OperationResult::Refused).saying(format!("{by}: {}", fault.message))
        });
        let operations = self.operations.clone();
        let writing = tokio::spawn(async move {
            let written = match refused {
                None => operations.record_own(draft, Finish::new(OperationResult::Done).saying(by)).await,
                Some(finish) => operations.record(draft, finish).await,
            };
            if let Err(fault) = written {
                tracing::warn!(why = %fault.message, "a sign-in was not written to the log");
            }
        });
        let mut all = locked(&self.writing);
        all.retain(|writing| !writing.is_finished());
        all.push(writing);
    }

    /// Waits until all that came is on the disk.
    pub(super) async fn written(&self) {
        let all = std::mem::take(&mut *locked(&self.writing));
        futures::future::join_all(all).await;
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
    use super::*;
    use crate::clock::Clock;
    use crate::hosts::Hosts;
    use crate::store::Store;
    use protocol::operations::OperationFilter;

    #[tokio::test]
    async fn a_sign_in_is_written_once_and_a_refused_one_is_unread() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap().store;
        let operations = Operations::open(store, Clock::system(), "ann".into()).await.unwrap();
        let sign_ins = SignIns::new(operations.clone());
        let host = Host {
            id: "web".into(),
            name: "web".into(),
            address: "192.0.2.1".into(),
            user: "ops".into(),
            ..Hosts::local()
        };
        sign_ins.came(&Hosts::local(), None);
        for refused in [
            None,
            Some(FaultCode::SignInRefused),
            Some(FaultCode::SignInRefused),
            Some(FaultCode::PortClosed),
            None,
        ] {
            let fault = refused.map(|code| Fault::new(code, "no"));
            sign_ins.came(&host, fault.as_ref());
            sign_ins.written().await;
        }
        let page = operations.page(OperationFilter::default()).await.unwrap();
        let told: Vec<_> = page.operations.iter().map(|one| (one.result, one.is_unread())).collect();
        let (done, no) = ((OperationResult::Done, false), (OperationResult::Refused, true));
        assert_eq!(told, [done, no, done]);
        let ended: Vec<_> = page.operations.iter().map(|one| one.fault().map(|fault| fault.code)).collect();
        assert_eq!(ended, [None, Some(FaultCode::SignInRefused), None]);
        assert_eq!(page.operations[1].summary, "by a key of the agent: no");
        assert_eq!(page.operations[0].target, format!("ops@192.0.2.1:{}", host.port));
    }
}
