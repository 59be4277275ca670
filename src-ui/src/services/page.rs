//! The page: the units of one host, asked as you type; Enter or the button opens the form.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::ipc::ServicesQuery as Ask;
use protocol::services::{Manager, Service, ServiceAction, ServiceAnswer, ServiceQuery, ServiceRow};
use protocol::text::printable;

use super::order::{self, Column, Look};
use crate::components::live_query::LiveQuery;
use crate::components::marks::marked;
use crate::components::sort::Sort;
use crate::components::{
    Button, ButtonKind, Choice, Column as TableColumn, Empty, Failed, Glyph, GlyphName, IconName,
    SearchInput, Segmented, Skeleton, Table,
};
use crate::format::{self, NOT_KNOWN};
use crate::hosts::use_host;
use crate::ipc;
use crate::overview::HostStaleBar;
use crate::state::{OpenDialog, use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

/// What the page asks for and what it was told.
#[derive(Clone, Copy)]
struct Asked {
    text: RwSignal<String>,
    failed: RwSignal<bool>,
    query: LiveQuery<ServiceAnswer>,
}

impl Asked {
    fn new(host: String) -> Self {
        let text = RwSignal::new(String::new());
        let failed = RwSignal::new(false);
        let query = LiveQuery::new(move || {
            let text = text.with(|text| text.trim().to_owned());
            let query = ServiceQuery { text, failed: failed.get(), connect: false, watch: true };
            ipc::call(Ask { host: host.clone(), query })
        });
        query.follow_text(text);
        Self { text, failed, query }
    }

    /// The time of what is shown: a snapshot's own, else when the answer came.
    fn as_of_ms(self) -> Option<i64> {
        match self.query.with(|answer| answer.stale.then_some(answer.at_ms))? {
            Some(at_ms) => Some(at_ms),
            None => self.query.received_ms.get(),
        }
    }
}

/// The services of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn ServicesPage() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let asked = Asked::new(host.name.get_untracked());
    let query = asked.query;
    let live = host.is_live();
    let sort = RwSignal::new(Sort::by(Column::Unit.id()));
    let cursor = RwSignal::new(None::<String>);

    Effect::new(move |_| {
        asked.failed.track();
        live.track();
        query.ask();
    });

    let rows = Memo::new(move |_| {
        let mut rows = query.with(|answer| answer.rows.clone()).unwrap_or_default();
        order::sort(&mut rows, sort.get());
        Arc::new(rows)
    });
    let is_read = query.is_read();
    let is_empty = Memo::new(move |_| rows.with(|rows| rows.is_empty()));
    let manager = Memo::new(move |_| query.with(|answer| answer.manager));
    let open = Callback::new(move |unit: String| {
        app.dialog.set(Some(OpenDialog::Service {
            host: host.name.get_untracked(),
            unit: Some(unit),
            action: ServiceAction::Restart,
        }));
    });
    let counts = move |pick: fn(&ServiceAnswer) -> u32| query.with(pick).unwrap_or_default();
    let shown_of = move || {
        let (shown, total) = (rows.with(|rows| rows.len()), counts(|a| a.total));
        (!asked.text.with(String::is_empty)).then(|| {
            let (shown, total) = (format::count(shown as u64), format::count(u64::from(total)));
            t_string!(i18n, sockets.shown_of, shown = shown, total = total)
        })
    };
    let table_label = move || {
        let name = printable(&host.name.get()).into_owned();
        t_string!(i18n, services.table, host = name)
    };
    let cells = move |row: ArcRwSignal<ServiceRow>| service_cells(row, open);
    let body = move || {
        if let Some(fault) = query.blocking_fault() {
            let retry = Callback::new(move |()| query.ask());
            return view! {
                <div class="page-notice">
                    <Failed fault=Signal::stored(fault) on_retry=retry />
                </div>
            }
            .into_any();
        }
        if !is_read.get() {
            return view! { <Skeleton rows=14 /> }.into_any();
        }
        if is_empty.get() {
            return view! { <NoServices asked manager /> }.into_any();
        }
        view! {
            <Table
                label=Signal::derive(table_label)
                columns=Signal::derive(move || columns(i18n))
                rows=Signal::from(rows)
                key=unit_name
                cells
                sort
                cursor
                on_open=open
                row_class=row_class
                row_testid=row_testid
                testid="services-table"
            />
        }
        .into_any()
    };
    view! {
        <main
            class="page services"
            data-testid="services-page"
            data-ready=move || (is_read.get() || query.fault.with(Option::is_some)).then_some("true")
        >
            <div class="tool-row">
                <SearchInput
                    value=asked.text
                    placeholder=Signal::derive(move || t_string!(i18n, services.filter).to_owned())
                    testid="services-filter"
                    aside=move || view! { <span class="dim">{shown_of}</span> }
                />
                <Segmented
                    choices=vec![
                        Choice::new(false, "services-all", move || t_string!(i18n, services.all).to_owned()),
                        Choice::new(true, "services-failed", move || t_string!(i18n, services.failed).to_owned())
                            .counted(move || format::count(u64::from(counts(|a| a.failed)))),
                    ]
                    value=asked.failed
                    on_change=Callback::new(move |failed| asked.failed.set(failed))
                    label=Signal::derive(move || t_string!(i18n, services.which).to_owned())
                />
            </div>
            <Show when=move || !live.get() && is_read.get()>
                <HostStaleBar received_ms=Signal::derive(move || asked.as_of_ms()) />
            </Show>
            <div class="services-body" class:is-stale=move || !live.get()>
                {body}
            </div>
            <CountLine asked shown=Signal::derive(move || rows.with(|rows| rows.len())) />
        </main>
    }
}

/// Why the list is empty, and what can be done.
#[component]
fn NoServices(asked: Asked, manager: Memo<Option<Manager>>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let clear = Callback::new(move |()| {
        asked.text.set(String::new());
        asked.failed.set(false);
    });
    let is_searched = move || !asked.text.with(|text| text.trim().is_empty());
    let is_foreign = move || manager.get() == Some(Manager::Unknown);
    let words = move || match (is_foreign(), is_searched(), asked.failed.get()) {
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
                <Show when=move || !is_foreign() && (is_searched() || asked.failed.get())>
                    <Button testid="services-clear" on_click=clear>
                        {move || match is_searched() {
                            true => t_string!(i18n, services.clear_filter),
                            false => t_string!(i18n, services.show_all),
                        }}
                    </Button>
                </Show>
                <Show when=is_foreign>
                    <Button
                        icon=IconName::Terminal
                        testid="services-run"
                        on_click=Callback::new(move |()| {
                            app.dialog.set(Some(OpenDialog::Run { host: host.name.get_untracked() }));
                        })
                    >
                        {move || t_string!(i18n, services.run_command)}
                    </Button>
                </Show>
            </Empty>
        </div>
    }
}

#[component]
fn CountLine(asked: Asked, shown: Signal<usize>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let query = asked.query;
    let shown_words = move || {
        let total = query.with(|answer| answer.total)?;
        let shown = shown.get();
        Some(if shown == total as usize {
            t_string!(i18n, services.count, count = total)
        } else {
            let (shown, total) = (format::count(shown as u64), format::count(u64::from(total)));
            t_string!(i18n, services.count_shown, shown = shown, total = total)
        })
    };
    let failed = move || query.with(|answer| answer.failed).filter(|failed| *failed > 0);
    let age = move || {
        let (stale, took_ms) = query.with(|answer| (answer.stale, answer.took_ms))?;
        let tongue = lang(i18n);
        let age = format::age(asked.as_of_ms()?, app.now_ms.get(), tongue);
        Some(match stale {
            true => t_string!(i18n, services.snapshot_of, age = age),
            false => {
                let took = format::took(took_ms, tongue);
                t_string!(i18n, services.count_ago, age = age, took = took)
            }
        })
    };
    view! {
        <div class="count-line" data-testid="services-count">
            <span>{shown_words}</span>
            {move || {
                failed()
                    .map(|failed| {
                        view! {
                            <span class="is-crit count-failed">
                                <Glyph name=GlyphName::Critical size=10 />
                                {t_string!(i18n, services.count_failed, count = failed)}
                            </span>
                        }
                    })
            }}
            <span class="grow"></span>
            <span class="dim">{age}</span>
        </div>
    }
}

fn columns(i18n: I18n) -> Vec<TableColumn> {
    let mut columns = vec![TableColumn::new("glyph", "22px", String::new).unsorted()];
    columns.extend(Column::ALL.map(|column| {
        let table_column =
            TableColumn::new(column.id(), track(column), move || head_words(i18n, column).to_owned());
        if column.is_numeric() { table_column.numeric() } else { table_column }
    }));
    columns.push(TableColumn::new("actions", "40px", String::new).unsorted());
    columns
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
        Column::AtBoot => "84px",
        Column::Pid => "70px",
        Column::Memory => "84px",
        Column::Since => "110px",
    }
}

fn unit_name(row: &ServiceRow) -> String {
    row.service.name.clone()
}

fn row_testid(row: &ServiceRow) -> String {
    format!("service-row-{}", row.service.name)
}

fn row_class(row: &ServiceRow) -> &'static str {
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

fn matches<'a>(row: &'a ServiceRow, column: &str) -> &'a [u32] {
    row.matched.iter().find(|m| m.column == column).map(|m| m.at.as_slice()).unwrap_or_default()
}

fn service_cells(row: ArcRwSignal<ServiceRow>, open: Callback<String>) -> AnyView {
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
        let state = printable(&service.state()).into_owned();
        view! {
            <span class="cell" role="gridcell">
                <Glyph name=glyph(service) />
            </span>
            <span class="cell name" role="gridcell" title=printable(&service.name).into_owned()>
                {marked(&service.name, matches(&row, "name"))}
            </span>
            <span class="cell quiet" role="gridcell" title=printable(&service.description).into_owned()>
                {marked(&service.description, matches(&row, "description"))}
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
        <span class="cell num dim" role="gridcell" title=title>
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
