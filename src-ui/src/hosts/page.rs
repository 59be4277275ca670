//! The list of hosts, and the page of a person who has none yet.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use protocol::hosts::{HostRow, LOCAL};
use protocol::text::printable;

use super::bulk::ChosenHosts;
use super::cells::{GroupCells, HostCells};
use super::drag::{Dragging, DropZone};
use super::in_place::{Edited, InPlace};
use super::table::{Line, chosen_hosts, lines};
use super::{ImportOffer, host_path};
use crate::app::TopBar;
use crate::components::load::Load;
use crate::components::selection::Selection;
use crate::components::tree::BranchOf;
use crate::components::{
    Button, ButtonKind, Column, Empty, Failed, IconName, Menu, MenuItem, Skeleton, Table, focus, kept_rows,
    kept_shape,
};
use crate::state::{OpenDialog, use_app};
use crate::text::{t_string, use_i18n};

const ROW_PX: f64 = 28.0;

// The widths of the table below which a column makes room for the others: each is the sum of what
// stands beside it then.
const ADDRESS_NEEDS_PX: i32 = 1_040;
const LOAD_NEEDS_PX: i32 = 936;
const UPTIME_NEEDS_PX: i32 = 864;
const TAG_NEEDS_PX: i32 = 792;

#[component]
pub(crate) fn HostsPage() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let state = Memo::new(move |_| {
        app.hosts.with(|hosts| match hosts {
            Load::Ready(()) => Load::Ready(app.rows().is_empty()),
            Load::Loading => Load::Loading,
            Load::Failed(fault) => Load::Failed(fault.clone()),
        })
    });
    let some = move || state.with(|state| state.value() == Some(&false));
    let (selection, cursor) = kept_rows("hosts", "");
    let chosen = RwSignal::new(Vec::<String>::new());
    let is_chosen = Memo::new(move |_| chosen.with(|chosen| !chosen.is_empty()));
    let own = move || {
        view! {
            <Show when=some>
                <Menu
                    label=Signal::derive(move || t_string!(i18n, hosts.files).to_string())
                    items=Signal::derive(move || {
                        vec![
                            MenuItem::new("hosts-import", move || t_string!(i18n, hosts.import_menu).to_string(), move || {
                                app.dialog.set(Some(OpenDialog::HostsImport));
                            }),
                            MenuItem::new("hosts-export", move || t_string!(i18n, hosts.export_menu).to_string(), move || {
                                app.dialog.set(Some(OpenDialog::HostsExport));
                            }),
                        ]
                    })
                    testid="hosts-files"
                />
                <Button
                    icon=IconName::Plus
                    testid="hosts-add"
                    on_click=Callback::new(move |()| app.dialog.set(Some(OpenDialog::HostAdd)))
                >
                    {move || t_string!(i18n, hosts.add)}
                </Button>
            </Show>
        }
    };
    view! {
        <TopBar>
            <Show when=move || is_chosen.get() fallback=own>
                <ChosenHosts
                    hosts=chosen
                    on_clear=Callback::new(move |()| selection.update(Selection::clear))
                />
            </Show>
        </TopBar>
        <main
            class="page"
            data-testid="page-hosts"
            data-ready=move || state.with(|state| state.value().is_some()).then_some("true")
        >
            {move || match state.get() {
                Load::Loading => view! { <Skeleton rows=14 /> }.into_any(),
                Load::Failed(fault) => {
                    view! {
                        <div class="page is-padded">
                            <Failed fault on_retry=Callback::new(move |()| app.refresh_hosts()) />
                        </div>
                    }
                        .into_any()
                }
                Load::Ready(true) => view! { <FirstStart /> }.into_any(),
                Load::Ready(false) => view! { <HostsTable selection cursor chosen /> }.into_any(),
            }}
        </main>
    }
}

/// Nothing is saved yet: what the program is for, and the two ways to begin.
#[component]
fn FirstStart() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let look_here = move |()| {
        app.add_local();
        navigate(&host_path(LOCAL), NavigateOptions::default());
    };
    view! {
        <div class="first" data-testid="first-start">
            <h1 class="first-title">{move || t_string!(i18n, hosts.first_title)}</h1>
            <p class="first-text">{move || t_string!(i18n, hosts.first_text)}</p>
            <div class="panel-buttons">
                <Button
                    kind=ButtonKind::Primary
                    testid="hosts-add"
                    on_click=Callback::new(move |()| app.dialog.set(Some(OpenDialog::HostAdd)))
                >
                    {move || t_string!(i18n, hosts.first_add)}
                </Button>
                <ImportOffer />
                <Button testid="hosts-local" on_click=Callback::new(look_here)>
                    {move || t_string!(i18n, hosts.first_local)}
                </Button>
            </div>
            <p class="field-hint">{move || t_string!(i18n, hosts.first_local_text)}</p>
        </div>
    }
}

#[component]
fn HostsTable(
    selection: RwSignal<Selection>,
    cursor: RwSignal<Option<String>>,
    chosen: RwSignal<Vec<String>>,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let sort = RwSignal::new(app.hosts_view.with_untracked(|view| view.sort));
    Effect::new(move |_| {
        let sort = sort.get();
        if app.hosts_view.with_untracked(|view| view.sort != sort) {
            app.hosts_view.update(|view| view.sort = sort);
        }
    });

    let edited = Edited::provide();
    // Numbers change all the time; the order follows them once a second, and only while no pointer
    // is on the list and no line is edited, so that no row moves away under it.
    let pointed_at = RwSignal::new(false);
    let turn = RwSignal::new(0_u32);
    Effect::new(move |_| {
        app.now_ms.track();
        if !pointed_at.get() && edited.is_none() {
            turn.update(|turn| *turn = turn.wrapping_add(1));
        }
    });
    let rows = Memo::new(move |_| {
        turn.track();
        let rows: Vec<HostRow> = app.rows().iter().map(|row| row.get_untracked()).collect();
        app.hosts_view.with(|view| app.search.with(|text| Arc::new(lines(&rows, view, text))))
    });
    // Without a group the list is flat.
    let is_tree = Memo::new(move |_| rows.with(|rows| rows.first().is_some_and(|line| !line.is_host())));
    let none = Memo::new(move |_| rows.with(|rows| rows.is_empty()));

    Effect::new(move |_| {
        let now = selection.with(|picked| rows.with(|rows| chosen_hosts(rows, |key| picked.contains(key))));
        if chosen.with_untracked(|before| *before != now) {
            chosen.set(now);
        }
    });
    let dragging = Dragging::provide();
    let open = move |key: String| match Line::of_key(&key).filter(|_| !dragging.was_drop()) {
        Some(Line::Group { name, .. }) => app.hosts_view.update(|view| view.toggle(&name)),
        Some(Line::Host { name, .. }) => navigate(&host_path(&name), NavigateOptions::default()),
        None => {}
    };
    let fold = move |(key, is_folded): (String, bool)| {
        if let Some(Line::Group { name, .. }) = Line::of_key(&key) {
            app.hosts_view.update(|view| view.fold(&name, is_folded));
        }
    };
    let edit = move |line: Line| {
        let dialog = match line {
            _ if chosen.with_untracked(|chosen| chosen.len() > 1) => {
                OpenDialog::HostsEdit { hosts: chosen.get_untracked() }
            }
            Line::Host { name, .. } if name != LOCAL => OpenDialog::HostEdit { host: name },
            Line::Group { .. } | Line::Host { .. } => return false,
        };
        app.dialog.set(Some(dialog));
        true
    };
    // Letters are for names: what acts has a key of its own, or Ctrl beside it.
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let line = cursor.with_untracked(|cursor| cursor.as_deref().and_then(Line::of_key));
        if event.ctrl_key() || event.meta_key() {
            return match line {
                Some(line) if event.key().eq_ignore_ascii_case("e") => edit(line),
                _ => false,
            };
        }
        match (event.key().as_str(), line) {
            ("F2", Some(line)) => edited.begin(&line),
            (" ", Some(line)) if line.is_host() => {
                selection.update(|chosen| chosen.toggle(&line.key()));
                true
            }
            ("Escape", _) if !selection.with_untracked(Selection::is_empty) => {
                selection.update(Selection::clear);
                true
            }
            ("Delete", Some(Line::Host { name, .. })) if name != LOCAL => {
                app.dialog.set(Some(OpenDialog::HostRemove { host: name }));
                true
            }
            _ => false,
        }
    };
    let table = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        // The keys of the list work at once, unless a field or a dialog has the keyboard.
        if let Some(table) = table.get()
            && document().active_element().is_none_or(|active| active.tag_name() == "BODY")
        {
            focus(&table);
        }
    });
    let on_end = Callback::new(move |key: String| {
        cursor.set(Some(key));
        if let Some(table) = table.get_untracked() {
            focus(&table);
        }
    });
    macro_rules! head {
        ($id:literal, $track:literal, $key:ident) => {
            Column::new($id, $track, move || t_string!(i18n, hosts.$key).to_string())
        };
    }
    let columns = vec![
        Column::new("fold", "30px", String::new).unsorted(),
        Column::new("glyph", "18px", String::new).unsorted(),
        head!("name", "minmax(98px, 1fr)", column_name),
        head!("tag", "44px", column_tag).needs(TAG_NEEDS_PX),
        head!("address", "104px", column_address).needs(ADDRESS_NEEDS_PX),
        head!("state", "minmax(180px, 420px)", column_state),
        head!("cpu", "88px", column_cpu).numeric_left(),
        head!("memory", "88px", column_memory).numeric_left(),
        head!("disk", "minmax(112px, 1fr)", column_disk).numeric_left(),
        head!("load", "72px", column_load).numeric().needs(LOAD_NEEDS_PX),
        head!("uptime", "72px", column_uptime).numeric().needs(UPTIME_NEEDS_PX),
        head!("failed", "46px", column_failed).numeric(),
        head!("seen", "72px", column_seen).numeric(),
    ];
    let cells = move |line: ArcRwSignal<Line>| {
        let signal = line.clone();
        match line.get_untracked() {
            Line::Group { name, .. } => {
                let folded = Signal::derive(move || {
                    signal.with(|line| matches!(line, Line::Group { folded: true, .. }))
                });
                view! { <GroupCells name folded /> }.into_any()
            }
            Line::Host { name, group } => {
                let key = line.with_untracked(Line::key);
                let is_edited = Memo::new(move |_| edited.is(&key));
                (move || match is_edited.get() {
                    true => view! { <InPlace name=name.clone() group=group.clone() on_end /> }.into_any(),
                    false => view! { <HostCells name=name.clone() group=group.clone() /> }.into_any(),
                })
                .into_any()
            }
        }
    };
    view! {
        <DropZone dragging rows selection cursor is_tree pointed_at>
            <Table
                label=Signal::derive(move || t_string!(i18n, hosts.list).to_string())
                columns=Signal::stored(columns)
                rows=rows
                key=Line::key
                cells
                sort
                cursor
                row_px=ROW_PX
                on_open=Some(Callback::new(open))
                open_on_click=true
                on_key=Some(Callback::new(on_key))
                name=Some(Line::shown_name)
                branch=Signal::derive(move || is_tree.get().then_some(Line::branch as BranchOf<Line>))
                on_fold=Some(Callback::new(fold))
                row_class=Some(row_class)
                row_testid=Some(row_testid)
                shape=Some(kept_shape("hosts"))
                selection=Some(selection)
                selectable=Some(Line::is_host)
                testid="hosts"
                node_ref=table
            />
            <Show when=move || none.get()>
                <div class="hosts-none">
                    <Empty
                        title=Signal::derive(move || {
                            let text = app.search.get();
                            t_string!(i18n, hosts.none_found, text = printable(text.trim()).into_owned())
                        })
                        text=Signal::derive(move || t_string!(i18n, hosts.none_found_text).to_string())
                        testid="hosts-none"
                    >
                        <Button on_click=Callback::new(move |()| app.search.set(String::new()))>
                            {move || t_string!(i18n, app.clear)}
                        </Button>
                    </Empty>
                </div>
            </Show>
        </DropZone>
    }
}

fn row_class(line: &Line) -> &'static str {
    match line {
        Line::Group { .. } => "is-group",
        Line::Host { .. } => "is-host",
    }
}

fn row_testid(line: &Line) -> String {
    match line {
        Line::Group { name, .. } => format!("host-group-{name}"),
        Line::Host { name, .. } => format!("host-row-{name}"),
    }
}
