//! Tables for people: columns in line, whatever the script of their text.

use protocol::text::printable;

use crate::output::{Output, Stop};

/// A column: its head, and whether its text ends in line (numbers) or begins in line.
pub(crate) enum Column {
    Left(&'static str),
    Right(&'static str),
}

pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| printable(cell).into_owned()).collect());
    }

    pub(crate) fn print(&self, output: &mut Output) -> Result<(), Stop> {
        for line in self.lines() {
            output.line(&line)?;
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let head: Vec<String> = self.columns.iter().map(|column| column.head().to_owned()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().filter_map(|row| row.get(at));
                cells.chain(head.get(at)).map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        std::iter::once(&head).chain(&self.rows).map(|row| self.aligned(row, &widths)).collect()
    }

    fn aligned(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, column), width_of) in row.iter().zip(&self.columns).zip(widths) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let gap = " ".repeat(width_of.saturating_sub(width(cell)));
            match column {
                Column::Left(_) => line.extend([cell.as_str(), &gap]),
                Column::Right(_) => line.extend([gap.as_str(), cell]),
            }
        }
        line.trim_end().to_owned()
    }
}

impl Column {
    fn head(&self) -> &'static str {
        match self {
            Column::Left(head) | Column::Right(head) => head,
        }
    }
}

/// Columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Wide and combining characters after Unicode's East Asian Width (UAX #11), by their blocks.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036F
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x200B..=0x200D
        | 0x20D0..=0x20FF
        | 0xFE00..=0xFE0F
        | 0xFE20..=0xFE2F => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0x4DBF
        | 0x4E00..=0xA4CF
        | 0xA960..=0xA97F
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF01..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F680..=0x1F6FF
        | 0x1F900..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_in_line_in_any_script() {
        let mut table = Table::new(vec![Column::Left("NAME"), Column::Right("N"), Column::Left("TEXT")]);
        table.row(vec!["数据库-1".into(), "7".into(), "x".into()]);
        table.row(vec!["web".into(), "1000".into(), String::new()]);
        assert_eq!(table.lines(), ["NAME         N  TEXT", "数据库-1     7  x", "web       1000"]);
    }

    #[test]
    fn a_cell_cannot_act_on_the_terminal_or_break_its_line() {
        let mut table = Table::new(vec![Column::Left("NAME")]);
        table.row(vec!["a\u{1b}[31m\nb".into()]);
        assert_eq!(table.lines(), ["NAME", "a\\x1b[31m\\x0ab"]);
    }

    proptest! {
        #[test]
        fn every_line_has_its_columns_at_the_same_place(cells in prop::collection::vec("[a-z中é]{0,6}", 4)) {
            let mut table = Table::new(vec![Column::Left("A"), Column::Left("B")]);
            table.row(vec![cells[0].clone(), format!("|{}", cells[1])]);
            table.row(vec![cells[2].clone(), format!("|{}", cells[3])]);
            let places: Vec<_> = table.lines()[1..].iter().map(|line| width(&line[..line.find('|').unwrap()])).collect();
            prop_assert_eq!(places[0], places[1]);
        }
    }
}
