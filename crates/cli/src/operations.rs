//! operations.

use engine::Desk;
use protocol::Fault;
use protocol::ipc::{OperationShow, OperationsList, OperationsRead};
use protocol::operations::{
    Operation, OperationCounts, OperationFilter, OperationKind, OperationPage, ReadSelection,
};

use crate::args::{Operations, OperationsVerb};
use crate::output::{Printer, Set, list, or_dash, table, time};

pub(crate) async fn act(desk: &Desk, operations: Operations, printer: &Printer) -> Result<(), Fault> {
    match operations.verb {
        None => {
            let filter = OperationFilter {
                host: operations.host,
                kind: operations.kind.as_deref().map(kind).transpose()?,
                failed: operations.failed,
                unread: operations.unread,
                text: operations.query.unwrap_or_default(),
                before: operations.before,
                limit: operations.limit,
                ..OperationFilter::default()
            };
            let page = desk.call(OperationsList { filter }).await?;
            if printer.is_json() {
                return printer.show(&page.operations, |_| String::new());
            }
            printer.show(&page, page_words)
        }
        Some(OperationsVerb::Show { id }) => {
            printer.show(&desk.call(OperationShow { id }).await?, operation_words)
        }
        Some(OperationsVerb::Read { ids, all }) => {
            let selection = if all { ReadSelection::All } else { ReadSelection::Ids(ids) };
            printer.show(&desk.call(OperationsRead { selection }).await?, counts_words)
        }
        Some(OperationsVerb::Unread) => {
            let filter = OperationFilter { limit: Some(1), ..OperationFilter::default() };
            printer.show(&desk.call(OperationsList { filter }).await?.counts, counts_words)
        }
        Some(OperationsVerb::Export { .. }) => Ok(()),
    }
}

fn kind(word: &str) -> Result<OperationKind, Fault> {
    OperationKind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
        let known: Vec<&str> = OperationKind::ALL.iter().map(|kind| kind.name()).collect();
        let shown = protocol::text::printable(word);
        Fault::bad_input(
            "kind",
            format!("'{shown}' is not a kind of operation: it is one of {}", known.join(", ")),
        )
    })
}

fn page_words(page: &OperationPage) -> String {
    if page.operations.is_empty() {
        return "no operations\n".into();
    }
    let heads = [
        ("ID", Set::Right),
        ("", Set::Left),
        ("TIME", Set::Left),
        ("OPERATOR", Set::Left),
        ("HOST", Set::Left),
        ("KIND", Set::Left),
        ("TARGET", Set::Left),
        ("RESULT", Set::Left),
        ("SUMMARY", Set::Left),
    ];
    let rows: Vec<Vec<String>> = page
        .operations
        .iter()
        .map(|operation| {
            vec![
                operation.id.to_string(),
                if operation.is_unread() { "*".into() } else { String::new() },
                time(operation.started_ms),
                operation.operator.clone(),
                or_dash(operation.host.as_ref().map(|host| &host.name)),
                operation.kind.name().into(),
                operation.target.clone(),
                operation.result.words().into(),
                operation.summary.clone(),
            ]
        })
        .collect();
    let mut text = table(&heads, &rows);
    if let Some(next) = page.next {
        text += &format!("\nolder ones with --before {next}\n");
    }
    text + "\n" + &counts_words(&page.counts)
}

fn counts_words(counts: &OperationCounts) -> String {
    format!(
        "{} operations, {} failed; {} unread, {} of them failed\n",
        counts.total, counts.failed, counts.unread, counts.unread_failed
    )
}

fn operation_words(operation: &Operation) -> String {
    let host = operation.host.as_ref().map(|host| format!("{} ({}:{})", host.name, host.address, host.port));
    let mut pairs = vec![
        ("Operation", operation.id.to_string()),
        ("Started", time(operation.started_ms)),
        ("Operator", operation.operator.clone()),
        ("Host", or_dash(host)),
        ("Kind", operation.kind.name().to_owned()),
        ("Target", operation.target.clone()),
        ("Command", operation.command.clone()),
        ("Result", format!("{}: {}", operation.result.words(), operation.summary)),
        ("Exit code", or_dash(operation.exit_code)),
        ("Took", or_dash(operation.took_ms.map(|ms| format!("{:.1} s", ms as f64 / 1_000.0)))),
    ];
    if let (Some(before), Some(after)) = (&operation.before, &operation.after) {
        pairs.push(("State", format!("{} > {}", before.state(), after.state())));
        pairs.push(("Main PID", format!("{} > {}", or_dash(before.main_pid), or_dash(after.main_pid))));
    }
    let read = operation.read.as_ref().map(|mark| format!("by {}, {}", mark.by, time(mark.at_ms)));
    pairs.push(("Read", or_dash(read)));
    for (name, text) in [("Output", &operation.output), ("Errors", &operation.errors)] {
        if !text.is_empty() {
            pairs.push((name, text.trim_end().to_owned()));
        }
    }
    if !operation.journal.is_empty() {
        pairs.push(("Journal", operation.journal.join("\n")));
    }
    list(&pairs)
}
