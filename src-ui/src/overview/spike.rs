//! The panel below the charts: who caused the moment that was clicked.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::BlameShow;
use protocol::metrics::Sample;
use protocol::processes::Blame;
use wasm_bindgen::JsCast;

use super::blame::{Of, StandIn, culprits, share_of_rise};
use super::culprit::{CulpritRow, Nows, Panel, others};
use super::lanes::Lane;
use super::words::lane_words;
use crate::components::load::Load;
use crate::components::{Button, ButtonKind, Failed, IconName, Skeleton, focus};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::use_host;
use crate::ipc;
use crate::state::zone_min;
use crate::text::{I18n, t_string, use_i18n};

/// A moment of a lane that somebody asks about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) lane: Lane,
    pub(crate) sample: Sample,
}

#[component]
pub(crate) fn Spike(moment: RwSignal<Option<Moment>>) -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let blame = RwSignal::new(Load::<Blame>::Loading);
    let open = RwSignal::new(None::<u32>);
    let nows = Nows::new();
    let is_live = host.is_live();
    Effect::new(move |_| {
        let Some(asked) = moment.get() else { return };
        blame.set(Load::Loading);
        open.set(None);
        let host = host.name.get_untracked();
        spawn_local(async move {
            let told = ipc::call(BlameShow { host, at_ms: asked.sample.host_ms }).await;
            // Another moment may have been clicked meanwhile.
            if moment.try_get_untracked() == Some(Some(asked)) {
                blame.try_set(match told {
                    Ok(blame) => Load::Ready(blame),
                    Err(fault) => Load::Failed(fault),
                });
            }
        });
    });
    // Of those that are shown it is asked what they hold now, also once the host is back.
    Effect::new(move |_| {
        let Some(of) = moment.with(|moment| moment.map(|moment| Of::lane(moment.lane))) else { return };
        let shown = blame.with(|blame| {
            let rows = blame.value().map(|blame| culprits(blame, of)).unwrap_or_default();
            rows.iter().map(|row| (row.consumer.pid, row.consumer.start_ticks)).collect::<Vec<_>>()
        });
        if is_live.get() && !shown.is_empty() {
            nows.ask(host.name.get_untracked(), shown);
        }
    });
    let close = Callback::new(move |()| {
        moment.set(None);
        focus_chart();
    });
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            close.run(());
        }
    };
    move || {
        let asked = moment.get()?;
        let at_ms = asked.sample.at_ms;
        let lane = asked.lane.chart();
        let value = (lane.value)(&asked.sample).map_or_else(|| NOT_KNOWN.to_owned(), |value| lane.say(value));
        let lead = format!(
            "{}, {} {value}",
            format::clock(at_ms, zone_min(at_ms)),
            lane_words(i18n, asked.lane).name,
        );
        let of = Of::lane(asked.lane);
        let body = move || {
            blame.with(|blame| match blame {
                Load::Loading => view! { <Skeleton rows=4 /> }.into_any(),
                Load::Failed(fault) => {
                    view! { <Failed fault=Signal::stored(fault.clone()) bare=true /> }.into_any()
                }
                Load::Ready(blame) => rows(i18n, blame, of, open, nows),
            })
        };
        let rise = move || {
            blame.with(|blame| {
                let (count, share) = share_of_rise(&culprits(blame.value()?, of), of)?;
                let share = format::percent(share);
                Some(t_string!(i18n, overview.spike_rise, count = count, share = share))
            })
        };
        let instead = Of::stands_in(asked.lane).map(|instead| {
            let words = match instead {
                StandIn::Network => t_string!(i18n, overview.spike_by_cpu_network),
                StandIn::Pressure => t_string!(i18n, overview.spike_by_cpu_pressure),
            };
            view! { <p class="spike-none" data-testid="spike-instead">{words}</p> }
        });
        Some(view! {
            <section
                class="spike"
                data-testid="overview-spike"
                aria-label=t_string!(i18n, overview.spike)
                on:keydown=on_key
            >
                <header class="spike-head">
                    <h2>{t_string!(i18n, overview.spike)}</h2>
                    <span class="quiet cut">{lead} ". " {rise}</span>
                    <span class="grow"></span>
                    <Button
                        kind=ButtonKind::Ghost
                        small=true
                        icon=IconName::Cross
                        label=Signal::derive(move || t_string!(i18n, app.close).to_owned())
                        testid="overview-spike-close"
                        on_click=close
                    />
                </header>
                {instead}
                {body}
            </section>
        })
    }
}

/// Gives the keyboard back to where the moment was chosen: the panel takes it away when it goes.
fn focus_chart() {
    let plot = document().query_selector("[data-testid=overview-plot]").ok().flatten();
    if let Some(plot) = plot.and_then(|plot| plot.dyn_into::<web_sys::HtmlElement>().ok()) {
        focus(&plot);
    }
}

fn rows(i18n: I18n, blame: &Blame, of: Of, open: RwSignal<Option<u32>>, nows: Nows) -> AnyView {
    let rows = culprits(blame, of);
    let line = |words: String| view! { <p class="spike-none dim" data-testid="spike-hidden">{words}</p> };
    let hidden = if of == Of::Io && blame.io_hidden > 0 {
        Some(line(t_string!(i18n, overview.spike_io_hidden, count = blame.io_hidden)))
    } else if blame.some_hidden {
        Some(line(t_string!(i18n, overview.spike_some_hidden).to_owned()))
    } else {
        None
    };
    if blame.at_ms.is_none() {
        return view! { <p class="spike-none dim">{t_string!(i18n, overview.spike_unknown)}</p> }.into_any();
    }
    if rows.is_empty() {
        // What the charts show is of the whole machine; a container has but a part of its processes.
        let words = match of {
            Of::Cpu => t_string!(i18n, overview.spike_nobody_cpu),
            Of::Memory => t_string!(i18n, overview.spike_nobody_memory),
            Of::Io => t_string!(i18n, overview.spike_nobody_io),
        };
        return view! {
            <p class="spike-none dim" data-testid="spike-nobody">{words}</p>
            {hidden}
        }
        .into_any();
    }
    let most = rows.iter().filter_map(|row| row.value).fold(0.0, f64::max);
    let head = |of: Of| match of {
        Of::Cpu => t_string!(i18n, overview.spike_cpu),
        Of::Memory => t_string!(i18n, processes.memory),
        Of::Io => t_string!(i18n, overview.spike_io),
    };
    let panel = Panel { of, most, cpus: blame.cpus, open, nows };
    view! {
        <table class="spike-table">
            <thead>
                <tr>
                    <th>{t_string!(i18n, overview.spike_process)}</th>
                    <th>{t_string!(i18n, processes.user)}</th>
                    <th>{t_string!(i18n, processes.unit)}</th>
                    <th>{head(of)}</th>
                    <th class="num">{t_string!(i18n, overview.spike_before)}</th>
                    {others(of).map(|other| view! { <th class="num">{head(other)}</th> }).collect_view()}
                    <th class="num">{t_string!(i18n, overview.spike_sockets)}</th>
                </tr>
            </thead>
            <tbody>
                {rows.into_iter().map(|row| view! { <CulpritRow row panel /> }).collect_view()}
            </tbody>
        </table>
        {hidden}
    }
    .into_any()
}
