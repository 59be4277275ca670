//! What lies on the host for Muster, with the one button that takes it away again.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::hosts::Host;
use protocol::ipc::{HelperRemove, HelperStatusShow};
use protocol::link::{HelperFile, HelperStatus};
use protocol::text::printable;

use crate::components::load::Load;
use crate::components::{Button, ButtonKind, Dialog, Failed};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::use_host;
use crate::ipc;
use crate::operations::course::{Course, GuardInput, KeptAs, UnderWay};
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
    let app = use_app();
    let i18n = use_i18n();
    let course = RwSignal::new(Course::Asking);
    let typed = RwSignal::new(String::new());
    let is_guarded =
        untrack(|| app.row(&host)).is_some_and(|row| Host::is_guarded(&row.read_untracked().host));
    let shown = StoredValue::new(printable(&host).into_owned());
    let host = StoredValue::new(host);
    let busy = Signal::derive(move || course.with(Course::is_under_way));
    let is_over = move || course.with(|course| matches!(course, Course::Ended { .. }));
    let is_possible =
        move || !busy.get() && (!is_guarded || typed.with(|typed| host.with_value(|host| typed == host)));
    let remove = move |()| {
        if !untrack(is_possible) {
            return;
        }
        course.set(Course::UnderWay { since_ms: now_ms() });
        let typed_name = is_guarded.then(|| typed.get_untracked());
        let given = HelperRemove { host: host.get_value(), typed_name };
        spawn_local(async move {
            let ended = Course::from_answer(ipc::call(given).await).await;
            course.try_set(ended);
        });
    };
    let record = move || match course.get() {
        Course::Ended { operation, .. } => {
            let result = operation.result.words();
            view! {
                <p role="status" data-testid="helper-removed" data-result=result>
                    {move || verdict(i18n, &operation)}
                </p>
            }
            .into_any()
        }
        Course::Refused(fault) => view! { <Failed fault=Signal::stored(fault) bare=true /> }.into_any(),
        Course::Asking | Course::UnderWay { .. } => ().into_any(),
    };
    let foot = move || {
        let button = move || match course.get() {
            Course::UnderWay { since_ms } => view! {
                <UnderWay
                    since_ms
                    words=Callback::new(move |elapsed: String| {
                        t_string!(i18n, overview.left_removing, elapsed = elapsed)
                    })
                />
            }
            .into_any(),
            Course::Ended { .. } => ().into_any(),
            Course::Asking | Course::Refused(_) => view! {
                <Button
                    kind=ButtonKind::Danger
                    testid="helper-remove-do"
                    disabled=Signal::derive(move || !is_possible())
                    on_click=Callback::new(remove)
                >
                    {move || t_string!(i18n, overview.left_remove_do)}
                </Button>
            }
            .into_any(),
        };
        view! {
            <KeptAs id=Signal::derive(move || course.with(Course::operation_id)) />
            <Show when=move || course.with(|course| course.operation_id().is_none())>
                <span class="grow"></span>
                <Button
                    testid="helper-remove-cancel"
                    disabled=busy
                    on_click=Callback::new(move |()| app.dialog.set(None))
                >
                    {move || t_string!(i18n, app.cancel)}
                </Button>
            </Show>
            {button}
        }
    };
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, overview.left_remove_title, host = shown.get_value()))
            on_close=Callback::new(move |()| app.dialog.set(None))
            held=busy
            testid="helper-remove"
            foot=ViewFn::from(foot)
        >
            <div class="service-form">
                <Show when=move || !is_over()>
                    <p class="quiet">{move || t_string!(i18n, overview.left_remove_text)}</p>
                    {is_guarded
                        .then(|| {
                            view! {
                                <label class="service-guard">
                                    <span>{move || t_string!(i18n, services.type_name)}</span>
                                    <GuardInput typed name=host disabled=busy />
                                </label>
                            }
                        })}
                </Show>
                {record}
            </div>
        </Dialog>
    }
}
