//! Several rows of a host's table at once: the bar that offers what can be done to them, and the dialog
//! that does it, one after the other.
//!
//! Each goes by the command that acts on one row, is an operation of its own in the log, and says for
//! itself what came of it. The guard is opened once. What was confirmed is carried out also when the dialog is
//! gone, taken away by a lock or by what lies over it; then a notice tells how it ended.

use std::future::Future;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use protocol::Fault;
use protocol::operations::{Operation, OperationResult};

use super::series::{Halt, Series, Step, refuses_all};
use super::{Button, ButtonKind, Dialog, Glyph, GlyphName, KeyCap, Target};
use crate::operations::course::{Course, GuardInput};
use crate::operations::words::verdict;
use crate::services::outcome::result_glyph;
use crate::state::{App, SeriesEnd, use_app};
use crate::text::{I18n, fault_text, t_string, use_i18n};
use crate::trust::Marks;

/// In the place of a page's own controls, so that nothing below moves when a selection begins.
#[component]
pub(crate) fn ChosenBar(
    /// Name for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    /// `3 rows chosen`.
    #[prop(into)]
    words: Signal<String>,
    on_clear: Callback<()>,
    /// What can be done to them.
    children: Children,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="chosen-bar" role="toolbar" data-testid="chosen-bar" aria-label=move || label.get()>
            <span class="strong" data-testid="chosen-count">{move || words.get()}</span>
            {children()}
            <Button kind=ButtonKind::Ghost testid="chosen-clear" on_click=on_clear>
                {move || t_string!(i18n, app.clear)} " " <KeyCap key="Esc" />
            </Button>
        </div>
    }
}

/// What is known of one row before it is acted on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RowNote {
    /// Lines, safe to show.
    pub(crate) words: String,
    /// It says that something is not known.
    pub(crate) is_doubtful: bool,
}

/// The form: what will be done to what, the guard, and for each what came of it.
#[component]
pub(crate) fn SeveralDialog<F, G, A>(
    #[prop(into)] title: Signal<String>,
    target: Target,
    /// What each is called, safe to show.
    names: Vec<String>,
    /// What is known of each before; empty for nothing.
    #[prop(optional, into)]
    notes: Signal<Vec<RowNote>>,
    /// While true what a person must know before is still on its way, and nothing can begin.
    #[prop(optional, into)]
    asking: Signal<bool>,
    kind: ButtonKind,
    /// What the button says.
    #[prop(into)]
    words: Signal<String>,
    testid: &'static str,
    do_testid: &'static str,
    /// Gives what acts on one of them, by its place among the names. It is called when all is confirmed, and
    /// what it gives outlives the dialog.
    confirm: F,
    /// Above the list: what can be chosen, which is gone once it has begun.
    #[prop(optional)]
    children: Option<ChildrenFn>,
) -> impl IntoView
where
    F: Fn() -> G + Copy + Send + Sync + 'static,
    G: Fn(usize) -> A + 'static,
    A: Future<Output = Result<Operation, Fault>> + 'static,
{
    let app = use_app();
    let i18n = use_i18n();
    let count = names.len();
    let progress = ArcRwSignal::new(Series::<Course>::of(count));
    let series = RwSignal::from(progress.clone());
    let progress = StoredValue::new(progress);
    let has_begun = Memo::new(move |_| series.with(Series::has_begun));
    let is_over = Memo::new(move |_| series.with(Series::is_over));
    let is_called_off = Memo::new(move |_| series.with(|series| series.halt() == Some(Halt::CalledOff)));
    let is_running = Memo::new(move |_| has_begun.get() && !is_over.get());
    let may = move || target.is_free() && !asking.get() && count > 0;
    let run = move || {
        if !untrack(may) || has_begun.get_untracked() {
            return;
        }
        let (progress, ask) = (progress.get_value(), confirm());
        let what = untrack(|| format!("{} \u{b7} {}", words.get(), target.shown()));
        spawn_local(async move {
            carry_out(app, &progress, ask).await;
            // It goes with the dialog.
            if series.try_get_untracked().is_none() {
                app.tell_of_series(end_of(&progress, what));
            }
        });
    };
    let close = Callback::new(move |()| app.dialog.set(None));
    let so_far = move || {
        series.with(|series| {
            let done = series.count(is_done);
            let failed = series.count(|course| !is_done(course));
            match (series.has_begun(), series.is_over()) {
                (false, _) => String::new(),
                (true, false) => t_string!(i18n, tables.several_so_far, ended = done + failed, count = count),
                (true, true) => {
                    let left = series.left();
                    t_string!(i18n, tables.several_over, done = done, failed = failed, left = left)
                }
            }
        })
    };
    let foot = move || {
        view! {
            <span class="quiet" role="status" data-testid="several-so-far">{so_far}</span>
            <span class="grow"></span>
            {move || {
                if is_over.get() && has_begun.get() {
                    view! {
                        <Button kind=ButtonKind::Primary testid="several-done" on_click=close>
                            {move || t_string!(i18n, services.done)}
                        </Button>
                    }
                        .into_any()
                } else if has_begun.get() {
                    stop_series(series, is_called_off.into())
                } else {
                    view! {
                        <Button testid="several-cancel" on_click=close>
                            {move || t_string!(i18n, app.cancel)}
                        </Button>
                        <Button
                            kind
                            testid=do_testid
                            disabled=Signal::derive(move || !may())
                            on_click=Callback::new(move |()| run())
                        >
                            {move || words.get()}
                        </Button>
                    }
                        .into_any()
                }
            }}
        }
    };
    let rows = names
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            let note = Memo::new(move |_| notes.with(|notes| notes.get(at).cloned().unwrap_or_default()));
            view! { <Row at name series note /> }
        })
        .collect_view();
    let guard = target.is_guarded.then(|| {
        view! {
            <form
                class="action-line"
                on:submit=move |event| {
                    event.prevent_default();
                    run();
                }
            >
                <label class="action-guard">
                    <span>{move || t_string!(i18n, services.type_name)}</span>
                    <GuardInput typed=target.typed name=target.name disabled=has_begun.into() />
                </label>
            </form>
        }
    });
    let marks = target.is_guarded.then(|| view! { <Marks host=target.name.get_value() /> });
    let children = StoredValue::new(children);
    view! {
        <Dialog
            title
            beside=move || target.tags()
            on_close=close
            held=is_running
            wide=true
            testid
            foot=ViewFn::from(foot)
        >
            <div class="action">
                <Show when=move || !has_begun.get()>
                    {children.with_value(|children| children.as_ref().map(|children| children()))}
                </Show>
                <ul class="several" data-testid="several-list">{rows}</ul>
                {marks}
                {guard}
            </div>
        </Dialog>
    }
}

/// Acts on one after the other, until all have ended or the rest is left.
async fn carry_out<A>(app: App, series: &ArcRwSignal<Series<Course>>, ask: impl Fn(usize) -> A)
where
    A: Future<Output = Result<Operation, Fault>>,
{
    let counted = series.clone();
    let _counted = app.count_to_come(move || counted.with(Series::to_come));
    while let Some(Some(at)) = series.try_update(Series::begin_next) {
        let told = ask(at).await;
        let refused = told.as_ref().err().is_some_and(|fault| refuses_all(fault.code));
        let course = Course::from_answer(told).await;
        series.update(|series| series.end(course, refused.then_some(Halt::Refused)));
    }
}

fn end_of(series: &ArcRwSignal<Series<Course>>, what: String) -> SeriesEnd {
    series.with_untracked(|series| {
        let (done, failed) = (series.count(is_done), series.count(|course| !is_done(course)));
        let left = series.left();
        SeriesEnd { what, count: done + failed + left, done, failed, left }
    })
}

fn is_done(course: &Course) -> bool {
    matches!(course, Course::Ended { operation, .. } if operation.result == OperationResult::Done)
}

/// One of them: its name, and what is known or came of it.
#[component]
fn Row(at: usize, name: String, series: RwSignal<Series<Course>>, note: Memo<RowNote>) -> impl IntoView {
    let i18n = use_i18n();
    let step = Memo::new(move |_| series.with(|series| series.step(at).cloned()));
    let halt = Memo::new(move |_| series.with(Series::halt));
    let glyph = Signal::derive(move || match step.get() {
        Some(Step::UnderWay) => GlyphName::Connecting,
        Some(Step::Ended(Course::Ended { operation, .. })) => result_glyph(&operation),
        Some(Step::Ended(_)) => GlyphName::Failed,
        Some(Step::Waiting | Step::Left) | None => GlyphName::Idle,
    });
    let state = move || match step.get() {
        Some(Step::Waiting) | None => "waiting",
        Some(Step::UnderWay) => "under-way",
        Some(Step::Ended(course)) if is_done(&course) => "done",
        Some(Step::Ended(_)) => "failed",
        Some(Step::Left) => "left",
    };
    let words = move || match step.get() {
        Some(Step::Waiting) | None => note.with(|note| note.words.clone()),
        Some(Step::UnderWay) => t_string!(i18n, tables.several_under_way).to_owned(),
        Some(Step::Ended(course)) => came_of(i18n, &course),
        Some(Step::Left) => match halt.get() {
            Some(Halt::Refused) => t_string!(i18n, tables.several_left_refused).to_owned(),
            Some(Halt::CalledOff) | None => t_string!(i18n, tables.several_left).to_owned(),
        },
    };
    let is_bad = move || step.with(|step| matches!(step, Some(Step::Ended(course)) if !is_done(course)));
    let is_doubtful = move || {
        let is_waiting = step.with(|step| matches!(step, Some(Step::Waiting) | None));
        is_waiting && note.with(|note| note.is_doubtful)
    };
    // While others follow, a way out of the dialog would leave them undone.
    let is_over = Memo::new(move |_| series.with(Series::is_over));
    let kept = move || {
        let id = step.with(|step| match step {
            Some(Step::Ended(course)) => course.operation_id(),
            Some(Step::Waiting | Step::UnderWay | Step::Left) | None => None,
        })?;
        is_over.get().then(|| view! { <Kept id /> })
    };
    view! {
        <li data-testid=format!("several-row-{at}") data-state=state>
            <Glyph name=glyph />
            <span class="several-name mono cut" title=name.clone()>{name.clone()}</span>
            <span
                class="several-words selectable"
                class:is-crit=is_bad
                class:is-warn=is_doubtful
                class:quiet=move || !is_bad() && !is_doubtful()
            >
                {words}
            </span>
            {kept}
        </li>
    }
}

fn came_of(i18n: I18n, course: &Course) -> String {
    match course {
        Course::Ended { operation, .. } => verdict(i18n, operation),
        Course::Refused(fault) => fault_text(i18n, fault),
        Course::Asking | Course::UnderWay { .. } => String::new(),
    }
}

/// The way to its entry in the log; it leaves the dialog.
#[component]
fn Kept(id: u64) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    view! {
        <span class="several-kept" on:click=move |_| app.dialog.set(None)>
            <A href=format!("/operations?id={id}") attr:class="link" attr:data-testid="several-operation">
                {move || t_string!(i18n, services.operation_n, id = id)}
            </A>
        </span>
    }
}

/// The button by which a series begins nothing more.
pub(crate) fn stop_series<T: Clone + Send + Sync + 'static>(
    series: RwSignal<Series<T>>,
    is_called_off: Signal<bool>,
) -> AnyView {
    let i18n = use_i18n();
    view! {
        <Button
            testid="several-stop"
            disabled=is_called_off
            on_click=Callback::new(move |()| series.update(Series::call_off))
        >
            {move || match is_called_off.get() {
                true => t_string!(i18n, tables.several_stopping),
                false => t_string!(i18n, tables.several_stop),
            }}
        </Button>
    }
    .into_any()
}
