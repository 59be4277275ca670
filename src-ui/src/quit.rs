//! The question before the app ends while something that was begun still runs: what runs, and how much of it has
//! not begun.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{AppQuit, OperationsList};
use protocol::operations::{OperationFilter, OperationResult};
use protocol::text::printable;

use crate::components::{Button, ButtonKind, Dialog, Glyph, GlyphName};
use crate::ipc;
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

/// Operations that are named; of the others it is said that there are some.
const NAMED: u32 = 8;

#[component]
pub(crate) fn QuitDialog() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let running = RwSignal::new(Vec::new());
    let others = RwSignal::new(false);
    let to_come = Memo::new(move |_| app.to_come() as u64);
    spawn_local(async move {
        let filter = OperationFilter {
            result: Some(OperationResult::UnderWay),
            limit: Some(NAMED),
            ..OperationFilter::default()
        };
        if let Ok(page) = ipc::call(OperationsList { filter }).await {
            others.try_set(page.next.is_some());
            running.try_set(page.operations);
        }
    });
    let lines = move || {
        let line = |operation: protocol::operations::Operation| {
            let host = operation.host.map(|host| host.name).unwrap_or_default();
            let what = if operation.command.is_empty() { operation.target } else { operation.command };
            view! {
                <li class="cut">
                    <Glyph name=GlyphName::Connecting />
                    " "
                    <span class="strong">{printable(&host).into_owned()}</span>
                    " "
                    <code class="mono">{printable(&what).into_owned()}</code>
                </li>
            }
        };
        running.get().into_iter().map(line).collect_view()
    };
    let quit = move |()| {
        spawn_local(async move {
            if let Err(fault) = ipc::call(AppQuit {}).await {
                app.complain(fault);
            }
        });
    };
    let foot = move || {
        view! {
            <span class="grow"></span>
            <Button testid="quit-stay" on_click=Callback::new(move |()| app.quitting.set(false))>
                {move || t_string!(i18n, app.quit_stay)}
            </Button>
            <Button kind=ButtonKind::Danger testid="quit-do" on_click=Callback::new(quit)>
                {move || t_string!(i18n, app.quit_do)}
            </Button>
        }
    };
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, app.quit_title).to_owned())
            on_close=Callback::new(move |()| app.quitting.set(false))
            testid="quit"
            foot=ViewFn::from(foot)
        >
            <p class="quiet">{move || t_string!(i18n, app.quit_text)}</p>
            <ul class="side-list" data-testid="quit-running">{lines}</ul>
            <Show when=move || others.get()>
                <p class="quiet">{move || t_string!(i18n, app.quit_others)}</p>
            </Show>
            <Show when=move || to_come.get() != 0>
                <p data-testid="quit-to-come">{move || t_string!(i18n, app.quit_to_come, count = to_come.get())}</p>
            </Show>
        </Dialog>
    }
}
