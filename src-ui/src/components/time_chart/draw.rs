//! Draws the lanes of a chart on their canvas: ruler, gaps, curves, thresholds, cursor.
//!
//! All decisions are made before (`history`, `scale`, `lane`); here is only ink. Colours are the
//! tokens of the style sheet, read anew at each drawing, so a change of the theme needs nothing but
//! another drawing.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::history::{History, Timed, WINDOW_MS};
use super::lane::{ChartLane, axis_number};
use super::scale::{LaneAxis, TimeAxis};
use crate::format;

/// Height of the time ruler above the lanes.
pub(crate) const RULER: f64 = 20.0;
/// Width of the axis right of the plot.
pub(crate) const AXIS: f64 = 46.0;

/// Everything that one drawing shows.
pub(crate) struct Picture<'a, S: 'static> {
    pub(crate) lanes: &'static [ChartLane<S>],
    pub(crate) history: &'a History<S>,
    pub(crate) edge_ms: i64,
    /// Top of each lane's axis.
    pub(crate) tops: &'a [f64],
    pub(crate) cursor_ms: Option<i64>,
    pub(crate) zone_min: i32,
    pub(crate) no_data: &'a str,
    /// Length of each gap in words, in the order of the gaps.
    pub(crate) gap_lengths: &'a [String],
    pub(crate) is_dark: bool,
}

/// The plot's width on a canvas of this width.
pub(crate) fn plot_width(canvas_width: f64) -> f64 {
    (canvas_width - AXIS).max(1.0)
}

pub(crate) fn draw<S: Timed>(canvas: &HtmlCanvasElement, picture: &Picture<'_, S>) -> Result<(), JsValue> {
    let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
    let Some(window) = web_sys::window().filter(|_| width > AXIS && height > RULER) else {
        return Ok(());
    };
    let ratio = window.device_pixel_ratio().max(1.0);
    let (pixels_x, pixels_y) = ((width * ratio).round() as u32, (height * ratio).round() as u32);
    if canvas.width() != pixels_x {
        canvas.set_width(pixels_x);
    }
    if canvas.height() != pixels_y {
        canvas.set_height(pixels_y);
    }
    let Some(pen) = canvas.get_context("2d")?.and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok())
    else {
        return Ok(());
    };
    let style = window.get_computed_style(canvas)?;
    let token = |name: &str| {
        style.as_ref().and_then(|s| s.get_property_value(name).ok()).unwrap_or_default().trim().to_owned()
    };
    let family = token("font-family");
    pen.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0)?;
    pen.clear_rect(0.0, 0.0, width, height);
    pen.set_line_join("round");
    let sheet = Sheet {
        pen: &pen,
        token: &token,
        family: &family,
        time: TimeAxis { edge_ms: picture.edge_ms, width: plot_width(width) },
        height,
        lane_height: (height - RULER) / picture.lanes.len() as f64,
    };
    sheet.ruler(picture)?;
    sheet.gaps(picture)?;
    for index in 0..picture.lanes.len() {
        sheet.lane(picture, index)?;
    }
    sheet.gap_words(picture)?;
    sheet.cursor(picture)
}

/// A canvas with its measures.
struct Sheet<'a> {
    pen: &'a CanvasRenderingContext2d,
    token: &'a dyn Fn(&str) -> String,
    family: &'a str,
    time: TimeAxis,
    height: f64,
    lane_height: f64,
}

impl Sheet<'_> {
    fn font(&self, size: f64, weight: u32) {
        self.pen.set_font(&format!("{weight} {size}px {}", self.family));
    }

    /// Time labels, minute lines and the lines between the lanes.
    fn ruler<S: Timed>(&self, picture: &Picture<'_, S>) -> Result<(), JsValue> {
        let width = self.time.width;
        self.pen.set_stroke_style_str(&(self.token)("--line-faint"));
        self.pen.set_line_width(1.0);
        self.pen.begin_path();
        for at_ms in self.time.minutes() {
            let x = crisp(self.time.x(at_ms));
            self.pen.move_to(x, RULER);
            self.pen.line_to(x, self.height);
        }
        for index in 0..=picture.lanes.len() {
            let y = crisp(RULER + index as f64 * self.lane_height);
            self.pen.move_to(0.0, y);
            self.pen.line_to(width, y);
        }
        self.pen.move_to(crisp(width), RULER);
        self.pen.line_to(crisp(width), self.height);
        self.pen.stroke();

        self.font(10.5, 400);
        self.pen.set_fill_style_str(&(self.token)("--text-3"));
        self.pen.set_text_align("center");
        self.pen.set_text_baseline("alphabetic");
        let cursor_x = picture.cursor_ms.map(|at_ms| self.time.x(at_ms));
        // A label stands 40 px wide; on a narrow chart only every second or fifth minute has one.
        let minute_px = width * 60_000.0 / WINDOW_MS as f64;
        let every = [1, 2, 5].into_iter().find(|every| f64::from(*every) * minute_px >= 40.0).unwrap_or(10);
        for at_ms in self.time.minutes().into_iter().filter(|at_ms| at_ms / 60_000 % i64::from(every) == 0) {
            let x = self.time.x(at_ms);
            let is_covered = cursor_x.is_some_and(|cursor| (cursor - x).abs() < 46.0);
            if (16.0..width - 10.0).contains(&x) && !is_covered {
                self.pen.fill_text(&format::clock_minutes(at_ms, picture.zone_min), x, 12.0)?;
            }
        }
        Ok(())
    }

    /// Hatched bands where nothing is known.
    fn gaps<S: Timed>(&self, picture: &Picture<'_, S>) -> Result<(), JsValue> {
        let reach = self.height - RULER;
        for gap in picture.history.gaps(picture.edge_ms) {
            let (from, to) = (self.time.x(gap.from_ms).max(0.0), self.time.x(gap.to_ms));
            if to - from < 1.0 {
                continue;
            }
            self.pen.save();
            self.pen.begin_path();
            self.pen.rect(from, RULER, to - from, reach);
            self.pen.clip();
            self.pen.set_fill_style_str(&(self.token)("--bg-base"));
            self.pen.fill_rect(from, RULER, to - from, reach);
            self.pen.set_stroke_style_str(&(self.token)("--line"));
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
        Ok(())
    }

    /// "no data, 40 s" once per gap, in the first lane, where it fits.
    fn gap_words<S: Timed>(&self, picture: &Picture<'_, S>) -> Result<(), JsValue> {
        self.font(11.0, 400);
        self.pen.set_text_align("center");
        self.pen.set_text_baseline("alphabetic");
        let base = (self.token)("--bg-base");
        let ink = (self.token)("--text-2");
        for (gap, length) in picture.history.gaps(picture.edge_ms).iter().zip(picture.gap_lengths) {
            let (from, to) = (self.time.x(gap.from_ms).max(0.0), self.time.x(gap.to_ms));
            let lines = [picture.no_data, length.as_str()];
            let widest = lines.iter().filter_map(|l| self.pen.measure_text(l).ok()).map(|m| m.width());
            let widest = widest.fold(0.0, f64::max);
            if to - from < widest + 4.0 {
                continue;
            }
            let middle = (from + to) / 2.0;
            let y = RULER + self.lane_height / 2.0;
            self.pen.set_fill_style_str(&base);
            self.pen.fill_rect(middle - widest / 2.0 - 3.0, y - 14.0, widest + 6.0, 31.0);
            self.pen.set_fill_style_str(&ink);
            self.pen.fill_text(lines[0], middle, y - 2.0)?;
            self.pen.fill_text(lines[1], middle, y + 12.0)?;
        }
        Ok(())
    }

    fn lane<S: Timed>(&self, picture: &Picture<'_, S>, index: usize) -> Result<(), JsValue> {
        let (lane, axis) = (&picture.lanes[index], self.axis(picture, index));
        let top = self.top(index);
        self.pen.save();
        self.pen.begin_path();
        self.pen.rect(0.0, top, self.time.width, self.lane_height);
        self.pen.clip();
        self.pen.translate(0.0, top)?;
        for threshold in lane.thresholds {
            self.threshold(axis.y(threshold.at), threshold.color)?;
        }
        let occurs = lane.occurring(picture.history);
        for run in picture.history.runs() {
            // The upper layers first: a lower line is never covered by a fill.
            for curve in (0..lane.curves.len()).rev().filter(|curve| occurs[*curve]) {
                self.curve(picture.is_dark, lane, axis, &run, curve);
            }
        }
        self.pen.restore();
        self.axis_labels(index, lane, axis)
    }

    fn top(&self, index: usize) -> f64 {
        RULER + index as f64 * self.lane_height
    }

    fn axis<S: Timed>(&self, picture: &Picture<'_, S>, index: usize) -> LaneAxis {
        let top = picture.tops.get(index).copied().unwrap_or_default();
        LaneAxis { height: self.lane_height, top, mirrored: picture.lanes[index].is_mirrored() }
    }

    fn threshold(&self, y: f64, color: &str) -> Result<(), JsValue> {
        self.pen.set_stroke_style_str(&(self.token)(color));
        self.pen.set_line_width(1.0);
        self.pen.set_line_dash(&js_sys::Array::of2(&1.into(), &4.into()))?;
        self.pen.begin_path();
        self.pen.move_to(0.0, crisp(y));
        self.pen.line_to(self.time.width, crisp(y));
        self.pen.stroke();
        self.pen.set_line_dash(&js_sys::Array::new())
    }

    /// One curve over one run of samples: its fill down to the layer below or the base, its line.
    fn curve<S: Timed>(&self, is_dark: bool, lane: &ChartLane<S>, axis: LaneAxis, run: &[&S], curve: usize) {
        let paint = lane.curves[curve];
        let place = |value: f64| if paint.is_down { axis.y_down(value) } else { axis.y(value) };
        let color = (self.token)(paint.color);
        // A hole inside a run (a first sample without rates) ends the line like a gap does.
        for part in run.split(|sample| (lane.values)(sample)[curve].is_none()) {
            let points: Vec<(f64, f64, f64)> = part
                .iter()
                .filter_map(|sample| {
                    let values = (lane.values)(sample);
                    let below = if lane.is_stacked && curve > 0 { values[curve - 1] } else { None };
                    let floor = below.map_or(axis.base(), |value| axis.y(value));
                    values[curve].map(|value| (self.time.x(sample.at_ms()), place(value), floor))
                })
                .collect();
            let [first, .., last] = points.as_slice() else {
                if let [(x, y, _)] = points.as_slice() {
                    self.pen.set_fill_style_str(&color);
                    self.pen.fill_rect(x - 1.0, y - 1.0, 2.0, 2.0);
                }
                continue;
            };
            let trace = || {
                self.pen.begin_path();
                self.pen.move_to(first.0, first.1);
                for (x, y, _) in &points[1..] {
                    self.pen.line_to(*x, *y);
                }
            };
            trace();
            if lane.is_stacked {
                for (x, _, floor) in points.iter().rev() {
                    self.pen.line_to(*x, *floor);
                }
            } else {
                self.pen.line_to(last.0, axis.base());
                self.pen.line_to(first.0, axis.base());
            }
            self.pen.close_path();
            self.pen.set_fill_style_str(&color);
            self.pen.set_global_alpha(if is_dark { paint.fill_dark } else { paint.fill_light });
            self.pen.fill();
            self.pen.set_global_alpha(1.0);
            trace();
            self.pen.set_stroke_style_str(&color);
            self.pen.set_line_width(if lane.is_stacked && curve > 0 { 1.0 } else { 1.25 });
            self.pen.stroke();
        }
    }

    /// Values at the top and the bottom of the scale, right of the plot.
    fn axis_labels<S: Timed>(
        &self,
        index: usize,
        lane: &ChartLane<S>,
        axis: LaneAxis,
    ) -> Result<(), JsValue> {
        let top = self.top(index);
        let x = self.time.width + 8.0;
        self.font(10.0, 400);
        self.pen.set_text_align("left");
        self.pen.set_text_baseline("alphabetic");
        self.pen.set_fill_style_str(&(self.token)("--text-3"));
        let high = axis_number(axis.top);
        self.pen.fill_text(&high, x, top + 11.0)?;
        let low = if lane.is_mirrored() { high } else { "0".to_owned() };
        self.pen.fill_text(&low, x, top + self.lane_height - 5.0)?;
        for threshold in lane.thresholds {
            let Some(ink) = threshold.ink else { continue };
            self.pen.set_fill_style_str(&(self.token)(ink));
            // Below the number at the top.
            let y = (top + axis.y(threshold.at) + 3.5).max(top + 23.0);
            self.pen.fill_text(&axis_number(threshold.at), x, y)?;
        }
        Ok(())
    }

    /// One line through all lanes, a dot on each curve, the time on the ruler.
    fn cursor<S: Timed>(&self, picture: &Picture<'_, S>) -> Result<(), JsValue> {
        let Some(at_ms) = picture.cursor_ms else { return Ok(()) };
        let sample = picture.history.nearest(at_ms);
        let at_ms = sample.map_or(at_ms, Timed::at_ms);
        let x = self.time.x(at_ms);
        let ink = (self.token)("--text-1");
        let base = (self.token)("--bg-base");
        self.pen.set_stroke_style_str(&ink);
        self.pen.set_line_width(1.0);
        self.pen.begin_path();
        self.pen.move_to(crisp(x), RULER - 2.0);
        self.pen.line_to(crisp(x), self.height);
        self.pen.stroke();
        if let Some(sample) = sample {
            self.dots(picture, sample, x, &base)?;
        }
        let words = format::clock(at_ms, picture.zone_min);
        self.font(11.0, 600);
        let chip = self.pen.measure_text(&words)?.width() + 8.0;
        let left = (x - chip / 2.0).clamp(0.0, (self.time.width + AXIS - chip).max(0.0));
        self.pen.set_fill_style_str(&ink);
        self.pen.begin_path();
        self.pen.round_rect_with_f64(left, 1.0, chip, 16.0, 2.0)?;
        self.pen.fill();
        self.pen.set_fill_style_str(&base);
        self.pen.set_text_align("center");
        self.pen.set_text_baseline("alphabetic");
        self.pen.fill_text(&words, left + chip / 2.0, 13.0)
    }

    fn dots<S: Timed>(
        &self,
        picture: &Picture<'_, S>,
        sample: &S,
        x: f64,
        base: &str,
    ) -> Result<(), JsValue> {
        for (index, lane) in picture.lanes.iter().enumerate() {
            let (axis, top) = (self.axis(picture, index), self.top(index));
            let occurs = lane.occurring(picture.history);
            let curves = (lane.values)(sample);
            for (curve, paint) in lane.curves.iter().enumerate().filter(|(curve, _)| occurs[*curve]) {
                let Some(value) = curves[curve] else { continue };
                let y = if paint.is_down { axis.y_down(value) } else { axis.y(value) };
                self.pen.begin_path();
                self.pen.arc(x, top + y, 2.6, 0.0, std::f64::consts::TAU)?;
                self.pen.set_fill_style_str(&(self.token)(paint.color));
                self.pen.fill();
                self.pen.set_stroke_style_str(base);
                self.pen.set_line_width(1.0);
                self.pen.stroke();
            }
        }
        Ok(())
    }
}

/// The middle of a pixel, so that a line of one pixel is one pixel.
fn crisp(at: f64) -> f64 {
    at.floor() + 0.5
}
