//! What the palette offers beside what hosts say: pages, hosts by their name, and things to do.

use leptos::prelude::*;
use protocol::fuzzy::By;
use protocol::hosts::{HostRow, LOCAL};
use protocol::ipc::{OperationsRead, StoreBackup};
use protocol::link::LinkState;
use protocol::operations::ReadSelection;
use protocol::search::half_width;
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
    Terminal(String),
    LookHere,
    ReadAll,
    Lock,
    BackUp,
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
    fn new(icon: IconName, title: impl Into<String>, beside: impl Into<String>, go: Go) -> Self {
        let (title, beside) = (title.into(), beside.into());
        Self { mark: Mark::Icon(icon), title, matched: Vec::new(), beside, go }
    }

    /// What makes it the same line when others come before it.
    pub(super) fn key(&self) -> &str {
        match &self.go {
            Go::Path(path) => path,
            _ => &self.title,
        }
    }
}

/// Hosts that match words, and how many there are in all: those first whose name has the words, and of
/// these the live ones.
pub(super) fn hosts(app: App, words: &str, limit: usize) -> (Vec<Offer>, usize) {
    let rows: Vec<HostRow> = app.rows().iter().map(|row| row.get_untracked()).collect();
    // A name may have characters of full width itself.
    let mut typed = table::Sought::new(words);
    let mut meant = table::Sought::new(&half_width(words));
    let mut found: Vec<&HostRow> = rows.iter().filter(|row| typed.finds(row) || meant.finds(row)).collect();
    found.sort_by_key(|row| (letters(&row.host.name, words).is_none(), !row.link.is_live()));
    let total = found.len();
    let mut offer = |row: &HostRow| Offer {
        mark: Mark::Glyph(app.standing(&row.link).into()),
        matched: letters(&row.host.name, words).unwrap_or_else(|| typed.letters(&row.host.name, By::Letters)),
        title: row.host.name.clone(),
        beside: printable(&row.host.address).into_owned(),
        go: Go::Path(host_path(&row.host.name)),
    };
    (found.into_iter().take(limit).map(&mut offer).collect(), total)
}

/// Pages and actions that match words; all of them without words. Those of the host that is looked at and
/// of hosts that the words name stand before the others, and those of the other open hosts last.
pub(super) fn offers(app: App, i18n: I18n, here: Option<&str>, words: &str) -> Vec<Offer> {
    let mut near: Vec<String> = here.map(str::to_owned).into_iter().collect();
    let mut far = Vec::new();
    if !words.is_empty() {
        let is_named = |name: &str| words.split_whitespace().any(|word| name.eq_ignore_ascii_case(word));
        let names = app.names().into_iter();
        near.extend(names.filter(|name| is_named(name) && here != Some(name)));
        far.extend(app.open.get().into_iter().filter(|name| !near.contains(name)));
    }
    let mut all = pages(i18n);
    near.iter().for_each(|name| of_host(app, i18n, name, &mut all));
    all.extend(actions(app, i18n));
    far.iter().for_each(|name| of_host(app, i18n, name, &mut all));
    all.into_iter()
        .filter_map(|offer| {
            let matched = letters(&offer.title, words)?;
            Some(Offer { matched, ..offer })
        })
        .collect()
}

fn pages(i18n: I18n) -> Vec<Offer> {
    let page = |icon, title: &str, path: &str| {
        Offer::new(icon, title, t_string!(i18n, search.page), Go::Path(path.to_owned()))
    };
    vec![
        page(IconName::Hosts, t_string!(i18n, app.nav_hosts), "/hosts"),
        page(IconName::Operations, t_string!(i18n, app.nav_operations), "/operations"),
        page(IconName::Settings, t_string!(i18n, app.nav_settings), "/settings"),
        page(IconName::Lock, t_string!(i18n, search.trust), "/trust"),
    ]
}

/// The pages of a host, and what can be done on it now.
fn of_host(app: App, i18n: I18n, name: &str, all: &mut Vec<Offer>) {
    let Some(row) = app.row(name) else { return };
    let link = row.read_untracked().link.clone();
    let (is_live, is_local) = (link.is_live(), name == LOCAL);
    let shown = printable(name).into_owned();
    let host = || name.to_owned();
    let tabs = [
        ("", t_string!(i18n, app.tab_overview)),
        ("/processes", t_string!(i18n, app.tab_processes)),
        ("/sockets", t_string!(i18n, app.tab_sockets)),
        ("/services", t_string!(i18n, app.tab_services)),
        ("/journal", t_string!(i18n, app.tab_journal)),
        ("/operations", t_string!(i18n, app.tab_operations)),
        ("/notes", t_string!(i18n, app.tab_notes)),
    ];
    for (end, words) in tabs {
        let title = t_string!(i18n, search.page_of, page = words, host = shown.as_str());
        let path = format!("{}{end}", host_path(name));
        all.push(Offer::new(IconName::Hosts, title, t_string!(i18n, search.page), Go::Path(path)));
    }
    let mut act = |icon, title: String, go| all.push(Offer::new(icon, title, "", go));
    if is_live {
        let (unit, action) = (None, ServiceAction::Restart);
        let restart = Go::Dialog(OpenDialog::Service { host: host(), unit, action });
        act(IconName::Restart, t_string!(i18n, search.restart_on, host = shown.as_str()), restart);
        let run = Go::Dialog(OpenDialog::run(host()));
        act(IconName::Terminal, t_string!(i18n, search.run_on, host = shown.as_str()), run);
    }
    // The same as the menu of its page offers.
    if matches!(link, LinkState::Idle | LinkState::Failed { .. }) {
        let words = t_string!(i18n, search.connect_to, host = shown.as_str());
        act(IconName::Right, words, Go::Connect(host()));
    } else {
        let words = t_string!(i18n, search.disconnect_from, host = shown.as_str());
        act(IconName::Cross, words, Go::Disconnect(host()));
    }
    if is_local {
        return;
    }
    let terminal = t_string!(i18n, search.terminal_on, host = shown.as_str());
    act(IconName::Terminal, terminal, Go::Terminal(host()));
    let key = t_string!(i18n, search.key_for, host = shown.as_str());
    act(IconName::Unit, key, Go::Dialog(OpenDialog::Key { host: host() }));
    let edit = t_string!(i18n, search.edit_host, host = shown.as_str());
    act(IconName::Edit, edit, Go::Dialog(OpenDialog::HostEdit { host: host() }));
    if is_live {
        let words = t_string!(i18n, search.helper_from, host = shown.as_str());
        act(IconName::Cross, words, Go::Dialog(OpenDialog::HelperRemove { host: host() }));
    }
}

/// What concerns no one host.
fn actions(app: App, i18n: I18n) -> Vec<Offer> {
    let mut all = Vec::new();
    let mut act =
        |icon, title: &str, go| all.push(Offer::new(icon, title, t_string!(i18n, search.action), go));
    act(IconName::Plus, t_string!(i18n, search.add_host), Go::Dialog(OpenDialog::HostAdd));
    act(IconName::Terminal, t_string!(i18n, search.look_here), Go::LookHere);
    act(IconName::Import, t_string!(i18n, search.import_hosts), Go::Dialog(OpenDialog::HostsImport));
    act(IconName::Export, t_string!(i18n, search.export_hosts), Go::Dialog(OpenDialog::HostsExport));
    act(IconName::Check, t_string!(i18n, search.read_all), Go::ReadAll);
    act(IconName::Check, t_string!(i18n, search.verify_log), Go::Dialog(OpenDialog::LogVerify));
    act(IconName::Copy, t_string!(i18n, search.back_up), Go::BackUp);
    act(IconName::Lock, t_string!(i18n, search.lock), Go::Lock);
    let settings = app.settings.get();
    let themes = [
        (Theme::Light, t_string!(i18n, search.light)),
        (Theme::Dark, t_string!(i18n, search.dark)),
        (Theme::System, t_string!(i18n, search.theme_system)),
    ];
    for (theme, words) in themes.into_iter().filter(|(theme, _)| *theme != settings.theme) {
        act(IconName::Settings, words, Go::Theme(theme));
    }
    // Each language names itself, for a person who reads only that one.
    let languages = [
        (Language::English, "English"),
        (Language::Chinese, "简体中文"),
        (Language::System, t_string!(i18n, search.language_system)),
    ];
    for (language, words) in languages.into_iter().filter(|(language, _)| *language != settings.language) {
        act(IconName::Settings, words, Go::Language(language));
    }
    act(IconName::More, t_string!(i18n, search.keys), Go::Dialog(OpenDialog::Keys));
    all
}

/// Does what a line stands for; a path is given back, for the caller to go to.
pub(super) fn go(app: App, go: &Go) -> Option<String> {
    match go {
        Go::Path(path) => return Some(path.clone()),
        Go::Dialog(dialog) => app.dialog.set(Some(dialog.clone())),
        Go::Theme(theme) => app.change_settings(|settings| settings.theme = *theme),
        Go::Language(language) => app.change_settings(|settings| settings.language = *language),
        Go::Connect(host) => app.connect(host),
        Go::Disconnect(host) => app.disconnect(host),
        Go::Terminal(host) => app.open_terminal(host),
        Go::LookHere => {
            app.add_local();
            return Some(host_path(LOCAL));
        }
        Go::Lock => app.lock(),
        Go::ReadAll => leptos::task::spawn_local(async move {
            match ipc::call(OperationsRead { selection: ReadSelection::All }).await {
                Ok(counts) => app.counts.set(counts),
                Err(fault) => app.complain(fault),
            }
        }),
        Go::BackUp => leptos::task::spawn_local(async move {
            match ipc::call(StoreBackup {}).await {
                Ok(made) => app.tell_more(|i18n| t_string!(i18n, search.backed_up).to_owned(), made.file),
                Err(fault) => app.complain(fault),
            }
        }),
    }
    None
}
