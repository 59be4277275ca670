//! What lies on the host for Muster, with the one button that takes it away again.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{HelperRemove, HelperStatusShow};
use protocol::link::{HelperFile, HelperStatus};
use protocol::operations::Operation;
use protocol::text::printable;

use crate::components::load::Load;
use crate::components::{ActionDialog, ActionLine, ActionRecord, Button, ButtonKind, Target, begin};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::use_host;
use crate::ipc;
use crate::operations::course::Course;
use crate::operations::words::verdict;
use crate::state::{OpenDialog, now_ms, use_app, zone_min};
use crate::text::{I18n, fault_title, lang, t_string, use_i18n};

/// Characters of a digest that are enough to compare by eye; the whole is in its title.
const DIGEST_SHOWN: usize = 12;

/// The section of the facts; asked for once each time the host comes up.
#[component]
pub(crate) fn LeftOnHost() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let live = host.is_live();
    let status = RwSignal::new(Load::<HelperStatus>::Loading);
    Effect::new(move |_| {
        if !live.get() {
            return;
        }
        let host = host.name.get_untracked();
        spawn_local(async move {
            status.try_set(match ipc::call(HelperStatusShow { host }).await {
                Ok(known) => Load::Ready(known),
                Err(fault) => Load::Failed(fault),
            });
        });
    });
    let has_files =
        move || status.with(|status| status.value().is_some_and(|status| !status.files.is_empty()));
    let body = move || {
        status.with(|status| match status {
            Load::Loading => view! { <p class="facts-none dim">{NOT_KNOWN}</p> }.into_any(),
            Load::Failed(fault) => {
                view! { <p class="facts-none is-warn">{fault_title(i18n, fault)}</p> }.into_any()
            }
            Load::Ready(status) if status.from_memory => {
                view! { <p class="facts-none dim">{t_string!(i18n, overview.left_memory)}</p> }.into_any()
            }
            Load::Ready(status) if status.files.is_empty() => {
                view! { <p class="facts-none dim">{t_string!(i18n, overview.left_nothing)}</p> }.into_any()
            }
            Load::Ready(status) => {
                status.files.iter().map(|file| file_lines(i18n, file)).collect_view().into_any()
            }
        })
    };
    view! {
        <section data-testid="overview-left">
            <div class="facts-head">
                <h2>{move || t_string!(i18n, overview.left)}</h2>
                <Show when=move || has_files() && live.get()>
                    <Button
                        kind=ButtonKind::Link
                        testid="overview-left-remove"
                        on_click=Callback::new(move |()| {
                            app.dialog.set(Some(OpenDialog::HelperRemove { host: host.name.get_untracked() }));
                        })
                    >
                        {move || t_string!(i18n, overview.left_remove)}
                    </Button>
                </Show>
            </div>
            <div class="facts-left selectable">{body}</div>
        </section>
    }
}

fn file_lines(i18n: I18n, file: &HelperFile) -> impl IntoView + use<> {
    let path = printable(&file.path).into_owned();
    let size = format::bytes(file.bytes);
    let digest = file.sha256.as_deref().map(|digest| printable(digest).into_owned());
    let short = digest.as_deref().map(|digest| {
        let short: String = digest.chars().take(DIGEST_SHOWN).collect();
        format!("sha256 {short}\u{2026}")
    });
    let since = file.since_ms.map(|at_ms| {
        let when = format::moment(at_ms, now_ms(), zone_min(at_ms), lang(i18n));
        t_string!(i18n, overview.left_since, when = when)
    });
    let old = (!file.current).then(|| t_string!(i18n, overview.left_other_version));
    view! {
        <p class="mono cut" title=path.clone()>{path.clone()}</p>
        <p class="dim" title=digest>
            {[Some(size), since, short].into_iter().flatten().collect::<Vec<_>>().join(", ")}
            {old.map(|old| format!(", {old}"))}
        </p>
    }
}

/// The question before all of it is taken away, opened with `OpenDialog::HelperRemove`.
#[component]
pub(crate) fn HelperRemoveDialog(host: String) -> impl IntoView {
    let i18n = use_i18n();
    let course = RwSignal::new(Course::Asking);
    let target = Target::of(host);
    let is_over = move || course.with(|course| matches!(course, Course::Ended { .. }));
    let remove = move |()| {
        let given = HelperRemove { host: target.name.get_value(), typed_name: target.typed_name() };
        begin(course, ipc::call(given));
    };
    view! {
        <ActionDialog
            title=Signal::derive(move || t_string!(i18n, overview.left_remove_title, host = target.shown()))
            target
            course
            held=Signal::derive(move || course.with(Course::is_under_way))
            testid="helper-remove"
        >
            <Show when=move || !is_over()>
                <p class="quiet">{move || t_string!(i18n, overview.left_remove_text)}</p>
            </Show>
            <ActionLine
                target
                course
                kind=ButtonKind::Danger
                words=Signal::derive(move || t_string!(i18n, overview.left_remove_do).to_owned())
                doing=Callback::new(move |elapsed: String| {
                    t_string!(i18n, overview.left_removing, elapsed = elapsed)
                })
                possible=true
                do_testid="helper-remove-do"
                cancel_testid="helper-remove-cancel"
                refused_testid="helper-remove-refused"
                on_act=Callback::new(remove)
                record=Callback::new(move |operation: Arc<Operation>| {
                    let told = operation.clone();
                    view! {
                        <ActionRecord
                            operation
                            words=Signal::derive(move || verdict(i18n, &told))
                            testid="helper-removed"
                        />
                    }
                    .into_any()
                })
            />
        </ActionDialog>
    }
}
