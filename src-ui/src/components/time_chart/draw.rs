//! The layer of the curves: grid, gaps, curves, thresholds, axes.
//!
//! All decisions are made before (`history`, `scale`, `lane`); here is only ink. It is drawn when the
//! samples, the size or the theme change, never for the cursor.

use wasm_bindgen::JsValue;
use web_sys::HtmlCanvasElement;

use super::history::{Gap, Timed};
use super::lane::{ChartLane, Values};
use super::scale::LaneAxis;
use super::sheet::{Part, Picture, RULER, Sheet, crisp};

/// The least width of the band at the moment that was clicked.
const PICKED: f64 = 9.0;

/// What the words in a gap need beside the picture.
pub(crate) struct GapWords<'a> {
    pub(crate) no_data: &'a str,
    /// How long a gap is.
    pub(crate) length: &'a dyn Fn(Gap) -> String,
}

pub(crate) fn draw_curves<S: Timed>(
    canvas: &HtmlCanvasElement,
    picture: &Picture<'_, S>,
    picked_ms: Option<i64>,
    is_dark: bool,
    words: &GapWords<'_>,
) -> Result<(), JsValue> {
    let whole = Part { left: 0.0, width: picture.width, height: picture.height };
    let Some(sheet) = Sheet::of(canvas, picture, whole)? else { return Ok(()) };
    let gaps = picture.history.gaps(picture.edge_ms);
    sheet.grid();
    sheet.gaps(&gaps);
    if let Some(at_ms) = picked_ms {
        sheet.picked(at_ms, is_dark);
    }
    // All lanes have their samples at the same places.
    let runs: Vec<Vec<(f64, &S)>> = picture
        .history
        .runs()
        .into_iter()
        .map(|run| run.into_iter().map(|sample| (sheet.time.x(sample.at_ms()), sample)).collect())
        .collect();
    for index in 0..picture.lanes.len() {
        sheet.lane(index, &runs, is_dark)?;
    }
    sheet.gap_words(&gaps, words)
}

/// The curves of a lane at a place from left to right.
type Column = (f64, Values);

impl<S: Timed> Sheet<'_, S> {
    /// Minute lines and the lines between the lanes.
    fn grid(&self) {
        let width = self.time.width;
        self.stroke_with("--line-faint");
        self.pen.set_line_width(1.0);
        self.pen.begin_path();
        for at_ms in self.time.minutes() {
            let x = crisp(self.time.x(at_ms));
            self.pen.move_to(x, RULER);
            self.pen.line_to(x, self.height);
        }
        for index in 0..=self.picture.lanes.len() {
            let y = crisp(self.top(index));
            self.pen.move_to(0.0, y);
            self.pen.line_to(width, y);
        }
        self.pen.move_to(crisp(width), RULER);
        self.pen.line_to(crisp(width), self.height);
        self.pen.stroke();
    }

    /// Hatched bands where nothing is known.
    fn gaps(&self, gaps: &[Gap]) {
        let reach = self.height - RULER;
        for gap in gaps {
            let (from, to) = (self.time.x(gap.from_ms).max(0.0), self.time.x(gap.to_ms));
            if to - from < 1.0 {
                continue;
            }
            self.pen.save();
            self.pen.begin_path();
            self.pen.rect(from, RULER, to - from, reach);
            self.pen.clip();
            self.fill_with("--bg-base");
            self.pen.fill_rect(from, RULER, to - from, reach);
            self.stroke_with("--line");
            self.pen.set_line_width(1.0);
            self.pen.begin_path();
            let mut x = from - reach;
            while x < to {
                self.pen.move_to(x, self.height);
                self.pen.line_to(x + reach, RULER);
                x += 7.0;
            }
            self.pen.stroke();
            self.pen.restore();
        }
    }

    /// The moment that was clicked: a band over all lanes and the ruler, as wide as its sample, and never so
    /// narrow that it is not seen.
    fn picked(&self, at_ms: i64, is_dark: bool) {
        let width = (self.time.x(at_ms) - self.time.x(at_ms - self.picture.history.step_ms())).max(PICKED);
        let left = (self.time.x(at_ms) - width / 2.0).max(0.0);
        let right = (self.time.x(at_ms) + width / 2.0).min(self.time.width);
        if right <= left {
            return;
        }
        self.fill_with("--accent");
        self.pen.set_global_alpha(if is_dark { 0.10 } else { 0.07 });
        self.pen.fill_rect(left, 0.0, right - left, self.height);
        self.pen.set_global_alpha(1.0);
    }

    /// "no data, 40 s" once per gap, in the first lane, where it fits.
    fn gap_words(&self, gaps: &[Gap], words: &GapWords<'_>) -> Result<(), JsValue> {
        self.font(11.0, 400);
        self.pen.set_text_align("center");
        self.pen.set_text_baseline("alphabetic");
        for gap in gaps {
            let (from, to) = (self.time.x(gap.from_ms).max(0.0), self.time.x(gap.to_ms));
            let length = (words.length)(*gap);
            let lines = [words.no_data, length.as_str()];
            let widest = lines.iter().filter_map(|l| self.pen.measure_text(l).ok()).map(|m| m.width());
            let widest = widest.fold(0.0, f64::max);
            if to - from < widest + 4.0 {
                continue;
            }
            let middle = (from + to) / 2.0;
            let y = RULER + self.lane_height / 2.0;
            self.fill_with("--bg-base");
            self.pen.fill_rect(middle - widest / 2.0 - 3.0, y - 14.0, widest + 6.0, 31.0);
            self.fill_with("--text-2");
            self.pen.fill_text(lines[0], middle, y - 2.0)?;
            self.pen.fill_text(lines[1], middle, y + 12.0)?;
        }
        Ok(())
    }

    fn lane(&self, index: usize, runs: &[Vec<(f64, &S)>], is_dark: bool) -> Result<(), JsValue> {
        let (lane, axis) = (&self.picture.lanes[index], self.axis(index));
        let top = self.top(index);
        self.pen.save();
        self.pen.begin_path();
        self.pen.rect(0.0, top, self.time.width, self.lane_height);
        self.pen.clip();
        self.pen.translate(0.0, top)?;
        // Before there is a sample the place is for the words that say so.
        if !runs.is_empty() {
            for threshold in lane.thresholds {
                self.threshold(axis.y(threshold.at), threshold.color)?;
            }
        }
        for run in runs {
            let columns: Vec<Column> = run.iter().map(|(x, sample)| (*x, (lane.values)(sample))).collect();
            // The upper layers first: a lower line is never covered by a fill.
            for curve in self.drawn(index).rev() {
                self.curve(lane, axis, &columns, curve, is_dark);
            }
        }
        self.pen.restore();
        self.axis_labels(index, lane, axis)
    }

    fn threshold(&self, y: f64, color: &str) -> Result<(), JsValue> {
        self.stroke_with(color);
        self.pen.set_line_width(1.0);
        self.pen.set_line_dash(&js_sys::Array::of2(&1.into(), &4.into()))?;
        self.pen.begin_path();
        self.pen.move_to(0.0, crisp(y));
        self.pen.line_to(self.time.width, crisp(y));
        self.pen.stroke();
        self.pen.set_line_dash(&js_sys::Array::new())
    }

    /// One curve over one run of samples: its line, and its fill down to the layer below or the base.
    fn curve(&self, lane: &ChartLane<S>, axis: LaneAxis, run: &[Column], curve: usize, is_dark: bool) {
        let paint = lane.curves[curve];
        let place = |value: f64| if paint.is_down { axis.y_down(value) } else { axis.y(value) };
        self.fill_with(paint.color);
        self.stroke_with(paint.color);
        self.pen.set_line_width(if lane.is_stacked && curve > 0 { 1.0 } else { 1.25 });
        // A hole inside a run (a first sample without rates) ends the line like a gap does.
        for part in run.split(|(_, values)| values[curve].is_none()) {
            let points = part.iter().filter_map(|(x, values)| Some((*x, place(values[curve]?))));
            let [(first, _), .., (last, _)] = part else {
                for (x, y) in points {
                    self.pen.fill_rect(x - 1.0, y - 1.0, 2.0, 2.0);
                }
                continue;
            };
            self.pen.begin_path();
            for (x, y) in points {
                // The first point of a path is where it begins.
                self.pen.line_to(x, y);
            }
            self.pen.stroke();
            // The same path goes on to be filled: both have one hue, so neither hides the other.
            if lane.is_stacked && curve > 0 {
                for (x, values) in part.iter().rev() {
                    self.pen.line_to(*x, values[curve - 1].map_or(axis.base(), |below| axis.y(below)));
                }
            } else {
                self.pen.line_to(*last, axis.base());
                self.pen.line_to(*first, axis.base());
            }
            self.pen.set_global_alpha(if is_dark { paint.fill_dark } else { paint.fill_light });
            self.pen.fill();
            self.pen.set_global_alpha(1.0);
        }
    }

    /// Values at the top and the bottom of the scale, right of the plot.
    fn axis_labels(&self, index: usize, lane: &ChartLane<S>, axis: LaneAxis) -> Result<(), JsValue> {
        let top = self.top(index);
        let x = self.time.width + 8.0;
        self.font(10.0, 400);
        self.pen.set_text_align("left");
        self.pen.set_text_baseline("alphabetic");
        self.fill_with("--text-3");
        let unit = lane.unit(axis.top);
        let high = unit.axis_number(axis.top);
        self.pen.fill_text(&high, x, top + 11.0)?;
        let low = if lane.is_mirrored() { high } else { "0".to_owned() };
        self.pen.fill_text(&low, x, top + self.lane_height - 5.0)?;
        for threshold in lane.thresholds {
            let Some(ink) = threshold.ink else { continue };
            self.fill_with(ink);
            // Below the number at the top.
            let y = (top + axis.y(threshold.at) + 3.5).max(top + 23.0);
            self.pen.fill_text(&unit.axis_number(threshold.at), x, y)?;
        }
        Ok(())
    }
}
