//! Printing: tables for people, JSON for programs, faults on stderr.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use protocol::link::Rights;
use protocol::operations::{Operation, OperationKind, OperationResult, Piece};
use protocol::text::{is_unsafe, printable, printable_lines};
use protocol::{Fault, FaultCode};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// Prints in the way that was asked for.
pub(crate) struct Printer {
    json: bool,
}

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a value as one JSON document, or as a person reads it.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        words: impl FnOnce(&T) -> String,
    ) -> Result<(), Fault> {
        let text = if self.json {
            to_json(value).map_err(|why| {
                Fault::new(FaultCode::Internal, format!("the answer could not be written as JSON: {why}"))
            })? + "\n"
        } else {
            // Whatever the words were made of: this is the border.
            printable_lines(&words(value)).into_owned()
        };
        print(&text)
    }

    /// Prints text in which words stand that were looked for; on a terminal they are seen.
    pub(crate) fn show_pieces(&self, pieces: &[Piece]) -> Result<(), Fault> {
        let (on, off) = if io::stdout().is_terminal() { ("\x1b[1;7m", "\x1b[0m") } else { ("", "") };
        let words = pieces.iter().map(|piece| match piece {
            Piece::Plain(text) => printable_lines(text).into_owned(),
            Piece::Marked(text) => format!("{on}{}{off}", printable_lines(text)),
        });
        print(&words.collect::<String>())
    }

    /// Prints a sentence for a person; a program learns the same from the exit status.
    pub(crate) fn say(&self, sentence: &str) -> Result<(), Fault> {
        if self.json { Ok(()) } else { print(&format!("{}\n", printable(sentence))) }
    }

    /// Tells on stderr what happened to the data when it was opened; stdout stays for the answer.
    pub(crate) fn notice(&self, notice: &str) {
        // Nowhere is left to say that stderr is closed.
        let _ = writeln!(io::stderr(), "notice: {}", printable(notice));
    }

    /// Tells on stderr why something was not read as root, though the host is set to give root.
    pub(crate) fn rights(&self, rights: &Rights) {
        if let Some(fault) = &rights.refused {
            let (user, next) = (&rights.user, fault.code.next_step());
            self.notice(&format!("read as {user} and not as root: {}; {next}", fault.message));
        }
    }

    /// Prints a fault and gives its exit status.
    pub(crate) fn fault(&self, fault: &Fault) -> ExitCode {
        let text = if self.json {
            to_json(fault).unwrap_or_else(|_| printable(&fault.message).into_owned())
        } else {
            fault_words(fault)
        };
        // Nowhere is left to say that stderr is closed.
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::from(fault.code.exit_status())
    }
}

/// JSON that does nothing to a terminal either: what acts on one is in strings alone, as `\u`.
fn to_json(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    if !text.contains(is_unsafe) {
        return Ok(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            safe.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}

/// The lines that explain, then `error: what, where, why; what to do`.
fn fault_words(fault: &Fault) -> String {
    let mut text = String::new();
    for line in &fault.detail.lines {
        text += &format!("  {}\n", printable(line));
    }
    for key in &fault.detail.known_keys {
        text +=
            &format!("  accepted before: {} {}\n", printable(&key.algorithm), printable(&key.fingerprint));
    }
    if let Some(key) = &fault.detail.shown_key {
        text +=
            &format!("  shown now:       {} {}\n", printable(&key.algorithm), printable(&key.fingerprint));
    }
    let message = printable(fault.to_string().trim_end_matches('.')).into_owned();
    let next = fault.code.next_step();
    match &fault.detail.hop {
        // What is to be done is to be done there.
        Some(hop) => text + &format!("error: {message}; for {}: {next}", printable(hop)),
        None => text + &format!("error: {message}; {next}"),
    }
}

/// Writes to stdout. A reader that went away, such as `head`, ends the program quietly.
fn print(text: &str) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(why) => Err(Fault::new(FaultCode::Internal, format!("the output cannot be written: {why}"))),
    }
}

/// How a column is set.
#[derive(Clone, Copy)]
pub(crate) enum Set {
    Left,
    Right,
}

/// A table with columns as wide as their widest cell. Cells are made printable here.
pub(crate) fn table(heads: &[(&str, Set)], rows: &[Vec<String>]) -> String {
    let shown: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell).into_owned()).collect()).collect();
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(at, (head, _))| {
            shown
                .iter()
                .filter_map(|row| row.get(at))
                .map(|cell| cell.width())
                .chain([head.width()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    let head_row: Vec<String> = heads.iter().map(|(head, _)| (*head).to_owned()).collect();
    for row in std::iter::once(&head_row).chain(&shown) {
        let mut line = String::new();
        for (((cell, (_, set)), width), at) in row.iter().zip(heads).zip(&widths).zip(0..) {
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            line += if at > 0 { "  " } else { "" };
            line += &match set {
                Set::Left => format!("{cell}{gap}"),
                Set::Right => format!("{gap}{cell}"),
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A list of names and values, values in one column.
pub(crate) fn list(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    pairs
        .iter()
        .map(|(name, value)| {
            let value = printable_lines(value);
            format!(
                "{name}{}  {}\n",
                " ".repeat(width - name.width()),
                value.replace('\n', &format!("\n{}", " ".repeat(width + 2)))
            )
        })
        .collect()
}

/// A dash for what is not known.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// 1.5 MiB: powers of 1024, as free(1) and df(1) with -h.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Local date and time.
pub(crate) fn time(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// 41 d 6 h, 5 min, 12 s: the two largest parts.
pub(crate) fn duration(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    parts[first..(first + 2).min(4)]
        .iter()
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Writes a file that is not there yet, or standard output for `-`.
pub(crate) fn write_new(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let written = if file == Path::new("-") {
        std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush())
    } else {
        File::create_new(file).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
    };
    written.map_err(|why| {
        Fault::bad_input("file", format!("the file {} cannot be written: {why}", file.display()))
    })
}

/// Turns an operation that did not end well into the fault that a terminal ends with.
pub(crate) fn judge(operation: &Operation) -> Result<(), Fault> {
    let host = operation.host.as_ref().map_or("this computer", |host| host.name.as_str());
    let fault = |code, words: &str| {
        let mut fault = Fault::new(code, format!("{} on {host}: {words}", brief(&operation.target)))
            .on_host(host)
            .about(&operation.target);
        fault.detail.operation = Some(operation.id);
        fault
    };
    if let Some(why) = &operation.unlogged {
        let ended = match operation.summary.as_str() {
            "" => operation.result.words(),
            summary => summary,
        };
        let words = format!("{ended}; this could not be written to the log: {why}");
        return Err(fault(FaultCode::StoreUnwritable, &words));
    }
    let code = match operation.result {
        OperationResult::Done => return Ok(()),
        OperationResult::Failed => match operation.kind {
            OperationKind::Command => FaultCode::CommandFailed,
            OperationKind::HelperRemove => FaultCode::HelperFailed,
            _ => FaultCode::UnitFailed,
        },
        OperationResult::TimedOut => FaultCode::TimedOut,
        _ => FaultCode::OutcomeUnknown,
    };
    let words = if operation.result == OperationResult::OutcomeUnknown {
        format!("outcome unknown: {}", operation.summary)
    } else {
        operation.summary.clone()
    };
    Err(fault(code, &words).with_lines(operation.journal.clone()))
}

/// A target in a sentence: of a long command its beginning says which one it is.
fn brief(target: &str) -> Cow<'_, str> {
    const LONGEST: usize = 200;
    match target.floor_char_boundary(LONGEST) {
        end if end < target.len() => format!("{}...", &target[..end]).into(),
        _ => target.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_for_chinese_text_too() {
        let rows = vec![vec!["数据".to_owned(), "1".to_owned()], vec!["web-1".to_owned(), "22".to_owned()]];
        assert_eq!(
            table(&[("NAME", Set::Left), ("N", Set::Right)], &rows),
            "NAME    N\n数据    1\nweb-1  22\n"
        );
    }

    #[test]
    fn a_host_cannot_write_to_the_terminal() {
        let rows = vec![vec!["\u{1b}]52;c;x\u{7}".to_owned()]];
        assert!(!table(&[("NAME", Set::Left)], &rows).contains('\u{1b}'));
        assert!(!list(&[("Name", "a\u{202e}b\u{1b}[2J".to_owned())]).contains(['\u{1b}', '\u{202e}']));
        let fault = Fault::new(FaultCode::UnitFailed, "x\u{1b}[2J").with_lines(vec!["\u{1b}[31m".into()]);
        assert!(!fault_words(&fault).contains('\u{1b}'));
    }

    #[test]
    fn json_of_a_host_does_nothing_to_the_terminal_and_reads_back_the_same() {
        let told = "\u{9b}2J\u{7f}\u{1b}[2J a\u{202e}b\u{feff} \"服务\"\n";
        let text = to_json(&told).unwrap();
        assert!(!text.contains(is_unsafe), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), told);
        assert_eq!(to_json(&["plain", "服务"]).unwrap(), "[\"plain\",\"服务\"]");
    }

    #[test]
    fn an_error_says_what_to_do() {
        let words = fault_words(&Fault::new(FaultCode::HostUnknown, "no host is named 'webb'"));
        assert_eq!(words, "error: no host is named 'webb'; list the saved hosts with 'musterctl host list'");
    }

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!((bytes(1023), bytes(1536)), ("1023 B".to_owned(), "1.5 KiB".to_owned()));
        assert_eq!((duration(59), duration(90_061)), ("59 s".to_owned(), "1 d 1 h".to_owned()));
    }
}
