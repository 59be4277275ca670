//! How a person has the columns of a table: which are hidden, and how wide they are. Pure; the web
//! view remembers it as one line for each table.

use std::collections::{BTreeMap, BTreeSet};

use super::view::LONGEST_LINE_BYTES;

/// No column is dragged narrower, so that its head can be taken hold of again.
const NARROWEST_PX: u32 = 36;
const WIDEST_PX: u32 = 1_600;

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Shape {
    hidden: BTreeSet<String>,
    widths_px: BTreeMap<String, u32>,
}

impl Shape {
    pub(crate) fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what was remembered; what cannot be read is as if nothing was.
    pub(crate) fn parse_line(line: &str) -> Shape {
        if line.len() > LONGEST_LINE_BYTES {
            return Shape::default();
        }
        let mut shape: Shape = serde_json::from_str(line).unwrap_or_default();
        shape.widths_px.retain(|_, width| (NARROWEST_PX..=WIDEST_PX).contains(width));
        shape
    }

    pub(crate) fn is_hidden(&self, column: &str) -> bool {
        self.hidden.contains(column)
    }

    pub(crate) fn hide(&mut self, column: &str) {
        self.hidden.insert(column.to_owned());
    }

    pub(crate) fn toggle(&mut self, column: &str) {
        if !self.hidden.remove(column) {
            self.hidden.insert(column.to_owned());
        }
    }

    /// Sets a width that was dragged to.
    pub(crate) fn set_width(&mut self, column: &str, width_px: f64) {
        let width_px = width_px.round().clamp(f64::from(NARROWEST_PX), f64::from(WIDEST_PX)) as u32;
        self.widths_px.insert(column.to_owned(), width_px);
    }

    /// Gives a column the width back that it has by itself.
    pub(crate) fn reset_width(&mut self, column: &str) {
        self.widths_px.remove(column);
    }

    pub(crate) fn is_untouched(&self) -> bool {
        *self == Shape::default()
    }

    /// The tracks of the grid, for columns as (id, own track).
    pub(crate) fn tracks<'a>(&self, columns: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let shown = columns.filter(|(id, _)| !self.is_hidden(id));
        let tracks: Vec<String> = shown
            .map(|(id, own)| self.widths_px.get(id).map_or_else(|| own.to_owned(), |px| format!("{px}px")))
            .collect();
        tracks.join(" ")
    }

    /// The width below which the columns would not fit any more.
    pub(crate) fn least_px<'a>(&self, columns: impl Iterator<Item = (&'a str, &'a str)>) -> u32 {
        let shown = columns.filter(|(id, _)| !self.is_hidden(id));
        shown.map(|(id, own)| self.widths_px.get(id).copied().unwrap_or_else(|| track_least_px(own))).sum()
    }

    /// The classes that leave out the cells of hidden columns, by their place in a row.
    pub(crate) fn classes<'a>(&self, columns: impl Iterator<Item = &'a str>) -> String {
        let places = columns.enumerate().filter(|(_, id)| self.is_hidden(id));
        places.map(|(at, _)| format!(" hide-{}", at + 1)).collect()
    }
}

/// The least width of a track: `98px`, `minmax(200px, 1fr)`.
fn track_least_px(track: &str) -> u32 {
    let least = track.strip_prefix("minmax(").and_then(|rest| rest.split(',').next()).unwrap_or(track);
    least.trim().strip_suffix("px").and_then(|px| px.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [(&str, &str); 3] = [("pid", "64px"), ("name", "minmax(110px, 1fr)"), ("user", "80px")];

    #[test]
    fn hidden_columns_leave_the_grid_and_dragged_ones_keep_their_width() {
        let mut shape = Shape::default();
        shape.toggle("pid");
        shape.set_width("user", 120.4);
        assert_eq!(shape.tracks(COLUMNS.into_iter()), "minmax(110px, 1fr) 120px");
        assert_eq!(shape.classes(COLUMNS.iter().map(|(id, _)| *id)), " hide-1");
        assert_eq!(shape.least_px(COLUMNS.into_iter()), 110 + 120);
        shape.reset_width("user");
        shape.toggle("pid");
        assert!(shape.is_untouched());
        assert_eq!(shape.least_px(COLUMNS.into_iter()), 64 + 110 + 80);
    }

    #[test]
    fn a_width_has_its_limits_and_survives_being_remembered() {
        let mut shape = Shape::default();
        shape.set_width("name", -20.0);
        shape.set_width("user", 1e9);
        assert_eq!(shape.tracks(COLUMNS.into_iter()), "64px 36px 1600px");
        assert_eq!(Shape::parse_line(&shape.to_line()), shape);
        let long = format!(r#"{{"hidden":["{}"]}}"#, "x".repeat(LONGEST_LINE_BYTES));
        for line in ["nonsense", "[[[[", r#"{"hidden":{"a":1}}"#, r#"{"widths_px":{"a":-1}}"#, &long] {
            assert_eq!(Shape::parse_line(line), Shape::default());
        }
        assert_eq!(Shape::parse_line(r#"{"widths_px":{"user":5}}"#), Shape::default());
    }
}
