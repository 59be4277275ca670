//! The dialog of an action on a host: what will be done, to what, the guard, and what came of it.
//!
//! Every action has the same course: it is asked for, on a guarded host the host's name is typed, it
//! is under way, and the dialog turns into the record of what happened. A page gives its words, its
//! fields and how its record looks.

use std::future::Future;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::hosts::{Host, Sudo};
use protocol::operations::{Operation, OperationResult};
use protocol::text::printable;

use super::{Button, ButtonKind, Dialog, Failed, Glyph, Tag};
use crate::operations::course::{Course, GuardInput, KeptAs, UnderWay};
use crate::services::outcome::result_glyph;
use crate::state::{now_ms, use_app};
use crate::text::{t_string, use_i18n};
use crate::trust::Marks;

/// The host that is acted on, and its name as a person types it where it is guarded.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) name: StoredValue<String>,
    pub(crate) is_guarded: bool,
    pub(crate) has_sudo: bool,
    host: StoredValue<Option<Host>>,
    pub(super) typed: RwSignal<String>,
}

impl Target {
    pub(crate) fn of(name: String) -> Self {
        let app = use_app();
        let host = untrack(|| app.row(&name)).map(|row| row.read_untracked().host.clone());
        Self::to(name, host)
    }

    /// A host of this name, as it is saved.
    pub(super) fn to(name: String, host: Option<Host>) -> Self {
        Self {
            is_guarded: host.as_ref().is_some_and(Host::is_guarded),
            has_sudo: host.as_ref().is_some_and(|host| host.sudo != Sudo::None),
            host: StoredValue::new(host),
            name: StoredValue::new(name),
            typed: RwSignal::default(),
        }
    }

    /// The name, safe to show.
    pub(crate) fn shown(self) -> String {
        self.name.with_value(|name| printable(name).into_owned())
    }

    pub(crate) fn sudo(self) -> Sudo {
        self.host.with_value(|host| host.as_ref().map_or(Sudo::None, |host| host.sudo))
    }

    /// The user who signs in there; `None` where no sign-in is needed.
    pub(crate) fn user(self) -> Option<String> {
        let user = self.host.with_value(|host| host.as_ref().map(|host| host.user.clone()));
        user.filter(|user| !user.is_empty())
    }

    /// True if the guard is open. Tracks what is typed.
    pub(crate) fn is_free(self) -> bool {
        !self.is_guarded || self.typed.with(|typed| self.name.with_value(|name| typed == name))
    }

    /// What the engine wants of a guarded host.
    pub(crate) fn typed_name(self) -> Option<String> {
        self.is_guarded.then(|| self.typed.get_untracked())
    }

    pub(super) fn tags(self) -> impl IntoView {
        let tags = self.host.with_value(|host| host.as_ref().map(|host| host.tags.clone()));
        let tag = |tag: &String| view! { <Tag text=printable(tag).into_owned() /> };
        tags.unwrap_or_default().iter().map(tag).collect_view()
    }
}

/// Where a guarded host's name is typed, in a form that is no action: shown while `taken`, for what
/// takes the guard away.
#[component]
pub(crate) fn GuardField(target: Target, #[prop(into)] taken: Signal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Show when=move || target.is_guarded && taken.get()>
            <label class="action-guard is-wide">
                <span>{move || t_string!(i18n, services.type_name)}</span>
                <GuardInput typed=target.typed name=target.name disabled=Signal::stored(false) />
            </label>
        </Show>
    }
}

/// Asks the engine and follows what comes of it.
pub(crate) fn begin(
    course: RwSignal<Course>,
    answer: impl Future<Output = Result<Operation, Fault>> + 'static,
) {
    course.set(Course::UnderWay { since_ms: now_ms() });
    spawn_local(async move {
        let ended = Course::from_answer(answer.await).await;
        course.try_set(ended);
    });
}

/// The frame: the question with the host's tags, and at the foot where the operation is kept.
#[component]
pub(crate) fn ActionDialog(
    #[prop(into)] title: Signal<String>,
    target: Target,
    #[prop(into)] course: Signal<Course>,
    /// While true it cannot be closed.
    #[prop(optional, into)]
    held: Signal<bool>,
    testid: &'static str,
    children: Children,
) -> impl IntoView {
    let app = use_app();
    let foot = move || view! { <KeptAs id=Signal::derive(move || course.with(Course::operation_id)) /> };
    view! {
        <Dialog
            title
            beside=move || target.tags()
            on_close=Callback::new(move |()| app.dialog.set(None))
            held
            wide=true
            testid
            foot=ViewFn::from(foot)
        >
            <div class="action">{children()}</div>
        </Dialog>
    }
}

/// The line that acts: the guard, the way back, the button; and below it what came of it.
#[component]
pub(crate) fn ActionLine(
    target: Target,
    course: RwSignal<Course>,
    #[prop(optional)] kind: ButtonKind,
    /// What the button says.
    #[prop(into)]
    words: Signal<String>,
    /// What it says while it works, with the time since.
    #[prop(into)]
    doing: Callback<String, String>,
    /// What is wanted beside an open guard.
    #[prop(into)]
    possible: Signal<bool>,
    /// True if it may be done once more from the same dialog.
    #[prop(optional)]
    again: bool,
    /// What the button becomes when it is over and may not be done again.
    #[prop(optional, into)]
    over: Option<Callback<Arc<Operation>, String>>,
    do_testid: &'static str,
    cancel_testid: &'static str,
    /// Name of the part that says that it was refused.
    refused_testid: &'static str,
    on_act: Callback<()>,
    /// The record of what came of it.
    record: Callback<Arc<Operation>, AnyView>,
    /// Between the guard and the buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let busy = Signal::derive(move || course.with(Course::is_under_way));
    let is_over = Signal::derive(move || course.with(|course| matches!(course, Course::Ended { .. })));
    let may = move || possible.get() && target.is_free() && !busy.get() && (again || !is_over.get());
    let act = move || {
        if untrack(may) {
            on_act.run(());
        }
    };
    let button = move || match course.get() {
        Course::UnderWay { since_ms } => view! { <UnderWay since_ms words=doing /> }.into_any(),
        Course::Ended { operation, .. } if !again => over
            .map(|over| {
                let glyph = result_glyph(&operation);
                view! {
                    <span class="button is-over" role="status">
                        <Glyph name=glyph />
                        <span>{move || over.run(operation.clone())}</span>
                    </span>
                }
            })
            .into_any(),
        Course::Asking | Course::Refused(_) | Course::Ended { .. } => view! {
            <Button
                kind
                testid=do_testid
                disabled=Signal::derive(move || !may())
                on_click=Callback::new(move |()| act())
            >
                {move || words.get()}
            </Button>
        }
        .into_any(),
    };
    let came = move || match course.get() {
        Course::Ended { operation, .. } => record.run(operation),
        Course::Refused(fault) => view! {
            <section class="record" data-testid=refused_testid data-outcome="refused">
                <Failed fault=Signal::stored(fault) bare=true />
            </section>
        }
        .into_any(),
        Course::UnderWay { .. } => view! {
            <section class="record">
                <p class="quiet" role="status">{t_string!(i18n, services.watching)}</p>
            </section>
        }
        .into_any(),
        Course::Asking => ().into_any(),
    };
    let marks = target.is_guarded.then(|| view! { <Marks host=target.name.get_value() /> });
    view! {
        {marks}
        <form
            class="action-line"
            on:submit=move |event| {
                event.prevent_default();
                act();
            }
        >
            {target
                .is_guarded
                .then(|| {
                    let shut = Signal::derive(move || busy.get() || (is_over.get() && !again));
                    view! {
                        <label class="action-guard">
                            <span>{move || t_string!(i18n, services.type_name)}</span>
                            <GuardInput typed=target.typed name=target.name disabled=shut />
                        </label>
                    }
                })}
            {children.map(|children| children())}
            <span class="grow"></span>
            <Show when=move || !is_over.get()>
                <Button testid=cancel_testid on_click=Callback::new(move |()| app.dialog.set(None))>
                    {move || match busy.get() {
                        true => t_string!(i18n, services.close),
                        false => t_string!(i18n, services.cancel),
                    }}
                </Button>
            </Show>
            {button}
        </form>
        {came}
    }
}

/// One line on how it ended, with its shape and at its right how long it took; more as children.
#[component]
pub(crate) fn ActionRecord(
    operation: Arc<Operation>,
    #[prop(into)] words: Signal<String>,
    #[prop(optional, into)] beside: Signal<Option<String>>,
    testid: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let i18n = use_i18n();
    let class = match operation.result {
        OperationResult::Done => "record-words",
        OperationResult::OutcomeUnknown | OperationResult::UnderWay | OperationResult::Unknown => {
            "record-words is-warn"
        }
        OperationResult::Failed
        | OperationResult::Refused
        | OperationResult::TimedOut
        | OperationResult::Cancelled => "record-words is-crit",
    };
    view! {
        <section
            class="record"
            role="status"
            data-testid=testid
            data-exit=operation.exit_code.map(|code| code.to_string())
            data-result=operation.result.words()
        >
            <header class="record-head">
                <Glyph name=result_glyph(&operation) size=14 />
                <p class=class>{move || words.get()}</p>
                <span class="grow"></span>
                <span class="quiet">{move || beside.get()}</span>
            </header>
            {operation.unlogged.clone().map(|why| {
                let why = printable(&why).into_owned();
                view! {
                    <p class="record-words is-warn" role="alert" data-testid="action-unlogged">
                        {move || t_string!(i18n, operations.unlogged, why = why.clone())}
                    </p>
                }
            })}
            {children.map(|children| children())}
        </section>
    }
}
