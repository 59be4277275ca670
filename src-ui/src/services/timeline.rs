//! The outcome line: what happened during an action, set on a line of a given width.
//!
//! Grey while the old process ends, hatched while nothing listens, green once it serves again. A
//! failure ends the line where it became known. Marks stand at their true place; their words move
//! aside where they would lie on each other, and are left out where there is no room at all.

use protocol::services::{Moment, MomentKind, Outcome};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The old process still runs or ends.
    Ending,
    /// Nothing serves.
    Down,
    /// It runs, and listens if it did before.
    Up,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) phase: Phase,
    pub(crate) from_x: f64,
    pub(crate) to_x: f64,
    pub(crate) length_ms: u64,
}

/// A mark on the line. `words_x` is the left edge of its word and of the time below it, `None` if there was no room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) at_ms: u64,
    pub(crate) x: f64,
    pub(crate) what: MomentKind,
    pub(crate) label: String,
    pub(crate) time: String,
    pub(crate) words_x: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timeline {
    pub(crate) segments: Vec<Segment>,
    pub(crate) marks: Vec<Mark>,
    /// Where the line ends by a failure.
    pub(crate) failed_x: Option<f64>,
    /// Middle and length of the time in which nothing served, if it is wide enough to be named.
    pub(crate) down: Option<(f64, u64)>,
}

/// Lays the moments out over `width` pixels. `None` if there is nothing to tell: enabling a unit
/// has no course in time.
pub(crate) fn lay_out(
    moments: &[Moment],
    took_ms: u64,
    outcome: Outcome,
    width: f64,
    label: impl Fn(&Moment) -> String,
) -> Option<Timeline> {
    let mut moments: Vec<&Moment> = moments.iter().filter(|m| m.what != MomentKind::Unknown).collect();
    moments.sort_by_key(|moment| moment.at_ms);
    if !moments.iter().any(|moment| moment.what != MomentKind::Asked) {
        return None;
    }
    let failed = matches!(outcome, Outcome::Failed | Outcome::KeepsCrashing);
    let last_ms = moments.last().map_or(0, |moment| moment.at_ms);
    let end_ms = took_ms.max(last_ms).max(1);
    let x = |at_ms: u64| (at_ms.min(end_ms) as f64 / end_ms as f64 * width).clamp(0.0, width);
    let first = |kind: MomentKind| moments.iter().find(|m| m.what == kind).map(|m| m.at_ms);
    let line_end_ms = first(MomentKind::Failed).filter(|_| failed).unwrap_or(end_ms);

    let segments = phases(&moments, outcome, line_end_ms)
        .into_iter()
        .filter(|(_, from, to)| to > from)
        .map(|(phase, from, to)| Segment { phase, from_x: x(from), to_x: x(to), length_ms: to - from })
        .collect::<Vec<_>>();
    let mut marks: Vec<Mark> = moments
        .iter()
        .map(|moment| Mark {
            at_ms: moment.at_ms,
            x: x(moment.at_ms),
            what: moment.what,
            label: label(moment),
            time: seconds(moment.at_ms),
            words_x: None,
        })
        .collect();
    place(&mut marks, width);
    let down = segments
        .iter()
        .filter(|segment| segment.phase == Phase::Down && !failed)
        .fold(None::<(f64, f64, u64)>, |all, segment| {
            let (from, _, length) = all.unwrap_or((segment.from_x, segment.to_x, 0));
            Some((from, segment.to_x, length + segment.length_ms))
        })
        .map(|(from, to, length)| ((from + to) / 2.0, length))
        .filter(|(middle, _)| has_room(&marks, *middle, 100.0));
    Some(Timeline { segments, marks, failed_x: failed.then(|| x(line_end_ms)), down })
}

/// The phases in time. A stop ends with the old process; a start without ports is up once its
/// process is there.
fn phases(moments: &[&Moment], outcome: Outcome, end_ms: u64) -> Vec<(Phase, u64, u64)> {
    let at = |kind: MomentKind| moments.iter().find(|m| m.what == kind).map(|m| m.at_ms.min(end_ms));
    let ended = at(MomentKind::Ended);
    let started = at(MomentKind::Started);
    let listening = at(MomentKind::Listening);
    let up = match outcome {
        Outcome::Running | Outcome::RanAndEnded => listening.or(started),
        _ => None,
    };
    match (ended, up) {
        (Some(ended), Some(up)) if ended <= up => {
            vec![(Phase::Ending, 0, ended), (Phase::Down, ended, up), (Phase::Up, up, end_ms)]
        }
        // The new process was there before the old one was gone: nothing was down.
        (Some(_), Some(up)) => vec![(Phase::Ending, 0, up), (Phase::Up, up, end_ms)],
        (None, Some(up)) => vec![(Phase::Down, 0, up), (Phase::Up, up, end_ms)],
        (Some(ended), None) if outcome == Outcome::Stopped => vec![(Phase::Ending, 0, ended)],
        (Some(ended), None) => vec![(Phase::Ending, 0, ended), (Phase::Down, ended, end_ms)],
        (None, None) => vec![(Phase::Down, 0, end_ms)],
    }
}

/// Gives each mark a place for its word and its time, which are one column: as near to the mark as its neighbours
/// allow.
fn place(marks: &mut [Mark], width: f64) {
    const SPACE: f64 = 8.0;
    let widths: Vec<f64> =
        marks.iter().map(|mark| text_width(&mark.label).max(text_width(&mark.time))).collect();
    let mut shown: Vec<usize> = (0..marks.len()).collect();
    // Words that cannot all stand on the line: those in the middle go first, the ends stay.
    while shown.len() > 2 && shown.iter().map(|i| widths[*i] + SPACE).sum::<f64>() - SPACE > width {
        shown.remove(shown.len() / 2);
    }
    let mut at: Vec<f64> = shown
        .iter()
        .map(|i| {
            let (x, own) = (marks[*i].x, widths[*i]);
            (x - own / 2.0).clamp(0.0, (width - own).max(0.0))
        })
        .collect();
    for n in 1..at.len() {
        at[n] = at[n].max(at[n - 1] + widths[shown[n - 1]] + SPACE);
    }
    let mut right = width;
    for n in (0..at.len()).rev() {
        at[n] = at[n].min(right - widths[shown[n]]).max(0.0);
        right = at[n] - SPACE;
    }
    for (mark, index) in marks.iter_mut().zip(0..) {
        mark.words_x = shown.iter().position(|i| *i == index).map(|n| at[n]);
    }
}

/// True if a word of this width fits under the line between the times that stand there.
fn has_room(marks: &[Mark], middle: f64, width: f64) -> bool {
    marks.iter().all(|mark| {
        mark.words_x.is_none_or(|left| {
            let right = left + text_width(&mark.time);
            right + 6.0 < middle - width / 2.0 || left - 6.0 > middle + width / 2.0
        })
    })
}

/// Width of a text of 12 px, generously: a CJK character is as wide as it is high.
fn text_width(text: &str) -> f64 {
    text.chars().map(|c| if (c as u32) >= 0x2E80 { 12.0 } else { 6.6 }).sum()
}

/// `15 ms`, `0.31 s`, `12.4 s`.
pub(crate) fn seconds(ms: u64) -> String {
    match ms {
        0 => "0 s".to_owned(),
        // What happens within a tenth of a second is told apart.
        1..100 => format!("{ms} ms"),
        100..10_000 => format!("{:.2} s", ms as f64 / 1e3),
        _ => format!("{:.1} s", ms as f64 / 1e3),
    }
}

/// How many ports are named by the subject of `MomentKind::Listening`, as in `tcp 0.0.0.0:80, tcp [::]:80`.
pub(crate) fn ports(subject: &str) -> u64 {
    subject.split(", ").count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at_ms: u64, what: MomentKind) -> Moment {
        Moment { at_ms, what, subject: None }
    }

    fn words(moment: &Moment) -> String {
        format!("{:?}", moment.what)
    }

    fn restart() -> Vec<Moment> {
        vec![
            moment(0, MomentKind::Asked),
            moment(310, MomentKind::Ended),
            moment(740, MomentKind::Started),
            moment(1_800, MomentKind::Listening),
        ]
    }

    #[test]
    fn a_restart_is_grey_then_hatched_then_green() {
        let line = lay_out(&restart(), 2_500, Outcome::Running, 646.0, words).unwrap();
        let phases: Vec<_> = line.segments.iter().map(|s| (s.phase, s.length_ms)).collect();
        assert_eq!(phases, [(Phase::Ending, 310), (Phase::Down, 1_490), (Phase::Up, 700)]);
        assert_eq!(line.segments[2].to_x, 646.0);
        assert_eq!(line.down.map(|(_, length)| length), Some(1_490));
        assert_eq!(line.failed_x, None);
    }

    #[test]
    fn a_failure_ends_the_line_where_it_became_known() {
        let mut moments = restart();
        moments[3] = moment(1_200, MomentKind::Failed);
        let line = lay_out(&moments, 2_400, Outcome::Failed, 600.0, words).unwrap();
        assert_eq!(line.failed_x, Some(300.0));
        assert!(line.segments.iter().all(|segment| segment.phase != Phase::Up));
        assert_eq!(line.segments.last().unwrap().to_x, 300.0);
    }

    #[test]
    fn a_stop_ends_with_the_old_process() {
        let moments = [moment(0, MomentKind::Asked), moment(400, MomentKind::Ended)];
        let line = lay_out(&moments, 1_000, Outcome::Stopped, 500.0, words).unwrap();
        assert_eq!(line.segments.len(), 1);
        assert_eq!((line.segments[0].phase, line.segments[0].to_x), (Phase::Ending, 200.0));
    }

    #[test]
    fn what_has_no_course_in_time_has_no_line() {
        assert_eq!(lay_out(&[], 100, Outcome::Enabled, 600.0, words), None);
        assert_eq!(lay_out(&[moment(0, MomentKind::Asked)], 100, Outcome::Enabled, 600.0, words), None);
    }

    #[test]
    fn words_never_lie_on_each_other_nor_outside() {
        let moments = [
            moment(0, MomentKind::Asked),
            moment(3, MomentKind::Ended),
            moment(5, MomentKind::Started),
            moment(7, MomentKind::Listening),
        ];
        let line = lay_out(&moments, 4_000, Outcome::Running, 646.0, words).unwrap();
        let mut end = -1.0;
        for mark in &line.marks {
            let left = mark.words_x.unwrap();
            assert!(left > end, "{mark:?}");
            end = left + text_width(&mark.label);
            assert!(end <= 646.0);
        }
        let narrow = lay_out(&moments, 4_000, Outcome::Running, 60.0, words).unwrap();
        assert!(narrow.marks.iter().filter(|mark| mark.words_x.is_some()).count() <= 2);
    }

    #[test]
    fn moments_out_of_order_or_after_the_end_do_not_break_the_line() {
        let moments = [moment(900, MomentKind::Started), moment(50, MomentKind::Ended)];
        let line = lay_out(&moments, 10, Outcome::Running, 100.0, words).unwrap();
        assert!(line.segments.iter().all(|s| s.from_x < s.to_x && s.to_x <= 100.0));
        assert!(lay_out(&[moment(0, MomentKind::Failed)], 0, Outcome::Failed, 100.0, words).is_some());
    }

    #[test]
    fn a_port_is_its_protocol_and_its_address() {
        assert_eq!(ports("tcp 0.0.0.0:8080"), 1);
        assert_eq!(ports("tcp 0.0.0.0:80, tcp [::]:80, unix /run/web server.sock"), 3);
    }
}
