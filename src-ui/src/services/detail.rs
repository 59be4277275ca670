//! The side panel: one unit in full, what needs it, and the way to the form that acts on it; kept on
//! screen after it is gone from the list.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::ServiceImpactShow;
use protocol::services::ServiceImpact;
use protocol::text::printable;

use super::order::Row;
use crate::components::{Button, Facts, IconName, SidePanel, SideSection};
use crate::format;
use crate::hosts::use_host;
use crate::ipc;
use crate::state::zone_min;
use crate::text::{I18n, lang, t_string, use_i18n};

/// Who goes through the list by keys asks nothing on the way.
const STAY: Duration = Duration::from_millis(400);
/// Units shown before the rest is counted.
const UNITS_SHOWN: usize = 8;

#[component]
pub(super) fn ServiceDetail(
    row: Memo<Option<Row>>,
    cursor: RwSignal<Option<String>>,
    open: Callback<String>,
) -> impl IntoView {
    // What was last seen of the chosen unit, and whether it is still in the table.
    let chosen = Memo::new(move |before: Option<&Option<(Row, bool)>>| {
        let key = cursor.get()?;
        match row.get() {
            Some(row) => Some((row, true)),
            None => {
                let (before, _) = before.cloned().flatten()?;
                (before.service.name == key).then_some((before, false))
            }
        }
    });
    let (i18n, is_live) = (use_i18n(), use_host().is_live());
    let unit =
        Memo::new(move |_| chosen.with(|chosen| chosen.as_ref().map(|(row, _)| row.service.name.clone())));
    let impact = impact_of(unit);
    move || {
        let (row, is_there) = chosen.get()?;
        Some(panel(i18n, &row, is_there, cursor, is_live, impact, open))
    }
}

/// What depends on the unit that is looked at, once it has been looked at for a moment.
fn impact_of(unit: Memo<Option<String>>) -> RwSignal<Option<ServiceImpact>> {
    let host = use_host();
    let impact = RwSignal::new(None);
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
        }
    };
    Effect::new(move |_| {
        stop();
        impact.set(None);
        let Some(asked) = unit.get() else { return };
        let name = host.name.get_untracked();
        let ask = move || {
            spawn_local(async move {
                let told = ipc::call(ServiceImpactShow { host: name, unit: asked.clone() }).await;
                let is_same = unit.try_get_untracked().flatten() == Some(asked);
                if let (Ok(told), true) = (told, is_same) {
                    impact.try_set(Some(told));
                }
            });
        };
        waiting.set_value(set_timeout_with_handle(ask, STAY).ok());
    });
    on_cleanup(stop);
    impact
}

/// The panel of one unit, drawn anew when it changes; no component, so that its words follow the language.
fn panel(
    i18n: I18n,
    row: &Row,
    is_there: bool,
    cursor: RwSignal<Option<String>>,
    is_live: Memo<bool>,
    impact: RwSignal<Option<ServiceImpact>>,
    open: Callback<String>,
) -> impl IntoView + use<> {
    let service = &row.service;
    let shown = |text: &str| printable(text).into_owned();
    let since = service.since_ms.map(|at_ms| format::date_time(at_ms, zone_min(at_ms), lang(i18n)));
    let boot = service.enabled_state.as_deref().filter(|state| !state.is_empty());
    let facts = vec![
        (t_string!(i18n, services.state), Some(shown(&service.state()))),
        (t_string!(i18n, services.since), since),
        (t_string!(i18n, services.at_boot), boot.map(shown)),
        (t_string!(i18n, services.pid), service.main_pid.map(|pid| pid.to_string())),
        (t_string!(i18n, services.memory), service.memory_bytes.map(format::memory)),
    ];
    let note = Some(shown(&service.description)).filter(|words| !words.is_empty());
    let unit = service.name.clone();
    let foot = ViewFn::from(move || {
        let unit = unit.clone();
        view! {
            <Button
                icon=IconName::Unit
                testid="services-detail-act"
                disabled=Signal::derive(move || !is_live.get() || !is_there)
                on_click=Callback::new(move |()| open.run(unit.clone()))
            >
                {move || t_string!(i18n, sockets.open_service)}
            </Button>
        }
    });
    view! {
        <SidePanel
            title=shown(&service.name)
            note
            warning=(!is_there).then(|| t_string!(i18n, services.gone).to_owned())
            cursor
            testid="services-detail"
            close_testid="services-detail-close"
            foot=Some(foot)
        >
            <SideSection>
                <Facts facts />
            </SideSection>
            {move || {
                impact
                    .with(|impact| impact.as_ref().map(|impact| dependents(i18n, impact, open)))
                    .map(|units| {
                        view! {
                            <SideSection title=t_string!(i18n, services.depends)>{units}</SideSection>
                        }
                    })
            }}
        </SidePanel>
    }
}

fn dependents(i18n: I18n, impact: &ServiceImpact, open: Callback<String>) -> AnyView {
    let words = match (impact.dependents_known, impact.dependents.is_empty()) {
        (false, _) => t_string!(i18n, services.dependents_untold),
        (true, true) => t_string!(i18n, services.nothing_depends),
        (true, false) => {
            let rest = impact.dependents.len().saturating_sub(UNITS_SHOWN);
            let units = impact.dependents.iter().take(UNITS_SHOWN).map(|dependent| {
                let (unit, shown) = (dependent.unit.clone(), printable(&dependent.unit).into_owned());
                view! {
                    <li class="cut">
                        <button type="button" class="link" on:click=move |_| open.run(unit.clone())>
                            {shown}
                        </button>
                    </li>
                }
            });
            return view! {
                <ul class="side-list" data-testid="services-detail-depends">{units.collect_view()}</ul>
                {(rest > 0).then(|| view! { <p class="dim">{t_string!(i18n, services.more_units, count = rest)}</p> })}
            }
            .into_any();
        }
    };
    view! { <p class="dim">{words}</p> }.into_any()
}
