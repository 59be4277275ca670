//! The frame around one host: its head, its tabs, and the view that is chosen.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::{A, Outlet};
use leptos_router::hooks::use_params_map;
use protocol::hosts::{Host, HostRow, LOCAL};
use protocol::ipc::OperationsCounts;
use protocol::link::LinkState;
use protocol::services::ServiceAction;
use protocol::sockets::endpoint;
use protocol::text::printable;

use super::host_path;
use super::jump::chain;
use crate::app::TopBar;
use crate::components::{
    Button, ButtonKind, Empty, Failed, Glyph, IconName, Menu, MenuItem, Tab, Tabs, Tag, of_host,
};
use crate::ipc;
use crate::state::standing::{NextStep, Standing, Tone, next_step, seen_ms};
use crate::state::{OpenDialog, use_app};
use crate::text::{I18n, link_words_aged, next_step_words, retry_words, t_string, use_i18n};
use crate::trust::MachineBar;

/// The host that the page is about; provided by the frame.
#[derive(Clone, Copy)]
pub(crate) struct HostContext {
    pub(crate) name: Signal<String>,
    /// `None` if no host of that name is saved.
    pub(crate) row: Signal<Option<HostRow>>,
}

impl HostContext {
    /// True while the link is up; changes only when that changes.
    pub(crate) fn is_live(self) -> Memo<bool> {
        Memo::new(move |_| self.row.with(|row| row.as_ref().is_some_and(|row| row.link.is_live())))
    }

    /// True while samples come; a link that is up may still have fallen silent.
    pub(crate) fn is_fresh(self) -> Memo<bool> {
        let app = use_app();
        Memo::new(move |_| {
            self.row.with(|row| row.as_ref().is_some_and(|row| app.standing(&row.link) == Standing::Live))
        })
    }

    pub(crate) fn link(self) -> Memo<LinkState> {
        Memo::new(move |_| self.row.with(|row| row.as_ref().map_or(LinkState::Idle, |row| row.link.clone())))
    }
}

/// The host of the page; only below `HostFrame`.
pub(crate) fn use_host() -> HostContext {
    expect_context::<HostContext>()
}

#[component]
pub(crate) fn HostFrame() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    let row = Memo::new(move |_| app.row(&name.get()).map(|row| row.get()));
    provide_context(HostContext { name: name.into(), row: row.into() });

    let known = Memo::new(move |_| row.with(Option::is_some));
    let read = Memo::new(move |_| app.hosts.with(|hosts| hosts.value().is_some()));
    Effect::new(move |before: Option<String>| {
        let name = name.get();
        if let Some(before) = before.filter(|before| *before != name) {
            app.forget_link(&before);
        }
        if name == LOCAL && read.get() && !known.get() {
            app.add_local();
        }
        // Opening a host is asking for it: it is connected to once, not again after a person let go.
        if known.get() && app.open_host(&name) {
            let idle = row.with_untracked(|row| row.as_ref().is_some_and(|row| row.link == LinkState::Idle));
            if idle {
                app.connect(&name);
            }
        }
        name
    });
    on_cleanup(move || {
        if let Some(name) = name.try_get_untracked() {
            app.forget_link(&name);
        }
    });
    let gone = move || {
        view! {
            <main class="page is-padded">
                <Empty
                    title=Signal::derive(move || {
                        let name = name.get();
                        t_string!(i18n, app.host_gone, name = printable(&name).into_owned())
                    })
                    text=Signal::derive(move || t_string!(i18n, app.host_gone_text).to_string())
                >
                    <A href="/hosts" attr:class="button">
                        {move || t_string!(i18n, app.to_hosts)}
                    </A>
                </Empty>
            </main>
        }
    };
    view! {
        <TopBar />
        <Show when=move || known.get() fallback=move || read.get().then(gone)>
            <HostHead />
            <HostTabs />
            <LinkFault />
            <MachineBar />
            // Another host is another page: nothing of the one before may stay.
            {move || {
                name.track();
                view! { <Outlet /> }
            }}
        </Show>
    }
}

#[component]
fn HostHead() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let link = host.link();
    let standing = Memo::new(move |_| link.with(|link| app.standing(link)));
    let heard = move || host.row.with(|row| row.as_ref().and_then(seen_ms));
    let words = move || link_words_aged(i18n, &link.get(), standing.get(), heard(), app.now_ms.get());
    let step = Memo::new(move |_| next_step(&link.get()));
    let address = move || {
        host.row.with(|row| {
            row.as_ref().map(|row| {
                if row.host.is_local() {
                    t_string!(i18n, app.this_computer).to_string()
                } else {
                    printable(&endpoint(&row.host.address, row.host.port)).into_owned()
                }
            })
        })
    };
    let way = Memo::new(move |_| {
        let saved = host.row.with(|row| row.as_ref().map(|row| row.host.clone()))?;
        let names = chain(&saved, |name| Some(app.row(name)?.read_untracked().host.clone()));
        let shown = names.iter().map(|name| printable(name).into_owned()).collect::<Vec<_>>().join(" → ");
        (!names.is_empty()).then(|| t_string!(i18n, hosts.via, chain = shown))
    });
    let of_host = move |pick: fn(&Host) -> Vec<String>| {
        host.row.with(|row| row.as_ref().map(|row| pick(&row.host)).unwrap_or_default())
    };
    let tone = move || match standing.get().tone() {
        Tone::Quiet => "host-state",
        Tone::Warn => "host-state is-warn",
        Tone::Crit => "host-state is-crit",
    };
    let live = host.is_live();
    view! {
        <header class="host-head">
            <Glyph name=Signal::derive(move || standing.get().into()) size=14 />
            <h1 class="host-name cut" data-testid="host-name">{move || printable(&host.name.get()).into_owned()}</h1>
            <span class="mono quiet selectable">{address}</span>
            {move || {
                way.get().map(|way| view! { <span class="dim cut" data-testid="host-way">{way}</span> })
            }}
            {move || {
                of_host(|host| host.tags.clone())
                    .into_iter()
                    .map(|tag| view! { <Tag text=printable(&tag).into_owned() /> })
                    .collect_view()
            }}
            {move || {
                of_host(|host| host.groups.clone())
                    .into_iter()
                    .map(|group| view! { <span class="dim cut">{printable(&group).into_owned()}</span> })
                    .collect_view()
            }}
            <span class="divider"></span>
            <span
                class=tone
                data-testid="host-state"
                data-state=move || standing.get().name()
            >
                <span class="cut">{words}</span>
                {move || {
                    retry_words(i18n, &link.get(), app.now_ms.get())
                        .map(|words| view! { <span class="dim">" · " {words}</span> })
                }}
            </span>
            {move || {
                step.get()
                    .map(|step| {
                        view! {
                            <Button
                                kind=ButtonKind::Link
                                testid="host-next-step"
                                on_click=Callback::new(move |()| app.take_step(&host.name.get_untracked(), step))
                            >
                                {move || next_step_words(i18n, step)}
                            </Button>
                        }
                    })
            }}
            <span class="grow"></span>
            <Button
                icon=IconName::Terminal
                testid="host-run"
                disabled=Signal::derive(move || !live.get())
                on_click=Callback::new(move |()| {
                    app.dialog.set(Some(OpenDialog::run(host.name.get_untracked())));
                })
            >
                {move || t_string!(i18n, app.run)}
            </Button>
            <Button
                icon=IconName::Restart
                testid="host-restart"
                disabled=Signal::derive(move || !live.get())
                on_click=Callback::new(move |()| {
                    app.dialog
                        .set(
                            Some(OpenDialog::Service {
                                host: host.name.get_untracked(),
                                unit: None,
                                action: ServiceAction::Restart,
                            }),
                        );
                })
            >
                {move || t_string!(i18n, app.restart)}
            </Button>
            <HostMenu />
        </header>
    }
}

/// What is needed seldom: connection, fields, key, removal.
#[component]
fn HostMenu() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let link = host.link();
    let idle = Memo::new(move |_| matches!(link.get(), LinkState::Idle | LinkState::Failed { .. }));
    let local = Memo::new(move |_| host.name.with(|name| name == LOCAL));
    let open =
        move |dialog: fn(String) -> OpenDialog| app.dialog.set(Some(dialog(host.name.get_untracked())));
    let items = move || {
        let link = if idle.get() {
            MenuItem::new(
                "host-connect",
                move || t_string!(i18n, app.connect).to_string(),
                move || {
                    app.connect(&host.name.get_untracked());
                },
            )
        } else {
            MenuItem::new(
                "host-disconnect",
                move || t_string!(i18n, app.disconnect).to_string(),
                move || {
                    app.disconnect(&host.name.get_untracked());
                },
            )
        };
        let mut items = vec![link];
        if !local.get() {
            items.push(MenuItem::new(
                "host-key",
                move || t_string!(i18n, app.show_key).to_string(),
                move || {
                    open(|host| OpenDialog::Trust { asked: host.clone(), host });
                },
            ));
            items.push(MenuItem::new(
                "host-key-set-up",
                move || t_string!(i18n, app.set_up_key).to_string(),
                move || {
                    open(|host| OpenDialog::Key { host });
                },
            ));
            items.push(MenuItem::new(
                "host-terminal",
                move || t_string!(i18n, app.open_terminal).to_string(),
                move || {
                    app.open_terminal(&host.name.get_untracked());
                },
            ));
            items.push(MenuItem::new(
                "host-copy-ssh",
                move || t_string!(i18n, app.copy_ssh).to_string(),
                move || {
                    app.copy_ssh(&host.name.get_untracked());
                },
            ));
            items.push(MenuItem::new(
                "host-edit",
                move || t_string!(i18n, app.edit).to_string(),
                move || {
                    open(|host| OpenDialog::HostEdit { host });
                },
            ));
            items.push(MenuItem::new(
                "host-remove",
                move || t_string!(i18n, app.remove).to_string(),
                move || {
                    open(|host| OpenDialog::HostRemove { host });
                },
            ));
        }
        items
    };
    view! {
        <Menu
            label=Signal::derive(move || t_string!(i18n, app.more).to_string())
            items=Signal::derive(items)
            testid="host-more"
        />
    }
}

/// Why the link failed and what to do, above whatever the view still has from before.
#[component]
fn LinkFault() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let host = use_host();
    let link = host.link();
    // Where nothing was ever read, the view itself says why in its place.
    let has_data =
        Memo::new(move |_| host.row.with(|row| row.as_ref().is_some_and(|row| row.last.is_some())));
    let fault = Memo::new(move |_| match link.get() {
        LinkState::Failed { fault, .. } if has_data.get() => Some(*fault),
        LinkState::Idle
        | LinkState::Connecting { .. }
        | LinkState::Live { .. }
        | LinkState::Lost { .. }
        | LinkState::Failed { .. } => None,
    });
    let step = Memo::new(move |_| next_step(&link.get()).filter(|step| *step != NextStep::Retry));
    let act = move || {
        step.get().map(|step| {
            let take = move |()| app.take_step(&host.name.get_untracked(), step);
            view! {
                <Button kind=ButtonKind::Primary testid="fault-next-step" on_click=Callback::new(take)>
                    {move || next_step_words(i18n, step)}
                </Button>
            }
        })
    };
    move || {
        fault.get().map(|fault| {
            let retry = Callback::new(move |()| app.connect(&host.name.get_untracked()));
            view! {
                <div class="link-fault">
                    <Failed fault bare=true on_retry=retry>
                        {act}
                    </Failed>
                </div>
            }
        })
    }
}

/// How many operations of the host are unread; follows every change of the log.
fn unread_of(host: HostContext) -> Signal<u64> {
    let app = use_app();
    let unread = RwSignal::new(0);
    Effect::new(move |_| {
        let name = host.name.get();
        app.counts.track();
        app.log_record.track();
        spawn_local(async move {
            // A log that cannot be read is told on its page.
            if let Ok(counts) = ipc::call(OperationsCounts { host: name.clone() }).await
                && host.name.try_get_untracked() == Some(name)
            {
                unread.try_set(counts.unread);
            }
        });
    });
    unread.into()
}

#[component]
fn HostTabs() -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let unread = unread_of(host);
    let unread_words = Signal::derive(move || t_string!(i18n, app.unread, count = unread.get()));
    let tab = |path, testid, words: fn(I18n) -> &'static str| {
        Tab::new(path, testid, move || words(i18n).to_owned())
    };
    let tabs = vec![
        tab("", "tab-overview", |i18n| t_string!(i18n, app.tab_overview)),
        tab("processes", "tab-processes", |i18n| t_string!(i18n, app.tab_processes)),
        tab("sockets", "tab-sockets", |i18n| t_string!(i18n, app.tab_sockets)),
        tab("services", "tab-services", |i18n| t_string!(i18n, app.tab_services)),
        tab("journal", "tab-journal", |i18n| t_string!(i18n, app.tab_journal)),
        tab("operations", "tab-operations", |i18n| t_string!(i18n, app.tab_operations))
            .counting(unread, unread_words),
        tab("notes", "tab-notes", |i18n| t_string!(i18n, app.tab_notes)),
    ];
    view! {
        <Tabs
            label=of_host(move |host| t_string!(i18n, app.tabs, name = host))
            base=Signal::derive(move || host_path(&host.name.get()))
            tabs
        />
    }
}
