//! Remarks on an operation: those that are there, and a line to add one.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::OperationComment;
use protocol::operations::Comment;
use protocol::text::{printable, printable_lines};

use super::desk::Desk;
use crate::components::{Button, TextInput};
use crate::format;
use crate::ipc;
use crate::state::{use_app, zone_min};
use crate::text::{lang, t_string, use_i18n};

#[component]
pub(crate) fn Comments(desk: Desk, id: u64, comments: Vec<Comment>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let text = RwSignal::new(String::new());
    let is_busy = RwSignal::new(false);
    let add = move || {
        if is_busy.get_untracked() || text.with_untracked(|text| text.trim().is_empty()) {
            return;
        }
        is_busy.set(true);
        spawn_local(async move {
            match ipc::call(OperationComment { id, text: text.get_untracked() }).await {
                Ok(operation) => {
                    text.try_set(String::new());
                    desk.renew(operation);
                }
                Err(fault) => app.complain(fault),
            }
            is_busy.try_set(false);
        });
    };
    let said = comments.into_iter().map(|comment| {
        let (by, shown) = (printable(&comment.by).into_owned(), printable_lines(&comment.text).into_owned());
        let at = move || format::date_time(comment.at_ms, zone_min(comment.at_ms), lang(i18n));
        view! {
            <div class="comment" data-testid="operations-comment-said">
                <p class="quiet">{by} ", " {at}</p>
                <p class="comment-text selectable">{shown}</p>
            </div>
        }
    });
    view! {
        <h3>{move || t_string!(i18n, operations.comments)}</h3>
        {said.collect_view()}
        <div class="comment-add">
            <TextInput
                value=text
                testid="operations-comment"
                label=Signal::derive(move || t_string!(i18n, operations.comment_add).to_owned())
                placeholder=Signal::derive(move || t_string!(i18n, operations.comment_hint).to_owned())
                on_key=Callback::new(move |event: leptos::ev::KeyboardEvent| {
                    if event.key() == "Enter" {
                        event.prevent_default();
                        add();
                    }
                })
            />
            <Button
                testid="operations-comment-add"
                disabled=Signal::derive(move || is_busy.get() || text.with(|text| text.trim().is_empty()))
                on_click=Callback::new(move |()| add())
            >
                {move || t_string!(i18n, operations.comment_add)}
            </Button>
        </div>
    }
}
