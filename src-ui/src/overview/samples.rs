//! The last ten minutes of a host as the charts need them, in time order.
//!
//! Times are those at which a sample was received, by this computer's clock: the host's may be wrong,
//! and the axis must agree with the clock on the wall.

use std::collections::VecDeque;

use protocol::metrics::Sample;

/// What the charts show: ten minutes.
pub(crate) const WINDOW_MS: i64 = 600_000;

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

/// Samples of the last ten minutes in time order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Samples {
    list: VecDeque<Sample>,
}

impl Samples {
    pub(crate) fn of(history: &[Sample]) -> Self {
        let mut samples = Self::default();
        for sample in history {
            samples.push(*sample);
        }
        samples
    }

    /// Adds the newest sample and forgets what is older than the window. A sample of the same
    /// time replaces the one that is there; a clock that was set back begins a new history, since
    /// two samples of one time cannot share an axis.
    pub(crate) fn push(&mut self, sample: Sample) {
        if let Some(last) = self.list.back() {
            if sample.at_ms == last.at_ms {
                self.list.pop_back();
            } else if sample.at_ms < last.at_ms {
                self.list.clear();
            }
        }
        self.list.push_back(sample);
        // One sample before the window stays, so that the line begins at the edge.
        while self.list.len() > 1 && self.list[1].at_ms < sample.at_ms - WINDOW_MS {
            self.list.pop_front();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sample> {
        self.list.iter()
    }

    pub(crate) fn last(&self) -> Option<&Sample> {
        self.list.back()
    }

    /// The usual time between two samples: the median of what was seen.
    pub(crate) fn step_ms(&self) -> i64 {
        let mut steps: Vec<i64> = self.pairs().map(|(a, b)| b.at_ms - a.at_ms).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(2_000).clamp(200, 60_000)
    }

    /// Two samples further apart than this have a gap between them.
    pub(crate) fn gap_from_ms(&self) -> i64 {
        self.step_ms() * 5 / 2 + 500
    }

    /// The right edge of the chart: the newest sample, or now once samples are overdue. A history
    /// that ended long ago keeps its own edge, else it would have left the picture.
    pub(crate) fn edge_ms(&self, now_ms: i64) -> i64 {
        let Some(last) = self.last() else { return now_ms };
        let silent_ms = now_ms - last.at_ms;
        if silent_ms > self.gap_from_ms() && silent_ms < WINDOW_MS { now_ms } else { last.at_ms }
    }

    /// Where data is missing up to `edge_ms`, the right edge of the chart.
    pub(crate) fn gaps(&self, edge_ms: i64) -> Vec<Gap> {
        let limit = self.gap_from_ms();
        let mut gaps: Vec<Gap> = self
            .pairs()
            .filter(|(a, b)| b.at_ms - a.at_ms > limit)
            .map(|(a, b)| Gap { from_ms: a.at_ms, to_ms: b.at_ms })
            .collect();
        if let Some(last) = self.last()
            && edge_ms - last.at_ms > limit
        {
            gaps.push(Gap { from_ms: last.at_ms, to_ms: edge_ms });
        }
        gaps
    }

    /// Runs of samples without a gap inside, each drawn as one line.
    pub(crate) fn runs(&self) -> Vec<Vec<&Sample>> {
        let limit = self.gap_from_ms();
        let mut runs: Vec<Vec<&Sample>> = Vec::new();
        for sample in &self.list {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|last| sample.at_ms - last.at_ms <= limit) => {
                    run.push(sample);
                }
                _ => runs.push(vec![sample]),
            }
        }
        runs
    }

    /// The sample nearest to a time, unless the time lies in a gap.
    pub(crate) fn nearest(&self, at_ms: i64) -> Option<&Sample> {
        let near = self.list.iter().min_by_key(|sample| (sample.at_ms - at_ms).abs())?;
        ((near.at_ms - at_ms).abs() <= self.gap_from_ms() / 2 + 1).then_some(near)
    }

    /// The sample `steps` after (or, below zero, before) the one nearest to a time.
    pub(crate) fn moved(&self, at_ms: i64, steps: i64) -> Option<&Sample> {
        let (index, _) =
            self.list.iter().enumerate().min_by_key(|(_, sample)| (sample.at_ms - at_ms).abs())?;
        let last = self.list.len() as i64 - 1;
        self.list.get((index as i64).saturating_add(steps).clamp(0, last) as usize)
    }

    fn pairs(&self) -> impl Iterator<Item = (&Sample, &Sample)> {
        self.list.iter().zip(self.list.iter().skip(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at_ms: i64) -> Sample {
        Sample { at_ms, ..Sample::default() }
    }

    fn every_two_seconds(count: i64) -> Samples {
        let mut samples = Samples::default();
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
    fn the_cursor_moves_by_samples_and_stops_at_the_ends() {
        let samples = every_two_seconds(5);
        assert_eq!(samples.moved(4_000, 1).unwrap().at_ms, 6_000);
        assert_eq!(samples.moved(4_000, -9).unwrap().at_ms, 0);
        assert_eq!(samples.moved(4_000, i64::MAX).unwrap().at_ms, 8_000);
        assert!(Samples::default().moved(0, 1).is_none());
    }
}
