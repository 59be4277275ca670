//! What a chart is told of a lane: which numbers it draws, how, and on which scale.

use super::history::{History, Timed};
use super::scale::{RateScale, round_top};

/// As many curves as there are colours for data: the tokens d1 to d5.
pub(crate) const CURVES: usize = 5;

/// The values of the curves of a lane at a sample, in their order.
pub(crate) type Values = [Option<f64>; CURVES];

/// A lane over samples of the kind `S`. Its words come apart, since they follow the language.
pub(crate) struct ChartLane<S: 'static> {
    /// Its part of test ids.
    pub(crate) id: &'static str,
    /// What its numbers are counted in, the smallest first: one alone, or each for what the one before makes too
    /// long.
    pub(crate) units: &'static [Unit],
    /// A second number of a sample with its own unit, which is not drawn.
    pub(crate) beside: Option<fn(&S) -> Option<String>>,
    pub(crate) scale: Scale,
    /// Each curve is a layer on the one before.
    pub(crate) is_stacked: bool,
    pub(crate) curves: &'static [Curve],
    pub(crate) thresholds: &'static [Threshold],
    /// The one number that stands for the lane at a sample.
    pub(crate) value: fn(&S) -> Option<f64>,
    /// The curves at a sample, from the base up. Of a stacked lane each is the top of its layer.
    pub(crate) values: fn(&S) -> Values,
}

/// Stands behind a number, the same in every language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) name: &'static str,
    /// So many of what is measured are one of it.
    pub(crate) holds: f64,
}

pub(crate) const PERCENT: &[Unit] = &[Unit { name: "%", holds: 1.0 }];
pub(crate) const BYTES_PER_SECOND: &[Unit] = &[
    Unit { name: "KiB/s", holds: 1024.0 },
    Unit { name: "MiB/s", holds: 1_048_576.0 },
    Unit { name: "GiB/s", holds: 1_073_741_824.0 },
];

impl Unit {
    /// A number in this unit: one decimal below 100, none above, so that it keeps its width.
    pub(crate) fn number(&self, value: f64) -> String {
        let value = value / self.holds;
        if value >= 99.95 { format!("{value:.0}") } else { format!("{value:.1}") }
    }

    /// A value at the end of an axis, without decimals that say nothing.
    pub(crate) fn axis_number(&self, value: f64) -> String {
        let text = format!("{:.2}", value / self.holds);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Curve {
    /// Token of the style sheet.
    pub(crate) color: &'static str,
    /// Strength of the fill in the dark and in the light.
    pub(crate) fill_dark: f64,
    pub(crate) fill_light: f64,
    /// It goes down from the middle of the lane, on the same scale as those that go up.
    pub(crate) is_down: bool,
    /// It has ink and a place in the legend only where it adds at least this.
    pub(crate) shown_from: Option<f64>,
}

impl Curve {
    pub(crate) const fn new(color: &'static str, fill_dark: f64, fill_light: f64) -> Self {
        Self { color, fill_dark, fill_light, is_down: false, shown_from: None }
    }

    pub(crate) const fn down(self) -> Self {
        Self { is_down: true, ..self }
    }

    pub(crate) const fn shown_from(self, least: f64) -> Self {
        Self { shown_from: Some(least), ..self }
    }
}

/// The top of a lane's axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Always the same, as for shares of a whole.
    Fixed(f64),
    /// The next round number above what is in view, but within these.
    Round { least: f64, most: f64 },
}

/// A dotted line across a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Threshold {
    pub(crate) at: f64,
    /// Token of the line.
    pub(crate) color: &'static str,
    /// Token of its number at the axis, if that is written.
    pub(crate) ink: Option<&'static str>,
}

impl<S> ChartLane<S> {
    /// The unit of numbers up to `top`: the largest that is not above it.
    pub(crate) fn unit(&self, top: f64) -> &'static Unit {
        let [least, larger @ ..] = self.units else { return &PERCENT[0] };
        larger.iter().rev().find(|unit| unit.holds <= top).unwrap_or(least)
    }

    /// A number with its own unit, for where it stands alone.
    pub(crate) fn say(&self, value: f64) -> String {
        let unit = self.unit(value);
        format!("{} {}", unit.number(value), unit.name)
    }

    /// The next round top above the highest number, round in the unit that it is written in.
    fn round_top(&self, highest: f64, least: f64) -> f64 {
        let in_unit = |unit: &Unit| round_top(highest / unit.holds, least / unit.holds) * unit.holds;
        let top = in_unit(self.unit(highest.max(least)));
        // Just below a larger unit, as 1,020 KiB: its round top is one of that.
        in_unit(self.unit(top))
    }
}

impl<S: Timed> ChartLane<S> {
    /// Up and down from the middle.
    pub(crate) fn is_mirrored(&self) -> bool {
        self.curves.iter().any(|curve| curve.is_down)
    }

    /// Which curves are worth ink and a place in the legend.
    pub(crate) fn occurring(&self, history: &History<S>) -> [bool; CURVES] {
        let mut occurs = [false; CURVES];
        for (at, (occurs, curve)) in occurs.iter_mut().zip(self.curves).enumerate() {
            *occurs = curve.shown_from.is_none_or(|least| {
                history
                    .iter()
                    .any(|sample| self.added(&(self.values)(sample), at).is_some_and(|own| own >= least))
            });
        }
        occurs
    }

    /// What a curve adds: of a layer its own height.
    pub(crate) fn added(&self, values: &Values, at: usize) -> Option<f64> {
        let below = if self.is_stacked { values[..at].iter().rev().flatten().next() } else { None };
        Some(values[at]? - below.copied().unwrap_or_default())
    }

    /// The highest single curve of what is in view, which sets the scale.
    fn highest(&self, history: &History<S>) -> f64 {
        history.iter().flat_map(self.values).flatten().fold(0.0, f64::max)
    }

    /// The highest number of the last ten minutes.
    pub(crate) fn peak(&self, history: &History<S>) -> Option<f64> {
        history.iter().filter_map(self.value).reduce(f64::max)
    }
}

/// The tops of the axes of a chart's lanes over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tops {
    rates: Vec<RateScale>,
}

impl Tops {
    /// The top of each lane's axis.
    pub(crate) fn follow<S: Timed>(
        &mut self,
        lanes: &[ChartLane<S>],
        history: &History<S>,
        now_ms: i64,
    ) -> Vec<f64> {
        self.rates.resize_with(lanes.len(), RateScale::default);
        let follow = |(lane, rate): (&ChartLane<S>, &mut RateScale)| match lane.scale {
            Scale::Fixed(top) => top,
            Scale::Round { least, most } => {
                rate.follow(lane.round_top(lane.highest(history), least), now_ms).min(most)
            }
        };
        lanes.iter().zip(&mut self.rates).map(follow).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Load {
        at_ms: i64,
        layers: Values,
    }

    impl Timed for Load {
        fn at_ms(&self) -> i64 {
            self.at_ms
        }
    }

    const LAYERS: ChartLane<Load> = ChartLane {
        id: "load",
        units: PERCENT,
        beside: None,
        scale: Scale::Round { least: 10.0, most: 100.0 },
        is_stacked: true,
        curves: &[Curve::new("--d1", 0.3, 0.2), Curve::new("--d2", 0.3, 0.2).shown_from(0.5)],
        thresholds: &[],
        value: |load| load.layers[1],
        values: |load| load.layers,
    };

    fn load(at_ms: i64, layers: [Option<f64>; 2]) -> Load {
        Load { at_ms, layers: [layers[0], layers[1], None, None, None] }
    }

    #[test]
    fn a_curve_that_is_seldom_is_shown_where_it_occurs() {
        let mut history = History::of([load(0, [Some(5.0), Some(5.2)])]);
        assert_eq!(LAYERS.occurring(&history), [true, false, false, false, false]);
        history.push(load(1_000, [Some(5.0), Some(5.5)]));
        assert_eq!(LAYERS.occurring(&history), [true, true, false, false, false]);
    }

    #[test]
    fn a_layer_adds_its_own_height_and_a_line_its_value() {
        let values = load(0, [Some(5.0), Some(7.0)]).layers;
        assert_eq!((LAYERS.added(&values, 0), LAYERS.added(&values, 1)), (Some(5.0), Some(2.0)));
        assert_eq!(LAYERS.added(&values, 2), None);
        assert_eq!(LAYERS.added(&load(0, [None, Some(7.0)]).layers, 1), Some(7.0), "it lies on the base");
        let lines = ChartLane { is_stacked: false, ..LAYERS };
        assert_eq!(lines.added(&values, 1), Some(7.0));
    }

    #[test]
    fn the_peak_is_of_what_is_known() {
        let history = History::of([load(0, [None, Some(3.0)]), load(1_000, [None, None])]);
        assert_eq!(LAYERS.peak(&history), Some(3.0));
        assert_eq!(LAYERS.peak(&History::default()), None);
    }

    #[test]
    fn a_scale_is_round_but_never_above_the_whole() {
        let history = History::of([load(0, [Some(100.0), Some(180.0)])]);
        let fixed = ChartLane { scale: Scale::Fixed(50.0), ..LAYERS };
        let lanes = [LAYERS, fixed, ChartLane { scale: Scale::Round { least: 1.0, most: 1e9 }, ..LAYERS }];
        assert_eq!(Tops::default().follow(&lanes, &history, 0), [100.0, 50.0, 200.0]);
        assert_eq!(Tops::default().follow(&lanes, &History::default(), 0), [10.0, 50.0, 1.0]);
    }

    #[test]
    fn a_lane_is_mirrored_when_a_curve_goes_down() {
        assert!(!LAYERS.is_mirrored());
        const PAIR: &[Curve] = &[Curve::new("--d1", 0.3, 0.2), Curve::new("--d2", 0.3, 0.2).down()];
        assert!(ChartLane { curves: PAIR, ..LAYERS }.is_mirrored());
    }

    #[test]
    fn numbers_keep_their_width() {
        let percent = &PERCENT[0];
        assert_eq!(percent.number(0.04), "0.0");
        assert_eq!(percent.number(92.44), "92.4");
        assert_eq!(percent.number(99.97), "100");
        assert_eq!(percent.number(1_234.5), "1234");
        assert_eq!(percent.axis_number(150.0), "150");
        assert_eq!(percent.axis_number(0.75), "0.75");
        assert_eq!(percent.axis_number(0.3), "0.3");
    }

    #[test]
    fn a_rate_is_written_in_the_unit_that_its_axis_has_and_the_axis_is_round_in_it() {
        const KIB: f64 = 1024.0;
        let rates = ChartLane { units: BYTES_PER_SECOND, ..LAYERS };
        for (value, said) in [
            (0.0, "0.0 KiB/s"),
            (40.0 * KIB, "40.0 KiB/s"),
            (1023.0 * KIB, "1023 KiB/s"),
            (1024.0 * KIB, "1.0 MiB/s"),
            (119.2 * KIB * KIB, "119 MiB/s"),
            (2.5 * KIB * KIB * KIB, "2.5 GiB/s"),
        ] {
            assert_eq!(rates.say(value), said);
        }
        for (highest, top, written) in [
            (0.0, KIB, "1"),
            (40.0 * KIB, 50.0 * KIB, "50"),
            (800.0 * KIB, 1000.0 * KIB, "1000"),
            (1_020.0 * KIB, KIB * KIB, "1"),
            (1.3 * KIB * KIB, 1.5 * KIB * KIB, "1.5"),
        ] {
            let round = rates.round_top(highest, KIB);
            assert!((round - top).abs() < 1.0, "{highest}: {round}");
            assert_eq!(rates.unit(round).axis_number(round), written);
        }
        assert_eq!(LAYERS.unit(1e12).name, "%", "the only one it has");
    }
}
