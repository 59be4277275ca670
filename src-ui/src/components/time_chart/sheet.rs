//! A canvas with its measures and colours, as each layer of a chart needs it.

use std::collections::HashMap;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::history::{History, Timed};
use super::lane::{CURVES, ChartLane};
use super::scale::{LaneAxis, TimeAxis};

/// Height of the time ruler above the lanes.
pub(crate) const RULER: f64 = 20.0;
/// Width of the axis right of the plot.
const AXIS: f64 = 46.0;

/// The plot's width on a canvas of this width.
pub(crate) fn plot_width(canvas_width: f64) -> f64 {
    (canvas_width - AXIS).max(1.0)
}

/// Everything that one drawing shows.
pub(crate) struct Picture<'a, S: 'static> {
    pub(crate) lanes: &'static [ChartLane<S>],
    pub(crate) history: &'a History<S>,
    pub(crate) edge_ms: i64,
    /// Top of each lane's axis.
    pub(crate) tops: &'a [f64],
    /// Which curves of each lane are drawn.
    pub(crate) occurs: &'a [[bool; CURVES]],
    pub(crate) inks: &'a Inks,
    pub(crate) zone_min: i32,
    /// Of the whole chart. It is not asked of the page, which would be laid out to tell it.
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// Pixels of the screen in one of the page.
    pub(crate) ratio: f64,
}

impl<S> Picture<'_, S> {
    pub(crate) fn time(&self) -> TimeAxis {
        TimeAxis { edge_ms: self.edge_ms, width: plot_width(self.width) }
    }
}

/// The tokens of the style sheet that a chart draws with. Each is asked of the style engine, so they are
/// read once for each drawing of the curves; a change of the theme needs nothing but another drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inks {
    family: String,
    colors: HashMap<&'static str, String>,
}

impl Inks {
    pub(crate) fn read<S>(canvas: &HtmlCanvasElement, lanes: &[ChartLane<S>]) -> Self {
        let own = ["--line-faint", "--line", "--text-1", "--text-2", "--text-3", "--bg-base", "--accent"];
        let curves = lanes.iter().flat_map(|lane| lane.curves).map(|curve| curve.color);
        let thresholds = lanes.iter().flat_map(|lane| lane.thresholds);
        let thresholds = thresholds.flat_map(|threshold| [Some(threshold.color), threshold.ink]).flatten();
        let style = web_sys::window().and_then(|window| window.get_computed_style(canvas).ok()).flatten();
        let token = |name: &str| {
            let value = style.as_ref().and_then(|style| style.get_property_value(name).ok());
            value.unwrap_or_default().trim().to_owned()
        };
        let mut colors = HashMap::new();
        for name in own.into_iter().chain(curves).chain(thresholds) {
            colors.entry(name).or_insert_with(|| token(name));
        }
        Self { family: token("font-family"), colors }
    }

    pub(crate) fn color(&self, token: &str) -> &str {
        self.colors.get(token).map_or("", String::as_str)
    }
}

/// What a canvas shows of a chart: from this edge, so wide, and from the top so high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) left: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A canvas that was cleared to be drawn on. Its places are those of the whole chart.
pub(crate) struct Sheet<'a, S: 'static> {
    pub(crate) picture: &'a Picture<'a, S>,
    pub(crate) pen: CanvasRenderingContext2d,
    pub(crate) time: TimeAxis,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) lane_height: f64,
}

impl<'a, S: Timed> Sheet<'a, S> {
    /// `None` where there is no room for a chart.
    pub(crate) fn of(
        canvas: &HtmlCanvasElement,
        picture: &'a Picture<'a, S>,
        part: Part,
    ) -> Result<Option<Self>, JsValue> {
        let Picture { width, height, ratio, .. } = *picture;
        if width <= AXIS || height <= RULER {
            return Ok(None);
        }
        let (pixels_x, pixels_y) =
            ((part.width * ratio).round() as u32, (part.height * ratio).round() as u32);
        if canvas.width() != pixels_x {
            canvas.set_width(pixels_x);
        }
        if canvas.height() != pixels_y {
            canvas.set_height(pixels_y);
        }
        let Some(pen) = pen(canvas)? else { return Ok(None) };
        pen.set_transform(ratio, 0.0, 0.0, ratio, -part.left * ratio, 0.0)?;
        pen.clear_rect(part.left, 0.0, part.width, part.height);
        pen.set_line_join("round");
        Ok(Some(Self {
            picture,
            pen,
            time: picture.time(),
            width,
            height,
            lane_height: (height - RULER) / picture.lanes.len() as f64,
        }))
    }

    pub(crate) fn fill_with(&self, token: &str) {
        self.pen.set_fill_style_str(self.picture.inks.color(token));
    }

    pub(crate) fn stroke_with(&self, token: &str) {
        self.pen.set_stroke_style_str(self.picture.inks.color(token));
    }

    pub(crate) fn font(&self, size: f64, weight: u32) {
        self.pen.set_font(&format!("{weight} {size}px {}", self.picture.inks.family));
    }

    /// The upper edge of a lane.
    pub(crate) fn top(&self, index: usize) -> f64 {
        RULER + index as f64 * self.lane_height
    }

    pub(crate) fn axis(&self, index: usize) -> LaneAxis {
        let top = self.picture.tops.get(index).copied().unwrap_or_default();
        LaneAxis { height: self.lane_height, top, mirrored: self.picture.lanes[index].is_mirrored() }
    }

    /// Places of the curves of a lane that are drawn, the lowest layer first.
    pub(crate) fn drawn(&self, index: usize) -> impl DoubleEndedIterator<Item = usize> + use<S> {
        let occurs = self.picture.occurs.get(index).copied().unwrap_or_default();
        (0..self.picture.lanes[index].curves.len()).filter(move |curve| occurs[*curve])
    }
}

/// Nothing is ever read back, but a canvas that may be read is drawn by the processor. Where there is no
/// graphics card, as in most virtual machines, the web view emulates one for the others, and twenty lines of
/// six hundred points take it five times as long.
fn pen(canvas: &HtmlCanvasElement) -> Result<Option<CanvasRenderingContext2d>, JsValue> {
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    Ok(context.and_then(|context| context.dyn_into().ok()))
}

/// The middle of a pixel, so that a line of one pixel is one pixel.
pub(crate) fn crisp(at: f64) -> f64 {
    at.floor() + 0.5
}
