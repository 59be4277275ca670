//! The columns of a table of a host, and its rows as text and as CSV for the clipboard.
//!
//! CSV follows RFC 4180. A field that a spreadsheet would take for a formula gets a `'` in front:
//! names, units and command lines come from the host and may be anything.

use std::cmp::Ordering;

use protocol::delta::settle;
use unicode_width::UnicodeWidthStr;

use super::shape::Shape;
use super::sort::Sort;

/// The columns of one table, in their order on screen.
pub(crate) trait Columns: Copy + Send + Sync + 'static {
    type Row;
    const ALL: &'static [Self];
    /// The name it has in tests, in `Sort`, in `Matched::column` and as the head of a CSV.
    fn id(self) -> &'static str;
    /// Numbers stand at the right and are sorted from the greatest at first.
    fn is_numeric(self) -> bool;
    /// What a cell says; empty where the host does not say. Safe to show.
    fn text(self, row: &Self::Row) -> String;

    /// The same for another program: a number in full and without its unit, where a cell rounds it.
    fn plain(self, row: &Self::Row) -> String {
        self.text(row)
    }

    /// The order of two rows by this column; what is equal there keeps a fixed order, so that a refresh
    /// moves no row. Missing values are last in both directions.
    fn compare(self, a: &Self::Row, b: &Self::Row, by: Sort) -> Ordering;

    /// Puts rows in order of which most stand in it already.
    fn arrange(rows: &mut Vec<Self::Row>, by: Sort) {
        settle(rows, order::<Self>(by));
    }

    /// The column whose beginning is typed to find a row: the first of text, unless another says more.
    fn naming() -> Option<Self> {
        Self::ALL.iter().copied().find(|column| !column.is_numeric())
    }

    fn of(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|column| column.id() == id)
    }
}

/// The order of the rows of a table.
pub(crate) fn order<C: Columns>(by: Sort) -> impl Fn(&C::Row, &C::Row) -> Ordering {
    let column = C::of(by.column);
    move |a, b| column.map_or(Ordering::Equal, |column| column.compare(a, b, by))
}

/// The words of a row in the column that names it.
pub(crate) fn name_of<C: Columns>(row: &C::Row) -> String {
    C::naming().map_or_else(String::new, |column| column.text(row))
}

/// The columns that a person has not hidden, each with the words of its head.
pub(crate) fn shown<C: Columns>(shape: &Shape, words: impl Fn(C) -> &'static str) -> Vec<(C, String)> {
    let shown = C::ALL.iter().filter(|column| !shape.is_hidden(column.id()));
    shown.map(|&column| (column, words(column).to_owned())).collect()
}

/// Some columns set under each other with spaces, for a terminal or a message. Each is given with its head.
pub(crate) fn as_text<C: Columns>(rows: &[C::Row], columns: &[(C, String)]) -> String {
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|(_, head)| head.clone()).collect()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|(column, _)| column.text(row)).collect()));
    let mut widths = vec![0; columns.len()];
    for line in &lines {
        for (width, text) in widths.iter_mut().zip(line) {
            *width = (*width).max(text.width());
        }
    }
    let mut out = String::new();
    for line in lines {
        let mut text = String::new();
        for (width, cell) in widths.iter().zip(&line) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// A head line of the names of some columns, then one line per row.
pub(crate) fn as_csv<C: Columns>(rows: &[C::Row], columns: &[(C, String)]) -> String {
    let mut out = line(columns.iter().map(|(column, _)| column.id().to_owned()));
    for row in rows {
        out.push_str(&line(columns.iter().map(|(column, _)| csv_field(&column.plain(row)))));
    }
    out
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.collect::<Vec<_>>().join(",") + "\r\n"
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

    #[derive(Clone, Copy)]
    enum Column {
        Port,
        Program,
    }

    impl Columns for Column {
        type Row = &'static str;
        const ALL: &'static [Self] = &[Column::Port, Column::Program];

        fn id(self) -> &'static str {
            match self {
                Column::Port => "port",
                Column::Program => "program",
            }
        }

        fn is_numeric(self) -> bool {
            matches!(self, Column::Port)
        }

        fn text(self, row: &Self::Row) -> String {
            match self {
                Column::Port => "80".into(),
                Column::Program => (*row).into(),
            }
        }

        fn plain(self, row: &Self::Row) -> String {
            match self {
                Column::Port => "80000".into(),
                Column::Program => self.text(row),
            }
        }

        fn compare(self, a: &Self::Row, b: &Self::Row, by: Sort) -> Ordering {
            by.turn(a.cmp(b))
        }
    }

    fn head(column: Column) -> &'static str {
        match column {
            Column::Port => "Port",
            Column::Program => "Program",
        }
    }

    fn all() -> Vec<(Column, String)> {
        shown(&Shape::default(), head)
    }

    #[test]
    fn no_cell_of_a_csv_is_a_formula() {
        for program in ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "  =x"] {
            let csv = as_csv::<Column>(&[program], &all());
            let cell = csv.lines().nth(1).unwrap().split(',').nth(1).unwrap().trim_matches('"');
            assert!(cell.starts_with('\''), "{program:?} became {cell:?}");
        }
    }

    #[test]
    fn a_row_is_named_by_its_first_column_of_text() {
        assert_eq!(name_of::<Column>(&"nginx"), "nginx", "the port before it is a number");
    }

    #[test]
    fn quotes_and_commas_stay_inside_their_field() {
        let csv = as_csv::<Column>(&["a,\"b\""], &all());
        assert_eq!(csv, "port,program\r\n80000,\"a,\"\"b\"\"\"\r\n", "and a number is in full");
    }

    #[test]
    fn text_is_set_in_columns() {
        assert_eq!(as_text::<Column>(&["nginx", "x"], &all()), "Port  Program\n80    nginx\n80    x\n");
    }

    #[test]
    fn a_character_that_takes_two_places_is_counted_as_two() {
        let columns = [(Column::Program, "\u{7a0b}\u{5e8f}".to_owned()), (Column::Port, "Port".to_owned())];
        let text = as_text::<Column>(&["nginx", "\u{7f51}\u{7ad9}"], &columns);
        assert_eq!(
            text, "\u{7a0b}\u{5e8f}   Port\nnginx  80\n\u{7f51}\u{7ad9}   80\n",
            "each second column begins in the eighth place"
        );
    }

    #[test]
    fn a_column_that_is_hidden_is_not_copied() {
        let mut shape = Shape::default();
        shape.hide("port");
        let columns = shown(&shape, head);
        assert_eq!(as_text::<Column>(&["nginx"], &columns), "Program\nnginx\n");
        assert_eq!(as_csv::<Column>(&["nginx"], &columns), "program\r\nnginx\r\n");
    }
}
