//! One screen for all host keys that are known: found by any part, with the hosts they belong to, and
//! forgotten one by one.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{TrustForgetKey, TrustList};
use protocol::text::printable;
use protocol::trust::{KeyRole, TrustEntry, TrustSource};

use super::order::{self, Column as Which};
use super::source_words;
use crate::app::TopBar;
use crate::components::columns::{self, Columns};
use crate::components::load::Load;
use crate::components::selection::Selection;
use crate::components::sort::Sort;
use crate::components::{
    Button, ButtonKind, Column, ColumnChooser, CopyButton, Empty, Failed, KeptView, Skeleton, Table, Tag,
    copy_text, kept_rows, kept_shape, rows_copied,
};
use crate::ipc;
use crate::state::use_app;
use crate::text::{I18n, t_string, use_i18n};

/// A button fits in a row.
const ROW_PX: f64 = 28.0;

/// The key that is about to be forgotten: it is asked for twice.
#[derive(Clone, Copy)]
struct Forgetting {
    asked: RwSignal<Option<String>>,
    is_busy: RwSignal<bool>,
    on_forgotten: Callback<()>,
}

#[component]
pub(crate) fn TrustPage() -> impl IntoView {
    let i18n = use_i18n();
    let keys = RwSignal::new(Load::<Vec<TrustEntry>>::Loading);
    let read = move || {
        spawn_local(async move {
            let answer = ipc::call(TrustList {}).await;
            keys.try_set(answer.map_or_else(Load::Failed, Load::Ready));
        });
    };
    read();
    let read = Callback::new(move |()| read());
    let state = Memo::new(move |_| {
        keys.with(|keys| match keys {
            Load::Loading => Load::Loading,
            Load::Failed(fault) => Load::Failed(fault.clone()),
            Load::Ready(all) => Load::Ready(all.is_empty()),
        })
    });
    let body = move || match state.get() {
        Load::Loading => view! { <Skeleton rows=10 /> }.into_any(),
        Load::Failed(fault) => view! {
            <div class="page-notice">
                <Failed fault on_retry=read />
            </div>
        }
        .into_any(),
        Load::Ready(true) => view! {
            <div class="page-notice">
                <Empty
                    title=Signal::derive(move || t_string!(i18n, trust.none_title).to_string())
                    text=Signal::derive(move || t_string!(i18n, trust.none_text).to_string())
                    testid="trust-none"
                />
            </div>
        }
        .into_any(),
        Load::Ready(false) => view! { <Keys keys read /> }.into_any(),
    };
    view! {
        <TopBar />
        <main
            class="page trust-page"
            data-testid="page-trust"
            data-ready=move || state.with(|state| state.value().is_some()).then_some("true")
        >
            <header class="trust-head">
                <h1 class="settings-title">{move || t_string!(i18n, trust.page_title)}</h1>
                <p class="quiet">{move || t_string!(i18n, trust.page_text)}</p>
            </header>
            {body}
        </main>
    }
}

fn words(i18n: I18n, column: Which) -> &'static str {
    match column {
        Which::Hosts => t_string!(i18n, trust.column_hosts),
        Which::Address => t_string!(i18n, trust.address),
        Which::Algorithm => t_string!(i18n, trust.algorithm),
        Which::Fingerprint => t_string!(i18n, trust.fingerprint),
        Which::Source => t_string!(i18n, trust.column_source),
    }
}

fn track(column: Which) -> &'static str {
    match column {
        Which::Hosts => "minmax(90px, 0.7fr)",
        Which::Address => "minmax(120px, 0.8fr)",
        Which::Algorithm => "minmax(150px, 0.7fr)",
        Which::Fingerprint => "minmax(180px, 1.4fr)",
        Which::Source => "minmax(150px, 1.1fr)",
    }
}

#[component]
fn Keys(keys: RwSignal<Load<Vec<TrustEntry>>>, read: Callback<()>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let sort = KeptView::of("trust").sort::<Which>(Sort::by(Which::Hosts.id()));
    let shape = kept_shape("trust");
    let (selection, cursor) = kept_rows("trust", "");
    let forgetting =
        Forgetting { asked: RwSignal::new(None), is_busy: RwSignal::new(false), on_forgotten: read };
    let rows = Memo::new(move |_| {
        let mut rows: Vec<TrustEntry> = keys.with(|keys| {
            let all = keys.value().map(Vec::as_slice).unwrap_or_default();
            app.search.with(|wanted| all.iter().filter(|one| order::is_found(one, wanted)).cloned().collect())
        });
        Which::arrange(&mut rows, sort.get());
        Arc::new(rows)
    });
    let is_chosen = move |entry: &&TrustEntry| {
        let key = order::key(entry);
        selection.with_untracked(|chosen| chosen.contains(&key))
    };
    let chosen = move || -> Vec<TrustEntry> {
        rows.with_untracked(|rows| rows.iter().filter(is_chosen).cloned().collect())
    };
    // What is copied: the chosen rows, else all of them.
    let meant = move || {
        let chosen = chosen();
        if chosen.is_empty() { rows.get_untracked() } else { Arc::new(chosen) }
    };
    // Of the columns that are shown.
    let copied = move || -> Vec<(Which, String)> {
        let shown = |column: &Which| shape.with_untracked(|shape| !shape.is_hidden(column.id()));
        let with_head = |column| (column, untrack(|| words(i18n, column)).to_owned());
        Which::ALL.iter().copied().filter(shown).map(with_head).collect()
    };
    let as_text = move |rows: &[TrustEntry]| columns::as_text(rows, &copied());
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Escape" && !selection.with_untracked(Selection::is_empty) {
            selection.update(Selection::clear);
            return true;
        }
        if event.key() != "c" || !(event.ctrl_key() || event.meta_key()) {
            return false;
        }
        let at_cursor = |entry: &&TrustEntry| cursor.with_untracked(|at| *at == Some(order::key(entry)));
        let mut taken = chosen();
        if taken.is_empty() {
            taken = rows.with_untracked(|rows| rows.iter().filter(at_cursor).cloned().collect());
        }
        if !taken.is_empty() {
            copy_text(app, as_text(&taken), rows_copied(taken.len()));
        }
        !taken.is_empty()
    };
    let heads = Signal::derive(move || {
        let head =
            |column: Which| Column::new(column.id(), track(column), move || words(i18n, column).to_owned());
        let last = Column::new("forget", "112px", String::new).unsorted();
        Which::ALL.iter().copied().map(head).chain([last]).collect::<Vec<_>>()
    });
    let is_empty = Memo::new(move |_| rows.with(|rows| rows.is_empty()));
    let body = move || {
        if is_empty.get() {
            let title = move || {
                let text = app.search.with(|text| printable(text.trim()).into_owned());
                t_string!(i18n, trust.none_found, text = text)
            };
            return view! {
                <div class="page-notice">
                    <Empty title=Signal::derive(title) testid="trust-none-found">
                        <Button on_click=Callback::new(move |()| app.search.set(String::new()))>
                            {move || t_string!(i18n, app.clear)}
                        </Button>
                    </Empty>
                </div>
            }
            .into_any();
        }
        view! {
            <Table
                label=Signal::derive(move || t_string!(i18n, trust.page_title).to_owned())
                columns=heads
                rows
                key=order::key
                cells=move |row| key_cells(i18n, row, forgetting)
                sort
                cursor
                row_px=ROW_PX
                on_key=Some(Callback::new(on_key))
                name=Some(columns::name_of::<Which>)
                row_testid=Some(row_testid)
                shape=Some(shape)
                selection=Some(selection)
                testid="trust-table"
            />
        }
        .into_any()
    };
    view! {
        <div class="tool-row">
            <span class="quiet" data-testid="trust-count">
                {move || t_string!(i18n, trust.count, count = rows.with(|rows| rows.len() as u64))}
            </span>
            <span class="grow"></span>
            <ColumnChooser columns=heads shape testid="trust-columns" />
            <CopyButton
                label=Signal::derive(move || t_string!(i18n, tables.copy_text).to_owned())
                testid="trust-copy"
                text=Signal::derive(move || as_text(&meant()))
                rows=Signal::derive(move || meant().len())
            />
            <Button
                kind=ButtonKind::Ghost
                small=true
                testid="trust-copy-csv"
                label=Signal::derive(move || t_string!(i18n, tables.copy_csv).to_owned())
                on_click=Callback::new(move |()| {
                    let rows = meant();
                    copy_text(app, columns::as_csv(&rows, &copied()), rows_copied(rows.len()));
                })
            >
                "CSV"
            </Button>
        </div>
        {body}
    }
}

fn row_testid(_: &TrustEntry) -> String {
    "trust-row".to_owned()
}

fn key_cells(i18n: I18n, row: ArcRwSignal<TrustEntry>, forgetting: Forgetting) -> AnyView {
    (move || {
        let entry = row.get();
        let cell = |class: &'static str, column: Which| {
            let text = column.text(&entry);
            view! { <span class=class role="gridcell" title=text.clone()>{text.clone()}</span> }
        };
        let trusted = StoredValue::new(entry.trusted.clone());
        let role = match entry.trusted.role {
            KeyRole::Host | KeyRole::AnyPort => None,
            KeyRole::Authority => Some(Signal::derive(move || t_string!(i18n, trust.authority).to_string())),
            KeyRole::Revoked => Some(Signal::derive(move || t_string!(i18n, trust.revoked).to_string())),
        };
        let source = move || trusted.with_value(|trusted| source_words(i18n, trusted));
        view! {
            {cell("cell name", Which::Hosts)}
            {cell("cell mono", Which::Address)}
            <span class="cell quiet" role="gridcell">
                {printable(&entry.trusted.key.algorithm).into_owned()}
                {role.map(|role| view! { " " <Tag text=role /> })}
            </span>
            {cell("cell mono", Which::Fingerprint)}
            <span class="cell quiet" role="gridcell" title=source>{source}</span>
            <span class="cell" role="gridcell">
                <ForgetButton entry=entry.clone() forgetting />
            </span>
        }
    })
    .into_any()
}

/// What was accepted here can be forgotten here, by a second press; the files of OpenSSH are only read.
#[component]
fn ForgetButton(entry: TrustEntry, forgetting: Forgetting) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let Forgetting { asked, is_busy, on_forgotten } = forgetting;
    let own = StoredValue::new(order::key(&entry));
    let is_asked = Memo::new(move |_| asked.with(|asked| own.with_value(|own| asked.as_ref() == Some(own))));
    let (address, port, fingerprint) =
        (entry.trusted.address, entry.trusted.port, entry.trusted.key.fingerprint);
    let command = StoredValue::new(TrustForgetKey { address, port, fingerprint });
    let press = move |()| {
        if !is_asked.get_untracked() {
            return asked.set(Some(own.get_value()));
        }
        is_busy.set(true);
        spawn_local(async move {
            let answer = ipc::call(command.get_value()).await;
            is_busy.try_set(false);
            asked.try_set(None);
            match answer {
                Ok(_) => on_forgotten.run(()),
                Err(fault) => app.complain(fault),
            }
        });
    };
    let words = move || match is_asked.get() {
        true => t_string!(i18n, trust.forget_sure),
        false => t_string!(i18n, trust.forget_key),
    };
    let button = move || {
        let (kind, testid) = match is_asked.get() {
            true => (ButtonKind::Danger, "trust-forget-sure"),
            false => (ButtonKind::Plain, "trust-forget-key"),
        };
        let busy = Signal::derive(move || is_busy.get() && is_asked.get());
        view! {
            <Button kind small=true testid busy on_click=Callback::new(press)>
                {words}
            </Button>
        }
    };
    (entry.trusted.source == TrustSource::Muster).then_some(button)
}
