//! What follows the pointer: the line through all lanes with a dot on each curve, and its time on the ruler;
//! and the other times there, which it takes the place of.
//!
//! A canvas of which anything changed is painted whole, with all that lies under it. So each of these has one
//! that is no larger than itself, and those of the cursor are moved.

use wasm_bindgen::JsValue;
use web_sys::HtmlCanvasElement;

use super::history::Timed;
use super::sheet::{Part, Picture, RULER, Sheet, crisp};
use crate::format;

/// Width of the canvas of the line: the dots, and some room.
const LINE: f64 = 10.0;
/// Width of the canvas of its time.
const TIME: f64 = 72.0;

/// Draws the times on the ruler, unless they are those that `drawn` says are there.
pub(crate) fn draw_times<S: Timed>(
    canvas: &HtmlCanvasElement,
    picture: &Picture<'_, S>,
    cursor_ms: Option<i64>,
    drawn: &mut Option<Vec<i64>>,
) -> Result<(), JsValue> {
    let minutes = picture.time().labels(cursor_ms);
    if drawn.as_ref() == Some(&minutes) {
        return Ok(());
    }
    let ruler = Part { left: 0.0, width: picture.width, height: RULER };
    let Some(sheet) = Sheet::of(canvas, picture, ruler)? else { return Ok(()) };
    sheet.times(&minutes)?;
    *drawn = Some(minutes);
    Ok(())
}

/// Draws the line and its time, and puts both in their places; without a cursor they are out of sight.
pub(crate) fn draw_cursor<S: Timed>(
    line: &HtmlCanvasElement,
    time: &HtmlCanvasElement,
    picture: &Picture<'_, S>,
    cursor_ms: Option<i64>,
) -> Result<(), JsValue> {
    let Some(at_ms) = cursor_ms else {
        hide(line)?;
        return hide(time);
    };
    let sample = picture.history.nearest(at_ms);
    let at_ms = sample.map_or(at_ms, Timed::at_ms);
    let x = picture.time().x(at_ms);
    // A whole pixel of the screen, so that nothing is blurred.
    let whole = |left: f64| (left * picture.ratio).floor() / picture.ratio;
    let part = Part { left: whole(x - LINE / 2.0), width: LINE, height: picture.height };
    if let Some(sheet) = Sheet::of(line, picture, part)? {
        sheet.line(sample, x)?;
        place(line, part)?;
    }
    let left = (x - TIME / 2.0).clamp(0.0, (picture.width - TIME).max(0.0));
    let part = Part { left: whole(left), width: TIME, height: RULER };
    if let Some(sheet) = Sheet::of(time, picture, part)? {
        sheet.chip(at_ms, x)?;
        place(time, part)?;
    }
    Ok(())
}

fn hide(canvas: &HtmlCanvasElement) -> Result<(), JsValue> {
    canvas.style().set_property("visibility", "hidden")
}

fn place(canvas: &HtmlCanvasElement, part: Part) -> Result<(), JsValue> {
    canvas.style().set_property("transform", &format!("translateX({}px)", part.left))?;
    canvas.style().set_property("visibility", "visible")
}

impl<S: Timed> Sheet<'_, S> {
    fn times(&self, minutes: &[i64]) -> Result<(), JsValue> {
        self.font(10.5, 400);
        self.fill_with("--text-3");
        self.pen.set_text_align("center");
        self.pen.set_text_baseline("alphabetic");
        for at_ms in minutes {
            let words = format::clock_minutes(*at_ms, self.picture.zone_min);
            self.pen.fill_text(&words, self.time.x(*at_ms), 12.0)?;
        }
        Ok(())
    }

    /// One line through all lanes, a dot on each curve.
    fn line(&self, sample: Option<&S>, x: f64) -> Result<(), JsValue> {
        self.stroke_with("--text-1");
        self.pen.set_line_width(1.0);
        self.pen.begin_path();
        self.pen.move_to(crisp(x), RULER - 2.0);
        self.pen.line_to(crisp(x), self.height);
        self.pen.stroke();
        sample.map_or(Ok(()), |sample| self.dots(sample, x))
    }

    /// The time on the ruler.
    fn chip(&self, at_ms: i64, x: f64) -> Result<(), JsValue> {
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
