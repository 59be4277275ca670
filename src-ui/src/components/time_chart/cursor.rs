//! The layer of the cursor: the times on the ruler, which the cursor's own time takes the place of, the
//! line through all lanes, and a dot on each curve. It is small, so that it can follow the pointer.

use wasm_bindgen::JsValue;
use web_sys::HtmlCanvasElement;

use super::history::{Timed, WINDOW_MS};
use super::sheet::{Picture, RULER, Sheet, crisp};
use crate::format;

pub(crate) fn draw_cursor<S: Timed>(
    canvas: &HtmlCanvasElement,
    picture: &Picture<'_, S>,
    cursor_ms: Option<i64>,
) -> Result<(), JsValue> {
    let Some(sheet) = Sheet::of(canvas, picture)? else { return Ok(()) };
    sheet.times(cursor_ms)?;
    cursor_ms.map_or(Ok(()), |at_ms| sheet.cursor(at_ms))
}

impl<S: Timed> Sheet<'_, S> {
    /// The time of each minute, where there is room.
    fn times(&self, cursor_ms: Option<i64>) -> Result<(), JsValue> {
        let width = self.time.width;
        self.font(10.5, 400);
        self.fill_with("--text-3");
        self.pen.set_text_align("center");
        self.pen.set_text_baseline("alphabetic");
        let cursor_x = cursor_ms.map(|at_ms| self.time.x(at_ms));
        // A label stands 40 px wide; on a narrow chart only every second or fifth minute has one.
        let minute_px = width * 60_000.0 / WINDOW_MS as f64;
        let every = [1, 2, 5].into_iter().find(|every| f64::from(*every) * minute_px >= 40.0).unwrap_or(10);
        for at_ms in self.time.minutes().into_iter().filter(|at_ms| at_ms / 60_000 % i64::from(every) == 0) {
            let x = self.time.x(at_ms);
            let is_covered = cursor_x.is_some_and(|cursor| (cursor - x).abs() < 46.0);
            if (16.0..width - 10.0).contains(&x) && !is_covered {
                self.pen.fill_text(&format::clock_minutes(at_ms, self.picture.zone_min), x, 12.0)?;
            }
        }
        Ok(())
    }

    /// One line through all lanes, a dot on each curve, the time on the ruler.
    fn cursor(&self, at_ms: i64) -> Result<(), JsValue> {
        let sample = self.picture.history.nearest(at_ms);
        let at_ms = sample.map_or(at_ms, Timed::at_ms);
        let x = self.time.x(at_ms);
        self.stroke_with("--text-1");
        self.pen.set_line_width(1.0);
        self.pen.begin_path();
        self.pen.move_to(crisp(x), RULER - 2.0);
        self.pen.line_to(crisp(x), self.height);
        self.pen.stroke();
        if let Some(sample) = sample {
            self.dots(sample, x)?;
        }
        let words = format::clock(at_ms, self.picture.zone_min);
        self.font(11.0, 600);
        let chip = self.pen.measure_text(&words)?.width() + 8.0;
        let left = (x - chip / 2.0).clamp(0.0, (self.width - chip).max(0.0));
        self.fill_with("--text-1");
        self.pen.begin_path();
        self.pen.round_rect_with_f64(left, 1.0, chip, 16.0, 2.0)?;
        self.pen.fill();
        self.fill_with("--bg-base");
        self.pen.set_text_align("center");
        self.pen.set_text_baseline("alphabetic");
        self.pen.fill_text(&words, left + chip / 2.0, 13.0)
    }

    fn dots(&self, sample: &S, x: f64) -> Result<(), JsValue> {
        self.stroke_with("--bg-base");
        self.pen.set_line_width(1.0);
        for (index, lane) in self.picture.lanes.iter().enumerate() {
            let (axis, top) = (self.axis(index), self.top(index));
            let values = (lane.values)(sample);
            for curve in self.drawn(index) {
                let (paint, Some(value)) = (lane.curves[curve], values[curve]) else { continue };
                let y = if paint.is_down { axis.y_down(value) } else { axis.y(value) };
                self.pen.begin_path();
                self.pen.arc(x, top + y, 2.6, 0.0, std::f64::consts::TAU)?;
                self.fill_with(paint.color);
                self.pen.fill();
                self.pen.stroke();
            }
        }
        Ok(())
    }
}
