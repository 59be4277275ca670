//! The course of an action in a dialog: asking, under way, ended or refused, and where it is kept.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos_router::components::A;
use protocol::Fault;
use protocol::ipc::OperationShow;
use protocol::operations::Operation;

use crate::components::{Button, ButtonKind, Glyph, GlyphName, TextInput};
use crate::format;
use crate::ipc;
use crate::state::{now_ms, use_app};
use crate::text::{lang, t_string, use_i18n};

/// How far an action has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Course {
    Asking,
    UnderWay { since_ms: i64 },
    Ended { operation: Arc<Operation>, at_ms: i64 },
    Refused(Fault),
}

impl Course {
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Course::UnderWay { .. })
    }

    /// Number of the entry in the log, if there is one.
    pub(crate) fn operation_id(&self) -> Option<u64> {
        match self {
            Course::Ended { operation, .. } => Some(operation.id),
            Course::Refused(fault) => fault.detail.operation,
            Course::Asking | Course::UnderWay { .. } => None,
        }
    }

    /// From the answer of the engine. A failure that was logged is shown as its entry, which has
    /// more to say than the fault.
    pub(crate) async fn from_answer(answer: Result<Operation, Fault>) -> Course {
        let fault = match answer {
            Ok(operation) => return Course::Ended { operation: Arc::new(operation), at_ms: now_ms() },
            Err(fault) => fault,
        };
        let Some(id) = fault.detail.operation else { return Course::Refused(fault) };
        match ipc::call(OperationShow { id }).await {
            Ok(operation) if operation.outcome.is_some() || operation.exit_code.is_some() => {
                Course::Ended { operation: Arc::new(operation), at_ms: now_ms() }
            }
            Ok(_) | Err(_) => Course::Refused(fault),
        }
    }
}

/// A button that counts the time since it was pressed.
#[component]
pub(crate) fn UnderWay(since_ms: i64, words: Callback<String, String>) -> impl IntoView {
    let i18n = use_i18n();
    let elapsed_ms = RwSignal::new(0u64);
    let tick = move || {
        elapsed_ms.try_set(u64::try_from(now_ms() - since_ms).unwrap_or(0));
    };
    let timer = set_interval_with_handle(tick, Duration::from_millis(100)).ok();
    on_cleanup(move || {
        if let Some(timer) = timer {
            timer.clear();
        }
    });
    let shown = move || {
        let ms = elapsed_ms.get();
        // Tenths from the start, so that the number does not change its unit.
        words.run(if ms < 100 { format::took(100, lang(i18n)) } else { format::took(ms, lang(i18n)) })
    };
    view! {
        <Button busy=Signal::stored(true) testid="service-busy">
            {shown}
        </Button>
    }
}

/// `Kept as operation 4183`, and the way out.
#[component]
pub(crate) fn KeptAs(id: Signal<Option<u64>>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let close = move || app.dialog.set(None);
    move || {
        id.get()
            .map(|id| {
                view! {
                    <span class="quiet">
                        {move || t_string!(i18n, services.kept_as)} " "
                        <span on:click=move |_| close()>
                            <A href=format!("/operations?id={id}") attr:class="link" attr:data-testid="service-operation">
                                {move || t_string!(i18n, services.operation_n, id = id)}
                            </A>
                        </span>
                    </span>
                    <span class="grow"></span>
                    <Button
                        kind=ButtonKind::Primary
                        testid="service-done"
                        on_click=Callback::new(move |()| close())
                    >
                        {move || t_string!(i18n, services.done)}
                    </Button>
                }
            })
    }
}

/// The host's name as the person types it; green and ticked once it is right.
#[component]
pub(crate) fn GuardInput(
    typed: RwSignal<String>,
    name: StoredValue<String>,
    disabled: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let is_right = move || typed.with(|typed| name.with_value(|name| typed == name));
    let is_wrong = move || {
        typed.with(|typed| name.with_value(|name| !typed.is_empty() && !name.starts_with(typed.as_str())))
    };
    view! {
        <span class="guard" class:is-right=is_right>
            <TextInput
                value=typed
                testid="service-typed-name"
                label=Signal::derive(move || t_string!(i18n, services.type_name).to_owned())
                invalid=Signal::derive(is_wrong)
                disabled
            />
            <Show when=is_right>
                <Glyph name=GlyphName::Done />
            </Show>
        </span>
    }
}
