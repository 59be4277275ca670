//! The form that sends a signal to one process, and what came of it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::hosts::{Host, Sudo};
use protocol::ipc::SignalSend;
use protocol::operations::{Operation, OperationResult};
use protocol::processes::Signal as Sent;
use protocol::text::printable;

use crate::components::{Button, ButtonKind, Choice, Dialog, Failed, Glyph, Segmented, Tag};
use crate::ipc;
use crate::operations::course::{Course, GuardInput, KeptAs, UnderWay};
use crate::operations::words::verdict;
use crate::services::outcome::result_glyph;
use crate::state::{now_ms, use_app};
use crate::text::{I18n, t_string, use_i18n};

/// The signals that operators send; the others have no use from outside a program.
const OFFERED: [(Sent, &str); 8] = [
    (Sent::Term, "signal-term"),
    (Sent::Hup, "signal-hup"),
    (Sent::Int, "signal-int"),
    (Sent::Usr1, "signal-usr1"),
    (Sent::Usr2, "signal-usr2"),
    (Sent::Stop, "signal-stop"),
    (Sent::Cont, "signal-cont"),
    (Sent::Kill, "signal-kill"),
];

/// What a signal does to a program that does not decide otherwise.
fn meaning(i18n: I18n, signal: Sent) -> &'static str {
    match signal {
        Sent::Term => t_string!(i18n, processes.means_term),
        Sent::Hup => t_string!(i18n, processes.means_hup),
        Sent::Int => t_string!(i18n, processes.means_int),
        Sent::Usr1 | Sent::Usr2 => t_string!(i18n, processes.means_usr),
        Sent::Stop | Sent::Tstp => t_string!(i18n, processes.means_stop),
        Sent::Cont => t_string!(i18n, processes.means_cont),
        Sent::Kill => t_string!(i18n, processes.means_kill),
        Sent::Quit | Sent::Abrt | Sent::Alrm | Sent::Winch => t_string!(i18n, processes.means_other),
    }
}

/// The form, opened with `OpenDialog::Signal`.
#[component]
pub(crate) fn SignalDialog(host: String, pid: u32, start_ticks: u64, name: String) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let course = RwSignal::new(Course::Asking);
    let signal = RwSignal::new(Sent::Term);
    let typed = RwSignal::new(String::new());
    let saved: Option<Host> = untrack(|| app.row(&host)).map(|row| row.read_untracked().host.clone());
    let is_guarded = saved.as_ref().is_some_and(Host::is_guarded);
    let has_sudo = saved.as_ref().is_some_and(|host| host.sudo != Sudo::None);
    let tags = saved.map(|host| host.tags).unwrap_or_default();
    let beside = move || {
        let tag = |tag: &String| view! { <Tag text=printable(tag).into_owned() /> };
        tags.iter().map(tag).collect_view()
    };
    let shown_host = StoredValue::new(printable(&host).into_owned());
    let shown_name = StoredValue::new(printable(&name).into_owned());
    let host = StoredValue::new(host);
    let name = StoredValue::new(name);
    let busy = Signal::derive(move || course.with(Course::is_under_way));
    let is_over = move || course.with(|course| matches!(course, Course::Ended { .. }));
    let is_possible = move || {
        let is_name_typed = !is_guarded || typed.with(|typed| host.with_value(|host| typed == host));
        is_name_typed && !busy.get()
    };
    let send = move |()| {
        if !untrack(is_possible) {
            return;
        }
        course.set(Course::UnderWay { since_ms: now_ms() });
        let given = SignalSend {
            host: host.get_value(),
            pid,
            start_ticks,
            name: name.get_value(),
            signal: signal.get_untracked(),
            typed_name: is_guarded.then(|| typed.get_untracked()),
        };
        spawn_local(async move {
            let ended = Course::from_answer(ipc::call(given).await).await;
            course.try_set(ended);
        });
    };
    let title = move || {
        t_string!(
            i18n,
            processes.signal_title,
            name = shown_name.get_value(),
            pid = pid,
            host = shown_host.get_value()
        )
    };
    let foot = move || view! { <KeptAs id=Signal::derive(move || course.with(Course::operation_id)) /> };
    let choices = OFFERED
        .map(|(signal, testid)| Choice::new(signal, testid, move || signal.name().to_owned()))
        .to_vec();
    let button = move || match course.get() {
        Course::UnderWay { since_ms } => view! {
            <UnderWay
                since_ms
                words=Callback::new(move |elapsed: String| {
                    t_string!(i18n, processes.looking, elapsed = elapsed)
                })
            />
        }
        .into_any(),
        Course::Asking | Course::Refused(_) | Course::Ended { .. } => view! {
            <Button
                kind=ButtonKind::Primary
                testid="signal-do"
                disabled=Signal::derive(move || !is_possible())
                on_click=Callback::new(send)
            >
                {move || t_string!(i18n, processes.send, signal = signal.get().name(), pid = pid)}
            </Button>
        }
        .into_any(),
    };
    let record = move || match course.get() {
        Course::Ended { operation, .. } => view! { <SignalRecord operation /> }.into_any(),
        Course::Refused(fault) => view! {
            <section class="record" data-testid="signal-refused">
                <Failed fault=Signal::stored(fault) bare=true />
            </section>
        }
        .into_any(),
        Course::UnderWay { .. } => view! {
            <section class="record">
                <p class="quiet" role="status">{t_string!(i18n, processes.watching)}</p>
            </section>
        }
        .into_any(),
        Course::Asking => ().into_any(),
    };
    view! {
        <Dialog
            title=Signal::derive(title)
            beside=beside
            on_close=Callback::new(move |()| app.dialog.set(None))
            wide=true
            testid="signal-dialog"
            foot=ViewFn::from(foot)
        >
            <div class="service-form">
                <Segmented
                    choices
                    value=signal
                    on_change=Callback::new(move |chosen| {
                        if !busy.get_untracked() {
                            signal.set(chosen);
                        }
                    })
                    label=Signal::derive(move || t_string!(i18n, processes.which_signal).to_owned())
                />
                <p class="quiet" data-testid="signal-meaning">
                    {move || meaning(i18n, signal.get())}
                    " "
                    {has_sudo.then(|| t_string!(i18n, processes.with_sudo))}
                </p>
                <p class="dim">{move || t_string!(i18n, processes.same_process)}</p>
                <div class="service-go">
                    {is_guarded
                        .then(|| {
                            view! {
                                <label class="service-guard">
                                    <span>{move || t_string!(i18n, services.type_name)}</span>
                                    <GuardInput typed name=host disabled=busy />
                                </label>
                            }
                        })}
                    <span class="grow"></span>
                    <Show when=move || !is_over()>
                        <Button testid="signal-cancel" on_click=Callback::new(move |()| app.dialog.set(None))>
                            {move || match busy.get() {
                                true => t_string!(i18n, services.close),
                                false => t_string!(i18n, services.cancel),
                            }}
                        </Button>
                    </Show>
                    {button}
                </div>
                {record}
            </div>
        </Dialog>
    }
}

/// Whether it was sent, and what the process did about it.
#[component]
fn SignalRecord(operation: Arc<Operation>) -> impl IntoView {
    let i18n = use_i18n();
    let class = match operation.result {
        OperationResult::Done => "record-words",
        OperationResult::OutcomeUnknown | OperationResult::UnderWay | OperationResult::Unknown => {
            "record-words is-warn"
        }
        OperationResult::Failed | OperationResult::Refused | OperationResult::TimedOut => {
            "record-words is-crit"
        }
    };
    let glyph = result_glyph(&operation);
    let result = operation.result.words();
    view! {
        <section class="record" role="status" data-testid="signal-outcome" data-result=result>
            <header class="record-head">
                <Glyph name=glyph size=14 />
                <p class=class>{move || verdict(i18n, &operation)}</p>
            </header>
        </section>
    }
}
