//! The few numbers of a host that fit in a row of the list.

use protocol::hosts::HostGlance;
use protocol::metrics::Metrics;
use protocol::snapshot::Aged;
use protocol::system::System;

/// What a row shows of a host's facts and its newest sample; `None` if neither is known.
pub fn glance(system: Option<&Aged<System>>, metrics: Option<&Aged<Metrics>>) -> Option<HostGlance> {
    let newest_ms = metrics.map(|aged| aged.received_ms).max(system.map(|aged| aged.received_ms))?;
    let mut glance = HostGlance { at_ms: newest_ms, ..HostGlance::default() };
    if let Some(Aged { value: system, .. }) = system {
        glance.os = system.os.clone();
        glance.cores = (system.cpus > 0).then_some(system.cpus);
        glance.uptime_s = Some(system.uptime_s);
    }
    if let Some(Aged { value: sample, received_ms }) = metrics {
        glance.at_ms = *received_ms;
        glance.cpu_pct = sample.cpu.map(|shares| shares.busy_pct());
        glance.cpu_peak_pct = sample.cores.iter().map(|core| core.shares.busy_pct()).max_by(f64::total_cmp);
        glance.memory_pct = share_pct(sample.memory.used_bytes, sample.memory.total_bytes);
        glance.fullest_disk = sample
            .disks
            .iter()
            .filter_map(|disk| Some((disk.mount.clone(), disk.use_pct?)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        glance.load1 = Some(sample.load[0]);
        glance.failed_units = sample.failed_units;
        glance.uptime_s = Some(sample.uptime_s);
    }
    Some(glance)
}

fn share_pct(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::metrics::{CoreShares, CpuShares, Disk, Memory};

    #[test]
    fn a_row_has_the_busiest_core_and_the_fullest_disk() {
        let idle = |id_pct| CpuShares { id_pct, ..CpuShares::default() };
        let disk = |mount: &str, use_pct| Disk { mount: mount.into(), use_pct, ..Disk::default() };
        let sample = Metrics {
            cpu: Some(idle(90.0)),
            cores: vec![
                CoreShares { core: 0, shares: idle(100.0) },
                CoreShares { core: 1, shares: idle(20.0) },
            ],
            memory: Memory { total_bytes: 200, used_bytes: 50, ..Memory::default() },
            disks: vec![disk("/", Some(40.0)), disk("/data", Some(93.5)), disk("/odd", None)],
            load: [1.5, 0.0, 0.0],
            uptime_s: 60,
            ..Metrics::default()
        };
        let glance = glance(None, Some(&Aged { received_ms: 7, value: sample })).unwrap();
        assert_eq!((glance.at_ms, glance.cpu_pct, glance.cpu_peak_pct), (7, Some(10.0), Some(80.0)));
        assert_eq!((glance.memory_pct, glance.load1), (Some(25.0), Some(1.5)));
        assert_eq!(glance.fullest_disk, Some(("/data".into(), 93.5)));
        assert_eq!((glance.os, glance.failed_units), (None, None), "what is not known is not shown as zero");
    }

    #[test]
    fn nothing_known_is_no_row_of_zeros() {
        assert_eq!(glance(None, None), None);
        let facts = System { os: Some("Debian".into()), ..System::default() };
        let row = glance(Some(&Aged { received_ms: 3, value: facts }), None).unwrap();
        assert_eq!((row.at_ms, row.cpu_pct, row.cores), (3, None, None));
    }
}
