//! The custom command: the one field that is a shell command, and that says so.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::hosts::{Host, Sudo};
use protocol::ipc::CommandRun;
use protocol::operations::{Operation, OperationResult};
use protocol::text::{printable, printable_lines};

use super::outcome::result_glyph;
use crate::components::{Button, ButtonKind, CopyButton, Dialog, Failed, Field, Glyph, Tag, TextInput};
use crate::format;
use crate::ipc;
use crate::operations::course::{Course, GuardInput, KeptAs, UnderWay};
use crate::operations::words::verdict;
use crate::state::{now_ms, use_app};
use crate::text::{lang, t_string, use_i18n};

const ID: &str = "run-command";

/// The form that runs a custom command, opened with `OpenDialog::Run`.
#[component]
pub(crate) fn RunDialog(host: String) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let course = RwSignal::new(Course::Asking);
    let saved: Option<Host> = untrack(|| app.row(&host)).map(|row| row.read_untracked().host.clone());
    let tags = saved.as_ref().map(|host| host.tags.clone()).unwrap_or_default();
    let beside = move || {
        let tag = |tag: &String| view! { <Tag text=printable(tag).into_owned() /> };
        tags.iter().map(tag).collect_view()
    };
    let shown = printable(&host).into_owned();
    let title = move || t_string!(i18n, services.title_custom, host = shown.clone());
    let foot = move || {
        view! { <KeptAs id=Signal::derive(move || course.with(Course::operation_id)) /> }
    };
    view! {
        <Dialog
            title=Signal::derive(title)
            beside=beside
            on_close=Callback::new(move |()| app.dialog.set(None))
            wide=true
            testid="run-dialog"
            foot=ViewFn::from(foot)
        >
            <div class="service-form">
                <CustomForm host saved course />
            </div>
        </Dialog>
    }
}

#[component]
pub(crate) fn CustomForm(host: String, saved: Option<Host>, course: RwSignal<Course>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let command = RwSignal::new(String::new());
    let typed = RwSignal::new(String::new());
    let is_guarded = saved.as_ref().is_some_and(Host::is_guarded);
    let has_sudo = saved.as_ref().is_some_and(|host| host.sudo != Sudo::None);
    let sudo = RwSignal::new(false);
    let user = saved.map(|host| host.user).filter(|user| !user.is_empty());
    let name = StoredValue::new(host.clone());
    let shown = StoredValue::new(printable(&host).into_owned());
    let is_over = move || course.with(|course| matches!(course, Course::Ended { .. }));
    let is_busy = Signal::derive(move || course.with(Course::is_under_way));
    let is_possible = move || {
        let is_name_typed = !is_guarded || typed.with(|typed| name.with_value(|name| typed == name));
        !command.with(|command| command.trim().is_empty()) && is_name_typed && !is_busy.get()
    };
    let run = move || {
        if !untrack(is_possible) {
            return;
        }
        course.set(Course::UnderWay { since_ms: now_ms() });
        let given = CommandRun {
            host: name.get_value(),
            command: command.get_untracked(),
            sudo: sudo.get_untracked(),
            typed_name: is_guarded.then(|| typed.get_untracked()),
        };
        spawn_local(async move {
            let ended = Course::from_answer(ipc::call(given).await).await;
            course.try_set(ended);
        });
    };
    let note = move || t_string!(i18n, services.custom_note, host = shown.get_value());
    let runs_as = move || {
        user.as_deref()
            .filter(|_| !sudo.get())
            .map(|user| t_string!(i18n, services.custom_runs_as, user = printable(user).into_owned()))
    };
    let button = move || match course.get() {
        Course::UnderWay { since_ms } => view! {
            <UnderWay
                since_ms
                words=Callback::new(move |elapsed: String| {
                    t_string!(i18n, services.doing_custom, elapsed = elapsed)
                })
            />
        }
        .into_any(),
        Course::Asking | Course::Refused(_) | Course::Ended { .. } => view! {
            <Button
                kind=ButtonKind::Primary
                testid="run-do"
                disabled=Signal::derive(move || !is_possible())
                on_click=Callback::new(move |()| run())
            >
                {move || match is_over() {
                    true => t_string!(i18n, services.run_again).to_owned(),
                    false => t_string!(i18n, services.custom_run, host = shown.get_value()),
                }}
            </Button>
        }
        .into_any(),
    };
    let record = move || match course.get() {
        Course::Ended { operation, .. } => view! { <RunRecord operation /> }.into_any(),
        Course::Refused(fault) => view! {
            <section class="record" data-testid="run-refused">
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
    view! {
        <form
            class="custom-form"
            on:submit=move |event| {
                event.prevent_default();
                run();
            }
        >
            <Field
                label=Signal::derive(move || t_string!(i18n, services.custom_label).to_owned())
                for_id=ID
                hint=Signal::derive(move || Some(note()))
            >
                <TextInput
                    value=command
                    id=ID
                    testid=ID
                    mono=true
                    first=true
                    placeholder=Signal::derive(move || t_string!(i18n, services.custom_hint).to_owned())
                    disabled=is_busy
                />
            </Field>
            <div class="service-go">
                {is_guarded
                    .then(|| {
                        view! {
                            <label class="service-guard">
                                <span>{move || t_string!(i18n, services.type_name)}</span>
                                <GuardInput typed name disabled=is_busy />
                            </label>
                        }
                    })}
                {has_sudo
                    .then(|| {
                        view! {
                            <label class="check-line">
                                <input
                                    type="checkbox"
                                    data-testid="run-sudo"
                                    prop:checked=move || sudo.get()
                                    on:change=move |event| sudo.set(event_target_checked(&event))
                                />
                                <span>{move || t_string!(i18n, services.custom_sudo)}</span>
                            </label>
                        }
                    })}
                <span class="dim cut">{runs_as}</span>
                <span class="grow"></span>
                <Show when=move || !is_over()>
                    <Button testid="run-cancel" on_click=Callback::new(move |()| app.dialog.set(None))>
                        {move || match is_busy.get() {
                            true => t_string!(i18n, services.close),
                            false => t_string!(i18n, services.cancel),
                        }}
                    </Button>
                </Show>
                {button}
            </div>
        </form>
        {record}
    }
}

/// Exit code, time, what it printed.
#[component]
fn RunRecord(operation: Arc<Operation>) -> impl IntoView {
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
    let words = {
        let operation = operation.clone();
        move || exit_words(i18n, &operation)
    };
    let took_ms = operation.took_ms;
    let took = move || took_ms.map(|ms| t_string!(i18n, services.took, took = format::took(ms, lang(i18n))));
    let is_silent = operation.output.trim().is_empty() && operation.errors.trim().is_empty();
    let glyph = result_glyph(&operation);
    view! {
        <section
            class="record"
            role="status"
            data-testid="run-exit"
            data-exit=operation.exit_code.map(|code| code.to_string())
            data-result=operation.result.words()
        >
            <header class="record-head">
                <Glyph name=glyph size=14 />
                <p class=class>{words}</p>
                <span class="grow"></span>
                <span class="quiet">{took}</span>
            </header>
            <Printed
                title=Signal::derive(move || t_string!(i18n, services.stdout).to_owned())
                text=operation.output.clone()
                testid="run-stdout"
            />
            <Printed
                title=Signal::derive(move || t_string!(i18n, services.stderr).to_owned())
                text=operation.errors.clone()
                testid="run-stderr"
            />
            {is_silent
                .then(|| view! { <p class="dim">{move || t_string!(i18n, services.printed_nothing)}</p> })}
        </section>
    }
}

/// How a command ended, in words.
fn exit_words(i18n: crate::text::I18n, operation: &Operation) -> String {
    match (operation.result, operation.exit_code) {
        (OperationResult::TimedOut, _) => t_string!(i18n, services.exit_timed_out).to_owned(),
        (_, Some(0)) => t_string!(i18n, services.exit_ok).to_owned(),
        (_, Some(code)) => t_string!(i18n, services.exit_code, code = code),
        (_, None) if operation.summary.is_empty() => t_string!(i18n, services.exit_unknown).to_owned(),
        (_, None) => verdict(i18n, operation),
    }
}

/// What was printed on one stream, with its lines counted; nothing for an empty one.
#[component]
pub(crate) fn Printed(
    #[prop(into)] title: Signal<String>,
    text: String,
    testid: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    let text = text.trim_end_matches('\n').to_owned();
    (!text.trim().is_empty()).then(|| {
        let lines = text.lines().count() as u64;
        let shown = printable_lines(&text).into_owned();
        view! {
            <div class="printed">
                <div class="printed-head">
                    <h3>{move || title.get()}</h3>
                    <span class="quiet">{move || t_string!(i18n, services.lines, count = lines)}</span>
                    <span class="grow"></span>
                    <CopyButton text=Signal::stored(text) />
                </div>
                <pre class="block mono selectable" data-testid=testid>{shown}</pre>
            </div>
        }
    })
}
