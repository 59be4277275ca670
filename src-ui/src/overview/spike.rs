//! The panel below the charts: who caused the moment that was clicked.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::BlameShow;
use protocol::metrics::Sample;
use protocol::processes::Blame;
use protocol::text::printable;

use super::blame::{Culprit, Of, culprits, share_of_rise};
use super::lanes::Lane;
use super::words::lane_words;
use crate::components::level::Level;
use crate::components::load::Load;
use crate::components::{Button, ButtonKind, Failed, IconName, Meter, Skeleton};
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
    Effect::new(move |_| {
        let Some(asked) = moment.get() else { return };
        blame.set(Load::Loading);
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
    move || {
        let asked = moment.get()?;
        let at_ms = asked.sample.at_ms;
        let lane = asked.lane.chart();
        let value = (lane.value)(&asked.sample).map_or_else(|| NOT_KNOWN.to_owned(), lane.number);
        let lead = format!(
            "{}, {} {value} {}",
            format::clock(at_ms, zone_min(at_ms)),
            lane_words(i18n, asked.lane).name,
            lane.unit
        );
        let of = Of::lane(asked.lane);
        let body = move || {
            blame.with(|blame| match blame {
                Load::Loading => view! { <Skeleton rows=4 /> }.into_any(),
                Load::Failed(fault) => {
                    view! { <Failed fault=Signal::stored(fault.clone()) bare=true /> }.into_any()
                }
                Load::Ready(blame) => rows(i18n, blame, of),
            })
        };
        let rise = move || {
            blame.with(|blame| {
                let (count, share) = share_of_rise(&culprits(blame.value()?, of), of)?;
                let share = format::percent(share);
                Some(t_string!(i18n, overview.spike_rise, count = count, share = share))
            })
        };
        Some(view! {
            <section class="spike" data-testid="overview-spike">
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
                        on_click=Callback::new(move |()| moment.set(None))
                    />
                </header>
                {body}
            </section>
        })
    }
}

fn rows(i18n: I18n, blame: &Blame, of: Of) -> AnyView {
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
    let value_head = match of {
        Of::Cpu => t_string!(i18n, overview.spike_cpu),
        Of::Memory => t_string!(i18n, overview.spike_memory),
        Of::Io => t_string!(i18n, overview.spike_io),
    };
    let cpus = blame.cpus;
    // What the rows are ordered by has its own column.
    let beside: Vec<(&str, Of)> = [
        (t_string!(i18n, overview.spike_cpu), Of::Cpu),
        (t_string!(i18n, processes.memory), Of::Memory),
        (t_string!(i18n, overview.spike_io), Of::Io),
    ]
    .into_iter()
    .filter(|(_, other)| *other != of)
    .collect();
    view! {
        <table class="spike-table selectable">
            <thead>
                <tr>
                    <th>{t_string!(i18n, overview.spike_process)}</th>
                    <th>{t_string!(i18n, processes.user)}</th>
                    <th>{t_string!(i18n, processes.unit)}</th>
                    <th>{value_head}</th>
                    <th class="num">{t_string!(i18n, overview.spike_before)}</th>
                    {beside.iter().map(|(head, _)| view! { <th class="num">{*head}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody>
                {rows.into_iter().map(|row| row_view(row, of, &beside, most, cpus)).collect_view()}
            </tbody>
        </table>
        {hidden}
    }
    .into_any()
}

fn row_view(row: Culprit, of: Of, beside: &[(&str, Of)], most: f64, cpus: u32) -> impl IntoView + use<> {
    let Culprit { consumer, value, rise } = row;
    let words = |of: Of, value: f64| match of {
        Of::Cpu => format::tenths(value),
        Of::Memory => format::memory(value as u64),
        Of::Io => format!("{}/s", format::bytes(value as u64)),
    };
    let known =
        |of: Of, value: Option<f64>| value.map_or_else(|| NOT_KNOWN.to_owned(), |value| words(of, value));
    let signed = |value: f64| match value < 0.0 {
        true => format!("\u{2212}{}", words(of, -value)),
        false => format!("+{}", words(of, value)),
    };
    let name = printable(&consumer.name).into_owned();
    let command = printable(&consumer.command).into_owned();
    let text =
        |text: Option<&str>| text.map_or_else(|| NOT_KNOWN.to_owned(), |text| printable(text).into_owned());
    let share = value.filter(|_| most > 0.0).map(|value| 100.0 * value / most);
    let others: Vec<String> =
        beside.iter().map(|(_, other)| known(*other, other.value(&consumer.then, cpus))).collect();
    view! {
        <tr data-testid=format!("spike-row-{}", consumer.pid) title=command>
            <td>
                <span class="strong">{name.clone()}</span>
                " "
                <span class="dim">{consumer.pid}</span>
            </td>
            <td class="quiet">{text(consumer.user.as_deref())}</td>
            <td class="quiet">{text(consumer.unit.as_deref())}</td>
            <td class="spike-value">
                <Meter label=name pct=share level=Level::Normal />
                <b>{known(of, value)}</b>
            </td>
            <td class="num">{rise.map_or_else(|| NOT_KNOWN.to_owned(), signed)}</td>
            {others.into_iter().map(|words| view! { <td class="num quiet">{words}</td> }).collect_view()}
        </tr>
    }
}
