//! One entry: how it begins, how it is finished, and how much of it is kept.

use protocol::operations::{Operation, OperationResult};

use super::{Finish, OperationDraft};

/// Of a longer text, this much of its beginning and of its end is kept.
const HEAD_BYTES: usize = 64 << 10;
const TAIL_BYTES: usize = 64 << 10;
const JOURNAL_LINES: usize = 200;
const JOURNAL_LINE_BYTES: usize = 4 << 10;
const MOMENTS: usize = 100;

/// The entry of an operation that is under way. Its id is given when it is written.
pub(super) fn begun(draft: OperationDraft, operator: String, started_ms: i64) -> Operation {
    Operation {
        id: 0,
        started_ms,
        operator,
        host: draft.host,
        kind: draft.kind,
        target: draft.target,
        command: draft.command,
        result: OperationResult::UnderWay,
        outcome: None,
        exit_code: None,
        took_ms: None,
        output: String::new(),
        errors: String::new(),
        summary: String::new(),
        before: None,
        after: None,
        moments: Vec::new(),
        journal: Vec::new(),
        read: None,
    }
}

pub(super) fn finish(entry: &mut Operation, finish: Finish) {
    entry.result = finish.result;
    entry.outcome = finish.outcome;
    entry.exit_code = finish.exit_code;
    entry.took_ms = finish.took_ms;
    entry.output = ends_of(finish.output, HEAD_BYTES, TAIL_BYTES);
    entry.errors = ends_of(finish.errors, HEAD_BYTES, TAIL_BYTES);
    entry.summary = ends_of(finish.summary, JOURNAL_LINE_BYTES, 0);
    entry.before = finish.before;
    entry.after = finish.after;
    entry.moments = finish.moments;
    entry.moments.truncate(MOMENTS);
    let oldest = finish.journal.len().saturating_sub(JOURNAL_LINES);
    entry.journal =
        finish.journal.into_iter().skip(oldest).map(|line| ends_of(line, JOURNAL_LINE_BYTES, 0)).collect();
}

/// Finishes what was under way when the program ended.
pub(super) fn cut(entry: &mut Operation) {
    entry.result = OperationResult::OutcomeUnknown;
    entry.summary = "Muster ended before the answer came".into();
}

/// About how much memory and wire the entry takes.
pub(super) fn size_bytes(entry: &Operation) -> usize {
    entry.command.len()
        + entry.output.len()
        + entry.errors.len()
        + entry.journal.iter().map(String::len).sum::<usize>()
        + 512
}

/// Beginning and end of a text, with what lies between counted.
fn ends_of(text: String, head_bytes: usize, tail_bytes: usize) -> String {
    if text.len() <= head_bytes + tail_bytes {
        return text;
    }
    let head = text.floor_char_boundary(head_bytes);
    let tail = text.ceil_char_boundary(text.len() - tail_bytes);
    let gap = format!("\n... {} bytes left out ...\n", tail - head);
    [&text[..head], gap.as_str(), &text[tail..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_text_keeps_both_ends_and_says_what_is_gone() {
        let text = format!("{}{}{}", "a".repeat(10), "中".repeat(10), "z".repeat(10));
        assert_eq!(ends_of(text, 11, 11), "aaaaaaaaaa\n... 30 bytes left out ...\nzzzzzzzzzz");
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_counted_to_the_byte(text in any::<String>(), head in 0usize..20, tail in 0usize..20) {
            let kept = ends_of(text.clone(), head, tail);
            if text.len() <= head + tail {
                prop_assert_eq!(kept, text);
            } else {
                let marks = "\n... ".len() + " bytes left out ...\n".len();
                let count: usize = (0..=text.len())
                    .find(|count| kept.len() + count == text.len() + marks + count.to_string().len()
                        && kept.contains(&format!("... {count} bytes left out ...")))
                    .unwrap();
                prop_assert!(count <= text.len());
            }
        }
    }
}
