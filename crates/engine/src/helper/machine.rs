//! What a host says of itself where no helper is asked, over a connection that something is about to be done on.

use std::time::Duration;

use protocol::Fault;

use crate::ssh::{Connection, ExecLimits};

const LIMIT: Duration = Duration::from_secs(30);

/// The lines of the host's machine-id(5) file, with what a login shell printed before; none if there is no file.
pub async fn machine_id_lines(connection: &Connection) -> Result<Vec<String>, Fault> {
    let limits = ExecLimits::new("reading the machine-id", LIMIT);
    let read = connection.run("cat /etc/machine-id", Vec::new(), limits).await?;
    Ok(String::from_utf8_lossy(&read.stdout).lines().map(str::to_owned).collect())
}
