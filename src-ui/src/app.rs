//! Routes and frame: the rail, the bars and the dialogs that every page lies between.

use leptos::prelude::*;
use leptos_router::components::{A, ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::hooks::{use_location, use_navigate};
use leptos_router::path;
use protocol::text::printable;

use crate::components::{
    Badge, Button, ButtonKind, Empty, Failed, Glyph, Icon, IconName, KeyCap, MeterHatch, SearchInput, Skeleton,
};
use crate::hosts::{HostFrame, HostsPage, host_path};
use crate::operations::{HostOperationsPage, OperationsPage};
use crate::overview::OverviewPage;
use crate::services::{RunDialog, ServiceDialog, ServicesPage};
use crate::settings::SettingsPage;
use crate::sockets::SocketsPage;
use crate::state::standing::{self, Standing};
use crate::state::{App, OpenDialog, use_app};
use crate::text::{I18nContextProvider, count_words, fault_text, fault_title, t_string, use_i18n};

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
    view! {
        <MeterHatch />
        <Router>
            <div class="window">
                <Rail />
                <div class="content">
                    <Pages />
                </div>
                <StatusBar />
            </div>
            <Dialogs />
            <Toasts />
        </Router>
    }
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
            <Route path=path!("/hosts") view=HostsPage />
            <ParentRoute path=path!("/hosts/:name") view=HostFrame>
                <Route path=path!("") view=OverviewPage />
                <Route path=path!("sockets") view=SocketsPage />
                <Route path=path!("services") view=ServicesPage />
                <Route path=path!("operations") view=HostOperationsPage />
            </ParentRoute>
            <Route path=path!("/operations") view=OperationsPage />
            <Route path=path!("/settings") view=SettingsPage />
        </Routes>
    }
}

#[component]
fn Rail() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <nav class="rail" aria-label=move || t_string!(i18n, app.nav)>
            <ul>
                <li>
                    <A href="/hosts" attr:class="rail-link" attr:data-testid="nav-hosts">
                        <Icon name=IconName::Hosts />
                        <span class="rail-text">{move || t_string!(i18n, app.nav_hosts)}</span>
                    </A>
                </li>
            </ul>
        </nav>
    }
}

#[component]
fn StatusBar() -> impl IntoView {
    view! { <footer class="status"></footer> }
}

#[component]
fn Dialogs() -> impl IntoView {
    let app = use_app();
    move || {
        app.dialog.get().map(|dialog| match dialog {
            OpenDialog::Service { host, unit, action } => view! { <ServiceDialog host unit action /> }.into_any(),
            OpenDialog::Run { host } => view! { <RunDialog host /> }.into_any(),
            _ => ().into_any(),
        })
    }
}

#[component]
fn Toasts() -> impl IntoView {}

/// The bar at the top of every page: the search field, then the controls of the page.
#[component]
pub(crate) fn TopBar(children: Children) -> impl IntoView {
    view! { <header class="top">{children()}</header> }
}
