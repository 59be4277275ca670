//! The five lanes of the overview: which numbers each draws and how.

use protocol::metrics::{Pair, Sample};

use crate::components::time_chart::{
    BYTES_PER_SECOND, CURVES, ChartLane, Curve, PERCENT, Scale, Threshold, Timed, Values,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Cpu,
    Memory,
    Disk,
    Network,
    Pressure,
}

/// What the chart draws, in the order of `Lane::ALL`.
pub(crate) static LANES: [ChartLane<Sample>; 5] = [CPU, MEMORY, DISK, NETWORK, PRESSURE];

impl Lane {
    pub(crate) const ALL: [Lane; 5] = [Lane::Cpu, Lane::Memory, Lane::Disk, Lane::Network, Lane::Pressure];

    pub(crate) fn chart(self) -> &'static ChartLane<Sample> {
        &LANES[self as usize]
    }
}

impl Timed for Sample {
    fn at_ms(&self) -> i64 {
        self.at_ms
    }
}

const CPU: ChartLane<Sample> = ChartLane {
    id: "cpu",
    units: PERCENT,
    beside: None,
    scale: Scale::Fixed(100.0),
    is_stacked: true,
    // Nice and stolen time are nothing on most hosts.
    curves: &[
        Curve::new("--d1", 0.36, 0.30),
        Curve::new("--d2", 0.36, 0.30),
        Curve::new("--d4", 0.30, 0.26).shown_from(0.5),
        Curve::new("--d3", 0.30, 0.26),
        Curve::new("--d5", 0.26, 0.20).shown_from(0.5),
    ],
    // Those of `Level::of_cpu`.
    thresholds: &[
        Threshold { at: 70.0, color: "--warn-fill", ink: Some("--warn") },
        Threshold { at: 85.0, color: "--crit", ink: None },
    ],
    value: |sample| sample.cpu.map(|cpu| cpu.busy_pct.into()),
    values: |sample| {
        sample.cpu.map_or([None; CURVES], |cpu| {
            let mut top = 0.0;
            [cpu.us_pct, cpu.sy_pct, cpu.ni_pct, cpu.wa_pct, cpu.other_pct].map(|layer| {
                top += f64::from(layer);
                Some(top)
            })
        })
    },
};

const MEMORY: ChartLane<Sample> = ChartLane {
    id: "memory",
    units: PERCENT,
    beside: None,
    scale: Scale::Fixed(100.0),
    is_stacked: true,
    curves: &[Curve::new("--d1", 0.36, 0.28), Curve::new("--d5", 0.18, 0.12)],
    thresholds: &[],
    value: |sample| sample.memory.map(|memory| memory.used_pct.into()),
    values: |sample| {
        sample.memory.map_or([None; CURVES], |memory| {
            let (used, cache) = (f64::from(memory.used_pct), f64::from(memory.cache_pct));
            [Some(used), Some((used + cache).min(100.0)), None, None, None]
        })
    },
};

const DISK: ChartLane<Sample> = ChartLane {
    id: "disk",
    units: BYTES_PER_SECOND,
    // Many small ones wear a disk out where few bytes are moved.
    beside: Some(|sample| sample.disk_ops.map(|ops| format!("{:.0} ops/s", both(ops)))),
    scale: RATES,
    is_stacked: false,
    curves: PAIR,
    thresholds: &[],
    value: |sample| sample.disk.map(both),
    values: |sample| pair(sample.disk),
};

const NETWORK: ChartLane<Sample> = ChartLane {
    id: "network",
    units: BYTES_PER_SECOND,
    beside: None,
    scale: RATES,
    is_stacked: false,
    curves: PAIR,
    thresholds: &[],
    value: |sample| sample.network.map(both),
    values: |sample| pair(sample.network),
};

const PRESSURE: ChartLane<Sample> = ChartLane {
    id: "pressure",
    units: PERCENT,
    beside: None,
    scale: Scale::Round { least: 10.0, most: 100.0 },
    is_stacked: false,
    curves: &[Curve::new("--d1", 0.30, 0.24), Curve::new("--d3", 0.26, 0.20), Curve::new("--d4", 0.26, 0.20)],
    thresholds: &[],
    value: |sample| {
        sample.pressure.and_then(|stalls| {
            let most = [stalls.cpu_pct, stalls.io_pct, stalls.memory_pct].into_iter().flatten();
            most.reduce(f32::max).map(f64::from)
        })
    },
    values: |sample| {
        sample.pressure.map_or([None; CURVES], |stalls| {
            [stalls.cpu_pct, stalls.io_pct, stalls.memory_pct, None, None].map(|pct| pct.map(f64::from))
        })
    },
};

/// What comes in goes up, what goes out goes down.
const PAIR: &[Curve] = &[Curve::new("--d1", 0.30, 0.24), Curve::new("--d2", 0.30, 0.24).down()];
/// Bytes per second, and no line that is all noise: 10 KiB/s at least.
const RATES: Scale = Scale::Round { least: 10_240.0, most: f64::INFINITY };

fn pair(rates: Option<Pair>) -> Values {
    rates.map_or([None; CURVES], |pair| {
        let [up, down] = [pair.up, pair.down].map(|rate| Some(f64::from(rate)));
        [up, down, None, None, None]
    })
}

fn both(pair: Pair) -> f64 {
    f64::from(pair.up) + f64::from(pair.down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::time_chart::History;
    use protocol::metrics::{SampleCpu, Stalls};

    fn value(lane: Lane, sample: &Sample) -> Option<f64> {
        (lane.chart().value)(sample)
    }

    #[test]
    fn each_lane_has_its_drawing() {
        let ids = Lane::ALL.map(|lane| lane.chart().id);
        assert_eq!(ids, ["cpu", "memory", "disk", "network", "pressure"]);
        assert!(LANES.iter().all(|lane| lane.curves.len() <= CURVES));
    }

    #[test]
    fn cpu_layers_are_stacked_in_their_order() {
        let cpu =
            SampleCpu { us_pct: 10.0, sy_pct: 2.0, ni_pct: 1.0, wa_pct: 4.0, other_pct: 0.5, busy_pct: 13.5 };
        let sample = Sample { cpu: Some(cpu), ..Sample::default() };
        assert_eq!((Lane::Cpu.chart().values)(&sample), [10.0, 12.0, 13.0, 17.0, 17.5].map(Some));
        assert_eq!(value(Lane::Cpu, &sample), Some(13.5));
    }

    #[test]
    fn nice_time_is_shown_where_it_occurs() {
        let mut samples = History::default();
        samples.push(Sample {
            cpu: Some(SampleCpu { us_pct: 5.0, ..SampleCpu::default() }),
            ..Sample::default()
        });
        let cpu = Lane::Cpu.chart();
        assert_eq!(cpu.occurring(&samples), [true, true, false, true, false]);
        let nice = SampleCpu { ni_pct: 20.0, ..SampleCpu::default() };
        samples.push(Sample { at_ms: 1, cpu: Some(nice), ..Sample::default() });
        assert_eq!(cpu.occurring(&samples), [true, true, true, true, false]);
        assert_eq!(Lane::Disk.chart().occurring(&samples), [true, true, false, false, false]);
    }

    #[test]
    fn rates_are_written_in_the_unit_that_suits_them() {
        let pair = Some(Pair { up: 1_048_576.0, down: 524_288.0 });
        let sample = Sample { disk: pair, network: pair, ..Sample::default() };
        for lane in [Lane::Disk, Lane::Network] {
            let value = value(lane, &sample).unwrap();
            assert_eq!(lane.chart().say(value), "1.5 MiB/s");
            assert_eq!(lane.chart().say(40_960.0), "40.0 KiB/s");
        }
        assert_eq!(Lane::Cpu.chart().say(91.25), "91.2 %");
    }

    #[test]
    fn what_a_host_does_not_say_is_no_value() {
        for lane in Lane::ALL {
            assert_eq!(value(lane, &Sample::default()), None, "{lane:?}");
            assert_eq!((lane.chart().values)(&Sample::default()), [None; CURVES], "{lane:?}");
        }
        let stalls = Stalls { cpu_pct: None, io_pct: Some(2.0), memory_pct: None };
        let sample = Sample { pressure: Some(stalls), ..Sample::default() };
        assert_eq!(value(Lane::Pressure, &sample), Some(2.0));
    }

    #[test]
    fn pressure_never_has_a_scale_above_the_whole() {
        assert!(matches!(Lane::Pressure.chart().scale, Scale::Round { most: 100.0, .. }));
    }
}
