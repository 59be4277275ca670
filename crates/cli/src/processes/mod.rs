//! processes: the table, a signal to one of them, and who used the most.

mod blame;

use engine::Desk;
use protocol::ipc::{ProcessesQuery, SignalSend};
use protocol::operations::Operation;
use protocol::processes::{Process, ProcessAnswer, ProcessQuery, Signal};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use crate::output::{Printer, Set, bytes, judge, or_dash, table};
use crate::services::{ask_name, wants_name};

pub(crate) use blame::show as blame;

/// A command line in a table; the whole of it is in the JSON.
const COMMAND_CHARS: usize = 100;

pub(crate) async fn show(
    desk: &Desk,
    name: &str,
    query: &ProcessQuery,
    printer: &Printer,
) -> Result<(), Fault> {
    let answer = desk.call(ProcessesQuery { host: name.to_owned(), query: query.clone() }).await?;
    printer.rights(&answer.rights);
    if printer.is_json() {
        let processes: Vec<&Process> = answer.rows.iter().map(|row| &row.process).collect();
        return printer.show(&processes, |_| String::new());
    }
    printer.show(&answer, words)
}

fn words(answer: &ProcessAnswer) -> String {
    let heads = [
        ("PID", Set::Right),
        ("USER", Set::Left),
        ("S", Set::Left),
        ("%CPU", Set::Right),
        ("RSS", Set::Right),
        ("THREADS", Set::Right),
        ("UNIT", Set::Left),
        ("COMMAND", Set::Left),
    ];
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| {
            let process = &row.process;
            vec![
                process.pid.to_string(),
                process.user.clone().unwrap_or_else(|| process.uid.to_string()),
                process.state.letter().to_string(),
                or_dash(process.cpu_pct.map(|pct| format!("{pct:.1}"))),
                bytes(process.rss_bytes),
                process.threads.to_string(),
                or_dash(process.unit.as_ref()),
                command(process),
            ]
        })
        .collect();
    let mut text = table(&heads, &rows);
    text += &format!("\n{} of {} processes", answer.rows.len(), answer.total);
    if let Some(over_ms) = answer.over_ms {
        text += &format!(", %CPU of one CPU over {:.1} s", over_ms as f64 / 1_000.0);
    }
    text.push('\n');
    if answer.left_out > 0 {
        text += &format!("{} more were left out\n", answer.left_out);
    }
    if answer.others_hidden {
        text += "the host hides the processes of other users from this one\n";
    }
    if answer.unreadable > 0 {
        text += &format!("{} more may not be read by this user\n", answer.unreadable);
    }
    if answer.rights.is_root {
        text += "read as root\n";
    }
    text
}

/// The command line, or the name in brackets where there is none, as ps(1) shows it.
fn command(process: &Process) -> String {
    if process.command.is_empty() {
        return format!("[{}]", process.name);
    }
    let shown = printable(&process.command);
    if shown.chars().count() <= COMMAND_CHARS {
        return shown.into_owned();
    }
    shown.chars().take(COMMAND_CHARS - 1).chain(['\u{2026}']).collect()
}

pub(crate) async fn signal(
    desk: &Desk,
    name: String,
    pid: u32,
    word: &str,
    started: Option<u64>,
    confirm: Option<String>,
    printer: &Printer,
) -> Result<(), Fault> {
    let signal = Signal::parse(word).ok_or_else(|| {
        let known = Signal::ALL.map(Signal::name).join(", ");
        let message = format!("'{}' is not a signal that Muster sends: {known}", printable(word));
        Fault::bad_input("signal", message)
    })?;
    let process = find(desk, &name, pid, started).await?;
    let shown = printable(&process.name).into_owned();
    let ask = |typed_name| SignalSend {
        host: name.clone(),
        pid,
        start_ticks: process.start_ticks,
        name: process.name.clone(),
        signal,
        typed_name,
    };
    let operation = match desk.call(ask(confirm.clone())).await {
        Err(fault) if wants_name(&fault, confirm.as_deref()) => {
            let typed = ask_name(&format!("{} to {pid} ({shown}) on {name}", signal.name()))?;
            desk.call(ask(Some(typed))).await?
        }
        answer => answer?,
    };
    printer.show(&operation, signal_words)?;
    judge(&operation)
}

/// The process that is meant, as it is now.
async fn find(desk: &Desk, host: &str, pid: u32, started: Option<u64>) -> Result<Process, Fault> {
    let query = ProcessQuery { connect: true, ..ProcessQuery::default() };
    let answer = desk.call(ProcessesQuery { host: host.to_owned(), query }).await?;
    let gone = |why: String| {
        Fault::new(FaultCode::ProcessGone, format!("{why}, so nothing was sent"))
            .on_host(host)
            .about(pid.to_string())
    };
    let some_hidden = answer.others_hidden || answer.unreadable > 0;
    let found = answer.rows.iter().map(|row| &row.process).find(|process| process.pid == pid).cloned();
    let missing = || match some_hidden {
        false => gone(format!("{host} shows no process with the PID {pid}")),
        true => {
            let message = format!(
                "{host} hides the processes of other users, and whether PID {pid} is one is not known: nothing was sent"
            );
            Fault::new(FaultCode::NotPermitted, message).on_host(host).about(pid.to_string())
        }
    };
    let process = found.ok_or_else(missing)?;
    match started {
        Some(ticks) if ticks != process.start_ticks => {
            let shown = printable(&process.name).into_owned();
            Err(gone(format!("PID {pid} is another process now, {shown}")))
        }
        _ => Ok(process),
    }
}

fn signal_words(operation: &Operation) -> String {
    let summary = printable(&operation.summary);
    format!("{summary}\nkept as operation {}\n", operation.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::processes::ProcessRow;

    #[test]
    fn a_process_cannot_write_to_the_terminal_and_a_long_command_line_is_marked() {
        let bad = Process { pid: 7, name: "\u{1b}[2J) R 1 (\n".into(), ..Process::default() };
        let long = Process { pid: 8, command: "x".repeat(500), ..Process::default() };
        let rows = [bad, long].map(|process| ProcessRow { process, matched: Vec::new() }.into());
        let text = words(&ProcessAnswer { rows: rows.to_vec(), total: 2, ..ProcessAnswer::default() });
        assert!(!text.contains('\u{1b}') && text.contains("[\\x1b[2J) R 1 (\\x0a]"), "{text}");
        assert!(text.contains('\u{2026}') && text.lines().all(|line| line.chars().count() < 200));
        assert_eq!(text.lines().count(), 5, "head, two rows, a gap and the count: {text}");
    }
}
