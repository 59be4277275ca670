//! Which computer answers on a link, and whether it is the one that was known.

use protocol::Fault;
use protocol::wire::Ask;

use super::session::{Live, Session};
use crate::helper;
use crate::ssh::Connection;
use crate::trust::machines::{machine_id, must_be_known};

impl Session {
    /// Remembers who answers on a new link. What cannot be written down is no reason not to look.
    pub(super) async fn see_machine(&self, live: &Live) {
        if let Err(fault) = self.seen(live).await {
            tracing::warn!(host = %self.host.name, code = ?fault.code, "its machine-id was not kept");
        }
    }

    /// Refuses what changes something on a computer that is another one than before.
    pub(super) async fn check_machine(&self, live: &Live, ask: &Ask) -> Result<(), Fault> {
        if changes(ask) { self.seen(live).await } else { Ok(()) }
    }

    /// The same for what is done over a connection without a helper on it.
    pub(crate) async fn check_machine_of(&self, connection: &Connection) -> Result<(), Fault> {
        let lines = helper::machine_id_lines(connection).await?;
        self.saw(lines.iter().find_map(|line| machine_id(Some(line)))).await
    }

    async fn seen(&self, live: &Live) -> Result<(), Fault> {
        if self.host.is_local() {
            return Ok(());
        }
        self.saw(machine_id(live.link.hello().host.machine_id.as_deref())).await
    }

    async fn saw(&self, id: Option<String>) -> Result<(), Fault> {
        let machine = self.ground.trust.saw_machine(&self.host, id).await?;
        must_be_known(&self.host, &machine)
    }
}

fn changes(ask: &Ask) -> bool {
    match ask {
        Ask::Act { .. } | Ask::Run { .. } | Ask::Signal { .. } => true,
        Ask::System {}
        | Ask::Metrics { .. }
        | Ask::Sockets { .. }
        | Ask::Services { .. }
        | Ask::Processes { .. }
        | Ask::Details { .. }
        | Ask::Blame { .. }
        | Ask::Impact { .. }
        | Ask::Journal { .. }
        | Ask::JournalFollow { .. }
        | Ask::Cancel { .. }
        | Ask::Refresh { .. } => false,
    }
}
