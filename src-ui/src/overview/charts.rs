//! The five lanes: a label each, one canvas behind one time axis, one cursor through all of them.

use leptos::html::{Canvas, Div};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::draw::{self, Picture, RULER};
use super::lanes::{Lane, Scales, lane_number};
use protocol::metrics::Sample;

use super::samples::Samples;
use super::scale::TimeAxis;
use super::spike::Moment;
use crate::format::{self, NOT_KNOWN};
use crate::state::{now_ms, use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

/// Words of the curves of a lane, in the order of their paints.
fn curve_words(i18n: I18n, lane: Lane) -> Vec<&'static str> {
    match lane {
        Lane::Cpu => vec!["us", "sy", "ni", "wa", "hi si st"],
        Lane::Memory => vec![t_string!(i18n, overview.used), t_string!(i18n, overview.cache)],
        Lane::Disk => vec![t_string!(i18n, overview.read), t_string!(i18n, overview.write)],
        Lane::Network => vec![t_string!(i18n, overview.received), t_string!(i18n, overview.sent)],
        Lane::Pressure => vec!["cpu", "io", "mem"],
    }
}

pub(super) fn lane_name(i18n: I18n, lane: Lane) -> &'static str {
    match lane {
        Lane::Cpu => t_string!(i18n, overview.lane_cpu),
        Lane::Memory => t_string!(i18n, overview.lane_memory),
        Lane::Disk => t_string!(i18n, overview.lane_disk),
        Lane::Network => t_string!(i18n, overview.lane_network),
        Lane::Pressure => t_string!(i18n, overview.lane_pressure),
    }
}

pub(super) fn unit(lane: Lane) -> &'static str {
    match lane {
        Lane::Cpu | Lane::Memory | Lane::Pressure => "%",
        Lane::Disk => "MB/s",
        Lane::Network => "Mb/s",
    }
}

/// What each curve adds at a sample, with its word: `us 71.2`, `sy 12.4`.
fn parts(i18n: I18n, lane: Lane, sample: &Sample, occurs: [bool; 5]) -> Vec<(String, String)> {
    let curves = lane.curves(sample);
    let mut below = 0.0;
    let mut parts = Vec::new();
    for (curve, word) in curve_words(i18n, lane).into_iter().enumerate() {
        let Some(top) = curves[curve] else { continue };
        let own = if lane.is_stacked() { top - below } else { top };
        below = top;
        if occurs[curve] {
            parts.push((word.to_owned(), lane_number(own)));
        }
    }
    parts
}

#[component]
pub(crate) fn Charts(
    samples: RwSignal<Samples>,
    /// What is shown is not from now.
    stale: Signal<bool>,
    /// The moment that was clicked.
    picked: RwSignal<Option<Moment>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let app = use_app();
    let canvas = NodeRef::<Canvas>::new();
    let plot = NodeRef::<Div>::new();
    let size = RwSignal::new((0i32, 0i32));
    let cursor_ms = RwSignal::new(None::<i64>);
    let pointed = RwSignal::new(None::<Lane>);
    let scales = StoredValue::new(Scales::default());
    follow_size(canvas, size);

    let edge_ms = Memo::new(move |_| samples.with(|samples| samples.edge_ms(app.now_ms.get())));
    let axis = move || {
        let width = draw::plot_width(f64::from(size.get().0));
        TimeAxis { edge_ms: edge_ms.get(), width }
    };
    let occurs = Memo::new(move |_| samples.with(|samples| Lane::ALL.map(|lane| lane.occurring(samples))));

    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let (is_dark, cursor_ms, edge_ms, _) = (app.is_dark(), cursor_ms.get(), edge_ms.get(), size.get());
        let tongue = lang(i18n);
        let no_data = t_string!(i18n, overview.no_data);
        // The theme is set on the page by another effect of the same change: draw after it.
        request_animation_frame(move || {
            let _ = samples.try_with_untracked(|samples| {
                let lengths: Vec<String> = samples
                    .gaps(edge_ms)
                    .into_iter()
                    .map(|gap| format::duration(u64::try_from(gap.length_s()).unwrap_or(0), tongue))
                    .collect();
                let tops =
                    scales.try_update_value(|scales| scales.follow(samples, now_ms())).unwrap_or([100.0; 5]);
                let picture = Picture {
                    samples,
                    edge_ms,
                    tops,
                    cursor_ms,
                    zone_min: zone_min(edge_ms),
                    no_data,
                    gap_lengths: &lengths,
                    is_dark,
                };
                if let Err(why) = draw::draw(&canvas, &picture) {
                    leptos::logging::warn!("the charts cannot be drawn: {why:?}");
                }
            });
        });
        samples.track();
    });

    let point = move |event: leptos::ev::PointerEvent| {
        let Some(plot) = plot.get_untracked() else { return };
        let frame = plot.get_bounding_client_rect();
        let (x, y) = (f64::from(event.client_x()) - frame.left(), f64::from(event.client_y()) - frame.top());
        let axis = untrack(axis);
        if x > axis.width {
            cursor_ms.set(None);
            return;
        }
        cursor_ms.set(Some(axis.at_ms(x.max(0.0))));
        let lane_height = (frame.height() - RULER) / Lane::ALL.len() as f64;
        let index = ((y - RULER) / lane_height).floor();
        pointed.set((index >= 0.0).then(|| Lane::ALL.get(index as usize).copied()).flatten());
    };
    let pick = move || {
        let at_ms = cursor_ms.get_untracked();
        let sample =
            at_ms.and_then(|at_ms| samples.with_untracked(|samples| samples.nearest(at_ms).copied()));
        if let Some(sample) = sample {
            let lane = pointed.get_untracked().unwrap_or(Lane::Cpu);
            picked.set(Some(Moment { lane, sample }));
        }
    };
    let leave = move || {
        cursor_ms.set(None);
        pointed.set(None);
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let page = 15;
        let steps = match event.key().as_str() {
            "ArrowLeft" => -1,
            "ArrowRight" => 1,
            "PageUp" => -page,
            "PageDown" => page,
            "Home" => i64::MIN / 2,
            "End" => i64::MAX / 2,
            "Enter" => {
                event.prevent_default();
                pick();
                return;
            }
            "Escape" if cursor_ms.get_untracked().is_some() => {
                event.stop_propagation();
                leave();
                return;
            }
            _ => return,
        };
        event.prevent_default();
        samples.with_untracked(|samples| {
            let from_ms = cursor_ms.get_untracked().unwrap_or_else(|| edge_ms.get_untracked());
            if let Some(sample) = samples.moved(from_ms, steps) {
                cursor_ms.set(Some(sample.at_ms));
            }
        });
    };

    let at_cursor = Memo::new(move |_| {
        let at_ms = cursor_ms.get()?;
        Some(samples.with(|samples| samples.nearest(at_ms).copied()))
    });
    let tip = move || {
        let (lane, sample) = (pointed.get()?, at_cursor.get()??);
        let index = Lane::ALL.iter().position(|other| *other == lane)?;
        let parts = parts(i18n, lane, &sample, occurs.get()[index]);
        let x = axis().x(sample.at_ms);
        let is_right = x < axis().width / 2.0;
        let lane_height = (f64::from(size.get().1) - RULER) / Lane::ALL.len() as f64;
        Some(view! {
            <div
                class="chart-tip"
                class:is-left=!is_right
                style:left=format!("{x:.0}px")
                style:top=format!("{:.0}px", RULER + index as f64 * lane_height + 4.0)
            >
                {parts
                    .into_iter()
                    .map(|(word, number)| view! { <span>{word} " " <b>{number}</b></span> })
                    .collect_view()}
                <span class="dim">{unit(lane)}</span>
            </div>
        })
    };
    let said = move || {
        let at_ms = cursor_ms.get()?;
        let time = format::clock(at_ms, zone_min(at_ms));
        Some(match at_cursor.get()? {
            None => t_string!(i18n, overview.no_data_at, time = time),
            Some(sample) => {
                let mut words = t_string!(i18n, overview.at_time, time = time);
                for lane in Lane::ALL {
                    let value = lane.value(&sample).map_or_else(|| NOT_KNOWN.to_owned(), lane_number);
                    words.push_str(&format!(", {} {value} {}", lane_name(i18n, lane), unit(lane)));
                }
                words
            }
        })
    };
    let step = move || {
        format::duration(samples.with(|s| u64::try_from(s.step_ms() / 1000).unwrap_or(0).max(1)), lang(i18n))
    };

    view! {
        <div class="charts" class:is-stale=stale data-testid="overview-charts">
            <div class="chart-ruler dim">
                {move || t_string!(i18n, overview.last_ten, step = step())}
            </div>
            {Lane::ALL
                .into_iter()
                .enumerate()
                .map(|(index, lane)| {
                    let occurs = Signal::derive(move || occurs.get()[index]);
                    view! { <LaneLabel lane samples at_cursor=at_cursor.into() occurs/> }
                })
                .collect_view()}
            <div
                class="chart-plot"
                node_ref=plot
                tabindex="0"
                role="img"
                aria-label=move || t_string!(i18n, overview.charts)
                data-testid="overview-plot"
                on:pointermove=point
                on:pointerdown=point
                on:click=move |_| pick()
                title=move || t_string!(i18n, overview.pick)
                on:pointerleave=move |_| leave()
                on:blur=move |_| leave()
                on:keydown=on_key
            >
                <canvas node_ref=canvas></canvas>
                {tip}
                <Show when=move || samples.with(Samples::is_empty)>
                    <p class="chart-none dim">
                        {move || match stale.get() {
                            true => t_string!(i18n, overview.waiting_none),
                            false => t_string!(i18n, overview.waiting),
                        }}
                    </p>
                </Show>
            </div>
            <div class="visually-hidden" aria-live="polite">{said}</div>
        </div>
    }
}

/// Name, number and legend of a lane, at its left.
#[component]
fn LaneLabel(
    lane: Lane,
    samples: RwSignal<Samples>,
    /// Outer `None`: no cursor; inner `None`: the cursor stands where nothing is known.
    at_cursor: Signal<Option<Option<Sample>>>,
    occurs: Signal<[bool; 5]>,
) -> impl IntoView {
    let i18n = use_i18n();
    let now = Memo::new(move |_| samples.with(|samples| samples.last().and_then(|s| lane.value(s))));
    let peak = Memo::new(move |_| samples.with(|samples| lane.peak(samples)));
    let number = |value: Option<f64>| value.map_or_else(|| NOT_KNOWN.to_owned(), lane_number);
    let large = move || match at_cursor.get() {
        Some(sample) => number(sample.and_then(|sample| lane.value(&sample))),
        None => number(now.get()),
    };
    let small = move || match at_cursor.get() {
        Some(_) => t_string!(i18n, overview.now, value = number(now.get())),
        None => t_string!(i18n, overview.peak, value = number(peak.get())),
    };
    let is_silent =
        Memo::new(move |_| peak.get().is_none() && samples.with(|samples| samples.iter().count() > 1));
    let legend = move || {
        if is_silent.get() {
            return t_string!(i18n, overview.not_said).into_any();
        }
        let occurs = occurs.get();
        curve_words(i18n, lane)
            .into_iter()
            .zip(lane.paints())
            .zip(occurs)
            .filter(|(_, occurs)| *occurs)
            .map(|((word, paint), _)| {
                let class = format!("swatch is-{}", paint.color.trim_start_matches("--"));
                view! { <span class="legend"><i class=class></i>{word}</span> }
            })
            .collect_view()
            .into_any()
    };
    view! {
        <div class="lane-label" data-testid=format!("overview-lane-{}", lane.id())>
            <div class="lane-head">
                <span class="cut">{move || lane_name(i18n, lane)}</span>
                <span class="lane-now">{small}</span>
            </div>
            <div class="lane-value">
                <b>{large}</b>
                " "
                <span>{unit(lane)}</span>
                {(lane == Lane::Pressure)
                    .then(|| view! { " "<small>{move || t_string!(i18n, overview.stalls_note)}</small> })}
            </div>
            <div class="lane-legend">{legend}</div>
        </div>
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
