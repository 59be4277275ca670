//! The dialog that writes what is shown to a file, with how far it has come and a way to call it off.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::{OperationsExport, OperationsExportCancel};
use protocol::operations::{ExportFormat, ExportReport, ExportWords, OperationKind, OperationResult};
use protocol::text::printable;

use super::desk::Desk;
use super::words::{kind_words, result_words};
use crate::components::{Button, ButtonKind, Choice, Dialog, Failed, Field, Segmented, TextInput};
use crate::format::{self, Lang};
use crate::ipc;
use crate::state::{now_ms, use_app};
use crate::text::{I18n, lang, t_string, use_i18n};

/// How far it has come.
#[derive(Clone, PartialEq)]
enum Course {
    Asking,
    UnderWay,
    Written(ExportReport),
    Refused(Fault),
}

fn proposed(format: ExportFormat) -> String {
    let day: String = format::stamp(now_ms()).chars().take(10).collect();
    format!("~/muster-operations-{day}.{}", format.extension())
}

/// The words of a page to print, as the window says them.
fn page_words(i18n: I18n) -> ExportWords {
    let label = |name: &str| match name {
        "operations" => t_string!(i18n, app.nav_operations),
        "on" => t_string!(i18n, operations.page_on),
        "exit_code" => t_string!(i18n, operations.exit_code),
        "command" => t_string!(i18n, operations.command),
        "output" => t_string!(i18n, operations.output),
        "errors" => t_string!(i18n, operations.errors),
        "journal" => t_string!(i18n, app.tab_journal),
        _ => t_string!(i18n, operations.page_utc),
    };
    let labels = ExportWords::LABELS.map(|name| (name.to_owned(), label(name).to_owned()));
    let kinds =
        OperationKind::ALL.map(|kind| (format!("kind_{}", kind.name()), kind_words(i18n, kind).to_owned()));
    let results = OperationResult::ALL
        .map(|result| (format!("result_{}", result.name()), result_words(i18n, result).to_owned()));
    let language = match lang(i18n) {
        Lang::English => "en",
        Lang::Chinese => "zh-CN",
    };
    ExportWords {
        language: language.to_owned(),
        words: kinds.into_iter().chain(results).chain(labels).collect(),
    }
}

#[component]
pub(crate) fn ExportDialog(desk: Desk, open: RwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let kind = RwSignal::new(ExportFormat::Csv);
    let file = RwSignal::new(proposed(ExportFormat::Csv));
    let course = RwSignal::new(Course::Asking);
    let ticket = StoredValue::new(format!("window-{}", now_ms()));
    let is_under_way = Signal::derive(move || course.with(|course| *course == Course::UnderWay));
    let come = move || {
        app.export.with(|told| {
            let own = told.as_ref().filter(|(name, _)| ticket.with_value(|ticket| name == ticket));
            own.map_or((0, 0), |(_, report)| (report.permille, report.written))
        })
    };
    let write = move || {
        course.set(Course::UnderWay);
        let filter = desk.asked();
        spawn_local(async move {
            let (file, format, ticket) = (file.get_untracked(), kind.get_untracked(), ticket.get_value());
            let words = Some(page_words(i18n));
            let told = ipc::call(OperationsExport { file, format, filter, words, ticket }).await;
            course.try_set(match told {
                Ok(report) => Course::Written(report),
                Err(fault) => Course::Refused(fault),
            });
        });
    };
    let call_off = move || {
        let ticket = ticket.get_value();
        spawn_local(async move {
            if let Err(fault) = ipc::call(OperationsExportCancel { ticket }).await {
                app.complain(fault);
            }
        });
    };
    let choices = vec![
        Choice::new(ExportFormat::Csv, "export-csv", || "CSV".to_owned()),
        Choice::new(ExportFormat::Json, "export-json", || "JSON Lines".to_owned()),
        Choice::new(ExportFormat::Html, "export-html", move || {
            t_string!(i18n, operations.export_html).to_owned()
        }),
    ];
    let foot = move || {
        match course.get() {
        Course::UnderWay => view! {
            <Button testid="export-cancel" on_click=Callback::new(move |()| call_off())>
                {move || t_string!(i18n, operations.export_call_off)}
            </Button>
        }
        .into_any(),
        Course::Written(_) => view! {
            <Button kind=ButtonKind::Primary testid="export-done" on_click=Callback::new(move |()| open.set(false))>
                {move || t_string!(i18n, services.done)}
            </Button>
        }
        .into_any(),
        Course::Asking | Course::Refused(_) => view! {
            <Button testid="export-close" on_click=Callback::new(move |()| open.set(false))>
                {move || t_string!(i18n, services.cancel)}
            </Button>
            <Button
                kind=ButtonKind::Primary
                testid="export-do"
                disabled=Signal::derive(move || file.with(|file| file.trim().is_empty()))
                on_click=Callback::new(move |()| write())
            >
                {move || t_string!(i18n, operations.export_do)}
            </Button>
        }
        .into_any(),
    }
    };
    let outcome = move || match course.get() {
        Course::UnderWay => view! {
            <div class="export-course" role="status">
                <progress max="1000" value=move || come().0.to_string()></progress>
                <p class="quiet">
                    {move || t_string!(i18n, operations.export_so_far, count = format::count(come().1))}
                </p>
            </div>
        }
        .into_any(),
        Course::Written(report) => {
            let file = printable(&report.file).into_owned();
            view! {
                <p role="status" class="selectable" data-testid="export-written">
                    {move || {
                        t_string!(
                            i18n,
                            operations.export_written,
                            count = format::count(report.written),
                            size = format::bytes(report.bytes),
                            file = file.clone()
                        )
                    }}
                </p>
                {report.unlogged.map(|why| {
                    let why = printable(&why).into_owned();
                    view! { <p class="quiet">{move || t_string!(i18n, operations.export_unlogged, why = why.clone())}</p> }
                })}
            }
            .into_any()
        }
        Course::Refused(fault) => view! {
            <div data-testid="export-refused">
                <Failed fault=Signal::stored(fault) bare=true />
            </div>
        }
        .into_any(),
        Course::Asking => ().into_any(),
    };
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, operations.export_title).to_owned())
            on_close=Callback::new(move |()| open.set(false))
            held=is_under_way
            testid="export-dialog"
            foot=ViewFn::from(foot)
        >
            <div class="export-form">
                <p class="quiet">
                    {move || match desk.is_filtered() {
                        true => t_string!(i18n, operations.export_filtered),
                        false => t_string!(i18n, operations.export_all),
                    }}
                </p>
                <Segmented
                    choices
                    value=kind
                    on_change=Callback::new(move |chosen: ExportFormat| {
                        // A path that was typed stays, but for its ending.
                        let before = kind.get_untracked();
                        file.update(|file| {
                            let ending = format!(".{}", before.extension());
                            if let Some(name) = file.strip_suffix(&ending) {
                                *file = format!("{name}.{}", chosen.extension());
                            }
                        });
                        kind.set(chosen);
                    })
                    label=Signal::derive(move || t_string!(i18n, operations.export_format).to_owned())
                />
                <Field label=Signal::derive(move || t_string!(i18n, operations.export_file).to_owned()) for_id="export-file">
                    <TextInput value=file id="export-file" mono=true testid="export-file" disabled=is_under_way />
                </Field>
                {outcome}
            </div>
        </Dialog>
    }
}
