//! The last ten minutes of samples as a chart needs them, in time order.
//!
//! Times are those at which a sample was received, by this computer's clock: that of where it comes
//! from may be wrong, and the axis must agree with the clock on the wall.

use std::collections::VecDeque;

/// What a chart shows: ten minutes.
pub(crate) const WINDOW_MS: i64 = 600_000;
/// Between two samples, as long as there are not two.
const USUAL_STEP_MS: i64 = 2_000;
/// Steps before and after one that it is judged by: few, so that another interval is soon the usual one, and
/// enough that two breaks in a row are not.
const NEIGHBOURS: usize = 2;

/// A time without data, from the last sample before to the first one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Gap {
    pub(crate) fn length_s(self) -> i64 {
        (self.to_ms - self.from_ms + 500) / 1_000
    }
}

/// What has a place on a time axis.
pub(crate) trait Timed {
    /// Milliseconds since 1970 UTC, by the clock of this computer.
    fn at_ms(&self) -> i64;
}

/// Samples of the last ten minutes in time order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History<S> {
    list: VecDeque<S>,
}

impl<S> Default for History<S> {
    fn default() -> Self {
        Self { list: VecDeque::new() }
    }
}

impl<S: Timed> History<S> {
    /// Of samples in time order, such as those that were kept.
    pub(crate) fn of(kept: impl IntoIterator<Item = S>) -> Self {
        let mut history = Self::default();
        for sample in kept {
            history.push(sample);
        }
        history
    }

    /// Adds the newest sample and forgets what is older than the window. A sample of the same time replaces
    /// the one that is there; a clock that was set back begins a new history, since two samples of one time
    /// cannot share an axis.
    pub(crate) fn push(&mut self, sample: S) {
        let at_ms = sample.at_ms();
        if let Some(last) = self.list.back() {
            if at_ms == last.at_ms() {
                self.list.pop_back();
            } else if at_ms < last.at_ms() {
                self.list.clear();
            }
        }
        self.list.push_back(sample);
        // One sample before the window stays, so that the line begins at the edge.
        while self.list.len() > 1 && self.list[1].at_ms() < at_ms - WINDOW_MS {
            self.list.pop_front();
        }
    }

    /// The usual time between two samples around the step from the sample at this place to the next: how
    /// often samples come can be changed at any moment, so the rest of the picture does not tell.
    fn usual_step_ms(&self, place: usize) -> i64 {
        let last = self.list.len().saturating_sub(1);
        let around = place.saturating_sub(NEIGHBOURS)..(place + NEIGHBOURS + 1).min(last);
        let mut steps: Vec<i64> =
            around.map(|at| self.list[at + 1].at_ms() - self.list[at].at_ms()).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(USUAL_STEP_MS).clamp(200, 60_000)
    }

    /// If the step from the sample at this place to the next is longer, there is a gap between them.
    fn gap_from_ms(&self, place: usize) -> i64 {
        self.usual_step_ms(place) * 5 / 2 + 500
    }

    /// The place of the newest step that there is.
    fn newest_step(&self) -> usize {
        self.list.len().saturating_sub(2)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &S> {
        self.list.iter()
    }

    pub(crate) fn last(&self) -> Option<&S> {
        self.list.back()
    }

    /// The usual time between two samples, as they come now.
    pub(crate) fn step_ms(&self) -> i64 {
        self.usual_step_ms(self.newest_step())
    }

    /// The newest sample is overdue after this time.
    fn overdue_from_ms(&self) -> i64 {
        self.gap_from_ms(self.newest_step())
    }

    /// The right edge of the chart: the newest sample, or now once samples are overdue. A history
    /// that ended long ago keeps its own edge, else it would have left the picture.
    pub(crate) fn edge_ms(&self, now_ms: i64) -> i64 {
        let Some(last) = self.last() else { return now_ms };
        let silent_ms = now_ms - last.at_ms();
        if silent_ms > self.overdue_from_ms() && silent_ms < WINDOW_MS { now_ms } else { last.at_ms() }
    }

    /// Where data is missing up to `edge_ms`, the right edge of the chart.
    pub(crate) fn gaps(&self, edge_ms: i64) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = self
            .pairs()
            .enumerate()
            .map(|(place, (a, b))| (place, Gap { from_ms: a.at_ms(), to_ms: b.at_ms() }))
            .filter(|(place, gap)| gap.to_ms - gap.from_ms > self.gap_from_ms(*place))
            .map(|(_, gap)| gap)
            .collect();
        if let Some(last) = self.last()
            && edge_ms - last.at_ms() > self.overdue_from_ms()
        {
            gaps.push(Gap { from_ms: last.at_ms(), to_ms: edge_ms });
        }
        gaps
    }

    /// Runs of samples without a gap inside, each drawn as one line.
    pub(crate) fn runs(&self) -> Vec<Vec<&S>> {
        let mut runs: Vec<Vec<&S>> = Vec::new();
        for (place, sample) in self.list.iter().enumerate() {
            // The step that leads to it is the one of the sample before.
            let goes_on = |last: &&S| {
                let step = place.saturating_sub(1);
                sample.at_ms() - last.at_ms() <= self.gap_from_ms(step)
            };
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(goes_on) => run.push(sample),
                _ => runs.push(vec![sample]),
            }
        }
        runs
    }

    /// The sample nearest to a time, unless the time lies in a gap.
    pub(crate) fn nearest(&self, at_ms: i64) -> Option<&S> {
        let at = self.nearest_index(at_ms)?;
        let near = self.list.get(at)?;
        // The step that the time lies in: behind the newest sample and before the oldest the next to it.
        let step = if at_ms < near.at_ms() { at.saturating_sub(1) } else { at }.min(self.newest_step());
        ((near.at_ms() - at_ms).abs() <= self.gap_from_ms(step) / 2 + 1).then_some(near)
    }

    /// The sample `steps` after (or, below zero, before) the one nearest to a time.
    pub(crate) fn moved(&self, at_ms: i64, steps: i64) -> Option<&S> {
        let index = self.nearest_index(at_ms)? as i64;
        let last = self.list.len() as i64 - 1;
        self.list.get(index.saturating_add(steps).clamp(0, last) as usize)
    }

    /// Of two that are as near the older one.
    fn nearest_index(&self, at_ms: i64) -> Option<usize> {
        let after = self.list.partition_point(|sample| sample.at_ms() < at_ms);
        let around = after.saturating_sub(1)..(after + 1).min(self.list.len());
        around.min_by_key(|index| (self.list[*index].at_ms() - at_ms).abs())
    }

    fn pairs(&self) -> impl Iterator<Item = (&S, &S)> {
        self.list.iter().zip(self.list.iter().skip(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct At {
        at_ms: i64,
    }

    impl Timed for At {
        fn at_ms(&self) -> i64 {
            self.at_ms
        }
    }

    fn at(at_ms: i64) -> At {
        At { at_ms }
    }

    fn every_two_seconds(count: i64) -> History<At> {
        let mut samples = History::default();
        for n in 0..count {
            samples.push(at(n * 2_000));
        }
        samples
    }

    #[test]
    fn only_ten_minutes_are_kept_with_one_sample_before_them() {
        let samples = every_two_seconds(1_000);
        let first = samples.iter().next().unwrap().at_ms;
        assert_eq!(samples.last().unwrap().at_ms - first, WINDOW_MS + 2_000);
    }

    #[test]
    fn a_break_of_forty_seconds_is_one_gap_and_two_runs() {
        let mut samples = every_two_seconds(20);
        samples.push(at(38_000 + 40_000));
        samples.push(at(38_000 + 42_000));
        let gaps = samples.gaps(samples.last().unwrap().at_ms);
        assert_eq!(gaps, vec![Gap { from_ms: 38_000, to_ms: 78_000 }]);
        assert_eq!(gaps[0].length_s(), 40);
        assert_eq!(samples.runs().iter().map(Vec::len).collect::<Vec<_>>(), vec![20, 2]);
        assert!(samples.nearest(58_000).is_none(), "a cursor in a gap has no value");
        assert_eq!(samples.nearest(37_100).unwrap().at_ms, 38_000);
    }

    #[test]
    fn one_late_sample_is_no_gap() {
        let mut samples = every_two_seconds(20);
        samples.push(at(38_000 + 4_500));
        assert!(samples.gaps(42_500).is_empty());
    }

    /// Samples each `first_ms`, then as many each `then_ms`.
    fn of_two_intervals(first_ms: i64, then_ms: i64) -> History<At> {
        let first = (0..30).map(|n| at(n * first_ms));
        let then = (1..=30).map(|n| at(29 * first_ms + n * then_ms));
        History::of(first.chain(then))
    }

    #[test]
    fn another_interval_is_no_gap_whichever_way_it_was_changed() {
        for (first_ms, then_ms) in [(1_000, 10_000), (10_000, 1_000)] {
            let samples = of_two_intervals(first_ms, then_ms);
            let edge_ms = samples.last().unwrap().at_ms;
            assert_eq!(samples.gaps(edge_ms), [], "{first_ms} ms, then {then_ms}");
            assert_eq!(samples.runs().len(), 1, "{first_ms} ms, then {then_ms}");
            assert_eq!(samples.step_ms(), then_ms);
        }
        // Few samples of the new interval are enough, though most in the picture are of the old one.
        let mut samples = every_two_seconds(250);
        for n in 1..=2 {
            samples.push(at(498_000 + n * 15_000));
        }
        assert_eq!(samples.gaps(528_000), [], "from the second sample on");
        assert_eq!(samples.edge_ms(528_000 + 14_000), 528_000, "nor is the next one overdue");
    }

    #[test]
    fn a_break_is_a_gap_beside_samples_of_any_interval() {
        let mut samples = of_two_intervals(10_000, 1_000);
        let last_ms = samples.last().unwrap().at_ms;
        for late_ms in [20_000, 21_000, 22_000] {
            samples.push(at(last_ms + late_ms));
        }
        let gap = Gap { from_ms: last_ms, to_ms: last_ms + 20_000 };
        assert_eq!(samples.gaps(last_ms + 22_000), [gap], "ten seconds were usual only before");
        // A link that comes back for one sample and breaks again has two gaps.
        let mut samples = every_two_seconds(20);
        for at_ms in [78_000, 118_000, 120_000, 122_000] {
            samples.push(at(at_ms));
        }
        assert_eq!(samples.gaps(122_000).len(), 2, "{:?}", samples.gaps(122_000));
    }

    #[test]
    fn silence_up_to_the_edge_is_a_gap_too() {
        let samples = every_two_seconds(20);
        assert_eq!(samples.gaps(38_000 + 30_000), vec![Gap { from_ms: 38_000, to_ms: 68_000 }]);
        assert!(samples.gaps(38_000 + 3_000).is_empty());
    }

    #[test]
    fn the_edge_moves_on_when_samples_are_overdue_but_not_for_ever() {
        let samples = every_two_seconds(20);
        assert_eq!(samples.edge_ms(39_500), 38_000);
        assert_eq!(samples.edge_ms(78_000), 78_000);
        assert_eq!(samples.edge_ms(38_000 + WINDOW_MS), 38_000, "an old picture stays as it was");
    }

    #[test]
    fn a_clock_that_is_set_back_begins_a_new_history() {
        let mut samples = every_two_seconds(20);
        samples.push(at(10_000));
        assert_eq!(samples.iter().count(), 1);
        samples.push(at(10_000));
        assert_eq!(samples.iter().count(), 1, "the same time twice is one sample");
    }

    #[test]
    fn what_was_kept_is_the_same_as_what_came_one_by_one() {
        let kept = History::of((0..400).map(|n| at(n * 1_000)));
        let mut live = History::default();
        for n in 0..400 {
            live.push(at(n * 1_000));
        }
        assert_eq!(kept, live);
        assert_eq!(kept.step_ms(), 1_000);
    }

    #[test]
    fn the_nearest_sample_is_found_at_the_ends_too() {
        let samples = every_two_seconds(5);
        for (at_ms, near) in [(-1_000, 0), (0, 0), (1_000, 0), (1_001, 2_000), (8_000, 8_000), (9_000, 8_000)]
        {
            assert_eq!(samples.nearest(at_ms), Some(&at(near)), "{at_ms}");
        }
        assert_eq!(samples.nearest(20_000), None);
        assert_eq!(History::<At>::default().nearest(0), None);
    }

    #[test]
    fn the_cursor_moves_by_samples_and_stops_at_the_ends() {
        let samples = every_two_seconds(5);
        assert_eq!(samples.moved(4_000, 1).unwrap().at_ms, 6_000);
        assert_eq!(samples.moved(4_000, -9).unwrap().at_ms, 0);
        assert_eq!(samples.moved(4_000, i64::MAX).unwrap().at_ms, 8_000);
        assert!(History::<At>::default().moved(0, 1).is_none());
    }
}
