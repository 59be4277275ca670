//! What lies over a page or at its side: menus, dialogs, the panel of a row, the bar of chosen rows.

use leptos::prelude::*;
use protocol::operations::OperationResult;

use super::actions::{GalleryDialog, records};
use super::words;
use crate::components::{
    Button, ButtonKind, ChosenBar, Facts, Menu, MenuItem, SidePanel, SideSection, Tag, TagKind,
};
use crate::state::{OpenDialog, use_app};

#[component]
pub(super) fn GalleryOverlays() -> impl IntoView {
    let results = [
        (OperationResult::Done, Some(0)),
        (OperationResult::Failed, Some(1)),
        (OperationResult::OutcomeUnknown, None),
    ];
    view! {
        <main class="page gallery" data-testid="gallery-overlays" data-ready="true">
            <section>
                <Dialogs />
                <Menus />
                <h2>"Records: done, failed, not known, not written down"</h2>
                <div class="gallery-records">{results.map(records).into_iter().collect_view()}</div>
            </section>
            <section>
                <Panels />
            </section>
        </main>
    }
}

#[component]
fn Dialogs() -> impl IntoView {
    let app = use_app();
    let button = move |testid: &'static str, text: &'static str, dialog: OpenDialog| {
        let open = move |()| app.dialog.set(Some(dialog.clone()));
        view! { <Button testid on_click=Callback::new(open)>{text}</Button> }
    };
    let own = GalleryDialog::ALL
        .map(|(which, testid, text)| button(testid, text, OpenDialog::Gallery { which }))
        .into_iter()
        .collect_view();
    view! {
        <h2>"Dialogs: a press opens each, Esc closes it and gives the keyboard back"</h2>
        <p class="gallery-line">{own}</p>
        <h2>"Of the window: the palette, its keys, the question before it ends"</h2>
        <p class="gallery-line">
            {button("gallery-open-palette", "Palette", OpenDialog::Search { text: String::new() })}
            {button("gallery-open-keys", "Keys", OpenDialog::Keys)}
            <Button testid="gallery-ask-quit" on_click=Callback::new(move |()| app.quitting.set(true))>"Quit"</Button>
        </p>
    }
}

#[component]
fn Menus() -> impl IntoView {
    let chosen = RwSignal::new("nothing");
    let items = vec![
        MenuItem::new("gallery-menu-key", || "Host key...".to_owned(), move || chosen.set("the key")),
        MenuItem::new("gallery-menu-edit", || "Edit...".to_owned(), move || chosen.set("to edit")),
        MenuItem::new("gallery-menu-remove", || "Remove...".to_owned(), move || chosen.set("to remove")),
    ];
    view! {
        <h2>"Menu: opens on a press, arrows move, Esc closes it"</h2>
        <p class="gallery-line is-right">
            <span class="dim">"Chosen: " {move || chosen.get()}</span>
            <Menu label=words("More") items=Signal::stored(items) testid="gallery-menu" />
        </p>
        <h2>"Several rows are chosen"</h2>
        <ChosenBar label=words("What can be done") words=words("3 rows chosen") on_clear=Callback::new(|()| {})>
            <Button>"Restart..."</Button>
            <Button kind=ButtonKind::Danger>"Stop..."</Button>
        </ChosenBar>
    }
}

#[component]
fn Panels() -> impl IntoView {
    let facts = || {
        vec![
            ("User", Some("www-data".to_owned())),
            ("Unit", Some("nginx.service".to_owned())),
            ("Started", Some("3 Nov 14:31".to_owned())),
            ("Nice", None),
        ]
    };
    let foot = || {
        view! {
            <Button>"Send a signal..."</Button>
            <Button kind=ButtonKind::Danger>"Kill..."</Button>
        }
    };
    let some = |text: &str| Signal::stored(Some(text.to_owned()));
    view! {
        <h2>"A row in full, at the side of its table"</h2>
        <div class="gallery-panel">
            <SidePanel
                title=words("nginx: worker process")
                mono=true
                beside=some("PID 4711")
                note=some("Child of nginx: master process")
                cursor=RwSignal::new(None)
                testid="gallery-panel"
                close_testid="gallery-panel-close"
                foot=Some(ViewFn::from(foot))
            >
                <SideSection>
                    <Facts facts=facts() />
                </SideSection>
                <SideSection title="Command line" copy="nginx -g 'daemon off;'">
                    <code class="block mono">"nginx -g 'daemon off;'"</code>
                </SideSection>
            </SidePanel>
        </div>
        <h2>"The same for a row that is gone by now"</h2>
        <div class="gallery-panel">
            <SidePanel
                title=words("rsync")
                warning=some("It has ended.")
                cursor=RwSignal::new(None)
                testid="gallery-panel-gone"
                close_testid="gallery-panel-gone-close"
            >
                <SideSection title="Sockets">
                    <p class="dim">"None." " " <Tag kind=TagKind::Quiet text=words("as of 14:31") /></p>
                </SideSection>
            </SidePanel>
        </div>
    }
}
