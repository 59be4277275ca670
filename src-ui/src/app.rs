//! Routes and frame: the rail, the bars and the dialogs that every page lies between.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::{A, ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::hooks::use_navigate;
use leptos_router::path;
use protocol::FaultCode;
use protocol::text::printable;
use wasm_bindgen::JsCast;

use crate::components::load::Load;
use crate::components::shelf::Shelf;
use crate::components::{
    Badge, Button, ButtonKind, Empty, Failed, Glyph, GlyphName, Icon, IconName, KeyCap, MeterHatch,
    SearchInput, Skeleton, Toasts, focus,
};
use crate::credentials::{KeyDialog, LockScreen, VaultDialog, watch_for_people};
use crate::hosts::{
    ExportDialog, HostForm, HostFrame, HostRemoveDialog, HostsEditDialog, HostsPage, HostsRemoveDialog,
    ImportDialog, Questions, host_path, table,
};
use crate::journal::JournalPage;
use crate::keys::KeysDialog;
use crate::notes::{NoteDialog, NotesPage};
use crate::operations::{HostOperationsPage, OperationsPage, VerifyDialog};
use crate::overview::{HelperRemoveDialog, OverviewPage};
use crate::processes::{ProcessesPage, SignalDialog, SignalsDialog};
use crate::quit::QuitDialog;
use crate::search::{SearchPalette, is_for_palette};
use crate::services::{RunDialog, ServiceDialog, ServicesDialog, ServicesPage};
use crate::settings::SettingsPage;
use crate::sockets::SocketsPage;
use crate::state::standing::{self, Standing};
use crate::state::{App, OpenDialog, own_locale, use_app};
use crate::text::{I18nContextProvider, count_words, notice_text, t_string, use_i18n};
use crate::trust::{TrustDialog, TrustPage};

/// Puts the window's content into the page.
pub(crate) fn start() {
    leptos::mount::mount_to_body(|| {
        view! {
            <I18nContextProvider set_lang_attr_on_html=false set_dir_attr_on_html=false>
                <Window />
            </I18nContextProvider>
        }
    });
}

#[component]
fn Window() -> impl IntoView {
    let app = App::provide();
    app.apply_to_page(use_i18n());
    let started = Memo::new(move |_| app.facts.with(|facts| facts.value().is_some()));
    let shut = Memo::new(move |_| {
        app.facts.with(|facts| match facts {
            Load::Ready(facts) => facts.locked,
            Load::Failed(fault) => fault.code == FaultCode::VaultLocked,
            Load::Loading => false,
        })
    });
    watch_for_people(app);
    view! {
        <MeterHatch />
        <Show when=move || shut.get()>
            <LockScreen />
        </Show>
        // What is behind the lock is not only hidden: it is not there.
        <Show when=move || !shut.get()>
        <Router>
            <GlobalKeys />
            <div class="window">
                <Rail />
                <div class="content">
                    <Show when=move || started.get() fallback=Starting>
                        <Notice />
                        <Pages />
                    </Show>
                </div>
                <StatusBar />
            </div>
            <Dialogs />
            // Over a form that is half filled: who stays goes on with it.
            <Show when=move || app.quitting.get()>
                <QuitDialog />
            </Show>
            <Questions />
            <Toasts />
        </Router>
        </Show>
    }
}

/// Before the first answer of the engine, or instead of all pages if it has none.
#[component]
fn Starting() -> impl IntoView {
    let app = use_app();
    move || {
        app.facts.with(|facts| match facts {
            Load::Failed(fault) => view! {
                <main class="page is-padded">
                    <Failed fault=fault.clone() on_retry=Callback::new(move |()| app.start()) />
                </main>
            }
            .into_any(),
            Load::Loading | Load::Ready(_) => view! {
                <header class="top"></header>
                <Skeleton rows=12 />
            }
            .into_any(),
        })
    }
}

/// What happened to the data, until the person has seen it; what comes later is shown again.
#[component]
fn Notice() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let seen = RwSignal::new(String::new());
    let notice = move || {
        let words = app.facts.with(|facts| {
            let words = |notice| notice_text(i18n, notice);
            facts.value().map(|facts| facts.notices.iter().map(words).collect::<Vec<_>>().join(" "))
        })?;
        (!words.is_empty() && seen.with(|seen| *seen != words)).then_some(words)
    };
    move || {
        notice().map(|notice| {
            let words = notice.clone();
            view! {
                <div class="bar is-warn" role="alert" data-testid="notice">
                    <Glyph name=GlyphName::Warning />
                    <span class="bar-why selectable">{notice}</span>
                    <span class="grow"></span>
                    <Button kind=ButtonKind::Link on_click=Callback::new(move |()| seen.set(words.clone()))>
                        {move || t_string!(i18n, app.close)}
                    </Button>
                </div>
            }
        })
    }
}

/// A page under an owner that has a signal of its own for the language.
macro_rules! page {
    ($i18n:ident, $page:ident) => {
        move || {
            own_locale($i18n);
            view! { <$page /> }
        }
    };
}

#[component]
fn Pages() -> impl IntoView {
    let i18n = use_i18n();
    let unknown = move || {
        view! {
            <main class="page is-padded">
                <Empty
                    title=Signal::derive(move || t_string!(i18n, app.page_unknown).to_string())
                    text=Signal::derive(move || t_string!(i18n, app.page_unknown_text).to_string())
                >
                    <A href="/hosts" attr:class="button">
                        {move || t_string!(i18n, app.to_hosts)}
                    </A>
                </Empty>
            </main>
        }
    };
    view! {
        <Routes fallback=unknown>
            <Route path=path!("/") view=|| view! { <Redirect path="/hosts" /> } />
            <Route path=path!("/index.html") view=|| view! { <Redirect path="/hosts" /> } />
            <Route path=path!("/hosts") view=page!(i18n, HostsPage) />
            <ParentRoute path=path!("/hosts/:name") view=page!(i18n, HostFrame)>
                <Route path=path!("") view=page!(i18n, OverviewPage) />
                <Route path=path!("processes") view=page!(i18n, ProcessesPage) />
                <Route path=path!("sockets") view=page!(i18n, SocketsPage) />
                <Route path=path!("services") view=page!(i18n, ServicesPage) />
                <Route path=path!("journal") view=page!(i18n, JournalPage) />
                <Route path=path!("operations") view=page!(i18n, HostOperationsPage) />
                <Route path=path!("notes") view=page!(i18n, NotesPage) />
            </ParentRoute>
            <Route path=path!("/operations") view=page!(i18n, OperationsPage) />
            <Route path=path!("/settings") view=page!(i18n, SettingsPage) />
            <Route path=path!("/components") view=components_page />
            <Route path=path!("/components/:part") view=components_page />
            <Route path=path!("/trust") view=page!(i18n, TrustPage) />
        </Routes>
    }
}

/// Every component in every state; what people install does not have it.
#[cfg(any(debug_assertions, feature = "gallery"))]
fn components_page() -> impl IntoView {
    view! { <crate::components::Gallery /> }
}

/// Paths that what people install does not have.
#[cfg(not(any(debug_assertions, feature = "gallery")))]
fn components_page() -> impl IntoView {
    view! { <Redirect path="/hosts" /> }
}

#[component]
fn Rail() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let unread = Signal::derive(move || app.counts.read().unread);
    let any_open = Memo::new(move |_| app.open.with(|open| !open.is_empty()));
    let open = move || app.open.get().into_iter().enumerate().collect::<Vec<_>>();
    let open_host = |(at, name)| {
        view! {
            <li>
                <OpenHost at name />
            </li>
        }
    };
    view! {
        <nav class="rail" aria-label=move || t_string!(i18n, app.nav)>
            <div class="brand">
                <Brand />
                <span>{move || t_string!(i18n, app.name)}</span>
            </div>
            <ul class="rail-links">
                <li>
                    <A
                        href="/hosts"
                        attr:class="rail-link"
                        attr:data-testid="nav-hosts"
                        attr:title=move || t_string!(i18n, app.nav_hosts)
                    >
                        <Icon name=IconName::Hosts />
                        <span class="rail-text">{move || t_string!(i18n, app.nav_hosts)}</span>
                    </A>
                </li>
                <li>
                    <A
                        href="/operations"
                        attr:class="rail-link"
                        attr:data-testid="nav-operations"
                        attr:title=move || t_string!(i18n, app.nav_operations)
                    >
                        <Icon name=IconName::Operations />
                        <span class="rail-text">{move || t_string!(i18n, app.nav_operations)}</span>
                        <Badge
                            count=unread
                            label=Signal::derive(move || t_string!(i18n, app.unread, count = unread.get()))
                            testid="badge-unread"
                        />
                    </A>
                </li>
                <li>
                    <A
                        href="/settings"
                        attr:class="rail-link"
                        attr:data-testid="nav-settings"
                        attr:title=move || t_string!(i18n, app.nav_settings)
                    >
                        <Icon name=IconName::Settings />
                        <span class="rail-text">{move || t_string!(i18n, app.nav_settings)}</span>
                    </A>
                </li>
            </ul>
            <Show when=move || any_open.get()>
                <h2 class="rail-title">{move || t_string!(i18n, app.open_hosts)}</h2>
                <ul class="rail-hosts">
                    <For
                        each=open
                        key=|(at, name)| (*at, name.clone())
                        children=open_host
                    />
                </ul>
            </Show>
        </nav>
    }
}

/// Nine dots in rank and file, one of them lit: the sign of the program.
#[component]
fn Brand() -> impl IntoView {
    let dots = (0..9)
        .map(|at| {
            let (x, y) = (at % 3, at / 3);
            view! {
                <circle
                    class=(at == 5).then_some("lit")
                    cx=format!("{}", 2.2 + f64::from(x) * 5.8)
                    cy=format!("{}", 2.2 + f64::from(y) * 5.8)
                    r="1.9"
                />
            }
        })
        .collect_view();
    view! { <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">{dots}</svg> }
}

#[component]
fn OpenHost(at: usize, name: String) -> impl IntoView {
    let app = use_app();
    let row = {
        let name = name.clone();
        Memo::new(move |_| app.row(&name).map(|row| app.standing(&row.read().link)))
    };
    let standing = Signal::derive(move || row.get().unwrap_or(Standing::Idle).into());
    let shortcut = (at < 9).then(|| format!("Alt {}", at + 1));
    let shown = printable(&name).into_owned();
    let title = shown.clone();
    view! {
        <A
            href=host_path(&name)
            attr:class="rail-host"
            attr:data-testid=format!("open-{name}")
            attr:title=title
        >
            <Glyph name=standing />
            <span class="cut grow">{shown}</span>
            {shortcut.map(|shortcut| view! { <span class="shortcut">{shortcut}</span> })}
        </A>
    }
}

#[component]
fn StatusBar() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let counts = Memo::new(move |_| {
        app.pulse.track();
        standing::counts(app.rows().iter().map(|row| app.standing(&row.read_untracked().link)))
    });
    let operator = move || {
        app.facts.with(|facts| {
            facts
                .value()
                .map(|facts| t_string!(i18n, app.signed_in, name = printable(&facts.operator).into_owned()))
        })
    };
    view! {
        <footer class="status" data-testid="status">
            <div class="status-counts">{move || {
                counts
                    .get()
                    .into_iter()
                    .map(|(standing, count)| {
                        view! {
                            <span class="status-count" data-testid=format!("count-{}", standing.name())>
                                <Glyph name=Signal::stored(standing.into()) size=10 />
                                {move || count_words(i18n, standing, count)}
                            </span>
                        }
                    })
                    .collect_view()
            }}</div>
            <span class="status-operator cut">{operator}</span>
        </footer>
    }
}

#[component]
fn Dialogs() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    move || {
        own_locale(i18n);
        app.dialog.get().map(|dialog| match dialog {
            OpenDialog::HostAdd => view! { <HostForm host=None /> }.into_any(),
            OpenDialog::HostEdit { host } => view! { <HostForm host=Some(host) /> }.into_any(),
            OpenDialog::HostRemove { host } => view! { <HostRemoveDialog host /> }.into_any(),
            OpenDialog::HostsEdit { hosts } => view! { <HostsEditDialog hosts /> }.into_any(),
            OpenDialog::HostsRemove { hosts } => view! { <HostsRemoveDialog hosts /> }.into_any(),
            OpenDialog::Note { about } => view! { <NoteDialog about /> }.into_any(),
            OpenDialog::Trust { host, asked } => view! { <TrustDialog host asked /> }.into_any(),
            OpenDialog::Service { host, unit, action } => {
                view! { <ServiceDialog host unit action /> }.into_any()
            }
            OpenDialog::Run { host, command, sudo } => {
                view! { <RunDialog host before=(command.unwrap_or_default(), sudo) /> }.into_any()
            }
            OpenDialog::HelperRemove { host } => view! { <HelperRemoveDialog host /> }.into_any(),
            OpenDialog::Signal { host, pid, start_ticks, name } => {
                view! { <SignalDialog host pid start_ticks name /> }.into_any()
            }
            OpenDialog::Signals { host, processes, left_out } => {
                view! { <SignalsDialog host processes left_out /> }.into_any()
            }
            OpenDialog::Services { host, units, action } => {
                view! { <ServicesDialog host units action /> }.into_any()
            }
            OpenDialog::Key { host } => view! { <KeyDialog host /> }.into_any(),
            OpenDialog::Vault { step } => view! { <VaultDialog step /> }.into_any(),
            OpenDialog::HostsImport => view! { <ImportDialog /> }.into_any(),
            OpenDialog::HostsExport => view! { <ExportDialog /> }.into_any(),
            OpenDialog::Keys => view! { <KeysDialog /> }.into_any(),
            OpenDialog::LogVerify => {
                let open = RwSignal::new(true);
                Effect::new(move |_| {
                    if !open.get() {
                        app.dialog.set(None);
                    }
                });
                view! { <VerifyDialog open /> }.into_any()
            }
            #[cfg(any(debug_assertions, feature = "gallery"))]
            OpenDialog::Gallery { which } => view! { <crate::components::GalleryOverlay which /> }.into_any(),
            OpenDialog::Search { text } => view! { <SearchPalette text /> }.into_any(),
        })
    }
}

const SEARCH_ID: &str = "search";

/// The bar at the top of every page: the search field, then the controls of the page.
///
/// The search narrows the list of hosts as you type; Enter goes to the host if only one is left.
#[component]
pub(crate) fn TopBar(#[prop(optional)] children: Option<Children>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let found = Memo::new(move |_| {
        let text = app.search.get();
        if text.trim().is_empty() {
            return None;
        }
        app.pulse.track();
        let mut sought = table::Sought::new(&text);
        let names: Vec<String> = app
            .rows()
            .iter()
            .filter(|row| sought.finds(&row.read_untracked()))
            .map(|row| row.read_untracked().host.name.clone())
            .collect();
        Some(names)
    });
    // A question over all hosts goes on in the palette, with what was typed so far.
    Effect::new(move |_| {
        let text = app.search.get();
        if is_for_palette(&text) {
            app.search.set(String::new());
            app.dialog.set(Some(OpenDialog::Search { text }));
        }
    });
    let on_enter = move |()| {
        let Some(names) = found.get_untracked() else { return };
        let typed = app.search.get_untracked();
        let one =
            names.iter().find(|name| name.eq_ignore_ascii_case(typed.trim())).or(match names.as_slice() {
                [one] => Some(one),
                _ => None,
            });
        match one {
            Some(name) => {
                let path = host_path(name);
                app.search.set(String::new());
                navigate(&path, NavigateOptions::default());
            }
            None => navigate("/hosts", NavigateOptions::default()),
        }
    };
    let aside = move || match found.get() {
        Some(names) => {
            let count = names.len() as u64;
            view! { <span data-testid="search-count">{t_string!(i18n, app.found, count = count)}</span> }
                .into_any()
        }
        None => view! {
            <button
                type="button"
                class="keycap-button"
                tabindex="-1"
                data-testid="search-all"
                aria-label=move || t_string!(i18n, search.title)
                on:click=move |_| app.dialog.set(Some(OpenDialog::Search { text: String::new() }))
            >
                <KeyCap key="Ctrl K" />
            </button>
        }
        .into_any(),
    };
    view! {
        <header class="top">
            <SearchInput
                value=app.search
                id=SEARCH_ID
                placeholder=Signal::derive(move || t_string!(i18n, app.search).to_string())
                testid="search"
                aside
                on_enter=Callback::new(on_enter)
            />
            <span class="grow"></span>
            {children.map(|children| children())}
        </header>
    }
}

/// Keys that work on every page, as long as no field and no dialog has the keyboard.
#[component]
fn GlobalKeys() -> impl IntoView {
    let app = use_app();
    let navigate = use_navigate();
    let go = navigate.clone();
    Effect::new(move |_| {
        let Some(path) = app.asked_path.get() else { return };
        // A link from outside takes nobody's form away, and nothing that is under way.
        if app.quitting.get()
            || app.dialog.with(|open| open.as_ref().is_some_and(OpenDialog::holds_something))
        {
            app.tell(|i18n| t_string!(i18n, app.link_waits).to_owned());
            return;
        }
        app.asked_path.set(None);
        app.dialog.set(None);
        go(&path, NavigateOptions::default());
    });
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let key = event.key();
        let dialog = app.dialog.with_untracked(Option::is_some) || app.quitting.get_untracked();
        if event.ctrl_key() && event.shift_key() && key.eq_ignore_ascii_case("l") {
            event.prevent_default();
            app.lock();
            return;
        }
        if event.ctrl_key() && key.eq_ignore_ascii_case("k") {
            event.prevent_default();
            if !dialog {
                app.dialog.set(Some(OpenDialog::Search { text: String::new() }));
            }
            return;
        }
        if event.ctrl_key() || event.meta_key() || dialog || typing(&event) {
            return;
        }
        if event.alt_key() {
            let at = key.parse::<usize>().ok().and_then(|digit| digit.checked_sub(1));
            let name = at.and_then(|at| app.open.with_untracked(|open| open.get(at).cloned()));
            if let Some(name) = name {
                event.prevent_default();
                navigate(&host_path(&name), NavigateOptions::default());
            }
            return;
        }
        match key.as_str() {
            "?" => {
                event.prevent_default();
                app.dialog.set(Some(OpenDialog::Keys));
            }
            "/" => {
                event.prevent_default();
                // The filter of the page, where it has one of its own.
                if !focus_first("[data-filter] input") {
                    focus_id(SEARCH_ID);
                }
            }
            // What the page did with it comes first: a selection is let go before a notice.
            "Escape" if !event.default_prevented() => {
                if let Some(newest) = app.toasts.with_untracked(Shelf::newest) {
                    app.dismiss(newest);
                }
            }
            _ => {}
        }
    });
    on_cleanup(move || handle.remove());
}

fn typing(event: &leptos::ev::KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

fn focus_id(id: &str) {
    focus_first(&format!("#{id}"));
}

fn focus_first(selector: &str) -> bool {
    let Ok(Some(element)) = document().query_selector(selector) else { return false };
    let Ok(element) = element.dyn_into::<web_sys::HtmlElement>() else { return false };
    focus(&element);
    true
}
