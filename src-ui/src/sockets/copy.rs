//! Socket rows as text and as CSV for the clipboard.
//!
//! CSV follows RFC 4180. A field that a spreadsheet would take for a formula gets a `'` in front:
//! program names and units come from the host and may be anything.

use protocol::sockets::SocketRow;
use protocol::text::printable;

use super::order::Column;

/// What a cell says, as text; empty where the host does not say.
pub(crate) fn cell(row: &SocketRow, column: Column) -> String {
    let socket = &row.socket;
    let optional = |text: &Option<String>| printable(text.as_deref().unwrap_or_default()).into_owned();
    match column {
        Column::Protocol => socket.protocol.name().to_owned(),
        Column::RecvQ => socket.recv_q.to_string(),
        Column::SendQ => socket.send_q.to_string(),
        Column::Local => printable(&socket.local()).into_owned(),
        Column::Peer => printable(&socket.peer()).into_owned(),
        Column::State => socket.state.name().to_owned(),
        Column::Pid => socket.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        Column::Program => optional(&socket.program),
        Column::User => optional(&socket.owner()),
        Column::Unit => optional(&socket.unit),
    }
}

/// Columns set under each other with spaces, for a terminal or a message.
pub(crate) fn as_text(rows: &[SocketRow], heads: &[String]) -> String {
    let mut lines: Vec<Vec<String>> = vec![heads.to_vec()];
    lines.extend(rows.iter().map(|row| Column::ALL.iter().map(|column| cell(row, *column)).collect()));
    let columns = Column::ALL.len();
    let mut widths = vec![0; columns];
    for line in &lines {
        for (width, text) in widths.iter_mut().zip(line) {
            *width = (*width).max(text.chars().count());
        }
    }
    let mut out = String::new();
    for line in lines {
        let mut text = String::new();
        for (width, cell) in widths.iter().zip(&line) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// A head line of column names, then one line per socket.
pub(crate) fn as_csv(rows: &[SocketRow]) -> String {
    let mut out = Column::ALL.map(Column::id).join(",");
    out.push_str("\r\n");
    for row in rows {
        let fields: Vec<String> = Column::ALL.iter().map(|column| csv_field(&cell(row, *column))).collect();
        out.push_str(&fields.join(","));
        out.push_str("\r\n");
    }
    out
}

fn csv_field(text: &str) -> String {
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) || text.starts_with(' ') {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::sockets::{Socket, SocketState};

    fn row(program: &str) -> SocketRow {
        let socket = Socket {
            state: SocketState::Listen,
            local_address: "0.0.0.0".into(),
            local_port: 80,
            program: Some(program.into()),
            ..Socket::default()
        };
        SocketRow { socket, ..SocketRow::default() }
    }

    #[test]
    fn no_cell_of_a_csv_is_a_formula() {
        for program in ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "  =x"] {
            let csv = as_csv(&[row(program)]);
            let cell = csv.lines().nth(1).unwrap().split(',').nth(7).unwrap().trim_matches('"');
            assert!(cell.starts_with('\''), "{program:?} became {cell:?}");
        }
    }

    #[test]
    fn quotes_and_commas_stay_inside_their_field() {
        let csv = as_csv(&[row("a,\"b\"")]);
        assert!(csv.contains(",\"a,\"\"b\"\"\","), "{csv}");
        assert_eq!(csv.lines().count(), 2);
    }

    #[test]
    fn text_is_set_in_columns_and_control_characters_are_shown_by_code() {
        let heads: Vec<String> = Column::ALL.iter().map(|column| column.id().to_owned()).collect();
        let text = as_text(&[row("ng\u{1b}inx"), row("x")], &heads);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("ng\\x1binx"), "{text}");
        let column = lines[0].find("program").unwrap();
        assert_eq!(lines[2].chars().nth(column), Some('x'), "columns must line up");
    }
}
