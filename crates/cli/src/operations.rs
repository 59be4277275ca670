//! operations.

use std::collections::BTreeMap;
use std::path::Path;

use engine::{Desk, Topic};
use protocol::ipc::{
    AppStart, OperationComment, OperationShow, OperationsExport, OperationsForward, OperationsList,
    OperationsRead, OperationsRetain, OperationsVerify, SettingsSave,
};
use protocol::operations::{
    ChainHead, ChainKey, ExportFormat, ExportReport, LogCheck, Operation, OperationCounts, OperationFilter,
    OperationKind, OperationPage, OperationResult, Piece, Privilege, ReadSelection, Retained,
};
use protocol::settings::{LogKeep, Syslog, Transport};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use crate::args::{OperationFields, Operations, OperationsVerb};
use crate::journal::parse_moment;
use crate::output::{Printer, Set, bytes, list, or_dash, table, time};

pub(crate) async fn act(desk: &Desk, operations: Operations, printer: &Printer) -> Result<(), Fault> {
    match operations.verb {
        None if operations.follow => {
            let filter = OperationFilter { limit: operations.limit, ..filter(operations.filter)? };
            follow(desk, filter, printer).await
        }
        None => {
            let (before, limit) = (operations.before, operations.limit);
            let filter = OperationFilter { before, limit, ..filter(operations.filter)? };
            let page = desk.call(OperationsList { filter }).await?;
            if printer.is_json() {
                return printer.show(&page.operations, |_| String::new());
            }
            printer.show_pieces(&page_words(&page))
        }
        Some(OperationsVerb::Show { id }) => {
            printer.show(&desk.call(OperationShow { id }).await?, operation_words)
        }
        Some(OperationsVerb::Read { ids, all, filter: fields }) => {
            let wanted = filter(fields)?;
            let selection = match (all, ids.is_empty(), wanted == OperationFilter::default()) {
                (true, _, true) => ReadSelection::All,
                (false, false, true) => ReadSelection::Ids(ids),
                (false, true, false) => ReadSelection::Filter(wanted),
                _ => {
                    return Err(Fault::bad_input(
                        "selection",
                        "say which operations to mark as read: their numbers, or a filter such as --host, or --all",
                    ));
                }
            };
            printer.show(&desk.call(OperationsRead { selection }).await?, counts_words)
        }
        Some(OperationsVerb::Unread) => {
            let filter = OperationFilter { limit: Some(1), ..OperationFilter::default() };
            printer.show(&desk.call(OperationsList { filter }).await?.counts, counts_words)
        }
        Some(OperationsVerb::Comment { id, text }) => {
            printer.show(&desk.call(OperationComment { id, text }).await?, operation_words)
        }
        Some(OperationsVerb::Verify) => {
            let check = desk.call(OperationsVerify {}).await?;
            printer.show(&check, check_words)?;
            judge_check(&check)
        }
        Some(OperationsVerb::Export { file, format, filter: fields }) => {
            let (format, filter) = (format_of(&file, format.as_deref())?, filter(fields)?);
            let file = absolute("file", &file)?;
            let shown = protocol::text::printable(&file).into_owned();
            printer.say(&format!("writing {shown}; Ctrl+C calls it off and leaves nothing"))?;
            let export = OperationsExport { file, format, filter, words: None, ticket: "terminal".into() };
            printer.show(&desk.call(export).await?, export_words)
        }
        Some(OperationsVerb::Retain { days, entries, export_to }) => {
            let export_to = export_to.map(|folder| absolute("export-to", &folder)).transpose()?;
            let given = LogKeep { days, entries, export_to };
            let keep = (given != LogKeep::default()).then_some(given);
            printer.show(&desk.call(OperationsRetain { keep }).await?, retained_words)
        }
        Some(OperationsVerb::Syslog { to, port, udp, off, send }) => {
            let transport = if udp { Transport::Udp } else { Transport::Tcp };
            syslog(desk, to.map(|host| Syslog { transport, host, port }), off, send, printer).await
        }
    }
}

/// Entries before what is followed, where no number is asked for.
const BEFORE_FOLLOW: u32 = 10;
/// Of one read of the log while it is followed.
const FOLLOW_PAGE: u32 = 200;

/// Prints what is newest, then each entry as it is written and once more as it ends; with `--json` one
/// document a line.
async fn follow(desk: &Desk, filter: OperationFilter, printer: &Printer) -> Result<(), Fault> {
    if let Desk::Own(_) = desk {
        return Err(Fault::bad_input(
            "follow",
            "no app has the data open, so nothing is written to the log while this waits: start the app, or leave \
             --follow out",
        ));
    }
    let mut news = desk.news(Topic::Operations).await?;
    let first = OperationFilter { limit: filter.limit.or(Some(BEFORE_FOLLOW)), ..filter.clone() };
    let mut shown = BTreeMap::new();
    let page = desk.call(OperationsList { filter: first }).await?;
    let mut newest = page.operations.first().map_or(0, |operation| operation.id);
    tell_new(page.operations, &mut shown, printer)?;
    while news.next().await.is_some() {
        let mut some = Vec::new();
        let mut filter = OperationFilter { limit: Some(FOLLOW_PAGE), ..filter.clone() };
        loop {
            let page = desk.call(OperationsList { filter: filter.clone() }).await?;
            some.extend(page.operations);
            let is_behind = some.last().is_some_and(|oldest| oldest.id > newest);
            filter.before = page.next.filter(|_| is_behind);
            if filter.before.is_none() {
                break;
            }
        }
        // What an older entry came to is told too, if the entry was.
        some.retain(|operation| operation.id > newest || shown.contains_key(&operation.id));
        newest = newest.max(some.first().map_or(0, |operation| operation.id));
        tell_new(some, &mut shown, printer)?;
    }
    Err(Fault::new(FaultCode::LinkLost, "the app that was followed has ended"))
}

/// Prints those that were not shown yet as they are now, oldest first.
fn tell_new(
    some: Vec<Operation>,
    shown: &mut BTreeMap<u64, OperationResult>,
    printer: &Printer,
) -> Result<(), Fault> {
    for operation in some.into_iter().rev() {
        if shown.insert(operation.id, operation.result) != Some(operation.result) {
            printer.show(&operation, line_words)?;
        }
    }
    while shown.len() > FOLLOW_PAGE as usize {
        shown.pop_first();
    }
    Ok(())
}

/// An entry in one line.
fn line_words(operation: &Operation) -> String {
    let target = if operation.target.is_empty() { &operation.command } else { &operation.target };
    format!(
        "{:>6}  {}  {}  {}  {}  {}  {}  {}\n",
        operation.id,
        time(operation.started_ms),
        one_line(&operation.operator),
        one_line(&or_dash(operation.host.as_ref().map(|host| &host.name))),
        operation.kind.name(),
        one_line(target),
        operation.result.words(),
        one_line(&operation.summary),
    )
}

fn one_line(text: &str) -> String {
    printable(text).into_owned()
}

/// The full path: another program may write the file.
fn absolute(field: &str, path: &Path) -> Result<String, Fault> {
    let full = std::path::absolute(path)
        .map_err(|why| Fault::bad_input(field, format!("{} cannot be used: {why}", path.display())))?;
    let text = full.to_str().map(str::to_owned);
    text.ok_or_else(|| Fault::bad_input(field, format!("{} is no text of UTF-8", path.display())))
}

fn format_of(file: &Path, word: Option<&str>) -> Result<ExportFormat, Fault> {
    let ending = file.extension().and_then(|ending| ending.to_str());
    let known = ExportFormat::ALL.map(ExportFormat::name);
    let wanted = word.or(ending).unwrap_or_default();
    let is_it =
        |format: &ExportFormat| wanted == format.name() || (word.is_none() && wanted == format.extension());
    ExportFormat::ALL.into_iter().find(is_it).ok_or_else(|| not_one_of("format", "a format", wanted, &known))
}

fn export_words(report: &ExportReport) -> String {
    let written = format!("{} operations, {}, in {}\n", report.written, bytes(report.bytes), report.file);
    match &report.unlogged {
        Some(why) => format!("{written}that it was exported is not in the log: {why}\n"),
        None => written,
    }
}

async fn syslog(
    desk: &Desk,
    to: Option<Syslog>,
    off: bool,
    send: bool,
    printer: &Printer,
) -> Result<(), Fault> {
    let mut settings = desk.call(AppStart {}).await?.settings;
    if to.is_some() || off {
        settings.log.syslog = to;
        settings = desk.call(SettingsSave { settings }).await?;
    }
    if send {
        let sent = desk.call(OperationsForward {}).await?;
        return printer.show(&sent, |sent| format!("{sent} operations were sent\n"));
    }
    printer.show(&settings.log.syslog, |syslog| match syslog {
        Some(Syslog { transport, host, port }) => {
            let by = match transport {
                Transport::Tcp => "TCP",
                Transport::Udp => "UDP",
            };
            format!("operations are sent to {host} port {port} over {by}, in the clear, as the app runs\n")
        }
        None => "operations are sent nowhere\n".to_owned(),
    })
}

fn retained_words(retained: &Retained) -> String {
    let exported =
        retained.exported.as_ref().map_or_else(String::new, |file| format!("; they are in {file}"));
    format!("{} operations were taken away{exported}\n", retained.gone)
}

pub(crate) fn filter(fields: OperationFields) -> Result<OperationFilter, Fault> {
    let moment = |name: &str, text: Option<String>| text.map(|text| parse_moment(name, &text)).transpose();
    Ok(OperationFilter {
        host: fields.host,
        group: fields.group,
        operator: fields.operator,
        kind: fields.kind.as_deref().map(kind).transpose()?,
        result: fields.result.as_deref().map(result).transpose()?,
        failed: fields.failed,
        unread: fields.unread,
        text: fields.query.unwrap_or_default(),
        since_ms: moment("since", fields.since)?,
        until_ms: moment("until", fields.until)?,
        before: None,
        limit: None,
    })
}

fn kind(word: &str) -> Result<OperationKind, Fault> {
    let known = OperationKind::ALL.map(OperationKind::name);
    let found = OperationKind::ALL.into_iter().find(|kind| kind.name() == word);
    found.ok_or_else(|| not_one_of("kind", "a kind of operation", word, &known))
}

fn result(word: &str) -> Result<OperationResult, Fault> {
    let known = OperationResult::ALL.map(OperationResult::name);
    let found = OperationResult::ALL.into_iter().find(|result| result.name() == word);
    found.ok_or_else(|| not_one_of("result", "a result of an operation", word, &known))
}

fn not_one_of(field: &str, what: &str, word: &str, known: &[&str]) -> Fault {
    let shown = protocol::text::printable(word);
    Fault::bad_input(field, format!("'{shown}' is not {what}: it is one of {}", known.join(", ")))
}

/// What a check found, for a person.
fn check_words(check: &LogCheck) -> String {
    let mut text = String::new();
    for found in &check.breaks {
        text += &format!("{}\n", found.words());
    }
    let more = check.breaks_in_all - check.breaks.len() as u64;
    if more > 0 {
        text += &format!("and {more} more\n");
    }
    text += &format!(
        "{} operations compared with {} records of the chain; {} were taken away by retention\n",
        check.entries, check.records, check.retired
    );
    for restored in &check.restored {
        let (at, gone) = (time(restored.at_ms), restored.gone());
        text += &match gone {
            0 => format!(
                "a backup was put in the place of the data at {at}: nothing of the log is missing in it\n"
            ),
            _ => format!(
                "a backup was put in the place of the data at {at}: records {} to {} of before are not in it\n",
                restored.record, restored.had
            ),
        };
    }
    text += match check.key {
        ChainKey::Keyring => "the chain's first key is in the keyring\n",
        ChainKey::Vault => {
            "the chain's first key is in the encrypted file of secrets: who does not know its passphrase cannot make \
             a chain that fits\n"
        }
        ChainKey::File => {
            "the chain's first key is in a file beside the store, because no keyring has it yet: this finds what \
             went wrong by itself and what was changed without that file, not somebody who has it\n"
        }
        ChainKey::Lost => {
            "a first key of the chain is on this computer neither with the secrets nor in its file: the seals \
             written under it cannot be checked here; that the entries fit their records can\n"
        }
    };
    text + &match check.head {
        ChainHead::Keyring { record } => {
            format!("the keyring knows the chain up to record {record}; an older copy of all files would be seen\n")
        }
        ChainHead::Vault { record } => format!(
            "the encrypted file of secrets knows the chain up to record {record}; it lies in the data folder, so an \
             older copy of the store is seen, an older copy of the whole folder is not\n"
        ),
        ChainHead::File => {
            "the end of the chain is noted in a file beside the store alone: an older copy of the store is seen, an \
             older copy of the whole data folder is not\n"
                .into()
        }
    }
}

fn judge_check(check: &LogCheck) -> Result<(), Fault> {
    if check.is_proved() {
        return Ok(());
    }
    let message = match check.breaks.first() {
        Some(first) => format!("the log is not as it was written: {}", first.words()),
        None => "nothing is wrong that can be seen, and the log cannot be proved: a key that its chain began with is not on this computer".into(),
    };
    Err(Fault::new(FaultCode::LogBroken, message))
}

/// A table, with a line of text below each row where words were looked for.
fn page_words(page: &OperationPage) -> Vec<Piece> {
    let plain = |text: String| Piece::Plain(text);
    if page.operations.is_empty() {
        return vec![plain("no operations\n".into())];
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
    let table = table(&heads, &rows);
    let mut lines = table.split_inclusive('\n');
    let mut pieces = vec![plain(lines.next().unwrap_or_default().to_owned())];
    for (at, line) in lines.enumerate() {
        pieces.push(plain(line.to_owned()));
        let found = page.found.get(at).zip(page.operations.get(at));
        if let Some(excerpt) = found.and_then(|(found, operation)| operation.excerpt(found)) {
            pieces.push(plain("        ".into()));
            pieces.extend(excerpt);
            pieces.push(plain("\n".into()));
        }
    }
    if let Some(next) = page.next {
        pieces.push(plain(format!("\nolder ones with --before {next}\n")));
    }
    pieces.push(plain(format!("\n{}", counts_words(&page.counts))));
    pieces
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
        ("Written by", if operation.custom { "a person" } else { "Muster" }.to_owned()),
        ("Rights", or_dash(operation.privilege.map(Privilege::words))),
        ("Result", format!("{}: {}", operation.result.words(), operation.summary)),
        ("Exit code", or_dash(operation.exit_code)),
        ("Took", or_dash(operation.took_ms.map(|ms| format!("{:.1} s", ms as f64 / 1_000.0)))),
    ];
    if let (Some(before), Some(after)) = (&operation.before, &operation.after) {
        pairs.push(("State", format!("{} > {}", before.state(), after.state())));
        pairs.push(("Main PID", format!("{} > {}", or_dash(before.main_pid), or_dash(after.main_pid))));
    }
    let read = operation.read.iter().chain(&operation.read_by);
    let read: Vec<String> = read.map(|mark| format!("by {}, {}", mark.by, time(mark.at_ms))).collect();
    pairs.push(("Read", or_dash((!read.is_empty()).then(|| read.join("\n")))));
    for (name, text, full_bytes) in [
        ("Output", &operation.output, operation.output_bytes),
        ("Errors", &operation.errors, operation.errors_bytes),
    ] {
        if !text.is_empty() {
            let of = full_bytes.map_or_else(String::new, |full| format!("\n(of {})", bytes(full)));
            pairs.push((name, text.trim_end().to_owned() + &of));
        }
    }
    for comment in &operation.comments {
        pairs.push(("Comment", format!("{}, {}: {}", comment.by, time(comment.at_ms), comment.text)));
    }
    if !operation.journal.is_empty() {
        pairs.push(("Journal", operation.journal.join("\n")));
    }
    list(&pairs)
}
