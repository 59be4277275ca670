//! The five lanes of the overview: which numbers each draws, how, and what it says in words.

use protocol::metrics::{Pair, Sample};

use super::samples::Samples;
use super::scale::RateScale;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Cpu,
    Memory,
    Disk,
    Network,
    Pressure,
}

impl Lane {
    pub(crate) const ALL: [Lane; 5] = [Lane::Cpu, Lane::Memory, Lane::Disk, Lane::Network, Lane::Pressure];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Lane::Cpu => "cpu",
            Lane::Memory => "memory",
            Lane::Disk => "disk",
            Lane::Network => "network",
            Lane::Pressure => "pressure",
        }
    }

    pub(crate) fn is_mirrored(self) -> bool {
        matches!(self, Lane::Disk | Lane::Network)
    }

    /// The number of the lane at a sample, in the lane's unit.
    pub(crate) fn value(self, sample: &Sample) -> Option<f64> {
        match self {
            Lane::Cpu => sample.cpu.map(|cpu| cpu.busy_pct.into()),
            Lane::Memory => sample.memory.map(|memory| memory.used_pct.into()),
            Lane::Disk => sample.disk.map(|disk| both(disk, BYTES_PER_MB)),
            Lane::Network => sample.network.map(|net| both(net, BYTES_PER_MEGABIT)),
            Lane::Pressure => sample.pressure.and_then(|stalls| {
                let most = [stalls.cpu_pct, stalls.io_pct, stalls.memory_pct].into_iter().flatten();
                most.reduce(f32::max).map(f64::from)
            }),
        }
    }

    /// The curves of the lane at a sample, from the base up. Of a stacked lane each value is the
    /// top of its layer; of a mirrored lane the second one goes down.
    pub(crate) fn curves(self, sample: &Sample) -> [Option<f64>; 5] {
        match self {
            Lane::Cpu => sample.cpu.map_or([None; 5], |cpu| {
                let mut top = 0.0;
                [cpu.us_pct, cpu.sy_pct, cpu.ni_pct, cpu.wa_pct, cpu.other_pct].map(|layer| {
                    top += f64::from(layer);
                    Some(top)
                })
            }),
            Lane::Memory => sample.memory.map_or([None; 5], |memory| {
                let (used, cache) = (f64::from(memory.used_pct), f64::from(memory.cache_pct));
                [Some(used), Some((used + cache).min(100.0)), None, None, None]
            }),
            Lane::Disk => pair(sample.disk, BYTES_PER_MB),
            Lane::Network => pair(sample.network, BYTES_PER_MEGABIT),
            Lane::Pressure => sample.pressure.map_or([None; 5], |stalls| {
                [stalls.cpu_pct, stalls.io_pct, stalls.memory_pct, None, None].map(|pct| pct.map(f64::from))
            }),
        }
    }

    /// Colour token, strength of the fill in the dark and in the light, per curve.
    pub(crate) fn paints(self) -> &'static [Paint] {
        const fn paint(color: &'static str, dark: f64, light: f64) -> Paint {
            Paint { color, fill_dark: dark, fill_light: light }
        }
        match self {
            Lane::Cpu => {
                const CPU: &[Paint] = &[
                    paint("--d1", 0.36, 0.30),
                    paint("--d2", 0.36, 0.30),
                    paint("--d4", 0.30, 0.26),
                    paint("--d3", 0.30, 0.26),
                    paint("--d5", 0.26, 0.20),
                ];
                CPU
            }
            Lane::Memory => {
                const MEMORY: &[Paint] = &[paint("--d1", 0.36, 0.28), paint("--d5", 0.18, 0.12)];
                MEMORY
            }
            Lane::Disk | Lane::Network => {
                const PAIR: &[Paint] = &[paint("--d1", 0.30, 0.24), paint("--d2", 0.30, 0.24)];
                PAIR
            }
            Lane::Pressure => {
                const PRESSURE: &[Paint] =
                    &[paint("--d1", 0.30, 0.24), paint("--d3", 0.26, 0.20), paint("--d4", 0.26, 0.20)];
                PRESSURE
            }
        }
    }

    /// Which curves are worth ink and a place in the legend: nice and stolen time are nothing on
    /// most hosts and are shown where they occur.
    pub(crate) fn occurring(self, samples: &Samples) -> [bool; 5] {
        let count = self.paints().len();
        let mut occurs = [false; 5];
        for (curve, occurs) in occurs.iter_mut().enumerate().take(count) {
            let is_seldom = self == Lane::Cpu && matches!(curve, 2 | 4);
            *occurs = !is_seldom
                || samples.iter().any(|sample| {
                    let curves = self.curves(sample);
                    let below = curves[curve - 1].unwrap_or_default();
                    curves[curve].is_some_and(|top| top - below >= 0.5)
                });
        }
        occurs
    }

    /// Each layer lies on the one before.
    pub(crate) fn is_stacked(self) -> bool {
        matches!(self, Lane::Cpu | Lane::Memory)
    }

    /// The highest single curve of what is in view, which sets the scale.
    pub(crate) fn highest(self, samples: &Samples) -> f64 {
        samples.iter().flat_map(|sample| self.curves(sample)).flatten().fold(0.0, f64::max)
    }

    /// The highest number of the last ten minutes.
    pub(crate) fn peak(self, samples: &Samples) -> Option<f64> {
        samples.iter().filter_map(|sample| self.value(sample)).reduce(f64::max)
    }
}

pub(crate) const BYTES_PER_MB: f64 = 1_000_000.0;
pub(crate) const BYTES_PER_MEGABIT: f64 = 125_000.0;

fn pair(rates: Option<Pair>, unit: f64) -> [Option<f64>; 5] {
    rates.map_or([None; 5], |pair| {
        let [up, down] = [pair.up, pair.down].map(|rate| Some(f64::from(rate) / unit));
        [up, down, None, None, None]
    })
}

fn both(pair: Pair, unit: f64) -> f64 {
    (f64::from(pair.up) + f64::from(pair.down)) / unit
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paint {
    pub(crate) color: &'static str,
    pub(crate) fill_dark: f64,
    pub(crate) fill_light: f64,
}

/// The scales of the lanes that have one of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Scales {
    disk: RateScale,
    network: RateScale,
    pressure: RateScale,
}

impl Scales {
    /// The top of each lane's axis, in the lane's unit.
    pub(crate) fn follow(&mut self, samples: &Samples, now_ms: i64) -> [f64; 5] {
        Lane::ALL.map(|lane| match lane {
            Lane::Cpu | Lane::Memory => 100.0,
            Lane::Disk => self.disk.follow(lane.highest(samples), 0.1, now_ms),
            Lane::Network => self.network.follow(lane.highest(samples), 0.1, now_ms),
            Lane::Pressure => self.pressure.follow(lane.highest(samples), 10.0, now_ms).min(100.0),
        })
    }
}

/// A number of a lane: one decimal below 100, none above, so that it keeps its width.
pub(crate) fn lane_number(value: f64) -> String {
    if value >= 99.95 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// A value at the end of an axis, without decimals that say nothing.
pub(crate) fn axis_number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::metrics::{SampleCpu, Stalls};

    #[test]
    fn cpu_layers_are_stacked_in_their_order() {
        let cpu =
            SampleCpu { us_pct: 10.0, sy_pct: 2.0, ni_pct: 1.0, wa_pct: 4.0, other_pct: 0.5, busy_pct: 13.5 };
        let sample = Sample { cpu: Some(cpu), ..Sample::default() };
        assert_eq!(Lane::Cpu.curves(&sample), [10.0, 12.0, 13.0, 17.0, 17.5].map(Some));
        assert_eq!(Lane::Cpu.value(&sample), Some(13.5));
        assert_eq!(Lane::Cpu.paints().len(), 5);
    }

    #[test]
    fn nice_time_is_shown_where_it_occurs() {
        let mut samples = Samples::default();
        samples.push(Sample {
            cpu: Some(SampleCpu { us_pct: 5.0, ..SampleCpu::default() }),
            ..Sample::default()
        });
        assert_eq!(Lane::Cpu.occurring(&samples), [true, true, false, true, false]);
        let nice = SampleCpu { ni_pct: 20.0, ..SampleCpu::default() };
        samples.push(Sample { at_ms: 1, cpu: Some(nice), ..Sample::default() });
        assert_eq!(Lane::Cpu.occurring(&samples), [true, true, true, true, false]);
        assert_eq!(Lane::Disk.occurring(&samples), [true, true, false, false, false]);
    }

    #[test]
    fn rates_are_in_megabytes_for_disks_and_megabits_for_networks() {
        let pair = Some(Pair { up: 1_000_000.0, down: 500_000.0 });
        let sample = Sample { disk: pair, network: pair, ..Sample::default() };
        assert_eq!(Lane::Disk.value(&sample), Some(1.5));
        assert_eq!(Lane::Network.value(&sample), Some(12.0));
    }

    #[test]
    fn what_a_host_does_not_say_is_no_value() {
        for lane in Lane::ALL {
            assert_eq!(lane.value(&Sample::default()), None, "{lane:?}");
            assert_eq!(lane.peak(&Samples::default()), None, "{lane:?}");
        }
        let stalls = Stalls { cpu_pct: None, io_pct: Some(2.0), memory_pct: None };
        let sample = Sample { pressure: Some(stalls), ..Sample::default() };
        assert_eq!(Lane::Pressure.value(&sample), Some(2.0));
    }

    #[test]
    fn pressure_never_has_a_scale_above_the_whole() {
        let mut samples = Samples::default();
        let stalls = Stalls { cpu_pct: Some(100.0), io_pct: None, memory_pct: None };
        samples.push(Sample { pressure: Some(stalls), ..Sample::default() });
        assert_eq!(Scales::default().follow(&samples, 0)[4], 100.0);
    }

    #[test]
    fn numbers_keep_their_width() {
        assert_eq!(lane_number(0.04), "0.0");
        assert_eq!(lane_number(92.44), "92.4");
        assert_eq!(lane_number(99.97), "100");
        assert_eq!(lane_number(1_234.5), "1234");
        assert_eq!(axis_number(150.0), "150");
        assert_eq!(axis_number(0.75), "0.75");
        assert_eq!(axis_number(0.3), "0.3");
    }
}
