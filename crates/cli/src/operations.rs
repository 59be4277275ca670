//! operations: reading the log and marking it, with no host asked.

use engine::Desk;
use protocol::ipc::{OperationShow, OperationsList, OperationsRead, OperationsUnread};
use protocol::operations::{Operation, OperationCounts, OperationFilter, ReadSelection};
use protocol::sockets::endpoint;

use crate::args::{OperationsArgs, OperationsCommand};
use crate::format::{UNKNOWN, or_unknown, time, took};
use crate::later;
use crate::output::{Output, Stop};
use crate::table::{Column, Table};

/// Longer targets (whole commands) are cut in the table; `show` has them in full.
const TARGET_CHARS: usize = 60;

pub(crate) async fn operations(desk: &Desk, args: OperationsArgs, output: &mut Output) -> Result<(), Stop> {
    match args.command {
        None => list(desk, args, output).await,
        Some(OperationsCommand::Show { id }) => {
            let operation = desk.call(OperationShow { id }).await?;
            if output.json { output.document(&operation) } else { show(&operation, output) }
        }
        Some(OperationsCommand::Read { ids, all }) => {
            let selection = if all { ReadSelection::All } else { ReadSelection::Ids(ids) };
            counted(desk.call(OperationsRead { selection }).await?, output)
        }
        // Without an ID nothing is put back, and the counts are told.
        Some(OperationsCommand::Unread { ids }) => {
            counted(desk.call(OperationsUnread { ids }).await?, output)
        }
        Some(OperationsCommand::Export(_)) => Err(later::fault("operations export").into()),
    }
}

async fn list(desk: &Desk, args: OperationsArgs, output: &mut Output) -> Result<(), Stop> {
    let wanted = args.limit as usize;
    let mut filter = OperationFilter {
        host: args.host,
        kind: args.kind,
        result: None,
        failed: args.failed,
        unread: args.unread,
        text: args.query,
        since_ms: None,
        before: args.before,
        limit: None,
    };
    let mut found: Vec<Operation> = Vec::new();
    let mut more = None;
    // A page may be shorter than its limit; the log says where to read on.
    while found.len() < wanted {
        filter.limit = Some(u32::try_from(wanted - found.len()).unwrap_or(u32::MAX));
        let page = desk.call(OperationsList { filter: filter.clone() }).await?;
        found.extend(page.operations);
        more = page.next;
        if more.is_none() {
            break;
        }
        filter.before = more;
    }
    if output.json {
        return output.document(&found);
    }
    table(&found).print(output)?;
    match more {
        Some(id) => output.note(&format!("there are more: go on with --before {id}")),
        None => Ok(()),
    }
}

fn table(operations: &[Operation]) -> Table {
    let mut table = Table::new(vec![
        Column::Right("ID"),
        Column::Left("TIME"),
        Column::Left("OPERATOR"),
        Column::Left("HOST"),
        Column::Left("KIND"),
        Column::Left("TARGET"),
        Column::Left("RESULT"),
        Column::Left("READ"),
    ]);
    for operation in operations {
        table.row(vec![
            operation.id.to_string(),
            time(operation.started_ms),
            operation.operator.clone(),
            operation.host.as_ref().map_or_else(|| UNKNOWN.to_owned(), |host| host.name.clone()),
            operation.kind.name().to_owned(),
            shortened(&operation.target),
            result(operation),
            if operation.is_unread() { "unread".to_owned() } else { String::new() },
        ]);
    }
    table
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TARGET_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn result(operation: &Operation) -> String {
    match operation.exit_code.filter(|code| *code != 0) {
        Some(code) => format!("{} ({code})", operation.result.words()),
        None => operation.result.words().to_owned(),
    }
}

fn show(operation: &Operation, output: &mut Output) -> Result<(), Stop> {
    let host = operation.host.as_ref();
    let read = match &operation.read {
        Some(mark) => format!("by {} on {}", mark.by, time(mark.at_ms)),
        None => "not yet".to_owned(),
    };
    let state =
        |state: &Option<protocol::services::UnitState>| or_unknown(state.as_ref().map(|state| state.state()));
    for (what, value) in [
        ("operation", operation.id.to_string()),
        ("time", time(operation.started_ms)),
        ("operator", operation.operator.clone()),
        (
            "host",
            or_unknown(host.map(|host| format!("{} ({})", host.name, endpoint(&host.address, host.port)))),
        ),
        ("kind", operation.kind.name().to_owned()),
        ("target", operation.target.clone()),
        ("command", operation.command.clone()),
        ("result", result(operation)),
        ("outcome", or_unknown(operation.outcome.map(|outcome| outcome.words()))),
        ("summary", operation.summary.clone()),
        ("took", or_unknown(operation.took_ms.map(took))),
        ("before", state(&operation.before)),
        ("after", state(&operation.after)),
        ("read", read),
    ] {
        if !value.is_empty() && value != UNKNOWN {
            output.line(&format!("{what:<10}{value}"))?;
        }
    }
    let journal = operation.journal.join("\n");
    for (what, text) in [("output", &operation.output), ("errors", &operation.errors), ("journal", &journal)]
    {
        if !text.is_empty() {
            output.line("")?;
            output.line(&format!("{what}:"))?;
            output.lines(text)?;
        }
    }
    Ok(())
}

fn counted(counts: OperationCounts, output: &mut Output) -> Result<(), Stop> {
    if output.json {
        return output.document(&counts);
    }
    output.line(&format!(
        "{} unread of {}, {} of them failed",
        counts.unread, counts.total, counts.unread_failed
    ))
}
