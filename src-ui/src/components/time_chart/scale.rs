//! From values and times to places on the canvas, and the steps of the axes.
//!
//! Percent has the fixed scale 0 to 100. Rates take the next round number above their highest
//! value, at once when they grow and only after a minute when they shrink, so that the picture
//! does not breathe.

use super::history::WINDOW_MS;

const STEPS: [f64; 6] = [1.0, 1.5, 2.0, 3.0, 5.0, 7.5];
const SHRINK_AFTER_MS: i64 = 60_000;

/// The next of 1, 1.5, 2, 3, 5, 7.5 x 10^n that is not below `value`, and not below `least`.
pub(crate) fn round_top(value: f64, least: f64) -> f64 {
    let value = value.max(least);
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    // A hair of tolerance: 0.3 / 0.1 is above 3.
    STEPS.iter().map(|step| step * power).find(|top| *top >= value * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// The top of a lane of rates over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RateScale {
    top: f64,
    lower_since_ms: Option<i64>,
}

impl RateScale {
    /// Takes the top that what is on screen wants and answers the one to draw with.
    pub(crate) fn follow(&mut self, wanted: f64, now_ms: i64) -> f64 {
        if wanted >= self.top {
            *self = Self { top: wanted, lower_since_ms: None };
        } else {
            let since = *self.lower_since_ms.get_or_insert(now_ms);
            if now_ms - since >= SHRINK_AFTER_MS || now_ms < since {
                *self = Self { top: wanted, lower_since_ms: None };
            }
        }
        self.top
    }
}

/// The plot of all lanes: one time axis, `edge_ms` at its right edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeAxis {
    pub(crate) edge_ms: i64,
    pub(crate) width: f64,
}

impl TimeAxis {
    pub(crate) fn x(self, at_ms: i64) -> f64 {
        self.width - (self.edge_ms - at_ms) as f64 / WINDOW_MS as f64 * self.width
    }

    pub(crate) fn at_ms(self, x: f64) -> i64 {
        self.edge_ms - ((self.width - x) / self.width.max(1.0) * WINDOW_MS as f64).round() as i64
    }

    /// Whole minutes in view, oldest first. The offset of every time zone is whole minutes.
    pub(crate) fn minutes(self) -> Vec<i64> {
        const MINUTE_MS: i64 = 60_000;
        let first = (self.edge_ms - WINDOW_MS).div_euclid(MINUTE_MS) + 1;
        let last = self.edge_ms.div_euclid(MINUTE_MS);
        (first..=last).map(|minute| minute * MINUTE_MS).collect()
    }

    /// Those of them whose time is written on the ruler: where there is room, and not where the cursor's own
    /// time stands.
    pub(crate) fn labels(self, cursor_ms: Option<i64>) -> Vec<i64> {
        let cursor_x = cursor_ms.map(|at_ms| self.x(at_ms));
        // A label stands 40 px wide; on a narrow chart only every second or fifth minute has one.
        let minute_px = self.width * 60_000.0 / WINDOW_MS as f64;
        let every = [1, 2, 5].into_iter().find(|every| f64::from(*every) * minute_px >= 40.0).unwrap_or(10);
        let is_written = |at_ms: &i64| {
            let x = self.x(*at_ms);
            at_ms / 60_000 % i64::from(every) == 0
                && (16.0..self.width - 10.0).contains(&x)
                && cursor_x.is_none_or(|cursor| (cursor - x).abs() >= 46.0)
        };
        self.minutes().into_iter().filter(is_written).collect()
    }
}

/// Heights in a lane, measured from its top: 0 is the top of the scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LaneAxis {
    pub(crate) height: f64,
    pub(crate) top: f64,
    /// Up and down from the middle, one scale for both halves.
    pub(crate) mirrored: bool,
}

/// Room above and below a curve, so that a full value does not touch the next lane.
const PADDING: f64 = 3.0;

impl LaneAxis {
    /// Place of a value; in a mirrored lane what goes down has its place by `y_down`.
    pub(crate) fn y(self, value: f64) -> f64 {
        self.base() - self.share(value) * (self.base() - PADDING)
    }

    pub(crate) fn y_down(self, value: f64) -> f64 {
        self.base() + self.share(value) * (self.height - PADDING - self.base())
    }

    /// Where zero lies.
    pub(crate) fn base(self) -> f64 {
        if self.mirrored { (self.height / 2.0).round() } else { self.height - PADDING }
    }

    fn share(self, value: f64) -> f64 {
        if self.top > 0.0 { (value / self.top).clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_scale_is_the_next_round_number() {
        for (value, top) in [
            (0.0, 1.0),
            (0.7, 1.0),
            (1.2, 1.5),
            (1.6, 2.0),
            (2.0, 2.0),
            (30.0, 30.0),
            (31.0, 50.0),
            (76.0, 100.0),
            (149.0, 150.0),
            (7_501.0, 10_000.0),
        ] {
            assert_eq!(round_top(value, 1.0), top, "{value}");
        }
        assert!((round_top(0.3, 0.1) - 0.3).abs() < 1e-9);
        assert_eq!(round_top(f64::NAN, 0.0), 1.0);
        assert_eq!(round_top(f64::INFINITY, 0.0), 1.0);
    }

    #[test]
    fn a_scale_grows_at_once_and_shrinks_after_a_minute() {
        let mut scale = RateScale::default();
        assert_eq!(scale.follow(150.0, 0), 150.0);
        assert_eq!(scale.follow(10.0, 2_000), 150.0);
        assert_eq!(scale.follow(200.0, 4_000), 200.0, "growing forgets that it was low");
        assert_eq!(scale.follow(10.0, 6_000), 200.0);
        assert_eq!(scale.follow(10.0, 65_000), 200.0);
        assert_eq!(scale.follow(10.0, 66_000), 10.0);
    }

    #[test]
    fn times_and_places_agree() {
        let axis = TimeAxis { edge_ms: 1_000_000, width: 600.0 };
        assert_eq!(axis.x(1_000_000), 600.0);
        assert_eq!(axis.x(1_000_000 - WINDOW_MS), 0.0);
        assert_eq!(axis.at_ms(axis.x(700_000)), 700_000);
        assert_eq!(axis.at_ms(600.0), 1_000_000);
    }

    #[test]
    fn every_whole_minute_of_the_window_has_its_line() {
        let axis = TimeAxis { edge_ms: 1_000_000, width: 600.0 };
        assert_eq!(axis.minutes().first(), Some(&420_000));
        assert_eq!(axis.minutes().last(), Some(&960_000));
        assert_eq!(axis.minutes().len(), 10);
    }

    #[test]
    fn the_ruler_has_the_times_that_fit_and_the_cursor_takes_the_place_of_one() {
        let axis = TimeAxis { edge_ms: 1_000_000, width: 600.0 };
        assert_eq!(axis.labels(None), axis.minutes());
        let beside = |at_ms: &i64| *at_ms != 720_000;
        let others: Vec<i64> = axis.minutes().into_iter().filter(beside).collect();
        assert_eq!(axis.labels(Some(725_000)), others);
        let narrow = TimeAxis { edge_ms: 965_000, width: 240.0 };
        assert_eq!(
            narrow.labels(None),
            [480_000, 600_000, 720_000, 840_000],
            "every second, none at an edge"
        );
        assert_eq!(TimeAxis { width: 1.0, ..axis }.labels(None), [0i64; 0]);
    }

    #[test]
    fn a_mirrored_lane_has_zero_in_the_middle() {
        let plain = LaneAxis { height: 108.0, top: 100.0, mirrored: false };
        assert_eq!((plain.y(0.0), plain.y(100.0)), (105.0, 3.0));
        assert_eq!(plain.y(400.0), 3.0, "nothing leaves its lane");
        let mirrored = LaneAxis { mirrored: true, ..plain };
        assert_eq!((mirrored.y(0.0), mirrored.y(100.0), mirrored.y_down(100.0)), (54.0, 3.0, 105.0));
    }
}
