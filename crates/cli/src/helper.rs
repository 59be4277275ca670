//! helper: what lies on a host for Muster, and taking it away.

use engine::Desk;
use protocol::Fault;
use protocol::ipc::{HelperRemove, HelperStatusShow};
use protocol::link::HelperStatus;
use protocol::operations::Operation;
use protocol::text::{printable, printable_lines};

use crate::output::{Printer, Set, bytes, judge, or_dash, table, time};
use crate::services::{ask_name, wants_name};

pub(crate) async fn status(desk: &Desk, name: String, printer: &Printer) -> Result<(), Fault> {
    printer.show(&desk.call(HelperStatusShow { host: name }).await?, status_words)
}

fn status_words(status: &HelperStatus) -> String {
    if status.from_memory {
        return format!("the helper of {} runs from memory: no file lies there\n", printable(&status.host));
    }
    let mut text = String::new();
    if status.files.is_empty() {
        text += &format!("no file of Muster lies on {}\n", printable(&status.host));
    } else {
        let heads = [
            ("PATH", Set::Left),
            ("SIZE", Set::Right),
            ("VERSION", Set::Left),
            ("SINCE", Set::Left),
            ("CURRENT", Set::Left),
            ("SHA256", Set::Left),
        ];
        let rows: Vec<Vec<String>> = status
            .files
            .iter()
            .map(|file| {
                vec![
                    file.path.clone(),
                    bytes(file.bytes),
                    or_dash(file.version.as_ref()),
                    or_dash(file.since_ms.map(time)),
                    if file.current { "yes" } else { "no" }.to_owned(),
                    or_dash(file.sha256.as_ref()),
                ]
            })
            .collect();
        text += &table(&heads, &rows);
    }
    for folder in &status.folders {
        let path = printable(&folder.path);
        text += &match (folder.ours, folder.others) {
            (false, _) => {
                format!("the folder {path} is another user's or a link: nothing is removed there\n")
            }
            (true, 0) => format!("the folder {path} holds nothing else\n"),
            (true, others) => format!("the folder {path} holds {others} other entries\n"),
        };
    }
    for process in &status.processes {
        let ours = if process.ours { ", of this connection" } else { "" };
        text += &match process.is_root {
            true => format!("process {} runs as root from memory{ours}\n", process.pid),
            false => format!("process {} runs from {}{ours}\n", process.pid, printable(&process.path)),
        };
    }
    text
}

pub(crate) async fn remove(
    desk: &Desk,
    name: String,
    confirm: Option<String>,
    printer: &Printer,
) -> Result<(), Fault> {
    let ask = |typed_name| HelperRemove { host: name.clone(), typed_name };
    let operation = match desk.call(ask(confirm.clone())).await {
        Err(fault) if wants_name(&fault, confirm.as_deref()) => {
            desk.call(ask(Some(ask_name(&format!("remove the helper from {name}"))?))).await?
        }
        answer => answer?,
    };
    printer.show(&operation, removal_words)?;
    judge(&operation)
}

fn removal_words(operation: &Operation) -> String {
    let took = or_dash(operation.took_ms.map(|ms| format!("{:.1} s", ms as f64 / 1_000.0)));
    format!(
        "{}{}\n{took}, kept as operation {}\n",
        printable_lines(&operation.output),
        printable(&operation.summary),
        operation.id
    )
}
