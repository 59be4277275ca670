//! What only some hosts have: limits of a container, a clock that is wrong, file systems of other hosts,
//! sensors of heat. A host without them shows nothing in their place.

use leptos::prelude::*;
use protocol::metrics::{Limits, Metrics, NetworkMount, Temperature};
use protocol::text::printable;

use crate::format::{self, NOT_KNOWN};
use crate::text::{I18n, lang, t_string, use_i18n};

/// A difference that is only the time an answer took is none.
const CLOCK_SAME_MS: u64 = 2_000;

/// What the container uses, and may use at most; `None` where neither is known.
pub(super) fn limit_words(i18n: I18n, limits: &Limits) -> Option<String> {
    let used = limits.memory_used_bytes.map_or_else(|| NOT_KNOWN.to_owned(), format::memory);
    let memory = match limits.memory_bytes {
        Some(total) => {
            Some(t_string!(i18n, overview.part_memory, used = used, total = format::memory(total)))
        }
        None => limits.memory_used_bytes.map(|_| t_string!(i18n, overview.part_memory_open, used = used)),
    };
    let used = limits.cpus_used.map_or_else(|| NOT_KNOWN.to_owned(), format::hundredths);
    let cpus = match limits.cpus {
        Some(total) => {
            Some(t_string!(i18n, overview.part_cpus, used = used, total = format::hundredths(total)))
        }
        None => limits.cpus_used.map(|_| t_string!(i18n, overview.part_cpus_open, used = used)),
    };
    let all: Vec<String> = memory.into_iter().chain(cpus).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// How far the host's clock is from this computer's.
pub(super) fn clock_words(i18n: I18n, ahead_ms: i64) -> String {
    let apart_ms = ahead_ms.unsigned_abs();
    if apart_ms < CLOCK_SAME_MS {
        return t_string!(i18n, overview.clock_same).to_owned();
    }
    let length = format::long_duration(apart_ms / 1_000, lang(i18n));
    match ahead_ms > 0 {
        true => t_string!(i18n, overview.clock_ahead, length = length),
        false => t_string!(i18n, overview.clock_behind, length = length),
    }
}

/// A file system that another host has: its mount, and where it comes from.
pub(super) fn network_words(i18n: I18n, mount: &NetworkMount) -> (String, String) {
    let source = format!("{} {}", printable(&mount.fs_type), printable(&mount.source));
    (printable(&mount.mount).into_owned(), t_string!(i18n, overview.not_measured, source = source))
}

/// A sensor: its place, and how hot it is there.
pub(super) fn heat_words(i18n: I18n, sensor: &Temperature) -> (String, String) {
    let degrees = |value: f64| format!("{value:.0} °C");
    let now = degrees(sensor.now_celsius);
    let words = match sensor.critical_celsius {
        Some(limit) => t_string!(i18n, overview.critical_at, now = now, limit = degrees(limit)),
        None => now,
    };
    (printable(&format!("{} {}", sensor.chip, sensor.place)).into_owned(), words)
}

/// The file systems of other hosts, under the disks.
#[component]
pub(super) fn NetworkMounts(metrics: Signal<Option<Metrics>>) -> impl IntoView {
    let i18n = use_i18n();
    let mounts = Memo::new(move |_| {
        metrics.with(|m| m.as_ref().map(|m| m.network_mounts.clone())).unwrap_or_default()
    });
    view! {
        <dl class="facts selectable" data-testid="overview-network-mounts">
            {move || pairs(mounts.get().iter().map(|mount| network_words(i18n, mount)).collect())}
        </dl>
    }
}

/// The sensors, where the kernel has some.
#[component]
pub(super) fn Temperatures(metrics: Signal<Option<Metrics>>) -> impl IntoView {
    let i18n = use_i18n();
    let sensors =
        Memo::new(move |_| metrics.with(|m| m.as_ref().map(|m| m.temperatures.clone())).unwrap_or_default());
    view! {
        <Show when=move || sensors.with(|sensors| !sensors.is_empty())>
            <section data-testid="overview-temperatures">
                <div class="facts-head">
                    <h2>{move || t_string!(i18n, overview.temperatures)}</h2>
                </div>
                <dl class="facts selectable">
                    {move || pairs(sensors.get().iter().map(|sensor| heat_words(i18n, sensor)).collect())}
                </dl>
            </section>
        </Show>
    }
}

fn pairs(lines: Vec<(String, String)>) -> impl IntoView {
    lines
        .into_iter()
        .map(|(label, words)| {
            view! {
                <dt class="cut" title=label.clone()>{label.clone()}</dt>
                <dd title=words.clone()>{words.clone()}</dd>
            }
        })
        .collect_view()
}
