//! Which rows of a long list are drawn: those on screen and a few beyond, never all.

use std::ops::Range;

/// Rows drawn above and below the visible ones, so that a fast scroll shows no gap.
const MARGIN: usize = 8;

/// The rows to draw for a scroll position. All measures are in pixels.
pub(crate) fn visible(count: usize, row_px: f64, top_px: f64, height_px: f64) -> Range<usize> {
    if count == 0 || row_px <= 0.0 {
        return 0..0;
    }
    let first = (top_px.max(0.0) / row_px).floor() as usize;
    let shown = (height_px.max(0.0) / row_px).ceil() as usize + 1;
    let first = first.min(count.saturating_sub(shown));
    first.saturating_sub(MARGIN)..(first + shown + MARGIN).min(count)
}

/// The scroll position that brings a row into view with the least movement.
pub(crate) fn reveal(at: usize, row_px: f64, top_px: f64, height_px: f64) -> f64 {
    let (start, end) = (at as f64 * row_px, (at + 1) as f64 * row_px);
    if start < top_px {
        start
    } else if end > top_px + height_px {
        end - height_px
    } else {
        top_px
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_draws_a_screenful() {
        let rows = visible(20_000, 24.0, 24.0 * 5_000.0, 600.0);
        assert!(rows.contains(&5_000) && rows.contains(&5_025));
        assert!(rows.len() < 50, "{} rows for one screen", rows.len());
    }

    #[test]
    fn a_list_that_became_shorter_still_shows_its_end() {
        assert_eq!(visible(10, 24.0, 9_000.0, 480.0), 0..10);
        assert_eq!(visible(0, 24.0, 0.0, 480.0), 0..0);
    }

    #[test]
    fn the_view_moves_only_as_far_as_it_must() {
        assert_eq!(reveal(3, 20.0, 0.0, 100.0), 0.0);
        assert_eq!(reveal(5, 20.0, 0.0, 100.0), 20.0);
        assert_eq!(reveal(1, 20.0, 60.0, 100.0), 20.0);
    }
}
