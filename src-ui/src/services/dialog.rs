//! The form that acts on a service, and that turns into the record of what came of it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{ServiceAct, ServiceImpactShow, ServicesQuery};
use protocol::operations::Operation;
use protocol::services::{Manager, ServiceAction, ServiceImpact, ServiceQuery, exact_command};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::custom::CustomForm;
use super::impact::Impact;
use super::record::Record;
use super::unit_field::UnitField;
use crate::components::load::Load;
use crate::components::{
    ActionDialog, ActionLine, ButtonKind, Choice, CopyButton, Failed, Segmented, Target, begin,
};
use crate::format;
use crate::ipc;
use crate::operations::course::Course;
use crate::state::zone_min;
use crate::text::{I18n, t_string, use_i18n};

/// What the form is set to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Do {
    Act(ServiceAction),
    Custom,
}

/// The form that acts on a service, opened by `App::dialog` with `OpenDialog::Service`.
#[component]
pub(crate) fn ServiceDialog(host: String, unit: Option<String>, action: ServiceAction) -> impl IntoView {
    let i18n = use_i18n();
    let unit = RwSignal::new(unit.unwrap_or_default());
    let chosen = RwSignal::new(Do::Act(action));
    let course = RwSignal::new(Course::Asking);
    let custom_course = RwSignal::new(Course::Asking);
    let units = RwSignal::new(Arc::new(Vec::new()));
    let target = Target::of(host.clone());
    read_units(host, units);

    let shown_host = move || target.shown();
    let title = move || {
        let short = unit.with(|unit| printable(unit.strip_suffix(".service").unwrap_or(unit)).into_owned());
        match chosen.get() {
            Do::Custom => t_string!(i18n, services.title_custom, host = shown_host()),
            Do::Act(_) if unit.with(|unit| Manager::of(unit).is_none()) => {
                t_string!(i18n, services.title_any, host = shown_host())
            }
            Do::Act(action) => title_words(i18n, action, short, shown_host()),
        }
    };
    let own_course = move || match chosen.get() {
        Do::Act(_) => course.get(),
        Do::Custom => custom_course.get(),
    };
    let busy = Signal::derive(move || own_course().is_under_way());
    let change = move |next: Do| {
        if !busy.get_untracked() {
            chosen.set(next);
            course.set(Course::Asking);
        }
    };
    Effect::new(move |before: Option<String>| {
        let now = unit.get();
        if before.is_some_and(|before| before != now) {
            course.set(Course::Asking);
        }
        now
    });
    view! {
        <ActionDialog
            title=Signal::derive(title)
            target
            course=Signal::derive(own_course)
            testid="service-dialog"
        >
                <div class="service-what">
                    <UnitField
                        value=unit
                        units
                        disabled=Signal::derive(move || busy.get() || chosen.get() == Do::Custom)
                    />
                    <div class="field">
                        <span class="field-label">{move || t_string!(i18n, services.do_label)}</span>
                        <Segmented
                            choices=choices(i18n)
                            value=chosen
                            on_change=Callback::new(change)
                            label=Signal::derive(move || t_string!(i18n, services.do_label).to_owned())
                        />
                    </div>
                </div>
                {move || match chosen.get() {
                    Do::Custom => view! { <CustomForm target course=custom_course before=Default::default() /> }.into_any(),
                    Do::Act(action) => view! { <ActForm target unit action course /> }.into_any(),
                }}
        </ActionDialog>
    }
}

/// All units of the host, to complete the name. Without them it can still be typed in full.
fn read_units(host: String, units: RwSignal<Arc<Vec<String>>>) {
    spawn_local(async move {
        if let Ok(answer) = ipc::call(ServicesQuery { host, query: ServiceQuery::default() }).await {
            units.try_set(Arc::new(answer.rows.iter().map(|row| row.service.name.clone()).collect()));
        }
    });
}

fn choices(i18n: I18n) -> Vec<Choice<Do>> {
    let act = |action, testid, words: fn(I18n) -> &'static str| {
        Choice::new(Do::Act(action), testid, move || words(i18n).to_owned())
    };
    vec![
        act(ServiceAction::Start, "action-start", |i18n| t_string!(i18n, services.start)),
        act(ServiceAction::Stop, "action-stop", |i18n| t_string!(i18n, services.stop)),
        act(ServiceAction::Restart, "action-restart", |i18n| t_string!(i18n, services.restart)),
        act(ServiceAction::Reload, "action-reload", |i18n| t_string!(i18n, services.reload)),
        act(ServiceAction::Enable, "action-enable", |i18n| t_string!(i18n, services.enable)),
        act(ServiceAction::Disable, "action-disable", |i18n| t_string!(i18n, services.disable)),
        Choice::new(Do::Custom, "action-custom", move || t_string!(i18n, services.custom).to_owned()),
    ]
}

fn title_words(i18n: I18n, action: ServiceAction, unit: String, host: String) -> String {
    match action {
        ServiceAction::Start => t_string!(i18n, services.title_start, unit = unit, host = host),
        ServiceAction::Stop => t_string!(i18n, services.title_stop, unit = unit, host = host),
        ServiceAction::Restart => t_string!(i18n, services.title_restart, unit = unit, host = host),
        ServiceAction::Reload => t_string!(i18n, services.title_reload, unit = unit, host = host),
        ServiceAction::Enable => t_string!(i18n, services.title_enable, unit = unit, host = host),
        ServiceAction::Disable => t_string!(i18n, services.title_disable, unit = unit, host = host),
    }
}

fn do_words(i18n: I18n, action: ServiceAction, unit: String) -> String {
    match action {
        ServiceAction::Start => t_string!(i18n, services.do_start, unit = unit),
        ServiceAction::Stop => t_string!(i18n, services.do_stop, unit = unit),
        ServiceAction::Restart => t_string!(i18n, services.do_restart, unit = unit),
        ServiceAction::Reload => t_string!(i18n, services.do_reload, unit = unit),
        ServiceAction::Enable => t_string!(i18n, services.do_enable, unit = unit),
        ServiceAction::Disable => t_string!(i18n, services.do_disable, unit = unit),
    }
}

fn doing_words(i18n: I18n, action: ServiceAction, elapsed: String) -> String {
    match action {
        ServiceAction::Start => t_string!(i18n, services.doing_start, elapsed = elapsed),
        ServiceAction::Stop => t_string!(i18n, services.doing_stop, elapsed = elapsed),
        ServiceAction::Restart => t_string!(i18n, services.doing_restart, elapsed = elapsed),
        ServiceAction::Reload => t_string!(i18n, services.doing_reload, elapsed = elapsed),
        ServiceAction::Enable => t_string!(i18n, services.doing_enable, elapsed = elapsed),
        ServiceAction::Disable => t_string!(i18n, services.doing_disable, elapsed = elapsed),
    }
}

/// What the button says once it is over; what did not do as asked was only tried.
fn did_words(i18n: I18n, action: ServiceAction, operation: &Operation, at_ms: i64) -> String {
    let time = format::clock(at_ms, zone_min(at_ms));
    if !operation.outcome.is_some_and(|outcome| outcome.is_done(action)) {
        return t_string!(i18n, services.did_not, time = time);
    }
    match action {
        ServiceAction::Start => t_string!(i18n, services.did_start, time = time),
        ServiceAction::Stop => t_string!(i18n, services.did_stop, time = time),
        ServiceAction::Restart => t_string!(i18n, services.did_restart, time = time),
        ServiceAction::Reload => t_string!(i18n, services.did_reload, time = time),
        ServiceAction::Enable => t_string!(i18n, services.did_enable, time = time),
        ServiceAction::Disable => t_string!(i18n, services.did_disable, time = time),
    }
}

/// What is known before, the exact command, the guard, the button, and the record after.
#[component]
fn ActForm(
    target: Target,
    unit: RwSignal<String>,
    action: ServiceAction,
    course: RwSignal<Course>,
) -> impl IntoView {
    let i18n = use_i18n();
    let impact = RwSignal::new(None::<Load<ServiceImpact>>);
    let look = move || {
        let asked = unit.get_untracked();
        if Manager::of(&asked).is_none() {
            impact.set(None);
            return;
        }
        impact.set(Some(Load::Loading));
        spawn_local(async move {
            let host = target.name.get_value();
            let told = ipc::call(ServiceImpactShow { host, unit: asked.clone() }).await;
            // The name may have been changed meanwhile: then another answer is on its way.
            if unit.try_get_untracked().is_some_and(|unit| unit == asked) {
                impact.set(Some(match told {
                    Ok(told) => Load::Ready(told),
                    Err(fault) => Load::Failed(fault),
                }));
            }
        });
    };
    Effect::new(move |_| {
        unit.track();
        look();
    });
    let command = Memo::new(move |_| {
        unit.with(|unit| Manager::of(unit).map(|_| exact_command(action, unit, target.sudo())))
    });
    let possible = move || {
        impact.with(|impact| match impact {
            Some(Load::Ready(_)) => true,
            // What depends on it is not known, and that is said.
            Some(Load::Failed(fault)) => is_there(fault),
            Some(Load::Loading) | None => false,
        })
    };
    let act = move |()| {
        let (host, unit) = (target.name.get_value(), unit.get_untracked());
        begin(course, ipc::call(ServiceAct { host, unit, action, typed_name: target.typed_name() }));
    };
    let short = move || unit.with(|u| printable(u.strip_suffix(".service").unwrap_or(u)).into_owned());
    let kind = match action {
        ServiceAction::Stop | ServiceAction::Disable => ButtonKind::Danger,
        ServiceAction::Start | ServiceAction::Restart | ServiceAction::Reload | ServiceAction::Enable => {
            ButtonKind::Primary
        }
    };
    let before = move || match impact.get() {
        None => view! { <p class="service-note dim">{t_string!(i18n, services.unit_first)}</p> }.into_any(),
        Some(Load::Loading) => {
            view! { <p class="service-note dim" role="status">{t_string!(i18n, services.asking)}</p> }
                .into_any()
        }
        Some(Load::Ready(known)) => {
            view! { <Impact impact=known action=Signal::stored(action) /> }.into_any()
        }
        Some(Load::Failed(fault)) => {
            let may_be_acted_on = is_there(&fault);
            view! {
                {may_be_acted_on
                    .then(|| {
                        view! {
                            <p class="service-note is-warn" data-testid="impact-failed">
                                {t_string!(i18n, services.impact_failed)}
                            </p>
                        }
                    })}
                <Failed fault=Signal::stored(fault) bare=true on_retry=Callback::new(move |()| look()) />
            }
            .into_any()
        }
    };
    let over = move |operation: Arc<Operation>| {
        let at_ms = course.with(|course| match course {
            Course::Ended { at_ms, .. } => *at_ms,
            Course::Asking | Course::UnderWay { .. } | Course::Refused(_) => operation.started_ms,
        });
        did_words(i18n, action, &operation, at_ms)
    };
    view! {
        <div class="service-before">{before}</div>
        {move || command.get().map(|command| view! { <CommandBlock command /> })}
        <ActionLine
            target
            course
            kind
            words=Signal::derive(move || do_words(i18n, action, short()))
            doing=Callback::new(move |elapsed| doing_words(i18n, action, elapsed))
            possible=Signal::derive(possible)
            over=Callback::new(over)
            do_testid="service-do"
            cancel_testid="service-cancel"
            refused_testid="service-outcome"
            on_act=Callback::new(act)
            record=Callback::new(move |operation| {
                view! { <Record operation action=Some(action) /> }.into_any()
            })
        />
    }
}

/// False if the fault says that there is no such unit; else it may still be acted on.
fn is_there(fault: &Fault) -> bool {
    !matches!(fault.code, FaultCode::UnitUnknown | FaultCode::BadInput)
}

/// The exact command, the way to root quieter than the command itself.
#[component]
pub(crate) fn CommandBlock(command: String) -> impl IntoView {
    let i18n = use_i18n();
    let shown = printable(&command).into_owned();
    let (prefix, rest) = match shown.find("systemctl").filter(|at| *at > 0 && shown.starts_with("sudo")) {
        Some(at) => (shown[..at].to_owned(), shown[at..].to_owned()),
        None => (String::new(), shown),
    };
    view! {
        <div class="command-block">
            <code class="mono selectable" data-testid="service-command">
                <span class="dim">{prefix}</span>
                {rest}
            </code>
            <CopyButton
                text=Signal::stored(command)
                label=Signal::derive(move || t_string!(i18n, services.copy_command).to_owned())
                testid="copy-command"
            />
        </div>
    }
}
