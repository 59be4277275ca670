//! One action on several services: what the bar offers, and the form.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{ServiceAct, ServiceImpactShow};
use protocol::services::{ServiceAction, ServiceImpact, Told};
use protocol::text::printable;

use super::impact::impact_lines;
use crate::components::load::Load;
use crate::components::{Button, ButtonKind, RowNote, SeveralDialog, Target};
use crate::hosts::use_host;
use crate::ipc;
use crate::state::{OpenDialog, use_app};
use crate::text::{I18n, fault_text, t_string, use_i18n};

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
    // A start touches nobody, so nothing is asked.
    let is_asked = action != ServiceAction::Start;
    let impacts = RwSignal::new(vec![Load::<ServiceImpact>::Loading; units.len()]);
    let units = StoredValue::new(units);
    if is_asked {
        ask_impacts(target, units, impacts);
    }
    let asking = Signal::derive(move || is_asked && impacts.with(|all| all.contains(&Load::Loading)));
    let notes = Signal::derive(move || match is_asked {
        true => impacts.with(|all| all.iter().map(|impact| to_note(i18n, impact, action)).collect()),
        false => Vec::new(),
    });
    let confirm = move || {
        let (host, units, typed_name) = (target.name.get_value(), units.get_value(), target.typed_name());
        move |at: usize| {
            let unit = units.get(at).cloned().unwrap_or_default();
            ipc::call(ServiceAct { host: host.clone(), unit, action, typed_name: typed_name.clone() })
        }
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
            asking
            confirm
        />
    }
}

/// Asks what each would touch, one after the other.
fn ask_impacts(target: Target, units: StoredValue<Vec<String>>, impacts: RwSignal<Vec<Load<ServiceImpact>>>) {
    spawn_local(async move {
        let mut at = 0;
        while let Some(Some(unit)) = units.try_with_value(|units| units.get(at).cloned()) {
            let host = target.name.get_value();
            let told = match ipc::call(ServiceImpactShow { host, unit }).await {
                Ok(impact) => Load::Ready(impact),
                // What is acted on is another question, and the action itself will tell.
                Err(fault) => Load::Failed(fault),
            };
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

fn to_note(i18n: I18n, impact: &Load<ServiceImpact>, action: ServiceAction) -> RowNote {
    match impact {
        Load::Loading => {
            RowNote { words: t_string!(i18n, services.several_asking).to_owned(), is_doubtful: false }
        }
        Load::Ready(impact) => {
            let is_doubtful = !impact.dependents_known || impact.clients_told != Told::All;
            RowNote { words: impact_lines(i18n, impact, action).join("\n"), is_doubtful }
        }
        Load::Failed(fault) => {
            let reason = fault_text(i18n, fault);
            let words = t_string!(i18n, services.several_not_asked, reason = reason);
            RowNote { words, is_doubtful: true }
        }
    }
}
