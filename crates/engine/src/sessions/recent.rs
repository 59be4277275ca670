//! The last ten minutes of a host: few numbers of each sample, and the newest sample whole. With all that a
//! sample holds, some hundreds of hosts would take more memory than everything else of Muster together.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::metrics::{Metrics, Recent, Sample};
use protocol::snapshot::Aged;

/// Time that the charts show.
const KEPT: Duration = Duration::from_secs(600);
/// As many samples as the shortest interval gives in that time: a clock that is set back would keep samples
/// for hours.
const SAMPLES: usize = 1_200;
/// Room for so many more is made at once: a queue that doubles would stand half empty.
const ROOM: usize = 64;

#[derive(Debug, Default)]
pub(super) struct History {
    samples: VecDeque<Sample>,
    newest: Option<Aged<Metrics>>,
}

impl History {
    pub(super) fn push(&mut self, aged: Aged<Metrics>) {
        if self.samples.len() == self.samples.capacity() {
            self.samples.reserve_exact(ROOM);
        }
        self.samples.push_back(Sample::of(aged.received_ms, &aged.value));
        let oldest_ms = aged.received_ms.saturating_sub(i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX));
        while self.samples.len() > SAMPLES
            || self.samples.front().is_some_and(|first| first.at_ms < oldest_ms)
        {
            self.samples.pop_front();
        }
        self.newest = Some(aged);
    }

    pub(super) fn newest(&self) -> Option<&Aged<Metrics>> {
        self.newest.as_ref()
    }

    pub(super) fn cpu_peak_pct(&self) -> Option<f64> {
        let busy = self.samples.iter().filter_map(|sample| sample.cpu.map(|cpu| cpu.busy_pct));
        busy.max_by(f32::total_cmp).map(f64::from)
    }

    pub(super) fn copy(&self) -> Recent {
        Recent { samples: self.samples.iter().copied().collect(), newest: self.newest.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::metrics::CpuShares;

    fn sample(received_ms: i64, id_pct: f64) -> Aged<Metrics> {
        let cpu = Some(CpuShares { id_pct, ..CpuShares::default() });
        Aged { received_ms, value: Metrics { cpu, ..Metrics::default() } }
    }

    #[test]
    fn what_is_older_than_the_charts_goes_and_counts_no_more() {
        let mut history = History::default();
        history.push(sample(0, 5.0));
        for minute in 1..10 {
            history.push(sample(minute * 120_000, 40.0));
        }
        let kept = history.copy();
        assert_eq!(kept.samples.first().unwrap().at_ms, 4 * 120_000);
        assert_eq!(kept.newest.unwrap().received_ms, 9 * 120_000);
        assert_eq!(history.cpu_peak_pct(), Some(60.0));
    }

    #[test]
    fn a_host_cannot_fill_the_memory_by_many_samples_or_a_clock_set_back() {
        let mut history = History::default();
        for second in (0..5_000).rev() {
            history.push(sample(second * 1_000, 0.0));
        }
        assert_eq!(history.samples.len(), SAMPLES);
        assert!(history.samples.capacity() <= SAMPLES + ROOM + 1);
        assert_eq!(history.newest().unwrap().received_ms, 0);
    }
}
