//! Meters: a share as a bar, beside its number. Severity is also height, so it reads in grey.

use leptos::prelude::*;

use super::level::Level;
use crate::format;

/// What a bar stands for where its length is a share of something else: what a screen reader is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Amount {
    pub(crate) value: f64,
    pub(crate) most: f64,
    /// With its unit, safe to show.
    pub(crate) words: String,
}

/// A share with its number: 36x4 in the list of hosts, 40x4 elsewhere.
///
/// `None` is a dash without a track. A value that is not from now is hatched.
#[component]
pub(crate) fn Meter(
    /// Name for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    #[prop(into)] pct: Signal<Option<f64>>,
    /// Highest value of the last ten minutes, as a thin line.
    #[prop(optional, into)]
    peak: Signal<Option<f64>>,
    #[prop(optional, into)] level: Signal<Level>,
    /// True if the value is not from now.
    #[prop(optional, into)]
    old: Signal<bool>,
    #[prop(optional, into)] amount: Signal<Option<Amount>>,
    #[prop(default = 40)] width: u32,
) -> impl IntoView {
    let known = Memo::new(move |_| pct.with(Option::is_some));
    let share = move || pct.get().unwrap_or(0.0).clamp(0.0, 100.0) / 100.0 * f64::from(width);
    let height = move || match level.get() {
        Level::Normal => 4.0,
        Level::Warning => 6.0,
        Level::Critical => 8.0,
    };
    let class = move || format!("meter {}{}", level.get().class(), if old.get() { " is-old" } else { "" });
    view! {
        <Show when=move || known.get() fallback=|| view! { <span class="meter-none dim">{format::NOT_KNOWN}</span> }>
            <span class=class>
                <svg
                    class="meter-bar"
                    width=width
                    height="8"
                    role="meter"
                    aria-label=move || label.get()
                    aria-valuemin="0"
                    aria-valuemax=move || amount.with(|amount| amount.as_ref().map_or(100.0, |amount| amount.most))
                    aria-valuenow=move || {
                        let value = amount.with(|amount| amount.as_ref().map(|amount| amount.value));
                        format!("{:.0}", value.or(pct.get()).unwrap_or(0.0))
                    }
                    aria-valuetext=move || amount.get().map(|amount| amount.words)
                >
                    <rect class="meter-track" x="0" y="2" width=width height="4" rx="1" />
                    <rect
                        class="meter-fill"
                        x="0"
                        y=move || format!("{}", (8.0 - height()) / 2.0)
                        width=move || format!("{:.1}", share())
                        height=move || format!("{}", height())
                        rx="1"
                    />
                    {move || {
                        peak.get()
                            .map(|peak| {
                                let at = peak.clamp(0.0, 100.0) / 100.0 * f64::from(width - 1);
                                view! { <rect class="meter-peak" x=format!("{at:.1}") y="0" width="1" height="8" /> }
                            })
                    }}
                </svg>
                <span class="meter-number">{move || pct.get().map(format::percent)}</span>
            </span>
        </Show>
    }
}

/// The hatch of values that are not from now; once in the page, the meters refer to it.
#[component]
pub(crate) fn MeterHatch() -> impl IntoView {
    view! {
        <svg class="visually-hidden" width="0" height="0" aria-hidden="true">
            <defs>
                <pattern
                    id="meter-hatch"
                    width="3"
                    height="3"
                    patternUnits="userSpaceOnUse"
                    patternTransform="rotate(45)"
                >
                    <rect class="hatch-line" x="0" y="0" width="1.4" height="3" />
                </pattern>
            </defs>
        </svg>
    }
}
