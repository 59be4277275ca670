//! What `musterctl --json` prints, as the types of the protocol.

use protocol::operations::Operation;
use protocol::processes::Process;
use protocol::services::Service;
use protocol::sockets::Socket;
use serde::de::DeserializeOwned;
use serde_json::Value;
use support::musterctl::{Operator, Ran};

/// A list: the array itself, or the `rows` of an answer.
fn rows(ran: &Ran, of: &str) -> Vec<Value> {
    let value = ran.json();
    let list = if value.is_array() { &value } else { &value[of] };
    list.as_array()
        .unwrap_or_else(|| panic!("musterctl {} printed no list: {value}", ran.words.join(" ")))
        .clone()
}

fn each<T: DeserializeOwned>(rows: Vec<Value>, inner: &str) -> Vec<T> {
    rows.into_iter()
        .map(|row| serde_json::from_value(row.get(inner).cloned().unwrap_or(row)).unwrap())
        .collect()
}

pub(crate) fn sockets(ran: &Ran) -> Vec<Socket> {
    each(rows(ran, "rows"), "socket")
}

pub(crate) fn services(ran: &Ran) -> Vec<Service> {
    each(rows(ran, "rows"), "service")
}

pub(crate) fn processes(ran: &Ran) -> Vec<Process> {
    each(rows(ran, "rows"), "process")
}

/// Newest first.
pub(crate) fn operations(operator: &Operator) -> Vec<Operation> {
    each(rows(&operator.run(&["operations", "--json"]).done(), "operations"), "operation")
}
