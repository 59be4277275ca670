//! `App`: the signals that all pages share, and how the engine's events get into them.
//!
//! Each host has a signal of its own, so a new number repaints one row and not five hundred.
//! Events are gathered for a tenth of a second and taken in together; only the samples of the
//! host on screen go straight to the page that draws them, none of them left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::hosts::{HostRow, LOCAL};
use protocol::ipc::{
    AppFacts, AppStart, Event, HostConnect, HostDisconnect, HostsList, QuestionsList, SettingsSave,
};
use protocol::link::{LinkState, LinkStep, Question};
use protocol::metrics::Metrics;
use protocol::operations::{ExportReport, OperationCounts};
use protocol::settings::{Language, Settings, Theme};

use super::dialog::OpenDialog;
use super::lines::Lines;
use super::readers::{renew, renew_if};
use super::standing::{self, NextStep, Standing};
use super::to_come::Count;
use crate::components::KeptRows;
use crate::components::load::Load;
use crate::components::shelf::Shelf;
use crate::hosts::table::HostsView;
use crate::hosts::unsaved::Unsaved;
use crate::ipc;
use crate::notes::Desk;
use crate::text::{I18n, Locale, use_i18n};

/// Where it is kept how the list of hosts is filtered, sorted and folded.
const HOSTS_VIEW: &str = "hosts-view";

type MetricsListener = (u64, String, Callback<(i64, Arc<Metrics>)>);

/// State of the whole window; `Copy`, taken with `use_app()`.
#[derive(Clone, Copy)]
pub(crate) struct App {
    pub(crate) facts: RwSignal<Load<AppFacts>>,
    pub(crate) settings: RwSignal<Settings>,
    pub(crate) counts: RwSignal<OperationCounts>,
    /// Another one whenever an entry of the log changed.
    pub(crate) log_record: RwSignal<u64>,
    /// How far the export of a ticket has come.
    pub(crate) export: RwSignal<Option<(String, ExportReport)>>,
    /// Whether the list of hosts was read; the rows themselves are behind `row` and `rows`.
    pub(crate) hosts: RwSignal<Load<()>>,
    /// Each saved host by its name.
    pub(super) rows: RwSignal<BTreeMap<String, ArcRwSignal<HostRow>>>,
    /// Counts up when any row changed, for views over all of them.
    pub(crate) pulse: RwSignal<u32>,
    /// This computer's time, each second.
    pub(crate) now_ms: RwSignal<i64>,
    /// Names of the hosts that were opened, for the rail.
    pub(crate) open: RwSignal<Vec<String>>,
    pub(crate) dialog: RwSignal<Option<OpenDialog>>,
    /// The app was asked to end while something still runs: the question lies over any dialog.
    pub(crate) quitting: RwSignal<bool>,
    /// The series of actions that are carried out.
    pub(super) series: RwSignal<BTreeMap<u64, Count>>,
    /// A page that was asked for from outside the window.
    pub(crate) asked_path: RwSignal<Option<String>>,
    /// Hosts whose pages were, until they are shown: a link is not a person who opens a host.
    pub(super) linked: StoredValue<BTreeSet<String>>,
    /// The short notices in the corner.
    pub(crate) toasts: RwSignal<Shelf>,
    /// What sign-ins wait for, the oldest first.
    pub(crate) questions: RwSignal<Vec<Question>>,
    /// What stands in the search field of every page.
    pub(crate) search: RwSignal<String>,
    /// How the list of hosts is sorted and folded.
    pub(crate) hosts_view: RwSignal<HostsView>,
    /// What was typed into a line of that list and not saved, while another page is shown.
    pub(crate) unsaved_line: StoredValue<Option<Unsaved>>,
    /// The chosen rows of each table of each host.
    pub(crate) rows_kept: StoredValue<BTreeMap<(&'static str, String), KeptRows>>,
    /// What there are notes on, and texts of notes that were begun.
    pub(crate) notes: Desk,
    pub(super) lines: StoredValue<Lines>,
    system_dark: RwSignal<bool>,
    listeners: StoredValue<Vec<MetricsListener>>,
    waiting: StoredValue<Vec<Event>>,
    /// The host whose units changed last, told anew at each change.
    pub(crate) services_changed: RwSignal<String>,
    /// When each host was heard of since the last flush.
    heard: StoredValue<BTreeMap<String, i64>>,
    serial: StoredValue<u64>,
    /// Hosts whose link was lost and is not back.
    pub(super) lost: StoredValue<BTreeSet<String>>,
    pub(super) i18n: I18n,
}

/// The state of the window; every component is below the one that provides it.
pub(crate) fn use_app() -> App {
    expect_context::<App>()
}

/// The language of the system, as the shell told the page before it began.
fn language_of_page() -> Option<String> {
    js_sys::Reflect::get(&window(), &"systemLanguage".into()).ok()?.as_string()
}

/// Milliseconds since 1970 UTC by this computer's clock.
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Offset of the reader's zone from UTC at a moment, in minutes.
pub(crate) fn zone_min(at_ms: i64) -> i32 {
    -(js_sys::Date::new(&(at_ms as f64).into()).get_timezone_offset() as i32)
}

impl App {
    /// Makes the state, provides it, and starts to read and to listen.
    pub(crate) fn provide() -> App {
        let app = App {
            facts: RwSignal::new(Load::Loading),
            settings: RwSignal::default(),
            counts: RwSignal::default(),
            log_record: RwSignal::default(),
            export: RwSignal::default(),
            hosts: RwSignal::new(Load::Loading),
            rows: RwSignal::default(),
            pulse: RwSignal::new(0),
            now_ms: RwSignal::new(now_ms()),
            open: RwSignal::default(),
            dialog: RwSignal::new(None),
            quitting: RwSignal::new(false),
            series: RwSignal::default(),
            asked_path: RwSignal::new(None),
            linked: StoredValue::new(BTreeSet::new()),
            toasts: RwSignal::default(),
            questions: RwSignal::default(),
            search: RwSignal::default(),
            hosts_view: RwSignal::default(),
            unsaved_line: StoredValue::default(),
            rows_kept: StoredValue::default(),
            notes: Desk::default(),
            lines: StoredValue::default(),
            system_dark: RwSignal::new(true),
            services_changed: RwSignal::default(),
            listeners: StoredValue::default(),
            waiting: StoredValue::default(),
            heard: StoredValue::default(),
            serial: StoredValue::new(0),
            lost: StoredValue::default(),
            i18n: use_i18n(),
        };
        provide_context(app);
        set_interval(move || renew(&app.now_ms, |now| *now = now_ms()), Duration::from_secs(1));
        app.follow_system_theme();
        app.remember_view();
        app.start();
        app
    }

    /// Reads what the first page needs; also the way to try again after it failed.
    pub(crate) fn start(self) {
        self.facts.set(Load::Loading);
        spawn_local(async move {
            match ipc::call(AppStart {}).await {
                Ok(facts) => {
                    self.settings.set(facts.settings.clone());
                    self.counts.set(facts.counts);
                    if !facts.locked && self.take_lines(facts.views.clone()) {
                        let line = self.kept_line(HOSTS_VIEW).unwrap_or_default();
                        let (view, search) = HostsView::parse_line(&line);
                        self.hosts_view.set(view);
                        self.search.set(search);
                    }
                    self.facts.set(Load::Ready(facts));
                    self.listen().await;
                    self.read_hosts().await;
                    // One that was asked before this window listened.
                    for question in ipc::call(QuestionsList {}).await.unwrap_or_default() {
                        self.question_asked(question);
                    }
                }
                Err(fault) => self.facts.set(Load::Failed(fault)),
            }
        });
    }

    /// How the list of hosts is filtered, sorted and folded is kept as that of other tables is.
    fn remember_view(self) {
        Effect::new(move |_| {
            let line = self.search.with(|text| self.hosts_view.with(|view| view.to_line(text)));
            self.keep_line(HOSTS_VIEW, line);
        });
        Effect::new(move |_| {
            if self.search.with(|text| text.trim().is_empty()) {
                self.hosts_view.maybe_update(HostsView::end_search);
            }
        });
    }

    async fn listen(self) {
        match ipc::watch(move |event| self.take(event)).await {
            // It lives as long as the page.
            Ok(watch) => std::mem::forget(watch),
            Err(fault) => self.complain(fault),
        }
    }

    async fn read_hosts(self) {
        match ipc::call(HostsList {}).await {
            Ok(list) => {
                self.take_rows(list);
                self.hosts.set(Load::Ready(()));
            }
            Err(fault) => self.hosts.set(Load::Failed(fault)),
        }
    }

    /// Reads the list of hosts again, in the background.
    pub(crate) fn refresh_hosts(self) {
        spawn_local(self.read_hosts());
    }

    fn take_rows(self, list: Vec<HostRow>) {
        self.rows.update(|rows| {
            let mut old = std::mem::take(rows);
            for row in list {
                let name = row.host.name.clone();
                let signal = match old.remove(&name) {
                    Some(signal) => {
                        if *signal.read_untracked() != row {
                            renew(&signal, |old| *old = row);
                        }
                        signal
                    }
                    None => ArcRwSignal::new(row),
                };
                rows.insert(name, signal);
            }
            // This computer is listed by the engine only once it was looked at.
            if let Some(local) = old.remove(LOCAL) {
                rows.insert(LOCAL.to_owned(), local);
            }
        });
        renew(&self.pulse, |pulse| *pulse = pulse.wrapping_add(1));
    }

    /// How a link stands now; tracks the time.
    pub(crate) fn standing(self, link: &LinkState) -> Standing {
        // With the time another interval comes into it soon enough.
        Standing::at(link, self.now_ms.get(), self.settings.read_untracked().interval_ms)
    }

    /// The row of a saved host; tracks whether it is there. Read the signal to track its numbers.
    pub(crate) fn row(self, name: &str) -> Option<ArcRwSignal<HostRow>> {
        self.rows.with(|rows| rows.get(name).cloned())
    }

    /// All rows by name; tracks which there are, not their numbers.
    pub(crate) fn rows(self) -> Vec<ArcRwSignal<HostRow>> {
        self.rows.with(|rows| rows.values().cloned().collect())
    }

    /// The names of all hosts, in order; tracks which there are.
    pub(crate) fn names(self) -> Vec<String> {
        self.rows.with(|rows| rows.keys().cloned().collect())
    }

    /// Forgets who read the rows of hosts that do not change, for a page that read many (`readers`).
    pub(crate) fn let_go_of_rows(self) {
        untrack(|| self.rows()).iter().for_each(|row| renew(row, |_| {}));
    }

    /// Tracks which hosts there are and every reading of their list anew, not their numbers.
    pub(crate) fn track_hosts(self) {
        self.rows.track();
    }

    fn take(self, event: Event) {
        if let Event::Metrics { host, received_ms, metrics } = event {
            let name = self.name_of(&host);
            let metrics = Arc::new(*metrics);
            let wanted: Vec<_> = self.listeners.with_value(|all| {
                all.iter().filter(|(_, host, _)| *host == name).map(|(_, _, call)| *call).collect()
            });
            for call in wanted {
                call.run((received_ms, metrics.clone()));
            }
            self.flush_soon();
            self.heard.update_value(|heard| {
                heard.insert(name, received_ms);
            });
            return;
        }
        self.flush_soon();
        self.waiting.update_value(|waiting| waiting.push(event));
    }

    /// Call it before the first thing that waits is put there.
    fn flush_soon(self) {
        if self.waiting.with_value(Vec::is_empty) && self.heard.with_value(BTreeMap::is_empty) {
            set_timeout(move || self.flush(), Duration::from_millis(100));
        }
    }

    fn flush(self) {
        let events = self.waiting.try_update_value(std::mem::take).unwrap_or_default();
        let mut changed = false;
        let (mut back, mut rebooted) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::HostsChanged {} => self.refresh_hosts(),
                Event::Link { host, state } => {
                    let name = self.name_of(&host);
                    if self.has_come_back(&name, &state) {
                        back.push(name);
                    }
                    changed |= self.change_row(&host, |row| row.link = state);
                }
                Event::Question { question } => self.question_asked(*question),
                Event::QuestionOver { id } => self.question_over(id),
                Event::LinksBehind { hosts, state, .. } => {
                    for host in hosts {
                        let name = self.name_of(&host);
                        if self.has_come_back(&name, &state) {
                            back.push(name);
                        }
                        changed |= self.change_row(&host, |row| row.link = state.clone());
                    }
                }
                Event::Rebooted { host, since_ms } => rebooted.push((self.name_of(&host), since_ms)),
                Event::Glance { host, glance } => {
                    changed |= self.change_row(&host, |row| {
                        standing::hear(&mut row.link, glance.at_ms);
                        row.last = Some(glance);
                    });
                }
                Event::Operations { counts, record } => {
                    renew(&self.counts, |now| *now = counts);
                    renew(&self.log_record, |now| *now = record);
                }
                Event::Export { ticket, report } => self.export.set(Some((ticket, report))),
                Event::Services { host } => self.services_changed.set(self.name_of(&host)),
                Event::Open { host } => {
                    self.asked_path.set(Some(crate::hosts::host_path(&host)));
                    if self.open.with_untracked(|open| !open.contains(&host)) {
                        self.linked.update_value(|linked| linked.extend([host]));
                    }
                }
                Event::Quitting {} => self.quitting.set(true),
                Event::Locked { locked: true } => {
                    self.dialog.set(None);
                    self.quitting.set(false);
                    self.toasts.update(Shelf::clear);
                    self.facts.update(|facts| {
                        if let Load::Ready(facts) = facts {
                            facts.locked = true;
                        }
                    });
                }
                // What happened meanwhile was not told: all is read anew.
                Event::Locked { locked: false } => self.start(),
                Event::Data { notices } => self.facts.update(|facts| {
                    if let Load::Ready(facts) = facts {
                        facts.notices = notices;
                    }
                }),
                Event::Secrets { state } => self.facts.update(|facts| {
                    if let Load::Ready(facts) = facts {
                        facts.keyring = state;
                    }
                }),
                Event::Metrics { .. } => {}
            }
        }
        for (name, at_ms) in self.heard.try_update_value(std::mem::take).unwrap_or_default() {
            if let Some(row) = self.rows.with_untracked(|rows| rows.get(&name).cloned()) {
                renew_if(&row, |row| standing::hear(&mut row.link, at_ms));
            }
        }
        self.tell_back(back);
        self.tell_rebooted(rebooted);
        if changed {
            renew(&self.pulse, |pulse| *pulse = pulse.wrapping_add(1));
        }
    }

    fn change_row(self, host: &str, change: impl FnOnce(&mut HostRow)) -> bool {
        let name = self.name_of(host);
        let row = self.rows.with_untracked(|rows| rows.get(&name).cloned());
        match row {
            Some(row) => {
                renew(&row, change);
                true
            }
            None => false,
        }
    }

    /// An event may name a host by its name or by its id.
    fn name_of(self, host: &str) -> String {
        self.rows.with_untracked(|rows| {
            if rows.contains_key(host) {
                return host.to_owned();
            }
            rows.iter()
                .find(|(_, row)| row.read_untracked().host.id == host)
                .map_or_else(|| host.to_owned(), |(name, _)| name.clone())
        })
    }

    /// Calls `on_sample` with each new sample of a host and the time it was received, until the
    /// component that asked is gone.
    pub(crate) fn on_metrics(
        self,
        host: String,
        on_sample: impl Fn(i64, Arc<Metrics>) + Send + Sync + 'static,
    ) {
        let id = self.next_serial();
        let call = Callback::new(move |(at_ms, metrics)| on_sample(at_ms, metrics));
        self.listeners.update_value(|all| all.push((id, host, call)));
        on_cleanup(move || {
            self.listeners.try_update_value(|all| all.retain(|(other, ..)| *other != id));
        });
    }

    pub(super) fn next_serial(self) -> u64 {
        self.serial
            .try_update_value(|serial| {
                *serial += 1;
                *serial
            })
            .unwrap_or_default()
    }

    /// Begins to connect; the state comes as events, a refusal as a toast.
    ///
    /// The row says so at once: the link to a next step that was just taken must not stand there
    /// until the first event.
    pub(crate) fn connect(self, host: &str) {
        let host = host.to_owned();
        let row = self.rows.with_untracked(|rows| rows.get(&host).cloned());
        let before = row.and_then(|row| {
            let link = row.read_untracked().link.clone();
            let ended = matches!(link, LinkState::Idle | LinkState::Failed { .. });
            ended.then(|| {
                row.update(|row| {
                    row.link =
                        LinkState::Connecting { step: LinkStep::Reaching, since_ms: now_ms(), hop: None };
                });
                (row, link)
            })
        });
        spawn_local(async move {
            if let Err(fault) = ipc::call(HostConnect { host }).await {
                if let Some((row, link)) = before {
                    row.update(|row| row.link = link);
                }
                self.complain(fault);
            }
        });
    }

    pub(crate) fn disconnect(self, host: &str) {
        let host = host.to_owned();
        spawn_local(async move {
            if let Err(fault) = ipc::call(HostDisconnect { host }).await {
                self.complain(fault);
            }
        });
    }

    /// Does what the link behind a reason offers.
    pub(crate) fn take_step(self, host: &str, step: NextStep) {
        // What is wrong with a jump host is mended there.
        let row = self.rows.with_untracked(|rows| rows.get(host).cloned());
        let hop = row.and_then(|row| row.read_untracked().link.fault()?.detail.hop.clone());
        let place = hop.unwrap_or_else(|| host.to_owned());
        self.take_step_at(host, place, step);
    }

    fn take_step_at(self, asked: &str, host: String, step: NextStep) {
        match step {
            NextStep::Connect | NextStep::Retry => self.connect(asked),
            NextStep::AcceptKey | NextStep::CompareKeys => {
                let asked = asked.to_owned();
                self.dialog.set(Some(OpenDialog::Trust { host, asked }));
            }
            NextStep::FixSignIn | NextStep::Edit | NextStep::MoveHelper => {
                self.dialog.set(Some(OpenDialog::HostEdit { host }));
            }
        }
    }

    /// Changes a setting at once, and takes it back if it cannot be saved.
    pub(crate) fn change_settings(self, change: impl FnOnce(&mut Settings)) {
        let before = self.settings.get_untracked();
        self.settings.update(change);
        let settings = self.settings.get_untracked();
        if settings == before {
            return;
        }
        spawn_local(async move {
            match ipc::call(SettingsSave { settings }).await {
                Ok(kept) => self.settings.set(kept),
                Err(fault) => {
                    self.settings.set(before);
                    self.complain(fault);
                }
            }
        });
    }

    /// The language to show: the chosen one, else the system's.
    pub(crate) fn locale(self) -> Locale {
        match self.settings.read().language {
            Language::English => Locale::en,
            Language::Chinese => Locale::zh_CN,
            Language::System => {
                let told = self.facts.with(|facts| facts.value().map(|facts| facts.system_language.clone()));
                // Where the engine did not start, its reason is said in the language that the shell told.
                let tag = told.or_else(language_of_page).unwrap_or_default();
                if tag.to_ascii_lowercase().starts_with("zh") { Locale::zh_CN } else { Locale::en }
            }
        }
    }

    /// True for the dark theme, as chosen or as the system has it.
    pub(crate) fn is_dark(self) -> bool {
        match self.settings.read().theme {
            Theme::Dark => true,
            Theme::Light => false,
            Theme::System => self.system_dark.get(),
        }
    }

    fn follow_system_theme(self) {
        use wasm_bindgen::prelude::*;
        let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") else { return };
        self.system_dark.set(query.matches());
        let changed = Closure::<dyn FnMut(web_sys::MediaQueryListEvent)>::new(
            move |event: web_sys::MediaQueryListEvent| {
                self.system_dark.set(event.matches());
            },
        );
        // A browser that cannot tell keeps what it said first.
        if query.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref()).is_ok() {
            changed.forget();
        }
    }

    /// Sets language and theme on the page itself, and again when they change.
    pub(crate) fn apply_to_page(self, i18n: I18n) {
        Effect::new(move |_| {
            let locale = self.locale();
            i18n.set_locale(locale);
            if let Some(root) = document().document_element() {
                let (lang, theme) = (
                    match locale {
                        Locale::en => "en",
                        Locale::zh_CN => "zh-CN",
                    },
                    if self.is_dark() { "dark" } else { "light" },
                );
                for (name, value) in [("lang", lang), ("data-theme", theme)] {
                    // Only a name that is not a name can be refused.
                    let _ = root.set_attribute(name, value);
                }
            }
        });
    }
}
