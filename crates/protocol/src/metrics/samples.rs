//! samples: the few numbers of `Metrics` whose course is shown, small enough to keep of many hosts.
//!
//! A sample holds `None` where the host said nothing, so that a chart can leave a hole instead of
//! drawing a zero. Seven digits are more than a chart shows: the numbers are `f32`.

use serde::{Deserialize, Serialize};

use super::Metrics;
use crate::snapshot::Aged;

/// What is known of the last ten minutes of a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recent {
    /// Oldest first.
    pub samples: Vec<Sample>,
    /// The newest one, with all that it holds.
    pub newest: Option<Aged<Metrics>>,
}

/// The numbers of one sample. Times are in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// When it was received, by the clock of the computer that Muster runs on.
    pub at_ms: i64,
    /// The same moment by the host's clock, which its helper is asked by.
    pub host_ms: i64,
    pub cpu: Option<SampleCpu>,
    pub memory: Option<MemoryShares>,
    /// Bytes read and written per second, over all devices.
    pub disk: Option<Pair>,
    /// Reads and writes per second, over all devices.
    pub disk_ops: Option<Pair>,
    /// Bytes received and sent per second, over all interfaces.
    pub network: Option<Pair>,
    pub pressure: Option<Stalls>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampleCpu {
    pub us_pct: f32,
    pub sy_pct: f32,
    pub ni_pct: f32,
    pub wa_pct: f32,
    /// Interrupts and time taken by the hypervisor.
    pub other_pct: f32,
    pub busy_pct: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryShares {
    pub used_pct: f32,
    pub cache_pct: f32,
}

/// What comes in (or is read) and what goes out (or is written).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pair {
    pub up: f32,
    pub down: f32,
}

/// Share of time in which some task waited, per resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stalls {
    pub cpu_pct: Option<f32>,
    pub io_pct: Option<f32>,
    pub memory_pct: Option<f32>,
}

impl Sample {
    /// Rates exist only where the sample has a time they cover.
    pub fn of(received_ms: i64, metrics: &Metrics) -> Self {
        let has_rates = metrics.over_ms.is_some();
        let total = metrics.memory.total_bytes;
        Self {
            at_ms: received_ms,
            host_ms: metrics.at_ms,
            cpu: metrics.cpu.map(|cpu| SampleCpu {
                us_pct: sane(cpu.us_pct),
                sy_pct: sane(cpu.sy_pct),
                ni_pct: sane(cpu.ni_pct),
                wa_pct: sane(cpu.wa_pct),
                other_pct: sane(cpu.hi_pct + cpu.si_pct + cpu.st_pct),
                busy_pct: sane(cpu.busy_pct()),
            }),
            memory: (total > 0).then(|| MemoryShares {
                used_pct: share_pct(metrics.memory.used_bytes, total),
                cache_pct: share_pct(metrics.memory.buff_cache_bytes, total),
            }),
            disk: (has_rates && !metrics.devices.is_empty()).then(|| Pair {
                up: sum(metrics.devices.iter().map(|one| one.read_bytes_per_s)),
                down: sum(metrics.devices.iter().map(|one| one.write_bytes_per_s)),
            }),
            disk_ops: (has_rates && !metrics.devices.is_empty()).then(|| Pair {
                up: sum(metrics.devices.iter().map(|one| one.reads_per_s)),
                down: sum(metrics.devices.iter().map(|one| one.writes_per_s)),
            }),
            network: (has_rates && !metrics.networks.is_empty()).then(|| Pair {
                up: sum(metrics.networks.iter().map(|one| one.in_bytes_per_s)),
                down: sum(metrics.networks.iter().map(|one| one.out_bytes_per_s)),
            }),
            pressure: metrics.pressure.map(|p| Stalls {
                cpu_pct: p.cpu_some_pct.map(sane),
                io_pct: p.io_some_pct.map(sane),
                memory_pct: p.memory_some_pct.map(sane),
            }),
        }
    }
}

/// A number from a host that a chart can bear: no NaN, no infinity, nothing below zero.
fn sane(value: f64) -> f32 {
    if value.is_finite() { (value as f32).clamp(0.0, f32::MAX) } else { 0.0 }
}

fn sum(values: impl Iterator<Item = f64>) -> f32 {
    sane(values.map(|value| f64::from(sane(value))).sum())
}

fn share_pct(part: u64, whole: u64) -> f32 {
    (part as f64 / whole as f64 * 100.0).clamp(0.0, 100.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{DeviceRates, Memory};

    #[test]
    fn a_first_sample_has_no_rates_rather_than_zero() {
        let device = DeviceRates {
            read_bytes_per_s: f64::NAN,
            write_bytes_per_s: 5.0,
            reads_per_s: 2.0,
            ..Default::default()
        };
        let mut metrics = Metrics { devices: vec![device], ..Metrics::default() };
        let sample = Sample::of(1, &metrics);
        assert_eq!((sample.cpu, sample.disk, sample.network, sample.memory), (None, None, None, None));
        metrics.over_ms = Some(2_000);
        metrics.memory = Memory { total_bytes: 1_000, used_bytes: 2_000, ..Memory::default() };
        let sample = Sample::of(1, &metrics);
        assert_eq!(sample.disk, Some(Pair { up: 0.0, down: 5.0 }), "what is no number counts as nothing");
        assert_eq!(sample.disk_ops, Some(Pair { up: 2.0, down: 0.0 }));
        assert_eq!(sample.memory.unwrap().used_pct, 100.0);
        let huge = DeviceRates { read_bytes_per_s: f64::MAX, ..Default::default() };
        metrics.devices = vec![huge.clone(), huge];
        let sample = Sample::of(1, &metrics);
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), sample, "it stays a number: {text}");
    }

    #[test]
    fn ten_minutes_of_many_hosts_are_small() {
        assert!(size_of::<Sample>() <= 128, "{}", size_of::<Sample>());
    }
}
