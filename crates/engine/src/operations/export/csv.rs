//! CSV as RFC 4180 says, for spreadsheets.
//!
//! A spreadsheet takes a cell that begins like a formula for one and runs it. Such a cell gets an apostrophe
//! before it; nothing else of the data is changed.

use protocol::operations::{Operation, Privilege};

use super::utc;

const COLUMNS: [&str; 25] = [
    "id",
    "time",
    "operator",
    "host",
    "address",
    "port",
    "groups",
    "kind",
    "target",
    "command",
    "custom",
    "privilege",
    "result",
    "exit_code",
    "took_ms",
    "summary",
    "output",
    "output_bytes",
    "errors",
    "errors_bytes",
    "state_before",
    "state_after",
    "journal",
    "comments",
    "read_by",
];

pub(super) fn head() -> String {
    line(COLUMNS.into_iter().map(str::to_owned))
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.map(|text| cell(&text)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// True for text that a spreadsheet may take for a formula, or that begins with white space before one.
fn is_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '|', '%'])
}

fn cell(text: &str) -> String {
    let guard = if is_formula(text) { "'" } else { "" };
    if guard.is_empty() && !text.contains(['"', ',', '\r', '\n']) && text.trim() == text {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

pub(super) fn row(entry: &Operation) -> String {
    let host = entry.host.as_ref();
    let some = |number: Option<String>| number.unwrap_or_default();
    let comments = entry
        .comments
        .iter()
        .map(|comment| format!("{} {}: {}", utc(comment.at_ms), comment.by, comment.text));
    let marks =
        entry.read.iter().chain(&entry.read_by).map(|mark| format!("{} {}", mark.by, utc(mark.at_ms)));
    let cells: [String; COLUMNS.len()] = [
        entry.id.to_string(),
        utc(entry.started_ms),
        entry.operator.clone(),
        some(host.map(|host| host.name.clone())),
        some(host.map(|host| host.address.clone())),
        some(host.map(|host| host.port.to_string())),
        some(host.map(|host| host.groups.join("; "))),
        entry.kind.name().into(),
        entry.target.clone(),
        entry.command.clone(),
        entry.custom.to_string(),
        some(entry.privilege.map(|privilege| match privilege {
            Privilege::User => "user".into(),
            Privilege::Sudo => "sudo".into(),
            Privilege::Unknown => "unknown".into(),
        })),
        entry.result.name().into(),
        some(entry.exit_code.map(|code| code.to_string())),
        some(entry.took_ms.map(|ms| ms.to_string())),
        entry.summary.clone(),
        entry.output.clone(),
        some(entry.output_bytes.map(|bytes| bytes.to_string())),
        entry.errors.clone(),
        some(entry.errors_bytes.map(|bytes| bytes.to_string())),
        some(entry.before.as_ref().map(|state| state.state())),
        some(entry.after.as_ref().map(|state| state.state())),
        entry.journal.join("\n"),
        comments.collect::<Vec<_>>().join("\n"),
        marks.collect::<Vec<_>>().join("\n"),
    ];
    line(cells.into_iter())
}
