//! One action on several services: what the bar offers, and the form.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{ServiceAct, ServiceImpactShow};
use protocol::services::{ServiceAction, ServiceImpact};
use protocol::text::printable;

use crate::components::{Button, ButtonKind, SeveralDialog, Target};
use crate::hosts::use_host;
use crate::ipc;
use crate::state::{OpenDialog, use_app};
use crate::text::{I18n, t_string, use_i18n};

/// What can be done to several, with the name of its button in tests.
const OFFERED: [(ServiceAction, &str); 3] = [
    (ServiceAction::Restart, "chosen-restart"),
    (ServiceAction::Stop, "chosen-stop"),
    (ServiceAction::Start, "chosen-start"),
];

/// The buttons for the units that are chosen.
#[component]
pub(super) fn ActOnThem(#[prop(into)] chosen: Signal<Vec<String>>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let is_live = host.is_live();
    OFFERED
        .map(|(action, testid)| {
            let open = move |()| {
                let (host, units) = (host.name.get_untracked(), chosen.get_untracked());
                app.dialog.set(Some(OpenDialog::Services { host, units, action }));
            };
            view! {
                <Button
                    testid
                    disabled=Signal::derive(move || !is_live.get())
                    on_click=Callback::new(open)
                >
                    {move || offer_words(i18n, action)}
                </Button>
            }
        })
        .into_iter()
        .collect_view()
}

fn offer_words(i18n: I18n, action: ServiceAction) -> &'static str {
    match action {
        ServiceAction::Start => t_string!(i18n, services.start_chosen),
        ServiceAction::Stop => t_string!(i18n, services.stop_chosen),
        ServiceAction::Restart => t_string!(i18n, services.restart_chosen),
        ServiceAction::Reload => t_string!(i18n, services.reload),
        ServiceAction::Enable => t_string!(i18n, services.enable),
        ServiceAction::Disable => t_string!(i18n, services.disable),
    }
}

/// The form, opened with `OpenDialog::Services`.
#[component]
pub(crate) fn ServicesDialog(host: String, units: Vec<String>, action: ServiceAction) -> impl IntoView {
    let i18n = use_i18n();
    let target = Target::of(host);
    let count = units.len() as u64;
    let names = units.iter().map(|unit| printable(unit).into_owned()).collect();
    let impacts = RwSignal::new(vec![None::<ServiceImpact>; units.len()]);
    let units = StoredValue::new(units);
    if action != ServiceAction::Start {
        ask_impacts(target, units, impacts);
    }
    let notes = Signal::derive(move || {
        impacts.with(|all| {
            let words = |impact: &Option<ServiceImpact>| {
                impact.as_ref().map(|impact| impact_words(i18n, impact)).unwrap_or_default()
            };
            all.iter().map(words).collect::<Vec<_>>()
        })
    });
    let ask = move |at: usize| {
        let unit = units.with_value(|units| units.get(at).cloned()).unwrap_or_default();
        let (host, typed_name) = (target.name.get_value(), target.typed_name());
        ipc::call(ServiceAct { host, unit, action, typed_name })
    };
    let title = move || {
        let host = target.shown();
        match action {
            ServiceAction::Start => t_string!(i18n, services.title_start_several, count = count, host = host),
            ServiceAction::Stop => t_string!(i18n, services.title_stop_several, count = count, host = host),
            ServiceAction::Restart => {
                t_string!(i18n, services.title_restart_several, count = count, host = host)
            }
            ServiceAction::Reload | ServiceAction::Enable | ServiceAction::Disable => {
                t_string!(i18n, services.title_any, host = host)
            }
        }
    };
    let words = move || match action {
        ServiceAction::Start => t_string!(i18n, services.do_start_several, count = count),
        ServiceAction::Stop => t_string!(i18n, services.do_stop_several, count = count),
        ServiceAction::Restart => t_string!(i18n, services.do_restart_several, count = count),
        ServiceAction::Reload | ServiceAction::Enable | ServiceAction::Disable => {
            offer_words(i18n, action).to_owned()
        }
    };
    let kind = match action {
        ServiceAction::Stop | ServiceAction::Disable => ButtonKind::Danger,
        ServiceAction::Start | ServiceAction::Restart | ServiceAction::Reload | ServiceAction::Enable => {
            ButtonKind::Primary
        }
    };
    view! {
        <SeveralDialog
            title=Signal::derive(title)
            target
            names
            notes
            kind
            words=Signal::derive(words)
            testid="services-dialog"
            do_testid="services-do"
            ask
        />
    }
}

/// Asks what depends on each, one after the other. What cannot be told is not known, and nothing is said
/// of it: the action itself will tell.
fn ask_impacts(
    target: Target,
    units: StoredValue<Vec<String>>,
    impacts: RwSignal<Vec<Option<ServiceImpact>>>,
) {
    spawn_local(async move {
        let mut at = 0;
        while let Some(Some(unit)) = units.try_with_value(|units| units.get(at).cloned()) {
            let host = target.name.get_value();
            let told = ipc::call(ServiceImpactShow { host, unit }).await.ok();
            let set = impacts.try_update(|all| {
                if let Some(place) = all.get_mut(at) {
                    *place = told;
                }
            });
            if set.is_none() {
                return;
            }
            at += 1;
        }
    });
}

/// Who depends on it and whom it serves now, in a few words; empty if nobody.
fn impact_words(i18n: I18n, impact: &ServiceImpact) -> String {
    let stops = impact.dependents.iter().filter(|one| one.stops_with_it).count() as u64;
    let mut words = Vec::new();
    if stops > 0 {
        words.push(t_string!(i18n, services.several_with_it, count = stops));
    }
    if impact.connections > 0 {
        words.push(t_string!(i18n, services.connections, count = u64::from(impact.connections)));
    }
    words.join(", ")
}
