//! How an answer of a host looks in the palette, in words of the person's language.

use leptos::prelude::*;
use protocol::search::{FindRow, Found};
use protocol::text::printable;

use crate::components::marks::{marked, matches};
use crate::format;
use crate::state::App;
use crate::text::{I18n, lang, t_string};

/// What stands in the four columns behind the name of the host.
pub(super) fn cells(app: App, i18n: I18n, row: &FindRow) -> AnyView {
    let at = |column: &str| matches(&row.matched, column).to_vec();
    let dash = || view! { <span class="dim">{format::NOT_KNOWN}</span> }.into_any();
    let known = |text: Option<&str>, column: &str| match text {
        Some(text) => marked(text, &at(column)),
        None => dash(),
    };
    let (found, what, third) = match &row.found {
        Found::Host { address, os } => {
            (marked(address, &at("address")), known(os.as_deref(), ""), ().into_any())
        }
        Found::Socket { local, peer, program, pid, unit, inode, .. } => {
            let owner = match (program, pid) {
                (Some(program), Some(pid)) => view! {
                    {marked(program, &at("program"))}
                    <span class="dim">{format!(" {pid}")}</span>
                }
                .into_any(),
                (Some(program), None) => marked(program, &at("program")),
                // One on its way out is held by nobody.
                (None, _) if *inode == 0 => dash(),
                (None, _) => {
                    view! { <span class="is-warn">{t_string!(i18n, search.owner_needs_root)}</span> }
                        .into_any()
                }
            };
            let ends = match peer {
                None => marked(local, &at("local")),
                Some(peer) => view! {
                    {marked(local, &at("local"))}
                    <span class="dim">" \u{2190} "</span>
                    {marked(peer, &at("peer"))}
                }
                .into_any(),
            };
            (ends, owner, known(unit.as_deref(), "unit"))
        }
        Found::Process { pid, name, command, user, unit, .. } => {
            let title = printable(command).into_owned();
            let name = view! {
                <span title=title>{marked(name, &at("name"))}</span>
                <span class="dim">{format!(" {pid}")}</span>
            };
            (name.into_any(), known(user.as_deref(), "user"), known(unit.as_deref(), "unit"))
        }
        Found::Unit { name, description, state, failed } => {
            let class = if *failed { "is-crit" } else { "quiet" };
            let state = view! { <span class=class>{printable(state).into_owned()}</span> };
            (
                marked(name, &at("name")),
                state.into_any(),
                view! { <span class="dim">{printable(description).into_owned()}</span> }.into_any(),
            )
        }
        Found::Disk { mount, use_pct, available_bytes } => {
            let left = t_string!(i18n, search.left, size = format::bytes(*available_bytes));
            (
                marked(mount, &[]),
                format::percent(*use_pct).into_any(),
                view! { <span class="dim">{left}</span> }.into_any(),
            )
        }
        Found::Kernel { release, os } => {
            (marked(release, &at("release")), known(os.as_deref(), ""), ().into_any())
        }
    };
    let aside = match (row.live, &row.found) {
        (true, Found::Socket { clients: Some(0), .. }) => t_string!(i18n, search.no_clients).to_owned(),
        (true, Found::Socket { clients: Some(count), .. }) => t_string!(i18n, search.clients, count = *count),
        (true, Found::Process { cpu_pct: Some(pct), .. }) => format!("{} %", format::tenths(*pct)),
        (true, _) => String::new(),
        (false, _) if row.at_ms == 0 => String::new(),
        (false, _) => {
            let age = format::age(row.at_ms, app.now_ms.get_untracked(), lang(i18n));
            t_string!(i18n, search.ago, age = age)
        }
    };
    let aside_class = if row.live { "found-aside dim" } else { "found-aside is-warn" };
    view! {
        <span class="found-host cut">{marked(&row.host, &at("host"))}</span>
        <span class="found-what cut mono">{found}</span>
        <span class="cut">{what}</span>
        <span class="cut">{third}</span>
        <span class=aside_class>{aside}</span>
    }
    .into_any()
}

/// The row as a line of text, for the clipboard.
pub(super) fn as_text(row: &FindRow) -> String {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let parts = match &row.found {
        Found::Host { address, os } => vec![address.clone(), known(os)],
        Found::Socket { local, peer, program, pid, unit, state, .. } => vec![
            local.clone(),
            known(peer),
            state.clone(),
            known(program),
            pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            known(unit),
        ],
        Found::Process { pid, name, user, unit, command, .. } => {
            vec![pid.to_string(), name.clone(), known(user), known(unit), command.clone()]
        }
        Found::Unit { name, state, description, .. } => {
            vec![name.clone(), state.clone(), description.clone()]
        }
        Found::Disk { mount, use_pct, .. } => vec![mount.clone(), format::percent(*use_pct)],
        Found::Kernel { release, os } => vec![release.clone(), known(os)],
    };
    let line: Vec<String> =
        std::iter::once(&row.host).chain(&parts).map(|part| printable(part).into_owned()).collect();
    line.join("\t")
}
