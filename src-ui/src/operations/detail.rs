//! The record at the right: who, when, what exactly, what came of it.

use leptos::prelude::*;
use protocol::operations::{Operation, OperationKind, Privilege};
use protocol::services::Outcome;
use protocol::text::{printable, printable_lines};

use super::comments::Comments;
use super::desk::Desk;
use super::marked::{found_in, marked};
use super::words::{action, kind_words, title, verdict};
use crate::components::{Button, ButtonKind, Glyph, IconName, KeyCap, Tag};
use crate::format::{self, NOT_KNOWN};
use crate::services::custom::Printed;
use crate::services::dialog::CommandBlock;
use crate::services::outcome::{BeforeAfter, Journal, OutcomeLine, result_glyph};
use crate::state::{OpenDialog, use_app, zone_min};
use crate::text::{I18n, fault_next, lang, says_little, t_string, use_i18n};

#[component]
pub(crate) fn OperationDetail(desk: Desk) -> impl IntoView {
    let i18n = use_i18n();
    let shown = Memo::new(move |_| {
        let id = desk.chosen.get()?;
        // The read mark is no part of the record: it must not draw it anew.
        desk.inbox.with(|inbox| inbox.get(id).cloned().map(|operation| Operation { read: None, ..operation }))
    });
    move || match shown.get() {
        Some(operation) => view! { <Detail desk operation /> }.into_any(),
        None => view! {
            <section class="operations-detail is-empty" data-testid="operations-detail">
                <p class="dim">{move || t_string!(i18n, operations.none_open)}</p>
            </section>
        }
        .into_any(),
    }
}

#[component]
fn Detail(desk: Desk, operation: Operation) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let id = operation.id;
    let is_bad = operation.result.is_bad();
    let glyph = result_glyph(&operation);
    let tags = operation.host.as_ref().filter(|host| host.guarded).map(|_| view! { <Tag text="prod" /> });
    let again = again(app, &operation);
    let unit = printable(&operation.target).into_owned();
    let failed = matches!(operation.outcome, Some(Outcome::Failed | Outcome::KeepsCrashing));
    let change = operation.before.clone().zip(operation.after.clone());
    let fault = operation.fault();
    // The window's words for a fault are about all of its kind. What was written then is about this one.
    let reported = fault
        .as_ref()
        .filter(|fault| !says_little(fault.code) && !fault.message.is_empty())
        .map(|fault| printable_lines(&fault.message).into_owned());
    let has_course = operation.outcome.is_some() && operation.moments.len() > 1;
    let operation = StoredValue::new(operation);
    let comments = operation.with_value(|operation| operation.comments.clone());
    let found = move || {
        let found = desk.found.with(|found| found.get(&id).cloned()).unwrap_or_default();
        let lines = operation.with_value(|operation| found_in(operation, &found));
        (!lines.is_empty()).then(|| {
            let line = |(_, pieces)| view! { <p>{marked(pieces, false)}</p> };
            view! {
                <h3>{move || t_string!(i18n, operations.found)}</h3>
                <div class="block mono selectable" data-testid="operations-found">
                    {lines.into_iter().map(line).collect_view()}
                </div>
            }
        })
    };
    let facts = move || operation.with_value(|operation| facts(i18n, operation));
    view! {
        <section class="operations-detail" data-testid="operations-detail" data-operation=id.to_string()>
            <header class="detail-head">
                <div class="detail-title">
                    <Glyph name=glyph size=14 />
                    <h2 class="cut selectable">{move || operation.with_value(|o| title(i18n, o))}</h2>
                    {tags}
                    <span class="grow"></span>
                    <Button
                        kind=ButtonKind::Ghost
                        small=true
                        icon=IconName::Down
                        label=Signal::derive(move || t_string!(i18n, operations.previous).to_owned())
                        testid="operations-previous"
                        on_click=Callback::new(move |()| desk.step(-1))
                    />
                    <Button
                        kind=ButtonKind::Ghost
                        small=true
                        icon=IconName::Down
                        label=Signal::derive(move || t_string!(i18n, operations.next).to_owned())
                        testid="operations-next"
                        on_click=Callback::new(move |()| desk.step(1))
                    />
                </div>
                <p class="detail-verdict selectable" class:is-crit=is_bad data-testid="operations-verdict">
                    {move || operation.with_value(|o| verdict(i18n, o))}
                </p>
                {fault
                    .map(|fault| {
                        view! {
                            <p class="detail-verdict quiet selectable" data-testid="operations-next-step">
                                {move || fault_next(i18n, &fault)}
                            </p>
                        }
                    })}
                <dl class="detail-facts selectable">
                    {move || {
                        facts()
                            .into_iter()
                            .map(|(id, label, value, is_bad)| {
                                view! {
                                    <dt>{label}</dt>
                                    <dd class:is-crit=is_bad class:strong=is_bad data-testid=format!("operations-{id}")>
                                        {value}
                                    </dd>
                                }
                            })
                            .collect_view()
                    }}
                </dl>
            </header>
            <div class="detail-body">
                {found}
                {reported
                    .map(|words| {
                        view! {
                            <h3>{move || t_string!(i18n, operations.reported)}</h3>
                            <p class="block selectable" data-testid="operations-reported">{words}</p>
                        }
                    })}
                <h3>{move || t_string!(i18n, operations.command)}</h3>
                {operation
                    .with_value(|operation| match operation.command.is_empty() {
                        true => {
                            view! { <p class="dim">{move || t_string!(i18n, operations.not_run)}</p> }.into_any()
                        }
                        false => view! { <CommandBlock command=operation.command.clone() /> }.into_any(),
                    })}
                {has_course
                    .then(|| {
                        operation.with_value(|operation| {
                            view! {
                                <h3>{move || t_string!(i18n, operations.course)}</h3>
                                <OutcomeLine
                                    moments=operation.moments.clone()
                                    took_ms=operation.took_ms.unwrap_or_default()
                                    outcome=operation.outcome.unwrap_or(Outcome::Unknown)
                                />
                            }
                        })
                    })}
                {change
                    .map(|(before, after)| {
                        view! {
                            <h3>{move || t_string!(i18n, operations.change)}</h3>
                            <BeforeAfter before after />
                        }
                    })}
                {operation
                    .with_value(|operation| {
                        (!operation.journal.is_empty())
                            .then(|| {
                                view! {
                                    <h3>{move || t_string!(i18n, operations.journal, unit = unit.clone())}</h3>
                                    <Journal lines=operation.journal.clone() failed />
                                }
                            })
                    })}
                <Printed
                    title=Signal::derive(move || t_string!(i18n, operations.output).to_owned())
                    text=operation.with_value(|o| o.output.clone())
                    testid="operations-output"
                />
                <Printed
                    title=Signal::derive(move || t_string!(i18n, operations.errors).to_owned())
                    text=operation.with_value(|o| o.errors.clone())
                    testid="operations-errors"
                />
                <Comments desk id comments />
            </div>
            <footer class="detail-foot">
                {again}
                <span class="grow"></span>
                <Button
                    kind=ButtonKind::Ghost
                    testid="operations-mark-unread"
                    on_click=Callback::new(move |()| desk.mark_unread(id))
                >
                    {move || t_string!(i18n, operations.mark_unread)} " " <KeyCap key="U" />
                </Button>
            </footer>
        </section>
    }
}

/// Facts in two columns: name for tests, label, value, whether it is bad.
fn facts(i18n: I18n, operation: &Operation) -> Vec<(&'static str, &'static str, String, bool)> {
    let tongue = lang(i18n);
    let exit = operation.exit_code.map_or_else(|| NOT_KNOWN.to_owned(), |code| code.to_string());
    let took = operation.took_ms.map_or_else(|| NOT_KNOWN.to_owned(), |ms| format::took(ms, tongue));
    let started = format::date_time(operation.started_ms, zone_min(operation.started_ms), tongue);
    let mut facts = vec![
        (
            "operator",
            t_string!(i18n, operations.operator),
            printable(&operation.operator).into_owned(),
            false,
        ),
        (
            "exit",
            t_string!(i18n, operations.exit_code),
            exit,
            operation.exit_code.is_some_and(|code| code != 0),
        ),
        ("started", t_string!(i18n, operations.started), started, false),
        ("took", t_string!(i18n, operations.took), took, false),
        ("kind-is", t_string!(i18n, operations.kind), kind_words(i18n, operation.kind).to_owned(), false),
        ("number", t_string!(i18n, operations.number), operation.id.to_string(), false),
    ];
    if operation.custom {
        facts.push((
            "custom",
            t_string!(i18n, operations.written_by),
            t_string!(i18n, operations.by_person).to_owned(),
            false,
        ));
    }
    let rights = match operation.privilege {
        Some(Privilege::User) => Some(t_string!(i18n, operations.as_user)),
        Some(Privilege::Sudo) => Some(t_string!(i18n, operations.as_sudo)),
        Some(Privilege::Unknown) | None => None,
    };
    if let Some(rights) = rights {
        facts.push(("rights", t_string!(i18n, operations.rights), rights.to_owned(), false));
    }
    for (name, full) in [("output-bytes", operation.output_bytes), ("errors-bytes", operation.errors_bytes)] {
        if let Some(full) = full {
            facts.push((name, t_string!(i18n, operations.full_size), format::bytes(full), false));
        }
    }
    if let Some(host) = &operation.host {
        let address = match host.address.is_empty() {
            true => printable(&host.name).into_owned(),
            false => printable(&protocol::sockets::endpoint(&host.address, host.port)).into_owned(),
        };
        facts.push(("address", t_string!(i18n, operations.address), address, false));
    }
    facts
}

/// The button that opens the form for the same again, where the host is still saved.
fn again(app: crate::state::App, operation: &Operation) -> Option<AnyView> {
    let i18n = use_i18n();
    let host = operation.host.as_ref().map(|host| host.name.clone())?;
    untrack(|| app.row(&host))?;
    let (unit, kind) = (operation.target.clone(), operation.kind);
    let dialog = match (action(kind), kind) {
        (Some(action), _) => OpenDialog::Service { host, unit: Some(unit), action },
        (None, OperationKind::Command) => OpenDialog::Run {
            host,
            // A field of one line would make another command of one with several.
            command: Some(operation.target.clone()).filter(|text| operation.custom && !text.contains('\n')),
            sudo: operation.privilege == Some(Privilege::Sudo),
        },
        (None, _) => return None,
    };
    let words = move || match kind {
        OperationKind::ServiceStart => t_string!(i18n, operations.again_start),
        OperationKind::ServiceStop => t_string!(i18n, operations.again_stop),
        OperationKind::ServiceReload => t_string!(i18n, operations.again_reload),
        OperationKind::ServiceEnable => t_string!(i18n, operations.again_enable),
        OperationKind::ServiceDisable => t_string!(i18n, operations.again_disable),
        OperationKind::Command => t_string!(i18n, operations.again_command),
        _ => t_string!(i18n, operations.again_restart),
    };
    let open = Callback::new(move |()| app.dialog.set(Some(dialog.clone())));
    Some(view! { <Button testid="operations-again" on_click=open>{words}</Button> }.into_any())
}
