//! One entry: how it begins, how it is finished, and how much of it is kept.

use protocol::operations::{EndedBy, Operation, OperationKind, OperationResult};
use protocol::services::UnitState;

use super::{Finish, OperationDraft};

/// Of a longer text, this much of its beginning and of its end is kept.
const HEAD_BYTES: usize = 64 << 10;
const TAIL_BYTES: usize = 64 << 10;
const JOURNAL_LINES: usize = 200;
const JOURNAL_LINE_BYTES: usize = 4 << 10;
const MOMENTS: usize = 100;
/// Words of systemd and ports are short; a host that sends more is not believed in full.
const WORD_BYTES: usize = 256;
const PORTS: usize = 2_000;

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
        custom: draft.custom,
        privilege: draft.privilege,
        result: OperationResult::UnderWay,
        outcome: None,
        exit_code: None,
        took_ms: None,
        output: String::new(),
        output_bytes: None,
        errors: String::new(),
        errors_bytes: None,
        summary: String::new(),
        ended_by: None,
        before: None,
        after: None,
        job_result: None,
        moments: Vec::new(),
        journal: Vec::new(),
        comments: Vec::new(),
        read: None,
        read_by: Vec::new(),
        unlogged: None,
    }
}

/// What stands for an entry whose text cannot be read.
pub(super) fn unreadable(id: u64) -> Operation {
    let draft = OperationDraft::new(OperationKind::Unknown, None, "");
    Operation {
        id,
        result: OperationResult::Unknown,
        summary: "this entry cannot be read: 'musterctl operations verify' tells more".into(),
        ..begun(draft, String::new(), 0)
    }
}

pub(super) fn finish(entry: &mut Operation, finish: Finish) {
    entry.result = finish.result;
    entry.outcome = finish.outcome;
    entry.exit_code = finish.exit_code;
    entry.took_ms = finish.took_ms;
    (entry.output, entry.output_bytes) = printed(finish.output, finish.output_bytes);
    (entry.errors, entry.errors_bytes) = printed(finish.errors, finish.errors_bytes);
    entry.summary = ends_of(finish.summary, JOURNAL_LINE_BYTES, 0);
    entry.ended_by = finish.ended_by.map(|fault| EndedBy {
        hop: fault.hop.map(|hop| ends_of(hop, WORD_BYTES, 0)),
        subject: fault.subject.map(|subject| ends_of(subject, JOURNAL_LINE_BYTES, 0)),
        ..fault
    });
    entry.before = finish.before.map(state_within_limits);
    entry.after = finish.after.map(state_within_limits);
    entry.job_result = finish.job_result.map(|result| ends_of(result, WORD_BYTES, 0));
    entry.moments = finish.moments;
    entry.moments.truncate(MOMENTS);
    for moment in &mut entry.moments {
        moment.subject = moment.subject.take().map(|subject| ends_of(subject, JOURNAL_LINE_BYTES, 0));
    }
    let oldest = finish.journal.len().saturating_sub(JOURNAL_LINES);
    entry.journal =
        finish.journal.into_iter().skip(oldest).map(|line| ends_of(line, JOURNAL_LINE_BYTES, 0)).collect();
}

/// The answer may have come, and the disk may have been full then.
const NO_END: &str = "Muster ended before the answer was written down";

/// Finishes what was under way when the program ended.
pub(super) fn cut(entry: &mut Operation) {
    entry.result = OperationResult::OutcomeUnknown;
    entry.summary = NO_END.into();
}

/// Finishes what had an end that went with damaged files.
pub(super) fn lose_end(entry: &mut Operation) {
    entry.result = OperationResult::OutcomeUnknown;
    entry.summary = "what came of it was lost with a damaged file of the data".into();
}

/// About how much memory and wire the entry takes.
pub(super) fn size_bytes(entry: &Operation) -> usize {
    entry.command.len()
        + entry.output.len()
        + entry.errors.len()
        + entry.journal.iter().map(String::len).sum::<usize>()
        + entry.comments.iter().map(|comment| comment.text.len()).sum::<usize>()
        + entry.ended_by.iter().filter_map(|fault| fault.subject.as_ref()).map(String::len).sum::<usize>()
        + entry.moments.iter().filter_map(|moment| moment.subject.as_ref()).map(String::len).sum::<usize>()
        + [&entry.before, &entry.after]
            .into_iter()
            .flatten()
            .flat_map(|state| &state.listens)
            .map(String::len)
            .sum::<usize>()
        + 512
}

fn state_within_limits(state: UnitState) -> UnitState {
    let word = |text: String| ends_of(text, WORD_BYTES, 0);
    let left_out = state.listens.len().saturating_sub(PORTS);
    let mut listens: Vec<String> = state.listens.into_iter().take(PORTS).map(word).collect();
    if left_out > 0 {
        listens.push(format!("... {left_out} more left out"));
    }
    UnitState {
        load_state: word(state.load_state),
        active_state: word(state.active_state),
        sub_state: word(state.sub_state),
        enabled_state: state.enabled_state.map(word),
        result: word(state.result),
        exec_main_code: state.exec_main_code.map(word),
        listens,
        ..state
    }
}

/// What is kept of what was printed, and how long it was in full if that is more.
fn printed(text: String, full_bytes: Option<u64>) -> (String, Option<u64>) {
    let bytes = text.len();
    let kept = ends_of(text, HEAD_BYTES, TAIL_BYTES);
    let cut_here = (kept.len() != bytes).then_some(bytes as u64);
    (kept, full_bytes.or(cut_here))
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
    use protocol::{Fault, FaultCode};

    #[test]
    fn a_long_text_keeps_both_ends_and_says_what_is_gone() {
        let text = format!("{}{}{}", "a".repeat(10), "中".repeat(10), "z".repeat(10));
        assert_eq!(ends_of(text, 11, 11), "aaaaaaaaaa\n... 30 bytes left out ...\nzzzzzzzzzz");
    }

    #[test]
    fn a_host_cannot_fill_the_log_with_the_state_of_a_unit() {
        let long = "x".repeat(1 << 20);
        let listens = vec![long.clone(); 10];
        let state = UnitState { active_state: long.clone(), result: long, listens, ..UnitState::default() };
        let kept = state_within_limits(state);
        assert!(serde_json::to_string(&kept).unwrap().len() < 12 * 2 * WORD_BYTES);
        let listens = vec!["tcp 0.0.0.0:1".to_owned(); PORTS + 7];
        let kept = state_within_limits(UnitState { listens, ..UnitState::default() });
        assert_eq!(kept.listens.last().unwrap(), "... 7 more left out");
        let plain = UnitState { active_state: "active".into(), main_pid: Some(7), ..UnitState::default() };
        assert_eq!(state_within_limits(plain.clone()), plain);
    }

    #[test]
    fn a_host_cannot_fill_the_log_with_what_a_fault_is_about() {
        let long = "x".repeat(1 << 20);
        let fault = Fault::new(FaultCode::UnitUnknown, long.clone()).about(long.clone()).at_hop(long);
        let mut entry = unreadable(1);
        finish(&mut entry, Finish::by(&fault, OperationResult::Refused));
        assert!(serde_json::to_string(&entry).unwrap().len() < 3 * JOURNAL_LINE_BYTES);
        let fault = Fault::new(FaultCode::UnitUnknown, "no unit").about("nginx.service").at_hop("gate");
        finish(&mut entry, Finish::by(&fault, OperationResult::Refused));
        assert_eq!(entry.ended_by, Some((&fault).into()));
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
