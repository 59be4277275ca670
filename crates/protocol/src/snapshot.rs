//! The last known state of a host, kept for when it cannot be asked.

use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;
use crate::processes::ProcessTable;
use crate::services::ServiceTable;
use crate::sockets::SocketTable;
use crate::system::System;

/// Each noun with the time it was received, by this computer's clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    pub system: Option<Aged<System>>,
    pub metrics: Option<Aged<Metrics>>,
    /// The largest of them.
    pub processes: Option<Aged<ProcessTable>>,
    pub sockets: Option<Aged<SocketTable>>,
    pub services: Option<Aged<ServiceTable>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aged<T> {
    pub received_ms: i64,
    pub value: T,
}
