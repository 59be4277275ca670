//! One entry of a log: its row, and at the side all that is known of it.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::journal::{JournalEntry, PRIORITIES};
use protocol::text::{printable, printable_lines};

use crate::components::{Facts, SidePanel, SideSection};
use crate::format::{self, NOT_KNOWN};
use crate::state::{use_app, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

#[component]
pub(super) fn EntryDetail(
    rows: Signal<Arc<Vec<Arc<JournalEntry>>>>,
    cursor: RwSignal<Option<String>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let chosen = Memo::new(move |_| {
        let key = cursor.get()?;
        rows.with(|rows| rows.iter().find(|entry| entry.cursor == key).cloned())
    });
    move || {
        let entry = chosen.get()?;
        let tongue = lang(i18n);
        let known = |text: Option<&str>| text.map(|text| printable(text).into_owned());
        let facts = [
            (
                t_string!(i18n, journal.time),
                Some(format::date_time(entry.at_ms, zone_min(entry.at_ms), tongue)),
            ),
            (t_string!(i18n, journal.priority), known(entry.priority.and_then(priority_name))),
            (t_string!(i18n, journal.unit), known(entry.unit.as_deref())),
            (t_string!(i18n, journal.who), known(entry.identifier.as_deref())),
            ("PID", entry.pid.map(|pid| pid.to_string())),
            (t_string!(i18n, journal.host), known(entry.host.as_deref())),
        ];
        let cut = (entry.left_out_bytes > 0).then(|| {
            let size = format::bytes(entry.left_out_bytes);
            view! { <p class="dim">{t_string!(i18n, processes.command_cut, size = size)}</p> }
        });
        let title = known(entry.identifier.as_deref()).unwrap_or_else(|| NOT_KNOWN.to_owned());
        Some(view! {
            <SidePanel
                title
                cursor
                testid="journal-detail"
                close_testid="journal-detail-close"
            >
                <SideSection title=t_string!(i18n, journal.message) copy=entry.message.clone()>
                    <pre class="block mono selectable" data-testid="journal-message">
                        {printable_lines(&entry.message).into_owned()}
                    </pre>
                    {cut}
                </SideSection>
                <SideSection>
                    <Facts facts=facts.into() />
                </SideSection>
            </SidePanel>
        })
    }
}

pub(super) fn entry_key(entry: &Arc<JournalEntry>) -> String {
    entry.cursor.clone()
}

/// Who wrote it, as its row shows it.
pub(super) fn entry_name(entry: &Arc<JournalEntry>) -> String {
    let who = entry.identifier.as_deref().or(entry.unit.as_deref());
    who.map_or_else(|| NOT_KNOWN.to_owned(), |who| printable(who).into_owned())
}

fn priority_name(priority: u8) -> Option<&'static str> {
    PRIORITIES.get(usize::from(priority)).copied()
}

pub(super) fn row_class(entry: &Arc<JournalEntry>) -> &'static str {
    match entry.priority {
        Some(0..=3) => "is-error",
        Some(4) => "is-warning",
        Some(7) => "is-quiet",
        _ => "",
    }
}

pub(super) fn entry_cells(i18n: I18n, row: ArcRwSignal<Arc<JournalEntry>>) -> AnyView {
    let app = use_app();
    (move || {
        let entry = row.get();
        let at_ms = entry.at_ms;
        let zone = zone_min(at_ms);
        // The day is said where it is not today.
        let time = match format::days_ago(at_ms, untrack(|| app.now_ms.get()), zone) {
            0 => format::clock(at_ms, zone),
            _ => format::moment(at_ms, untrack(|| app.now_ms.get()), zone, lang(i18n)),
        };
        let title = format::date_time(at_ms, zone, lang(i18n));
        let who = entry_name(&entry);
        let first = entry.message.lines().next().unwrap_or_default();
        let more = entry.message.lines().nth(1).is_some().then_some(" \u{2026}");
        let priority = entry.priority.and_then(priority_name).unwrap_or(NOT_KNOWN);
        let priority_class = match entry.priority {
            Some(0..=3) => "cell is-crit strong",
            Some(4) => "cell is-warn",
            _ => "cell dim",
        };
        view! {
            <span class="cell mono dim" role="gridcell" title=title>{time}</span>
            <span class=priority_class role="gridcell">{priority}</span>
            <span class="cell quiet" role="gridcell" title=who.clone()>{who.clone()}</span>
            <span class="cell mono journal-message" role="gridcell">
                {printable(first).into_owned()}
                {more}
            </span>
        }
    })
    .into_any()
}
