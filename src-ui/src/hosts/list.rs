//! The list of hosts itself: its rows, its keys, and what of it is acted on.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use protocol::hosts::{HostRow, LOCAL};
use protocol::notes::NoteAbout;
use protocol::text::printable;

use super::cells::{GroupCells, HostCells, Marking};
use super::columns::Column as Own;
use super::drag::{Dragging, DropZone};
use super::host_path;
use super::in_place::{Edited, InPlace};
use super::table::{Line, hosts_of, lines};
use crate::components::columns::{Columns, as_csv, as_text, shown};
use crate::components::selection::Selection;
use crate::components::shape::Shape;
use crate::components::tree::BranchOf;
use crate::components::{
    Button, Column, Empty, PartialBar, Table, copy_text, focus, kept_rows, kept_shape, rows_copied,
};
use crate::state::{App, OpenDialog, use_app};
use crate::text::{I18n, t_string, use_i18n};

const ROW_PX: f64 = 28.0;

// The widths of the table below which a column makes room for the others: each is the sum of what
// stands beside it then.
const ADDRESS_NEEDS_PX: i32 = 1_040;
const LOAD_NEEDS_PX: i32 = 936;
const UPTIME_NEEDS_PX: i32 = 864;
const TAG_NEEDS_PX: i32 = 792;

/// What the page and the list of it have in common.
#[derive(Clone, Copy)]
pub(super) struct List {
    app: App,
    i18n: I18n,
    edited: Edited,
    /// The pointer is on the list.
    pointed_at: RwSignal<bool>,
    pub(super) selection: RwSignal<Selection>,
    pub(super) cursor: RwSignal<Option<String>>,
    pub(super) shape: RwSignal<Shape>,
    rows: Memo<Arc<Vec<Line>>>,
    /// The chosen hosts, each once, without this computer.
    pub(super) chosen: Memo<Vec<String>>,
    /// The key of a line that is edited and that the list does not have now.
    hidden: Memo<Option<String>>,
}

impl List {
    pub(super) fn provide() -> Self {
        let app = use_app();
        let (selection, cursor) = kept_rows("hosts", "");
        let edited = Edited::provide();
        // A line that was left unfinished is in sight again.
        if let Some(key) = untrack(|| edited.key()) {
            cursor.set(Some(key));
        }
        let pointed_at = RwSignal::new(false);
        let turn = RwSignal::new(0_u32);
        let rows = Memo::new(move |_| {
            turn.track();
            let rows: Vec<HostRow> = app.rows().iter().map(|row| row.get_untracked()).collect();
            app.hosts_view.with(|view| app.search.with(|text| Arc::new(lines(&rows, view, text))))
        });
        let hidden = Memo::new(move |_| {
            edited.key().filter(|key| rows.with(|rows| rows.iter().all(|line| line.key() != *key)))
        });
        // Numbers change all the time; the order follows them once a second, and only while no pointer
        // is on the list and no line of it is edited, so that no row moves away under it.
        Effect::new(move |_| {
            app.now_ms.track();
            let is_edited = edited.key().is_some() && hidden.with(Option::is_none);
            if !pointed_at.get() && !is_edited {
                turn.update(|turn| *turn = turn.wrapping_add(1));
            }
        });
        // Of a line that is gone nothing is left to edit, unless something was typed there.
        Effect::new(move |_| {
            let is_gone = hidden.with(Option::is_some);
            let is_removed = || {
                edited
                    .line()
                    .is_some_and(|line| matches!(line, Line::Host { name, .. } if app.row(&name).is_none()))
            };
            if is_gone && (!edited.is_changed() || is_removed()) {
                edited.end();
            }
        });
        let chosen = Memo::new(move |_| {
            selection.with(|picked| {
                let mut names = rows.with(|rows| hosts_of(rows, |key| picked.contains(key)));
                names.retain(|name| name != LOCAL);
                names
            })
        });
        let (shape, i18n) = (kept_shape("hosts"), use_i18n());
        Self { app, i18n, edited, pointed_at, selection, cursor, shape, rows, chosen, hidden }
    }

    /// The chosen hosts, with this computer if it is among them.
    fn picked(self) -> Vec<String> {
        self.selection.with_untracked(|picked| {
            self.rows.with_untracked(|rows| hosts_of(rows, |key| picked.contains(key)))
        })
    }

    /// The hosts that are copied: those that are chosen, else all that are shown.
    pub(super) fn meant(self) -> Vec<HostRow> {
        let picked = self.picked();
        if picked.is_empty() {
            return self.rows_of(&self.rows.with_untracked(|rows| hosts_of(rows, |_| true)));
        }
        self.rows_of(&picked)
    }

    fn rows_of(self, names: &[String]) -> Vec<HostRow> {
        let row = |name: &String| Some(untrack(|| self.app.row(name))?.get_untracked());
        names.iter().filter_map(row).collect()
    }

    /// The columns that are shown.
    fn columns(self) -> Vec<(Own, String)> {
        untrack(|| self.shape.with(|shape| shown(shape, |column| head_words(self.i18n, column))))
    }

    pub(super) fn as_text(self, rows: &[HostRow]) -> String {
        as_text::<Own>(rows, &self.columns())
    }

    pub(super) fn copy_csv(self) {
        let rows = self.meant();
        copy_text(self.app, as_csv::<Own>(&rows, &self.columns()), rows_copied(rows.len()));
    }

    /// Copies the chosen hosts, else the one with the cursor.
    fn copy(self, line: Option<&Line>) -> bool {
        let rows = match (self.picked().as_slice(), line) {
            ([], Some(Line::Host { name, .. })) => self.rows_of(std::slice::from_ref(name)),
            ([], Some(Line::Group { .. }) | None) => return false,
            (picked, _) => self.rows_of(picked),
        };
        copy_text(self.app, self.as_text(&rows), rows_copied(rows.len()));
        true
    }

    /// What is edited, or would be, with the line that has the cursor.
    fn edit(self, line: Option<Line>) -> bool {
        let dialog = match line {
            _ if self.chosen.with_untracked(|chosen| chosen.len() > 1) => {
                OpenDialog::HostsEdit { hosts: self.chosen.get_untracked() }
            }
            Some(Line::Host { name, .. }) if name != LOCAL => OpenDialog::HostEdit { host: name },
            Some(Line::Group { name, .. }) if !name.is_empty() => {
                OpenDialog::Note { about: NoteAbout::Group(name) }
            }
            Some(Line::Group { .. } | Line::Host { .. }) | None => return false,
        };
        self.app.dialog.set(Some(dialog));
        true
    }

    /// Asks about the removal of what is chosen, else of the line that has the cursor.
    fn remove(self, line: Option<Line>) -> bool {
        let dialog = match (self.chosen.get_untracked().as_slice(), line) {
            ([], Some(Line::Host { name, .. })) if name != LOCAL => OpenDialog::HostRemove { host: name },
            ([], Some(Line::Host { .. } | Line::Group { .. }) | None) => return false,
            ([one], _) => OpenDialog::HostRemove { host: one.clone() },
            (several, _) => OpenDialog::HostsRemove { hosts: several.to_vec() },
        };
        self.app.dialog.set(Some(dialog));
        true
    }

    /// Brings the line that is edited back among those of the list, and gives its place there.
    fn show_edited(self) -> Option<usize> {
        let Some(Line::Host { name, group }) = untrack(|| self.edited.line()) else { return None };
        let line = Line::of_host(&untrack(|| self.app.row(&name))?.read_untracked().host, &group);
        let Line::Host { group, .. } = &line else { return None };
        self.app.search.set(String::new());
        self.app.hosts_view.update(|view| view.fold(group, false));
        self.edited.move_to(line.clone());
        self.cursor.set(Some(line.key()));
        self.rows.with_untracked(|rows| rows.iter().position(|one| one.key() == line.key()))
    }
}

/// What stands over a column.
fn head_words(i18n: I18n, column: Own) -> &'static str {
    match column {
        Own::Name => t_string!(i18n, hosts.column_name),
        Own::Tag => t_string!(i18n, hosts.column_tag),
        Own::Address => t_string!(i18n, hosts.column_address),
        Own::State => t_string!(i18n, hosts.column_state),
        Own::Cpu => t_string!(i18n, hosts.column_cpu),
        Own::Memory => t_string!(i18n, hosts.column_memory),
        Own::Disk => t_string!(i18n, hosts.column_disk),
        Own::Load => t_string!(i18n, hosts.column_load),
        Own::Uptime => t_string!(i18n, hosts.column_uptime),
        Own::Failed => t_string!(i18n, hosts.column_failed),
        Own::Seen => t_string!(i18n, hosts.column_seen),
    }
}

/// The columns of the table: those of the list behind the place of a choice and that of a glyph.
pub(super) fn columns(i18n: I18n) -> Vec<Column> {
    let mut columns = vec![
        Column::new("fold", "30px", String::new).unsorted(),
        Column::new("glyph", "18px", String::new).unsorted(),
    ];
    columns.extend(Own::ALL.iter().map(|&own| {
        let head = |track| Column::new(own.id(), track, move || head_words(i18n, own).to_owned());
        match own {
            Own::Name => head("minmax(98px, 1fr)"),
            Own::Tag => head("44px").needs(TAG_NEEDS_PX),
            Own::Address => head("104px").needs(ADDRESS_NEEDS_PX),
            Own::State => head("minmax(180px, 420px)"),
            Own::Cpu | Own::Memory => head("88px").numeric_left(),
            Own::Disk => head("minmax(112px, 1fr)").numeric_left(),
            Own::Load => head("72px").numeric().needs(LOAD_NEEDS_PX),
            Own::Uptime => head("72px").numeric().needs(UPTIME_NEEDS_PX),
            Own::Failed => head("46px").numeric(),
            Own::Seen => head("72px").numeric(),
        }
    }));
    columns
}

#[component]
pub(super) fn HostsTable(list: List) -> impl IntoView {
    let List { app, i18n, edited, pointed_at, selection, cursor, shape, rows, hidden, .. } = list;
    let navigate = use_navigate();
    Marking::provide();
    // The heads show the order that the list has, which words in the search field change too.
    let order = Memo::new(move |_| app.hosts_view.with(|view| app.search.with(|text| view.order(text))));
    let sort = RwSignal::new(order.get_untracked());
    Effect::new(move |_| {
        let order = order.get();
        if sort.get_untracked() != order {
            sort.set(order);
        }
    });
    Effect::new(move |_| {
        let sort = sort.get();
        if order.get_untracked() != sort {
            app.hosts_view.update(|view| app.search.with_untracked(|text| view.choose(sort, text)));
        }
    });

    // Without a group the list is flat.
    let is_tree = Memo::new(move |_| rows.with(|rows| rows.first().is_some_and(|line| !line.is_host())));
    let none = Memo::new(move |_| rows.with(|rows| rows.is_empty()));

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
    // Letters are for names: what acts has a key of its own, or Ctrl beside it.
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let line = cursor.with_untracked(|cursor| cursor.as_deref().and_then(Line::of_key));
        if event.ctrl_key() || event.meta_key() {
            return match (event.key().to_ascii_lowercase().as_str(), line) {
                ("c", line) => list.copy(line.as_ref()),
                ("e", line) => list.edit(line),
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
            ("Delete", line) => list.remove(line),
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
    let show = move |()| {
        let at = list.show_edited();
        // Once its line is among them.
        request_animation_frame(move || {
            let body = table
                .try_get_untracked()
                .flatten()
                .and_then(|table| table.query_selector(".table-body").ok()?);
            if let (Some(body), Some(at)) = (body, at) {
                body.set_scroll_top((at as f64 * ROW_PX - f64::from(body.client_height()) / 2.0) as i32);
            }
        });
    };
    let columns = Signal::stored(columns(i18n));
    // A line of one cell stands in the place of all that are shown.
    let width = Signal::derive(move || {
        shape.with(|shape| {
            columns.with(|columns| columns.iter().filter(|one| !shape.is_hidden(one.id)).count())
        })
    });
    let cells = move |line: ArcRwSignal<Line>| {
        let signal = line.clone();
        match line.get_untracked() {
            Line::Group { name, .. } => {
                let folded = Signal::derive(move || {
                    signal.with(|line| matches!(line, Line::Group { folded: true, .. }))
                });
                view! { <GroupCells name folded columns=width /> }.into_any()
            }
            Line::Host { name, group } => {
                let key = line.with_untracked(Line::key);
                let is_edited = Memo::new(move |_| edited.is(&key));
                (move || match is_edited.get() {
                    true => view! { <InPlace columns=width on_end /> }.into_any(),
                    false => view! { <HostCells name=name.clone() group=group.clone() /> }.into_any(),
                })
                .into_any()
            }
        }
    };
    view! {
        <DropZone dragging rows selection cursor is_tree pointed_at>
            <Show when=move || hidden.with(Option::is_some)>
                <PartialBar
                    words=Signal::derive(move || {
                        let name = edited.line().map(|line| line.shown_name()).unwrap_or_default();
                        t_string!(i18n, hosts.edit_here_hidden, name = name)
                    })
                    testid="edit-hidden"
                >
                    <Button small=true testid="edit-show" on_click=Callback::new(show)>
                        {move || t_string!(i18n, hosts.edit_here_show)}
                    </Button>
                    <Button small=true testid="edit-discard" on_click=Callback::new(move |()| edited.end())>
                        {move || t_string!(i18n, hosts.edit_here_discard)}
                    </Button>
                </PartialBar>
            </Show>
            <Table
                label=Signal::derive(move || t_string!(i18n, hosts.list).to_string())
                columns
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
                shape=Some(shape)
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
