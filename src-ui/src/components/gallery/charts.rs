//! The time chart in every state, for the gallery: made-up samples, nothing that was measured.

use leptos::prelude::*;

use crate::components::time_chart::{
    BYTES_PER_SECOND, CURVES, ChartLane, Curve, History, LaneWords, PERCENT, Scale, Threshold, TimeChart,
    Timed, Unit, Values,
};
use crate::state::use_app;
use crate::text::I18n;

const LANES: usize = 4;
/// The curves of all lanes.
const SERIES: usize = LANES * CURVES;
const STEP_MS: i64 = 1_000;
/// Ten minutes.
const COUNT: i64 = 600;

/// A sample of the gallery: each number is a share from 0 to 1.
#[derive(Clone, PartialEq)]
struct Made {
    at_ms: i64,
    shares: [f64; SERIES],
    /// No lane has a value.
    is_silent: bool,
}

impl Timed for Made {
    fn at_ms(&self) -> i64 {
        self.at_ms
    }
}

/// A pseudo-random walk: the same seed gives the same samples.
#[derive(Clone)]
struct Walk {
    seed: u64,
    shares: [f64; SERIES],
}

impl Walk {
    fn new(seed: u64) -> Self {
        Self { seed, shares: std::array::from_fn(|at| 0.15 + 0.7 * at as f64 / SERIES as f64) }
    }

    fn step(&mut self, at_ms: i64) -> Made {
        for share in &mut self.shares {
            // The constants of Knuth's MMIX.
            self.seed =
                self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let push = (self.seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
            *share = (*share + 0.06 * push).clamp(0.0, 1.0);
        }
        Made { at_ms, shares: self.shares, is_silent: false }
    }

    /// Ten minutes up to a moment, without those of which `is_left_out` says so by their place.
    fn ten_minutes(&mut self, edge_ms: i64, is_left_out: impl Fn(i64) -> bool) -> History<Made> {
        let all: Vec<Made> = (0..=COUNT).map(|at| self.step(edge_ms - (COUNT - at) * STEP_MS)).collect();
        History::of(all.into_iter().zip(0..).filter(|(_, at)| !is_left_out(*at)).map(|(made, _)| made))
    }
}

fn lane(made: &Made, lane: usize, whole: f64) -> Values {
    std::array::from_fn(|at| (!made.is_silent).then(|| made.shares[lane * CURVES + at] * whole))
}

fn most(values: Values) -> Option<f64> {
    values.into_iter().flatten().reduce(f64::max)
}

fn layers(made: &Made) -> Values {
    let mut top = 0.0;
    lane(made, 0, 100.0 / CURVES as f64).map(|layer| {
        top += layer?;
        Some(top)
    })
}

static DRAWN: [ChartLane<Made>; LANES] = [
    ChartLane {
        id: "layers",
        units: PERCENT,
        beside: None,
        scale: Scale::Fixed(100.0),
        is_stacked: true,
        curves: &[
            Curve::new("--d1", 0.36, 0.30),
            Curve::new("--d2", 0.36, 0.30),
            Curve::new("--d3", 0.30, 0.26),
            Curve::new("--d4", 0.30, 0.26),
            Curve::new("--d5", 0.26, 0.20),
        ],
        thresholds: THRESHOLDS,
        value: |made| most(layers(made)),
        values: layers,
    },
    ChartLane {
        id: "mirrored",
        units: BYTES_PER_SECOND,
        beside: None,
        scale: Scale::Round { least: 1_024.0, most: f64::INFINITY },
        is_stacked: false,
        curves: &[
            Curve::new("--d1", 0.30, 0.24),
            Curve::new("--d2", 0.30, 0.24).down(),
            Curve::new("--d3", 0.26, 0.20),
            Curve::new("--d4", 0.26, 0.20).down(),
            Curve::new("--d5", 0.26, 0.20),
        ],
        thresholds: &[],
        value: |made| most(lane(made, 1, 140.0 * 1_048_576.0)),
        values: |made| lane(made, 1, 140.0 * 1_048_576.0),
    },
    ChartLane {
        id: "lines",
        units: &[Unit { name: "ops/s", holds: 1.0 }],
        beside: None,
        scale: Scale::Round { least: 1.0, most: f64::INFINITY },
        is_stacked: false,
        curves: LINES,
        thresholds: &[],
        value: |made| most(lane(made, 2, 30.0)),
        values: |made| lane(made, 2, 30.0),
    },
    ChartLane {
        id: "shares",
        units: PERCENT,
        beside: None,
        scale: Scale::Fixed(100.0),
        is_stacked: false,
        curves: LINES,
        thresholds: THRESHOLDS,
        value: |made| most(lane(made, 3, 100.0)),
        values: |made| lane(made, 3, 100.0),
    },
];

const LINES: &[Curve] = &[
    Curve::new("--d1", 0.12, 0.10),
    Curve::new("--d2", 0.12, 0.10),
    Curve::new("--d3", 0.12, 0.10),
    Curve::new("--d4", 0.12, 0.10),
    Curve::new("--d5", 0.12, 0.10),
];

const THRESHOLDS: &[Threshold] = &[
    Threshold { at: 70.0, color: "--warn-fill", ink: Some("--warn") },
    Threshold { at: 85.0, color: "--crit", ink: None },
];

fn words(_: I18n, lane: usize) -> LaneWords {
    LaneWords {
        name: ["Layers", "Mirrored", "Lines", "Shares"][lane],
        curves: vec!["one", "two", "three", "four", "five"],
        note: (lane == 2).then_some("worst"),
        silent: "Nothing says this.",
    }
}

#[component]
pub(super) fn GalleryCharts() -> impl IntoView {
    let app = use_app();
    let now_ms = app.now_ms.get_untracked();
    let mut walk = Walk::new(20);
    let live = RwSignal::new(walk.ten_minutes(now_ms, |_| false));
    let walk = StoredValue::new(walk);
    Effect::new(move |_| {
        let at_ms = app.now_ms.get();
        if let Some(made) = walk.try_update_value(|walk| walk.step(at_ms)) {
            live.update(|live| live.push(made));
        }
    });
    // It stays where it is when the clock goes on: it ended before the window.
    let ended_ms = now_ms - 2 * COUNT * STEP_MS;
    let gap = Walk::new(3).ten_minutes(ended_ms, |at| (300..480).contains(&at));
    let stale = Walk::new(4).ten_minutes(ended_ms, |_| false);
    let silent = Walk::new(5).ten_minutes(ended_ms, |_| false);
    let silent = History::of(silent.iter().map(|made| Made { is_silent: true, ..made.clone() }));
    let label = Signal::stored("Made-up samples".to_owned());
    let small = [
        ("gap", &DRAWN[..2], gap, false),
        ("stale", &DRAWN[..2], stale, true),
        ("empty", &DRAWN[..2], History::default(), false),
        ("silent", &DRAWN[..2], silent, false),
    ];
    let small = small
        .map(|(testid, lanes, history, stale)| {
            let history = RwSignal::new(history);
            let stale = Signal::stored(stale);
            view! {
                <div class="gallery-chart">
                    <TimeChart lanes words history stale label testid=testid />
                </div>
            }
        })
        .into_iter()
        .collect_view();
    view! {
        <main class="page gallery gallery-charts" data-testid="gallery-charts" data-ready="true">
            <h2>"Time chart: 20 series of ten minutes, each second one more (made-up samples)"</h2>
            <div class="gallery-chart is-large">
                <TimeChart
                    lanes=&DRAWN
                    words
                    history=live
                    stale=Signal::stored(false)
                    label
                    hint=Signal::stored("A click picks a moment.".to_owned())
                    testid="gallery"
                />
            </div>
            <h2>"With a gap, stale, waiting, and without values"</h2>
            {small}
        </main>
    }
}
