//! The form that sends a signal to one process, and what came of it.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::ipc::SignalSend;
use protocol::operations::Operation;
use protocol::processes::Signal as Sent;
use protocol::text::printable;

use crate::components::{
    ActionDialog, ActionLine, ActionRecord, ButtonKind, Choice, Segmented, Target, begin,
};
use crate::ipc;
use crate::operations::course::Course;
use crate::operations::words::verdict;
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

/// The signals to choose from, by the names that are theirs in every language.
fn choices() -> Vec<Choice<Sent>> {
    OFFERED.map(|(signal, testid)| Choice::new(signal, testid, move || signal.name().to_owned())).to_vec()
}

/// The form, opened with `OpenDialog::Signal`.
#[component]
pub(crate) fn SignalDialog(host: String, pid: u32, start_ticks: u64, name: String) -> impl IntoView {
    let i18n = use_i18n();
    let course = RwSignal::new(Course::Asking);
    let signal = RwSignal::new(Sent::Term);
    let target = Target::of(host);
    let shown_name = StoredValue::new(printable(&name).into_owned());
    let name = StoredValue::new(name);
    let send = move |()| {
        begin(
            course,
            ipc::call(SignalSend {
                host: target.name.get_value(),
                pid,
                start_ticks,
                name: name.get_value(),
                signal: signal.get_untracked(),
                typed_name: target.typed_name(),
            }),
        );
    };
    let title = move || {
        let (name, host) = (shown_name.get_value(), target.shown());
        t_string!(i18n, processes.signal_title, name = name, pid = pid, host = host)
    };
    view! {
        <ActionDialog title=Signal::derive(title) target course testid="signal-dialog">
            <SignalChoice
                signal
                held=Signal::derive(move || course.with(Course::is_under_way))
                has_sudo=target.has_sudo
            />
            <ActionLine
                target
                course
                kind=ButtonKind::Primary
                words=Signal::derive(move || {
                    t_string!(i18n, processes.send, signal = signal.get().name(), pid = pid)
                })
                doing=Callback::new(move |elapsed: String| {
                    t_string!(i18n, processes.looking, elapsed = elapsed)
                })
                possible=true
                again=true
                do_testid="signal-do"
                cancel_testid="signal-cancel"
                refused_testid="signal-refused"
                on_act=Callback::new(send)
                record=Callback::new(move |operation: Arc<Operation>| {
                    let told = operation.clone();
                    view! {
                        <ActionRecord
                            operation
                            words=Signal::derive(move || verdict(i18n, &told))
                            testid="signal-outcome"
                        />
                    }
                    .into_any()
                })
            />
        </ActionDialog>
    }
}

/// Which signal, what it means, and to whom it goes.
#[component]
pub(super) fn SignalChoice(
    signal: RwSignal<Sent>,
    /// While true another one cannot be chosen.
    #[prop(optional, into)]
    held: Signal<bool>,
    has_sudo: bool,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Segmented
            choices=choices()
            value=signal
            on_change=Callback::new(move |chosen| {
                if !held.get_untracked() {
                    signal.set(chosen);
                }
            })
            label=Signal::derive(move || t_string!(i18n, processes.which_signal).to_owned())
        />
        <p class="quiet" data-testid="signal-meaning">
            {move || meaning(i18n, signal.get())}
            " "
            {move || has_sudo.then(|| t_string!(i18n, processes.with_sudo))}
        </p>
        <p class="dim">{move || t_string!(i18n, processes.same_process)}</p>
    }
}
