//! A line as it goes out: JSON, within the limit. A table that is too long for it is cut, and what
//! was cut is counted in it.

use protocol::delta::Table;
use protocol::wire::{Answer, Line};
use protocol::{Fault, FaultCode};

/// The line with its end. What cannot be shortened is told by a fault in its place.
pub(super) fn to_frame(mut line: Line, limit_bytes: usize) -> Vec<u8> {
    loop {
        let bytes = match try_frame(&line, limit_bytes) {
            Ok(frame) => return frame,
            Err(bytes) => bytes,
        };
        let is_shorter = match &mut line {
            Line::Reply { answer: Answer::Sockets(table), .. } => shorten(table, bytes, limit_bytes),
            Line::Reply { answer: Answer::Services(table), .. } => shorten(table, bytes, limit_bytes),
            Line::Reply { answer: Answer::Processes(table), .. } => shorten(table, bytes, limit_bytes),
            _ => false,
        };
        if !is_shorter {
            let fault = Fault::new(FaultCode::Internal, "the answer is longer than a line may be");
            line = Line::Fault { id: id_of(&line), fault };
        }
    }
}

/// The line with its end, or how many bytes it would have.
pub(super) fn try_frame(line: &Line, limit_bytes: usize) -> Result<Vec<u8>, usize> {
    // A value that is no JSON counts as one that no line can hold.
    let mut bytes = crate::json::to_bytes(line).map_err(|_| usize::MAX)?;
    if bytes.len() >= limit_bytes {
        return Err(bytes.len());
    }
    bytes.push(b'\n');
    Ok(bytes)
}

/// How many of its rows a line may keep that has so many bytes with all of them: some less than its
/// share, since rows differ in length.
pub(super) fn rows_that_fit(rows: usize, bytes: usize, limit_bytes: usize) -> usize {
    let share = rows as u128 * limit_bytes as u128 / bytes.max(1) as u128;
    usize::try_from(share * 9 / 10).unwrap_or(rows).min(rows.saturating_sub(1))
}

fn shorten(table: &mut impl Table, bytes: usize, limit_bytes: usize) -> bool {
    let rows = table.rows().len();
    table.cut_to(rows_that_fit(rows, bytes, limit_bytes));
    rows > 0
}

fn id_of(line: &Line) -> u64 {
    match line {
        Line::Hello(_) => 0,
        Line::Reply { id, .. } | Line::Push { id, .. } | Line::Fault { id, .. } | Line::End { id } => *id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::sockets::{Socket, SocketTable};
    use protocol::system::System;

    #[test]
    fn a_table_that_is_too_long_for_a_line_is_cut_and_what_is_cut_is_counted() {
        let sockets = vec![Socket { local_address: "::1".into(), ..Socket::default() }; 100];
        let table = SocketTable { sockets, left_out: 7, ..SocketTable::default() };
        let line = Line::Reply { id: 3, answer: Answer::Sockets(table) };
        let whole = to_frame(line.clone(), usize::MAX).len();
        let cut = to_frame(line.clone(), whole / 2);
        assert!(cut.len() <= whole / 2 && cut.len() > whole / 3, "{} of {whole}", cut.len());
        let Line::Reply { id: 3, answer: Answer::Sockets(table) } = serde_json::from_slice(&cut).unwrap()
        else {
            panic!()
        };
        assert_eq!(table.sockets.len() + table.left_out as usize, 107);
        let none = String::from_utf8(to_frame(line, 200)).unwrap();
        assert!(none.contains(r#""sockets":[]"#) && none.contains(r#""left_out":107"#), "{none}");
    }

    #[test]
    fn an_answer_that_cannot_be_cut_is_a_fault_with_its_id() {
        let system = System { host_name: "x".repeat(500), ..System::default() };
        let line = Line::Reply { id: 3, answer: Answer::System(Box::new(system)) };
        let Line::Fault { id: 3, fault } = serde_json::from_slice(&to_frame(line, 300)).unwrap() else {
            panic!()
        };
        assert_eq!(fault.code, FaultCode::Internal);
    }
}
