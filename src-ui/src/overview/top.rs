//! The lines of top(1): tasks, CPU, memory, swap, in its words and its order.

use leptos::prelude::*;
use protocol::metrics::Metrics;

use crate::format::{self, NOT_KNOWN};
use crate::text::{t_string, use_i18n};

/// One number with its word: `219 sleeping`. The number is `None` where the host does not say.
#[derive(Clone, PartialEq)]
struct Cell {
    key: &'static str,
    value: Option<String>,
    is_zero: bool,
    word: String,
}

fn cell(key: &'static str, value: Option<String>, word: impl Into<String>) -> Cell {
    let is_zero = value.as_deref().is_some_and(|value| value.chars().all(|c| matches!(c, '0' | '.')));
    Cell { key, value, is_zero, word: word.into() }
}

#[component]
pub(crate) fn TopLines(
    metrics: Signal<Option<Metrics>>,
    /// What is shown is not from now.
    stale: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let count =
        move |of: fn(&Metrics) -> u32| metrics.with(|m| m.as_ref().map(|m| format::count(u64::from(of(m)))));
    let share = move |of: fn(&protocol::metrics::CpuShares) -> f64| {
        metrics.with(|m| m.as_ref().and_then(|m| m.cpu.as_ref().map(|cpu| format::tenths(of(cpu)))))
    };
    let mebibytes = move |of: fn(&protocol::metrics::Memory) -> u64| {
        metrics.with(|m| m.as_ref().map(|m| format::mebibytes(of(&m.memory))))
    };
    // Where processes are hidden from this user there are at least so many.
    let total = move || {
        let hidden = metrics.with(|m| m.as_ref().is_some_and(|m| m.tasks.some_hidden));
        count(|m| m.tasks.total).map(|total| if hidden { format!("\u{2265} {total}") } else { total })
    };
    let tasks = move || {
        vec![
            cell("total", total(), t_string!(i18n, overview.total)),
            cell("running", count(|m| m.tasks.running), t_string!(i18n, overview.running)),
            cell("sleeping", count(|m| m.tasks.sleeping), t_string!(i18n, overview.sleeping)),
            cell("stopped", count(|m| m.tasks.stopped), t_string!(i18n, overview.stopped)),
            cell("zombie", count(|m| m.tasks.zombie), t_string!(i18n, overview.zombie)),
        ]
    };
    let cpu = move || {
        vec![
            cell("us", share(|c| c.us_pct), "us"),
            cell("sy", share(|c| c.sy_pct), "sy"),
            cell("ni", share(|c| c.ni_pct), "ni"),
            cell("id", share(|c| c.id_pct), "id"),
            cell("wa", share(|c| c.wa_pct), "wa"),
            cell("hi", share(|c| c.hi_pct), "hi"),
            cell("si", share(|c| c.si_pct), "si"),
            cell("st", share(|c| c.st_pct), "st"),
        ]
    };
    let memory = move || {
        vec![
            cell("total", mebibytes(|m| m.total_bytes), t_string!(i18n, overview.total)),
            cell("free", mebibytes(|m| m.free_bytes), t_string!(i18n, overview.free)),
            cell("used", mebibytes(|m| m.used_bytes), t_string!(i18n, overview.used)),
            cell("buff-cache", mebibytes(|m| m.buff_cache_bytes), t_string!(i18n, overview.buff_cache)),
        ]
    };
    let swap = move || {
        vec![
            cell("total", mebibytes(|m| m.swap_total_bytes), t_string!(i18n, overview.total)),
            cell("free", mebibytes(|m| m.swap_free_bytes), t_string!(i18n, overview.free)),
            cell("used", mebibytes(|m| m.swap_used_bytes), t_string!(i18n, overview.used)),
            cell("avail-mem", mebibytes(|m| m.available_bytes), t_string!(i18n, overview.avail_mem)),
        ]
    };
    view! {
        <div class="top-lines selectable" class:is-stale=stale>
            <TopLine id="tasks" head=move || t_string!(i18n, overview.tasks).to_owned() cells=tasks/>
            <TopLine id="cpu" head=move || t_string!(i18n, overview.cpu_pct).to_owned() cells=cpu/>
            <TopLine id="memory" head=move || t_string!(i18n, overview.memory_mib).to_owned() cells=memory/>
            <TopLine id="swap" head=move || t_string!(i18n, overview.swap_mib).to_owned() cells=swap/>
        </div>
    }
}

#[component]
fn TopLine(
    id: &'static str,
    head: impl Fn() -> String + Send + Sync + 'static,
    cells: impl Fn() -> Vec<Cell> + Send + Sync + 'static,
) -> impl IntoView {
    // The text stays the same node while only its number changes, so a selection survives.
    view! {
        <div class="top-line" data-testid=format!("overview-{id}")>
            <span class="top-head">{head}</span>
            {move || {
                cells()
                    .into_iter()
                    .map(|cell| {
                        view! {
                            <span class="top-cell" data-key=cell.key>
                                <b class:is-zero=cell.is_zero>
                                    {cell.value.unwrap_or_else(|| NOT_KNOWN.to_owned())}
                                </b>
                                {format!(" {} ", cell.word)}
                            </span>
                        }
                    })
                    .collect_view()
            }}
        </div>
    }
}
