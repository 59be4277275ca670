//! What lies on the host of a session, and taking it away: over the connection that is there, or one
//! of its own where no helper can run. No helper is put there or started for it.

use std::sync::Arc;

use protocol::Fault;
use protocol::link::{HelperProcess, HelperStatus};
use tokio::sync::MutexGuard;

use super::session::{Live, Session, locked, named};
use crate::helper::{self, Removal};
use crate::ssh::Connection;

/// A host whose link was ended and stays so while this is held; its connection is still up.
pub(crate) struct TakenDown<'a> {
    session: &'a Session,
    connection: Arc<Connection>,
    _link: MutexGuard<'a, Option<Arc<Live>>>,
}

impl Live {
    /// The connection that the link goes over.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        locked(&self.connection).clone()
    }

    /// The same, which then outlives the link.
    pub(super) fn take_connection(&self) -> Option<Arc<Connection>> {
        locked(&self.connection).take()
    }
}

impl Session {
    /// Tells what lies and runs there.
    pub(crate) async fn helper_status(&self) -> Result<HelperStatus, Fault> {
        let host = self.host();
        if host.is_local() {
            return Ok(HelperStatus {
                host: host.name.clone(),
                from_memory: true,
                ..HelperStatus::default()
            });
        }
        let live = self.live_now().await;
        let shared = live.as_ref().and_then(|live| live.connection());
        let own = match &shared {
            Some(_) => None,
            None => Some(self.reach().await?),
        };
        let Some(connection) = shared.as_deref().or(own.as_ref()) else {
            return Err(crate::error::internal("looking at the host", "there is no connection"));
        };
        let status = helper::status(connection, &host.name, host.helper_dir.as_deref()).await;
        if let Some(own) = &own {
            own.close().await;
        }
        let mut status = status.map_err(|fault| named(fault, host))?;
        let spoken_with = live.as_ref().map(|live| live.link.hello().pid);
        for process in &mut status.processes {
            process.ours = Some(process.pid) == spoken_with;
        }
        if let Some(root) = live.as_ref().and_then(|live| live.root_now()) {
            let path = String::new();
            status.processes.push(HelperProcess { pid: root.hello().pid, path, ours: true, is_root: true });
        }
        Ok(status)
    }

    /// Ends the link and everything that streams over it, and keeps it from coming back. Fails where another
    /// computer answers than before.
    pub(crate) async fn take_down(&self) -> Result<TakenDown<'_>, Fault> {
        // Calls off a connection under way, and once more what began while it was waited for.
        self.let_go();
        let mut link = self.live.lock().await;
        self.let_go();
        let live = link.take().filter(|live| !live.is_closed());
        let connection = match live.as_ref().and_then(|live| live.take_connection()) {
            Some(connection) => connection,
            None => Arc::new(self.reach().await?),
        };
        if let Some(live) = live {
            live.link.close();
            live.close_root().await;
        }
        self.ended.notify_waiters();
        if let Err(fault) = self.check_machine_of(&connection).await {
            connection.release().await;
            return Err(named(fault, self.host()));
        }
        Ok(TakenDown { session: self, connection, _link: link })
    }

    pub(crate) async fn reach(&self) -> Result<Connection, Fault> {
        let through = self.jump(&|_, _| {}).await?;
        self.sign_in(through, &|_| {}).await.map_err(|fault| named(fault, self.host()))
    }
}

impl TakenDown<'_> {
    /// Takes away what lies there, and ends the connection.
    pub(crate) async fn remove_helper(self) -> Result<Removal, Fault> {
        let host = self.session.host();
        let removal = helper::remove(&self.connection, &host.name, host.helper_dir.as_deref()).await;
        self.connection.release().await;
        removal.map_err(|fault| named(fault, host))
    }
}
