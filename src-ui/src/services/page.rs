//! The page: the units of one host, asked as you type; Enter or the button opens the form.

use leptos::prelude::*;
use protocol::ipc::ServicesWatch;
use protocol::services::{Manager, NoteKind, Service, ServiceAction, ServiceAnswer, ServiceQuery};
use protocol::text::printable;

use super::detail::ServiceDetail;
use super::order::{self, Column, Look, Row};
use super::several::ActOnThem;
use crate::components::columns::Columns;
use crate::components::live_query::LiveQuery;
use crate::components::marks::{marked, matches};
use crate::components::sort::Sort;
use crate::components::{
    Button, ButtonKind, Choice, Empty, Glyph, GlyphName, Heads, IconName, KeptView, LiveTable, PartialBar,
    Segmented, ids, kept_rows, of_host, table_answer,
};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::use_host;
use crate::ipc;
use crate::state::{OpenDialog, use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

const HEADS: Heads<Column> = Heads { words: head_words, track, first: Some("22px"), last: Some("40px") };

table_answer!(ServiceAnswer, left_out: |answer| answer.left_out);

/// The services of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn ServicesPage() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let live = host.is_live();
    let view = KeptView::of("services");
    let text = view.text_or_path();
    let failed = view.flag("failed");
    let name = host.name.get_untracked();
    let sort = view.sort::<Column>(Sort::by(Column::Unit.id()));
    let query = LiveQuery::new::<Column, _>(sort, unit_name, move |seen| {
        let text = text.with(|text| text.trim().to_owned());
        let query = ServiceQuery { text, failed: failed.get(), ..ServiceQuery::default() };
        ipc::call(ServicesWatch { host: name.clone(), query, seen })
    });
    query.follow_text(text);
    Effect::new(move |_| {
        let changed = app.services_changed.get();
        if changed == host.name.get_untracked() {
            query.refresh();
        }
    });
    let (selection, cursor) = kept_rows("services", &host.name.get_untracked());
    Effect::new(move |_| {
        failed.track();
        query.ask();
    });
    query.follow_link(live);
    let manager = Memo::new(move |_| query.with(|answer| answer.manager));
    let open = Callback::new(move |unit: String| {
        app.dialog.set(Some(OpenDialog::Service {
            host: host.name.get_untracked(),
            unit: Some(unit),
            action: ServiceAction::Restart,
        }));
    });
    // What could not be listed, and the host's own words for it.
    let notes = Memo::new(move |_| {
        let owned = |(kind, said): (NoteKind, &str)| (kind, printable(said).into_owned());
        query.with(|answer| answer.notes().map(owned).collect::<Vec<_>>()).unwrap_or_default()
    });
    let partial = move || {
        let words = Signal::derive(move || {
            let words = notes.get().into_iter().map(|(kind, said)| note_words(i18n, kind, said));
            words.collect::<Vec<_>>().join(" ")
        });
        view! {
            <Show when=move || notes.with(|notes| !notes.is_empty())>
                <PartialBar words testid="services-notes" />
            </Show>
        }
    };
    let failed_count = move || query.with(|answer| answer.failed).unwrap_or_default();
    let counts = move || {
        let count = failed_count();
        (count > 0).then(|| {
            view! {
                <span class="is-crit count-failed">
                    <Glyph name=GlyphName::Critical size=10 />
                    {t_string!(i18n, services.count_failed, count = count)}
                </span>
            }
        })
    };
    view! {
        <LiveTable
            ids=ids!("services")
            query
            text
            placeholder=Signal::derive(move || t_string!(i18n, services.filter).to_owned())
            label=of_host(move |host| t_string!(i18n, services.table, host = host))
            heads=HEADS
            key=unit_name
            cells=move |row| service_cells(row, open)
            cursor
            selection
            count=|i18n, total| t_string!(i18n, services.count, count = total)
            empty=ViewFn::from(move || view! { <NoServices text failed manager /> })
            on_open=Some(open)
            row_class=Some(row_class)
            row_testid=Some(row_testid)
            counts=ViewFn::from(move || counts)
            partial=ViewFn::from(partial)
            several=ViewFn::from(move || {
                let rows = query.chosen(selection);
                let chosen = Signal::derive(move || {
                    rows.with(|rows| rows.iter().map(unit_name).collect::<Vec<_>>())
                });
                view! { <ActOnThem chosen /> }
            })
            detail=ViewFn::from(move || view! { <ServiceDetail row=query.at(cursor) cursor open /> })
        >
            <Segmented
                choices=vec![
                    Choice::new(false, "services-all", move || t_string!(i18n, services.all).to_owned()),
                    Choice::new(true, "services-failed", move || t_string!(i18n, services.failed).to_owned())
                        .counted(move || format::count(u64::from(failed_count()))),
                ]
                value=failed
                on_change=Callback::new(move |only| failed.set(only))
                label=Signal::derive(move || t_string!(i18n, services.which).to_owned())
            />
        </LiveTable>
    }
}

/// Why the list is empty, and what can be done.
#[component]
fn NoServices(
    text: RwSignal<String>,
    failed: RwSignal<bool>,
    manager: Memo<Option<Manager>>,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let clear = Callback::new(move |()| {
        text.set(String::new());
        failed.set(false);
    });
    let is_searched = move || !text.with(|text| text.trim().is_empty());
    let is_foreign = move || manager.get() == Some(Manager::Unknown);
    let words = move || match (is_foreign(), is_searched(), failed.get()) {
        (true, ..) => (t_string!(i18n, services.no_manager), t_string!(i18n, services.no_manager_body)),
        (_, true, _) => (t_string!(i18n, services.none_match), t_string!(i18n, services.none_match_body)),
        (_, _, true) => (t_string!(i18n, services.none_failed), t_string!(i18n, services.none_failed_body)),
        (_, _, false) => (t_string!(i18n, services.none_title), t_string!(i18n, services.none_body)),
    };
    view! {
        <div class="page-notice">
            <Empty
                title=Signal::derive(move || words().0.to_owned())
                text=Signal::derive(move || words().1.to_owned())
                testid="services-none"
            >
                <Show when=move || !is_foreign() && (is_searched() || failed.get())>
                    <Button testid="services-clear" on_click=clear>
                        {move || match is_searched() {
                            true => t_string!(i18n, tables.clear_filter),
                            false => t_string!(i18n, services.show_all),
                        }}
                    </Button>
                </Show>
                <Show when=is_foreign>
                    <Button
                        icon=IconName::Terminal
                        testid="services-run"
                        on_click=Callback::new(move |()| {
                            app.dialog.set(Some(OpenDialog::run(host.name.get_untracked())));
                        })
                    >
                        {move || t_string!(i18n, services.run_command)}
                    </Button>
                </Show>
            </Empty>
        </div>
    }
}

fn note_words(i18n: I18n, kind: NoteKind, said: String) -> String {
    match kind {
        NoteKind::NotHeard => t_string!(i18n, services.note_not_heard, said = said),
        NoteKind::SupervisordUnlisted => t_string!(i18n, services.note_supervisord, said = said),
        NoteKind::Unknown => said,
    }
}

fn head_words(i18n: I18n, column: Column) -> &'static str {
    match column {
        Column::Unit => t_string!(i18n, services.unit),
        Column::Description => t_string!(i18n, services.description),
        Column::State => t_string!(i18n, services.state),
        Column::AtBoot => t_string!(i18n, services.at_boot),
        Column::Pid => t_string!(i18n, services.pid),
        Column::Memory => t_string!(i18n, services.memory),
        Column::Since => t_string!(i18n, services.since),
    }
}

fn track(column: Column) -> &'static str {
    match column {
        Column::Unit => "minmax(200px, 0.8fr)",
        Column::Description => "minmax(160px, 1fr)",
        Column::State => "148px",
        Column::AtBoot => "112px",
        Column::Pid => "70px",
        Column::Memory => "84px",
        Column::Since => "110px",
    }
}

fn unit_name(row: &Row) -> String {
    row.service.name.clone()
}

fn row_testid(row: &Row) -> String {
    format!("service-row-{}", row.service.name)
}

fn row_class(row: &Row) -> &'static str {
    match order::look(&row.service) {
        Look::Failed => "is-failed",
        Look::Changing | Look::Up => "",
        Look::Down => "is-down",
    }
}

fn glyph(service: &Service) -> GlyphName {
    match order::look(service) {
        Look::Failed => GlyphName::Critical,
        Look::Changing => GlyphName::Connecting,
        Look::Up => GlyphName::Live,
        Look::Down => GlyphName::Idle,
    }
}

fn service_cells(row: ArcRwSignal<Row>, open: Callback<String>) -> AnyView {
    let i18n = use_i18n();
    let app = use_app();
    let unit = row.with_untracked(unit_name);
    let shown_unit = printable(&unit).into_owned();
    let since = {
        let row = row.clone();
        move || {
            let at_ms = row.with(|row| row.service.since_ms)?;
            Some((at_ms, format::age(at_ms, app.now_ms.get(), lang(i18n))))
        }
    };
    let title = {
        let since = since.clone();
        move || since().map(|(at_ms, _)| format::date_time(at_ms, zone_min(at_ms), lang(i18n)))
    };
    let cells = move || {
        let row = row.read();
        let service = &row.service;
        let state_class = match order::look(service) {
            Look::Failed => "cell is-crit strong",
            Look::Changing => "cell is-warn",
            Look::Up => "cell quiet",
            Look::Down => "cell dim",
        };
        let boot = service.enabled_state.as_deref().filter(|state| !state.is_empty());
        let no_memory = service.memory_bytes.is_none();
        let memory = service.memory_bytes.map(format::memory);
        // The words of a state begin with what is searched.
        let state = marked(&service.state(), matches(&row.matched, "state"));
        view! {
            <span class="cell" role="gridcell">
                <Glyph name=glyph(service) />
            </span>
            <span class="cell name" role="gridcell" title=printable(&service.name).into_owned()>
                {marked(&service.name, matches(&row.matched, "name"))}
            </span>
            <span class="cell quiet" role="gridcell" title=printable(&service.description).into_owned()>
                {marked(&service.description, matches(&row.matched, "description"))}
            </span>
            <span class=state_class role="gridcell">{state}</span>
            <span class="cell" class:dim=boot != Some("enabled") role="gridcell">
                {boot.map_or_else(|| NOT_KNOWN.to_owned(), |boot| printable(boot).into_owned())}
            </span>
            <span class="cell num" class:dim=service.main_pid.is_none() role="gridcell">
                {service.main_pid.map_or_else(|| NOT_KNOWN.to_owned(), |pid| pid.to_string())}
            </span>
            <span class="cell num" class:dim=no_memory role="gridcell">
                {memory.unwrap_or_else(|| NOT_KNOWN.to_owned())}
            </span>
        }
    };
    view! {
        {cells}
        <span class="cell num dim" role="gridcell" title=title data-quiet="">
            {move || since().map_or_else(|| NOT_KNOWN.to_owned(), |(_, age)| age)}
        </span>
        <span class="cell row-actions" role="gridcell">
            <Button
                kind=ButtonKind::Ghost
                small=true
                icon=IconName::Restart
                label=Signal::derive(move || t_string!(i18n, services.act_on, unit = shown_unit.clone()))
                testid="service-act"
                on_click=Callback::new(move |()| open.run(unit.clone()))
            />
        </span>
    }
    .into_any()
}
