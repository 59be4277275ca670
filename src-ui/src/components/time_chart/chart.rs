//! The component: a label for each lane, the curves behind one time axis, one cursor through all of them.

use std::time::Duration;

use leptos::html::{Canvas, Div};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::cursor::{draw_cursor, draw_times};
use super::draw::{GapWords, draw_curves};
use super::history::{Gap, History, Timed};
use super::lane::{CURVES, ChartLane, Tops, Unit};
use super::scale::TimeAxis;
use super::sheet::{Inks, Picture, RULER, plot_width};
use crate::format::{self, NOT_KNOWN};
use crate::state::{now_ms, use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

/// The words of a lane in the language of the window.
pub(crate) struct LaneWords {
    pub(crate) name: &'static str,
    /// Of its curves, in their order.
    pub(crate) curves: Vec<&'static str>,
    /// Small, behind the unit.
    pub(crate) note: Option<&'static str>,
    /// In place of the legend, where samples come and none has a value for this lane.
    pub(crate) silent: &'static str,
}

/// What stays from one drawing to the next.
#[derive(Default)]
struct Standing {
    scales: Tops,
    /// Top of each lane's axis.
    tops: Vec<f64>,
    inks: Inks,
    /// The times that are written on the ruler.
    times: Option<Vec<i64>>,
}

/// What the lane under the pointer says beside the cursor.
#[derive(Clone, Debug, PartialEq)]
struct Tip {
    /// Place of the lane.
    index: usize,
    x: f64,
    is_left: bool,
    /// What each curve adds that has a value.
    numbers: [Option<String>; CURVES],
}

/// Numbers that change sooner cannot be read.
const READABLE: Duration = Duration::from_millis(100);

/// Words of the lane at this place.
pub(crate) type WordsOf = fn(I18n, usize) -> LaneWords;

/// Writes a value of a lane, without its unit.
fn number(unit: &Unit, value: Option<f64>) -> String {
    value.map_or_else(|| NOT_KNOWN.to_owned(), |value| unit.number(value))
}

/// The last ten minutes of `lanes`.
#[component]
pub(crate) fn TimeChart<S>(
    lanes: &'static [ChartLane<S>],
    words: WordsOf,
    history: RwSignal<History<S>>,
    /// What is shown is not from now.
    #[prop(into)]
    stale: Signal<bool>,
    /// What it is and which keys it has, for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    /// What a click does, in words.
    #[prop(optional, into)]
    hint: Option<Signal<String>>,
    /// A sample was clicked, in the lane at this place.
    #[prop(optional_no_strip)]
    on_pick: Option<Callback<(usize, S)>>,
    /// When the sample is from that was clicked last, as long as what came of it is shown.
    #[prop(optional, into)]
    picked_ms: Signal<Option<i64>>,
    /// It is to be shown no more.
    #[prop(optional_no_strip)]
    on_unpick: Option<Callback<()>>,
    /// What test ids begin with.
    testid: &'static str,
) -> impl IntoView
where
    S: Timed + Clone + PartialEq + Send + Sync + 'static,
{
    let i18n = use_i18n();
    let app = use_app();
    let curves = NodeRef::<Canvas>::new();
    let times = NodeRef::<Canvas>::new();
    let line = NodeRef::<Canvas>::new();
    let chip = NodeRef::<Canvas>::new();
    let plot = NodeRef::<Div>::new();
    let size = RwSignal::new((0i32, 0i32));
    let cursor_ms = RwSignal::new(None::<i64>);
    // Place of the lane that the pointer is in, or that was chosen by keys.
    let pointed = RwSignal::new(None::<usize>);
    let is_by_keys = RwSignal::new(false);
    follow_size(curves, size);

    let edge_ms = Memo::new(move |_| history.with(|history| history.edge_ms(app.now_ms.get())));
    let axis = move || {
        let width = plot_width(f64::from(size.get().0));
        TimeAxis { edge_ms: edge_ms.get(), width }
    };
    let occurs = Memo::new(move |_| {
        history.with(|history| lanes.iter().map(|lane| lane.occurring(history)).collect::<Vec<_>>())
    });

    // What is to be drawn in the next frame: nothing, the cursor, or with true the curves too. However
    // many signals change until then, it is drawn once.
    let due = StoredValue::new(None::<bool>);
    let standing = StoredValue::new(Standing::default());
    // The numbers of a lane are written in the unit of its axis.
    let tops = RwSignal::new(Vec::<f64>::new());
    let unit = move |index: usize| {
        let top = tops.with(|tops| tops.get(index).copied().unwrap_or_default());
        lanes.get(index).map(|lane| lane.unit(top))
    };
    let draw = move |is_all: bool| -> Option<()> {
        let (below, ruler) = (curves.try_get_untracked()??, times.try_get_untracked()??);
        let (line, chip) = (line.try_get_untracked()??, chip.try_get_untracked()??);
        let (width, height) = size.try_get_untracked()?;
        let ratio = window().device_pixel_ratio().max(1.0);
        let edge_ms = edge_ms.try_get_untracked()?;
        let occurs = occurs.try_get_untracked()?;
        let cursor_ms = cursor_ms.try_get_untracked()?;
        let picked_ms = picked_ms.try_get_untracked()?;
        let drawn = history.try_with_untracked(|history| {
            standing.try_update_value(|standing| {
                if is_all {
                    standing.inks = Inks::read(&below, lanes);
                    standing.tops = standing.scales.follow(lanes, history, now_ms());
                    if tops.try_with_untracked(|before| *before != standing.tops) == Some(true) {
                        tops.try_set(standing.tops.clone());
                    }
                    standing.times = None;
                }
                let picture = Picture {
                    lanes,
                    history,
                    edge_ms,
                    tops: &standing.tops,
                    occurs: &occurs,
                    inks: &standing.inks,
                    zone_min: zone_min(edge_ms),
                    width: f64::from(width),
                    height: f64::from(height),
                    ratio,
                };
                if is_all {
                    let (is_dark, tongue) = untrack(|| (app.is_dark(), lang(i18n)));
                    let length =
                        |gap: Gap| format::duration(u64::try_from(gap.length_s()).unwrap_or(0), tongue);
                    let no_data = untrack(|| t_string!(i18n, charts.no_data));
                    let gap_words = GapWords { no_data, length: &length };
                    draw_curves(&below, &picture, picked_ms, is_dark, &gap_words)?;
                }
                draw_times(&ruler, &picture, cursor_ms, &mut standing.times)?;
                draw_cursor(&line, &chip, &picture, cursor_ms)
            })
        });
        if let Some(Err(why)) = drawn? {
            leptos::logging::warn!("the chart cannot be drawn: {why:?}");
        }
        Some(())
    };
    let ask = move |is_all: bool| {
        let before = due.try_update_value(|due| due.replace(is_all || *due == Some(true)));
        if before == Some(None) {
            // The theme is set on the page by another effect of the same change: draw after it.
            request_animation_frame(move || {
                if let Some(Some(is_all)) = due.try_update_value(Option::take) {
                    draw(is_all);
                }
            });
        }
    };
    Effect::new(move |_| {
        curves.track();
        history.track();
        edge_ms.track();
        picked_ms.track();
        size.track();
        let _ = (app.is_dark(), lang(i18n));
        ask(true);
    });
    Effect::new(move |_| {
        cursor_ms.track();
        ask(false);
    });

    // Where the plot is on the page, until the next frame: to ask again between two moves of the pointer has
    // the page laid out for what the first of them changed.
    let place = StoredValue::new_local(None::<web_sys::DomRect>);
    let point = move |event: leptos::ev::PointerEvent| {
        let Some(plot) = plot.get_untracked() else { return };
        let frame = place.get_value().unwrap_or_else(|| {
            let frame = plot.get_bounding_client_rect();
            place.set_value(Some(frame.clone()));
            request_animation_frame(move || drop(place.try_set_value(None)));
            frame
        });
        let (x, y) = (f64::from(event.client_x()) - frame.left(), f64::from(event.client_y()) - frame.top());
        let axis = untrack(axis);
        if x > axis.width {
            set_if_other(cursor_ms, None);
            return;
        }
        // On a sample, so that a move to the same one is none; where there is none it goes with the pointer.
        let at_ms = axis.at_ms(x.max(0.0));
        let near_ms = history.with_untracked(|history| history.nearest(at_ms).map(Timed::at_ms));
        set_if_other(cursor_ms, Some(near_ms.unwrap_or(at_ms)));
        let lane_height = (frame.height() - RULER) / lanes.len() as f64;
        let index = ((y - RULER) / lane_height).floor();
        let index = (index >= 0.0).then_some(index as usize).filter(|index| *index < lanes.len());
        set_if_other(pointed, index);
        set_if_other(is_by_keys, false);
    };
    let pick = move || {
        let at_ms = cursor_ms.get_untracked();
        let sample =
            at_ms.and_then(|at_ms| history.with_untracked(|history| history.nearest(at_ms).cloned()));
        if let (Some(sample), Some(on_pick)) = (sample, on_pick) {
            on_pick.run((pointed.get_untracked().unwrap_or_default(), sample));
        }
    };
    let leave = move || {
        cursor_ms.set(None);
        pointed.set(None);
    };
    // The cursor goes to a sample, into the lane that it was in, or at first into the uppermost.
    let step_to = move |steps: i64| {
        history.with_untracked(|history| {
            let from_ms = cursor_ms.get_untracked().unwrap_or_else(|| edge_ms.get_untracked());
            if let Some(sample) = history.moved(from_ms, steps) {
                set_if_other(cursor_ms, Some(sample.at_ms()));
            }
        });
        set_if_other(is_by_keys, true);
        set_if_other(pointed, Some(pointed.get_untracked().unwrap_or_default()));
    };
    let choose_lane = move |is_down: bool| {
        let before = pointed.get_untracked();
        // The first press shows where the keyboard is.
        step_to(0);
        if let Some(before) = before {
            let below = (before + 1).min(lanes.len().saturating_sub(1));
            set_if_other(pointed, Some(if is_down { below } else { before.saturating_sub(1) }));
        }
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let page = 15;
        match event.key().as_str() {
            "ArrowLeft" => step_to(-1),
            "ArrowRight" => step_to(1),
            "ArrowUp" => choose_lane(false),
            "ArrowDown" => choose_lane(true),
            "PageUp" => step_to(-page),
            "PageDown" => step_to(page),
            "Home" => step_to(i64::MIN / 2),
            "End" => step_to(i64::MAX / 2),
            "Enter" => pick(),
            "Escape" => match on_unpick.filter(|_| picked_ms.with_untracked(Option::is_some)) {
                Some(unpick) => {
                    event.stop_propagation();
                    unpick.run(());
                }
                None if cursor_ms.with_untracked(Option::is_some) => {
                    event.stop_propagation();
                    leave();
                }
                None => return,
            },
            _ => return,
        }
        event.prevent_default();
    };

    let at_cursor = Memo::new(move |_| {
        let at_ms = cursor_ms.get()?;
        Some(history.with(|history| history.nearest(at_ms).cloned()))
    });
    let told = now_and_then(at_cursor);
    // Its parts stand from the first on, and only their words are written anew.
    let tip = Memo::new(move |_| {
        let (index, sample) = (pointed.get()?, at_cursor.get()??);
        let (lane, occurs) = (lanes.get(index)?, *occurs.get().get(index)?);
        let values = (lane.values)(&sample);
        let unit = unit(index)?;
        let number =
            |at: usize| lane.added(&values, at).filter(|_| occurs[at]).map(|value| unit.number(value));
        let (x, middle) = (axis().x(sample.at_ms()), axis().width / 2.0);
        Some(Tip { index, x, is_left: x >= middle, numbers: std::array::from_fn(number) })
    });
    let tip_place = move || {
        tip.with(|tip| {
            let Tip { index, x, is_left, .. } = tip.as_ref()?;
            let lane_height = (f64::from(size.get().1) - RULER) / lanes.len() as f64;
            let y = RULER + *index as f64 * lane_height + 4.0;
            let (x, back) = if *is_left { (x - 8.0, " translateX(-100%)") } else { (x + 8.0, "") };
            Some(format!("translate({x:.0}px, {y:.0}px){back}"))
        })
    };
    let no_tip = Memo::new(move |_| tip.with(Option::is_none));
    let pointed_lane = Memo::new(move |_| tip.with(|tip| tip.as_ref().map(|tip| tip.index)));
    let tip_parts = (0..CURVES)
        .map(|at| {
            let number = move || tip.with(|tip| tip.as_ref().and_then(|tip| tip.numbers[at].clone()));
            let is_away = move || tip.with(|tip| tip.as_ref().is_none_or(|tip| tip.numbers[at].is_none()));
            let word =
                move || pointed_lane.get().and_then(|index| words(i18n, index).curves.get(at).copied());
            view! { <span class:is-away=is_away>{word} " " <b>{number}</b></span> }
        })
        .collect_view();
    let tip_unit = move || pointed_lane.get().and_then(|index| Some(unit(index)?.name));
    let said = move || {
        let sample = told.get()?;
        let at_ms = cursor_ms.get_untracked()?;
        let time = format::clock(at_ms, zone_min(at_ms));
        Some(match sample {
            None => t_string!(i18n, charts.no_data_at, time = time),
            Some(sample) => {
                let mut said = t_string!(i18n, charts.at_time, time = time);
                for (index, lane) in lanes.iter().enumerate() {
                    let value =
                        (lane.value)(&sample).map_or_else(|| NOT_KNOWN.to_owned(), |value| lane.say(value));
                    said.push_str(&format!(", {} {value}", words(i18n, index).name));
                }
                said
            }
        })
    };
    // Which lane the keys have come to: the pointer has no need of it.
    let lane_said = move || {
        let index = pointed.get().filter(|_| is_by_keys.get())?;
        Some(words(i18n, index).name)
    };
    let step = move || {
        format::duration(history.with(|h| u64::try_from(h.step_ms() / 1000).unwrap_or(0).max(1)), lang(i18n))
    };

    view! {
        <div
            class="charts"
            class:is-stale=stale
            style=("--lanes", lanes.len().to_string())
            data-testid=format!("{testid}-charts")
        >
            <div class="chart-ruler dim">
                {move || t_string!(i18n, charts.last_ten, step = step())}
            </div>
            {lanes
                .iter()
                .enumerate()
                .map(|(index, lane)| {
                    let occurs = Signal::derive(move || occurs.with(|all| all[index]));
                    let words = move || words(i18n, index);
                    let testid = format!("{testid}-lane-{}", lane.id);
                    let unit = Signal::derive(move || unit(index).unwrap_or(&lane.units[0]));
                    view! { <LaneLabel lane unit words history at_cursor=told.into() occurs testid /> }
                })
                .collect_view()}
            <div
                class="chart-plot"
                node_ref=plot
                tabindex="0"
                role="img"
                aria-label=move || label.get()
                data-testid=format!("{testid}-plot")
                on:pointermove=point
                on:pointerdown=point
                on:click=move |_| pick()
                title=move || hint.map(|hint| hint.get())
                data-picked=move || picked_ms.get().map(|at_ms| at_ms.to_string())
                on:pointerleave=move |_| leave()
                on:blur=move |_| leave()
                on:keydown=on_key
            >
                <div class="chart-layers">
                    <canvas node_ref=curves></canvas>
                    <canvas class="chart-times" node_ref=times></canvas>
                    <canvas class="chart-line" node_ref=line></canvas>
                    <canvas class="chart-chip" node_ref=chip></canvas>
                </div>
                <div class="chart-tip" class:is-away=no_tip style:transform=tip_place>
                    {tip_parts}
                    <span class="dim">{tip_unit}</span>
                </div>
                <Show when=move || history.with(History::is_empty)>
                    <p class="chart-none dim">
                        <span>
                            {move || match stale.get() {
                                true => t_string!(i18n, charts.waiting_none),
                                false => t_string!(i18n, charts.waiting),
                            }}
                        </span>
                    </p>
                </Show>
            </div>
            <div class="visually-hidden" aria-live="polite" data-testid=format!("{testid}-lane-said")>
                {lane_said}
            </div>
            <div class="visually-hidden" aria-live="polite">{said}</div>
        </div>
    }
}

/// Name, number and legend of a lane, at its left.
#[component]
fn LaneLabel<S, W>(
    lane: &'static ChartLane<S>,
    unit: Signal<&'static Unit>,
    words: W,
    history: RwSignal<History<S>>,
    /// Outer `None`: no cursor; inner `None`: the cursor stands where nothing is known.
    at_cursor: Signal<Option<Option<S>>>,
    occurs: Signal<[bool; CURVES]>,
    testid: String,
) -> impl IntoView
where
    S: Timed + Clone + PartialEq + Send + Sync + 'static,
    W: Fn() -> LaneWords + Copy + Send + Sync + 'static,
{
    let i18n = use_i18n();
    let now = Memo::new(move |_| history.with(|history| history.last().and_then(lane.value)));
    let peak = Memo::new(move |_| history.with(|history| lane.peak(history)));
    let number = move |value: Option<f64>| number(unit.get(), value);
    let large = move || match at_cursor.get() {
        Some(sample) => number(sample.and_then(|sample| (lane.value)(&sample))),
        None => number(now.get()),
    };
    let last = Memo::new(move |_| history.with(|history| history.last().cloned()));
    let beside = move || {
        let say = lane.beside?;
        match at_cursor.get() {
            Some(sample) => say(&sample?),
            None => last.with(|last| say(last.as_ref()?)),
        }
    };
    let has_cursor = Memo::new(move |_| at_cursor.with(Option::is_some));
    let small = move || match has_cursor.get() {
        true => t_string!(i18n, charts.now, value = number(now.get())),
        false => t_string!(i18n, charts.peak, value = number(peak.get())),
    };
    let is_silent =
        Memo::new(move |_| peak.get().is_none() && history.with(|history| history.iter().count() > 1));
    let legend = move || {
        if is_silent.get() {
            return words().silent.into_any();
        }
        let occurs = occurs.get();
        words()
            .curves
            .into_iter()
            .zip(lane.curves)
            .zip(occurs)
            .filter(|(_, occurs)| *occurs)
            .map(|((word, curve), _)| {
                let class = format!("swatch is-{}", curve.color.trim_start_matches("--"));
                view! { <span class="legend"><i class=class></i>{word}</span> }
            })
            .collect_view()
            .into_any()
    };
    view! {
        <div class="lane-label" data-testid=testid>
            <div class="lane-head">
                <span class="cut">{move || words().name}</span>
                <span class="lane-now">{small}</span>
            </div>
            <div class="lane-value">
                <b>{large}</b>
                " "
                <span>{move || unit.get().name}</span>
                {move || words().note.map(|note| view! { " "<small>{note}</small> })}
                {move || beside().map(|beside| view! { " "<small class="lane-beside">{beside}</small> })}
            </div>
            <div class="lane-legend">{legend}</div>
        </div>
    }
}

/// The same value, at once, and again no sooner than can be read: what is written at both ends of a chart with
/// each frame has all between them painted with each frame.
fn now_and_then<T: Clone + PartialEq + Send + Sync + 'static>(value: Memo<T>) -> RwSignal<T> {
    let told = RwSignal::new(value.get_untracked());
    let rest = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        value.track();
        if rest.with_value(Option::is_none) {
            tell(value, told, rest);
        }
    });
    on_cleanup(move || {
        if let Some(Some(handle)) = rest.try_update_value(Option::take) {
            handle.clear();
        }
    });
    told
}

/// Tells a value, unless it is told already, and the next one after a rest.
fn tell<T: Clone + PartialEq + Send + Sync + 'static>(
    value: Memo<T>,
    told: RwSignal<T>,
    rest: StoredValue<Option<TimeoutHandle>>,
) {
    let (Some(now), Some(before)) = (value.try_get_untracked(), told.try_get_untracked()) else { return };
    if now != before {
        told.set(now);
        let again = move || {
            if rest.try_update_value(Option::take).is_some() {
                tell(value, told, rest);
            }
        };
        rest.set_value(set_timeout_with_handle(again, READABLE).ok());
    }
}

/// Sets a signal, unless it has the value already: what follows it has nothing to do then.
fn set_if_other<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|before| *before != value) {
        signal.set(value);
    }
}

/// Keeps `size` at the canvas's size in CSS pixels.
fn follow_size(canvas: NodeRef<Canvas>, size: RwSignal<(i32, i32)>) {
    let watched = StoredValue::new_local(None);
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let measured = canvas.clone();
        let on_resize = Closure::<dyn FnMut()>::new(move || {
            size.try_set((measured.client_width(), measured.client_height()));
        });
        let Ok(observer) = web_sys::ResizeObserver::new(on_resize.as_ref().unchecked_ref()) else {
            // Without an observer the size is that of the first drawing.
            size.set((canvas.client_width(), canvas.client_height()));
            return;
        };
        observer.observe(&canvas);
        watched.set_value(Some((observer, on_resize)));
    });
    on_cleanup(move || {
        if let Some(Some((observer, _))) = watched.try_update_value(Option::take) {
            observer.disconnect();
        }
    });
}
