//! The page of the hosts: the list, what stands over it, and the page of a person who has none yet.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use protocol::hosts::LOCAL;

use super::bulk::ChosenHosts;
use super::list::{HostsTable, List, columns};
use super::{ImportOffer, host_path};
use crate::app::TopBar;
use crate::components::load::Load;
use crate::components::selection::Selection;
use crate::components::{
    Button, ButtonKind, ColumnChooser, CopyButton, Failed, IconName, Menu, MenuItem, Skeleton,
};
use crate::state::{OpenDialog, use_app};
use crate::text::{t_string, use_i18n};

#[component]
pub(crate) fn HostsPage() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let state = Memo::new(move |_| {
        app.hosts.with(|hosts| match hosts {
            Load::Ready(()) => Load::Ready(app.rows().is_empty()),
            Load::Loading => Load::Loading,
            Load::Failed(fault) => Load::Failed(fault.clone()),
        })
    });
    let some = move || state.with(|state| state.value() == Some(&false));
    let list = List::provide();
    let is_chosen = Memo::new(move |_| list.chosen.with(|chosen| !chosen.is_empty()));
    on_cleanup(move || app.let_go_of_rows());
    // What there are notes on changes with the hosts, and with the names of their groups.
    Effect::new(move |_| {
        app.track_hosts();
        app.notes.read();
    });
    let own = move || {
        view! {
            <Show when=some>
                <Menu
                    label=Signal::derive(move || t_string!(i18n, hosts.files).to_string())
                    items=Signal::derive(move || {
                        vec![
                            MenuItem::new("hosts-import", move || t_string!(i18n, hosts.import_menu).to_string(), move || {
                                app.dialog.set(Some(OpenDialog::HostsImport));
                            }),
                            MenuItem::new("hosts-export", move || t_string!(i18n, hosts.export_menu).to_string(), move || {
                                app.dialog.set(Some(OpenDialog::HostsExport));
                            }),
                        ]
                    })
                    testid="hosts-files"
                />
                <Button
                    icon=IconName::Plus
                    testid="hosts-add"
                    on_click=Callback::new(move |()| app.dialog.set(Some(OpenDialog::HostAdd)))
                >
                    {move || t_string!(i18n, hosts.add)}
                </Button>
            </Show>
        }
    };
    view! {
        <TopBar>
            <Show when=some>
                <Tools list />
            </Show>
            <Show when=move || is_chosen.get() fallback=own>
                <ChosenHosts
                    hosts=list.chosen
                    on_clear=Callback::new(move |()| list.selection.update(Selection::clear))
                />
            </Show>
        </TopBar>
        <main
            class="page"
            data-testid="page-hosts"
            data-ready=move || state.with(|state| state.value().is_some()).then_some("true")
        >
            {move || match state.get() {
                Load::Loading => view! { <Skeleton rows=14 /> }.into_any(),
                Load::Failed(fault) => {
                    view! {
                        <div class="page is-padded">
                            <Failed fault on_retry=Callback::new(move |()| app.refresh_hosts()) />
                        </div>
                    }
                        .into_any()
                }
                Load::Ready(true) => view! { <FirstStart /> }.into_any(),
                Load::Ready(false) => view! { <HostsTable list /> }.into_any(),
            }}
        </main>
    }
}

/// What every list has: which columns it shows, and the way to the clipboard.
#[component]
fn Tools(list: List) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <ColumnChooser columns=Signal::stored(columns(i18n)) shape=list.shape testid="hosts-columns" />
        <CopyButton
            label=Signal::derive(move || t_string!(i18n, tables.copy_text).to_owned())
            testid="hosts-copy"
            text=Signal::derive(move || list.as_text(&list.meant()))
            rows=Signal::derive(move || list.meant().len())
        />
        <Button
            kind=ButtonKind::Ghost
            small=true
            testid="hosts-copy-csv"
            label=Signal::derive(move || t_string!(i18n, tables.copy_csv).to_owned())
            on_click=Callback::new(move |()| list.copy_csv())
        >
            "CSV"
        </Button>
    }
}

/// Nothing is saved yet: what the program is for, and the two ways to begin.
#[component]
fn FirstStart() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let look_here = move |()| {
        app.add_local();
        navigate(&host_path(LOCAL), NavigateOptions::default());
    };
    view! {
        <div class="first" data-testid="first-start">
            <h1 class="first-title">{move || t_string!(i18n, hosts.first_title)}</h1>
            <p class="first-text">{move || t_string!(i18n, hosts.first_text)}</p>
            <div class="panel-buttons">
                <Button
                    kind=ButtonKind::Primary
                    testid="hosts-add"
                    on_click=Callback::new(move |()| app.dialog.set(Some(OpenDialog::HostAdd)))
                >
                    {move || t_string!(i18n, hosts.first_add)}
                </Button>
                <ImportOffer />
                <Button testid="hosts-local" on_click=Callback::new(look_here)>
                    {move || t_string!(i18n, hosts.first_local)}
                </Button>
            </div>
            <p class="field-hint">{move || t_string!(i18n, hosts.first_local_text)}</p>
        </div>
    }
}
