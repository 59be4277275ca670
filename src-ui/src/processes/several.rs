//! One signal to several processes: what the bar offers, and the form.

use leptos::prelude::*;
use protocol::ipc::SignalSend;
use protocol::processes::Signal as Sent;

use super::order::{self, Row};
use super::signal::SignalChoice;
use crate::components::{Button, ButtonKind, SeveralDialog, Target};
use crate::hosts::use_host;
use crate::ipc;
use crate::state::{OpenDialog, use_app};
use crate::text::{t_string, use_i18n};

/// A process that a signal is meant for; the start time tells it from a later one with its PID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addressee {
    pub(crate) pid: u32,
    pub(crate) start_ticks: u64,
    pub(crate) name: String,
}

/// The button for the processes that are chosen. `chosen` tracks them.
#[component]
pub(super) fn SignalThem(#[prop(into)] chosen: Signal<Vec<Row>>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let is_live = host.is_live();
    let send = move |()| {
        let rows = chosen.get_untracked();
        let count = rows.len();
        let processes: Vec<Addressee> = rows
            .into_iter()
            .map(|row| row.process.clone())
            .filter(order::takes_signals)
            .map(|process| Addressee {
                pid: process.pid,
                start_ticks: process.start_ticks,
                name: process.name,
            })
            .collect();
        let left_out = count - processes.len();
        app.dialog.set(Some(OpenDialog::Signals { host: host.name.get_untracked(), processes, left_out }));
    };
    let can_none = move || chosen.with(|rows| !rows.iter().any(|row| order::takes_signals(&row.process)));
    view! {
        <Button
            testid="chosen-signal"
            disabled=Signal::derive(move || !is_live.get() || can_none())
            on_click=Callback::new(send)
        >
            {move || t_string!(i18n, processes.signal)}
        </Button>
    }
}

/// The form, opened with `OpenDialog::Signals`.
#[component]
pub(crate) fn SignalsDialog(host: String, processes: Vec<Addressee>, left_out: usize) -> impl IntoView {
    let i18n = use_i18n();
    let target = Target::of(host);
    let signal = RwSignal::new(Sent::Term);
    let count = processes.len() as u64;
    let left_out = left_out as u64;
    let names = processes.iter().map(|one| order::name_and_pid(&one.name, one.pid)).collect();
    let processes = StoredValue::new(processes);
    let confirm = move || {
        let (host, signal, typed_name) =
            (target.name.get_value(), signal.get_untracked(), target.typed_name());
        let processes = processes.get_value();
        move |at: usize| {
            let one = processes.get(at).cloned();
            let (host, typed_name) = (host.clone(), typed_name.clone());
            async move {
                // The places are those of the names, so it is always there.
                let Some(Addressee { pid, start_ticks, name }) = one else {
                    return Err(protocol::Fault::new(protocol::FaultCode::ProcessGone, "no such process"));
                };
                ipc::call(SignalSend { host, pid, start_ticks, name, signal, typed_name }).await
            }
        }
    };
    view! {
        <SeveralDialog
            title=Signal::derive(move || {
                t_string!(i18n, processes.signals_title, count = count, host = target.shown())
            })
            target
            names
            kind=ButtonKind::Primary
            words=Signal::derive(move || {
                t_string!(i18n, processes.send_several, count = count, signal = signal.get().name())
            })
            testid="signals-dialog"
            do_testid="signals-do"
            confirm
        >
            <SignalChoice signal has_sudo=target.has_sudo />
            {move || {
                (left_out > 0)
                    .then(|| {
                        view! {
                            <p class="is-warn" data-testid="signals-left-out">
                                {t_string!(i18n, processes.signals_left_out, count = left_out)}
                            </p>
                        }
                    })
            }}
        </SeveralDialog>
    }
}
