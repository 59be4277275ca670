//! The table in its states, with made-up rows: the bare one, the tree, and below it that of a host.

use std::collections::HashSet;
use std::sync::Arc;

use leptos::prelude::*;

use super::live::GalleryLive;
use super::made::{self, Process};
use super::words;
use crate::components::columns::{self, Columns};
use crate::components::marks::marked;
use crate::components::selection::Selection;
use crate::components::shape::Shape;
use crate::components::sort::Sort;
use crate::components::tree::{Branch, BranchOf};
use crate::components::{Button, Column, ColumnChooser, Icon, IconName, Marks, Table};
use crate::format;

#[component]
pub(super) fn GalleryTable() -> impl IntoView {
    view! {
        <main class="page gallery" data-testid="gallery-table" data-ready="true">
            <section>
                <Flat />
            </section>
            <section>
                <Tree />
            </section>
            <GalleryLive />
        </main>
    }
}

fn heads() -> Vec<Column> {
    let head = |column: made::Column| {
        let head = Column::new(column.id(), column.track(), move || column.words().to_owned());
        if column.is_numeric() { head.numeric() } else { head }
    };
    made::Column::ALL.iter().copied().map(head).collect()
}

/// The cells of a process; what is not known is a dash.
pub(super) fn process_cells(row: ArcRwSignal<Process>) -> AnyView {
    (move || {
        let Process { pid, name, user, cpu_pct, memory_bytes, matched } = row.get();
        view! {
            <span class="cell num" role="gridcell">{pid}</span>
            <span class="cell name" role="gridcell" title=name.clone()>{marked(&name, &matched)}</span>
            <span class="cell quiet" role="gridcell">{user.unwrap_or_else(|| format::NOT_KNOWN.to_owned())}</span>
            <span class="cell num" class:strong={cpu_pct > 40.0} role="gridcell">{format::percent(cpu_pct)}</span>
            <span class="cell num" role="gridcell">{format::memory(memory_bytes)}</span>
        }
    })
    .into_any()
}

/// Sorted by a number, with the cursor, chosen rows, a new row and one that is gone, letters that matched, a hidden column, and
/// cells that change.
#[component]
fn Flat() -> impl IntoView {
    let sort = RwSignal::new(Sort { column: "cpu", descending: true });
    let turn = RwSignal::new(0_u32);
    let rows = Memo::new(move |_| {
        let mut rows = made::processes(turn.get());
        for row in rows.iter_mut().filter(|row| row.name == "nginx") {
            row.matched = vec![0, 1, 3];
        }
        made::Column::arrange(&mut rows, sort.get());
        Arc::new(rows)
    });
    let newcomer = made::processes(0).last().map(made::key).into_iter().collect::<HashSet<_>>();
    let marks = Marks {
        question: RwSignal::new(0),
        new: RwSignal::new(Arc::new(newcomer)),
        gone: Signal::stored(Arc::new(HashSet::from(["583".to_owned()]))),
        pointed_at: RwSignal::new(false),
        moved: Trigger::new(),
    };
    let mut shape = Shape::default();
    shape.hide("user");
    let shape = RwSignal::new(shape);
    let mut chosen = Selection::default();
    ["98", "195"].iter().for_each(|key| chosen.toggle(key));
    let selection = RwSignal::new(chosen);
    let cursor = RwSignal::new(Some("292".to_owned()));
    view! {
        <h2>"Sorted by CPU: a cursor, two chosen rows, a new and a gone one, letters that matched, a hidden column"</h2>
        <p class="gallery-line is-right">
            <Button testid="gallery-change" on_click=Callback::new(move |()| turn.update(|turn| *turn += 1))>
                "Change cells"
            </Button>
            <ColumnChooser columns=Signal::stored(heads()) shape testid="gallery-columns" />
        </p>
        <div class="gallery-table">
            <Table
                label=words("Processes")
                columns=Signal::stored(heads())
                rows
                key=made::key
                cells=process_cells
                sort
                cursor
                name=Some(columns::name_of::<made::Column>)
                marks
                shape=Some(shape)
                selection=Some(selection)
                testid="gallery-flat"
            />
        </div>
    }
}

/// A group, or a host that lies in one.
#[derive(Clone, PartialEq)]
struct Node {
    name: &'static str,
    /// Of a group: whether it is folded.
    folded: Option<bool>,
}

const GROUPS: [(&str, &[&str]); 3] =
    [("Web", &["web-1", "web-2", "web-3"]), ("Database", &["db-1", "db-2"]), ("Empty", &[])];

fn branch(node: &Node) -> Branch {
    match node.folded {
        Some(folded) => Branch { level: 1, expanded: Some(!folded) },
        None => Branch { level: 2, expanded: None },
    }
}

fn node_name(node: &Node) -> String {
    node.name.to_owned()
}

fn node_cells(node: ArcRwSignal<Node>) -> AnyView {
    (move || {
        let Node { name, folded } = node.get();
        let icon = folded.map(|folded| {
            let name = if folded { IconName::Right } else { IconName::Down };
            view! { <Icon name /> }
        });
        view! { <span class="cell group-line" class:strong=folded.is_some() role="gridcell">{icon} {name}</span> }
    })
    .into_any()
}

/// Rows in each other: open, folded, with nothing in it.
#[component]
fn Tree() -> impl IntoView {
    let folded = RwSignal::new(HashSet::from(["Database"]));
    let rows = Memo::new(move |_| {
        let mut rows = Vec::new();
        for (name, inside) in GROUPS {
            let is_folded = folded.with(|folded| folded.contains(name));
            rows.push(Node { name, folded: Some(is_folded) });
            let inside = inside.iter().filter(|_| !is_folded);
            rows.extend(inside.map(|name| Node { name, folded: None }));
        }
        Arc::new(rows)
    });
    let fold = move |(key, is_folded): (String, bool)| {
        let Some((name, _)) = GROUPS.into_iter().find(|(name, _)| *name == key) else { return };
        folded.update(|folded| {
            if is_folded {
                folded.insert(name)
            } else {
                folded.remove(name)
            };
        });
    };
    let toggle = move |key: String| {
        let is_folded = folded.with_untracked(|folded| folded.contains(key.as_str()));
        fold((key, !is_folded));
    };
    view! {
        <h2>"A tree: open, folded, with nothing in it; the keys to the sides fold and unfold"</h2>
        <div class="gallery-table">
            <Table
                label=words("Hosts in their groups")
                columns=Signal::stored(vec![
                    Column::new("name", "minmax(110px, 1fr)", || "Name".to_owned()).unsorted(),
                ])
                rows
                key=node_name
                cells=node_cells
                sort=RwSignal::new(Sort::by("name"))
                cursor=RwSignal::new(Some("Web".to_owned()))
                branch=Signal::stored(Some(branch as BranchOf<Node>))
                on_open=Some(Callback::new(toggle))
                on_fold=Some(Callback::new(fold))
                name=Some(node_name)
                testid="gallery-tree"
            />
        </div>
    }
}
