//! Hosts as a table of CSV (RFC 4180), for spreadsheets.
//!
//! A cell that a spreadsheet would take for a formula gets a `'` before it, and loses it when it is
//! read: what is written comes back as it was. There is no column for a secret.

use protocol::hosts::{CsvProblem, FileRefusal, HelperUse, Host, Identity, ImportNote, ImportRefusal, Sudo};

use super::{Found, Notes};

pub(in crate::hosts) const COLUMNS: [&str; 11] =
    ["name", "address", "port", "user", "identity", "jump", "groups", "tags", "sudo", "helper", "helper_dir"];

/// Between the labels of one cell; in a label it has a backslash before it.
const BETWEEN: char = ';';

/// The table with these hosts.
pub(in crate::hosts) fn write(hosts: &[Host]) -> String {
    let mut text = line(COLUMNS.iter().map(|column| (*column).to_owned()));
    for host in hosts {
        let identity = match &host.identity {
            Identity::Agent => "agent".to_owned(),
            Identity::Password => "password".to_owned(),
            Identity::KeyFile { path } => format!("key:{path}"),
        };
        text += &line([
            host.name.clone(),
            host.address.clone(),
            host.port.to_string(),
            host.user.clone(),
            identity,
            host.jump.clone().unwrap_or_default(),
            join(&host.groups),
            join(&host.tags),
            format!("{:?}", host.sudo).to_lowercase(),
            format!("{:?}", host.helper).to_lowercase(),
            host.helper_dir.clone().unwrap_or_default(),
        ]);
    }
    text
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| quote(&disarm(cell))).collect();
    cells.join(",") + "\r\n"
}

fn quote(cell: &str) -> String {
    if cell.contains([',', ';', '"', '\r', '\n', '\t']) || cell.starts_with(' ') || cell.ends_with(' ') {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// True for what a spreadsheet may compute, also after spaces, and for what looks disarmed.
fn is_armed(cell: &str) -> bool {
    cell.starts_with(['\t', '\r', '\n'])
        || cell.trim_start().starts_with(['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠'])
}

fn disarm(cell: String) -> String {
    if is_armed(&cell) { format!("'{cell}") } else { cell }
}

fn rearm(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_armed(rest)).unwrap_or(cell)
}

fn join(labels: &[String]) -> String {
    let escaped: Vec<String> =
        labels.iter().map(|label| label.replace('\\', "\\\\").replace(BETWEEN, "\\;")).collect();
    escaped.join(&BETWEEN.to_string())
}

fn split(cell: &str) -> Vec<String> {
    let mut labels = vec![String::new()];
    let mut chars = cell.chars();
    while let Some(c) = chars.next() {
        let last = labels.len() - 1;
        match c {
            '\\' => labels[last].extend(chars.next()),
            BETWEEN => labels.push(String::new()),
            c => labels[last].push(c),
        }
    }
    labels.into_iter().map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()).collect()
}

pub(super) fn read(text: &str, notes: &mut Notes) -> Result<Vec<Found>, FileRefusal> {
    let first = text.lines().next().unwrap_or_default();
    let comma = if first.contains(',') || !first.contains(';') { ',' } else { ';' };
    let mut records = records(text, comma)?.into_iter();
    let heads: Vec<String> = records
        .next()
        .ok_or_else(|| not_csv(CsvProblem::Empty))?
        .iter()
        .map(|head| head.trim().to_lowercase())
        .collect();
    let known = |head: &str| COLUMNS.contains(&head);
    for needed in ["name", "address"] {
        if !heads.iter().any(|head| head == needed) {
            return Err(not_csv(CsvProblem::NoColumn { column: needed.to_owned() }));
        }
    }
    for head in heads.iter().filter(|head| !known(head)) {
        notes.say(ImportNote::Unknown { field: head.clone() });
    }
    let mut found = Vec::new();
    for record in records.filter(|record| record.iter().any(|cell| !cell.is_empty())) {
        let cell = |name: &str| {
            let at = heads.iter().position(|head| head == name)?;
            Some(rearm(record.get(at)?).to_owned())
        };
        let said = |name: &str| cell(name).filter(|cell| !cell.is_empty());
        let mut host = Found::named(&cell("name").unwrap_or_default());
        host.address = said("address");
        host.user = said("user");
        if let Some(port) = said("port") {
            match port.parse() {
                Ok(port) => host.port = Some(port),
                Err(_) => host.refuse(ImportRefusal::Port { value: port }),
            }
        }
        match said("identity").as_deref() {
            None => {}
            Some("agent") => host.identity = Some(Identity::Agent),
            Some("password") => host.identity = Some(Identity::Password),
            Some(other) => match other.strip_prefix("key:") {
                Some(path) => host.key = Some(path.to_owned()),
                None => host.refuse(ImportRefusal::Identity { value: other.to_owned() }),
            },
        }
        host.jump = cell("jump");
        host.groups = cell("groups").map(|cell| split(&cell));
        host.tags = cell("tags").map(|cell| split(&cell));
        let word = |name: &str| {
            let word = said(name)?;
            let quoted = serde_json::Value::String(word.to_lowercase());
            Some((word, quoted))
        };
        if let Some((word, quoted)) = word("sudo") {
            match serde_json::from_value::<Sudo>(quoted) {
                Ok(sudo) => host.rest.sudo = Some(sudo),
                Err(_) => host.refuse(ImportRefusal::Sudo { value: word }),
            }
        }
        if let Some((word, quoted)) = word("helper") {
            match serde_json::from_value::<HelperUse>(quoted) {
                Ok(helper) => host.rest.helper = Some(helper),
                Err(_) => host.refuse(ImportRefusal::Helper { value: word }),
            }
        }
        host.rest.helper_dir = said("helper_dir");
        found.push(host);
    }
    Ok(found)
}

fn not_csv(why: CsvProblem) -> FileRefusal {
    FileRefusal::NotCsv { why }
}

/// The cells of each line; a cell in quotes may have line feeds.
fn records(text: &str, comma: char) -> Result<Vec<Vec<String>>, FileRefusal> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut cell = String::new();
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            c if quoted => cell.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            c if c == comma => record.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    if quoted {
        return Err(not_csv(CsvProblem::OpenQuote));
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_cell_begins_as_a_formula_does_and_each_comes_back_as_it_was() {
        for cell in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\tx",
            "\rx",
            " =1",
            "'=1",
            "'a",
            "''",
            "a,b",
            "a\"b",
            "a\nb",
            "",
        ] {
            let written = line([cell.to_owned()]);
            let read = records(&written, ',').unwrap();
            let inner = read.first().map_or("", |record| record[0].as_str());
            assert!(
                !inner.trim_start().starts_with(['=', '+', '-', '@']) && !inner.starts_with(['\t', '\r']),
                "{cell:?} is written as {written:?}"
            );
            assert_eq!(rearm(inner), cell, "{written:?}");
        }
        proptest!(|(cell in "[-=+@' \t\r\n,;\"a\u{ff1d}]{0,8}")| {
            let written = line([cell.clone(), "x".into()]);
            let read = records(&written, ',').unwrap();
            prop_assert_eq!(rearm(&read[0][0]), cell.as_str());
            prop_assert_eq!(read[0].len(), 2);
        });
        proptest!(|(labels in proptest::collection::vec("[a-c;\\\\ ]{0,5}[a-c;\\\\]", 0..4))| {
            let trimmed: Vec<String> = labels.iter().map(|label| label.trim().to_owned()).collect();
            prop_assert_eq!(split(&join(&trimmed)), trimmed);
        });
    }

    #[test]
    fn a_table_of_a_spreadsheet_is_read_with_its_semicolons_and_an_odd_cell_is_told() {
        let mut notes = Notes::default();
        let text =
            "Name;Address;Port;User;Colour\r\nweb-1;10.0.0.1;2222;root;red\r\n;;;;\r\ndb;10.0.0.2;x;;\r\n";
        let found = read(text, &mut notes).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].name.as_str(), found[0].port), ("web-1", Some(2222)));
        assert!(found[0].groups.is_none(), "a column that is not there changes nothing");
        assert_eq!(found[1].refusal, Some(ImportRefusal::Port { value: "x".into() }));
        assert_eq!(notes.into_told(), [ImportNote::Unknown { field: "colour".into() }]);
        for text in ["", "a,b\n1,2\n", "name,address\n\"open,1\n"] {
            assert!(read(text, &mut Notes::default()).is_err(), "{text:?}");
        }
    }
}
