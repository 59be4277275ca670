//! What the palette offers beside what hosts say: pages, hosts by their name, and things to do.

use leptos::prelude::*;
use protocol::hosts::{HostRow, LOCAL};
use protocol::ipc::OperationsRead;
use protocol::operations::ReadSelection;
use protocol::services::ServiceAction;
use protocol::settings::{Language, Theme};
use protocol::text::printable;

use super::plan::letters;
use crate::components::{GlyphName, IconName};
use crate::hosts::{host_path, table};
use crate::ipc;
use crate::state::{App, OpenDialog};
use crate::text::{I18n, t_string};

/// What happens on Enter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Go {
    Path(String),
    Dialog(OpenDialog),
    Theme(Theme),
    Language(Language),
    Connect(String),
    Disconnect(String),
    LookHere,
    ReadAll,
}

/// The mark at the left of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    Icon(IconName),
    Glyph(GlyphName),
}

/// One line of the palette that is no answer of a host.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offer {
    pub(super) mark: Mark,
    /// As it is, not yet safe to show; the positions count its characters.
    pub(super) title: String,
    pub(super) matched: Vec<u32>,
    pub(super) beside: String,
    pub(super) go: Go,
}

impl Offer {
    fn new(mark: Mark, title: impl Into<String>, beside: impl Into<String>, go: Go) -> Self {
        Self { mark, title: title.into(), matched: Vec::new(), beside: beside.into(), go }
    }
}

/// Hosts that match words, live ones first among equals of the list's own order.
pub(super) fn hosts(app: App, words: &str, limit: usize) -> Vec<Offer> {
    let rows: Vec<HostRow> = app.rows().iter().map(|row| row.get_untracked()).collect();
    let mut found: Vec<&HostRow> = rows.iter().filter(|row| table::matches(row, words)).collect();
    // A name that has the words stands before a host that has them elsewhere.
    found.sort_by_key(|row| letters(&row.host.name, words).is_none());
    let offer = |row: &HostRow| Offer {
        mark: Mark::Glyph(app.standing(&row.link).into()),
        matched: letters(&row.host.name, words).unwrap_or_default(),
        title: row.host.name.clone(),
        beside: printable(&row.host.address).into_owned(),
        go: Go::Path(host_path(&row.host.name)),
    };
    found.into_iter().take(limit).map(offer).collect()
}

/// Pages and actions that match words; all of them without words.
pub(super) fn offers(app: App, i18n: I18n, here: Option<String>, words: &str) -> Vec<Offer> {
    let icon = Mark::Icon;
    macro_rules! says {
        ($($key:tt)+) => { t_string!(i18n, $($key)+) };
    }
    let page = says!(search.page);
    let mut all = vec![
        Offer::new(icon(IconName::Hosts), says!(app.nav_hosts), page, Go::Path("/hosts".into())),
        Offer::new(
            icon(IconName::Operations),
            says!(app.nav_operations),
            page,
            Go::Path("/operations".into()),
        ),
        Offer::new(icon(IconName::Settings), says!(app.nav_settings), page, Go::Path("/settings".into())),
    ];
    // What can be done on a host: the one that is looked at, else those that the words name.
    let of_host = |name: &str, all: &mut Vec<Offer>| {
        let Some(row) = app.row(name) else { return };
        let is_up = row.read_untracked().link.is_live();
        let (host, shown) = (name.to_owned(), printable(name).into_owned());
        let run = Go::Dialog(OpenDialog::run(host.clone()));
        let (unit, action) = (None, ServiceAction::Restart);
        let restart = Go::Dialog(OpenDialog::Service { host: host.clone(), unit, action });
        all.push(Offer::new(
            icon(IconName::Restart),
            says!(search.restart_on, host = shown.as_str()),
            "",
            restart,
        ));
        all.push(Offer::new(icon(IconName::Terminal), says!(search.run_on, host = shown.as_str()), "", run));
        all.push(match is_up {
            true => {
                let words = says!(search.disconnect_from, host = shown.as_str());
                Offer::new(icon(IconName::Cross), words, "", Go::Disconnect(host.clone()))
            }
            false => {
                let words = says!(search.connect_to, host = shown.as_str());
                Offer::new(icon(IconName::Right), words, "", Go::Connect(host.clone()))
            }
        });
        if name != LOCAL {
            let edit = Go::Dialog(OpenDialog::HostEdit { host });
            all.push(Offer::new(
                icon(IconName::Unit),
                says!(search.edit_host, host = shown.as_str()),
                "",
                edit,
            ));
        }
    };
    match &here {
        Some(host) => of_host(host, &mut all),
        None if !words.is_empty() => {
            let named =
                |row: &HostRow| words.split_whitespace().any(|word| row.host.name.eq_ignore_ascii_case(word));
            let names: Vec<String> = app
                .rows()
                .iter()
                .filter(|row| named(&row.read_untracked()))
                .map(|row| row.read_untracked().host.name.clone())
                .collect();
            names.iter().for_each(|name| of_host(name, &mut all));
        }
        None => {}
    }
    let action = says!(search.action);
    all.push(Offer::new(
        icon(IconName::Plus),
        says!(search.add_host),
        action,
        Go::Dialog(OpenDialog::HostAdd),
    ));
    all.push(Offer::new(icon(IconName::Terminal), says!(search.look_here), action, Go::LookHere));
    all.push(Offer::new(icon(IconName::Check), says!(search.read_all), action, Go::ReadAll));
    let theme =
        if app.is_dark() { (says!(search.light), Theme::Light) } else { (says!(search.dark), Theme::Dark) };
    all.push(Offer::new(icon(IconName::Settings), theme.0, action, Go::Theme(theme.1)));
    // Each language names itself, for a person who reads only that one.
    all.push(Offer::new(icon(IconName::Settings), "English", action, Go::Language(Language::English)));
    all.push(Offer::new(icon(IconName::Settings), "简体中文", action, Go::Language(Language::Chinese)));
    all.push(Offer::new(icon(IconName::More), says!(search.keys), action, Go::Dialog(OpenDialog::Keys)));
    all.into_iter()
        .filter_map(|offer| {
            let matched = letters(&offer.title, words)?;
            Some(Offer { matched, ..offer })
        })
        .collect()
}

/// Does what a line stands for; true if it was a path, which the caller goes to.
pub(super) fn go(app: App, go: &Go) -> Option<String> {
    match go {
        Go::Path(path) => return Some(path.clone()),
        Go::Dialog(dialog) => app.dialog.set(Some(dialog.clone())),
        Go::Theme(theme) => app.change_settings(|settings| settings.theme = *theme),
        Go::Language(language) => app.change_settings(|settings| settings.language = *language),
        Go::Connect(host) => app.connect(host),
        Go::Disconnect(host) => app.disconnect(host),
        Go::LookHere => {
            app.add_local();
            return Some(host_path(LOCAL));
        }
        Go::ReadAll => leptos::task::spawn_local(async move {
            match ipc::call(OperationsRead { selection: ReadSelection::All }).await {
                Ok(counts) => app.counts.set(counts),
                Err(fault) => app.complain(fault),
            }
        }),
    }
    None
}
