//! The custom command: the one field that is a shell command, and that says so.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::ipc::CommandRun;
use protocol::operations::{Operation, OperationResult};
use protocol::text::{printable, printable_lines};

use crate::components::{
    ActionDialog, ActionLine, ActionRecord, ButtonKind, Checkbox, CopyButton, Field, Target, TextInput, begin,
};
use crate::format;
use crate::ipc;
use crate::operations::course::Course;
use crate::operations::words::verdict;
use crate::text::{lang, t_string, use_i18n};

const ID: &str = "run-command";

/// The form that runs a custom command, opened with `OpenDialog::Run`.
#[component]
pub(crate) fn RunDialog(host: String, before: (String, bool)) -> impl IntoView {
    let i18n = use_i18n();
    let course = RwSignal::new(Course::Asking);
    let target = Target::of(host);
    let title = move || t_string!(i18n, services.title_custom, host = target.shown());
    view! {
        <ActionDialog title=Signal::derive(title) target course testid="run-dialog">
            <CustomForm target course before />
        </ActionDialog>
    }
}

#[component]
pub(crate) fn CustomForm(
    target: Target,
    course: RwSignal<Course>,
    /// The command that the field begins with, and whether it is run with sudo.
    before: (String, bool),
) -> impl IntoView {
    let i18n = use_i18n();
    let command = RwSignal::new(before.0);
    let sudo = RwSignal::new(before.1 && target.has_sudo);
    let is_busy = Signal::derive(move || course.with(Course::is_under_way));
    let is_over = move || course.with(|course| matches!(course, Course::Ended { .. }));
    let possible = Signal::derive(move || !command.with(|command| command.trim().is_empty()));
    let run = move |()| {
        begin(
            course,
            ipc::call(CommandRun {
                host: target.name.get_value(),
                command: command.get_untracked(),
                sudo: sudo.get_untracked(),
                typed_name: target.typed_name(),
            }),
        );
    };
    let note = move || t_string!(i18n, services.custom_note, host = target.shown());
    let runs_as = move || {
        let user = target.user().filter(|_| !sudo.get())?;
        Some(t_string!(i18n, services.custom_runs_as, user = printable(&user).into_owned()))
    };
    let sudo_box = move || {
        target.has_sudo.then(|| {
            view! {
                <Checkbox
                    label=Signal::derive(move || t_string!(i18n, services.custom_sudo).to_owned())
                    testid="run-sudo"
                    on=sudo
                    on_change=Callback::new(move |on| sudo.set(on))
                />
            }
        })
    };
    let key = Callback::new(move |event: leptos::ev::KeyboardEvent| {
        let may = untrack(|| possible.get() && target.is_free() && !is_busy.get());
        if event.key() == "Enter" && may {
            event.prevent_default();
            run(());
        }
    });
    view! {
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
                on_key=key
            />
        </Field>
        <ActionLine
            target
            course
            kind=ButtonKind::Primary
            words=Signal::derive(move || match is_over() {
                true => t_string!(i18n, services.run_again).to_owned(),
                false => t_string!(i18n, services.custom_run, host = target.shown()),
            })
            doing=Callback::new(move |elapsed: String| {
                t_string!(i18n, services.doing_custom, elapsed = elapsed)
            })
            possible
            again=true
            do_testid="run-do"
            cancel_testid="run-cancel"
            refused_testid="run-refused"
            on_act=Callback::new(run)
            record=Callback::new(move |operation| view! { <RunRecord operation /> }.into_any())
        >
            {sudo_box()}
            <span class="dim cut">{runs_as}</span>
        </ActionLine>
    }
}

/// Exit code, time, what it printed.
#[component]
fn RunRecord(operation: Arc<Operation>) -> impl IntoView {
    let i18n = use_i18n();
    let words = {
        let operation = operation.clone();
        Signal::derive(move || exit_words(i18n, &operation))
    };
    let took_ms = operation.took_ms;
    let took = move || took_ms.map(|ms| t_string!(i18n, services.took, took = format::took(ms, lang(i18n))));
    let is_silent = operation.output.trim().is_empty() && operation.errors.trim().is_empty();
    let (output, errors) = (operation.output.clone(), operation.errors.clone());
    view! {
        <ActionRecord operation words beside=Signal::derive(took) testid="run-exit">
            <Printed
                title=Signal::derive(move || t_string!(i18n, services.stdout).to_owned())
                text=output
                testid="run-stdout"
            />
            <Printed
                title=Signal::derive(move || t_string!(i18n, services.stderr).to_owned())
                text=errors
                testid="run-stderr"
            />
            {is_silent
                .then(|| view! { <p class="dim">{move || t_string!(i18n, services.printed_nothing)}</p> })}
        </ActionRecord>
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
