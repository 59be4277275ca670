//! The SSH connection of a session, which its helper and the hosts behind it share.
//!
//! Whoever asks first makes it; all others wait for the same attempt and get the same answer, so that
//! a wrong password is sent once, however many ask. It lives as long as somebody holds it.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Weak};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use protocol::link::LinkStep;
use protocol::trust::TrustedKey;
use protocol::{Fault, FaultCode};

use super::session::{Session, locked, named};
use crate::ssh::{self, Connection};

pub(super) type Made = Result<Arc<Connection>, Fault>;

/// The connection as far as it is there.
#[derive(Default)]
pub(super) struct Line {
    pub(super) made: Weak<Connection>,
    attempt: Option<WeakShared<BoxFuture<'static, Made>>>,
}

/// How far an attempt has come, and at which jump host it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    pub(super) hop: Option<String>,
    pub(super) step: LinkStep,
}

impl Session {
    /// The connection, made if there is none. Called off when nobody waits for it any more.
    pub(super) fn connection(self: &Arc<Self>) -> BoxFuture<'static, Made> {
        let mut line = locked(&self.line);
        if let Some(connection) = line.made.upgrade().filter(|connection| !connection.is_closed()) {
            return std::future::ready(Ok(connection)).boxed();
        }
        let under_way = line.attempt.as_ref().and_then(WeakShared::upgrade);
        if let Some(attempt) = under_way.filter(|attempt| attempt.peek().is_none()) {
            return attempt.boxed();
        }
        let attempt: Shared<BoxFuture<'static, Made>> = self.clone().make_connection().boxed().shared();
        line.attempt = attempt.downgrade();
        attempt.boxed()
    }

    async fn make_connection(self: Arc<Self>) -> Made {
        let _over = ProgressOver(&self);
        self.tell_progress(None, LinkStep::Reaching);
        let through = self.jump(&|hop, step| self.tell_progress(Some(hop), step)).await?;
        let step = |step| self.tell_progress(None, step);
        let connection = self.sign_in(through, &step).await.map_err(|fault| named(fault, &self.host))?;
        let connection = Arc::new(connection);
        locked(&self.line).made = Arc::downgrade(&connection);
        self.line_is_up.notify_waiters();
        Ok(connection)
    }

    /// The connection to the jump host, where there is one on the way.
    pub(super) async fn jump(
        &self,
        step: &(dyn Fn(String, LinkStep) + Send + Sync),
    ) -> Result<Option<Arc<Connection>>, Fault> {
        let Some(name) = &self.host.jump else { return Ok(None) };
        let jump = self.ground.session_named(name).await?;
        let show = |progress: Progress| step(progress.hop.unwrap_or_else(|| name.clone()), progress.step);
        let made = jump.follow(show, jump.connection()).await;
        made.map(Some).map_err(|fault| fault.on_the_way_to(&self.host.name, name))
    }

    fn tell_progress(&self, hop: Option<String>, step: LinkStep) {
        self.progress.send_replace(Some(Progress { hop, step }));
    }

    /// Waits for the connection of this session and shows how far it is.
    pub(super) async fn follow<T>(
        &self,
        mut show: impl FnMut(Progress),
        making: impl Future<Output = T>,
    ) -> T {
        let mut making = pin!(making);
        let mut progress = self.progress.subscribe();
        progress.mark_changed();
        loop {
            tokio::select! {
                biased;
                made = &mut making => return made,
                Ok(()) = progress.changed() => {
                    if let Some(progress) = progress.borrow_and_update().clone() {
                        show(progress);
                    }
                }
            }
        }
    }

    /// Ends the connection itself, also for the hosts behind it.
    pub(super) fn end_line(&self) {
        let connection = locked(&self.line).made.upgrade();
        if let Some(connection) = connection {
            tokio::spawn(async move { connection.close().await });
        }
    }

    /// Asks the host for its key, on the way that it is reached. Nothing secret is sent to it.
    pub(crate) async fn look_at_key(&self, known: &[TrustedKey]) -> Result<ssh::Shown, Fault> {
        let through = self.jump(&|_, _| {}).await?;
        let host = &self.host;
        ssh::fetch_host_key(&host.name, &host.address, host.port, known, through.as_ref()).await
    }
}

/// Nothing is under way when it is dropped.
struct ProgressOver<'a>(&'a Session);

impl Drop for ProgressOver<'_> {
    fn drop(&mut self) {
        self.0.progress.send_replace(None);
    }
}

impl super::Ground {
    /// The session of a saved host, for those behind it.
    pub(super) async fn session_named(self: &Arc<Self>, name: &str) -> Result<Arc<Session>, Fault> {
        let host = self.hosts.find(name).await?;
        let by_id = self.by_id.upgrade().ok_or_else(|| {
            Fault::new(FaultCode::LinkLost, "this program is about to end").because("it ends")
        })?;
        Ok(super::session_of(&by_id, self, &host))
    }
}
