//! The samples of the last ten minutes, within what one host may take of this computer's memory.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::metrics::Metrics;
use protocol::snapshot::Aged;

/// Time that the charts show.
const RECENT: Duration = Duration::from_secs(600);
/// As many samples as the shortest interval gives in that time, and what they may take together: a
/// host chooses both, and a clock that is set back would keep samples for hours.
const RECENT_SAMPLES: usize = 1_200;
const RECENT_BYTES: usize = 64 << 20;
/// Drops samples that are older than the charts show, and those beyond what a host may take.
pub(super) fn trim(recent: &mut VecDeque<Aged<Metrics>>, now_ms: i64) {
    let oldest_ms = now_ms.saturating_sub(i64::try_from(RECENT.as_millis()).unwrap_or(i64::MAX));
    let mut bytes: usize = recent.iter().map(|aged| size_bytes(&aged.value)).sum();
    while recent.len() > 1
        && (recent.len() > RECENT_SAMPLES
            || bytes > RECENT_BYTES
            || recent.front().is_some_and(|first| first.received_ms < oldest_ms))
    {
        bytes -= recent.pop_front().map_or(0, |first| size_bytes(&first.value));
    }
}

/// About how much memory a sample takes.
fn size_bytes(metrics: &Metrics) -> usize {
    let disks = metrics.disks.iter().map(|disk| disk.mount.len() + disk.source.len() + disk.fs_type.len());
    let devices = metrics.devices.iter().map(|device| device.device.len());
    let networks = metrics.networks.iter().map(|network| network.interface.len());
    size_of::<Metrics>()
        + size_of_val(&metrics.cores[..])
        + size_of_val(&metrics.disks[..])
        + size_of_val(&metrics.devices[..])
        + size_of_val(&metrics.networks[..])
        + disks.chain(devices).chain(networks).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::metrics::Disk;

    fn sample(received_ms: i64, mount: &str) -> Aged<Metrics> {
        let disks = vec![Disk { mount: mount.into(), ..Disk::default() }];
        Aged { received_ms, value: Metrics { disks, ..Metrics::default() } }
    }

    #[test]
    fn what_is_older_than_the_charts_goes() {
        let mut recent: VecDeque<_> = (0..10).map(|minute| sample(minute * 120_000, "/")).collect();
        trim(&mut recent, 9 * 120_000);
        assert_eq!(recent.front().unwrap().received_ms, 4 * 120_000);
    }

    #[test]
    fn a_host_cannot_fill_the_memory_by_many_samples_or_large_ones_or_a_clock_set_back() {
        let mut recent: VecDeque<_> = (0..5_000).map(|_| sample(1_000_000_000, "/")).collect();
        trim(&mut recent, 0);
        assert_eq!(recent.len(), RECENT_SAMPLES);
        let large = "x".repeat(RECENT_BYTES / 4);
        let mut recent: VecDeque<_> = (0..9).map(|_| sample(0, &large)).collect();
        trim(&mut recent, 0);
        assert_eq!(recent.len(), 3);
        let huge = "x".repeat(RECENT_BYTES + 1);
        let mut recent = VecDeque::from([sample(0, "/"), sample(0, &huge)]);
        trim(&mut recent, 0);
        assert_eq!(recent.len(), 1, "the newest sample stays");
    }
}
