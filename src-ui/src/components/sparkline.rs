//! A small line of the last values, 64x15, with its newest one as a dot. What is missing is a gap.

/// Width and height of the drawing.
const SIZE: (f64, f64) = (64.0, 15.0);
/// Room for the line's own width and the dot.
const EDGE: f64 = 2.0;

/// The line as the path of an SVG, and where its last point is, if the last value is known. The scale
/// goes from zero to the greatest value, or to `least` if all are smaller.
pub(crate) fn path(values: &[Option<f64>], places: usize, least: f64) -> (String, Option<(f64, f64)>) {
    let known = values.iter().flatten().copied().filter(|value| value.is_finite());
    let top = known.fold(least, f64::max).max(f64::MIN_POSITIVE);
    let step = (SIZE.0 - 2.0 * EDGE) / (places.max(2) - 1) as f64;
    let first = SIZE.0 - EDGE - step * values.len().saturating_sub(1) as f64;
    let point = |at: usize, value: f64| {
        let share = (value / top).clamp(0.0, 1.0);
        (first + step * at as f64, SIZE.1 - EDGE - share * (SIZE.1 - 2.0 * EDGE))
    };
    let (mut line, mut pen_down, mut last) = (String::new(), false, None);
    for (at, value) in values.iter().enumerate() {
        last = value.filter(|value| value.is_finite()).map(|value| point(at, value));
        match last {
            Some((x, y)) => {
                line.push_str(&format!("{}{x:.1} {y:.1}", if pen_down { "L" } else { "M" }));
                pen_down = true;
            }
            None => pen_down = false,
        }
    }
    (line, last)
}

#[cfg(target_arch = "wasm32")]
mod drawn {
    use leptos::prelude::*;

    /// The line itself; the number beside it says what it is, so it has only a name.
    #[component]
    pub(crate) fn Sparkline(
        #[prop(into)] values: Signal<Vec<Option<f64>>>,
        /// Values that fit from edge to edge.
        #[prop(default = 40)]
        places: usize,
        /// The scale is never smaller.
        #[prop(default = 1.0)]
        least: f64,
        #[prop(into)] label: Signal<String>,
    ) -> impl IntoView {
        let drawn = Memo::new(move |_| values.with(|values| super::path(values, places, least)));
        view! {
            <svg class="sparkline" viewBox="0 0 64 15" width="64" height="15" role="img" aria-label=move || label.get()>
                <path class="sparkline-line" d=move || drawn.with(|(line, _)| line.clone()) />
                {move || {
                    drawn
                        .with(|(_, last)| *last)
                        .map(|(x, y)| view! { <circle class="sparkline-dot" cx=format!("{x:.1}") cy=format!("{y:.1}") r="1.8" /> })
                }}
            </svg>
        }
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) use drawn::*;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_at_the_right_and_a_gap_stays_a_gap() {
        let (line, last) = path(&[Some(0.0), None, Some(10.0), Some(5.0)], 4, 1.0);
        assert_eq!(line, "M2.0 13.0M42.0 2.0L62.0 7.5");
        assert_eq!(last, Some((62.0, 7.5)));
        assert_eq!(path(&[Some(1.0), None], 4, 1.0).1, None, "a dot would say that the last one is known");
    }

    #[test]
    fn few_values_begin_in_the_middle_and_odd_ones_are_gaps() {
        assert_eq!(path(&[Some(1.0)], 4, 1.0).0, "M62.0 2.0");
        assert_eq!(path(&[Some(f64::NAN), Some(f64::INFINITY)], 4, 1.0), (String::new(), None));
        assert_eq!(path(&[], 0, 0.0), (String::new(), None));
        assert_eq!(path(&[Some(0.0)], 2, 0.0).0, "M62.0 13.0", "nothing at all is a flat line");
    }
}
