//! The page: shows what is kept on this computer at once, asks the host when it is live, follows.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::{MetricsRecent, SnapshotShow, SystemRead};
use protocol::link::LinkState;
use protocol::metrics::{Metrics, Recent, Sample};
use protocol::system::System;

use super::facts::Facts;
use super::lanes::{LANES, Lane};
use super::spike::{Moment, Spike};
use super::top::TopLines;
use super::words::lane_words;
use crate::components::time_chart::{History, TimeChart};
use crate::components::{Button, ButtonKind, Empty, Failed, Skeleton, StaleBar};
use crate::format;
use crate::hosts::use_host;
use crate::ipc;
use crate::state::standing::next_step;
use crate::state::{use_app, zone_min};
use crate::text::{lang, next_step_words, t_string, use_i18n, why_and_next};

/// The facts of a host change seldom; who is logged in changes sooner.
const FACTS_EVERY_MS: i64 = 60_000;

/// What the page knows. `received_ms` is when the newest of it came in.
#[derive(Clone, Copy)]
struct Known {
    system: RwSignal<Option<System>>,
    metrics: RwSignal<Option<Metrics>>,
    samples: RwSignal<History<Sample>>,
    received_ms: RwSignal<Option<i64>>,
    /// The last known state was looked up, whatever came of it.
    is_read: RwSignal<bool>,
    fault: RwSignal<Option<Fault>>,
}

/// What the page shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    Loading,
    Content,
    Fault,
    Nothing,
}

impl Known {
    fn new() -> Self {
        Self {
            system: RwSignal::new(None),
            metrics: RwSignal::new(None),
            samples: RwSignal::new(History::default()),
            received_ms: RwSignal::new(None),
            is_read: RwSignal::new(false),
            fault: RwSignal::new(None),
        }
    }

    fn take_metrics(self, received_ms: i64, metrics: &Metrics) {
        self.samples.update(|samples| samples.push(Sample::of(received_ms, metrics)));
        self.metrics.set(Some(metrics.clone()));
        self.received_ms.set(Some(received_ms));
    }

    fn shows(self, is_live: bool) -> Shows {
        if self.system.with(Option::is_some) || self.metrics.with(Option::is_some) {
            Shows::Content
        } else if self.fault.with(Option::is_some) {
            Shows::Fault
        } else if !self.is_read.get() || is_live {
            Shows::Loading
        } else {
            Shows::Nothing
        }
    }

    /// What is kept on this computer: the snapshot and the last ten minutes. The page may be gone
    /// when the answer comes, and live samples may have come before it.
    async fn read_kept(self, host: String) {
        match ipc::call(SnapshotShow { host: host.clone() }).await {
            Ok(snapshot) => {
                if let Some(system) = snapshot.system {
                    self.take_time(system.received_ms);
                    self.system.try_maybe_update(|known| (fill(known, system.value), ()));
                }
                if let Some(metrics) = snapshot.metrics {
                    self.take_time(metrics.received_ms);
                    self.metrics.try_maybe_update(|known| (fill(known, metrics.value), ()));
                }
            }
            Err(fault) => {
                self.fault.try_set(Some(fault));
            }
        }
        if let Ok(Recent { samples: history, newest: Some(newest) }) = ipc::call(MetricsRecent { host }).await
        {
            self.take_time(newest.received_ms);
            self.metrics.try_maybe_update(|known| (fill(known, newest.value), ()));
            self.samples.try_update(|samples| {
                let mut all = History::of(history);
                for live in samples.iter().filter(|live| live.at_ms > newest.received_ms) {
                    all.push(*live);
                }
                *samples = all;
            });
        }
        self.is_read.try_set(true);
    }

    fn take_time(self, received_ms: i64) {
        self.received_ms.try_update(|known| *known = Some(known.unwrap_or(received_ms).max(received_ms)));
    }

    /// The host's own word on its facts.
    async fn read_system(self, host: String) {
        match ipc::call(SystemRead { host }).await {
            Ok(system) => {
                self.system.try_set(Some(system));
                self.fault.try_set(None);
            }
            // What is on screen stays; the state of the link says why nothing new comes.
            Err(fault) => {
                self.fault.try_set(Some(fault));
            }
        }
    }
}

/// The live picture of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let name = host.name.get_untracked();
    let known = Known::new();
    let live = host.is_live();

    app.on_metrics(name.clone(), move |received_ms, metrics: Arc<Metrics>| {
        known.take_metrics(received_ms, &metrics);
    });
    let kept = name.clone();
    spawn_local(async move { known.read_kept(kept).await });

    let asked_ms = StoredValue::new(0i64);
    Effect::new(move |was_live: Option<bool>| {
        let (is_live, now) = (live.get(), app.now_ms.get());
        let is_due = was_live != Some(true) || now - asked_ms.get_value() >= FACTS_EVERY_MS;
        if is_live && is_due {
            asked_ms.set_value(now);
            let host = name.clone();
            spawn_local(async move { known.read_system(host).await });
        }
        is_live
    });

    let shows = Memo::new(move |_| known.shows(live.get()));
    let fresh = host.is_fresh();
    let picked = RwSignal::new(None::<Moment>);
    let pick = Callback::new(move |(lane, sample): (usize, Sample)| {
        picked.set(Some(Moment { lane: Lane::ALL[lane], sample }));
    });
    let stale = Signal::derive(move || !fresh.get());
    let link = host.link();
    let step = Memo::new(move |_| next_step(&link.get()));
    let link_fault = Memo::new(move |_| match link.get() {
        LinkState::Lost { fault, .. } | LinkState::Failed { fault, .. } => Some(*fault),
        LinkState::Idle | LinkState::Connecting { .. } | LinkState::Live { .. } => None,
    });
    let body = move || {
        match shows.get() {
        Shows::Loading => view! { <Skeleton rows=12 /> }.into_any(),
        Shows::Content => view! {
            <Show when=move || stale.get()>
                <HostStaleBar received_ms=known.received_ms.into() />
            </Show>
            <div class="overview-columns">
                <Facts system=known.system.into() metrics=known.metrics.into() stale />
                <div class="overview-live">
                    <TopLines metrics=known.metrics.into() stale />
                    <TimeChart
                        lanes=&LANES
                        words=|i18n, lane| lane_words(i18n, Lane::ALL[lane])
                        history=known.samples
                        stale
                        label=Signal::derive(move || t_string!(i18n, overview.charts).to_owned())
                        hint=Signal::derive(move || t_string!(i18n, overview.pick).to_owned())
                        on_pick=Some(pick)
                        picked_ms=Signal::derive(move || picked.with(|moment| moment.map(|moment| moment.sample.at_ms)))
                        on_unpick=Some(Callback::new(move |()| picked.set(None)))
                        testid="overview"
                    />
                    <Spike moment=picked />
                </div>
            </div>
        }
        .into_any(),
        Shows::Fault => {
            let fault = Signal::derive(move || known.fault.get().unwrap_or_else(no_fault));
            view! { <div class="page-notice"><Failed fault /></div> }.into_any()
        }
        Shows::Nothing if link_fault.with(Option::is_some) => {
            let fault = Signal::derive(move || link_fault.get().unwrap_or_else(no_fault));
            let next = move || {
                step.get().map(|step| {
                    let take = move |()| app.take_step(&host.name.get_untracked(), step);
                    view! {
                        <Button kind=ButtonKind::Primary testid="overview-step" on_click=Callback::new(take)>
                            {move || next_step_words(i18n, step)}
                        </Button>
                    }
                })
            };
            view! { <div class="page-notice"><Failed fault>{next}</Failed></div> }.into_any()
        }
        Shows::Nothing => view! {
            <div class="page-notice">
                <Empty
                    title=Signal::derive(move || t_string!(i18n, overview.empty_title).to_owned())
                    text=Signal::derive(move || t_string!(i18n, overview.empty_body).to_owned())
                    testid="overview-empty"
                >
                    <Button
                        kind=ButtonKind::Primary
                        testid="overview-connect"
                        on_click=Callback::new(move |()| app.connect(&host.name.get_untracked()))
                    >
                        {move || t_string!(i18n, overview.connect)}
                    </Button>
                </Empty>
            </div>
        }
        .into_any(),
    }
    };
    view! {
        <main
            class="page overview"
            data-testid="overview-page"
            data-ready=move || (shows.get() != Shows::Loading).then_some("true")
        >
            {body}
        </main>
    }
}

/// Sets what is not known yet; live data that came first is newer and stays.
fn fill<T>(known: &mut Option<T>, value: T) -> bool {
    let is_new = known.is_none();
    known.get_or_insert(value);
    is_new
}

/// A panel that outlives its fault by a moment shows nothing of it.
fn no_fault() -> Fault {
    Fault::new(protocol::FaultCode::Unknown, "")
}

/// Above content of a host that is not live: the age of what is shown. Its state, the reason and
/// the next step stand in the head of the page, right above.
#[component]
pub(crate) fn HostStaleBar(received_ms: Signal<Option<i64>>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let words = move || {
        let (now, tongue) = (app.now_ms.get(), lang(i18n));
        let Some(at_ms) = received_ms.get() else { return t_string!(i18n, states.stale).to_string() };
        let when = format::moment(at_ms, now, zone_min(at_ms), tongue);
        t_string!(i18n, states.as_of, when = when, age = format::age(at_ms, now, tongue))
    };
    let link = use_host().link();
    // Why it is not from now: what a try that is under way will say is not known yet.
    let why = Memo::new(move |before: Option<&Option<Fault>>| match link.get() {
        LinkState::Lost { fault, .. } => Some(*fault),
        LinkState::Connecting { .. } => before.cloned().flatten(),
        LinkState::Idle | LinkState::Live { .. } | LinkState::Failed { .. } => None,
    });
    let why =
        move || why.with(|fault| fault.as_ref().map(|fault| why_and_next(i18n, fault))).unwrap_or_default();
    view! { <StaleBar words=Signal::derive(words) why=Signal::derive(why) /> }
}
